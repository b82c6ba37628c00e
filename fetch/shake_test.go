package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"deed/resolve"
)

func shaker() *Live {
	return NewLive(LiveOptions{Policy: loopback})
}

func shake(t *testing.T, door *Live, addr netip.AddrPort, within time.Duration) Shaken {
	t.Helper()
	r, err := door.Shake(t.Context(), Shake{Name: "www.example.com", Addr: addr, Protocol: "acme-tls/1", Deadline: time.Now().Add(within)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestShakeShowsProtocolAndCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(nil)
	srv.TLS = &tls.Config{NextProtos: []string{"acme-tls/1"}}
	srv.StartTLS()
	defer srv.Close()
	r := shake(t, shaker(), netip.MustParseAddrPort(srv.Listener.Addr().String()), 10*time.Second)
	if r.Fault != FaultNone || r.Version < tls.VersionTLS12 || string(r.Certificate) != string(srv.Certificate().Raw) || r.Protocol != "acme-tls/1" {
		t.Errorf("%+v", r)
	}
}

// Nothing can come between the vetting and the dial: the door vets again.
func TestShakeVetsTheAddressWhenItDials(t *testing.T) {
	dialled := make(chan struct{}, 1)
	addr := accepting(t, func(net.Conn) { dialled <- struct{}{} })
	if r := shake(t, NewLive(LiveOptions{}), addr, 5*time.Second); r.Fault != FaultForbidden {
		t.Errorf("%+v", r)
	}
	select {
	case <-dialled:
		t.Error("dialled")
	default:
	}
}

// No server holds a handshake past its deadline, or makes it read without end.
func TestShakeIsBounded(t *testing.T) {
	for _, row := range []struct {
		name  string
		say   func(net.Conn)
		fault Fault
	}{
		{"says nothing", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, FaultTimeout},
		{"drips", func(c net.Conn) {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for _, b := range append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 1<<10)...) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				<-tick.C
			}
		}, FaultTimeout},
		{"closes at once", func(net.Conn) {}, FaultTLS},
		{"speaks HTTP", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") }, FaultTLS},
		{"floods with records", func(c net.Conn) {
			record := append([]byte{22, 3, 3, 0x3f, 0xff}, make([]byte, 0x3fff)...)
			for {
				if _, err := c.Write(record); err != nil {
					return
				}
			}
		}, FaultTLS},
	} {
		t.Run(row.name, func(t *testing.T) {
			began := time.Now()
			r := shake(t, shaker(), accepting(t, row.say), 300*time.Millisecond)
			if r.Fault != row.fault && r.Fault != FaultReset {
				t.Errorf("%+v", r)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestShakeEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := accepting(t, func(c net.Conn) {
		cancel()
		_, _ = io.Copy(io.Discard, c)
	})
	_, err := shaker().Shake(ctx, Shake{Name: "www.example.com", Addr: addr, Protocol: "acme-tls/1", Deadline: time.Now().Add(time.Minute)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// addresses is a name server that knows one host.
type addresses []netip.Addr

func (a addresses) Lookup(_ context.Context, _ string, qtype uint16) (resolve.Answer, error) {
	var out resolve.Answer
	for _, x := range a {
		if x.Is4() == (qtype == 1) {
			out.Addrs = append(out.Addrs, x)
		}
	}
	return out, nil
}

// H13: where no connection comes about, the next address is tried; where one
// does, none is.
func TestShakeFallsBackFromADeadAddress(t *testing.T) {
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	live := netip.MustParseAddrPort(srv.Listener.Addr().String())
	c := NewClient(Options{
		Door: shaker(), DNS: addresses{netip.MustParseAddr("127.0.0.9"), live.Addr()}, HTTPSPort: live.Port(),
		Policy: loopback,
	})
	m, err := c.Shake(t.Context(), "www.example.com", "acme-tls/1")
	if err != nil || m.Addr != live || len(m.Tried) != 1 {
		t.Errorf("%+v %v", m, err)
	}
}
