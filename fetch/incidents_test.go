package fetch

import (
	"net/netip"
	"strings"
	"testing"
)

// Each of these happened to someone.

// hidden are addresses that lead into the network a validator stands in,
// written in every form.
var hidden = []string{
	"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.0.192",
	"::1", "::", "fe80::1", "fd00::1", "fc00::1", "fec0::1", "ff02::1",
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", // IPv4 mapped
	"::127.0.0.1",                         // IPv4 compatible
	"64:ff9b::7f00:1", "64:ff9b:1::a00:1", // NAT64
	"2002:7f00:1::", "2002:a00:1::1", // 6to4
	"2001:0:7f00:1::1", "2001:db8::1", "100::1", // Teredo, documentation, discard
}

func TestIncidentAPrivateAddressInWhateverForm(t *testing.T) {
	for _, addr := range hidden {
		w := &pretend{addrs: map[string][]string{"example.com": {addr}}}
		if p := w.get(t); len(w.hops) != 0 || p.Reason != ReasonForbidden || p.Why == "" {
			t.Errorf("%s: %d requests, %q", addr, len(w.hops), p.Reason)
		}
		// Beside a public one it is passed over, not dialled.
		w = &pretend{addrs: map[string][]string{"example.com": {addr, "8.8.8.8", "2606:4700::1"}}, answer: func(Hop) Response { return Response{Fault: FaultConnect} }}
		w.get(t)
		for _, h := range w.hops {
			if h.Addr.Addr() == netip.MustParseAddr(addr) {
				t.Errorf("%s was dialled", addr)
			}
		}
		if len(w.hops) != 2 {
			t.Errorf("%s: %d requests to the public addresses", addr, len(w.hops))
		}
	}
}

func TestIncidentAPrivateAddressByRedirect(t *testing.T) {
	for _, addr := range hidden {
		w := &pretend{addrs: map[string][]string{"example.com": {"8.8.8.8"}, "inside.example.net": {addr}}, answer: func(Hop) Response { return to(302, "http://inside.example.net/latest/meta-data/") }}
		if p := w.get(t); len(w.hops) != 1 || p.Reason != ReasonForbidden {
			t.Errorf("%s: %d requests, %q", addr, len(w.hops), p.Reason)
		}
	}
}

func TestIncidentAPortThatIsNotAllowed(t *testing.T) {
	for _, port := range []string{"22", "25", "81", "8080", "8443", "443", "0", "65536", "080", "+80"} {
		w := &pretend{addrs: map[string][]string{"example.com": {"8.8.8.8"}}, answer: func(hop Hop) Response {
			if strings.HasSuffix(hop.URL, "/x") {
				return Response{Status: 200}
			}
			return to(302, "http://example.com:"+port+"/x")
		}}
		if p := w.get(t); len(w.hops) != 1 || p.Reason != ReasonRedirect {
			t.Errorf("port %s: %d requests, %q", port, len(w.hops), p.Reason)
		}
	}
}
