package certcentral_test

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
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deed/api"
	"deed/api/certcentral"
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
	url       string // of the dialect, with its prefix
	box       string // of the sandbox's control
	db        string
	key       string
	account   int64
	org       int64
	authority *authority.Authority
	clock     atomic.Int64
	logs      bytes.Buffer
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
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, certcentral.Prefix+"/") { // as the program does: no redirects of its own
			h, _ := mux.Handler(&http.Request{Method: "GET", URL: mustURL(certcentral.Prefix + "/")})
			h.ServeHTTP(rw, r)
			return
		}
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.url, w.box = srv.URL+certcentral.Prefix, srv.URL+"/sandbox"
	w.account, w.org, w.key = w.tenant("Example Hosting")
	return w
}

// tenant makes an account.
func (w *world) tenant(name string) (account, org int64, key string) {
	w.t.Helper()
	acc, o, key, err := w.authority.CreateAccount(w.t.Context(), name)
	must(w.t, err)
	return acc.ID, o.ID, key
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

func (w *world) send(method, url, key, body string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	must(w.t, err)
	if key != "" {
		req.Header.Set("X-DC-DEVKEY", key)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return reply{w.t, fmt.Sprintf("%s %s %.120s", method, url, body), resp.StatusCode, resp.Header, string(b)}
}

// call sends a request of the first account and demands a status.
func (w *world) call(want int, method, path, body string) reply {
	w.t.Helper()
	r := w.send(method, w.url+path, w.key, body)
	if r.status != want {
		w.t.Fatalf("%s: %d %s, want %d", r.what, r.status, r.body, want)
	}
	r.wellFormed()
	return r
}

// wellFormed demands what every answer keeps (contract section 1).
func (r reply) wellFormed() {
	r.t.Helper()
	if r.status == http.StatusNoContent {
		if r.body != "" || r.header.Get("Content-Type") != "" {
			r.t.Errorf("%s: 204 with %q %q", r.what, r.header.Get("Content-Type"), r.body)
		}
		return
	}
	if got := r.header.Values("Content-Type"); !slices.Equal(got, []string{"application/json"}) {
		r.t.Errorf("%s: Content-Type %q", r.what, got)
	}
	if !json.Valid([]byte(r.body)) || strings.Contains(r.body, "null") || strings.ContainsAny(r.body, "\n\t") {
		r.t.Errorf("%s: not compact JSON without null: %s", r.what, r.body)
	}
	if r.status >= 400 {
		if s := r.shape(); s != "{errors:[{code:s,message:s}]}" {
			r.t.Errorf("%s: envelope %s", r.what, s)
		}
	}
}

// refused demands the envelope with a code.
func (r reply) refused(status int, code string) {
	r.t.Helper()
	r.wellFormed()
	if r.status != status || r.text("errors", 0, "code") != code || r.text("errors", 0, "message") == "" {
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

// add adds a domain for OV and EV and gives its path and the answer.
func (w *world) add(name, method string) (string, reply) {
	w.t.Helper()
	r := w.call(201, "POST", "/domain", fmt.Sprintf(`{"name":%q,"organization":{"id":%d},"validations":[{"type":"ov"},{"type":"ev"}],"dcv_method":%q}`, name, w.org, method))
	return fmt.Sprintf("/domain/%d", r.number("id")), r
}

// dns publishes a record, web a file.
func (w *world) dns(name, kind string, values ...string) {
	w.t.Helper()
	b, _ := json.Marshal(map[string]any{"name": name, "type": kind, "values": values})
	if r := w.send("PUT", w.box+"/dns", "", string(b)); r.status != 200 {
		w.t.Fatalf("%s: %d %s", r.what, r.status, r.body)
	}
}

func (w *world) web(host, path, body string) {
	w.t.Helper()
	b, _ := json.Marshal(map[string]any{"host": host, "path": path, "body": body})
	if r := w.send("PUT", w.box+"/web", "", string(b)); r.status != 200 {
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

func actor(w *world, key string) authority.Actor {
	w.t.Helper()
	a, err := w.authority.Authenticate(w.t.Context(), key)
	must(w.t, err)
	return a
}
