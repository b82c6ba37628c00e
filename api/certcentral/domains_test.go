package certcentral_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustURL(path string) *url.URL { return &url.URL{Path: path} }

// The shapes that recur.
const (
	orgShape       = `organization:{display_name:s,id:n,is_active:s,name:s,status:s}`
	containerShape = `container:{id:n,is_active:b,name:s,parent_id:n}`
	tokenShape     = `{expiration_date:s,status:s,token:s}`
	cnameShape     = `{expiration_date:s,status:s,token:s,verification_value:s}`
	fileShape      = `{expiration_date:s,http_token_url:s,status:s,token:s}`
	emailsShape    = `{base_emails:[s],name_scope:s}`
)

// in30Days is the end of a value made at start (contract section 6), in the
// dialect's form (section 1).
const in30Days = "2026-12-24T03:30:00+00:00"

var methodShapes = []struct{ name, method, answer string }{
	{"TXT has a token and nothing of the others", "dns-txt-token", `dcv_token:` + tokenShape},
	{"CNAME has its target", "dns-cname-token", `dcv_token:` + cnameShape},
	{"a file has its URL, and no verification_value", "http-token", `dcv_token:` + fileShape},
	{"e-mail has addresses and no token", "email", `validation_emails:` + emailsShape},
}

func TestAddAnswersByMethod(t *testing.T) { // contract 3.3
	w := newWorld(t)
	for i, row := range methodShapes {
		t.Run(row.name, func(t *testing.T) {
			name := fmt.Sprintf("add%d.example.com", i)
			_, r := w.add(name, row.method)
			parts := []string{row.answer, "id:n"}
			slices.Sort(parts)
			r.is("{" + strings.Join(parts, ",") + "}")
			if row.method == "email" {
				if got := r.text("validation_emails", "name_scope"); got != name {
					t.Errorf("name_scope %q", got)
				}
				return
			}
			token := r.text("dcv_token", "token")
			if len(token) != 32 || strings.Trim(token, "_0123456789abcdefghijklmnopqrstuvwxyz") != "" || strings.HasPrefix(token, "_") != (row.method == "dns-cname-token") {
				t.Errorf("token %q", token)
			}
			if r.text("dcv_token", "status") != "pending" || r.text("dcv_token", "expiration_date") != in30Days {
				t.Errorf("token %s", r.body)
			}
			if u := r.text("dcv_token", "http_token_url"); row.method == "http-token" && u != "http://"+name+"/.well-known/pki-validation/fileauth.txt" {
				t.Errorf("http_token_url %q", u)
			}
			if v := r.text("dcv_token", "verification_value"); row.method == "dns-cname-token" && v != target {
				t.Errorf("verification_value %q", v)
			}
		})
	}
	if w.logs.Len() > 0 {
		t.Error(w.logs.String())
	}
}

func TestAddTakesWhatClientsSend(t *testing.T) { // contract 3.3
	w := newWorld(t)
	for _, row := range []struct{ name, body, domain, method string }{
		{"www. is stripped", `"name":"www.a.example.com","dcv_method":"dns-txt-token"`, "a.example.com", "dns-txt-token"},
		{"www. stays with a file", `"name":"www.b.example.com","dcv_method":"http-token"`, "www.b.example.com", "http-token"},
		{"www. stays with keep_www true", `"name":"www.c.example.com","dcv_method":"dns-txt-token","keep_www":true`, "www.c.example.com", "dns-txt-token"},
		{"keep_www is typed string", `"name":"www.d.example.com","dcv_method":"dns-txt-token","keep_www":"true"`, "www.d.example.com", "dns-txt-token"},
		{"keep_www false as a string", `"name":"www.e.example.com","dcv_method":"dns-txt-token","keep_www":"false"`, "e.example.com", "dns-txt-token"},
		{"the default method is email", `"name":"f.example.com"`, "f.example.com", "email"},
		{"legacy dcv.method", `"name":"g.example.com","dcv":{"method":"dns-txt-token"}`, "g.example.com", "dns-txt-token"},
		{"unknown fields are ignored", `"name":"h.example.com","dcv_method":"dns-txt-token","whois":1,"x":[{}]`, "h.example.com", "dns-txt-token"},
		{"letters become lower case, the final dot goes", `"name":"I.Example.COM.","dcv_method":"dns-txt-token"`, "i.example.com", "dns-txt-token"},
		{"letters beyond ASCII become A-labels", `"name":"bücher.example.com","dcv_method":"dns-txt-token"`, "xn--bcher-kva.example.com", "dns-txt-token"},
		{"an unknown locale is no error", `"name":"j.example.com","dcv_method":"email","locale":"tlh"`, "j.example.com", "email"},
		{"a wildcard by DNS", `"name":"*.k.example.com","dcv_method":"dns-txt-token"`, "*.k.example.com", "dns-txt-token"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := w.call(201, "POST", "/domain", fmt.Sprintf(`{%s,"organization":{"id":%d},"validations":[{"type":"ov"}]}`, row.body, w.org))
			info := w.call(200, "GET", fmt.Sprintf("/domain/%d", r.number("id")), "")
			if info.text("name") != row.domain || info.text("dcv_method") != row.method {
				t.Errorf("%s", info.body)
			}
		})
	}
	again := w.send("POST", w.url+"/domain", w.key, fmt.Sprintf(`{"name":"a.example.com","organization":{"id":%d},"validations":[{"type":"ov"}]}`, w.org))
	if again.status != 400 || !strings.Contains(again.text("errors", 0, "message"), "already exists") {
		t.Errorf("a domain twice: %d %s", again.status, again.body)
	}
}

func TestSubmitIs204Or201(t *testing.T) { // seed 003, contract 3.4
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	w.call(204, "POST", path+"/validation", `{"validations":[{"type":"ov"},{"type":"ev"}]}`)
	if got := w.call(200, "GET", path+"?include_dcv=true", "").text("dcv_token", "token"); got != added.text("dcv_token", "token") {
		t.Error("submitting without a method remade a live value")
	}
	for _, row := range methodShapes {
		t.Run(row.name, func(t *testing.T) {
			parts := []string{row.answer, "id:n"}
			slices.Sort(parts)
			w.call(201, "POST", path+"/validation", fmt.Sprintf(`{"validations":[{"type":"ov"}],"dcv_method":%q}`, row.method)).is("{" + strings.Join(parts, ",") + "}")
			w.call(204, "POST", path+"/validation", `{"validations":[{"type":"ov"}]}`)
		})
	}
	t.Run("an expired value is made anew", func(t *testing.T) {
		path, added := w.add("late.example.com", "dns-txt-token")
		w.advance(30*24*time.Hour + time.Second)
		w.call(204, "POST", path+"/validation", `{"validations":[{"type":"ov"}]}`)
		if got := w.call(200, "GET", path+"?include_dcv=true", "").text("dcv_token", "token"); got == added.text("dcv_token", "token") || got == "" {
			t.Errorf("token %q", got)
		}
	})
}

func TestChangeMethod(t *testing.T) { // seed 002, contract 3.6
	w := newWorld(t)
	path, _ := w.add("example.com", "dns-txt-token")
	for _, method := range []int{1, 2, 0} {
		row := methodShapes[method]
		t.Run(row.name, func(t *testing.T) {
			w.call(200, "PUT", path+"/dcv/method", fmt.Sprintf(`{"dcv_method":%q}`, row.method)).is("{" + row.answer + "}")
			before := w.state()
			if r := w.call(200, "PUT", path+"/dcv/method", fmt.Sprintf(`{"dcv_method":%q}`, row.method)); r.body != "{}" {
				t.Errorf("the same method again: %s", r.body)
			}
			if w.state() != before {
				t.Error("the same method again changed something")
			}
		})
	}
	five := []string{"admin@example.com", "administrator@example.com", "hostmaster@example.com", "postmaster@example.com", "webmaster@example.com"}
	back := func() { w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"dns-txt-token"}`) }
	for _, row := range []struct {
		name, body string
		to         []string
	}{
		{"all five get a message", `{"dcv_method":"email"}`, five},
		{"the flag false sends nothing", `{"dcv_method":"email","send_dcv_email_flag":false}`, nil},
		{"the flag true sends", `{"dcv_method":"email","send_dcv_email_flag":true}`, five},
		{"email_array limits", `{"dcv_method":"email","email_array":["Webmaster@Example.com","admin@example.com"]}`, []string{"admin@example.com", "webmaster@example.com"}},
		{"other addresses are ignored", `{"dcv_method":"email","email_array":["admin@example.com","ceo@example.com","admin@evil.example"]}`, []string{"admin@example.com"}},
		{"if none remains, all get it", `{"dcv_method":"email","email_array":["ceo@example.com"]}`, five},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := w.call(200, "PUT", path+"/dcv/method", row.body).is("{validation_emails:" + emailsShape + "}")
			if got := r.value("validation_emails", "base_emails").([]any); len(got) != 5 {
				t.Errorf("base_emails %v: it lists the constructed addresses, whoever was written to", got)
			}
			if to, _ := w.mails(); !slices.Equal(to, row.to) {
				t.Errorf("written to %q, want %q", to, row.to)
			}
			w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"email","send_dcv_email_flag":true}`)
			if to, _ := w.mails(); to != nil {
				t.Errorf("the same method again wrote to %q", to)
			}
			back()
		})
	}
	t.Run("contacts from the DNS are written to", func(t *testing.T) {
		w.dns("_validation-contactemail.example.com", "TXT", "txt@contact.example")
		w.dns("example.com", "CAA", `0 contactemail "caa@contact.example"`)
		w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"email","email_array":["txt@contact.example","caa@contact.example"]}`).is("{validation_emails:" + emailsShape + "}")
		if to, _ := w.mails(); !slices.Equal(to, []string{"caa@contact.example", "txt@contact.example"}) {
			t.Errorf("written to %q", to)
		}
		w.call(200, "GET", path+"/dcv/emails", "").is("{base_emails:[s],dns_caa_emails:[s],dns_txt_emails:[s],name_scope:s}")
		back()
	})
	for _, row := range []struct{ name, locale, subject string }{
		{"French", `,"locale":"fr"`, "Confirmez le contrôle de example.com"}, {"a region of it", `,"locale":"fr_CA"`, "Confirmez le contrôle de example.com"},
		{"an unknown code is English", `,"locale":"xx"`, ""}, {"no code is English", ``, ""},
	} {
		t.Run("locale: "+row.name, func(t *testing.T) {
			w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"email","email_array":["admin@example.com"]`+row.locale+`}`)
			_, all := w.mails()
			got := all.text("messages", 0, "subject")
			if (row.subject == "" && !strings.Contains(got, "ontrol")) || (row.subject != "" && got != row.subject) {
				t.Errorf("subject %q", got)
			}
			back()
		})
	}
}

func TestGenerateIsFlat(t *testing.T) { // seed 001, contract 3.7
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	for _, row := range []struct{ name, method, shape string }{
		{"TXT: token and end only", "dns-txt-token", `{expiration_date:s,token:s}`},
		{"CNAME: and the target", "dns-cname-token", `{expiration_date:s,token:s,verification_value:s}`},
		{"a file: its URL twice", "http-token", `{expiration_date:s,http_token_url:s,token:s,verification_value:s}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.call(200, "PUT", path+"/dcv/method", fmt.Sprintf(`{"dcv_method":%q}`, row.method))
			seen := map[string]bool{added.text("dcv_token", "token"): true}
			for _, body := range []string{"", "{}", "null", `{"validations":[{"type":"ov"}]}`, "left over, no JSON"} {
				r := w.call(200, "POST", path+"/dcv/token", body).is(row.shape)
				if seen[r.text("token")] {
					t.Error("the value is not new")
				}
				seen[r.text("token")] = true
				if r.text("expiration_date") != in30Days || (row.method == "http-token" && r.text("verification_value") != r.text("http_token_url")) {
					t.Error(r.body)
				}
				if info := w.call(200, "GET", path+"?include_dcv=true", ""); info.text("dcv_token", "token") != r.text("token") {
					t.Error("domain info shows another value")
				}
			}
		})
	}
	w.call(200, "PUT", path+"/dcv/method", `{"dcv_method":"email","send_dcv_email_flag":false}`)
	before := w.state()
	w.send("POST", w.url+path+"/dcv/token", w.key, "").refused(400, "invalid_dcv_method")
	if w.state() != before {
		t.Error("a refused generate changed something")
	}
}

func TestCheckAnswers(t *testing.T) { // contract 3.8
	w := newWorld(t)
	for _, row := range []struct{ name, method, code string }{
		{"txt.example.com", "dns-txt-token", "invalid_dns_txt"},
		{"cname.example.com", "dns-cname-token", "invalid_dns_cname"},
		{"file.example.com", "http-token", "file_random_value_not_found"},
	} {
		t.Run(row.method, func(t *testing.T) {
			path, added := w.add(row.name, row.method)
			token := added.text("dcv_token", "token")
			no := w.send("PUT", w.url+path+"/dcv/validate-token", w.key, "")
			no.refused(400, row.code)
			if no.header.Get("Link") == "" {
				t.Error("no Link to the attempt")
			}
			switch row.method {
			case "dns-txt-token":
				w.dns(row.name, "TXT", token)
			case "dns-cname-token":
				w.dns(token+"."+row.name, "CNAME", target)
			case "http-token":
				w.web(row.name, "/.well-known/pki-validation/fileauth.txt", token)
			}
			for _, what := range []string{"the first time", "already active"} {
				yes := w.call(200, "PUT", path+"/dcv/validate-token", "null").is("{status:s,token:s}")
				if yes.text("status") != "active" || yes.text("token") != token {
					t.Errorf("%s: %s", what, yes.body)
				}
			}
			w.call(200, "POST", path+"/dcv", "").is("{status:s}") // section 10
		})
	}
	path, _ := w.add("mail.example.com", "email")
	w.send("PUT", w.url+path+"/dcv/validate-token", w.key, "").refused(400, "invalid_dcv_method")
	txt, added := w.add("off.example.com", "dns-txt-token")
	w.dns("off.example.com", "TXT", added.text("dcv_token", "token"))
	w.call(204, "PUT", txt+"/deactivate", "")
	w.send("PUT", w.url+txt+"/dcv/validate-token", w.key, "").refused(400, "invalid_domain_status")
	w.call(204, "PUT", txt+"/activate", "")
	w.call(200, "PUT", txt+"/dcv/validate-token", "")
}

func TestANewValueEndsTheOldAtOnce(t *testing.T) { // seed 001
	w := newWorld(t)
	path, added := w.add("example.com", "dns-txt-token")
	w.dns("example.com", "TXT", added.text("dcv_token", "token"))
	fresh := w.call(200, "POST", path+"/dcv/token", "")
	w.send("PUT", w.url+path+"/dcv/validate-token", w.key, "").refused(400, "invalid_dns_txt")
	w.dns("example.com", "TXT", fresh.text("token"))
	w.call(200, "PUT", path+"/dcv/validate-token", "")
}

func TestAValueLivesThirtyDays(t *testing.T) { // contract section 6
	for _, row := range []struct {
		name string
		age  time.Duration
		want int
	}{{"at its end it still counts", 30 * 24 * time.Hour, 200}, {"a second later it does not", 30*24*time.Hour + time.Second, 400}} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			path, added := w.add("example.com", "dns-txt-token")
			w.dns("example.com", "TXT", added.text("dcv_token", "token"))
			w.advance(row.age)
			if r := w.send("PUT", w.url+path+"/dcv/validate-token", w.key, ""); r.status != row.want {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
}

func TestResend(t *testing.T) { // contract 3.10
	w := newWorld(t)
	path, _ := w.add("shop.example.com", "email")
	if to, _ := w.mails(); len(to) != 5 {
		t.Fatalf("written to %q", to)
	}
	for _, row := range []struct {
		name, body string
		to         []string
	}{
		{"one recipient", `{"email_array":["admin@shop.example.com"]}`, []string{"admin@shop.example.com"}},
		{"a parent's addresses", `{"name_scope":"example.com","email_array":["admin@example.com"]}`, []string{"admin@example.com"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.call(204, "PUT", path+"/dcv/emails", row.body)
			if to, _ := w.mails(); !slices.Equal(to, row.to) {
				t.Errorf("written to %q", to)
			}
		})
	}
	for _, scope := range []string{"example.org", "com", "deep.shop.example.com", "bad..name"} {
		r := w.send("PUT", w.url+path+"/dcv/emails", w.key, fmt.Sprintf(`{"name_scope":%q}`, scope))
		if r.status != 400 {
			t.Errorf("scope %s: %d %s", scope, r.status, r.body)
		}
	}
	txt, _ := w.add("txt.example.com", "dns-txt-token")
	w.send("PUT", w.url+txt+"/dcv/emails", w.key, "").refused(400, "invalid_dcv_method")
	w.call(204, "POST", path+"/dcv/emails", `{"name_scope":"example.com"}`) // section 10
}

func TestAddressesTakeIDOrName(t *testing.T) { // contract 3.9
	w := newWorld(t)
	path, _ := w.add("shop.example.com", "email")
	for _, p := range []string{path, "/domain/shop.example.com", "/domain/SHOP.example.com"} {
		r := w.call(200, "GET", p+"/dcv/emails?consider_dcv_email_preferences=True", "").is("{base_emails:[s],dns_txt_emails:[],name_scope:s}")
		if r.text("name_scope") != "shop.example.com" {
			t.Error(r.body)
		}
	}
	w.send("GET", w.url+"/domain/other.example.com/dcv/emails", w.key, "").refused(http.StatusNotFound, "not_found|domain")
}
