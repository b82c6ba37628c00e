package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"deed/resolve"
)

// Shake is one TLS handshake with one vetted address, for the certificate that
// the server shows under a protocol. Nothing is sent after it.
type Shake struct {
	// Name goes into the server name indication.
	Name string
	// Addr is the address to dial, already vetted. The live door vets it again
	// when dialling.
	Addr netip.AddrPort
	// Protocol is the only one offered by ALPN (RFC 7301).
	Protocol string
	Deadline time.Time
	Connect  time.Duration // zero: 5 s
}

// Shaken is what the server answered. The certificate is not judged.
type Shaken struct {
	Protocol    string // negotiated by ALPN; "" if none
	Version     uint16 // of TLS, as in crypto/tls; 1.2 at least
	Certificate []byte // DER of the leaf, at most 16 KiB
	Started     time.Time
	Elapsed     time.Duration
	Fault       Fault
	FaultDetail string // for people: a sentence without addresses of ours
}

// TLSDoor makes one handshake. Errors are as in Door.
type TLSDoor interface {
	Shake(ctx context.Context, s Shake) (Shaken, error)
}

// Bounds of a handshake: what is read from the wire, and the leaf's size.
const (
	maxShake       = 64 << 10
	maxCertificate = 16 << 10
)

// Shake makes one handshake on a connection of its own.
func (l *Live) Shake(ctx context.Context, s Shake) (Shaken, error) {
	if err := ctx.Err(); err != nil {
		return Shaken{}, err
	}
	start := time.Now()
	r := Shaken{Started: l.o.Now()}
	err := l.shake(ctx, s, &r)
	r.Elapsed = time.Since(start)
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(ctxErr, context.DeadlineExceeded) {
		return Shaken{}, ctxErr
	}
	if err != nil {
		r.Fault, r.FaultDetail = fault(err)
	}
	return r, nil
}

func (l *Live) shake(ctx context.Context, s Shake, r *Shaken) error {
	end := s.Deadline
	if end.IsZero() {
		end = time.Now().Add(30 * time.Second)
	}
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	conn, err := l.dial(ctx, Hop{Addr: s.Addr, Connect: s.Connect}, end)
	if err != nil {
		return stage{FaultConnect, err}
	}
	defer conn.Close()
	_ = conn.SetDeadline(earlier(end, time.Now().Add(defaultFirstByte)))
	// The certificate proves what stands in it, not who signed it (RFC 8737
	// section 3): it is judged above this door.
	t := tls.Client(&limitedConn{Conn: conn, left: maxShake}, &tls.Config{
		ServerName: s.Name, NextProtos: []string{s.Protocol}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // as said
	})
	if err := t.HandshakeContext(ctx); err != nil {
		return stage{FaultTLS, err}
	}
	state := t.ConnectionState()
	r.Protocol, r.Version = state.NegotiatedProtocol, state.Version
	if len(state.PeerCertificates) > 0 {
		r.Certificate = state.PeerCertificates[0].Raw
	}
	if len(r.Certificate) > maxCertificate {
		r.Certificate = nil
		return stage{FaultMalformed, errors.New("the certificate is larger than 16 KiB")}
	}
	return nil
}

// Met is a handshake made, or why none was.
type Met struct {
	Addr   netip.AddrPort
	Shaken Shaken
	Reason Reason         // ReasonNone, ReasonDNS, ReasonNoAddress, ReasonForbidden or ReasonHop
	Why    string         // one sentence, for ReasonForbidden
	DNS    *resolve.Error // for ReasonDNS
	Tried  []Visit        // addresses where no connection came about, before this one
}

// Shake makes a handshake with the host's TLS port: its addresses are looked
// up and vetted, IPv6 first, and the next is tried only when no connection came
// about. The error is the context's; everything else is in Met.
func (c *Client) Shake(ctx context.Context, host, protocol string) (Met, error) {
	door, ok := c.o.Door.(TLSDoor)
	if !ok {
		return Met{}, fmt.Errorf("fetch: the door %T makes no handshakes", c.o.Door)
	}
	deadline := time.Now().Add(c.o.Total)
	var p Page
	addrs, err := c.addresses(ctx, &url.URL{Scheme: "https", Host: host}, &p)
	m := Met{Reason: p.Reason, Why: p.Why, DNS: p.DNS}
	if err != nil || p.Reason != ReasonNone {
		return m, err
	}
	for i, addr := range addrs {
		m.Addr = addr
		if m.Shaken, err = door.Shake(ctx, Shake{Name: host, Addr: addr, Protocol: protocol, Deadline: deadline}); err != nil {
			return m, err
		}
		if m.Shaken.Fault == FaultNone {
			return m, nil
		}
		if m.Shaken.Fault != FaultConnect || i == len(addrs)-1 {
			break
		}
		m.Tried = append(m.Tried, Visit{Addr: addr, Response: Response{Fault: m.Shaken.Fault, FaultDetail: m.Shaken.FaultDetail}})
	}
	m.Reason = ReasonHop
	return m, nil
}
