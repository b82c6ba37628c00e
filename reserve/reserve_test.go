package reserve

import (
	"net/netip"
	"testing"
)

func TestSpecial(t *testing.T) {
	for _, row := range []struct {
		name, addr string
		special    bool
	}{
		{"a public IPv4 address", "8.8.8.8", false},
		{"the last address before private use", "9.255.255.255", false},
		{"the first of private use", "10.0.0.0", true},
		{"the last of private use", "10.255.255.255", true},
		{"the first after private use", "11.0.0.0", false},
		{"one below 172.16/12", "172.15.255.255", false},
		{"the last of 172.16/12", "172.31.255.255", true},
		{"one above 172.16/12", "172.32.0.0", false},
		{"cloud metadata, by link local", "169.254.169.254", true},
		{"carrier NAT", "100.127.255.255", true},
		{"one above carrier NAT", "100.128.0.0", false},
		{"loopback that is not .1", "127.8.9.10", true},
		{"this network reaches the host itself on Linux", "0.0.0.0", true},
		{"multicast", "224.0.0.1", true},
		{"reserved", "250.1.2.3", true},
		{"broadcast", "255.255.255.255", true},
		{"IPv6 loopback", "::1", true},
		{"IPv6 unspecified", "::", true},
		{"mapped private IPv4 (incident: IPv4 in IPv6)", "::ffff:10.0.0.1", true},
		{"mapped public IPv4 is still no form of a website's address", "::ffff:8.8.8.8", true},
		{"compatible IPv4", "::10.0.0.1", true},
		{"NAT64 with a private address inside", "64:ff9b::a00:1", true},
		{"local-use NAT64", "64:ff9b:1::1", true},
		{"6to4 with 127.0.0.1 inside", "2002:7f00:1::1", true},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", true},
		{"documentation", "2001:db8::1", true},
		{"the new documentation block", "3fff:fff::1", true},
		{"unique local", "fd00::1", true},
		{"link local with a zone", "fe80::1%eth0", true},
		{"site local", "fec0::1", true},
		{"IPv6 multicast", "ff02::1", true},
		{"not handed out by IANA", "4000::1", true},
		{"a public IPv6 address", "2a00:1450:4001:80e::200e", false},
		{"a public address right above 2001::/23", "2001:200::1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, got := Special(netip.MustParseAddr(row.addr))
			if got != row.special {
				t.Errorf("%s: %v (%s)", row.addr, got, b.Name)
			}
			if got && b.Name == "" {
				t.Error("no reason given")
			}
		})
	}
	if _, ok := Special(netip.Addr{}); !ok {
		t.Error("the zero address is no public address")
	}
}

func TestPolicyAllowsOnlyTheFormNamed(t *testing.T) {
	p := Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for addr, want := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": false, "::1": false, "10.0.0.1": false, "8.8.8.8": true, "2002:7f00:1::1": false,
	} {
		if _, got := p.Permits(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

func FuzzSpecialNeverPermitsAnEmbeddedAddress(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		a := netip.AddrFrom4([4]byte(b))
		var six [16]byte
		six[10], six[11] = 0xff, 0xff
		copy(six[12:], b)
		if _, special := Special(netip.AddrFrom16(six)); !special {
			t.Errorf("mapped %s is not special", a)
		}
	})
}

func BenchmarkSpecial(b *testing.B) {
	a := netip.MustParseAddr("2a00:1450:4001:80e::200e")
	b.ReportAllocs()
	for b.Loop() {
		Special(a)
	}
}
