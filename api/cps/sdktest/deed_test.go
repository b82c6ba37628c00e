package sdktest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EdgeCast/ec-sdk-go/edgecast"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps"
	"github.com/EdgeCast/ec-sdk-go/edgecast/eclog"
)

// binary is the program under test, built from the tree that this folder is in.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "deed-sdk-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "deed")
	build := exec.Command("go", "build", "-o", binary, "./cmd/deed")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("go build: %v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// clean is the environment without settings of Deed's.
func clean() (env []string) {
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DEED_") {
			env = append(env, kv)
		}
	}
	return env
}

// run starts a server and gives its ready line; the test's end kills it.
func run(t *testing.T, dir string, args ...string) map[string]any {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(binary, append(args, "--listen", "127.0.0.1:0", "--metrics-listen", "off")...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, clean(), &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("deed %s: %s", args[0], errs.String())
		}
	})
	line, err := bufio.NewReader(pipe).ReadBytes('\n')
	var ready map[string]any
	if err != nil || json.Unmarshal(line, &ready) != nil {
		t.Fatalf("deed %v: no ready line: %v %s %s", args, err, line, &errs)
	}
	return ready
}

// tool runs a command to its end and reads what it prints.
func tool(t *testing.T, dir string, args ...string) map[string]any {
	t.Helper()
	cmd := exec.Command(binary, append(args, "--json")...)
	cmd.Dir, cmd.Env = dir, clean()
	out, err := cmd.Output()
	var v map[string]any
	if err != nil || json.Unmarshal(out, &v) != nil {
		t.Fatalf("deed %v: %v %s", args, err, out)
	}
	return v
}

// server is a deed serve in the sandbox's Internet, with the SDK for it.
type server struct {
	t   *testing.T
	url string
	box string // the sandbox's control
	key string // an API key of the same account
	sdk *cps.CpsService
}

// serve starts a sandbox for its Internet alone, and beside it the production
// server with an account and an OAuth2 client as an operator makes them.
func serve(t *testing.T) *server {
	dir := t.TempDir()
	world := run(t, dir, "sandbox")
	account := tool(t, dir, "account", "create", "Example Hosting")
	client := tool(t, dir, "client", "create", "--account", fmt.Sprint(account["account_id"]))
	ready := run(t, dir, "serve", "--dns-resolvers", world["dns"].(string), "--dns-dnssec", "off", "--smtp-address", world["smtp"].(string),
		"--smtp-from", "dcv@deed.example", "--smtp-tls", "off", "--validation-cname-target", "dcv.deed.example", "--limits-requests", "off")
	s := &server{t: t, url: ready["url"].(string), box: world["url"].(string) + "/sandbox", key: account["api_key"].(string)}
	s.sdk = s.client(client["client_id"].(string), client["client_secret"].(string))
	return s
}

// client is the SDK as a customer configures it, but for the two addresses.
func (s *server) client(id, secret string) *cps.CpsService {
	s.t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	config := edgecast.NewSDKConfig()
	config.BaseAPIURL, config.BaseIDSURL = *at, *at
	config.Logger = eclog.NewNullLogger()
	config.IDSCredentials = edgecast.IDSCredentials{ClientID: id, ClientSecret: secret, Scope: "sec.cps.certificates"}
	sdk, err := cps.New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return sdk
}

// put sends JSON to the sandbox's control or, with a key, to Deed.
func (s *server) put(url, key string, body any) {
	s.t.Helper()
	b, _ := json.Marshal(body)
	req, err := http.NewRequest(http.MethodPut, url, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("X-DC-DEVKEY", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("PUT %s: %d %s", url, resp.StatusCode, text)
	}
}

// publish puts a record into the sandbox's DNS.
func (s *server) publish(name, kind, value string) {
	s.t.Helper()
	s.put(s.box+"/dns", "", map[string]string{"name": name, "type": kind, "value": value})
}

// issued reports, as an issuer does, that a request was issued.
func (s *server) issued(id int64) {
	s.t.Helper()
	s.put(fmt.Sprintf("%s/v1/orders/%d/issued", s.url, id), s.key,
		map[string]any{"expires_at": time.Now().AddDate(0, 3, 0).UTC().Format(time.RFC3339), "thumbprint": strings.Repeat("ab", 20)})
}

// ok gives a call's answer, or ends the test.
func ok[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused demands that a call failed with a status and a reason.
func refused(t *testing.T, err error, status int, reason string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("StatusCode:%d", status)) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want status %d and %q", err, status, reason)
	}
}
