package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
)

// Kind of a failed look-up.
type Kind string

const (
	Timeout      Kind = "timeout"   // the name servers of the domain are silent
	ServFail     Kind = "servfail"  // SERVFAIL, or an rcode that is no answer
	Refused      Kind = "refused"   // REFUSED
	Malformed    Kind = "malformed" // an answer that makes no sense
	ChainTooLong Kind = "chain"     // too many aliases, or a circle
	TooLarge     Kind = "too_large" // more bytes of answers than an attempt may hold
	Bogus        Kind = "bogus"     // DNSSEC validation failed
	// Indeterminate is ours: no trust anchor covers the name, or the resolvers
	// do not pass on what validation needs.
	Indeterminate Kind = "indeterminate"
	ResolverDown  Kind = "resolver_down" // ours: no resolver answers anything
)

// Error is a look-up that gave no answer. That a name or a record does not
// exist is an answer, not an Error.
type Error struct {
	Kind   Kind
	Name   string
	Type   string
	Server netip.AddrPort
	Rcode  string
	// Detail is for people: an extended DNS error (RFC 8914), the broken link
	// of a signature chain. Never used to decide.
	Detail string
	// Finding is the broken link, when Kind is Bogus or Indeterminate.
	Finding dnssec.Finding
}

// Ours reports a failure of our own side: it says nothing of the domain.
func (e *Error) Ours() bool { return e.Kind == ResolverDown || e.Kind == Indeterminate }

func (e *Error) Error() string {
	s := fmt.Sprintf("resolve: %s %s: %s", e.Type, e.Name, e.Kind)
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Security is what DNSSEC says of an answer (RFC 4035 section 4.3).
type Security string

const (
	SecurityUnchecked Security = "unchecked"
	SecurityInsecure  Security = "insecure" // proven to be unsigned
	SecuritySecure    Security = "secure"
)

// Alias is one step of a chain.
type Alias struct{ Owner, Target string }

// CAA is one CAA record, unjudged.
type CAA struct {
	Flags uint8
	Tag   string
	Value string
}

// Answer is what a look-up found. Names are lower case without final dot.
type Answer struct {
	Name     string // as asked
	Owner    string // where the aliases ended
	Chain    []Alias
	NXDomain bool
	TXT      []string // each the joined strings of one record; arbitrary bytes
	CNAME    []string // only when CNAME was asked
	Addrs    []netip.Addr
	CAA      []CAA
	TTL      uint32 // the least of the records', or the negative TTL (RFC 2308)
	Server   netip.AddrPort
	Security Security
	// Finding says why an answer is SecurityInsecure, when it was validated
	// here; of a chain, its first insecure part.
	Finding dnssec.Finding
}

// Empty reports whether no record of the type was found.
func (a *Answer) Empty() bool {
	return len(a.TXT) == 0 && len(a.CNAME) == 0 && len(a.Addrs) == 0 && len(a.CAA) == 0
}

// Limits of one answer and one look-up.
const (
	maxChain    = 10
	maxReceived = 96 << 10 // bytes of answers in the life of a Client
)

// DNSSEC modes (operator contract, dns.dnssec).
const (
	DNSSECValidate = "validate"
	DNSSECResolver = "resolver"
	DNSSECOff      = "off"
)

// ClientOptions configure a Client.
type ClientOptions struct {
	Door    Door
	Servers []netip.AddrPort // resolvers, tried in turn
	Tries   int              // UDP tries in all; 3 if 0
	Timeout time.Duration    // of each try; 2 s if 0
	// DNSSEC: "validate" checks signatures from the trust anchors; "resolver"
	// believes the AD bit of servers on loopback, and is Indeterminate with
	// others; "off" asks for nothing.
	DNSSEC string
	// Now is the instant at which signatures are judged; for "validate".
	Now time.Time
	// Anchors are the trust anchors; the root's of Now if nil.
	Anchors *dnssec.Anchors
	// Zones remembers the keys of zones between clients; nil for none. Door
	// must then lead through Zones.Door.
	Zones *Zones
}

// Believed reports whether the AD bit of a server's answers may be believed:
// it is not authenticated, so only over loopback (RFC 6840 section 5.8, S9).
func Believed(server netip.AddrPort) bool { return server.Addr().Unmap().IsLoopback() }

// Client looks names up through a door, for one attempt: the bytes it may
// receive are limited over its whole life. It holds no randomness and no
// clock: the same replies give the same answers. Safe for concurrent use.
type Client struct {
	o         ClientOptions
	validator *dnssec.Validator
	received  atomic.Int64
	rotate    atomic.Int64 // server that questions of validation begin with
}

// NewClient makes a client.
func NewClient(o ClientOptions) *Client {
	if o.Tries == 0 {
		o.Tries = 3
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	c := &Client{o: o}
	if o.DNSSEC == DNSSECValidate {
		if o.Anchors == nil {
			o.Anchors = dnssec.Root(o.Now)
		}
		c.validator = dnssec.New(dnssec.Options{Source: source{c}, Anchors: o.Anchors, Now: o.Now, Memo: o.Zones.links()})
	}
	return c
}

// Lookup asks for records of a type at a name and follows CNAMEs and DNAMEs,
// except when CNAME itself is asked for: that is decided on the record at the
// name. The error is *Error, or the context's.
func (c *Client) Lookup(ctx context.Context, name string, qtype uint16) (Answer, error) {
	if c.validator != nil {
		return c.validated(ctx, name, qtype)
	}
	a := Answer{Name: name, Owner: name, Security: SecurityUnchecked}
	if c.o.DNSSEC == DNSSECResolver {
		a.Security = SecuritySecure // until a part of the chain is not
	}
	for {
		m, err := c.ask(ctx, a.Owner, qtype, 0)
		if err != nil {
			return a, err
		}
		a.Server = m.server
		if c.o.DNSSEC == DNSSECResolver {
			if !Believed(m.server) {
				return a, &Error{Kind: Indeterminate, Name: a.Owner, Type: dns.TypeToString[qtype], Server: m.server, Detail: "the AD bit is believed only of a resolver on loopback"}
			}
			if !m.AuthenticatedData {
				a.Security = SecurityInsecure
			}
		}
		before := a.Owner
		if err := a.take(m.Msg, qtype); err != nil {
			return a, &Error{Kind: ChainTooLong, Name: name, Type: dns.TypeToString[qtype], Server: m.server}
		}
		// The answer ended in an alias without its target: the server knows
		// only its own zones. Ask on.
		if a.Owner == before || !a.Empty() || a.NXDomain || qtype == dns.TypeCNAME {
			return a, nil
		}
		if settled(m.Msg, a.Owner) {
			return a, nil
		}
	}
}

// settled reports whether the answer itself speaks of what is at owner: an SOA
// above it in the authority section.
func settled(m *dns.Msg, owner string) bool {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			zone := plain(soa.Hdr.Name)
			if zone == "" || owner == zone || strings.HasSuffix(owner, "."+zone) {
				return true
			}
		}
	}
	return false
}

var errChain = errors.New("resolve: chain")

// take adds what a message says at a.Owner, following aliases inside it.
func (a *Answer) take(m *dns.Msg, qtype uint16) error {
	ttl := ^uint32(0)
	for {
		moved := false
		for _, rr := range m.Answer {
			h := rr.Header()
			if h.Class != dns.ClassINET || plain(h.Name) != a.Owner {
				continue
			}
			if h.Rrtype == qtype {
				a.add(rr)
				ttl = min(ttl, h.Ttl)
				continue
			}
			if cname, ok := rr.(*dns.CNAME); ok && !moved && qtype != dns.TypeCNAME {
				if err := a.follow(plain(cname.Target)); err != nil {
					return err
				}
				ttl, moved = min(ttl, h.Ttl), true
				break
			}
		}
		if !moved {
			break
		}
	}
	a.NXDomain = m.Rcode == dns.RcodeNameError
	if a.Empty() {
		for _, rr := range m.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				ttl = min(ttl, soa.Minttl, soa.Hdr.Ttl)
			}
		}
	}
	if ttl != ^uint32(0) {
		a.TTL = ttl
	}
	return nil
}

// follow goes on to an alias' target.
func (a *Answer) follow(target string) error {
	if len(a.Chain) >= maxChain || target == a.Owner {
		return errChain
	}
	for _, seen := range a.Chain {
		if seen.Owner == target {
			return errChain
		}
	}
	a.Chain = append(a.Chain, Alias{a.Owner, target})
	a.Owner = target
	return nil
}

func (a *Answer) add(rr dns.RR) {
	switch r := rr.(type) {
	case *dns.TXT:
		a.TXT = append(a.TXT, joined(r.Txt))
	case *dns.CNAME:
		a.CNAME = append(a.CNAME, plain(r.Target))
	case *dns.A:
		if addr, ok := netip.AddrFromSlice(r.A); ok {
			a.Addrs = append(a.Addrs, addr.Unmap())
		}
	case *dns.AAAA:
		// Kept as it is: a mapped IPv4 address in an AAAA record is no address
		// of a website, and must be seen as what it is.
		if addr, ok := netip.AddrFromSlice(r.AAAA); ok {
			a.Addrs = append(a.Addrs, addr)
		}
	case *dns.CAA:
		a.CAA = append(a.CAA, CAA{r.Flag, r.Tag, r.Value})
	}
}

// joined concatenates a record's character-strings (RFC 1035 section 3.3.14)
// and undoes the library's escapes.
func joined(parts []string) string {
	n, escaped := 0, false
	for _, s := range parts {
		n += len(s)
		escaped = escaped || strings.IndexByte(s, '\\') >= 0
	}
	if !escaped {
		return strings.Join(parts, "")
	}
	var b strings.Builder
	b.Grow(min(n, 255*len(parts)))
	for _, s := range parts {
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] != '\\' || i+1 >= len(s):
				b.WriteByte(s[i])
			case i+3 < len(s) && digit(s[i+1]) && digit(s[i+2]) && digit(s[i+3]):
				b.WriteByte((s[i+1]-'0')*100 + (s[i+2]-'0')*10 + (s[i+3] - '0'))
				i += 3
			default:
				b.WriteByte(s[i+1])
				i++
			}
		}
	}
	return b.String()
}

// Unescape undoes the DNS library's escapes in a text.
func Unescape(s string) string { return joined([]string{s}) }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// plain is a name in lower case without its final dot.
func plain(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
