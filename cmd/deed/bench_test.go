package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"deed/authority"
	"deed/dcv"
	"deed/store"
	"deed/store/sqlite"
)

// These benchmarks run the product's own wiring (settings, dialect, authority,
// SQLite with full sync) behind a real listener, beside a floor measured in
// the same run, in turns. What counts is the ratio.

// quiet gives the settings of a server that needs no network and has no limit
// on requests.
func quiet(tb testing.TB, args ...string) *config {
	tb.Helper()
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	addFlags(fs)
	if err := fs.Parse(append([]string{"--limits-requests", "off", "--dns-resolvers", "127.0.0.1:9", "--dns-dnssec", "off"}, args...)); err != nil {
		tb.Fatal(err)
	}
	c, err := load(fs, nil, io.Discard)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// bench is a listener, and what a client needs.
type bench struct {
	url string
	key string
	db  *sqlite.DB
}

func listen(tb testing.TB, h http.Handler) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(ln) }()
	tb.Cleanup(func() { _ = srv.Close() })
	return "http://" + ln.Addr().String()
}

func openBench(tb testing.TB, o sqlite.Options) *sqlite.DB {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "deed.db"), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// product is the whole server with n domains that have a random value.
func product(tb testing.TB, o sqlite.Options, n int) bench {
	tb.Helper()
	db := openBench(tb, o)
	app, err := build(quiet(tb), db, "http://deed.example", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	_, org, key, err := app.authority.CreateAccount(tb.Context(), "Bench")
	if err != nil {
		tb.Fatal(err)
	}
	actor, err := app.authority.Authenticate(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, err := app.authority.AddDomain(tb.Context(), actor, authority.AddDomain{
				Name: fmt.Sprintf("d%d.example.com", i), OrganizationID: org.ID, Types: []string{"ov"}, Method: dcv.DNSTXT,
			})
			if err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	mux := http.NewServeMux()
	app.mount(mux)
	return bench{url: listen(tb, app.wrap(mux)), key: key, db: db}
}

// bare is the floor: a handler that only decodes, group-commits the same row
// and encodes.
func bare(tb testing.TB) bench {
	tb.Helper()
	db := openBench(tb, sqlite.Options{})
	var next atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/v2/domain/{id}/dcv/token", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		now := dcv.Stamp(time.Now())
		v := store.Value{AccountID: 1, DomainID: id, Method: dcv.DNSTXT, Token: fmt.Sprintf("%032d", next.Add(1)), Created: now, Expires: now.AddDate(0, 0, 30), Ended: now}
		if err := db.Write(r.Context(), func(t store.Tx) error { _, err := t.InsertValue(v); return err }); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"token": v.Token, "status": "pending", "expiration_date": v.Expires.Format(time.RFC3339)})
	})
	return bench{url: listen(tb, mux), db: db}
}

// clients send n requests from c connections at once and give the time it took.
func (s bench) clients(tb testing.TB, client *http.Client, c, n int) time.Duration {
	tb.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	start := time.Now()
	for i := range c {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := s.generate(client, i+1); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func (s bench) generate(client *http.Client, id int) error {
	req, err := http.NewRequest("POST", s.url+"/services/v2/domain/"+strconv.Itoa(id)+"/dcv/token", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-DC-DEVKEY", s.key)
	return do(client, req)
}

func do(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return err
}

func pooled(n int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: n, MaxIdleConnsPerHost: n}}
}

// median of some measurements.
func median(d []float64) float64 {
	d = slices.Clone(d)
	slices.Sort(d)
	if len(d) == 0 {
		return math.NaN()
	}
	return d[len(d)/2]
}

// BenchmarkGenerate128 is generate random value over HTTP with 128 clients.
// Each iteration is a round of 1,280 requests to the product, then to the
// floor; a hundredth of it to the product with one commit a request.
func BenchmarkGenerate128(b *testing.B) {
	const clients, round = 128, 1280
	deed, floor := product(b, sqlite.Options{}, clients), bare(b)
	each := product(b, sqlite.Options{CommitEach: true}, clients)
	client := pooled(clients)
	for _, s := range []bench{deed, floor, each} { // connections and caches
		s.clients(b, client, clients, clients)
	}
	var ofFloor, ofEach, rate []float64
	for b.Loop() {
		d := float64(deed.clients(b, client, clients, round)) / round
		f := float64(floor.clients(b, client, clients, round)) / round
		e := float64(each.clients(b, client, clients, clients)) / clients
		ofFloor, ofEach, rate = append(ofFloor, f/d), append(ofEach, e/d), append(rate, 1e9/d)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rate), "requests/s")
	b.ReportMetric(median(ofFloor), "of_floor")
	b.ReportMetric(median(ofEach), "of_commit_each")
}

// BenchmarkGenerateAlone is one caller's median, in bare commits of one row on
// the same disk.
func BenchmarkGenerateAlone(b *testing.B) {
	deed := product(b, sqlite.Options{}, 1)
	plain := openBench(b, sqlite.Options{})
	client := pooled(1)
	var ours, theirs []float64
	now := dcv.Stamp(time.Now())
	for b.Loop() {
		start := time.Now()
		if err := deed.generate(client, 1); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, float64(time.Since(start)))
		start = time.Now()
		err := plain.Write(context.Background(), func(t store.Tx) error {
			_, err := t.InsertValue(store.Value{AccountID: 1, DomainID: 1, Method: dcv.DNSTXT, Token: "x", Created: now, Expires: now, Ended: now})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, float64(time.Since(start)))
	}
	b.ReportMetric(median(ours)/1e3, "µs/median")
	b.ReportMetric(median(theirs)/1e3, "µs/commit")
	b.ReportMetric(median(ours)/median(theirs), "bare_commits")
}
