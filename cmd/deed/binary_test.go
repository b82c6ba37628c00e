package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the real program, built once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "deed-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "deed")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is a running deed.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  map[string]any // its line of JSON
	stderr *lockedBuffer
	done   chan struct{}
	err    error // of Wait, once done is closed
}

type lockedBuffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{} // closed and replaced by each Write
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.b.Write(p)
}

// await gives what was written once it holds text.
func (l *lockedBuffer) await(t *testing.T, text string) string {
	t.Helper()
	for {
		l.mu.Lock()
		if l.more == nil {
			l.more = make(chan struct{})
		}
		got, more := l.b.String(), l.more
		l.mu.Unlock()
		if strings.Contains(got, text) {
			return got
		}
		select {
		case <-more:
		case <-time.After(20 * time.Second):
			t.Fatalf("%q was not written; this was:\n%s", text, got)
		}
	}
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// cleanEnv is the environment without settings of ours.
func cleanEnv(extra ...string) []string {
	env := []string{}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DEED_") {
			env = append(env, kv)
		}
	}
	return append(env, extra...)
}

// start runs deed with args until its ready line; the test's end kills it.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(path, args...), stderr: &lockedBuffer{}, done: make(chan struct{})}
	p.cmd.Env = cleanEnv()
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = p.stderr
	pipe, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(pipe)
	line, readErr := r.ReadBytes('\n')
	go func() {
		defer close(p.done)
		_, _ = io.Copy(io.Discard, r)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("standard error of deed %s:\n%s", strings.Join(args, " "), p.stderr)
		}
	})
	if readErr != nil {
		<-p.done
		t.Fatalf("deed %s: no ready line: %v\n%s", strings.Join(args, " "), readErr, p.stderr)
	}
	if err := json.Unmarshal(line, &p.ready); err != nil {
		t.Fatalf("ready line %q: %v", line, err)
	}
	return p
}

// stop sends SIGTERM and gives the exit code.
func (p *process) stop() int {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// field is a string of the ready line.
func (p *process) field(name string) string {
	p.t.Helper()
	s, ok := p.ready[name].(string)
	if !ok {
		p.t.Fatalf("the ready line has no %q: %v", name, p.ready)
	}
	return s
}

// tool runs deed with args to its end.
func tool(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = cleanEnv(), dir, &out, &errs
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer is an HTTP response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes one HTTP request; body is sent as it is.
func call(t *testing.T, method, url, key, body string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-DC-DEVKEY", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// dig walks a JSON body by keys and indexes; it fails the test when the path
// is not there.
func dig(t *testing.T, body string, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("no %q in %s", s, body)
			}
			if v, ok = m[s]; !ok {
				t.Fatalf("no %q in %s", s, body)
			}
		case int:
			l, ok := v.([]any)
			if !ok || s >= len(l) {
				t.Fatalf("no [%d] in %s", s, body)
			}
			v = l[s]
		}
	}
	return v
}
