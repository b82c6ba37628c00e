package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// bearer sends a request with a bearer token, or a form without one.
func bearer(t *testing.T, method, at, token, body string) answer {
	t.Helper()
	req, err := http.NewRequest(method, at, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
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

// A client is made beside a running server and works there at once; revoked, it
// and the token it holds stop at once. Its secret is in no file and no log.
func TestClientsBesideARunningServer(t *testing.T) {
	dir := t.TempDir()
	account(t, dir, "Example")
	p := serverProcess(t, dir)
	out, errs, code := tool(t, dir, "client", "create", "--account", "1", "--json")
	if code != 0 {
		t.Fatalf("exit %d %s", code, errs)
	}
	id, secret := dig(t, out, "client_id").(string), dig(t, out, "client_secret").(string)
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"sec.cps.certificates"}, "client_id": {id}, "client_secret": {secret}}.Encode()
	granted := bearer(t, "POST", p.field("url")+"/connect/token", "", form)
	if granted.status != 200 {
		t.Fatalf("%d %s", granted.status, granted.body)
	}
	token := dig(t, granted.body, "access_token").(string)
	base := p.field("url") + "/sec/cps"
	for path, want := range map[string]int{"/v2.0/certificates": 200, "/v2.0/certificates/": 200, "/v2.0//certificates": 404, "": 404, "/": 404, "/v2.0/../v2.0/certificates": 404} {
		if a := bearer(t, "GET", base+path, token, ""); a.status != want {
			t.Errorf("GET %s: %d %s, want %d", path, a.status, a.body, want)
		}
	}
	if a := bearer(t, "GET", p.field("url")+"/services/v2/domain", token, ""); a.status != 403 {
		t.Errorf("the other dialect takes the token: %d", a.status)
	}

	out, errs, code = tool(t, dir, "client", "list", "--json")
	if code != 0 || dig(t, out, 0, "client_id") != id || dig(t, out, 0, "scope") != "sec.cps.certificates" || strings.Contains(out, secret) {
		t.Errorf("list: exit %d %s%s", code, out, errs)
	}
	if out, _, code = tool(t, dir, "client", "list"); code != 0 || !strings.Contains(out, id) {
		t.Errorf("list: exit %d %s", code, out)
	}
	if _, errs, code = tool(t, dir, "client", "revoke", id); code != 0 {
		t.Errorf("revoke: exit %d %s", code, errs)
	}
	if a := bearer(t, "GET", base+"/v2.0/certificates", token, ""); a.status != 401 {
		t.Errorf("a revoked client's token: %d %s", a.status, a.body)
	}
	if a := bearer(t, "POST", p.field("url")+"/connect/token", "", form); a.status != 400 || dig(t, a.body, "error") != "invalid_client" {
		t.Errorf("a revoked client: %d %s", a.status, a.body)
	}
	for _, args := range [][]string{{"client", "revoke", id}, {"client", "revoke", "nobody"}} {
		if _, errs, code = tool(t, dir, args...); code != exitUsage {
			t.Errorf("%v: exit %d %s", args, code, errs)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if s := p.stderr.String(); strings.Contains(s, secret) || strings.Contains(s, token) {
		t.Error("a secret was logged")
	}
}
