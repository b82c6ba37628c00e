package check

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// signedWorld is a tree of signed, broken and unsigned zones, and an engine
// that validates from its root.
func signedWorld(t testing.TB) (*world, *dnssectest.World) {
	t.Helper()
	records := func(z string) []string {
		return []string{
			`_dnsauth.` + z + ` 60 IN TXT "` + token + `"`, z + ` 60 IN A 127.0.0.1`, under + `.` + z + ` 60 IN CNAME ` + target + `.`,
		}
	}
	s := dnssectest.Build(t, now,
		dnssectest.Zone{Name: "."}, dnssectest.Zone{Name: "com.", NSEC3: true, OptOut: true}, dnssectest.Zone{Name: "example."},
		dnssectest.Zone{Name: "good.com.", Records: records("good.com.")},
		dnssectest.Zone{Name: "plain.com.", Unsigned: true, Records: records("plain.com.")},
		dnssectest.Zone{Name: "expired.com.", Records: records("expired.com."), Inception: now.Add(-96 * time.Hour), Expiration: now.Add(-36 * time.Hour)},
		dnssectest.Zone{Name: "keyless.com.", Records: records("keyless.com."), DS: func(l []*dns.DS) []dns.RR {
			l[0].KeyTag++
			return []dns.RR{l[0]}
		}},
	)
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := dnssec.ParseAnchors(s.Anchors())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: s.Serve(t)}
	w.engine = New(Options{
		DNS:     resolve.NewLive(resolve.LiveOptions{Now: func() time.Time { return now }}),
		HTTP:    fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}),
		Servers: []netip.AddrPort{w.server}, DNSSEC: resolve.DNSSECValidate, Anchors: anchors, Deed: "test", PSL: "2026-03-02",
		HostName: func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err },
		Now:      func() time.Time { return now.Add(time.Second) }, QueryTimeout: 500 * time.Millisecond,
	})
	return w, s
}

func TestValidatedMethods(t *testing.T) {
	w, _ := signedWorld(t)
	var redirect atomic.Value // where good.com sends its visitors
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		host, port, _ := net.SplitHostPort(r.Host)
		if to, _ := redirect.Load().(string); to != "" && host == "good.com" {
			http.Redirect(rw, r, "http://"+to+":"+port+"/x", http.StatusFound)
			return
		}
		_, _ = rw.Write([]byte(token))
	}))
	defer site.Close()
	port := netip.MustParseAddrPort(site.Listener.Addr().String()).Port()

	for _, row := range []struct {
		name   string
		method dcv.Method
		domain string
		to     string // redirect of good.com
		code   dcv.Code
		says   string
	}{
		{"S1: TXT in a signed zone", dcv.DNSTXT, "good.com", "", "", ""},
		{"S1: CNAME in a signed zone", dcv.DNSCNAME, "good.com", "", "", ""},
		{"S1: the address of a website in a signed zone", dcv.HTTP, "good.com", "", "", ""},
		{"S6: TXT in an unsigned zone", dcv.DNSTXT, "plain.com", "", "", ""},
		{"S6: CNAME in an unsigned zone", dcv.DNSCNAME, "plain.com", "", "", ""},
		{"S6: a website in an unsigned zone", dcv.HTTP, "plain.com", "", "", ""},
		{"S5: TXT with an expired signature, which is dated", dcv.DNSTXT, "expired.com", "", dcv.DNSBogus, "2026-11-23 00:00:00 UTC"},
		{"S5: CNAME with an expired signature", dcv.DNSCNAME, "expired.com", "", dcv.DNSBogus, "expired"},
		{"H12: an address with an expired signature", dcv.HTTP, "expired.com", "", dcv.DNSBogus, "expired"},
		{"S5: a DS that names no key", dcv.DNSTXT, "keyless.com", "", dcv.DNSBogus, "no DNSKEY of keyless.com matches its DS"},
		{"H12: a redirect to a host whose address is bogus", dcv.HTTP, "good.com", "expired.com", dcv.DNSBogus, "expired"},
		{"H12: a redirect to a host in an unsigned zone", dcv.HTTP, "good.com", "plain.com", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			redirect.Store(row.to)
			ch := challenge(row.method, row.domain, []string{row.domain}, token, under)
			ch.HTTPPort, ch.AllowPrivate = port, []string{"127.0.0.0/8"}
			v := w.attempt(ch)
			expect(t, v, row.code)
			if row.code != "" && !strings.Contains(v.Problem.Detail, row.says) {
				t.Errorf("%s", v.Problem.Detail)
			}
		})
	}
}

// A repaired zone is seen at once, though its keys were warm.
func TestRepairIsSeenAtOnce(t *testing.T) {
	w, s := signedWorld(t)
	ch := challenge(dcv.DNSTXT, "good.com", []string{"good.com"}, token)
	expect(t, w.attempt(ch), "")
	s.Tamper(func(q dns.Question, m *dns.Msg) {
		if q.Qtype == dns.TypeTXT {
			m.Answer = m.Answer[:min(len(m.Answer), 1)] // the signature stands after the record
		}
	})
	expect(t, w.attempt(ch), dcv.DNSBogus)
	s.Tamper(nil)
	expect(t, w.attempt(ch), "")
}

// A resolver that does not speak DNSSEC is our trouble, never the domain's.
func TestAResolverWithoutDNSSECIsOurs(t *testing.T) {
	w, s := signedWorld(t)
	s.Tamper(func(_ dns.Question, m *dns.Msg) {
		m.Ns = nil
		kept := m.Answer[:0]
		for _, rr := range m.Answer {
			if rr.Header().Rrtype != dns.TypeRRSIG {
				kept = append(kept, rr)
			}
		}
		m.Answer = kept
	})
	for _, method := range []dcv.Method{dcv.DNSTXT, dcv.HTTP} {
		v := w.attempt(challenge(method, "good.com", []string{"good.com"}, token))
		if v.Outcome != dcv.CouldNotCheck || v.Problem.Code != dcv.Internal || v.Problem.Whose != dcv.Us {
			t.Errorf("%s: %s %+v", method, v.Outcome, v.Problem)
		}
	}
}

// The capsule holds the chain and names the anchors: changed in the smallest
// way, it no longer proves.
func TestCapsuleOfAValidatedCheck(t *testing.T) {
	w, _ := signedWorld(t)
	ch := challenge(dcv.DNSTXT, "good.com", []string{"good.com"}, token)
	for _, which := range []string{"cold", "warm"} {
		r, err := w.engine.Attempt(context.Background(), ch)
		if err != nil {
			t.Fatal(err)
		}
		c, err := capsule.Decode(r.Capsule)
		if err != nil {
			t.Fatal(err)
		}
		if c.Challenge.TrustAnchors == "" || len(c.DNS) != 8 { // two of them CAA
			t.Errorf("%s: anchors %q, %d exchanges", which, c.Challenge.TrustAnchors, len(c.DNS))
		}
		c.Challenge.TrustAnchors = "" // the real root's
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Replay(b, ReplayOptions{HostName: w.engine.o.HostName})
		if err != nil || again.Same || again.Again.Outcome == dcv.Proven {
			t.Errorf("%s: %v, %+v", which, err, again.Again)
		}
	}
}
