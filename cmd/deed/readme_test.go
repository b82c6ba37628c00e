package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// block is a fenced part of the README: lines to paste, or what they print.
type block struct {
	lang, text string
	line       int
}

func blocks(t *testing.T, path string) []block {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	open := false
	for i, line := range strings.Split(string(b), "\n") {
		switch {
		case !open && strings.HasPrefix(line, "```"):
			open = true
			out = append(out, block{lang: strings.TrimPrefix(line, "```"), line: i + 1})
		case strings.HasPrefix(line, "```"):
			open = false
		case open:
			out[len(out)-1].text += line + "\n"
		}
	}
	return out
}

// server matches the lines that start something that stays.
var server = regexp.MustCompile(`(?m)^(go run \./cmd/deed sandbox|deed serve)([^#\n]*).*$`)

// shell runs the README's lines in one shell, as a newcomer pastes them.
type shell struct {
	t    *testing.T
	root string
	dir  string
	port string
}

// run pastes the script and gives what was on standard output between marks.
// What differs from a person's terminal: servers start in the background, and
// a free port takes the place of the default one.
func (x *shell) run(script string) (string, string) {
	x.t.Helper()
	script = strings.ReplaceAll(script, "127.0.0.1:8080", x.port)
	var prelude = fmt.Sprintf(`set -u
go() { (cd %q && command go "$@"); }
wait_ready() { for _ in $(seq 300); do [ -s "$1" ] && return; read -t 0.1 <> <(:) || :; done; echo "not ready"; exit 1; }
`, x.root)
	ctx, cancel := context.WithTimeout(x.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+script)
	cmd.Dir = x.dir
	cmd.Env = append(cleanEnv("DEED_LISTEN="+x.port, "DEED_METRICS_LISTEN=off", "GOBIN="+filepath.Join(x.dir, "bin")),
		"PATH="+filepath.Join(x.dir, "bin")+":"+os.Getenv("PATH"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	// The shell and what it leaves behind are one group, ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	if err != nil {
		x.t.Errorf("the lines fail: %v\n%s\n%s", err, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// freePort is an address that nothing listened on a moment ago.
func freePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// shows compares what was printed with what the README shows, where … stands
// for anything.
func shows(want, got string) bool {
	parts := strings.Split(strings.TrimSpace(want), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `.*`) + `\s*$`).MatchString(strings.TrimSpace(got))
}

func TestShowsCanFail(t *testing.T) {
	for _, row := range []struct {
		name, want, got string
		ok              bool
	}{
		{"the same", `{"a":1}`, `{"a":1}`, true},
		{"a mask stands for a value", `{"a":"…","b":2}`, `{"a":"xyz","b":2}`, true},
		{"what is shown must be there", `{"a":"…","b":2}`, `{"a":"xyz","b":3}`, false},
		{"nothing may follow unless masked", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"punctuation is not a pattern", `a.c`, `abc`, false},
	} {
		if shows(row.want, row.got) != row.ok {
			t.Errorf("%s: shows(%q, %q) = %v", row.name, row.want, row.got, !row.ok)
		}
	}
}

// TestReadmeAsPrinted pastes every line of the README, in its order, and
// compares what comes with what the README shows.
func TestReadmeAsPrinted(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	all := blocks(t, filepath.Join(root, "README.md"))
	if len(all) < 10 || all[0].lang != "sh" || !strings.HasPrefix(all[0].text, "go run ./cmd/deed sandbox ") ||
		!strings.Contains(all[0].text, "\nmake test ") || strings.Count(all[0].text, "\n") != 2 {
		t.Fatal("the README does not open with its two commands")
	}
	path, err := binary() // warm the build cache apart from the wait for readiness
	if err != nil {
		t.Fatal(err)
	}
	x := &shell{t: t, root: root, dir: t.TempDir(), port: freePort(t)}
	if err := os.MkdirAll(filepath.Join(x.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(x.dir, "bin", "deed")); err != nil {
		t.Fatal(err)
	}

	// The first session: the sandbox, the line it tells to paste, and all that
	// follows until a server is started for real. make test is not run again
	// inside itself.
	var first, second []block
	for _, b := range all[1:] {
		if b.lang == "sh" && (len(second) > 0 || strings.Contains(b.text, "deed serve")) || b.lang != "sh" && len(second) > 0 {
			second = append(second, b)
		} else {
			first = append(first, b)
		}
	}
	start := background("go run ./cmd/deed sandbox\n", "sandbox")
	x.session(start+"eval \"$(grep '^export DEED=' sandbox.err)\"\n", first)

	x.port = freePort(t)
	if err := os.Remove(filepath.Join(x.dir, "bin", "deed")); err != nil {
		t.Fatal(err)
	}
	for i := range second {
		second[i].text = background(second[i].text, "serve")
		// The last command's domain is the real world's: only that it is a
		// valid command is shown here, and that it answers with a verdict.
		second[i].text = regexp.MustCompile(`(?m)^(deed check .*)$`).ReplaceAllString(second[i].text,
			`$1 --dns-dnssec off --resolver 127.0.0.1:9; [ $$? -eq 3 ] || exit 1`)
	}
	x.session("", second)
	if _, err := os.Stat(filepath.Join(x.dir, "deed.db")); err != nil {
		t.Errorf("deed serve does not keep ./deed.db: %v", err)
	}
}

// background lets the servers of a script run beside it.
func background(script, name string) string {
	return server.ReplaceAllString(script, fmt.Sprintf("$1$2 >%s.json 2>%s.err &\nwait_ready %s.json", name, name, name))
}

// session pastes the blocks into one shell and compares each with the block of
// output that follows it.
func (x *shell) session(prelude string, parts []block) {
	x.t.Helper()
	const mark = "=== the lines of block "
	script := prelude
	for i, b := range parts {
		if b.lang == "sh" {
			script += fmt.Sprintf("echo; echo '%s%d'\n%s", mark, i, b.text)
		}
	}
	out, errs := x.run(script)
	printed := map[int]string{}
	for _, part := range strings.Split(out, mark)[1:] {
		head, text, _ := strings.Cut(part, "\n")
		var i int
		if _, err := fmt.Sscan(head, &i); err != nil {
			x.t.Fatal(err)
		}
		printed[i] = text
	}
	compared := 0
	for i, b := range parts {
		if b.lang == "sh" || i == 0 || parts[i-1].lang != "sh" {
			continue
		}
		compared++
		if !shows(b.text, printed[i-1]) {
			x.t.Errorf("README.md:%d shows\n%s\nbut this came:\n%s\n%s", b.line, b.text, printed[i-1], errs)
		}
	}
	if compared == 0 && prelude != "" {
		x.t.Error("nothing was compared")
	}
}

// TestSandboxTourAsPrinted pastes what the sandbox prints for a person.
func TestSandboxTourAsPrinted(t *testing.T) {
	p := sandboxProcess(t)
	_, tour, _ := strings.Cut(p.stderr.await(t, "validate-token -H"), "\nexport DEED=")
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-c", "export DEED="+tour)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if got := lines[len(lines)-1]; dig(t, got, "status") != "active" {
		t.Errorf("the tour ends with %s", out)
	}
	p.proven("/domain/1")
}
