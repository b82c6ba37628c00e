package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"deed/dcv"
	"deed/store/sqlite"
)

// few and many are how many domains the benchmarks of size compare.
const (
	few  = 10_000
	many = 1_000_000
)

// manyDomains is many, or with -short what a build machine can fill quickly.
func manyDomains() int {
	if testing.Short() {
		return 5 * few
	}
	return many
}

// filled is a database file with n domains of one account.
type filled struct {
	path, key string
	n         int
}

// fill makes one through the program's own schema, then in bulk: each domain
// has a random value, one in ten is pending and waits for tomorrow's look.
func fill(tb testing.TB, n int) filled {
	tb.Helper()
	f := filled{path: filepath.Join(tb.TempDir(), "deed.db"), n: n}
	db, err := sqlite.Open(tb.Context(), f.path, sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	app, err := build(quiet(tb), db, "http://deed.example", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	account, org, key, err := app.authority.CreateAccount(tb.Context(), "Bench")
	if err != nil {
		tb.Fatal(err)
	}
	f.key = key
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	bulk, err := sql.Open("sqlite", "file:"+f.path+"?_pragma=synchronous(OFF)&_pragma=journal_mode(WAL)&_pragma=cache_size(-200000)")
	if err != nil {
		tb.Fatal(err)
	}
	defer bulk.Close()
	now := time.Now().UnixMicro()
	day := (24 * time.Hour).Microseconds()
	for _, q := range []string{
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO domains (account_id, organization_id, name, active, method, keep_www, created, submitted,
				ov_state, ov_proven, ov_until, ev_state, ev_proven, ev_until, proven, proven_until, proof_method, proof_scope, proof_adn, proof_attempt,
				poll_start, next_check, gives_up, version)
			SELECT %d, %d, printf('d%%x-%%d.example.com', (i * 2654435761) & 0xffffffff, i), 1, CASE i %% 3 WHEN 0 THEN '%s' WHEN 1 THEN '%s' ELSE '%s' END, 0, %[7]d - i, %[7]d - i,
				1 + (i %% 10 > 0), 0, (i %% 10 > 0) * (%[7]d + (i %% 300) * %[8]d), 0, 0, 0, 0, 0, '', '', '', '',
				%[7]d, (i %% 10 = 0) * (%[7]d + %[8]d + i), %[7]d + 10 * %[8]d, 1 FROM n`,
			n, account.ID, org.ID, dcv.DNSTXT, dcv.DNSCNAME, dcv.HTTP, now, day),
		fmt.Sprintf(`INSERT INTO random_values (account_id, domain_id, order_id, method, token, created, expires, ended, used)
			SELECT account_id, id, 0, method, printf('%%032x', id), %d, %d, 0, 0 FROM domains`, now, now+30*day),
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err := bulk.ExecContext(tb.Context(), q); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

// serve runs the product over the file, in this process.
func (f filled) serve(tb testing.TB) bench {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), f.path, sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	app, err := build(quiet(tb), db, "http://deed.example", slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	app.mount(mux)
	return bench{url: listen(tb, app.wrap(mux)), key: f.key, db: db}
}

// took is how long a GET took.
func (s bench) took(tb testing.TB, client *http.Client, path string) float64 {
	tb.Helper()
	req, err := http.NewRequest("GET", s.url+"/services/v2"+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("X-DC-DEVKEY", s.key)
	start := time.Now()
	if err := do(client, req); err != nil {
		tb.Fatal(err)
	}
	return float64(time.Since(start))
}

// BenchmarkDomains is what a lone caller waits for domain info and for a page
// of a list of many domains, in turns with the same of few.
func BenchmarkDomains(b *testing.B) {
	large := fill(b, manyDomains())
	small := fill(b, few)
	client := pooled(2)
	many, few := large.serve(b), small.serve(b)
	for _, op := range []struct {
		name string
		path func(n, turn int) string
	}{
		{"info", func(n, turn int) string {
			return "/domain/" + strconv.Itoa(1+turn*7919%n) + "?include_dcv=true&include_validation=true"
		}},
		{"list", func(int, int) string { return "/domain?limit=100&include_validation=true" }},
		{"list_by_name", func(int, int) string { return "/domain?limit=100&sort=-name" }},
		{"list_by_date", func(int, int) string { return "/domain?limit=100&sort=-date_created" }},
		{"list_active", func(int, int) string { return "/domain?limit=100&filters[status]=active" }},
		{"list_one_name", func(n, turn int) string {
			i := 1 + turn*7919%n
			return "/domain?limit=100&filters[search]=" + fmt.Sprintf("d%x-%d.example.com", uint64(i)*2654435761&0xffffffff, i)
		}},
		{"list_tenth_page", func(int, int) string { return "/domain?limit=100&offset=1000" }},
		{"list_last_page", func(n, _ int) string { return "/domain?limit=100&offset=" + strconv.Itoa(n-100) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			var ours, theirs []float64
			each := 25
			if op.name == "list_last_page" { // every row before it is passed over
				each = 2
			}
			for turn := 0; b.Loop(); turn++ {
				for range each {
					ours = append(ours, many.took(b, client, op.path(large.n, turn)))
					theirs = append(theirs, few.took(b, client, op.path(small.n, turn)))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours)/1e3, "µs/many")
			b.ReportMetric(median(theirs)/1e3, "µs/few")
			b.ReportMetric(median(ours)/median(theirs), "of_few")
		})
	}
	b.Run("start", func(b *testing.B) { starts(b, large) })
}

// starts measures the real program over the file: from its start to the line
// that says it is ready, and its resident memory when it has nothing to do.
func starts(b *testing.B, f filled) {
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	var ready, resident []float64
	for b.Loop() {
		cmd := exec.CommandContext(context.Background(), path, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:"+f.path, "--dns-resolvers", "127.0.0.1:9")
		cmd.Env = cleanEnv()
		cmd.Dir = b.TempDir()
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadBytes('\n')
		ready = append(ready, float64(time.Since(start))/1e6)
		var said struct{ URL string }
		if err == nil {
			err = json.Unmarshal(line, &said)
		}
		// Idle is after it has answered something.
		if err == nil {
			s := bench{url: said.URL, key: f.key}
			client := pooled(1)
			s.took(b, client, "/domain?limit=100")
			resident = append(resident, residentMiB(b, cmd.Process.Pid))
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ready), "ms/ready")
	b.ReportMetric(median(resident), "MiB/resident")
}

// residentMiB reads a process' VmRSS (proc(5)).
func residentMiB(tb testing.TB, pid int) float64 {
	tb.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib / 1024
}
