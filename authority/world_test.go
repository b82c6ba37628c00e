package authority_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deed/authority"
	"deed/check"
	"deed/dcv"
	"deed/fetch"
	"deed/mail"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/sandbox"
	"deed/store"
	"deed/store/sqlite"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is an authority over a real database and real sockets, with a clock
// that only the test moves.
type world struct {
	*authority.Authority
	t     *testing.T
	db    *sqlite.DB
	actor authority.Actor
	org   int64
	clock atomic.Int64
	post  *post
	// during runs between what an attempt saw and its being applied; once.
	during  func()
	box     string
	dns     netip.AddrPort
	net     *sandbox.Internet
	options authority.Options
	looks   atomic.Int64
	logs    bytes.Buffer
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) now() time.Time          { return time.Unix(0, w.clock.Load()).UTC() }
func (w *world) advance(d time.Duration) { w.clock.Add(int64(d)) }

// engine is the real one, with a hook after it looked.
type engine struct {
	*check.Engine
	w *world
}

func (e engine) Attempt(ctx context.Context, ch dcv.Challenge) (check.Record, error) {
	e.w.looks.Add(1)
	rec, err := e.Engine.Attempt(ctx, ch)
	if f := e.w.during; f != nil {
		e.w.during = nil
		f()
	}
	return rec, err
}

// sent is a message handed to the post.
type sent struct {
	to  string
	raw []byte
}

// post composes for real, and keeps what it is to send; next are the errors of
// the next deliveries.
type post struct {
	*mail.Composer
	made []mail.Message
	sent []sent
	next []error
}

func (p *post) Compose(m mail.Message) ([]byte, error) {
	p.made = append(p.made, m)
	return p.Composer.Compose(m)
}

func (p *post) Send(_ context.Context, to string, raw []byte) error {
	if len(p.next) > 0 {
		err := p.next[0]
		p.next = p.next[1:]
		if err != nil {
			return err
		}
	}
	p.sent = append(p.sent, sent{to, bytes.Clone(raw)})
	return nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	w.clock.Store(start.UnixNano())
	net, err := sandbox.Start()
	must(t, err)
	t.Cleanup(net.Close)
	mux := http.NewServeMux()
	net.Mount(mux)
	control := httptest.NewServer(mux)
	t.Cleanup(control.Close)
	w.box, w.dns, w.net = control.URL+"/sandbox", net.DNS, net
	w.db, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "deed.db"), sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, w.db.Close()) })
	n, err := names.New()
	must(t, err)
	tr, err := mail.LoadTranslations()
	must(t, err)
	w.post = &post{Composer: mail.NewComposer("dcv@deed.example", tr)}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w.options = authority.Options{
		Store: w.db, Names: n, Post: w.post, PublicURL: "https://deed.example", CNAMETarget: "dcv.deed.example", HTTPPort: net.HTTP.Port(), HTTPSPort: net.HTTPS.Port(),
		AllowPrivate: loopback, Now: w.now, Workers: 1, Log: slog.New(slog.NewJSONHandler(&w.logs, nil)),
		Engine: engine{check.New(check.Options{
			DNS: resolve.NewLive(resolve.LiveOptions{}), HTTP: fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: loopback}}),
			Servers: []netip.AddrPort{net.DNS}, DNSSEC: "off", Now: w.now, QueryTimeout: 5 * time.Second,
		}), w},
	}
	w.Authority, err = authority.New(w.options)
	must(t, err)
	w.actor, w.org = w.tenant("Example Hosting")
	return w
}

func (w *world) tenant(name string) (authority.Actor, int64) {
	w.t.Helper()
	_, org, key, err := w.CreateAccount(w.t.Context(), name)
	must(w.t, err)
	actor, err := w.Authenticate(w.t.Context(), key)
	must(w.t, err)
	return actor, org.ID
}

// add adds a domain for OV.
func (w *world) add(name string, m dcv.Method) authority.Armed {
	w.t.Helper()
	a, err := w.AddDomain(w.t.Context(), w.actor, authority.AddDomain{Name: name, OrganizationID: w.org, Types: []string{"ov"}, Method: m})
	must(w.t, err)
	return a
}

func (w *world) order(m dcv.Method, names ...string) authority.OrderState {
	w.t.Helper()
	s, err := w.PlaceOrder(w.t.Context(), w.actor, authority.PlaceOrder{Product: "ssl_basic", CommonName: names[0], DNSNames: names, OrganizationID: w.org, Method: m})
	must(w.t, err)
	return s
}

// publish puts TXT records at a name.
func (w *world) publish(name string, values ...string) { w.record(name, "TXT", values...) }

// record puts records of a type at a name.
func (w *world) record(name, kind string, values ...string) {
	w.t.Helper()
	b, err := json.Marshal(map[string]any{"name": name, "type": kind, "values": values})
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), "PUT", w.box+"/dns", bytes.NewReader(b))
	must(w.t, err)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("publish: %d", resp.StatusCode)
	}
}

func (w *world) check(id int64) authority.CheckResult {
	w.t.Helper()
	r, err := w.CheckDomain(w.t.Context(), w.actor, id)
	must(w.t, err)
	return r
}

func (w *world) view(id int64) authority.DomainView {
	w.t.Helper()
	v, err := w.Domain(w.t.Context(), w.actor, id)
	must(w.t, err)
	return v
}

// tick does all that is due now.
func (w *world) tick() {
	w.t.Helper()
	for {
		busy, err := w.Tick(w.t.Context())
		must(w.t, err)
		if !busy {
			return
		}
	}
}

// refused demands a refusal of a kind and code.
func refused(t testing.TB, err error, kind authority.ErrorKind, code string) {
	t.Helper()
	var e *authority.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("%v, want %s %s", err, kind, code)
	}
}

// parts are the link's secret and the code of a message composed.
func parts(m mail.Message) (link, code string) {
	return m.Link[strings.LastIndexByte(m.Link, '/')+1:], m.Code
}

func (w *world) mails(domain int64) (list []store.Mail) {
	w.t.Helper()
	must(w.t, w.db.Read(w.t.Context(), func(r store.Reader) (err error) {
		list, err = r.MailsOfDomain(domain)
		return err
	}))
	return list
}
