package resolve

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"
)

// answered is an answer to one question with the way it came.
type answered struct {
	*dns.Msg
	server netip.AddrPort
	raw    []byte
	trace  []exchange // all that was exchanged for it, with the last server
}

// exchange is one passage through the door.
type exchange struct {
	ask   Ask
	reply Reply
}

// ask puts one question until some server answers it: lost packets are sent
// again, to the next server; a truncated answer is asked for over TCP; a
// server that does not know EDNS is asked without. rotate says with which
// server to begin.
func (c *Client) ask(ctx context.Context, name string, qtype uint16, rotate int) (answered, error) {
	fail := &Error{Kind: Timeout, Name: name, Type: dns.TypeToString[qtype]}
	if len(c.o.Servers) == 0 {
		fail.Kind = ResolverDown
		return answered{}, fail
	}
	spoke := false // some server said something, if only an error
	for try := range c.o.Tries {
		server := c.o.Servers[(try+rotate)%len(c.o.Servers)]
		m, kind, err := c.askServer(ctx, server, name, qtype)
		if err != nil {
			return answered{}, err
		}
		if m.Msg == nil {
			if kind == TooLarge {
				fail.Kind, fail.Server = kind, server
				return answered{}, fail
			}
			if kind != "" {
				spoke, fail.Kind, fail.Server = true, kind, server
			}
			continue
		}
		switch m.Rcode {
		case dns.RcodeSuccess, dns.RcodeNameError:
			return m, nil
		case dns.RcodeRefused:
			fail.Kind = Refused
		default:
			fail.Kind = ServFail
		}
		spoke, fail.Server, fail.Rcode, fail.Detail = true, server, dns.RcodeToString[m.Rcode], extended(m.Msg)
		// An error is asked once of each server, not again and again.
		if try+1 >= len(c.o.Servers) {
			return answered{}, fail
		}
	}
	if spoke {
		return answered{}, fail
	}
	// Nothing at all came back. If the resolvers answer other questions, it is
	// the domain's name servers that are silent; else it is us.
	for _, server := range c.o.Servers {
		r, err := c.o.Door.Exchange(ctx, Ask{Server: server, Transport: UDP, Name: ".", Type: dns.TypeNS, Timeout: c.o.Timeout})
		if err != nil {
			return answered{}, err
		}
		if r.Fault == FaultNone || r.Fault == FaultCase {
			return answered{}, fail
		}
	}
	fail.Kind = ResolverDown
	return answered{}, fail
}

// askServer asks one server in up to four ways. No message with an empty kind
// means silence.
func (c *Client) askServer(ctx context.Context, server netip.AddrPort, name string, qtype uint16) (answered, Kind, error) {
	validate := c.o.DNSSEC == DNSSECValidate
	ask := Ask{
		Server: server, Transport: UDP, Name: name, Type: qtype, EDNS: true, Timeout: c.o.Timeout,
		// We judge signatures ourselves, so the resolver need not (RFC 6840
		// section 5.9): a broken link is then seen here, and named.
		DO: validate || c.o.DNSSEC == DNSSECResolver, CD: validate,
	}
	a := answered{server: server}
	for range 4 {
		r, err := c.o.Door.Exchange(ctx, ask)
		if err != nil {
			return answered{}, "", err
		}
		if c.received.Add(int64(len(r.Received))) > maxReceived {
			return answered{}, TooLarge, nil
		}
		a.trace = append(a.trace, exchange{ask, r})
		switch r.Fault {
		case FaultNone:
		case FaultCase:
			if ask.Transport == TCP {
				return answered{}, Malformed, nil
			}
			ask.Transport = TCP
			continue
		case FaultBroken:
			return answered{}, Malformed, nil
		case FaultTimeout, FaultRefused, FaultNetwork:
			// Silent over TCP after it spoke over UDP: the server is there, its
			// TCP is not.
			if ask.Transport == TCP {
				return answered{}, Timeout, nil
			}
			return answered{}, "", nil
		}
		m, ok := c.o.Zones.parsed(ask, r)
		if !ok {
			if m, ok = unpack(r); !ok {
				return answered{}, Malformed, nil
			}
		}
		switch {
		case m.Truncated && ask.Transport == UDP:
			ask.Transport = TCP
		// A resolver whose word on DNSSEC is believed must know EDNS: without it
		// its answer would have no AD bit, and look insecure.
		case ask.EDNS && c.o.DNSSEC != DNSSECResolver && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented || m.Rcode == dns.RcodeBadVers):
			ask.EDNS, ask.DO, ask.CD = false, false, false
		default:
			a.Msg, a.raw = m, r.Received
			return a, "", nil
		}
	}
	return answered{}, Malformed, nil
}

// extended is the extended DNS error of an answer, for people (RFC 8914).
func extended(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			text := e.ExtraText
			if len(text) > 200 {
				text = text[:200]
			}
			return fmt.Sprintf("%s %q", dns.ExtendedErrorCodeToString[e.InfoCode], text)
		}
	}
	return ""
}
