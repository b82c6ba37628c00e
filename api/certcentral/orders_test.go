package certcentral_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// order places one for names by a method and gives its path and the answer.
func (w *world) order(method string, names ...string) (string, reply) {
	w.t.Helper()
	r := w.call(201, "POST", "/order/certificate/ssl_basic", fmt.Sprintf(`{"certificate":{"common_name":%q,"dns_names":["%s"]},"organization":{"id":%d},"dcv_method":%q}`,
		names[0], strings.Join(names, `","`), w.org, method))
	return fmt.Sprintf("/order/certificate/%d", r.number("id")), r
}

const valueShape = "{dcv_random_value:s,expiration_date:s}"

func TestPlaceOrder(t *testing.T) { // contract section 5
	w := newWorld(t)
	for _, row := range []struct{ name, method, shape string }{
		{"TXT", "dns-txt-token", "{dcv_random_value:s,domains:[{dcv_token:" + tokenShape + ",id:n,name:s}],id:n}"},
		{"CNAME", "dns-cname-token", "{dcv_random_value:s,domains:[{dcv_token:" + cnameShape + ",id:n,name:s}],id:n}"},
		{"a file", "http-token", "{dcv_random_value:s,domains:[{dcv_token:" + fileShape + ",id:n,name:s}],id:n}"},
		{"e-mail has no value", "email", "{domains:[{id:n,name:s}],id:n}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, r := w.order(row.method, row.method+".example.com", "two."+row.method+".example.com")
			r.is(row.shape)
			value := r.text("dcv_random_value")
			for i, d := range r.value("domains").([]any) {
				_ = d
				if r.text("domains", i, "dcv_token", "token") != value {
					t.Errorf("domain %d has another value than the order", i)
				}
				info := w.call(200, "GET", fmt.Sprintf("/domain/%d?include_dcv=true", r.number("domains", i, "id")), "")
				if info.text("dcv_token", "token") != value || info.text("organization", "is_active") != "1" {
					t.Errorf("domain info shows %s", info.body)
				}
			}
		})
	}
	t.Run("a name in the order twice, and with its wildcard, is one domain", func(t *testing.T) {
		_, r := w.order("dns-txt-token", "same.example.org", "*.same.example.org", "SAME.example.org")
		if n := len(r.value("domains").([]any)); n != 1 {
			t.Errorf("%d domains", n)
		}
	})
	t.Run("a DV order names no organization; its domain has one all the same", func(t *testing.T) {
		r := w.call(201, "POST", "/order/certificate/ssl_dv_geotrust", `{"certificate":{"common_name":"dv.example.org"},"dcv_method":"dns-txt-token"}`)
		w.call(200, "GET", fmt.Sprintf("/domain/%d", r.number("domains", 0, "id")), "").is(info())
	})
	t.Run("nothing needs validating: neither value nor domains", func(t *testing.T) {
		path, added := w.add("done.example.org", "dns-txt-token")
		w.prove(path, "done.example.org", added.text("dcv_token", "token"))
		_, r := w.order("dns-txt-token", "done.example.org", "www.done.example.org")
		r.is("{id:n}")
	})
}

func TestOrderRandomValue(t *testing.T) { // seed 001, contract section 5
	w := newWorld(t)
	path, placed := w.order("dns-txt-token", "example.com", "shop.example.net")
	value := placed.text("dcv_random_value")
	domain := fmt.Sprintf("/domain/%d", placed.number("domains", 0, "id"))
	again := w.call(200, "PUT", path+"/dcv-random-value", "{}").is(valueShape)
	if again.text("dcv_random_value") != value || again.text("expiration_date") != in30Days {
		t.Error("an unexpired order value was remade")
	}
	own := w.call(200, "POST", domain+"/dcv/token", "").text("token")
	if got := w.call(200, "PUT", path+"/dcv-random-value", "").text("dcv_random_value"); got != value || own == value {
		t.Error("a new domain value ended the order value")
	}
	w.advance(30 * 24 * time.Hour)
	if w.call(200, "PUT", path+"/dcv-random-value", "").text("dcv_random_value") != value {
		t.Error("remade in its last instant")
	}
	w.advance(time.Second)
	fresh := w.call(200, "PUT", path+"/dcv-random-value", "")
	if fresh.text("dcv_random_value") == value || fresh.text("expiration_date") != "2027-01-23T03:30:01+00:00" {
		t.Error("not remade after it expired: " + fresh.body)
	}
	mailed, _ := w.order("email", "mail.example.org")
	w.send("PUT", w.url+mailed+"/dcv-random-value", w.key, "").refused(400, "invalid_dcv_method")
}

func TestOrderMethod(t *testing.T) { // contract section 5
	w := newWorld(t)
	path, placed := w.order("dns-txt-token", "example.com")
	r := w.call(200, "PUT", path+"/dcv-method", `{"dcv_method":"dns-txt-token"}`).is(valueShape)
	if r.text("dcv_random_value") != placed.text("dcv_random_value") {
		t.Error("the same method again remade the value")
	}
	cname := w.call(200, "PUT", path+"/dcv-method", `{"dcv_method":"dns-cname-token"}`).is(valueShape)
	if !strings.HasPrefix(cname.text("dcv_random_value"), "_") {
		t.Errorf("value %s", cname.body)
	}
	w.call(204, "PUT", path+"/dcv-method", `{"dcv_method":"email"}`)
	if to, _ := w.mails(); len(to) != 5 {
		t.Errorf("written to %q", to)
	}
	w.call(204, "PUT", path+"/dcv-method", `{"dcv_method":"email"}`)
	if to, _ := w.mails(); to != nil {
		t.Errorf("the same method again wrote to %q", to)
	}
	w.call(200, "PUT", path+"/dcv-method", `{"dcv_method":"http-token"}`).is(valueShape)
	for _, m := range []string{"", "dns", "http-token-dynamic"} {
		w.send("PUT", w.url+path+"/dcv-method", w.key, fmt.Sprintf(`{"dcv_method":%q}`, m)).refused(400, "invalid_dcv_method")
	}
	wild, _ := w.order("dns-txt-token", "*.example.org")
	w.send("PUT", w.url+wild+"/dcv-method", w.key, `{"dcv_method":"http-token"}`).refused(400, "invalid_wildcard_dcv_method")
}

func TestCheckOrder(t *testing.T) { // contract section 5
	w := newWorld(t)
	path, placed := w.order("dns-txt-token", "example.com", "example.net")
	value := placed.text("dcv_random_value")
	expect := func(r reply, dcv string, names ...string) {
		t.Helper()
		r.is("{certificate_id:n,dcv_status:s,dns_name_validations:[{dns_name:s,status:s}],order_status:s}")
		var got []string
		for i := range r.value("dns_name_validations").([]any) {
			got = append(got, r.text("dns_name_validations", i, "dns_name")+"="+r.text("dns_name_validations", i, "status"))
		}
		if r.text("order_status") != "pending" || r.text("dcv_status") != dcv || !slices.Equal(got, names) {
			t.Errorf("%s, want %s %q", r.body, dcv, names)
		}
	}
	expect(w.call(200, "PUT", path+"/check-dcv", ""), "pending", "example.com=pending", "example.net=pending")
	w.dns("_dnsauth.example.net", "TXT", value)
	expect(w.call(200, "PUT", path+"/check-dcv", `{"dns_names_validations":["example.com"]}`), "pending", "example.com=pending")
	expect(w.call(200, "PUT", path+"/check-dcv", `{"dns_name_validations":["EXAMPLE.net"]}`), "valid", "example.net=approved")
	expect(w.call(200, "PUT", path+"/check-dcv", "null"), "pending", "example.com=pending", "example.net=approved")
	// The other name is proven by its domain value: either is found by either call (seed 001).
	own := w.call(200, "POST", fmt.Sprintf("/domain/%d/dcv/token", placed.number("domains", 0, "id")), "").text("token")
	w.dns("example.com", "TXT", own)
	done := w.call(200, "PUT", path+"/check-dcv", "")
	expect(done, "valid", "example.com=approved", "example.net=approved")
	if len(done.header.Values("Link")) != 1 {
		t.Errorf("Link %q: one name was looked at", done.header.Values("Link"))
	}
	info := w.call(200, "GET", path, "")
	if info.text("status") != "pending" || info.text("dcv_status") != "valid" {
		t.Errorf("an order whose names are all proven says so and stays pending: %s", info.body)
	}
	w.send("PUT", w.url+path+"/check-dcv", w.key, `{"dns_name_validations":["example.org"]}`).refused(400, "invalid_not_in_order")

	t.Run("a domain check finds the order value", func(t *testing.T) {
		_, placed := w.order("dns-txt-token", "third.example.org")
		w.dns("third.example.org", "TXT", placed.text("dcv_random_value"))
		w.call(200, "PUT", fmt.Sprintf("/domain/%d/dcv/validate-token", placed.number("domains", 0, "id")), "")
	})
	t.Run("another order's value proves nothing", func(t *testing.T) {
		_, one := w.order("dns-txt-token", "one.example.org")
		two, _ := w.order("dns-txt-token", "two.example.org")
		w.dns("two.example.org", "TXT", one.text("dcv_random_value"))
		expect(w.call(200, "PUT", two+"/check-dcv", ""), "pending", "two.example.org=pending")
	})
	t.Run("a missing file is 400, whatever the other names say", func(t *testing.T) {
		path, placed := w.order("http-token", "www.example.org", "img.example.org")
		w.web("www.example.org", "/.well-known/pki-validation/fileauth.txt", placed.text("dcv_random_value"))
		w.send("PUT", w.url+path+"/check-dcv", w.key, "").refused(400, "file_random_value_not_found")
		w.web("img.example.org", "/.well-known/pki-validation/fileauth.txt", placed.text("dcv_random_value"))
		expect(w.call(200, "PUT", path+"/check-dcv", ""), "valid", "www.example.org=approved", "img.example.org=approved")
	})
	mailed, _ := w.order("email", "mail.example.org")
	w.send("PUT", w.url+mailed+"/check-dcv", w.key, "").refused(400, "invalid_dcv_method")
}

func TestResendOrderMail(t *testing.T) { // contract section 5
	w := newWorld(t)
	path, _ := w.order("email", "example.com", "shop.example.net")
	if to, _ := w.mails(); len(to) != 10 {
		t.Fatalf("written to %q", to)
	}
	for _, row := range []struct {
		name, body string
		to         []string
	}{
		{"one name, one address", `{"domain_approval_emails":[{"domain":"example.com","email":"admin@example.com"}]}`, []string{"admin@example.com"}},
		{"a parent's address", `{"domain_approval_emails":[{"domain":"shop.example.net","email":"admin@example.net","email_domain":"example.net"}],"locale":"de"}`, []string{"admin@example.net"}},
		{"two for one name", `{"domain_approval_emails":[{"domain":"example.com","email":"admin@example.com"},{"domain":"example.com","email":"webmaster@example.com"}]}`, []string{"admin@example.com", "webmaster@example.com"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.call(204, "PUT", path+"/resend-emails", row.body)
			if to, _ := w.mails(); !slices.Equal(to, row.to) {
				t.Errorf("written to %q", to)
			}
		})
	}
	w.call(204, "PUT", path+"/resend-emails", "")
	if to, _ := w.mails(); len(to) < 10 {
		t.Errorf("written to %q", to)
	}
	before := w.state()
	for _, row := range []struct{ body, code string }{
		{`{"domain_approval_emails":[{"domain":"example.org","email":"a@example.org"}]}`, "invalid_not_in_order"},
		{`{"domain_approval_emails":[{"domain":"example.com"}]}`, "invalid_recipients"},
		{`{"domain_approval_emails":[{"domain":"example.com","email":"admin@com","email_domain":"com"}]}`, "invalid_domain_name|name_single_label"},
		{`{"domain_approval_emails":{"domain":"example.com"}}`, "bad_request_format"},
	} {
		w.send("PUT", w.url+path+"/resend-emails", w.key, row.body).refused(400, row.code)
	}
	if w.state() != before {
		t.Error("a refused resend changed something")
	}
	txt, _ := w.order("dns-txt-token", "txt.example.org")
	w.send("PUT", w.url+txt+"/resend-emails", w.key, "").refused(400, "invalid_dcv_method")
}

func TestOrderInfoAndList(t *testing.T) {
	w := newWorld(t)
	path, _ := w.order("dns-txt-token", "example.com")
	const common = `certificate:{common_name:s,dns_names:[s]},` + containerShape + `,date_created:s,dcv_method:s`
	w.call(200, "GET", path, "").is("{" + common + ",dcv_random_value:s,dcv_status:s,dns_name_validations:[{dns_name:s,status:s}],id:n,organization:{id:n},product:{name_id:s},status:s}")
	w.order("email", "example.org")
	r := w.call(200, "GET", "/order/certificate?limit=1", "").is("{orders:[{" + common + ",id:n,organization:{id:n},product:{name_id:s},status:s}],page:{limit:n,offset:n,total:n}}")
	if r.number("page", "total") != 2 || r.number("orders", 0, "id") != 2 {
		t.Error(r.body)
	}
	w.send("DELETE", w.url+"/domain/1", w.key, "").refused(400, "cannot_delete_domain")
	for _, product := range []string{"..", "A%20B", "123", strings.Repeat("a", 65)} {
		r := w.send("POST", w.url+"/order/certificate/"+product, w.key, `{"certificate":{"common_name":"example.com"}}`)
		if r.status/100 != 4 {
			t.Errorf("product %q: %d", product, r.status)
		}
	}
}
