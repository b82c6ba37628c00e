package check

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/dcv"
	"deed/fetch"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec/dnssectest"
)

// The promise of this file: no name server, web server or zone can hold a
// check past its deadline or cost more than a megabyte of memory. One row for
// each trick.
const (
	patience = 300 * time.Millisecond // the whole check's deadline
	grace    = 3 * time.Second        // for a busy machine; every trick would last far longer
	memory   = raced << 20
)

// gauge stands before both doors and measures what a check holds: what lives
// when a door is passed, and all that was allocated until the next time, freed
// or not, on top. So it never says less than the truth.
type gauge struct {
	dns  resolve.Door
	http fetch.Door

	mu         sync.Mutex
	base, live uint64
	total      uint64
	peak       uint64
}

func (g *gauge) start() { g.base, g.live, g.peak, g.total = 0, 0, 0, 0; g.base, g.total = measured() }

func measured() (live, total uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.TotalAlloc
}

func (g *gauge) read() {
	g.mu.Lock()
	defer g.mu.Unlock()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	g.peak = max(g.peak, g.live+m.TotalAlloc-g.total)
	live, total := measured()
	g.live, g.total = max(live, g.base)-g.base, total
}

func (g *gauge) Exchange(ctx context.Context, ask resolve.Ask) (resolve.Reply, error) {
	g.read()
	return g.dns.Exchange(ctx, ask)
}

func (g *gauge) Hop(ctx context.Context, hop fetch.Hop) (fetch.Response, error) {
	g.read()
	return g.http.Hop(ctx, hop)
}

// measuring is an engine with short patience and a gauge.
func measuring(t testing.TB, server netip.AddrPort) (*world, *gauge) {
	t.Helper()
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	g := &gauge{
		dns:  resolve.NewLive(resolve.LiveOptions{}),
		http: fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}),
	}
	return &world{t: t, server: server, engine: New(Options{
		DNS: g, HTTP: g, Servers: []netip.AddrPort{server}, DNSSEC: resolve.DNSSECOff, Deed: "test", PSL: "2026-03-02",
		HostName: func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err },
		Now:      func() time.Time { return now.Add(time.Second) }, QueryTimeout: patience,
	})}, g
}

// held makes an attempt and checks the promise, and that the capsule of it is
// judged alike.
func held(t *testing.T, w *world, g *gauge, ch dcv.Challenge, spare uint64) (dcv.Verdict, uint64) {
	t.Helper()
	g.start()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	r, err := w.engine.Attempt(ctx, ch)
	took := time.Since(start)
	g.read()
	if err != nil {
		t.Fatal(err)
	}
	if took > patience+grace {
		t.Errorf("took %s", took)
	}
	if spare > 0 && g.peak > spare+memory {
		t.Errorf("%d KiB of memory, %d KiB more than an honest world", g.peak>>10, (g.peak-spare)>>10)
	}
	if len(r.Capsule) > memory/2 {
		t.Errorf("the capsule has %d bytes", len(r.Capsule))
	}
	again, err := Replay(r.Capsule, ReplayOptions{HostName: w.engine.o.HostName})
	if err != nil || !again.Same {
		t.Errorf("replayed: %v, %s", err, again.Difference)
	}
	return r.Verdict, g.peak
}

// unmoved expects a code, or on a busy machine that time ran out before.
func unmoved(t *testing.T, v dcv.Verdict, code dcv.Code) {
	t.Helper()
	if v.Outcome != dcv.Proven && v.Problem != nil && (v.Problem.Code == dcv.HTTPTimeout || v.Problem.Code == dcv.DNSTimeout) {
		return
	}
	expect(t, v, code)
}

// The tricks of a name server. say sends one answer to the asker; more may be
// sent. over says which transport asked.
type nameTrick struct {
	name string // a sentence
	play func(q *dns.Msg, over string, say func([]byte), done <-chan struct{})
	code dcv.Code
}

func packed(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// truncated sends the asker to TCP; there, f plays.
func truncated(f func(q *dns.Msg, say func([]byte), done <-chan struct{})) func(*dns.Msg, string, func([]byte), <-chan struct{}) {
	return func(q *dns.Msg, over string, say func([]byte), done <-chan struct{}) {
		if over == "udp" {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			say(packed(m))
			return
		}
		f(q, say, done)
	}
}

// flood gives an answerer over TCP: n records of a type, each the same data.
// Made without the library, which would not make some of them, and once: the
// server's memory is measured too.
func flood(qtype uint16, n int, data []byte) func(*dns.Msg, func([]byte), <-chan struct{}) {
	var tail []byte
	for range n {
		tail = append(tail, 0xc0, 12)
		tail = binary.BigEndian.AppendUint16(tail, qtype)
		tail = append(tail, 0, 1, 0, 0, 0, 60)
		tail = binary.BigEndian.AppendUint16(tail, uint16(len(data)))
		tail = append(tail, data...)
	}
	return func(q *dns.Msg, say func([]byte), _ <-chan struct{}) {
		head := packed(new(dns.Msg).SetReply(q))
		binary.BigEndian.PutUint16(head[6:8], uint16(n))
		if len(head)+len(tail) > 65535 {
			panic("a message that cannot be sent")
		}
		say(binary.BigEndian.AppendUint16(nil, uint16(len(head)+len(tail))))
		say(head)
		say(tail)
	}
}

func framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// drip says bytes one by one.
func drip(b []byte, say func([]byte), done <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range b {
		select {
		case <-done:
			return
		case <-tick.C:
			say(b[i : i+1])
		}
	}
}

func alias(q *dns.Msg, to string) []byte {
	m := new(dns.Msg).SetReply(q)
	m.Answer = []dns.RR{&dns.CNAME{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: to}}
	return packed(m)
}

func nameTricks() []nameTrick {
	bitmap := []byte{0} // the root is next; then every bit of every window
	for window := range 256 {
		bitmap = append(append(bitmap, byte(window), 32), bytes.Repeat([]byte{0xff}, 32)...)
	}
	loud := bytes.Repeat(append([]byte{255}, bytes.Repeat([]byte{0xff}, 255)...), 63)
	n := 0
	return []nameTrick{
		{"silence", func(*dns.Msg, string, func([]byte), <-chan struct{}) {}, dcv.DNSTimeout},
		{"forged answers without end", func(q *dns.Msg, _ string, say func([]byte), done <-chan struct{}) {
			m := new(dns.Msg).SetReply(q)
			m.Id++
			forged := packed(m)
			tick := time.NewTicker(100 * time.Microsecond)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
					say(forged)
				}
			}
		}, dcv.DNSTimeout},
		{"TCP that never answers", truncated(func(*dns.Msg, func([]byte), <-chan struct{}) {}), dcv.DNSTimeout},
		{"TCP byte by byte", truncated(func(q *dns.Msg, say func([]byte), done <-chan struct{}) {
			drip(framed(packed(new(dns.Msg).SetReply(q))), say, done)
		}), dcv.DNSTimeout},
		{"TCP that says less than it promised", truncated(func(q *dns.Msg, say func([]byte), _ <-chan struct{}) {
			say(append([]byte{0xff, 0xff}, packed(new(dns.Msg).SetReply(q))...))
		}), dcv.DNSTimeout},
		{"truncation over TCP too", func(q *dns.Msg, over string, say func([]byte), _ <-chan struct{}) {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			b := packed(m)
			if over == "tcp" {
				b = framed(b)
			}
			say(b)
		}, dcv.TXTNotFound},
		{"a huge answer", truncated(flood(dns.TypeTXT, 2, loud)), dcv.TXTNoMatch},
		{"a larger answer than any honest one", truncated(flood(dns.TypeTXT, 4, loud)), dcv.DNSMalformed},
		{"a thousand records", truncated(flood(dns.TypeTXT, 1000, []byte{1, 'x'})), dcv.DNSMalformed},
		{"a record of sixty thousand empty strings", truncated(flood(dns.TypeTXT, 1, make([]byte, 60_000))), dcv.DNSMalformed},
		{"denials that list every type there is", truncated(flood(dns.TypeNSEC, 7, bitmap)), dcv.DNSMalformed},
		{"EDNS options without end", truncated(flood(dns.TypeOPT, 1, make([]byte, 60_000))), dcv.DNSMalformed},
		{"a name that points to itself", func(q *dns.Msg, over string, say func([]byte), _ <-chan struct{}) {
			b := alias(q, ".")
			at := uint16(len(b) - 1) // of the target
			b = binary.BigEndian.AppendUint16(b[:at], 0xc000|at)
			b[at-1] = 2 // its length
			if over == "tcp" {
				b = framed(b)
			}
			say(b)
		}, dcv.DNSMalformed},
		{"a circle of aliases", func(q *dns.Msg, _ string, say func([]byte), _ <-chan struct{}) {
			to := "a.example.com."
			if strings.EqualFold(q.Question[0].Name, to) {
				to = "b.example.com."
			}
			say(alias(q, to))
		}, dcv.DNSTooLong},
		{"aliases without end", func(q *dns.Msg, _ string, say func([]byte), _ <-chan struct{}) {
			n++
			say(alias(q, fmt.Sprintf("a%d.example.com.", n)))
		}, dcv.DNSTooLong},
		{"referrals without end", func(q *dns.Msg, _ string, say func([]byte), _ <-chan struct{}) {
			n++
			m := new(dns.Msg).SetReply(q)
			m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "com.", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: 60}, Ns: fmt.Sprintf("ns%d.example.com.", n)}}
			say(packed(m))
		}, dcv.TXTNotFound},
		{"FORMERR to everything", func(q *dns.Msg, _ string, say func([]byte), _ <-chan struct{}) {
			say(packed(new(dns.Msg).SetRcode(q, dns.RcodeFormatError)))
		}, dcv.DNSServFail},
	}
}

// playing is a name server with a trick. It stays honest about the root, so
// that it is seen to live.
func playing(t *testing.T, trick func(q *dns.Msg, over string, say func([]byte), done <-chan struct{})) netip.AddrPort {
	t.Helper()
	pc, ln := dnssectest.Listen(t, "127.0.0.1")
	done := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex // tricks keep count
	answer := func(b []byte, over string, say func([]byte)) {
		q := new(dns.Msg)
		if q.Unpack(b) != nil || len(q.Question) != 1 {
			return
		}
		if q.Question[0].Name == "." {
			say(packed(new(dns.Msg).SetReply(q)))
			return
		}
		if over == "udp" {
			mu.Lock()
			defer mu.Unlock()
		}
		trick(q, over, say, done)
	}
	wg.Go(func() {
		for {
			b := make([]byte, 1500)
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			wg.Go(func() { answer(b[:n], "udp", func(b []byte) { _, _ = pc.WriteTo(b, from) }) })
		}
	})
	each(ln, &wg, done, func(c net.Conn) {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(head))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		answer(b, "tcp", func(b []byte) { _, _ = c.Write(b) })
		<-done
	})
	t.Cleanup(func() {
		close(done)
		pc.Close()
		ln.Close()
		wg.Wait()
	})
	return netip.MustParseAddrPort(pc.LocalAddr().String())
}

// each lets f have every connection, which ends with done.
func each(ln net.Listener, wg *sync.WaitGroup, done <-chan struct{}, f func(net.Conn)) {
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				<-done
				c.Close()
			})
			wg.Go(func() { f(c) })
		}
	})
}

func TestHostileNameServers(t *testing.T) {
	honest := newWorld(t, `_dnsauth.example.com. 60 IN TXT "`+token+`"`)
	ch := challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token)
	w, g := measuring(t, honest.server)
	held(t, w, g, ch, 0)
	v, spare := held(t, w, g, ch, 0)
	expect(t, v, "")
	t.Logf("an honest world costs %d KiB", spare>>10)
	for _, trick := range nameTricks() {
		t.Run(trick.name, func(t *testing.T) {
			w, g := measuring(t, playing(t, trick.play))
			v, peak := held(t, w, g, ch, spare)
			unmoved(t, v, trick.code)
			t.Logf("%d KiB", peak>>10)
		})
	}
}

// The tricks of a web server, after the request has been read; of a TLS
// server, from the start.
type webTrick struct {
	name string // a sentence
	tls  bool
	play func(say func([]byte), done <-chan struct{})
	code dcv.Code
}

func webTricks() []webTrick {
	endless := func(head, more string) func(func([]byte), <-chan struct{}) {
		return func(say func([]byte), done <-chan struct{}) {
			say([]byte(head))
			block := []byte(strings.Repeat(more, 1+4096/len(more)))
			for {
				select {
				case <-done:
					return
				default:
					say(block)
				}
			}
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()
	hop, fat := 0, []byte("A: "+strings.Repeat("a", 15<<10)+"\r\n\r\n"+strings.Repeat("b", 64<<10))
	return []webTrick{
		{"a server that never answers", false, func(func([]byte), <-chan struct{}) {}, dcv.HTTPTimeout},
		{"a header byte by byte", false, func(say func([]byte), done <-chan struct{}) {
			drip([]byte("HTTP/1.1 200 OK\r\nA: "+strings.Repeat("b", 10_000)), say, done)
		}, dcv.HTTPTimeout},
		{"a header without end", false, endless("HTTP/1.1 200 OK\r\n", "A: b\r\n"), dcv.HTTPMalformed},
		{"a header line without end", false, endless("HTTP/1.1 200 OK\r\nA: ", "b"), dcv.HTTPMalformed},
		{"a status line without end", false, endless("HTTP/1.1 200 ", "b"), dcv.HTTPMalformed},
		{"interim responses without end", false, endless("", "HTTP/1.1 102 Processing\r\n\r\n"), dcv.HTTPMalformed},
		{"interim responses, slowly", false, func(say func([]byte), done <-chan struct{}) {
			drip([]byte(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 4)), say, done)
		}, dcv.HTTPTimeout},
		{"a body byte by byte", false, func(say func([]byte), done <-chan struct{}) {
			say([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"))
			drip(bytes.Repeat([]byte{'x'}, 10_000), say, done)
		}, dcv.HTTPTimeout},
		{"a body without end", false, endless("HTTP/1.1 200 OK\r\n\r\n", "x"), dcv.HTTPNoMatch},
		{"a body of a terabyte", false, endless("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", "x"), dcv.HTTPNoMatch},
		{"chunks without end", false, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), dcv.HTTPNoMatch},
		{"chunk extensions without end", false, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"), dcv.HTTPMalformed},
		{"a whole body, then silence: what was read is judged", false, func(say func([]byte), _ <-chan struct{}) {
			say([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", 20)))
		}, dcv.HTTPNoMatch},
		{"a compression bomb", false, func(say func([]byte), _ <-chan struct{}) {
			say([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"))
			say(bomb.Bytes())
		}, dcv.HTTPNoMatch},
		{"compressed emptiness without end", false, endless("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\xff\xff"), dcv.HTTPNoMatch},
		{"redirects without end, each with all it may carry", false, func(say func([]byte), _ <-chan struct{}) {
			hop++
			say(fmt.Appendf(nil, "HTTP/1.1 302 Found\r\nLocation: /%d\r\n", hop))
			say(fat)
		}, dcv.HTTPTooManyHops},
		{"a TLS handshake that never comes", true, func(func([]byte), <-chan struct{}) {}, dcv.HTTPTimeout},
		{"a TLS handshake byte by byte", true, func(say func([]byte), done <-chan struct{}) {
			drip(append([]byte{22, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xf0}, make([]byte, 16<<10)...), say, done)
		}, dcv.HTTPTimeout},
		{"a TLS handshake without end", true, endless("", "\x16\x03\x03\x00\x04\x00\x00\x00\x00"), dcv.HTTPTLS},
	}
}

func TestHostileWebServers(t *testing.T) {
	site := newWorld(t, `example.com. 60 IN A 127.0.0.1`)
	good := httptest.NewServer(serve(200, token))
	defer good.Close()
	ch := challenge(dcv.HTTP, "example.com", []string{"example.com"}, token)
	ch.AllowPrivate = []string{"127.0.0.0/8"}
	w, g := measuring(t, site.server)
	ch.HTTPPort, ch.HTTPSPort = netip.MustParseAddrPort(good.Listener.Addr().String()).Port(), closedPort(t)
	held(t, w, g, ch, 0)
	v, spare := held(t, w, g, ch, 0)
	expect(t, v, "")
	t.Logf("an honest world costs %d KiB", spare>>10)
	for _, trick := range webTricks() {
		t.Run(trick.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			var wg sync.WaitGroup
			each(ln, &wg, done, func(c net.Conn) {
				if !trick.tls {
					b := make([]byte, 4096)
					if _, err := c.Read(b); err != nil {
						return
					}
				}
				trick.play(func(b []byte) {
					if _, err := c.Write(b); err != nil {
						<-done // nobody hears it: no busy loop beside the measuring
					}
				}, done)
			})
			defer wg.Wait()
			defer ln.Close()
			defer close(done)
			ch := ch
			ch.HTTPPort, ch.HTTPSPort = netip.MustParseAddrPort(ln.Addr().String()).Port(), closedPort(t)
			if trick.tls {
				ch.HTTPPort, ch.HTTPSPort = ch.HTTPSPort, ch.HTTPPort
			}
			v, peak := held(t, w, g, ch, spare)
			unmoved(t, v, trick.code)
			t.Logf("%d KiB", peak>>10)
		})
	}
}

// A TLS server that behaves until the handshake is done may do no more than one
// without TLS.
func TestHostileWebServerBehindTLS(t *testing.T) {
	site := newWorld(t, `example.com. 60 IN A 127.0.0.1`)
	ch := challenge(dcv.HTTP, "example.com", []string{"example.com"}, token)
	ch.AllowPrivate = []string{"127.0.0.0/8"}
	w, g := measuring(t, site.server)
	good := httptest.NewTLSServer(serve(200, token))
	defer good.Close()
	ch.HTTPPort, ch.HTTPSPort = closedPort(t), netip.MustParseAddrPort(good.Listener.Addr().String()).Port()
	held(t, w, g, ch, 0)
	v, spare := held(t, w, g, ch, 0)
	expect(t, v, "")

	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(inner, good.TLS)
	done := make(chan struct{})
	var wg sync.WaitGroup
	each(ln, &wg, done, func(c net.Conn) {
		b := make([]byte, 4096)
		if _, err := c.Read(b); err != nil {
			return
		}
		for { // records of one byte: the framing is thirty times the body
			select {
			case <-done:
				return
			default:
				if _, err := c.Write([]byte("H")); err != nil {
					return
				}
			}
		}
	})
	defer wg.Wait()
	defer ln.Close()
	defer close(done)
	ch.HTTPSPort = netip.MustParseAddrPort(inner.Addr().String()).Port()
	v, _ = held(t, w, g, ch, spare)
	if v.Outcome == dcv.Proven || v.Problem == nil {
		t.Errorf("%+v", v)
	}
}
