package cps_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deed/api"
	"deed/api/certcentral"
	"deed/api/cps"
	v1 "deed/api/v1"
	"deed/authority"
	"deed/check"
	"deed/fetch"
	"deed/mail"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/sandbox"
	"deed/store/sqlite"
)

// start is when these tests begin: after the change of 15 March 2026, in
// winter, when Denver is seven hours behind UTC.
var start = time.Date(2026, 11, 24, 3, 30, 0, 0, time.UTC)

// target is the verification_value.
const target = "dcv.deed.example"

// world is the dialect's handler on a real listener, over a real database, in
// the sandbox's Internet, with a clock that only the test moves.
type world struct {
	t         testing.TB
	origin    string
	url       string // of the dialect, with its prefix and version
	box       string // of the sandbox's control
	db        string
	key       string // of CertCentral
	id        string // of the OAuth2 client
	secret    string
	token     string // its access token
	account   int64
	org       int64
	authority *authority.Authority
	clock     atomic.Int64
	logs      bytes.Buffer
	names     *names.Names
	handler   http.Handler // of the dialect, without a listener
}

func (w *world) now() time.Time          { return time.Unix(0, w.clock.Load()).UTC() }
func (w *world) advance(d time.Duration) { w.clock.Add(int64(d)) }

// limits are the windows of keys in these tests; none unless a test asks.
func newWorld(t testing.TB, limits ...api.Window) *world {
	t.Helper()
	w := &world{t: t, db: filepath.Join(t.TempDir(), "deed.db")}
	w.clock.Store(start.UnixNano())
	net, err := sandbox.Start()
	must(t, err)
	t.Cleanup(net.Close)
	db, err := sqlite.Open(t.Context(), w.db, sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	n, err := names.New()
	must(t, err)
	w.names = n
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
		Store: db, Names: n, Engine: engine, Post: mail.Office{Composer: mail.NewComposer("dcv@deed.example", tr), Sender: sender},
		PublicURL: "https://deed.example", CNAMETarget: target, HTTPPort: net.HTTP.Port(), HTTPSPort: net.HTTPS.Port(), AllowPrivate: loopback,
		Now: w.now, Log: log,
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.authority.Close(context.Background())) })
	mux := http.NewServeMux()
	net.Mount(mux)
	mux.Handle(certcentral.Prefix+"/", certcentral.Handler(certcentral.Options{
		Authority: w.authority, Limiter: api.NewLimiter(limits, w.now), CNAMETarget: target, Log: log,
	}))
	h := cps.Handler(cps.Options{Authority: w.authority, Limiter: api.NewLimiter(limits, w.now), Log: log})
	w.handler = h
	mux.Handle(cps.Prefix+"/", h)
	mux.Handle(cps.Prefix, h)
	mux.Handle(cps.TokenPath, h)
	v1.Mount(mux, v1.Options{Authority: w.authority, Log: log})
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, cps.Prefix+"/") { // as the program does: no redirects of its own
			h.ServeHTTP(rw, r)
			return
		}
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.origin, w.url, w.box = srv.URL, srv.URL+cps.Prefix+"/v2.0", srv.URL+"/sandbox"
	w.account, w.org, w.key = w.tenant("Example Hosting")
	w.id, w.secret, err = w.authority.CreateClient(t.Context(), w.account)
	must(t, err)
	w.token = w.grant(w.id, w.secret)
	return w
}

// tenant makes an account.
func (w *world) tenant(name string) (account, org int64, key string) {
	w.t.Helper()
	acc, o, key, err := w.authority.CreateAccount(w.t.Context(), name)
	must(w.t, err)
	return acc.ID, o.ID, key
}

// grant gets an access token.
func (w *world) grant(id, secret string) string {
	w.t.Helper()
	r := w.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {authority.ClientScope}}.Encode())
	if r.status != 200 {
		w.t.Fatalf("token: %d %s", r.status, r.body)
	}
	return r.text("access_token")
}

// form posts to the token endpoint.
func (w *world) form(body string) reply {
	w.t.Helper()
	return w.request("POST", w.origin+cps.TokenPath, body, "Content-Type", "application/x-www-form-urlencoded")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer as it came over the wire.
type reply struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   string
}

var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: time.Minute}

// request sends anything, with headers in pairs.
func (w *world) request(method, url, body string, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	must(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return reply{w.t, fmt.Sprintf("%s %s %.120s", method, url, body), resp.StatusCode, resp.Header, string(b)}
}

// send sends a request with an access token.
func (w *world) send(method, url, token, body string) reply {
	w.t.Helper()
	return w.request(method, url, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
}

// call sends a request of the first account and demands a status.
func (w *world) call(want int, method, path, body string) reply {
	w.t.Helper()
	r := w.send(method, w.url+path, w.token, body)
	if r.status != want {
		w.t.Fatalf("%s: %d %s, want %d", r.what, r.status, r.body, want)
	}
	r.wellFormed()
	return r
}

// wellFormed demands what every answer keeps (dialect contract sections 3, 4).
func (r reply) wellFormed() {
	r.t.Helper()
	if r.status == http.StatusNoContent {
		if r.body != "" || r.header.Get("Content-Type") != "" {
			r.t.Errorf("%s: 204 with %q %q", r.what, r.header.Get("Content-Type"), r.body)
		}
		return
	}
	if got := r.header.Values("Content-Type"); !slices.Equal(got, []string{"application/json; charset=utf-8"}) {
		r.t.Errorf("%s: Content-Type %q", r.what, got)
	}
	if r.body == "" || !json.Valid([]byte(r.body)) {
		r.t.Errorf("%s: %d with the body %q", r.what, r.status, r.body)
	}
}

// refused demands the error envelope with a code.
func (r reply) refused(status int, code string) {
	r.t.Helper()
	r.wellFormed()
	if r.status != status || r.text("code") != code || r.text("@type") != "Error" || r.number("status_code") != int64(status) || r.text("title") == "" ||
		r.text("details", 0, "@type") != "ErrorDetail" || r.text("details", 0, "description") == "" {
		r.t.Errorf("%s: %d %s, want %d %s", r.what, r.status, r.body, status, code)
	}
}

// value digs in the body.
func (r reply) value(path ...any) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		r.t.Fatalf("%s: %v in %q", r.what, err, r.body)
	}
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (r reply) text(path ...any) string { s, _ := r.value(path...).(string); return s }
func (r reply) number(path ...any) int64 {
	f, _ := r.value(path...).(float64)
	return int64(f)
}

// shape is the body's exact keys and types: objects with sorted keys, arrays
// with the shapes of their elements, s, n and b for the rest.
func (r reply) shape(path ...any) string {
	r.t.Helper()
	return shapeOf(r.value(path...))
}

func shapeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for k, x := range v {
			parts = append(parts, k+":"+shapeOf(x))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, x := range v {
			if s := shapeOf(x); !slices.Contains(parts, s) {
				parts = append(parts, s)
			}
		}
		return "[" + strings.Join(parts, "|") + "]"
	case string:
		return "s"
	case float64:
		return "n"
	case bool:
		return "b"
	}
	return "null"
}

// is demands a shape.
func (r reply) is(want string) reply {
	r.t.Helper()
	if got := r.shape(); got != want {
		r.t.Errorf("%s:\n got %s\nwant %s\nbody %s", r.what, got, want, r.body)
	}
	return r
}

// dns publishes a record.
func (w *world) dns(name, kind string, values ...string) {
	w.t.Helper()
	b, _ := json.Marshal(map[string]any{"name": name, "type": kind, "values": values})
	if r := w.send("PUT", w.box+"/dns", "", string(b)); r.status != 200 {
		w.t.Fatalf("%s: %d %s", r.what, r.status, r.body)
	}
}

// mails does what is due and gives whom the mailbox holds messages for since
// it was emptied, sorted.
func (w *world) mails() (to []string, all reply) {
	w.t.Helper()
	for {
		busy, err := w.authority.Tick(w.t.Context())
		must(w.t, err)
		if !busy {
			break
		}
	}
	all = w.send("GET", w.box+"/mail", "", "")
	for i := range all.value("messages").([]any) {
		to = append(to, all.text("messages", i, "to"))
	}
	slices.Sort(to)
	w.send("DELETE", w.box+"/mail", "", "")
	return to, all
}

// state is everything in the database, as text.
func (w *world) state() string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.db+"?mode=ro")
	must(w.t, err)
	defer db.Close()
	var out strings.Builder
	for _, table := range texts(w.t, db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
		for _, row := range texts(w.t, db, "SELECT * FROM "+table) {
			fmt.Fprintln(&out, table, row)
		}
	}
	return out.String()
}

// texts gives each row as one text.
func texts(t testing.TB, db *sql.DB, q string) (out []string) {
	t.Helper()
	rows, err := db.Query(q)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		cells, at := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			at[i] = &cells[i]
		}
		must(t, rows.Scan(at...))
		var parts []string
		for _, c := range cells {
			parts = append(parts, fmt.Sprintf("%v", c))
		}
		out = append(out, strings.Join(parts, "|"))
	}
	must(t, rows.Err())
	slices.Sort(out)
	return out
}
