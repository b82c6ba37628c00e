package audit_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/audit"
	"deed/authority"
	"deed/check"
	"deed/dcv"
	"deed/names"
	"deed/resolve"
	"deed/store"
	"deed/store/sqlite"
)

// zone is a door to a DNS of TXT records; everything has one name server.
type zone struct {
	mu  sync.Mutex
	txt map[string]string
	now func() time.Time
}

func (z *zone) Exchange(_ context.Context, ask resolve.Ask) (resolve.Reply, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(ask.Name), ask.Type)
	m := new(dns.Msg).SetReply(q)
	if v, ok := z.txt[ask.Name]; ok && ask.Type == dns.TypeTXT {
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(ask.Name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{v}}}
	} else {
		m.Rcode = dns.RcodeNameError
	}
	m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: 60}, Ns: "NS1.dns.example."}}
	sent, _ := q.Pack()
	received, err := m.Pack()
	return resolve.Reply{Sent: sent, Received: received, Started: z.now(), Elapsed: time.Millisecond}, err
}

// house is a server without a network: authority, store and log.
type house struct {
	t      testing.TB
	path   string
	db     *sqlite.DB
	a      *authority.Authority
	actor  authority.Actor
	org    int64
	zone   *zone
	signer *audit.Signer
	host   func(string) (string, error)

	mu  sync.Mutex
	now time.Time
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(time.Second)
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func newHouse(t testing.TB, change ...func(*authority.Options)) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "deed.db"), now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	h.zone = &zone{txt: map[string]string{}, now: h.clock}
	var err error
	if h.db, err = sqlite.Open(t.Context(), h.path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.db.Close() })
	n, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	h.host = func(s string) (string, error) { n, err := n.Normalise(s); return n.String(), err }
	if h.signer, err = audit.OpenSigner(t.Context(), h.db, h.clock(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	o := authority.Options{
		Store: h.db, Names: n, Now: h.clock, PublicURL: "http://deed.example",
		Engine: check.New(check.Options{
			DNS: h.zone, Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, DNSSEC: resolve.DNSSECOff, Deed: "test", PSL: "2026-03-02",
			HostName: h.host, Now: h.clock, Sealer: h.signer,
		}),
	}
	for _, c := range change {
		c(&o)
	}
	if h.a, err = authority.New(o); err != nil {
		t.Fatal(err)
	}
	acc, org, _, err := h.a.CreateAccount(t.Context(), "Example")
	if err != nil {
		t.Fatal(err)
	}
	h.actor, h.org = authority.Actor{Account: acc.ID, Name: "key:1"}, org.ID
	return h
}

func (h *house) add(name string) authority.Armed {
	h.t.Helper()
	armed, err := h.a.AddDomain(h.t.Context(), h.actor, authority.AddDomain{Name: name, OrganizationID: h.org, Types: []string{"ov"}, Method: dcv.DNSTXT})
	if err != nil {
		h.t.Fatal(err)
	}
	return armed
}

func (h *house) check(id int64) authority.CheckResult {
	h.t.Helper()
	r, err := h.a.CheckDomain(h.t.Context(), h.actor, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// prove adds a domain, fails once, publishes and passes.
func (h *house) prove(name string) authority.CheckResult {
	h.t.Helper()
	d := h.add(name)
	h.check(d.Domain.ID)
	h.zone.mu.Lock()
	h.zone.txt["_dnsauth."+name] = d.Value.Token
	h.zone.mu.Unlock()
	r := h.check(d.Domain.ID)
	if r.Verdict.Outcome != dcv.Proven {
		h.t.Fatalf("%+v", r.Verdict)
	}
	return r
}

func (h *house) verify(o audit.VerifyOptions) audit.Report {
	h.t.Helper()
	r, err := audit.Verify(h.t.Context(), h.db, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) sound() audit.Report {
	h.t.Helper()
	r := h.verify(audit.VerifyOptions{})
	if r.FaultCount != 0 {
		h.t.Fatalf("faults: %+v", r.Faults)
	}
	return r
}

func (h *house) keys() (keys []store.LogKey) {
	h.t.Helper()
	if err := h.db.Read(h.t.Context(), func(r store.Reader) (err error) { keys, err = r.LogKeys(); return err }); err != nil {
		h.t.Fatal(err)
	}
	return keys
}

// behind opens the file as an intruder would.
func (h *house) behind() *sql.DB {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (h *house) many(n int) {
	for i := range n {
		h.prove(fmt.Sprintf("site%d.example.com", i))
	}
}

func has(r audit.Report, place string) bool {
	for _, f := range r.Faults {
		if strings.HasPrefix(f.Place, place) {
			return true
		}
	}
	return false
}
