package certcentral_test

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzBodies sends any body to any route: never a 5xx, never a panic, always
// the dialect's envelope on a refusal.
func FuzzBodies(f *testing.F) {
	for i, r := range routes {
		f.Add(uint8(i), "1", r.body)
	}
	f.Add(uint8(1), "", `{"name":"*.b\u00fccher.example.com.","organization":{"id":9223372036854775807},"validations":[{"type":"ov"},{}],"keep_www":"1","email_array":[""]}`)
	f.Add(uint8(1), "", `{"name":"`+strings.Repeat("a.", 200)+`com","dcv":{"method":"email"},"locale":"xx-`+strings.Repeat("y", 300)+`"}`)
	f.Add(uint8(9), "2", `{"dcv_method":"email","send_dcv_email_flag":"1","email_array":["a@b","\r\nBcc: x@y"]}`)
	f.Add(uint8(16), "2", `{"name_scope":"com","email_array":null}`)
	f.Add(uint8(31), "1", `{"dns_names_validations":["fuzz.example.com"],"dns_name_validations":[""]}`)
	f.Add(uint8(32), "2", `{"domain_approval_emails":[{"domain":"mail.example.com","email":"x@y","email_domain":"example.com"}]}`)
	f.Add(uint8(0), "?limit=1&sort=-name&filters[search]=%25a&filters[validation]=ov_expired", "")
	f.Add(uint8(0), "?filters[x][0]=%zz&offset=18446744073709551616", "")
	w := newWorld(f)
	w.add("example.com", "dns-txt-token")
	w.add("mail.example.com", "email")
	w.order("dns-txt-token", "example.net")
	w.order("email", "mail.example.com")
	f.Fuzz(func(t *testing.T, route uint8, id, body string) {
		r := routes[int(route)%len(routes)]
		path := strings.ReplaceAll(r.path, "%d", "\x00")
		url := w.url
		for i, part := range strings.Split(path, "\x00") {
			if i > 0 {
				url += escape(id)
			}
			url += part
		}
		if strings.HasPrefix(id, "?") {
			url = w.url + strings.ReplaceAll(r.path, "%d", "1") + "?" + strings.Map(visible, id[1:])
		}
		w.t = t
		res := w.send(r.method, url, w.key, body)
		if res.status >= 500 {
			t.Fatalf("%s: %d %s", res.what, res.status, res.body)
		}
		if res.status >= 300 && res.status < 400 {
			t.Fatalf("%s: redirected to %s", res.what, res.header.Get("Location"))
		}
		if res.status != http.StatusNoContent && res.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %q", res.what, res.status, res.header.Get("Content-Type"))
		}
		if res.status >= 400 && res.shape() != "{errors:[{code:s,message:s}]}" {
			t.Fatalf("%s: %d %s", res.what, res.status, res.body)
		}
		if w.logs.Len() > 0 {
			t.Fatal(w.logs.String())
		}
	})
}

// escape keeps any text in one segment of a path.
func escape(s string) string {
	var out strings.Builder
	for _, b := range []byte(s) {
		if b == '-' || b == '.' || b == '/' || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') {
			out.WriteByte(b)
		} else {
			out.WriteString("%" + string("0123456789ABCDEF"[b>>4]) + string("0123456789ABCDEF"[b&15]))
		}
	}
	return out.String()
}

func visible(r rune) rune {
	if r <= ' ' || r >= 0x7f || r == '#' {
		return -1
	}
	return r
}
