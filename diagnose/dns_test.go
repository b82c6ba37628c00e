package diagnose_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/diagnose"
	"deed/fetch"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/sandbox"
)

const (
	token  = "0123456789abcdefghijklmnopqrstuv"
	under  = "_123456789abcdefghijklmnopqrstuv"
	older  = "zzzz456789abcdefghijklmnopqrstuv"
	target = "dcv.deed.example"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is the sandbox's Internet, and an engine that sees only it.
type world struct {
	*sandbox.Internet
	t      testing.TB
	issued memory
}

// memory is what was handed out.
type memory []diagnose.Recollection

func (m memory) Recall(_ context.Context, _ *dcv.Challenge, seen []string) (list []diagnose.Recollection, _ error) {
	for _, r := range m {
		if slices.Contains(seen, r.Text) {
			list = append(list, r)
		}
	}
	return list, nil
}

func newWorld(t testing.TB, lines ...string) *world {
	t.Helper()
	n, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	w := &world{Internet: n, t: t}
	w.records("example.com. 60 IN A 127.0.0.1")
	w.records(lines...)
	return w
}

func (w *world) records(lines ...string) {
	w.t.Helper()
	if err := w.Records(lines...); err != nil {
		w.t.Fatal(err)
	}
}

// server opens a name server with a copy of example.com: its serial and lines.
func (w *world) server(o sandbox.NameServerOptions, serial int, lines ...string) netip.Addr {
	w.t.Helper()
	s, err := w.NameServer(o)
	if err != nil {
		w.t.Fatal(err)
	}
	soa := fmt.Sprintf("example.com. 60 IN SOA ns1.example.com. h.example.com. %d 60 60 60 60", serial)
	if err := s.Serve("example.com", append([]string{soa, "example.com. 60 IN A 127.0.0.1"}, lines...)...); err != nil {
		w.t.Fatal(err)
	}
	return s.Addr
}

// delegate makes the parent name the hosts, at these addresses; the resolver
// sees the same.
func (w *world) delegate(addrs ...netip.Addr) {
	w.t.Helper()
	w.delegateFrom("ns1.example.com", addrs...)
}

// delegateFrom names another primary in the SOA.
func (w *world) delegateFrom(primary string, addrs ...netip.Addr) {
	w.t.Helper()
	parent, err := w.NameServer(sandbox.NameServerOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	zone := []string{"com. 60 IN SOA a.com. h.com. 1 60 60 60 60"}
	for i, a := range addrs {
		ns, glue := fmt.Sprintf("example.com. 60 IN NS ns%d.example.com.", i+1), fmt.Sprintf("ns%d.example.com. 60 IN A %s", i+1, a)
		zone = append(zone, ns, glue)
		w.records(ns, glue)
	}
	if err := parent.Serve("com", zone...); err != nil {
		w.t.Fatal(err)
	}
	w.records("com. 60 IN SOA a.com. h.com. 1 60 60 60 60", "com. 60 IN NS a.com.", "a.com. 60 IN A "+parent.Addr.String())
	w.records("example.com. 60 IN SOA " + primary + ". h.example.com. 7 60 60 60 60")
}

func (w *world) engine(d check.Diagnoser) *check.Engine {
	return check.New(check.Options{
		DNS:     resolve.NewLive(resolve.LiveOptions{Now: func() time.Time { return now }}),
		HTTP:    fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: loopback}}),
		Servers: []netip.AddrPort{w.DNS}, DNSSEC: resolve.DNSSECOff, Deed: "test", PSL: "2026-03-02",
		HostName: hostName(w.t),
		Now:      func() time.Time { return now.Add(time.Second) }, QueryTimeout: 300 * time.Millisecond, Diagnose: d,
	})
}

func hostName(t testing.TB) func(string) (string, error) {
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	return func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err }
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func challenge(method dcv.Method, name, tk string) dcv.Challenge {
	ch := dcv.Challenge{Name: dcv.MustName(name), Method: method, CNAMETarget: target, Now: now, AllowPrivate: []string{"127.0.0.0/8", "::1/128"}}
	if method == dcv.DNSCNAME {
		ch.CanaryLabel = "_never0issued"
	}
	for n := ch.Name; n.Labels() > 1; n = n.Parent() {
		ch.ADNs = append(ch.ADNs, n)
		if method == dcv.HTTP {
			break
		}
	}
	ch.Values = []dcv.Value{{Token: tk, Source: "domain", Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)}}
	return ch
}

func (w *world) diagnoser() *diagnose.Diagnoser {
	return diagnose.New(diagnose.Options{Issued: w.issued, NameServerPort: w.DNS.Port(), Timeout: 300 * time.Millisecond})
}

// diagnosis runs a challenge with and without a diagnosis: the verdict is the
// same to the byte, and replays to the same.
func (w *world) diagnosis(ch dcv.Challenge) dcv.Diagnosis {
	w.t.Helper()
	with, err := w.engine(w.diagnoser()).Attempt(context.Background(), ch)
	if err != nil {
		w.t.Fatal(err)
	}
	again, err := check.Replay(with.Capsule, check.ReplayOptions{HostName: hostName(w.t)})
	if err != nil || !again.Same {
		w.t.Errorf("replay: %v %s", err, again.Difference)
	}
	without, err := w.engine(nil).Attempt(context.Background(), ch)
	if err != nil {
		w.t.Fatal(err)
	}
	if ch.Method != dcv.HTTP && ch.Method != dcv.ACMEHTTP && !bytes.Equal(with.JSON, without.JSON) {
		w.t.Errorf("the verdict depends on the diagnosis:\n%s\n%s", with.JSON, without.JSON)
	}
	if with.Verdict.Outcome == dcv.Proven || without.Verdict.Outcome == dcv.Proven {
		w.t.Fatalf("proven at %s", with.Verdict.Where)
	}
	if with.Diagnosis == nil || with.Diagnosis.Problem == nil {
		w.t.Fatal("no diagnosis")
	}
	c, err := capsule.Decode(with.Capsule)
	if err != nil || c.Diagnosis == nil || len(c.Diagnosis.JSON) == 0 {
		w.t.Errorf("the capsule has no diagnosis: %v", err)
	}
	return *with.Diagnosis
}

// expect asserts the leading problem.
func expect(t *testing.T, d dcv.Diagnosis, code dcv.Code, proven bool, says ...string) {
	t.Helper()
	p := d.Problem
	if p.Code != code || p.FixProven != proven {
		t.Errorf("%s, proven %v: %s | %s\ncauses: %+v\nseen: %+v", p.Code, p.FixProven, p.Detail, p.Fix, d.Causes, d.Seen)
		return
	}
	t.Logf("%s\n    %s", p.Detail, p.Fix)
	for _, s := range says {
		if !strings.Contains(p.Detail+" "+p.Fix, s) {
			t.Errorf("does not say %q: %s | %s", s, p.Detail, p.Fix)
		}
	}
	if _, ok := dcv.Problems[code]; !ok || p.Title == "" || p.Whose == "" {
		t.Errorf("a bare no: %+v", p)
	}
}

func txt(name, value string) string { return name + `. 60 IN TXT "` + value + `"` }

func TestRecordsAtTheWrongPlaceOrWithTheWrongValue(t *testing.T) {
	for _, row := range []struct {
		name    string
		method  dcv.Method
		token   string
		records []string
		code    dcv.Code
		proven  bool
		says    []string
	}{
		{"nothing is published", dcv.DNSTXT, token, nil, dcv.TXTNotFound, true, []string{"_dnsauth.example.com", token, "12:00:06"}},
		{"the zone is doubled", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com.example.com", token)}, dcv.RecordZoneDoubled, true, []string{"_dnsauth.example.com.example.com", `"_dnsauth"`}},
		{"the underscore is lost", dcv.DNSTXT, token, []string{txt("dnsauth.example.com", token)}, dcv.RecordUnderscoreLost, true, []string{"stands at dnsauth.example.com"}},
		{"the wrong label", dcv.DNSTXT, token, []string{txt("_acme-challenge.example.com", token)}, dcv.RecordWrongName, true, []string{"_acme-challenge.example.com", "_dnsauth.example.com"}},
		{"under www", dcv.DNSTXT, token, []string{txt("_dnsauth.www.example.com", token)}, dcv.RecordWrongName, true, []string{"_dnsauth.www.example.com"}},
		{"the value as a label", dcv.DNSTXT, token, []string{txt(token+".example.com", "x")}, dcv.RecordAsLabel, true, []string{token + ".example.com"}},
		{"the value at the apex of a method that needs a label", dcv.DNSCNAME, under, []string{txt("example.com", under)}, dcv.RecordAtApex, true, []string{"example.com itself"}},
		{"quotes within quotes", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", `\"\"`+token+`\"\"`)}, dcv.ValueQuoted, true, []string{token}},
		{"curly quotes", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", "“"+token+"”")}, dcv.ValueQuoted, true, nil},
		{"white space within", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", token[:9]+" "+token[9:])}, dcv.ValueSpaced, true, nil},
		{"a space of no width", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", token[:9]+"\u200b"+token[9:])}, dcv.ValueSpaced, true, nil},
		{"a cut value", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", token[:30])}, dcv.ValueCut, true, []string{"30 of 32 characters"}},
		{"capitals", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", strings.ToUpper(token))}, dcv.ValueCase, true, nil},
		{"name=value", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", "dcv="+token)}, dcv.ValueExtra, true, []string{"dcv="}},
		{"halves in two records", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", token[:10]), txt("_dnsauth.example.com", token[10:])}, dcv.ValueSplit, true, nil},
		{"an old value of ours", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", older)}, dcv.ValueOld, true, []string{"2026-11-01 10:00", "2026-11-20 09:30", token}},
		{"a value of another account", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", "another789abcdefghijklmnopqrstuv")}, dcv.ValueOther, true, []string{"not for example.com in this account"}},
		{"a value of another method", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", "methodx789abcdefghijklmnopqrstuv")}, dcv.ValueOtherMethod, true, []string{"http-token"}},
		{"a value that nobody handed out", dcv.DNSTXT, token, []string{txt("_dnsauth.example.com", "strangr789abcdefghijklmnopqrstuv")}, dcv.TXTNoMatch, true, nil},
		{"a CNAME hides the TXT", dcv.DNSTXT, token, []string{"_dnsauth.example.com. 60 IN CNAME verify.vendor.example."}, dcv.TXTHidden, true, []string{"verify.vendor.example", "Remove the CNAME"}},
		{"a CNAME where a TXT should be", dcv.DNSTXT, token, []string{"_dnsauth.example.com. 60 IN CNAME " + token + "." + target + "."}, dcv.TXTIsCNAME, true, []string{"wants a TXT record"}},
		{"a TXT where a CNAME should be", dcv.DNSCNAME, under, []string{txt("_dnsauth.example.com", under+"."+target)}, dcv.CNAMEIsTXT, true, []string{"wants a CNAME"}},
		{"the final dot forgotten", dcv.DNSCNAME, under, []string{"_dnsauth.example.com. 60 IN CNAME " + under + "." + target + ".example.com."}, dcv.CNAMEFinalDot, true, []string{"final dot", under + "." + target + "."}},
		{"the final dot forgotten, the value as label", dcv.DNSCNAME, under, []string{under + ".example.com. 60 IN CNAME " + target + ".example.com."}, dcv.CNAMEFinalDot, true, []string{"example.com was added"}},
		{"the target without the value", dcv.DNSCNAME, under, []string{"_dnsauth.example.com. 60 IN CNAME " + target + "."}, dcv.CNAMEValueMissing, true, []string{under}},
		{"a CNAME with the zone doubled", dcv.DNSCNAME, under, []string{"_dnsauth.example.com.example.com. 60 IN CNAME " + under + "." + target + "."}, dcv.RecordZoneDoubled, true, nil},
		{"a wildcard TXT answers", dcv.DNSTXT, token, []string{txt("*.example.com", "v=spf1 -all")}, dcv.TXTWildcard, true, []string{"*.example.com", "v=spf1"}},
		{"a wildcard CNAME proves nothing", dcv.DNSCNAME, under, []string{"*.example.com. 60 IN CNAME " + target + "."}, dcv.CNAMEWildcard, true, []string{"wildcard"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.records...)
			w.issued = memory{
				{Text: older, Own: true, Method: dcv.DNSTXT, Created: time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC), Ended: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), Expires: now.Add(time.Hour)},
				{Text: "another789abcdefghijklmnopqrstuv"},
				{Text: "methodx789abcdefghijklmnopqrstuv", Own: true, Method: dcv.HTTP, Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)},
			}
			expect(t, w.diagnosis(challenge(row.method, "example.com", row.token)), row.code, row.proven, row.says...)
		})
	}
}

func TestADomainThatDoesNotExist(t *testing.T) {
	w := newWorld(t)
	ch := challenge(dcv.DNSTXT, "nowhere.co.example", token)
	ch.ADNs = ch.ADNs[:1]
	expect(t, w.diagnosis(ch), dcv.DNSNoName, true, "nowhere.co.example does not exist", "co.example says so")
}

func TestNameServers(t *testing.T) {
	good := txt("_dnsauth.example.com", token)
	mute := sandbox.NameServerOptions{Silent: true}
	for _, row := range []struct {
		name   string
		set    func(w *world)
		code   dcv.Code
		proven bool
		says   []string
	}{
		{"one of two has the record", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{}, 12, good), w.server(sandbox.NameServerOptions{}, 11))
		}, dcv.NSStale, true, []string{"ns1.example.com", "serial 12", "ns2.example.com", "serial 11"}},
		{"both have it: a cached no", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{}, 12, good), w.server(sandbox.NameServerOptions{}, 12, good))
		}, dcv.DNSCached, true, []string{"remembers", "12:00:06 UTC"}},
		{"the change is at a third, which only the zone itself names", func(w *world) {
			a, b, c := w.server(sandbox.NameServerOptions{}, 1), w.server(sandbox.NameServerOptions{}, 1), w.server(sandbox.NameServerOptions{}, 9, good)
			w.delegate(a, b)
			w.records("example.com. 60 IN NS ns9.newhost.net.", "ns9.newhost.net. 60 IN A "+c.String())
		}, dcv.NSDelegation, true, []string{"The world asks ns1.example.com and ns2.example.com", "your change is at ns9.newhost.net"}},
		{"the hidden primary has it, and has not told the others", func(w *world) {
			a, p := w.server(sandbox.NameServerOptions{}, 4), w.server(sandbox.NameServerOptions{}, 5, good)
			w.delegateFrom("primary.example.com", a)
			w.records("primary.example.com. 60 IN A " + p.String())
		}, dcv.NSStale, true, []string{"primary.example.com", "serial 5", "serial 4"}},
		{"lame", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{Lame: true}, 1))
			w.fail("refused")
		}, dcv.NSLame, false, []string{"ns1.example.com", "REFUSED"}},
		{"silent", func(w *world) {
			w.delegate(w.server(mute, 1))
			w.fail("servfail")
		}, dcv.NSSilent, false, []string{"ns1.example.com", "no answer in time"}},
		{"refuses the type", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{RefuseTypes: []uint16{dns.TypeTXT}}, 1))
			w.fail("servfail")
		}, dcv.DNSTypeRefused, false, []string{"TXT _dnsauth.example.com", "NOTIMP"}},
		{"drops mixed case", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{DropCase: true}, 1))
			w.fail("timeout")
		}, dcv.DNSCaseDropped, false, []string{"mixed case"}},
		{"no TCP", func(w *world) {
			w.delegate(w.server(sandbox.NameServerOptions{Truncate: true, NoTCP: true}, 1))
			w.fail("servfail")
		}, dcv.DNSTCPDropped, false, []string{"TCP"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			row.set(w)
			expect(t, w.diagnosis(challenge(dcv.DNSTXT, "example.com", token)), row.code, row.proven, row.says...)
		})
	}
}

// fail makes the resolver's questions for the record fail.
func (w *world) fail(how string) {
	w.t.Helper()
	for _, n := range []string{"_dnsauth.example.com", "example.com"} {
		if err := w.Fault(n, how); err != nil {
			w.t.Fatal(err)
		}
	}
}
