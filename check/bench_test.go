package check

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec"
)

// cost is what some work took of this process: CPU time, user and system, and
// allocations.
type cost struct{ cpu, allocs float64 }

func measure(tb testing.TB, n int, fn func() error) cost {
	tb.Helper()
	runtime.GC() // each pays for its own garbage
	var before, after runtime.MemStats
	var u0, u1 syscall.Rusage
	runtime.ReadMemStats(&before)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u0); err != nil {
		tb.Fatal(err)
	}
	for range n {
		if err := fn(); err != nil {
			tb.Fatal(err)
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u1); err != nil {
		tb.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	cpu := u1.Utime.Nano() + u1.Stime.Nano() - u0.Utime.Nano() - u0.Stime.Nano()
	return cost{float64(cpu) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}
}

// compare measures the work and its floor in turns and reports medians.
func compare(b *testing.B, n int, work, floor func() error) {
	b.Helper()
	for _, fn := range []func() error{work, floor} { // warm
		measure(b, n, fn)
	}
	var ours, theirs, ratio, allocs []float64
	for b.Loop() {
		w, f := measure(b, n, work), measure(b, n, floor)
		ours, theirs, ratio, allocs = append(ours, w.cpu), append(theirs, f.cpu), append(ratio, w.cpu/f.cpu), append(allocs, w.allocs)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(ours)/1e3, "cpu-µs/check")
	b.ReportMetric(middle(theirs)/1e3, "cpu-µs/floor")
	b.ReportMetric(middle(ratio), "of_floor")
	b.ReportMetric(middle(allocs), "allocs/check")
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// round is how many checks are measured at a time.
const round = 300

// looking is an engine that sees a canned world.
func looking(tb testing.TB, where at, mode string, anchors *dnssec.Anchors) *Engine {
	tb.Helper()
	normal, err := names.New()
	if err != nil {
		tb.Fatal(err)
	}
	return New(Options{
		DNS:     resolve.NewLive(resolve.LiveOptions{}),
		HTTP:    fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}),
		Servers: []netip.AddrPort{where.DNS}, DNSSEC: mode, Anchors: anchors, Deed: "bench", PSL: "2026-03-02",
		HostName: func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err },
		Now:      func() time.Time { return now.Add(time.Second) },
	})
}

func benchChallenge(method dcv.Method, name string) dcv.Challenge {
	n := dcv.MustName(name)
	return dcv.Challenge{
		Name: n, Method: method, ADNs: []dcv.Name{n}, Now: now,
		Values: []dcv.Value{{Token: token, Source: "domain", ID: 1, Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)}},
	}
}

// verdictOf runs a challenge to its verdict, without the recording of it.
func verdictOf(e *Engine, ch dcv.Challenge) func() error {
	ch.DNSSEC, ch.TrustAnchors = e.o.DNSSEC, e.o.Anchors.Text()
	return func() error {
		v, err := e.judge(until(context.Background(), time.Now().Add(maxAttempt)), &ch, e.o.DNS, e.o.HTTP)
		return passed(v, err)
	}
}

// attemptOf runs a challenge to its verdict and its capsule.
func attemptOf(e *Engine, ch dcv.Challenge) func() error {
	return func() error {
		r, err := e.Attempt(context.Background(), ch)
		return passed(r.Verdict, err)
	}
}

func passed(v dcv.Verdict, err error) error {
	if err == nil && v.Outcome != dcv.Proven {
		err = fmt.Errorf("not proven: %+v", v.Problem)
	}
	return err
}

// rawExchange is one UDP exchange by the DNS library's own client, on a socket
// of its own like ours.
func rawExchange(server netip.AddrPort, name string, qtype uint16) func() error {
	c := dns.Client{Net: "udp", UDPSize: 1232, Timeout: 2 * time.Second}
	to := server.String()
	return func() error {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
		m.SetEdns0(1232, true)
		_, _, err := c.ExchangeContext(context.Background(), m, to)
		return err
	}
}

func txtWorld(tb testing.TB) at {
	return cannedWorld{DNS: [][]byte{
		answerTo(tb, "_dnsauth.example.com", dns.TypeTXT, `_dnsauth.example.com. 60 IN TXT "`+token+`"`),
		answerTo(tb, "example.com", dns.TypeCAA, `example.com. 60 IN CAA 0 issue "deed.example"`),
	}}.start(tb)
}

// BenchmarkTXT is a TXT check from challenge to verdict. Its floor is one raw
// UDP exchange.
func BenchmarkTXT(b *testing.B) {
	where := txtWorld(b)
	floor := rawExchange(where.DNS, "_dnsauth.example.com", dns.TypeTXT)
	for _, mode := range []string{resolve.DNSSECOff, resolve.DNSSECResolver} {
		b.Run(mode, func(b *testing.B) {
			compare(b, round, verdictOf(looking(b, where, mode, nil), benchChallenge(dcv.DNSTXT, "example.com")), floor)
		})
	}
	// The whole attempt also looks at CAA, so its floor is two exchanges.
	b.Run("with_CAA_and_capsule", func(b *testing.B) {
		second := rawExchange(where.DNS, "example.com", dns.TypeCAA)
		compare(b, round, attemptOf(looking(b, where, resolve.DNSSECResolver, nil), benchChallenge(dcv.DNSTXT, "example.com")), func() error {
			if err := floor(); err != nil {
				return err
			}
			return second()
		})
	})
}

// BenchmarkTXTValidated is the same with every signature checked here, the
// keys of the zones above and the record known from an earlier check. Its floor is the one
// raw exchange of the answer's own question.
func BenchmarkTXTValidated(b *testing.B) {
	where, anchors := signedTable(b)
	compare(b, round, verdictOf(looking(b, where, resolve.DNSSECValidate, anchors), benchChallenge(dcv.DNSTXT, "good.com")),
		rawExchange(where.DNS, "_dnsauth.good.com", dns.TypeTXT))
}

// BenchmarkWebsite is a website check from challenge to verdict. Its floor is
// two raw queries and one raw GET, each on a connection of its own like ours.
func BenchmarkWebsite(b *testing.B) {
	where := cannedWorld{Page: []byte(token), DNS: [][]byte{
		answerTo(b, "example.com", dns.TypeA, "example.com. 60 IN A 127.0.0.1"),
		answerTo(b, "example.com", dns.TypeAAAA, "example.com. 60 IN SOA ns.example.com. host.example.com. 1 3600 600 86400 300"),
	}}.start(b)
	ch := benchChallenge(dcv.HTTP, "example.com")
	ch.HTTPPort = where.Web.Port()
	ch.AllowPrivate = []string{"127.0.0.0/8"}

	a, aaaa := rawExchange(where.DNS, "example.com", dns.TypeA), rawExchange(where.DNS, "example.com", dns.TypeAAAA)
	queries := func() error {
		if err := aaaa(); err != nil {
			return err
		}
		return a()
	}
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, where.Web.String())
		},
	}}
	url := fmt.Sprintf("http://example.com:%d%s", where.Web.Port(), Path)
	floor := func() error {
		if err := queries(); err != nil {
			return err
		}
		resp, err := client.Get(url)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		return err
	}
	b.Run("resolver", func(b *testing.B) {
		compare(b, round, verdictOf(looking(b, where, resolve.DNSSECResolver, nil), ch), floor)
	})
}

// BenchmarkRecording is what recording adds to a TXT check with its CAA look,
// in parts of the whole's CPU: the recording doors alone, and with the capsule
// encoded, compressed and signed; and how large the capsule is at rest.
func BenchmarkRecording(b *testing.B) {
	where := txtWorld(b)
	e := looking(b, where, resolve.DNSSECResolver, nil)
	e.o.Sealer = sealer{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	ch := benchChallenge(dcv.DNSTXT, "example.com")
	looks := ch
	looks.LookAtCAA, looks.DNSSEC = true, e.o.DNSSEC
	bare, kept := verdictOf(e, looks), attemptOf(e, ch)
	recorded := func() error {
		rec := capsule.Record(e.o.DNS, e.o.HTTP, looks.Now)
		v, err := e.judge(until(context.Background(), time.Now().Add(maxAttempt)), &looks, rec, rec)
		var c capsule.Capsule
		rec.Into(&c)
		return passed(v, err)
	}
	r, err := e.Attempt(b.Context(), ch)
	if err != nil {
		b.Fatal(err)
	}
	for _, fn := range []func() error{bare, recorded, kept} { // warm
		measure(b, round, fn)
	}
	var door, all []float64
	for b.Loop() {
		none, seen, whole := measure(b, round, bare), measure(b, round, recorded), measure(b, round, kept)
		door, all = append(door, (seen.cpu-none.cpu)/seen.cpu*100), append(all, (whole.cpu-none.cpu)/whole.cpu*100)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(door), "%_recording")
	b.ReportMetric(middle(all), "%_sealed_too")
	b.ReportMetric(float64(len(r.Capsule)), "bytes_at_rest")
}

type sealer struct{ key ed25519.PrivateKey }

func (s sealer) Seal(c []byte) ([]byte, error) { return capsule.Seal(c, s.key, true) }
