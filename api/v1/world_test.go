package v1_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deed/api/certcentral"
	v1 "deed/api/v1"
	"deed/authority"
	"deed/check"
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

// world is /v1 and the CertCentral dialect on a real listener, over a real
// database, in the sandbox's Internet, with a clock that only the test moves.
type world struct {
	t         testing.TB
	url       string
	key       string
	account   int64
	authority *authority.Authority
	db        *sqlite.DB
	clock     atomic.Int64
	logs      bytes.Buffer
}

func (w *world) now() time.Time          { return time.Unix(0, w.clock.Load()).UTC() }
func (w *world) advance(d time.Duration) { w.clock.Add(int64(d)) }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t}
	w.clock.Store(start.UnixNano())
	net, err := sandbox.Start()
	must(t, err)
	t.Cleanup(net.Close)
	w.db, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "deed.db"), sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, w.db.Close()) })
	n, err := names.New()
	must(t, err)
	tr, err := mail.LoadTranslations()
	must(t, err)
	sender, err := mail.NewSender(mail.SMTP{Address: net.SMTP.String(), From: "dcv@deed.example", TLS: "off"})
	must(t, err)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	engine := check.New(check.Options{
		DNS: resolve.NewLive(resolve.LiveOptions{}), HTTP: fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: loopback}}),
		Servers: []netip.AddrPort{net.DNS}, DNSSEC: "off", Now: w.now, QueryTimeout: 5 * time.Second,
		HostName: func(h string) (string, error) { x, err := n.Normalise(h); return x.String(), err },
	})
	log := slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelError}))
	w.authority, err = authority.New(authority.Options{
		Store: w.db, Names: n, Engine: engine, Post: mail.Office{Composer: mail.NewComposer("dcv@deed.example", tr), Sender: sender},
		PublicURL: "https://deed.example", CNAMETarget: "dcv.deed.example", HTTPPort: net.HTTP.Port(), HTTPSPort: net.HTTPS.Port(), AllowPrivate: loopback,
		Now: w.now, Log: log,
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.authority.Close(context.Background())) })
	mux := http.NewServeMux()
	net.Mount(mux)
	v1.Mount(mux, v1.Options{Authority: w.authority, Log: log, Version: "test"})
	mux.Handle(certcentral.Prefix+"/", certcentral.Handler(certcentral.Options{Authority: w.authority, CNAMETarget: "dcv.deed.example", Log: log}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() {
		if w.logs.Len() > 0 {
			t.Errorf("errors were logged: %s", &w.logs)
		}
	})
	w.url = srv.URL
	acc, _, key, err := w.authority.CreateAccount(t.Context(), "Example Hosting")
	must(t, err)
	w.account, w.key = acc.ID, key
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// send makes a request with a key and gives its status, type and body.
func (w *world) send(key, method, path, body string) (status int, kind, answer string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	if key != "" {
		req.Header.Set("X-DC-DEVKEY", key)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

// call demands a status, and reads the answer into T.
func call[T any](w *world, want int, method, path, body string) (v T) {
	w.t.Helper()
	status, _, answer := w.send(w.key, method, path, body)
	if status != want {
		w.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, status, answer, want)
	}
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return v
}

type none struct{}

func (w *world) publish(r *v1.Record) {
	w.t.Helper()
	call[any](w, http.StatusOK, "PUT", "/sandbox/dns", fmt.Sprintf(`{"name":%q,"type":%q,"value":%q}`, r.Name, r.Type, r.Value))
}

func (w *world) withdraw(r *v1.Record) {
	w.t.Helper()
	call[any](w, http.StatusOK, "DELETE", "/sandbox/dns", fmt.Sprintf(`{"name":%q,"type":%q}`, r.Name, r.Type))
}

// method finds one in a plan.
func method(t testing.TB, p v1.Plan, name string) v1.Method {
	t.Helper()
	for _, m := range p.Methods {
		if m.Method == name {
			return m
		}
	}
	t.Fatalf("no %s in %+v", name, p.Methods)
	return v1.Method{}
}

// tick lets the scheduler do what is due.
func (w *world) tick() {
	w.t.Helper()
	for busy := true; busy; {
		var err error
		busy, err = w.authority.Tick(w.t.Context())
		must(w.t, err)
	}
}

// armed counts what is armed in the database.
func (w *world) armed(domain int64) (n int) {
	w.t.Helper()
	must(w.t, w.db.Read(w.t.Context(), func(r store.Reader) error {
		list, err := r.Armed(domain)
		n = len(list)
		return err
	}))
	return n
}

func actorOf(w *world) authority.Actor { return authority.Actor{Account: w.account} }
