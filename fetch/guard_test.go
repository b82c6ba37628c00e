package fetch

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"deed/reserve"
	"deed/resolve"
)

// H12: the door itself refuses, at the moment of dialling, whatever the code
// above it thought. Nothing arrives at the server.
func TestDialGuard(t *testing.T) {
	reached := make(chan struct{}, 16)
	server := accepting(t, func(net.Conn) { reached <- struct{}{} })
	mapped := netip.AddrPortFrom(netip.AddrFrom16(server.Addr().As16()), server.Port())
	for _, row := range []struct {
		name   string
		policy reserve.Policy
		addr   netip.AddrPort
	}{
		{"loopback", reserve.Policy{}, server},
		{"loopback in IPv6 clothes", reserve.Policy{}, mapped},
		{"loopback in IPv6 clothes, where only IPv4 loopback is allowed", loopback, mapped},
		{"IPv6 loopback", reserve.Policy{}, netip.MustParseAddrPort("[::1]:80")},
		{"a metadata service", reserve.Policy{}, netip.MustParseAddrPort("169.254.169.254:80")},
		{"a private network", reserve.Policy{}, netip.MustParseAddrPort("10.0.0.1:80")},
		{"6to4 of a private network", reserve.Policy{}, netip.MustParseAddrPort("[2002:a00:1::]:80")},
		{"NAT64 of a private network", reserve.Policy{}, netip.MustParseAddrPort("[64:ff9b::a00:1]:80")},
		{"the unspecified address", reserve.Policy{}, netip.MustParseAddrPort("0.0.0.0:" + strconv.Itoa(int(server.Port())))},
		{"a zone", loopback, netip.MustParseAddrPort("[fe80::1%lo]:80")},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := NewLive(LiveOptions{Policy: row.policy}).Hop(t.Context(), Hop{URL: "http://example.com/", Addr: row.addr, MaxBody: 10, Deadline: time.Now().Add(time.Minute)})
			if err != nil || (r.Fault != FaultForbidden && r.Fault != FaultConnect) || len(reached) != 0 {
				t.Errorf("%s %s, %v, %d connections", r.Fault, r.FaultDetail, err, len(reached))
			}
			if row.addr.Addr().Zone() == "" && r.Fault != FaultForbidden {
				t.Errorf("%s %s", r.Fault, r.FaultDetail)
			}
		})
	}
}

// H12: the host is looked up once for each hop, and the very address that was
// vetted is dialled; what the name means a moment later does not matter.
func TestIncidentRebinding(t *testing.T) {
	hits := 0
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		hits++
		if r.URL.Path == "/file" {
			http.Redirect(w, r, "/again", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("found"))
	})
	h := at("example.com")
	h.sets["A example.com"] = [][]string{{"127.0.0.1"}, {"10.0.0.1"}}
	p := get(t, visitor(t, s, h), "http")
	if p.Reason != ReasonForbidden || hits != 1 || len(p.Visits) != 1 {
		t.Errorf("the second hop's address is vetted anew: %s, %d hits, %d visits", p.Reason, hits, len(p.Visits))
	}
	if want := []string{"AAAA example.com", "A example.com", "AAAA example.com", "A example.com"}; !slices.Equal(h.asked, want) {
		t.Errorf("look-ups: %q", h.asked)
	}
}

// H12: of several addresses only the vetted are tried; a host that has only
// others is refused with the block that forbids it.
func TestAddressesAreVetted(t *testing.T) {
	s := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("found")) })
	for _, row := range []struct {
		name    string
		six     []string
		four    []string
		want    Reason
		visited int
	}{
		{"one good address among bad ones", []string{"fe80::1", "::ffff:127.0.0.1"}, []string{"10.0.0.1", "127.0.0.1", "169.254.169.254"}, ReasonNone, 1},
		{"none but bad ones", []string{"fd00::1", "64:ff9b::a00:1"}, []string{"192.168.1.1"}, ReasonForbidden, 0},
		{"a mapped address is no way to an IPv4 one", []string{"::ffff:127.0.0.1"}, nil, ReasonForbidden, 0},
		{"none at all", nil, nil, ReasonNoAddress, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := &hosts{sets: map[string][][]string{"AAAA example.com": {row.six}, "A example.com": {row.four}}}
			p := get(t, visitor(t, s, h), "http")
			if p.Reason != row.want || len(p.Visits) != row.visited || (row.want == ReasonForbidden) != (p.Why != "") {
				t.Errorf("%s %q, %d visits", p.Reason, p.Why, len(p.Visits))
			}
		})
	}
}

// H13: IPv6 first; IPv4 when no connection came about; not when one did.
func TestIPv6First(t *testing.T) {
	s := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("four")) })
	both := func() *hosts {
		return &hosts{sets: map[string][][]string{"AAAA example.com": {{"::1"}}, "A example.com": {{"127.0.0.1"}}}}
	}
	p := get(t, visitor(t, s, both()), "http")
	if p.Reason != ReasonNone || len(p.Visits) != 2 || !p.Visits[0].Addr.Addr().Is6() || string(p.Last().Response.Body) != "four" {
		t.Errorf("nothing listens on [::1]: %s, %+v", p.Reason, p.Visits)
	}

	ln, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(int(portOf(s)))))
	if err != nil {
		t.Fatal(err)
	}
	status := "200 OK"
	six := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status == "" {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte("six"))
	})}
	go func() { _ = six.Serve(ln) }()
	defer six.Close()
	p = get(t, visitor(t, s, both()), "http")
	if p.Reason != ReasonNone || len(p.Visits) != 1 || string(p.Last().Response.Body) != "six" {
		t.Errorf("[::1] answers: %s, %+v", p.Reason, p.Visits)
	}
	status = ""
	p = get(t, visitor(t, s, both()), "http")
	if p.Reason != ReasonHop || len(p.Visits) != 1 {
		t.Errorf("[::1] closes the connection that stood: %s, %+v", p.Reason, p.Visits)
	}
}

// spread leaves room for both families.
func TestSpread(t *testing.T) {
	addrs := func(six, four int) (all []netip.AddrPort) {
		for i := range six {
			all = append(all, netip.AddrPortFrom(netip.MustParseAddr("2606:4700::"+strconv.Itoa(i+1)), 80))
		}
		for i := range four {
			all = append(all, netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 1, 1, byte(i)}), 80))
		}
		return all
	}
	for _, row := range [][4]int{{1, 1, 1, 1}, {4, 4, 2, 2}, {9, 1, 3, 1}, {9, 0, 4, 0}, {0, 9, 0, 4}, {1, 9, 1, 3}} {
		got := spread(addrs(row[0], row[1]))
		six := 0
		for _, a := range got {
			if a.Addr().Is6() {
				six++
			}
		}
		if six != row[2] || len(got)-six != row[3] || !slices.IsSortedFunc(got, func(a, b netip.AddrPort) int { return b.Addr().BitLen() - a.Addr().BitLen() }) {
			t.Errorf("%d and %d addresses: %v", row[0], row[1], got)
		}
	}
}

// anyWeb is a web and a DNS that answer whatever the test draws.
type anyWeb struct {
	t    *rapid.T
	hops []Hop
}

func (a *anyWeb) Lookup(_ context.Context, name string, qtype uint16) (resolve.Answer, error) {
	answer := resolve.Answer{Name: name, Owner: name}
	for range rapid.IntRange(0, 4).Draw(a.t, "addresses") {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(a.t, "address")
		prefix := rapid.SampledFrom([]string{"", "", "\x20\x01", "\x20\x02\x0a\x00\x00\x01", "\x00\x64\xff\x9b\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff", "\x26\x06"}).Draw(a.t, "prefix")
		copy(b, prefix)
		addr := netip.AddrFrom16([16]byte(b))
		if qtype == 1 {
			addr = netip.AddrFrom4([4]byte(b))
		}
		answer.Addrs = append(answer.Addrs, addr)
	}
	return answer, nil
}

func (a *anyWeb) Hop(_ context.Context, hop Hop) (Response, error) {
	a.hops = append(a.hops, hop)
	where := rapid.OneOf(rapid.String(), rapid.StringMatching(`(https?:)?//[a-z0-9.:@\[\]%-]{1,30}(:[0-9]{0,5})?/[a-z0-9%?&#]{0,40}`), rapid.Just("//x.example/"+secret), rapid.Just("/%30"+secret[1:])).Draw(a.t, "location")
	return Response{
		Status: rapid.SampledFrom([]int{200, 301, 302, 303, 307, 308, 404}).Draw(a.t, "status"), Location: where,
		Fault: rapid.SampledFrom([]Fault{"", "", "", FaultConnect, FaultTimeout}).Draw(a.t, "fault"),
	}, nil
}

// No answer of a resolver or a web server, however made, leads to a dial
// outside the permitted addresses, to another port, to more than a bounded
// number of dials, or to a request that holds the value.
func TestPropertyNoDialOutsideThePermittedAddresses(t *testing.T) {
	name := hostName(t)
	rapid.Check(t, func(t *rapid.T) {
		w := &anyWeb{t: t}
		c := NewClient(Options{Door: w, DNS: w, HostName: name})
		if _, err := c.Get(context.Background(), rapid.SampledFrom([]string{"http", "https"}).Draw(t, "scheme"), "example.com", "/file", []string{secret}); err != nil {
			t.Fatal(err)
		}
		if len(w.hops) > 11*maxAddresses {
			t.Fatalf("%d hops", len(w.hops))
		}
		for _, h := range w.hops {
			if b, ok := (reserve.Policy{}).Permits(h.Addr.Addr()); !ok {
				t.Fatalf("dials %s (%s)", h.Addr, b.Name)
			}
			want := uint16(80)
			if strings.HasPrefix(h.URL, "https:") {
				want = 443
			}
			if h.Addr.Port() != want || strings.Contains(h.URL, secret) {
				t.Fatalf("%s at %s", h.URL, h.Addr)
			}
		}
	})
}
