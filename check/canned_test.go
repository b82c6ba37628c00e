package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The benchmarks count the CPU of this process, so the world they look at runs
// in another: this test program again, which answers from a table.

const beCanned = "DEED_TEST_CANNED_WORLD"

// cannedWorld is a world as a table.
type cannedWorld struct {
	DNS  [][]byte // answers, each to the question that it repeats
	Page []byte   // what every URL of the web server answers
}

// at is where a canned world listens.
type at struct{ DNS, Web netip.AddrPort }

// start runs the world in a process of its own until the benchmark ends.
func (c cannedWorld) start(tb testing.TB) at {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	table, err := json.Marshal(c)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), beCanned+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() }) // it ends with its input
	var where at
	if _, err := in.Write(append(table, '\n')); err != nil {
		tb.Fatal(err)
	}
	if err := json.NewDecoder(out).Decode(&where); err != nil {
		tb.Fatal(err)
	}
	return where
}

// serveCanned reads the table, says where it listens, and serves until its
// input ends.
func serveCanned(in io.Reader, out io.Writer) error {
	d := json.NewDecoder(in)
	var c cannedWorld
	if err := d.Decode(&c); err != nil {
		return err
	}
	answers := map[string][]byte{}
	for _, a := range c.DNS {
		answers[string(bytes.ToLower(question(a)))] = a
	}
	pc, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go answerCanned(pc, answers)
	go func() {
		_ = http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(c.Page) }))
	}()
	where := at{DNS: pc.LocalAddr().(*net.UDPAddr).AddrPort(), Web: ln.Addr().(*net.TCPAddr).AddrPort()}
	if err := json.NewEncoder(out).Encode(where); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.MultiReader(d.Buffered(), in))
	return err
}

func answerCanned(pc *net.UDPConn, answers map[string][]byte) {
	buf, reply := make([]byte, 4096), make([]byte, 0, 4096)
	for {
		n, from, err := pc.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		asked := question(buf[:n])
		a, ok := answers[string(bytes.ToLower(asked))]
		if !ok {
			fmt.Fprintf(os.Stderr, "not in the table: %q\n", asked)
			continue
		}
		reply = append(reply[:0], a...)
		copy(reply, buf[:2])                 // the id
		copy(reply[12:12+len(asked)], asked) // the spelling of the name
		_, _ = pc.WriteToUDPAddrPort(reply, from)
	}
}

// question is the question section of a message with one question whose name
// is not compressed.
func question(m []byte) []byte {
	i := 12
	for i < len(m) && m[i] != 0 {
		i += 1 + int(m[i])
	}
	return m[12:min(i+5, len(m))]
}

// answerTo packs the answer to a question; lines are its records, a line with
// an SOA goes to the authority section.
func answerTo(tb testing.TB, name string, qtype uint16, lines ...string) []byte {
	tb.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.Response, m.RecursionAvailable, m.AuthenticatedData, m.Compress = true, true, true, true
	for _, l := range lines {
		rr, err := dns.NewRR(l)
		if err != nil {
			tb.Fatal(err)
		}
		if strings.Contains(l, " SOA ") {
			m.Ns = append(m.Ns, rr)
			continue
		}
		m.Answer = append(m.Answer, rr)
	}
	m.SetEdns0(1232, true)
	b, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
