package check

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"deed/dcv"
)

// Each of these happened to someone.

func TestIncidentARecordLabelWithoutAnUnderscore(t *testing.T) {
	// The value as a label that a customer of the domain could own as a host.
	w := newWorld(t, token+`.example.com. IN CNAME `+target+`.`, `dnsauth.example.com. IN TXT "`+token+`"`, `dnsauth.example.com. IN CNAME `+token+`.`+target+`.`)
	for _, m := range []dcv.Method{dcv.DNSCNAME, dcv.DNSTXT} {
		if v := w.attempt(challenge(m, "example.com", []string{"example.com"}, token)); v.Outcome == dcv.Proven {
			t.Errorf("%s: proven at %s", m, v.Where)
		}
	}
	for _, q := range w.questions() {
		_, name, _ := strings.Cut(q, " ")
		if !strings.HasPrefix(name, "_") && name != "example.com." {
			t.Errorf("asked for %s", q)
		}
	}
}

func TestIncidentA404PageThatEchoesTheValue(t *testing.T) {
	for _, status := range []int{404, 401, 403, 410, 500, 503} {
		site := httptest.NewServer(serve(status, "not found: "+token))
		defer site.Close()
		w := newWorld(t, `example.com. IN A 127.0.0.1`)
		ch := challenge(dcv.HTTP, "example.com", []string{"example.com"}, token)
		ch.HTTPPort, ch.HTTPSPort, ch.AllowPrivate = netip.MustParseAddrPort(site.Listener.Addr().String()).Port(), closedPort(t), []string{"127.0.0.0/8"}
		if v := w.attempt(ch); v.Outcome == dcv.Proven {
			t.Errorf("a page with status %d proves", status)
		}
	}
	// An echo of the request cannot hold the value: it is in no request.
	var requests []string
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		line := r.RequestURI + " " + r.Host
		for k, v := range r.Header {
			line += " " + k + " " + strings.Join(v, " ")
		}
		requests = append(requests, line)
		_, _ = rw.Write([]byte(line))
	}))
	defer site.Close()
	w := newWorld(t, `example.com. IN A 127.0.0.1`)
	ch := challenge(dcv.HTTP, "example.com", []string{"example.com"}, token)
	ch.HTTPPort, ch.HTTPSPort, ch.AllowPrivate = netip.MustParseAddrPort(site.Listener.Addr().String()).Port(), closedPort(t), []string{"127.0.0.0/8"}
	expect(t, w.attempt(ch), dcv.HTTPNoMatch)
	if len(requests) == 0 || strings.Contains(strings.Join(requests, ""), token) {
		t.Errorf("the value was sent: %v", requests)
	}
}

func TestIncidentADNSSECErrorTakenAsInsecure(t *testing.T) {
	for name, tamper := range map[string]func(q dns.Question, m *dns.Msg){
		"the DS question fails": func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "good.com.") {
				m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
			}
		},
		"the DS is denied without a proof": func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "good.com.") {
				m.Answer, m.Ns = nil, nil
			}
		},
		"the keys are gone": func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDNSKEY && strings.EqualFold(q.Name, "good.com.") {
				m.Answer = nil
			}
		},
		"the signature is gone": func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				m.Answer = m.Answer[:min(len(m.Answer), 1)]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := signedWorld(t)
			s.Tamper(tamper)
			if v := w.attempt(challenge(dcv.DNSTXT, "good.com", []string{"good.com"}, token)); v.Outcome == dcv.Proven {
				t.Errorf("proven: %+v", v.Seen)
			}
		})
	}
}

func TestIncidentCAAMatchedAsASubstring(t *testing.T) {
	for _, issuer := range []string{"notca.deed.example", "ca.deed.example.net", "deed.example", "a.deed.example", "ca.deed.example ca.deed.example", "x;ca.deed.example", "other.example; ca.deed.example", "ca,deed.example"} {
		w := newWorld(t, `_dnsauth.example.com. IN TXT "`+token+`"`)
		w.mu.Lock()
		w.rrs = append(w.rrs, &dns.CAA{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeCAA, Class: dns.ClassINET, Ttl: 60}, Tag: "issue", Value: issuer})
		w.mu.Unlock()
		v := w.attempt(enforced(dcv.DNSTXT, "example.com", "example.com"))
		if v.Outcome == dcv.Proven || v.Problem.Code != dcv.CAADenied {
			t.Errorf("issue %q: %s", issuer, v.Outcome)
		}
	}
}
