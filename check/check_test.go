package check

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec/dnssectest"
)

const (
	token  = "0123456789abcdefghijklmnopqrstuv"
	under  = "_123456789abcdefghijklmnopqrstuv"
	target = "dcv.deed.example"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is a name server on UDP and TCP, and an engine that sees only it.
type world struct {
	t      testing.TB
	mu     sync.Mutex
	rrs    []dns.RR
	asked  []string
	fail   map[string]int // rcode by name
	engine *Engine
	server netip.AddrPort
}

func newWorld(t testing.TB, lines ...string) *world {
	t.Helper()
	w := &world{t: t, fail: map[string]int{}}
	w.add(lines...)
	w.server = dnssectest.Serve(t, w)
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	w.engine = New(Options{
		DNS:     resolve.NewLive(resolve.LiveOptions{}),
		HTTP:    fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}),
		Servers: []netip.AddrPort{w.server}, DNSSEC: resolve.DNSSECOff, Deed: "test", PSL: "2026-03-02",
		HostName: func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err },
		Now:      func() time.Time { return now.Add(time.Second) }, QueryTimeout: 200 * time.Millisecond,
	})
	return w
}

func (w *world) add(lines ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			w.t.Fatal(err)
		}
		w.rrs = append(w.rrs, rr)
	}
}

func (w *world) failing(rcode int, names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range names {
		w.fail[n] = rcode
	}
}

// questions are those asked so far.
func (w *world) questions() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *world) ServeDNS(rw dns.ResponseWriter, q *dns.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := strings.ToLower(q.Question[0].Name)
	w.asked = append(w.asked, dns.TypeToString[q.Question[0].Qtype]+" "+name)
	m := new(dns.Msg).SetReply(q)
	if code, ok := w.fail[name]; ok {
		m.Rcode = code
		_ = rw.WriteMsg(m)
		return
	}
	exists := false
	for _, rr := range w.rrs {
		exists = exists || strings.EqualFold(rr.Header().Name, name)
	}
	wild := !exists
	for _, rr := range w.rrs {
		owner := strings.ToLower(rr.Header().Name)
		below := wild && strings.HasPrefix(owner, "*.") && strings.HasSuffix(name, owner[1:])
		if owner != name && !below {
			continue
		}
		exists = true
		if rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME {
			c := dns.Copy(rr)
			c.Header().Name = q.Question[0].Name
			m.Answer = append(m.Answer, c)
		}
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	_ = rw.WriteMsg(m)
}

func challenge(method dcv.Method, name string, adns []string, tokens ...string) dcv.Challenge {
	ch := dcv.Challenge{Name: dcv.MustName(name), Method: method, CNAMETarget: target, CanaryLabel: "_never0issued", Now: now}
	for _, a := range adns {
		ch.ADNs = append(ch.ADNs, dcv.MustName(a))
	}
	for _, tk := range tokens {
		ch.Values = append(ch.Values, dcv.Value{Token: tk, Source: "domain", Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)})
	}
	return ch
}

// attempt runs a challenge, and replays it: both must agree bit for bit.
func (w *world) attempt(ch dcv.Challenge) dcv.Verdict {
	w.t.Helper()
	r, err := w.engine.Attempt(context.Background(), ch)
	if err != nil {
		w.t.Fatal(err)
	}
	keep(w.t, &r)
	again, err := Replay(r.Capsule, ReplayOptions{HostName: w.engine.o.HostName})
	if err != nil || !again.Same || again.Words {
		w.t.Errorf("replay: %v %s\n%s\n%+v", err, again.Difference, r.JSON, again.Again)
	}
	return r.Verdict
}

func expect(t *testing.T, v dcv.Verdict, code dcv.Code) {
	t.Helper()
	switch {
	case code == "" && v.Outcome != dcv.Proven:
		t.Errorf("not proven: %+v", v.Problem)
	case code != "" && (v.Outcome == dcv.Proven || v.Problem == nil || v.Problem.Code != code):
		t.Errorf("%s %+v, want %s", v.Outcome, v.Problem, code)
	case code != "" && (v.Problem.Detail == "" || v.Problem.Fix == "" || v.Problem.Title == ""):
		t.Errorf("a bare no: %+v", v.Problem)
	}
}

func TestTXT(t *testing.T) {
	for _, row := range []struct {
		name    string
		records []string
		code    dcv.Code
		where   string
	}{
		{"at the prefix", []string{`_dnsauth.a.example.com. 60 IN TXT "` + token + `"`}, "", "_dnsauth.a.example.com"},
		{"at the name", []string{`a.example.com. 60 IN TXT "` + token + `"`}, "", "a.example.com"},
		{"D2: beside unrelated records", []string{`a.example.com. 60 IN TXT "v=spf1 -all"`, `a.example.com. 60 IN TXT "` + token + `"`}, "", "a.example.com"},
		{"D2: strings of one record are joined", []string{`a.example.com. 60 IN TXT "` + token[:10] + `" "` + token[10:] + `"`}, "", "a.example.com"},
		{"D2: records are never joined", []string{`a.example.com. 60 IN TXT "` + token[:10] + `"`, `a.example.com. 60 IN TXT "` + token[10:] + `"`}, dcv.TXTNotFound, ""},
		{"D3: white space around it", []string{`a.example.com. 60 IN TXT "  ` + token + ` "`}, "", "a.example.com"},
		{"D3: one pair of quotes inside", []string{`a.example.com. 60 IN TXT "\"` + token + `\""`}, "", "a.example.com"},
		{"D3: a whole word", []string{`a.example.com. 60 IN TXT "dcv ` + token + `"`}, "", "a.example.com"},
		{"D3: not a part of a word", []string{`a.example.com. 60 IN TXT "x` + token + `"`}, dcv.TXTNoMatch, ""},
		{"D3: letters as they are", []string{`_dnsauth.a.example.com. 60 IN TXT "` + strings.ToUpper(token) + `"`}, dcv.TXTNoMatch, ""},
		{"D3: not a cut value", []string{`_dnsauth.a.example.com. 60 IN TXT "` + token[:31] + `"`}, dcv.TXTNoMatch, ""},
		{"section 2: at the parent", []string{`_dnsauth.example.com. 60 IN TXT "` + token + `"`}, "", "_dnsauth.example.com"},
		{"section 2: not at a child (incident: proof for a child used for its parent)", []string{`b.a.example.com. 60 IN TXT "` + token + `"`}, dcv.TXTNotFound, ""},
		{"R-A2: not above the base domain name", []string{`com. 60 IN TXT "` + token + `"`}, dcv.TXTNotFound, ""},
		{"D1: not under two labels", []string{`_x._dnsauth.a.example.com. 60 IN TXT "` + token + `"`}, dcv.TXTNotFound, ""},
		{"D1: not under another label", []string{`dnsauth.a.example.com. 60 IN TXT "` + token + `"`}, dcv.TXTNotFound, ""},
		{"R-A7: through a CNAME", []string{`_dnsauth.a.example.com. 60 IN CNAME x.example.net.`, `x.example.net. 60 IN TXT "` + token + `"`}, "", "_dnsauth.a.example.com"},
		{"nothing at all", nil, dcv.TXTNotFound, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newWorld(t, row.records...).attempt(challenge(dcv.DNSTXT, "a.example.com", []string{"a.example.com", "example.com"}, token))
			expect(t, v, row.code)
			if v.Where != row.where {
				t.Errorf("found at %q", v.Where)
			}
		})
	}
}

func TestTXTSaysWhichValueMatched(t *testing.T) {
	other := strings.Repeat("z", 32)
	w := newWorld(t, `a.example.com. 60 IN TXT "`+other+`"`)
	v := w.attempt(challenge(dcv.DNSTXT, "a.example.com", []string{"a.example.com"}, token, other))
	if v.Outcome != dcv.Proven || v.Matched != 1 || v.Scope != dcv.ScopeSubtree || v.Section != "3.2.2.4.7" || !v.Test {
		t.Errorf("%+v", v)
	}
}

func TestTXTDomainTroubleIsAVerdict(t *testing.T) {
	for _, row := range []struct {
		name  string
		rcode int
		code  dcv.Code
	}{
		{"SERVFAIL", dns.RcodeServerFailure, dcv.DNSServFail},
		{"REFUSED", dns.RcodeRefused, dcv.DNSRefused},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.failing(row.rcode, "_dnsauth.example.com.", "example.com.")
			expect(t, w.attempt(challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token)), row.code)
		})
	}
}

func TestOurResolverDownIsNotHeldAgainstTheDomain(t *testing.T) {
	w := newWorld(t)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.engine.o.Servers = []netip.AddrPort{netip.MustParseAddrPort(pc.LocalAddr().String())}
	pc.Close()
	v := w.attempt(challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token))
	if v.Outcome != dcv.CouldNotCheck || v.Problem.Whose != dcv.Us {
		t.Errorf("%+v", v)
	}
}

func TestCNAME(t *testing.T) {
	for _, row := range []struct {
		name    string
		records []string
		token   string
		code    dcv.Code
	}{
		{"the value as label", []string{under + ".a.example.com. 60 IN CNAME " + target + "."}, under, ""},
		{"under the prefix", []string{"_dnsauth.a.example.com. 60 IN CNAME " + under + "." + target + "."}, under, ""},
		{"D4: letters in any case", []string{strings.ToUpper(under) + ".A.example.com. 60 IN CNAME DCV.Deed.Example."}, under, ""},
		{"the value as label at the parent", []string{under + ".example.com. 60 IN CNAME " + target + "."}, under, ""},
		{"D1: a label without an underscore never counts (the incident of 2024)", []string{token + ".a.example.com. 60 IN CNAME " + target + "."}, token, dcv.CNAMENotFound},
		{"D5: another target", []string{under + ".a.example.com. 60 IN CNAME dcv.other.example."}, under, dcv.CNAMENoMatch},
		{"D5: a target below ours", []string{under + ".a.example.com. 60 IN CNAME x." + target + "."}, under, dcv.CNAMENoMatch},
		{"D5: the bare target under the prefix", []string{"_dnsauth.a.example.com. 60 IN CNAME " + target + "."}, under, dcv.CNAMENoMatch},
		{"D5: the value before another target", []string{"_dnsauth.a.example.com. 60 IN CNAME " + under + ".dcv.other.example."}, under, dcv.CNAMENoMatch},
		{"D4: never through a further alias", []string{under + ".a.example.com. 60 IN CNAME x.example.net.", "x.example.net. 60 IN CNAME " + target + "."}, under, dcv.CNAMENoMatch},
		{"D5a: a wildcard that answers every label", []string{"*.a.example.com. 60 IN CNAME " + target + "."}, under, dcv.CNAMEWildcard},
		{"nothing at all", nil, under, dcv.CNAMENotFound},
		{"final dot forgotten", []string{under + ".a.example.com. 60 IN CNAME " + target + ".a.example.com."}, under, dcv.CNAMENoMatch},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.records...)
			expect(t, w.attempt(challenge(dcv.DNSCNAME, "a.example.com", []string{"a.example.com", "example.com"}, row.token)), row.code)
		})
	}
}

// D5a: without a clean "no" for the canary the record does not count.
func TestCNAMECanaryThatFailsDoesNotClear(t *testing.T) {
	w := newWorld(t, under+".a.example.com. 60 IN CNAME "+target+".")
	w.failing(dns.RcodeServerFailure, "_never0issued.a.example.com.")
	expect(t, w.attempt(challenge(dcv.DNSCNAME, "a.example.com", []string{"a.example.com"}, under)), dcv.DNSServFail)
}

// A token of a DNS wildcard with another target is no obstacle.
func TestCNAMEBesideAnUnrelatedWildcard(t *testing.T) {
	w := newWorld(t, "_dnsauth.a.example.com. 60 IN CNAME "+under+"."+target+".", "*.a.example.com. 60 IN CNAME web.example.net.")
	expect(t, w.attempt(challenge(dcv.DNSCNAME, "a.example.com", []string{"a.example.com"}, under)), "")
}

func TestWebsite(t *testing.T) {
	for _, row := range []struct {
		name   string
		handle http.HandlerFunc
		code   dcv.Code
	}{
		{"the file", serve(200, token), ""},
		{"H10: with a byte order mark and line ends", serve(200, "\xef\xbb\xbf"+token+"\r\n"), ""},
		{"H10: not a part of a longer word", serve(200, "x"+token), dcv.HTTPNoMatch},
		{"H10: letters as they are", serve(200, strings.ToUpper(token)), dcv.HTTPNoMatch},
		{"H1: any 2xx", serve(206, token), ""},
		{"H1: a 404 page that echoes the value (incident)", serve(404, token), dcv.HTTPNotFound},
		{"H1: 403", serve(403, token), dcv.HTTPStatus},
		{"H1: 500", serve(500, token), dcv.HTTPStatus},
		{"H5: 300 does not count", redirect(300, "/.well-known/x"), dcv.HTTPRedirect},
		{"H5: 303 does not count", redirect(303, "/.well-known/x"), dcv.HTTPRedirect},
		{"H5: 301 within the host", redirect(301, "/x"), ""},
		{"H5: 308 within the host", redirect(308, "/x"), ""},
		{"H2: the redirect holds the value", redirect(302, "/x?"+token), dcv.HTTPValueInRequest},
		{"H4: another port (incident)", redirect(302, "http://www.example.com:8081/x"), dcv.HTTPRedirect},
		{"H4: another scheme", redirect(302, "ftp://www.example.com/x"), dcv.HTTPRedirect},
		{"H6: an IP address", redirect(302, "http://127.0.0.1/x"), dcv.HTTPRedirect},
		{"H6: userinfo", redirect(302, "http://a@www.example.com/x"), dcv.HTTPRedirect},
		{"H6: a circle", redirect(302, Path), dcv.HTTPTooManyHops},
		{"H8: a value beyond the cap is not seen", serve(200, strings.Repeat(" ", 17<<10)+token), dcv.HTTPNoMatch},
		{"H12: a redirect to a private address (incident)", redirect(302, "http://private.example.com/x"), dcv.AddressForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			srv := httptest.NewServer(row.handle)
			t.Cleanup(srv.Close)
			w := newWorld(t, "www.example.com. 60 IN A 127.0.0.1", "private.example.com. 60 IN A 10.0.0.1")
			ch := challenge(dcv.HTTP, "www.example.com", []string{"www.example.com"}, token)
			ch.HTTPPort = netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()
			ch.HTTPSPort = closedPort(t)
			ch.AllowPrivate = []string{"127.0.0.0/8"}
			expect(t, w.attempt(ch), row.code)
		})
	}
}

func serve(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func redirect(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			_, _ = w.Write([]byte(token))
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(token))
	}
}

func closedPort(t *testing.T) uint16 {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

func TestWebsiteOverTLSWithAnyCertificate(t *testing.T) {
	srv := httptest.NewTLSServer(serve(200, token))
	t.Cleanup(srv.Close)
	w := newWorld(t, "www.example.com. 60 IN A 127.0.0.1")
	ch := challenge(dcv.HTTP, "www.example.com", []string{"www.example.com"}, token)
	ch.HTTPPort, ch.HTTPSPort = closedPort(t), netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()
	ch.AllowPrivate = []string{"127.0.0.0/8"}
	expect(t, w.attempt(ch), "")
}

func TestWebsiteNeverProvesAWildcardOrAnotherName(t *testing.T) {
	w := newWorld(t)
	expect(t, w.attempt(challenge(dcv.HTTP, "*.example.com", []string{"example.com"}, token)), dcv.WildcardByWebsite)
	expect(t, w.attempt(challenge(dcv.HTTP, "www.example.com", []string{"example.com"}, token)), dcv.WildcardByWebsite)
	if len(w.questions()) != 0 {
		t.Errorf("asked %v", w.questions())
	}
}

func TestWebsiteNeverDialsWithoutPermission(t *testing.T) {
	for _, addr := range []string{"A 127.0.0.1", "A 10.1.2.3", "A 169.254.169.254", "AAAA ::1", "AAAA ::ffff:8.8.8.8", "AAAA 64:ff9b::a00:1", "AAAA 2002:7f00:1::1", "AAAA fd00::1"} {
		w := newWorld(t, "www.example.com. 60 IN "+addr)
		expect(t, w.attempt(challenge(dcv.HTTP, "www.example.com", []string{"www.example.com"}, token)), dcv.AddressForbidden)
	}
}

// Two clocks: the value must be live when the check starts (T4, T8).
func TestValueLife(t *testing.T) {
	w := newWorld(t, `example.com. 60 IN TXT "`+token+`"`)
	ch := challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token)
	ch.Values[0].Created = now.Add(-30 * 24 * time.Hour)
	ch.Values[0].Expires = now
	expect(t, w.attempt(ch), "") // at exactly 30 days still
	ch.Values[0].Expires = now.Add(-time.Microsecond)
	expect(t, w.attempt(ch), dcv.ValueExpired)
}

func TestEmail(t *testing.T) {
	adns := []string{"a.example.com", "example.com"}
	good := capsule.Mail{Kind: "constructed", Recipient: "admin@example.com", ADN: dcv.MustName("example.com"), Created: now, Expires: now.Add(time.Hour), Approved: now.Add(time.Minute)}
	for _, row := range []struct {
		name   string
		change func(*capsule.Mail)
		code   dcv.Code
	}{
		{"confirmed", func(*capsule.Mail) {}, ""},
		{"not confirmed", func(m *capsule.Mail) { m.Approved = time.Time{} }, dcv.EmailNotConfirmed},
		{"E3: confirmed after its end", func(m *capsule.Mail) { m.Approved = m.Expires.Add(1) }, dcv.ValueExpired},
		{"E4: for another domain (incident: the contact's mail domain proven)", func(m *capsule.Mail) { m.ADN = dcv.MustName("example.net") }, dcv.MethodNotForName},
		{"a kind that nobody knows", func(m *capsule.Mail) { m.Kind = "whois" }, dcv.MethodNotForName},
	} {
		m := good
		row.change(&m)
		r, err := newWorld(t).engine.Mail(t.Context(), challenge(dcv.Email, "a.example.com", adns), m)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, &r)
		t.Run(row.name, func(t *testing.T) { expect(t, r.Verdict, row.code) })
		if again, err := Replay(r.Capsule, ReplayOptions{}); err != nil || !again.Same {
			t.Errorf("replay: %v %+v", err, again)
		}
	}
}

func TestMethodEnded(t *testing.T) {
	ch := challenge(dcv.Email, "example.com", []string{"example.com"})
	m := capsule.Mail{Kind: "caa", ADN: dcv.MustName("example.com"), Created: now, Expires: now.Add(time.Hour), Approved: now}
	ch.RulesAsOf = time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC)
	r, err := newWorld(t).engine.Mail(t.Context(), ch, m)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r.Verdict, dcv.MethodEnded)
}

func TestContacts(t *testing.T) {
	w := newWorld(t,
		`example.com. 60 IN CAA 0 contactemail "caa@example.com"`,
		`b.example.com. 60 IN CAA 0 issue "ca.example"`,
		`_validation-contactemail.example.com. 60 IN TXT "txt@example.com"`,
		`_validation-contactemail.example.com. 60 IN TXT "mailto:no@example.com"`)
	caas, txts, err := w.engine.Contacts(t.Context(), dcv.MustName("a.example.com"))
	if err != nil || len(caas) != 1 || caas[0] != "caa@example.com" || len(txts) != 0 {
		t.Errorf("the climb finds the parent's set: %v %v %v", caas, txts, err)
	}
	_, txts, _ = w.engine.Contacts(t.Context(), dcv.MustName("example.com"))
	if len(txts) != 1 || txts[0] != "txt@example.com" {
		t.Errorf("E5: %v", txts)
	}
	caas, _, _ = w.engine.Contacts(t.Context(), dcv.MustName("b.example.com"))
	if len(caas) != 0 {
		t.Errorf("E6, the climb stops at the first set: %v", caas)
	}
}

func TestEveryCodeHasItsRow(t *testing.T) {
	for code, k := range dcv.Problems {
		if k.Title == "" || k.Fix == "" || k.Whose == "" {
			t.Errorf("%s: %+v", code, k)
		}
	}
}

func TestCapsuleIsSmall(t *testing.T) {
	w := newWorld(t, `_dnsauth.example.com. 60 IN TXT "`+token+`"`)
	r, err := w.engine.Attempt(t.Context(), challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token))
	if err != nil || len(r.Capsule) > 4<<10 {
		t.Errorf("%d bytes, %v", len(r.Capsule), err)
	}
}

// canned answers every question with the same TXT record, without a network.
type canned struct{}

func (canned) Exchange(_ context.Context, ask resolve.Ask) (resolve.Reply, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(ask.Name), ask.Type)
	q.Id = 1
	m := new(dns.Msg).SetReply(q)
	m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(ask.Name), Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{token}}}
	sent, err := q.Pack()
	if err != nil {
		return resolve.Reply{}, err
	}
	received, err := m.Pack()
	return resolve.Reply{Sent: sent, Received: received, Started: now}, err
}

func FuzzReplay(f *testing.F) {
	normal, err := names.New()
	if err != nil {
		f.Fatal(err)
	}
	host := func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err }
	e := New(Options{DNS: canned{}, Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}, HostName: host, Now: func() time.Time { return now }})
	r, err := e.Attempt(context.Background(), challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token))
	if err != nil || r.Verdict.Outcome != dcv.Proven {
		f.Fatal(err, r.Verdict)
	}
	f.Add(r.Capsule)
	m, err := e.Mail(context.Background(), challenge(dcv.Email, "example.com", []string{"example.com"}), capsule.Mail{Kind: "caa", ADN: dcv.MustName("example.com")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Capsule)
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = Replay(b, ReplayOptions{HostName: host}) })
}

func FuzzMatchTXT(f *testing.F) {
	f.Add(token, " \""+token+"\" ")
	f.Fuzz(func(t *testing.T, tok, record string) {
		v := []dcv.Value{{Token: tok}}
		if MatchTXT(v, []string{record}) >= 0 && (tok == "" || !strings.Contains(record, tok)) {
			t.Errorf("%q in %q", tok, record)
		}
		if MatchFile(v, []byte(record)) >= 0 && (tok == "" || !strings.Contains(record, tok)) {
			t.Errorf("file: %q in %q", tok, record)
		}
	})
}
