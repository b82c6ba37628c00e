package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// These tests walk the whole way through the real program: its sockets, its
// database, its DNS queries, its web requests and its e-mail, in the sandbox.

func sandboxProcess(t *testing.T, args ...string) *process {
	return start(t, append([]string{"sandbox", "--listen", "127.0.0.1:0", "--metrics-listen", "off"}, args...)...)
}

// world sets something in the sandbox's Internet.
func (p *process) world(method, path string, body map[string]any) answer {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := call(p.t, method, p.field("url")+path, "", string(b))
	if a.status/100 != 2 {
		p.t.Fatalf("%s %s %s: %d %s", method, path, b, a.status, a.body)
	}
	return a
}

// api calls the CertCentral dialect and demands a status.
func (p *process) api(want int, method, path, body string) answer {
	p.t.Helper()
	a := call(p.t, method, p.field("url")+"/services/v2"+path, p.field("api_key"), body)
	if a.status != want {
		p.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, a.status, a.body, want)
	}
	return a
}

// add adds a domain and gives its path and its answer.
func (p *process) add(name, method string) (string, answer) {
	p.t.Helper()
	a := p.api(201, "POST", "/domain", fmt.Sprintf(`{"name":%q,"organization":{"id":1},"validations":[{"type":"ov"},{"type":"ev"}],"dcv_method":%q}`, name, method))
	return fmt.Sprintf("/domain/%.0f", dig(p.t, a.body, "id")), a
}

// attempt reads the attempt that a check's answer names in its Link header.
func (p *process) attempt(a answer) string {
	p.t.Helper()
	link := a.header.Get("Link")
	path, rest, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || rest != `; rel="describedby"` || !strings.HasPrefix(path, "/v1/attempts/") {
		p.t.Fatalf("Link header %q", link)
	}
	got := call(p.t, "GET", p.field("url")+path, p.field("api_key"), "")
	if got.status != http.StatusOK {
		p.t.Fatalf("GET %s: %d %s", path, got.status, got.body)
	}
	return got.body
}

func (p *process) proven(path string) {
	p.t.Helper()
	info := p.api(200, "GET", path+"?include_dcv=true&include_validation=true", "")
	if got := dig(p.t, info.body, "is_pending_validation"); got != false {
		p.t.Errorf("is_pending_validation = %v: %s", got, info.body)
	}
	for i := range dig(p.t, info.body, "validations").([]any) {
		if dig(p.t, info.body, "validations", i, "status") != "active" || dig(p.t, info.body, "validations", i, "dcv_status") != "complete" {
			p.t.Errorf("validation %d: %s", i, info.body)
		}
	}
}

func TestTXTFromMissingToProven(t *testing.T) {
	p := sandboxProcess(t)
	path, added := p.add("example.com", "dns-txt-token")
	token := dig(t, added.body, "dcv_token", "token").(string)

	no := p.api(400, "PUT", path+"/dcv/validate-token", "")
	if dig(t, no.body, "errors", 0, "code") != "invalid_dns_txt" {
		t.Errorf("body %s", no.body)
	}
	detail := p.attempt(no)
	if dig(t, detail, "outcome") != "not_proven" || dig(t, detail, "test") != true || dig(t, detail, "problem", "fix") == "" {
		t.Errorf("attempt %s", detail)
	}

	p.world("PUT", "/sandbox/dns", map[string]any{"name": "_dnsauth.example.com", "type": "TXT", "value": token})
	yes := p.api(200, "PUT", path+"/dcv/validate-token", "")
	if dig(t, yes.body, "status") != "active" || dig(t, yes.body, "token") != token {
		t.Errorf("body %s", yes.body)
	}
	if got := p.attempt(yes); dig(t, got, "outcome") != "proven" {
		t.Errorf("attempt %s", got)
	}
	p.proven(path)
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

func TestCNAMEBothForms(t *testing.T) {
	p := sandboxProcess(t)
	for name, record := range map[string]func(token, target string) (string, string){
		"one.example.com": func(token, target string) (string, string) { return token + ".one.example.com", target },
		"two.example.com": func(token, target string) (string, string) { return "_dnsauth.two.example.com", token + "." + target },
	} {
		path, added := p.add(name, "dns-cname-token")
		token := dig(t, added.body, "dcv_token", "token").(string)
		target := dig(t, added.body, "dcv_token", "verification_value").(string)
		if !strings.HasPrefix(token, "_") {
			t.Errorf("token %q does not start with an underscore", token)
		}
		owner, to := record(token, target)
		p.world("PUT", "/sandbox/dns", map[string]any{"name": owner, "type": "CNAME", "value": to})
		p.api(200, "PUT", path+"/dcv/validate-token", "")
		p.proven(path)
	}
}

func TestWebsiteFromMissingToProven(t *testing.T) {
	p := sandboxProcess(t)
	path, added := p.add("www.example.net", "http-token")
	token := dig(t, added.body, "dcv_token", "token").(string)
	if url := dig(t, added.body, "dcv_token", "http_token_url"); url != "http://www.example.net/.well-known/pki-validation/fileauth.txt" {
		t.Errorf("http_token_url %v", url)
	}
	no := p.api(400, "PUT", path+"/dcv/validate-token", "")
	if dig(t, no.body, "errors", 0, "code") != "file_random_value_not_found" {
		t.Errorf("body %s", no.body)
	}
	p.world("PUT", "/sandbox/web", map[string]any{"host": "www.example.net", "path": "/.well-known/pki-validation/fileauth.txt", "body": token})
	p.api(200, "PUT", path+"/dcv/validate-token", "")
	p.proven(path)
}

func TestEmailApprovedOnlyByTheCode(t *testing.T) {
	p := sandboxProcess(t)
	path, added := p.add("example.org", "email")
	if n := len(dig(t, added.body, "validation_emails", "base_emails").([]any)); n != 5 {
		t.Errorf("%d constructed addresses", n)
	}
	box := p.mailFor("admin@example.org")
	link, code := dig(t, box, "link").(string), dig(t, box, "code").(string)
	if strings.Contains(link, code) {
		t.Fatal("the code stands in the link")
	}
	page := call(t, "GET", link, "", "")
	if page.status != 200 || !strings.Contains(page.body, "example.org") || strings.Contains(page.body, code) {
		t.Errorf("page %d: %s", page.status, page.body)
	}
	info := p.api(200, "GET", path, "")
	if dig(t, info.body, "is_pending_validation") != true {
		t.Error("opening the link approved")
	}
	approve := func(code string) int {
		req, _ := http.NewRequest("POST", link, strings.NewReader("code="+code))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", p.field("url"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := approve("wrong0wrong0wrong0wrong0wrong0wr"); status/100 != 4 {
		t.Errorf("a wrong code: %d", status)
	}
	other := p.mailFor("postmaster@example.org")
	if status := approve(dig(t, other, "code").(string)); status/100 != 4 {
		t.Errorf("another message's code: %d", status)
	}
	if status := approve(code); status != 200 {
		t.Errorf("the right code: %d", status)
	}
	p.proven(path)
}

// mailFor waits for a message to an address; the outbox works beside the
// request. It gives the message as JSON.
func (p *process) mailFor(to string) string {
	p.t.Helper()
	a := call(p.t, "GET", p.field("url")+"/sandbox/mail?wait=10s&to="+to, "", "")
	if a.status != 200 {
		p.t.Fatalf("mail: %d %s", a.status, a.body)
	}
	m := dig(p.t, a.body, "messages").([]any)
	if len(m) == 0 {
		p.t.Fatalf("no message to %s", to)
	}
	b, _ := json.Marshal(m[len(m)-1])
	return string(b)
}

func TestOrderValueOutlivesDomainValue(t *testing.T) {
	p := sandboxProcess(t)
	placed := p.api(201, "POST", "/order/certificate/ssl_basic", `{"certificate":{"common_name":"shop.example.com","dns_names":["shop.example.com","api.example.com"]},"organization":{"id":1},"dcv_method":"dns-txt-token"}`)
	id := fmt.Sprintf("%.0f", dig(t, placed.body, "id"))
	value := dig(t, placed.body, "dcv_random_value").(string)
	domain := fmt.Sprintf("/domain/%.0f", dig(t, placed.body, "domains", 0, "id"))

	again := p.api(200, "PUT", "/order/certificate/"+id+"/dcv-random-value", "")
	if dig(t, again.body, "dcv_random_value") != value {
		t.Error("an unexpired order value was remade")
	}
	fresh := p.api(200, "POST", domain+"/dcv/token", "")
	if dig(t, fresh.body, "token") == value {
		t.Error("the domain value is the order value")
	}
	for _, name := range []string{"shop.example.com", "api.example.com"} {
		p.world("PUT", "/sandbox/dns", map[string]any{"name": name, "type": "TXT", "value": value})
	}
	p.api(200, "PUT", domain+"/dcv/validate-token", "")
	checked := p.api(200, "PUT", "/order/certificate/"+id+"/check-dcv", "")
	if dig(t, checked.body, "order_status") != "pending" || dig(t, checked.body, "dcv_status") != "valid" {
		t.Errorf("order: %s", checked.body)
	}
}

func TestCapsuleReplays(t *testing.T) {
	p := sandboxProcess(t)
	path, _ := p.add("replay.example.com", "dns-txt-token")
	no := p.api(400, "PUT", path+"/dcv/validate-token", "")
	at := p.attempt(no)
	capsule := call(t, "GET", p.field("url")+dig(t, at, "capsule").(string), p.field("api_key"), "")
	if capsule.status != 200 {
		t.Fatalf("capsule: %d %s", capsule.status, capsule.body)
	}
	dir := t.TempDir()
	file := writeFile(t, dir, "capsule", capsule.body)
	out, errs, code := tool(t, dir, "replay", file, "--json")
	if code != exitNotProven {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if dig(t, out, "outcome") != "not_proven" || dig(t, out, "same") != true {
		t.Errorf("replay: %s", out)
	}
}
