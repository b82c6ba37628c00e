package resolve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// tool finds a program of the oracles, which tools/install installs.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/"} {
		if p, err := exec.LookPath(dir + name); err == nil {
			return p
		}
	}
	t.Fatalf("%s is not installed; run tools/install", name)
	return ""
}

// ownPort is an address and port of loopback for one program: nobody else on
// this machine uses the address, so nobody can take the port before it does.
func ownPort(t testing.TB) netip.AddrPort {
	t.Helper()
	at := netip.AddrFrom4([4]byte{127, byte(1 + rand.N(250)), byte(rand.N(250)), byte(1 + rand.N(250))})
	pc, ln := dnssectest.Listen(t, at.String())
	pc.Close()
	ln.Close()
	return netip.MustParseAddrPort(pc.LocalAddr().String())
}

// unbound starts a validating Unbound before a server. It caches: one is good
// for one state of the world.
func unbound(t testing.TB, w *dnssectest.World, server netip.AddrPort) netip.AddrPort {
	t.Helper()
	dir := t.TempDir()
	at := ownPort(t)
	conf := fmt.Sprintf(`server:
 interface: %s@%d
 port: %d
 do-daemonize: no
 use-syslog: no
 chroot: ""
 username: ""
 directory: %q
 pidfile: ""
 do-ip6: no
 num-threads: 1
 do-not-query-localhost: no
 access-control: 127.0.0.0/8 allow
 module-config: "validator iterator"
 trust-anchor: "%s"
 val-sig-skew-min: 0
 val-sig-skew-max: 0
 qname-minimisation: no
 aggressive-nsec: no
 local-zone: "test." nodefault
forward-zone:
 name: "."
 forward-addr: 127.0.0.1@%d
remote-control:
 control-enable: no
`, at.Addr(), at.Port(), at.Port(), dir, strings.Join(strings.Fields(w.Anchors()), " "), server.Port())
	file := filepath.Join(dir, "unbound.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(tool(t, "unbound"), "-d", "-c", file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := dns.Client{Timeout: 100 * time.Millisecond}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		m, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion("localhost.", dns.TypeA), at.String())
		if err == nil && m.Response {
			return at
		}
		<-tick.C
	}
	_ = cmd.Process.Kill()
	t.Fatalf("unbound does not start:\n%s", log.String())
	return at
}

// byUnbound is Unbound's judgement, with the records found.
func byUnbound(t testing.TB, at netip.AddrPort, name string, qtype uint16) (dnssec.Status, int, bool) {
	t.Helper()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	q.SetEdns0(1232, true)
	c := dns.Client{Net: "tcp", Timeout: 20 * time.Second}
	m, _, err := c.ExchangeContext(t.Context(), q, at.String())
	if err != nil {
		t.Fatalf("unbound: %v", err)
	}
	found := 0
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			found++
		}
	}
	switch {
	case m.Rcode == dns.RcodeServerFailure:
		return dnssec.Bogus, 0, false
	case m.AuthenticatedData:
		return dnssec.Secure, found, m.Rcode == dns.RcodeNameError
	}
	return dnssec.Insecure, found, m.Rcode == dns.RcodeNameError
}

// byDelv is delv's judgement. What it has not made up its mind about after
// five seconds (it asks again and again for a missing signature) is bogus.
func byDelv(t testing.TB, w *dnssectest.World, server netip.AddrPort, name string, qtype uint16) (dnssec.Status, string) {
	t.Helper()
	ds, err := dns.NewRR(strings.TrimSpace(w.Anchors()))
	if err != nil {
		t.Fatal(err)
	}
	d := ds.(*dns.DS)
	file := filepath.Join(t.TempDir(), "anchors")
	text := fmt.Sprintf("trust-anchors { . static-ds %d %d %d %q; };\n", d.KeyTag, d.Algorithm, d.DigestType, d.Digest)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, tool(t, "delv"), "@127.0.0.1", "-p", fmt.Sprint(server.Port()), "-a", file, "+root=.", "+noclass", name, dns.TypeToString[qtype]).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	// One chain may say several things: the worst of them counts. "resolution
	// failed" is also delv's word for a record or a name that does not exist.
	said := string(out)
	judgements := map[dnssec.Status]bool{}
	for line := range strings.Lines(said) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, ";; resolution failed: ncache"):
		case strings.HasPrefix(line, ";; resolution failed:"):
			judgements[dnssec.Bogus] = true
		case strings.HasPrefix(line, ";") && strings.HasSuffix(line, "unsigned answer"):
			judgements[dnssec.Insecure] = true
		case strings.HasPrefix(line, ";") && strings.HasSuffix(line, "fully validated"):
			judgements[dnssec.Secure] = true
		}
	}
	for _, s := range []dnssec.Status{dnssec.Bogus, dnssec.Insecure, dnssec.Secure} {
		if judgements[s] {
			return s, said
		}
	}
	if ctx.Err() == nil {
		t.Fatalf("delv: %s", said)
	}
	return dnssec.Bogus, said
}

// byAD is the judgement of a client that believes the AD bit of a resolver.
func byAD(t testing.TB, at netip.AddrPort, name string, qtype uint16) dnssec.Status {
	t.Helper()
	c := NewClient(ClientOptions{Door: NewLive(LiveOptions{}), Servers: []netip.AddrPort{at}, Timeout: 5 * time.Second, DNSSEC: DNSSECResolver})
	a, err := c.Lookup(t.Context(), name, qtype)
	var e *Error
	if errors.As(err, &e) && e.Kind == ServFail {
		return dnssec.Bogus
	}
	if err != nil {
		t.Fatal(err)
	}
	return dnssec.Status(a.Security)
}

func lookedUp(t testing.TB, w *dnssectest.World, server netip.AddrPort, name string, qtype uint16) (dnssec.Finding, Answer) {
	t.Helper()
	a, err := validating(t, w, server).Lookup(t.Context(), name, qtype)
	return judged(t, a, err), a
}

// Unbound, delv and Deed judge every scenario alike, in the same world at the
// same time.
func TestOraclesAgreeOnEveryZone(t *testing.T) {
	w := theWorld(t, time.Now().Truncate(time.Second))
	server := w.Serve(t)
	through := unbound(t, w, server)
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			f, a := lookedUp(t, w, server, s.asked, s.qtype)
			if f.Status != s.status {
				t.Fatalf("here: %s", f)
			}
			status, found, noName := byUnbound(t, through, s.asked, s.qtype)
			if status != f.Status || found != s.found || noName != a.NXDomain {
				t.Errorf("Unbound: %s, %d records, NXDOMAIN %v; here: %s", status, found, noName, f)
			}
			delv := s.status
			if s.delv != "" {
				delv = s.delv
			}
			if status, said := byDelv(t, w, server, s.asked, s.qtype); status != delv {
				t.Errorf("delv: %s; here: %s\n%s", status, f, said)
			}
			// dns.dnssec: resolver says what Unbound says.
			if got := byAD(t, through, s.asked, s.qtype); got != f.Status {
				t.Errorf("by the AD bit: %s; here: %s", got, f)
			}
			// A validating resolver in between, with CD set, changes nothing.
			if again, _ := lookedUp(t, w, through, s.asked, s.qtype); again != f {
				t.Errorf("through Unbound: %s; here: %s", again, f)
			}
		})
	}
}

// What is bogus here is bogus to Unbound and delv, or they put the truth in the
// forgery's place. A world and an Unbound for each row: Unbound remembers.
func TestOraclesAgreeOnForgeries(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for i, row := range forgeries(t, theWorld(t, now)) {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := theWorld(t, now)
			server := w.Serve(t)
			through := unbound(t, w, server)
			w.Tamper(forgeries(t, w)[i].tamper)
			f, _ := lookedUp(t, w, server, row.asked, row.qtype)
			if f.Status != dnssec.Bogus && f.Status != dnssec.Indeterminate {
				t.Errorf("here: %s", f)
			}
			want := dnssec.Bogus
			if row.mended() {
				want = dnssec.Secure
			}
			if status, _, _ := byUnbound(t, through, row.asked, row.qtype); status != want {
				t.Errorf("Unbound: %s; here: %s", status, f)
			}
			if status, said := byDelv(t, w, server, row.asked, row.qtype); status != want {
				t.Errorf("delv: %s; here: %s\n%s", status, f, said)
			}
		})
	}
}
