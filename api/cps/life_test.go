package cps_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"deed/authority"
)

const day = 24 * time.Hour

// later moves the clock and gets a token that lives then.
func (w *world) later(d time.Duration) {
	w.advance(d)
	w.token = w.grant(w.id, w.secret)
}

// waiting asks, with an API key, what waits for an issuer.
func (w *world) waiting() reply {
	w.t.Helper()
	r := w.request("GET", w.origin+"/v1/orders/waiting", "", "X-DC-DEVKEY", w.key)
	if r.status != 200 {
		w.t.Fatalf("%s: %d %s", r.what, r.status, r.body)
	}
	return r
}

func (w *world) issued(id int64, expires time.Time) reply {
	w.t.Helper()
	return w.request("PUT", fmt.Sprintf("%s/v1/orders/%d/issued", w.origin, id),
		fmt.Sprintf(`{"expires_at":%q,"thumbprint":"%s"}`, expires.Format(time.RFC3339), strings.Repeat("ab", 32)), "X-DC-DEVKEY", w.key, "Content-Type", "application/json")
}

// What comes after domain control is another's: Deed lists what waits, with the
// evidence, and believes a report only of what is proven.
func TestAnIssuerSeesWhatWaitsAndReports(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask("shop", "DV", "DnsTxtToken", "shop.example.com", "example.net")
	if r := w.waiting(); len(r.value("orders").([]any)) != 0 {
		t.Errorf("unproven, and waits for an issuer: %s", r.body)
	}
	if r := w.issued(id, w.now().AddDate(0, 1, 0)); r.status != 409 {
		t.Errorf("unproven, and issued: %d %s", r.status, r.body)
	}
	value := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
	w.dns("shop.example.com", "TXT", value)
	w.dns("example.net", "TXT", value)
	w.call(204, "PUT", dcvOf(id, "/check"), "")
	r := w.waiting()
	if r.number("orders", 0, "id") != id || r.text("orders", 0, "names", 1, "name") != "example.net" || r.text("orders", 0, "usable_until") == "" {
		t.Fatalf("waiting: %s", r.body)
	}
	if a := w.request("GET", w.origin+r.text("orders", 0, "names", 0, "attempt"), "", "X-DC-DEVKEY", w.key); a.text("outcome") != "proven" || a.text("domain") != "shop.example.com" {
		t.Errorf("the evidence: %d %s", a.status, a.body)
	}
	// Not by another account, not by the client that asked, not for ever.
	_, _, key := w.tenant("Another")
	mine := w.key
	w.key = key
	if r := w.issued(id, w.now().AddDate(0, 1, 0)); r.status != 404 {
		t.Errorf("another account: %d %s", r.status, r.body)
	}
	if r := w.waiting(); len(r.value("orders").([]any)) != 0 {
		t.Errorf("another account sees %s", r.body)
	}
	w.key = mine
	body := `{"expires_at":"2027-01-01T00:00:00Z","thumbprint":"` + strings.Repeat("ab", 32) + `"}`
	if r := w.send("PUT", fmt.Sprintf("%s/v1/orders/%d/issued", w.origin, id), w.token, body); r.status != 403 {
		t.Errorf("the client: %d %s", r.status, r.body)
	}
	for _, expires := range []time.Time{w.now(), w.now().AddDate(3, 0, 0)} {
		if r := w.issued(id, expires); r.status != 422 {
			t.Errorf("until %v: %d %s", expires, r.status, r.body)
		}
	}
	if s := w.status(id); s.text("status") != "OtherValidation" {
		t.Errorf("refused reports changed it: %s", s.body)
	}

	end := w.now().AddDate(0, 1, 0)
	if r := w.issued(id, end); r.status != 204 || r.body != "" {
		t.Fatalf("the report: %d %s", r.status, r.body)
	}
	c := w.call(200, "GET", certOf(id, ""), "")
	if c.text("expiration_date") != end.Format("2006-01-02T15:04:05.000000Z") || c.text("domains", 0, "status") != "Active" || c.text("domains", 0, "active_date") == "" || c.text("thumbprint") == "" {
		t.Errorf("issued: %s", c.body)
	}
	if s := w.status(id); s.text("status") != "Active" || s.number("step") != 6 || s.text("order_validation", "status") != "Issued" {
		t.Errorf("issued: %s", s.body)
	}
	if r := w.issued(id, end); r.status != 409 {
		t.Errorf("twice: %d", r.status)
	}
	// Clients send the method, unchanged, with every patch.
	if r := w.call(200, "PATCH", certOf(id, ""), `{"description":"issued","dcv_method":"DnsTxtToken","domains":null}`); r.text("description") != "issued" {
		t.Errorf("patched: %s", r.body)
	}
	w.send("PUT", w.url+dcvOf(id, "/method"), w.token, `{"dcv_method":"DnsCnameToken"}`).refused(400, "invalid_operation")
	w.send("PUT", w.url+certOf(id, "/cancel?apply=true"), w.token, "").refused(409, "invalid_operation")
	w.send("PUT", w.url+certOf(id, "/retrigger"), w.token, "").refused(400, "invalid_operation")
	w.call(204, "DELETE", certOf(id, ""), "")
	if s := w.status(id); s.text("status") != "Deleted" || s.text("order_validation", "status") != "Deleted" {
		t.Errorf("deleted: %s", s.body)
	}
	w.send("DELETE", w.url+certOf(id, ""), w.token, "").refused(400, "invalid_operation")
}

// A renewal asks anew for what has ended in the meantime, and only for that.
func TestRenewalProvesAgainWhatHasEnded(t *testing.T) {
	for _, typ := range []string{"DV", "OV"} {
		w := newWorld(t)
		id, _ := w.ask("shop", typ, "DnsTxtToken", "example.com")
		prove := func() string {
			value := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
			w.dns("example.com", "TXT", value)
			w.call(204, "PUT", dcvOf(id, "/check"), "")
			return value
		}
		first := prove()
		w.issued(id, w.now().AddDate(0, 3, 0))
		w.later(250 * day) // by then proofs may be 100 days old
		w.call(204, "PUT", certOf(id, "/renew"), "")
		s := w.status(id)
		if s.text("status") != "DomainControlValidation" || s.text("order_validation", "status") != "PendingRenewal" || s.text("order_validation", "domain_validations", 0, "status") != "Pending" {
			t.Fatalf("%s: renewing: %s", typ, s.body)
		}
		if second := prove(); second == first || second == "" {
			t.Errorf("%s: the value is %q again", typ, second)
		}
		if s := w.status(id); s.text("status") != "OtherValidation" {
			t.Errorf("%s: proven again: %s", typ, s.body)
		}
		if r := w.waiting(); r.number("orders", 0, "id") != id {
			t.Errorf("%s: waiting: %s", typ, r.body)
		}
	}
}

// A request that nobody answers for times out; submitted again it starts anew,
// with a value that lives.
func TestATimedOutRequestIsSubmittedAgain(t *testing.T) {
	for _, typ := range []string{"DV", "OV"} {
		w := newWorld(t)
		id, _ := w.ask("shop", typ, "DnsTxtToken", "example.com")
		old := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
		w.later(31 * day)
		w.mails()
		if c := w.call(200, "GET", certOf(id, ""), ""); c.text("domains", 0, "status") != "TimedOut" {
			t.Errorf("%s: %s", typ, c.body)
		}
		if d := w.call(200, "GET", dcvOf(id, ""), ""); d.value("items", 0, "dcv_token") != nil {
			t.Errorf("%s: an expired value is shown: %s", typ, d.body)
		}
		w.call(204, "PUT", certOf(id, "/retrigger"), "")
		fresh := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
		if fresh == "" || fresh == old {
			t.Errorf("%s: value %q after %q", typ, fresh, old)
		}
		w.dns("example.com", "TXT", old, fresh)
		w.advance(2 * time.Minute)
		w.mails()
		if s := w.status(id); s.text("status") != "OtherValidation" {
			t.Errorf("%s: not looked at by itself: %s", typ, s.body)
		}
	}
}

// E-mail: who was written to is shown, the code in the message proves, and
// changing the method ends what was sent.
func TestEmailRequest(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask("shop", "DV", "Email", "example.com")
	to, _ := w.mails()
	d := w.call(200, "GET", dcvOf(id, ""), "")
	if len(to) != 5 || len(d.value("items", 0, "emails").([]any)) != 5 || d.text("items", 0, "emails", 0) != "admin@example.com" {
		t.Fatalf("%v %s", to, d.body)
	}
	w.call(204, "POST", dcvOf(id, "/emails/resend"), "")
	to, all := w.mails()
	if len(to) != 5 {
		t.Errorf("again: %v", to)
	}
	at, err := url.Parse(all.text("messages", 0, "link"))
	must(t, err)
	if _, err := w.authority.ApproveMail(t.Context(), strings.TrimPrefix(at.Path, "/approve/"), all.text("messages", 0, "code")); err != nil {
		t.Fatal(err)
	}
	if s := w.status(id); s.text("status") != "OtherValidation" {
		t.Errorf("approved: %s", s.body)
	}

	other, _ := w.ask("other", "OV", "Email", "example.net")
	w.mails()
	w.call(204, "PUT", dcvOf(other, "/method"), `{"dcv_method":"DnsTxtToken"}`)
	d = w.call(200, "GET", dcvOf(other, ""), "")
	if d.value("items", 0, "emails") != nil || d.text("items", 0, "dcv_token", "token") == "" {
		t.Errorf("after the change: %s", d.body)
	}
	w.call(204, "PUT", dcvOf(other, "/method"), `{"dcv_method":"Email"}`)
	if to, _ := w.mails(); len(to) != 5 {
		t.Errorf("back to e-mail: %v", to)
	}
	before := w.state()
	w.call(204, "PUT", dcvOf(other, "/method"), `{"dcv_method":"Email"}`) // set already
	if w.state() != before {
		t.Error("the method already set changed something")
	}
}

// Many ask for one label at once: one request is made.
func TestOneLabelOneRequest(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 12 {
		wg.Go(func() {
			r := w.send("POST", w.url+"/certificates/cdnprovided", w.token, wanted("shop", "OV", "DnsTxtToken", "example.com"))
			mu.Lock()
			count[r.status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if count[201] != 1 || count[400] != 11 {
		t.Errorf("answers %v", count)
	}
	if r := w.call(200, "GET", "/certificates", ""); r.number("total_items") != 1 {
		t.Errorf("%s", r.body)
	}
}

// A cancelled request's value proves nothing any more.
func TestACancelledRequestProvesNothing(t *testing.T) {
	w := newWorld(t)
	id, d := w.ask("shop", "DV", "DnsTxtToken", "example.com")
	w.dns("example.com", "TXT", w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token"))
	w.call(200, "PUT", certOf(id, "/cancel?apply=false"), "")
	w.call(204, "PUT", certOf(id, "/cancel?apply=true"), "")
	if shown := w.call(200, "GET", dcvOf(id, ""), ""); shown.value("items", 0, "dcv_token") != nil {
		t.Errorf("its value has not ended: %s", shown.body)
	}
	if r := w.certcentral(400, "PUT", fmt.Sprintf("/domain/%d/dcv/validate-token", d[0]), ""); r.text("errors", 0, "code") != "invalid_dns_txt" {
		t.Errorf("%s", r.body)
	}
	s := w.status(id)
	if s.text("status") != "Deleted" || s.text("order_validation", "status") != "Canceled" || s.text("order_validation", "domain_validations", 0, "status") != "Pending" {
		t.Errorf("%s", s.body)
	}
}

// A domain that waits by a request's method follows the request to another one.
func TestDomainsFollowTheMethodOfTheirRequest(t *testing.T) {
	for _, typ := range []string{"DV", "OV"} {
		w := newWorld(t)
		id, d := w.ask("shop", typ, "DnsTxtToken", "example.com")
		w.call(204, "PUT", dcvOf(id, "/method"), `{"dcv_method":"DnsCnameToken"}`)
		if r := w.certcentral(200, "GET", fmt.Sprintf("/domain/%d", d[0]), ""); r.text("dcv_method") != "dns-cname-token" {
			t.Errorf("%s: %s", typ, r.body)
		}
		token := w.call(200, "GET", dcvOf(id, ""), "").text("items", 0, "dcv_token", "token")
		w.dns("_dnsauth.example.com", "CNAME", token+"."+target)
		w.call(204, "PUT", dcvOf(id, "/check"), "")
		if s := w.status(id); s.text("status") != "OtherValidation" {
			t.Errorf("%s: %s", typ, s.body)
		}
	}
}

// Name servers that do not answer keep a caller waiting only so long: the check
// was submitted, and goes on by itself.
func TestASlowCheckGoesOnByItself(t *testing.T) {
	w := newWorld(t)
	id, d := w.ask("shop", "DV", "DnsTxtToken", "example.com", "example.net")
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	asked := make(chan struct{})
	release := make(chan struct{})
	go func() {
		var once sync.Once
		buf := make([]byte, 4096)
		for {
			n, from, err := silent.ReadFrom(buf)
			if err != nil {
				return
			}
			once.Do(func() { close(asked) })
			<-release
			buf[2], buf[3] = buf[2]|0x80, 0x83 // the question back, as NXDOMAIN
			_, _ = silent.WriteTo(buf[:n], from)
		}
	}()
	slow := newAuthority(t, w, silent.LocalAddr().String())
	actor, err := w.authority.AuthenticateToken(t.Context(), w.token, authority.ClientScope)
	must(t, err)
	attempts, err := slow.CheckCertificate(t.Context(), actor, id, nil)
	must(t, err)
	if len(attempts) != 0 {
		t.Errorf("attempts before any answer: %v", attempts)
	}
	<-asked
	close(release)
	must(t, slow.Close(t.Context()))
	for _, domain := range d {
		if _, n, err := slow.Attempts(t.Context(), actor, domain, authority.Page{Limit: 10}); err != nil || n != 1 {
			t.Errorf("domain %d has %d attempts: %v", domain, n, err)
		}
	}
}
