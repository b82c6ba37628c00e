package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// serverProcess runs deed serve on a free port over the database in dir.
func serverProcess(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return start(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:" + filepath.Join(dir, "deed.db"),
		"--dns-resolvers", "127.0.0.1:9"}, args...)...)
}

// account creates an account with the tool and gives its key.
func account(t *testing.T, dir, name string) (int64, string) {
	t.Helper()
	out, errs, code := tool(t, dir, "account", "create", name, "--json")
	if code != 0 {
		t.Fatalf("account create: exit %d\n%s", code, errs)
	}
	return int64(dig(t, out, "account_id").(float64)), dig(t, out, "api_key").(string)
}

// The operator contract: the tools work on a stopped and on a running server's
// database, and what they do holds at once.
func TestToolsOnARunningServersDatabase(t *testing.T) {
	dir := t.TempDir()
	_, before := account(t, dir, "Before")
	p := serverProcess(t, dir)
	second, during := account(t, dir, "During")
	for _, key := range []string{before, during} {
		if a := call(t, "GET", p.field("url")+"/services/v2/domain", key, ""); a.status != 200 {
			t.Errorf("a fresh key: %d %s", a.status, a.body)
		}
	}

	out, errs, code := tool(t, dir, "key", "create", "--account", fmt.Sprint(second), "--role", "view_only", "--name", "monitor", "--json")
	if code != 0 {
		t.Fatalf("key create: exit %d %s", code, errs)
	}
	viewer, id := dig(t, out, "api_key").(string), dig(t, out, "id").(float64)
	if a := call(t, "GET", p.field("url")+"/services/v2/domain", viewer, ""); a.status != 200 {
		t.Errorf("a view-only key reads: %d %s", a.status, a.body)
	}
	if a := call(t, "POST", p.field("url")+"/services/v2/domain", viewer, `{"name":"example.com","organization":{"id":2},"validations":[{"type":"ov"}]}`); a.status != 403 {
		t.Errorf("a view-only key writes: %d %s", a.status, a.body)
	}

	out, _, code = tool(t, dir, "key", "list", "--json")
	if code != 0 || !strings.Contains(out, "monitor") {
		t.Errorf("key list: exit %d %s", code, out)
	}
	for _, secret := range []string{before, during, viewer} {
		if strings.Contains(out, secret) {
			t.Error("key list shows a key")
		}
	}
	if _, errs, code = tool(t, dir, "key", "revoke", fmt.Sprintf("%.0f", id)); code != 0 {
		t.Errorf("key revoke: exit %d %s", code, errs)
	}
	if a := call(t, "GET", p.field("url")+"/services/v2/domain", viewer, ""); a.status != 403 {
		t.Errorf("a revoked key: %d %s", a.status, a.body)
	}
	if _, errs, code = tool(t, dir, "key", "revoke", fmt.Sprintf("%.0f", id)); code != exitUsage {
		t.Errorf("revoking twice: exit %d %s", code, errs)
	}

	// No key stands in the database file, nor in what the server logged.
	for _, name := range []string{"deed.db", "deed.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for _, secret := range []string{before, during, viewer} {
			if strings.Contains(string(b), secret) || strings.Contains(string(b), strings.TrimPrefix(secret, "deed_")) {
				t.Errorf("%s holds a key in the clear", name)
			}
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, secret := range []string{before, during, viewer} {
		if strings.Contains(p.stderr.String(), secret) {
			t.Error("a key was logged")
		}
	}
}

func TestToolsRefuse(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name string
		args []string
		says string
	}{
		{"an account without a name", []string{"account", "create", ""}, "name"},
		{"a key for an account that is not there", []string{"key", "create", "--account", "7"}, "account"},
		{"a role that is none", []string{"key", "create", "--account", "1", "--role", "admin"}, "role"},
		{"a client for an account that is not there", []string{"client", "create", "--account", "7"}, "account"},
		{"a key id that is no number", []string{"key", "revoke", "x"}, "key id"},
		{"a key that is not there", []string{"key", "revoke", "99"}, "key"},
		{"a group without its command", []string{"account"}, "Usage:"},
		{"no such command", []string{"prove"}, "unknown command"},
		{"no such flag", []string{"serve", "--port", "1"}, "unknown flag"},
		{"no such method", []string{"check", "example.com", "--method", "fax", "--token", "3ds4lzxtc7g9ib1vykqsdwjvjqvk5vqm"}, "fax"},
		{"a name that cannot be proven", []string{"check", "localhost", "--token", "3ds4lzxtc7g9ib1vykqsdwjvjqvk5vqm"}, "localhost"},
		{"a capsule that is none", []string{"replay", "/dev/null"}, "capsule"},
		{"a database that is none of ours", []string{"migrate", "--database", "mysql://x"}, "database"},
	} {
		t.Run(row.name, func(t *testing.T) {
			out, errs, code := tool(t, dir, row.args...)
			if code != exitUsage || !strings.Contains(errs, row.says) {
				t.Errorf("exit %d, want %d\n%s%s", code, exitUsage, out, errs)
			}
		})
	}
}

// What stands in for the Internet in the sandbox is not there in production.
// Nothing of the sandbox is reachable in serve.
func TestIncidentATestBypassThatReachesProduction(t *testing.T) {
	dir := t.TempDir()
	_, key := account(t, dir, "Example")
	p := serverProcess(t, dir)
	for _, path := range []string{"/sandbox/dns", "/sandbox/web", "/sandbox/mail", "/sandbox"} {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
			if a := call(t, method, p.field("url")+path, key, ""); a.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := call(t, "GET", p.field("url")+path, "", ""); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	// No address for the resolver to be reached at: our trouble, not the
	// domain's.
	a := call(t, "POST", p.field("url")+"/services/v2/domain", key, `{"name":"example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`)
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	no := call(t, "PUT", p.field("url")+"/services/v2/domain/1/dcv/validate-token", key, "")
	if no.status/100 == 5 {
		t.Errorf("an unreachable resolver: %d %s", no.status, no.body)
	}
	link := strings.TrimPrefix(strings.SplitN(no.header.Get("Link"), ">", 2)[0], "<")
	at := call(t, "GET", p.field("url")+link, key, "")
	if dig(t, at.body, "outcome") != "could_not_check" || dig(t, at.body, "problem", "whose") != "us" {
		t.Errorf("the attempt: %s", at.body)
	}
}

// What was acknowledged survives kill -9: writers add domains and generate
// values until the server dies under them; then every acknowledged value is
// there.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	_, key := account(t, dir, "Example")
	p := serverProcess(t, dir, "--limits-requests", "off")
	const writers, kept = 8, 400
	var mu sync.Mutex
	tokens := map[string]string{} // path of the domain → its last acknowledged token
	enough := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	client := &http.Client{}
	send := func(method, path, body string) (int, map[string]any) {
		req, err := http.NewRequest(method, p.field("url")+"/services/v2"+path, strings.NewReader(body))
		if err != nil {
			return 0, nil
		}
		req.Header.Set("X-DC-DEVKEY", key)
		resp, err := client.Do(req)
		if err != nil {
			return 0, nil
		}
		defer resp.Body.Close()
		var m map[string]any
		if json.NewDecoder(resp.Body).Decode(&m) != nil {
			return 0, nil
		}
		return resp.StatusCode, m
	}
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				status, m := send("POST", "/domain", fmt.Sprintf(`{"name":"d%d-%d.example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`, w, i))
				if status != 201 {
					return
				}
				path := fmt.Sprintf("/domain/%.0f", m["id"])
				mu.Lock()
				tokens[path] = m["dcv_token"].(map[string]any)["token"].(string)
				mu.Unlock()
				for range 3 {
					status, m := send("POST", path+"/dcv/token", "")
					mu.Lock()
					if status/100 != 2 {
						// Not acknowledged: it may or may not have happened.
						delete(tokens, path)
						mu.Unlock()
						return
					}
					tokens[path] = m["token"].(string)
					if len(tokens) >= kept {
						once.Do(func() { close(enough) })
					}
					mu.Unlock()
				}
			}
		})
	}
	<-enough
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.done
	wg.Wait()

	again := serverProcess(t, dir, "--limits-requests", "off")
	for path, token := range tokens {
		a := call(t, "GET", again.field("url")+"/services/v2"+path+"?include_dcv=true", key, "")
		if a.status != 200 || dig(t, a.body, "dcv_token", "token") != token {
			t.Fatalf("%s was acknowledged with %s and is now: %d %s", path, token, a.status, a.body)
		}
	}
	t.Logf("%d domains, all there", len(tokens))
}

// SIGTERM finishes what is in flight: a check whose resolver has not answered
// yet still gets its verdict, and the server ends well after that.
func TestStopFinishesWhatIsInFlight(t *testing.T) {
	resolver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, release := make(chan struct{}), make(chan struct{})
	go func() {
		var once sync.Once
		buf := make([]byte, 4096)
		for {
			n, from, err := resolver.ReadFrom(buf)
			if err != nil {
				return
			}
			once.Do(func() { close(asked) })
			<-release
			buf[2], buf[3] = buf[2]|0x80, 0x83 // the question back, as an answer: NXDOMAIN
			_, _ = resolver.WriteTo(buf[:n], from)
		}
	}()
	defer resolver.Close()

	dir := t.TempDir()
	_, key := account(t, dir, "Example")
	p := serverProcess(t, dir, "--dns-resolvers", resolver.LocalAddr().String(), "--dns-dnssec", "off", "--log-level", "info")
	if a := call(t, "POST", p.field("url")+"/services/v2/domain", key, `{"name":"example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`); a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	got := make(chan error, 1)
	go func() {
		req, _ := http.NewRequest("PUT", p.field("url")+"/services/v2/domain/1/dcv/validate-token", nil)
		req.Header.Set("X-DC-DEVKEY", key)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != 400 {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		got <- err
	}()
	<-asked
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.stderr.await(t, "stopping")
	close(release)
	if err := <-got; err != nil {
		t.Errorf("the check in flight: %v", err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
