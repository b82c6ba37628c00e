package authority

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
	"deed/fetch"
	"deed/mail"
	"deed/names"
	"deed/resolve"
	"deed/store"
	"deed/store/sqlite"
)

// stage is a real authority over a real store and engine, in a world of its
// own whose clock the test sets. The world stands behind the two doors.
type stage struct {
	*Authority
	t     testing.TB
	actor Actor
	org   int64

	mu      sync.Mutex
	now     time.Time
	records map[string][]string // "TXT name", "CNAME name", … → data, as in a zone file
	pages   map[string]string   // URL → body; answered with 200
	letters []mail.Message
}

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newStage(t testing.TB, change ...func(*Options)) *stage {
	t.Helper()
	w := &stage{t: t, now: today, records: map[string][]string{}, pages: map[string]string{}}
	db, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "deed.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	engine := check.New(check.Options{
		DNS: w, HTTP: web{w}, Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, DNSSEC: resolve.DNSSECOff, Deed: "test", PSL: "2026-11-01", Now: w.clock,
		HostName: func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err },
	})
	o := Options{Store: db, Names: normal, Engine: engine, Post: box{w}, PublicURL: "https://deed.example", CNAMETarget: "dcv.deed.example", Now: w.clock}
	for _, c := range change {
		c(&o)
	}
	if w.Authority, err = New(o); err != nil {
		t.Fatal(err)
	}
	acc, org, _, err := w.CreateAccount(t.Context(), "Example")
	if err != nil {
		t.Fatal(err)
	}
	w.actor, w.org = Actor{Account: acc.ID, Name: "key:1", Role: store.RoleFull}, org.ID
	return w
}

func (w *stage) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *stage) at(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
}

// publish puts records of a type at a name in place of those there.
func (w *stage) publish(qtype, name string, data ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records[qtype+" "+name] = data
}

// Exchange is resolve.Door.
func (w *stage) Exchange(_ context.Context, ask resolve.Ask) (resolve.Reply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(ask.Name), ask.Type)
	a := new(dns.Msg).SetReply(q)
	for _, qtype := range []string{dns.TypeToString[ask.Type], "CNAME"} {
		for _, data := range w.records[qtype+" "+ask.Name] {
			rr, err := dns.NewRR(dns.Fqdn(ask.Name) + " 60 IN " + qtype + " " + data)
			if err != nil {
				w.t.Errorf("%s %s: %v", qtype, ask.Name, err)
			}
			a.Answer = append(a.Answer, rr)
		}
		if len(a.Answer) > 0 {
			break
		}
	}
	sent, err := q.Pack()
	if err != nil {
		return resolve.Reply{}, err
	}
	received, err := a.Pack()
	return resolve.Reply{Sent: sent, Received: received, Started: w.now}, err
}

type web struct{ w *stage }

// Hop is fetch.Door.
func (d web) Hop(_ context.Context, hop fetch.Hop) (fetch.Response, error) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	body, ok := d.w.pages[hop.URL]
	if !ok {
		return fetch.Response{Status: 404, Started: d.w.now}, nil
	}
	return fetch.Response{Status: 200, Body: []byte(body), Started: d.w.now}, nil
}

type box struct{ w *stage }

func (b box) Compose(m mail.Message) ([]byte, error) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.letters = append(b.w.letters, m)
	return []byte(m.To), nil
}

func (b box) Send(context.Context, string, []byte) error { return nil }

// add adds a domain.
func (w *stage) add(name string, m dcv.Method) Armed {
	w.t.Helper()
	a, err := w.AddDomain(w.t.Context(), w.actor, AddDomain{Name: name, OrganizationID: w.org, Types: []string{"ov"}, Method: m, KeepWWW: true})
	if err != nil {
		w.t.Fatalf("%s by %s: %v", name, m, err)
	}
	return a
}

// satisfy makes the world say what proves a value at an authorization domain
// name by a method.
func (w *stage) satisfy(m dcv.Method, adn, token string) {
	switch m {
	case dcv.DNSTXT:
		w.publish("TXT", "_dnsauth."+adn, `"`+token+`"`)
	case dcv.DNSCNAME:
		w.publish("CNAME", "_dnsauth."+adn, token+".dcv.deed.example.")
	case dcv.HTTP:
		w.publish("A", adn, "8.8.8.8")
		w.mu.Lock()
		w.pages["http://"+adn+check.Path] = token
		w.mu.Unlock()
	}
}

// prove adds a domain, proves it by a method, and gives it back.
func (w *stage) prove(name string, m dcv.Method) Domain {
	w.t.Helper()
	a := w.add(name, m)
	if m == dcv.Email {
		w.confirm(strings.TrimPrefix(name, "*."))
	} else {
		w.satisfy(m, strings.TrimPrefix(name, "*."), a.Value.Token)
		r, err := w.CheckDomain(w.t.Context(), w.actor, a.Domain.ID)
		if err != nil || r.Verdict.Outcome != dcv.Proven {
			w.t.Fatalf("%s by %s: %v %+v", name, m, err, r.Verdict.Problem)
		}
	}
	return w.read(a.Domain.ID)
}

// confirm enters the code of the last message for a name.
func (w *stage) confirm(name string) {
	w.t.Helper()
	for i := len(w.letters) - 1; i >= 0; i-- {
		if l := w.letters[i]; l.ASCII == name {
			if _, err := w.ApproveMail(w.t.Context(), l.Link[strings.LastIndexByte(l.Link, '/')+1:], l.Code); err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
			return
		}
	}
	w.t.Fatalf("no message for %s", name)
}

func (w *stage) read(id int64) Domain {
	w.t.Helper()
	v, err := w.Domain(w.t.Context(), w.actor, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Domain
}

func (w *stage) order(m dcv.Method, list ...string) OrderState {
	w.t.Helper()
	s, err := w.PlaceOrder(w.t.Context(), w.actor, PlaceOrder{Product: "ssl_basic", CommonName: list[0], DNSNames: list[1:], OrganizationID: w.org, Method: m})
	if err != nil {
		w.t.Fatalf("order of %v: %v", list, err)
	}
	return s
}

// provable are the methods that the stage's world can satisfy.
func provable(m dcv.Method) bool {
	return m == dcv.DNSTXT || m == dcv.DNSCNAME || m == dcv.HTTP || m == dcv.Email
}

// covers reports whether the account's domain speaks for a name now.
func (w *stage) speaks(d Domain, name string) bool {
	return w.covers(&d, dcv.MustName(name), w.Now())
}
