package resolve

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
)

// Zones signed by ldns and served by NSD: signatures, denials and answers made
// by nobody who knows this validator. The zone's own key is the trust anchor.
func TestZonesOfLDNSAndNSD(t *testing.T) {
	const text = `$ORIGIN nsd.
$TTL 60
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
_dnsauth TXT "value"
alias CNAME _dnsauth
*.wild TXT "wild"
deep.empty TXT "deep"
tree DNAME other
_dnsauth.other TXT "other"
plain NS ns.plain
ns.plain A 192.0.2.54
`
	for _, row := range []struct {
		name  string
		flags []string
	}{{"NSEC", nil}, {"NSEC3", []string{"-n", "-t", "3", "-s", "abcd"}}, {"NSEC3 with opt-out", []string{"-n", "-p"}}} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			run := func(name string, args ...string) string {
				cmd := exec.Command(tool(t, name), args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, out)
				}
				return strings.TrimSpace(string(out))
			}
			if err := os.WriteFile(filepath.Join(dir, "zone"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			key := run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "nsd")
			run("ldns-signzone", append(row.flags, "-f", "signed", "zone", key)...)
			server := nsd(t, dir)
			public, err := os.ReadFile(filepath.Join(dir, key+".key"))
			if err != nil {
				t.Fatal(err)
			}
			from, err := dnssec.ParseAnchors(string(public))
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []struct {
				name   string
				qtype  uint16
				status dnssec.Status
				found  int
				none   bool
			}{
				{"_dnsauth.nsd", dns.TypeTXT, dnssec.Secure, 1, false},
				{"alias.nsd", dns.TypeTXT, dnssec.Secure, 1, false},
				{"a.b.wild.nsd", dns.TypeTXT, dnssec.Secure, 1, false},
				{"_dnsauth.tree.nsd", dns.TypeTXT, dnssec.Secure, 1, false},
				{"_dnsauth.nsd", dns.TypeCAA, dnssec.Secure, 0, false},
				{"empty.nsd", dns.TypeTXT, dnssec.Secure, 0, false},
				{"q.wild.nsd", dns.TypeCAA, dnssec.Secure, 0, false},
				{"none.nsd", dns.TypeTXT, dnssec.Secure, 0, true},
				{"x.y.none.nsd", dns.TypeTXT, dnssec.Secure, 0, true},
				{"plain.nsd", dns.TypeDS, dnssec.Secure, 0, false},
			} {
				c := NewClient(ClientOptions{Door: NewLive(LiveOptions{}), Servers: []netip.AddrPort{server}, DNSSEC: DNSSECValidate, Now: time.Now(), Anchors: from})
				a, err := c.Lookup(t.Context(), q.name, q.qtype)
				f := judged(t, a, err)
				// What an opt-out span covers is not proven (RFC 5155 section 9.2).
				optedOut := strings.Contains(row.name, "opt-out") && f.Reason == dnssec.OptOut && (q.none || q.qtype == dns.TypeDS || strings.Contains(q.name, "wild"))
				if (f.Status != q.status && !optedOut) || len(a.TXT) != q.found || a.NXDomain != q.none {
					t.Errorf("%s %s: %s, %d records, NXDOMAIN %v", dns.TypeToString[q.qtype], q.name, f, len(a.TXT), a.NXDomain)
				}
			}
		})
	}
}

// nsd serves dir/signed as the zone nsd.
func nsd(t *testing.T, dir string) netip.AddrPort {
	t.Helper()
	at := ownPort(t)
	conf := fmt.Sprintf(`server:
 ip-address: %s@%d
 username: ""
 zonesdir: %q
 database: ""
 pidfile: ""
 xfrdfile: "%s/xfrd"
 zonelistfile: "%s/zones"
 xfrdir: %q
 server-count: 1
 rrl-ratelimit: 0
remote-control:
 control-enable: no
zone:
 name: "nsd"
 zonefile: "signed"
`, at.Addr(), at.Port(), dir, dir, dir, dir)
	file := filepath.Join(dir, "nsd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(tool(t, "nsd"), "-d", "-c", file)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it ends its children
		_ = cmd.Wait()
	})
	c := dns.Client{Timeout: 100 * time.Millisecond}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		m, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion("nsd.", dns.TypeSOA), at.String())
		if err == nil && m.Rcode == dns.RcodeSuccess {
			return at
		}
		<-tick.C
	}
	_ = cmd.Process.Kill()
	t.Fatalf("NSD does not start:\n%s", log.String())
	return at
}
