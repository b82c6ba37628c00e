package certcentral_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"deed/api"
	"deed/store"
)

// routes are all calls of the dialect; %d stands for an id.
var routes = []struct{ method, path, body string }{
	{"GET", "/domain", ""},
	{"POST", "/domain", `{"name":"fuzz.example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`},
	{"GET", "/domain/expiration-count", ""},
	{"GET", "/domain/validation-type", ""},
	{"GET", "/domain/dcv/method", ""},
	{"GET", "/domain/%d", ""},
	{"DELETE", "/domain/%d", ""},
	{"POST", "/domain/%d/validation", `{"validations":[{"type":"ev"}],"dcv_method":"dns-cname-token"}`},
	{"GET", "/domain/%d/validation", ""},
	{"PUT", "/domain/%d/dcv/method", `{"dcv_method":"http-token"}`},
	{"POST", "/domain/%d/dcv/method", `{"method":"http-token"}`},
	{"POST", "/domain/%d/dcv/token", ""},
	{"PUT", "/domain/%d/dcv/validate-token", ""},
	{"POST", "/domain/%d/dcv", ""},
	{"POST", "/domain/%d/dcv/cname", ""},
	{"GET", "/domain/%d/dcv/emails", ""},
	{"PUT", "/domain/%d/dcv/emails", `{"name_scope":"example.com"}`},
	{"POST", "/domain/%d/dcv/emails", `{"name_scope":"example.com"}`},
	{"PUT", "/domain/%d/activate", ""},
	{"PUT", "/domain/%d/deactivate", ""},
	{"GET", "/organization", ""},
	{"POST", "/organization", `{"name":"Zweite"}`},
	{"GET", "/organization/%d", ""},
	{"GET", "/organization/%d/validation", ""},
	{"GET", "/account", ""},
	{"GET", "/user/me", ""},
	{"GET", "/order/certificate", ""},
	{"POST", "/order/certificate/ssl_basic", `{"certificate":{"common_name":"fuzz.example.com"},"organization":{"id":1},"dcv_method":"dns-txt-token"}`},
	{"GET", "/order/certificate/%d", ""},
	{"PUT", "/order/certificate/%d/dcv-random-value", ""},
	{"PUT", "/order/certificate/%d/dcv-method", `{"dcv_method":"http-token"}`},
	{"PUT", "/order/certificate/%d/check-dcv", `{"dns_name_validations":["fuzz.example.com"]}`},
	{"PUT", "/order/certificate/%d/resend-emails", `{}`},
}

func at(path string, id int64) string {
	if strings.Contains(path, "%d") {
		return fmt.Sprintf(path, id)
	}
	return path
}

// byID are the routes whose path holds an id.
func byID() (out []struct{ method, path, body string }) {
	for _, r := range routes {
		if strings.Contains(r.path, "%d") {
			out = append(out, r)
		}
	}
	return out
}

func TestNamesAreRefusedWithTheirRule(t *testing.T) {
	w := newWorld(t)
	org := fmt.Sprintf(`"organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"`, w.org)
	for _, row := range []struct{ name, input, code string }{
		{"no name", "", "name_empty"},
		{"a label of 64 (RFC 1035 2.3.4)", strings.Repeat("a", 64) + ".example.com", "name_label_too_long"},
		{"a name of 254", strings.Repeat("abcdefgh.", 27) + "example.com", "name_too_long"},
		{"a name of a megabyte, nearly", strings.Repeat("a.", 400_000) + "com", "name_too_long"},
		{"an empty label", "a..example.com", "name_empty_label"},
		{"a leading dot", ".example.com", "name_empty_label"},
		{"two final dots", "example.com..", "name_empty_label"},
		{"IPv4 (BR 4.2.2)", "192.0.2.1", "name_ip_address"},
		{"IPv4 in hexadecimal", "0xc0.0x00.0x02.0x01", "name_ip_address"},
		{"IPv6", "2001:db8::1", "name_ip_address"},
		{"IPv6 in brackets", "[::1]", "name_ip_address"},
		{"a single label", "localhost", "name_internal|name_single_label"},
		{"a TLD", "com", "name_single_label"},
		{"a public suffix (BR 3.2.2.6)", "co.uk", "name_public_suffix"},
		{"a wildcard on a public suffix", "*.co.uk", "name_wildcard_public_suffix"},
		{"an internal name", "server.corp", "name_internal"},
		{"an underscore (BR 7.1.2.7.12)", "_dmarc.example.com", "name_underscore"},
		{"an underscore inside", "a_b.example.com", "name_underscore"},
		{"an A-label that is none", "xn--a.example.com", "name_idna"},
		{"hyphens in third and fourth place", "ab--c.example.com", "name_reserved_label"},
		{"a leading hyphen", "-a.example.com", "name_hyphen"},
		{"an emoji", "💩.example.com", "name_idna"},
		{"right to left, mixed", "aא.example.com", "name_idna"},
		{"NUL", "exa\x00mple.com", "name_nul"},
		{"a line feed", "example.com\n", "name_control"},
		{"a space before", " example.com", "name_space"},
		{"a space inside", "exam ple.com", "name_space"},
		{"an ideographic space", "example\u3000.com", "name_space"},
		{"a zero width space", "exa\u200bmple.com", "name_space"},
		{"a URL", "https://example.com/", "name_not_a_name"},
		{"an e-mail address", "a@example.com", "name_not_a_name"},
		{"percent-encoded", "example%2ecom", "name_not_a_name"},
		{"two asterisks", "*.*.example.com", "name_wildcard"},
		{"an asterisk inside", "a*.example.com", "name_wildcard"},
		{"a reverse zone", "1.2.0.192.in-addr.arpa", "name_reverse"},
		{"onion", "abc.onion", "name_onion"},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := w.state()
			name, err := json.Marshal(row.input)
			must(t, err)
			refused := func(r reply) {
				t.Helper()
				r.wellFormed()
				rule, ok := strings.CutPrefix(r.text("errors", 0, "code"), "invalid_domain_name|")
				if r.status != 400 || !ok || !strings.Contains("|"+row.code+"|", "|"+rule+"|") {
					t.Errorf("%s: %d %.200s", r.what, r.status, r.body)
				}
			}
			refused(w.send("POST", w.url+"/domain", w.key, fmt.Sprintf(`{"name":%s,%s}`, name, org)))
			refused(w.send("POST", w.url+"/order/certificate/ssl_basic", w.key, fmt.Sprintf(`{"certificate":{"common_name":"example.com","dns_names":[%s]},%s}`, name, org)))
			refused(w.send("POST", w.url+"/order/certificate/ssl_basic", w.key, fmt.Sprintf(`{"certificate":{"common_name":%s},%s}`, name, org)))
			if w.state() != before {
				t.Error("a refused name changed something")
			}
		})
	}
	for _, row := range []struct{ name, input string }{ // the nearest that must pass
		{"a label of 63", strings.Repeat("a", 63) + ".example.com"},
		{"a name of 253", strings.Repeat("abcdefgh.", 26) + strings.Repeat("x", 7) + ".example.com"},
		{"one below a public suffix", "bbc.co.uk"},
		{"a wildcard one below", "*.bbc.co.uk"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.call(201, "POST", "/domain", fmt.Sprintf(`{"name":%q,%s}`, row.input, org))
		})
	}
}

func TestBodiesAreRefusedAndChangeNothing(t *testing.T) {
	w := newWorld(t)
	path, _ := w.add("example.com", "dns-txt-token")
	order, _ := w.order("dns-txt-token", "example.net")
	before := w.state()
	// What no route that needs a body may take.
	malformed := []struct{ name, body string }{
		{"no body", ""}, {"null", "null"}, {"an array", "[]"}, {"a string", `"x"`}, {"a number", "1"}, {"cut off", `{"name":`}, {"two values", `{}{}`}, {"XML", "<domain/>"},
		{"not UTF-8", "{\"name\":\"\xff\"}"}, {"deep", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)}, {"deep in a field", `{"x":` + strings.Repeat(`{"x":`, 100) + "1" + strings.Repeat("}", 100) + "}"},
		{"a wrong type", `{"name":{"a":1},"validations":"ov","dcv_method":["x"],"certificate":5}`},
	}
	for _, route := range []struct{ method, path string }{
		{"POST", "/domain"}, {"POST", path + "/validation"}, {"PUT", path + "/dcv/method"}, {"POST", "/organization"},
		{"POST", "/order/certificate/ssl_basic"}, {"PUT", order + "/dcv-method"},
	} {
		for _, row := range malformed {
			t.Run(route.path+" "+row.name, func(t *testing.T) {
				w.send(route.method, w.url+route.path, w.key, row.body).refused(400, "bad_request_format")
			})
		}
		t.Run(route.path+" larger than a megabyte", func(t *testing.T) {
			w.send(route.method, w.url+route.path, w.key, `{"name":"`+strings.Repeat("a", 1<<20)+`"}`).refused(413, "request_too_large")
		})
	}
	org := fmt.Sprintf(`"organization":{"id":%d}`, w.org)
	for _, row := range []struct{ name, method, path, body, code string }{
		{"no validations", "POST", "/domain", `{"name":"a.example.com",` + org + `}`, "invalid_validation_type"},
		{"no type", "POST", "/domain", `{"name":"a.example.com",` + org + `,"validations":[{}]}`, "invalid_validation_type"},
		{"upper case is refused", "POST", "/domain", `{"name":"a.example.com",` + org + `,"validations":[{"type":"OV"}]}`, "invalid_validation_type"},
		{"an organization's type", "POST", path + "/validation", `{"validations":[{"type":"cs"}]}`, "invalid_validation_type"},
		{"an empty list", "POST", path + "/validation", `{"validations":[]}`, "invalid_validation_type"},
		{"no organization", "POST", "/domain", `{"name":"a.example.com","validations":[{"type":"ov"}]}`, "invalid_organization"},
		{"no such method", "POST", "/domain", `{"name":"a.example.com",` + org + `,"validations":[{"type":"ov"}],"dcv_method":"dns"}`, "invalid_dcv_method"},
		{"no method to change to", "PUT", path + "/dcv/method", `{}`, "invalid_dcv_method"},
		{"no such method to change to", "PUT", path + "/dcv/method", `{"dcv_method":"whois"}`, "invalid_dcv_method"},
		{"a method of another dialect", "PUT", path + "/dcv/method", `{"dcv_method":"dns-01"}`, "invalid_dcv_method"},
		{"a method of another dialect, submitted", "POST", path + "/validation", `{"validations":[{"type":"ov"}],"dcv_method":"tls-alpn-01"}`, "invalid_dcv_method"},
		{"a method of another dialect, added", "POST", "/domain", `{"name":"a.example.com",` + org + `,"validations":[{"type":"ov"}],"dcv_method":"http-01"}`, "invalid_dcv_method"},
		{"a method of another dialect, ordered", "POST", "/order/certificate/ssl_basic", `{"certificate":{"common_name":"a.example.com"},` + org + `,"dcv_method":"dns-account-01"}`, "invalid_dcv_method"},
		{"a method of another dialect, for an order", "PUT", order + "/dcv-method", `{"dcv_method":"dns-01"}`, "invalid_dcv_method"},
		{"a method in upper case", "PUT", path + "/dcv/method", `{"dcv_method":"DNS-TXT-TOKEN"}`, "invalid_dcv_method"},
		{"a file for a wildcard", "POST", "/domain", `{"name":"*.a.example.com",` + org + `,"validations":[{"type":"ov"}],"dcv_method":"http-token"}`, "invalid_wildcard_dcv_method"},
		{"a flag that is no flag", "PUT", path + "/dcv/method", `{"dcv_method":"email","send_dcv_email_flag":"perhaps"}`, "bad_request_format"},
		{"keep_www that is no flag", "POST", "/domain", `{"name":"a.example.com",` + org + `,"validations":[{"type":"ov"}],"keep_www":7}`, "bad_request_format"},
		{"an organization without a name", "POST", "/organization", `{}`, "invalid_name"},
		{"an organization with a control character", "POST", "/organization", `{"name":"a\u0000b"}`, "invalid_name"},
		{"an organization with a long name", "POST", "/organization", `{"name":"` + strings.Repeat("x", 201) + `"}`, "invalid_name"},
		{"an order with 101 names", "POST", "/order/certificate/ssl_basic", `{"certificate":{"common_name":"a.example.com","dns_names":["b.example.com"` + strings.Repeat(`,"b.example.com"`, 100) + `]},` + org + `}`, "invalid_too_many_names"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.send(row.method, w.url+row.path, w.key, row.body).refused(400, row.code)
		})
	}
	if w.state() != before {
		t.Error("a refused body changed something")
	}
	if w.logs.Len() > 0 {
		t.Error(w.logs.String())
	}
}

func TestBodiesOfBodylessCallsAreIgnored(t *testing.T) { // contract section 1
	w := newWorld(t)
	path, _ := w.add("example.com", "dns-txt-token")
	order, _ := w.order("dns-txt-token", "example.net")
	for _, body := range []string{"", "null", "{}", "[1]", `{"left":"over"}`, "no JSON", "\xff\xfe"} {
		w.call(200, "POST", path+"/dcv/token", body)
		w.call(204, "PUT", path+"/activate", body)
		w.call(200, "PUT", order+"/dcv-random-value", body)
		w.send("PUT", w.url+path+"/dcv/validate-token", w.key, body).refused(400, "invalid_dns_txt")
	}
}

func TestIDsOfNothingAndOfOthersAreTheSame(t *testing.T) {
	w := newWorld(t)
	w.add("example.com", "dns-txt-token")
	w.add("mail.example.com", "email")
	w.order("dns-txt-token", "example.net")
	_, _, stranger := w.tenant("Stranger")
	before := w.state()
	what := func(path string) string {
		return "not_found|" + map[byte]string{'d': "domain", 'o': "order"}[path[1]]
	}
	for _, r := range byID() {
		code := what(r.path)
		if strings.HasPrefix(r.path, "/organization") {
			code = "not_found|organization"
		}
		for _, id := range []int64{1, 999} { // theirs, and none
			theirs := w.send(r.method, w.url+at(r.path, id), stranger, r.body)
			theirs.refused(404, code)
			if none := w.send(r.method, w.url+at(r.path, 12345), stranger, r.body); none.body != theirs.body {
				t.Errorf("%s: %s, but for nothing %s", theirs.what, theirs.body, none.body)
			}
		}
		for _, id := range []string{"0", "-1", "abc", "1e0", "01x", "9223372036854775808", "1%20", "%00", "1;2", "١", strings.Repeat("9", 300)} {
			res := w.send(r.method, w.url+strings.ReplaceAll(r.path, "%d", id), w.key, r.body)
			res.wellFormed()
			if res.status != 404 && res.status != 405 {
				t.Errorf("%s: %d %s", res.what, res.status, res.body)
			}
		}
	}
	if got := w.send("GET", w.url+"/domain", stranger, ""); got.number("page", "total") != 0 {
		t.Errorf("a stranger's list: %s", got.body)
	}
	for _, path := range []string{"/domain?filters[search]=%25example", "/order/certificate"} {
		if got := w.send("GET", w.url+path, stranger, ""); got.number("page", "total") != 0 {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	w.send("GET", w.url+"/domain/example.com/dcv/emails", stranger, "").refused(404, "not_found|domain")
	w.send("POST", w.url+"/domain", stranger, fmt.Sprintf(`{"name":"a.example.com","organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`, w.org)).refused(404, "not_found|organization")
	w.send("POST", w.url+"/order/certificate/ssl_basic", stranger, fmt.Sprintf(`{"certificate":{"common_name":"a.example.com"},"organization":{"id":%d},"dcv_method":"dns-txt-token"}`, w.org)).refused(404, "not_found|organization")
	if w.state() != before {
		t.Error("a stranger changed something")
	}
	// The same name is free in another account, and its proof is its own.
	mine, err := w.authority.Account(t.Context(), actor(w, stranger))
	must(t, err)
	if mine.ID == w.account {
		t.Fatal("the stranger is no stranger")
	}
}

func TestAProofIsItsAccountsOwn(t *testing.T) {
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	_, org, stranger := w.tenant("Stranger")
	theirs := w.send("POST", w.url+"/domain", stranger, fmt.Sprintf(`{"name":"example.com","organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}`, org))
	if theirs.status != 201 {
		t.Fatal(theirs.body)
	}
	w.prove(path, "example.com", added.text("dcv_token", "token"))
	other := fmt.Sprintf("%s/domain/%d", w.url, theirs.number("id"))
	if got := w.send("GET", other, stranger, ""); got.value("is_pending_validation") != true {
		t.Error("a proof crossed accounts")
	}
	w.send("PUT", other+"/dcv/validate-token", stranger, "").refused(400, "invalid_dns_txt") // the value is not theirs
	order := w.send("POST", w.url+"/order/certificate/ssl_basic", stranger, `{"certificate":{"common_name":"www.example.com"},"dcv_method":"dns-txt-token"}`)
	if order.text("dcv_random_value") == "" {
		t.Errorf("an order of a stranger rests on my proof: %s", order.body)
	}
}

func TestKeys(t *testing.T) { // contract 1.1, 1.2
	w := newWorld(t)
	path, _ := w.add("example.com", "dns-txt-token")
	for _, key := range []string{"", "x", "deed_", w.key[:len(w.key)-1], w.key + "x", strings.ToUpper(w.key), "deed_" + strings.Repeat("A", 5000)} {
		for _, r := range routes {
			res := w.send(r.method, w.url+at(r.path, 1), key, r.body)
			res.refused(403, "access_denied|access_denied_invalid_key")
			if res.text("errors", 0, "message") != "Access denied due to access_denied_invalid_key." {
				t.Errorf("%s", res.body)
			}
		}
		w.send("GET", w.url+"/no/such/route", key, "").refused(403, "access_denied|access_denied_invalid_key")
	}
	_, reader, err := w.authority.CreateKey(t.Context(), w.account, "reader", store.RoleViewOnly)
	must(t, err)
	before := w.state()
	for _, r := range routes {
		res := w.send(r.method, w.url+at(r.path, 1), reader, r.body)
		if r.method != "GET" {
			res.refused(403, "access_denied|missing_permission")
		} else if res.status != 200 && (res.status != 404 || !strings.HasPrefix(r.path, "/order")) {
			t.Errorf("%s: %d %s", res.what, res.status, res.body)
		}
	}
	if w.state() != before {
		t.Error("a key that may only read changed something")
	}
	k, worker, err := w.authority.CreateKey(t.Context(), w.account, "worker", store.RoleDomains)
	must(t, err)
	if r := w.send("POST", w.url+path+"/dcv/token", worker, ""); r.status != 200 {
		t.Errorf("a key for domains: %d %s", r.status, r.body)
	}
	must(t, w.authority.RevokeKey(t.Context(), k.ID))
	w.send("GET", w.url+"/domain", worker, "").refused(403, "access_denied|access_denied_invalid_key")
}

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	w.add("example.com", "dns-txt-token")
	for _, row := range []struct {
		name, method, path string
		status             int
		code               string
	}{
		{"no such route", "GET", "/nothing", 404, "not_found|route"},
		{"below a route", "GET", "/domain/1/nothing", 404, "not_found|route"},
		{"the root", "GET", "/", 404, "not_found|route"},
		{"two slashes", "GET", "//domain", 404, "not_found|route"},
		{"two slashes inside", "GET", "/domain//1", 404, "not_found|route"},
		{"dots", "GET", "/domain/../account", 404, "not_found|route"},
		{"dots at the end", "GET", "/domain/..", 404, "not_found|route"},
		{"a dot", "GET", "/domain/./1", 404, "not_found|route"},
		{"a slash encoded", "GET", "/domain%2f..%2faccount", 404, "not_found|route"},
		{"another case", "GET", "/Domain", 404, "not_found|route"},
		{"another method", "PATCH", "/domain/1", 405, "method_not_allowed"},
		{"another method of a longer route", "GET", "/domain/1/dcv/token", 405, "method_not_allowed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.send(row.method, w.url+row.path, w.key, "").refused(row.status, row.code)
		})
	}
	for _, r := range routes { // a trailing slash is accepted (contract section 1)
		if r.method == "GET" && !strings.HasPrefix(r.path, "/order/certificate/") {
			w.call(200, "GET", at(r.path, 1)+"/", "")
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "HEAD", w.url+"/domain", nil)
	must(t, err)
	req.Header.Set("x-dc-devkey", w.key) // header names have no case
	resp, err := client.Do(req)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
}

func TestRateLimits(t *testing.T) { // contract 1.2: two rolling windows per key
	w := newWorld(t, api.Window{Requests: 100, Per: 5 * time.Second}, api.Window{Requests: 1000, Per: 3 * time.Minute})
	_, _, other := w.tenant("Other")
	get := func(key string) reply { return w.send("GET", w.url+"/user/me", key, "") }
	for i := range 100 {
		if r := get(w.key); r.status != 200 {
			t.Fatalf("request %d: %d", i+1, r.status)
		}
	}
	over := get(w.key)
	over.refused(429, "request_limit_exceeded")
	if over.text("errors", 0, "message") != "Service unavailable, please limit request volume" || over.header.Get("Retry-After") != "5" {
		t.Errorf("%s %q", over.body, over.header.Get("Retry-After"))
	}
	if r := get(other); r.status != 200 {
		t.Errorf("another key: %d", r.status)
	}
	w.advance(5*time.Second - time.Nanosecond)
	get(w.key).refused(429, "request_limit_exceeded")
	w.advance(time.Nanosecond)
	for burst := range 9 {
		for range 100 {
			if r := get(w.key); r.status != 200 {
				t.Fatalf("burst %d: %d", burst, r.status)
			}
		}
		w.advance(5 * time.Second)
	}
	get(w.key).refused(429, "request_limit_exceeded") // 1,000 within three minutes
	w.advance(3*time.Minute - 50*time.Second)
	if r := get(w.key); r.status != 200 {
		t.Errorf("when the first hundred have left the window: %d", r.status)
	}
}
