package diagnose

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/resolve"
)

type question struct {
	name  string
	qtype uint16
}

// said is what one server said to one question.
type said struct {
	server netip.AddrPort
	fault  resolve.Fault
	rcode  int
	aa, tc bool
	txt    []string
	cname  string   // of the name itself
	chain  []string // the targets that it leads through
	addrs  []netip.Addr
	caa    []resolve.CAA
	ns     []string // NS records of the name, in the answer or as a referral
	glue   map[string][]netip.Addr
	soa    *dns.SOA
	ttl    uint32 // the least of what bears on the answer
	heard  time.Time
}

// zone is the zone that answered, without its final dot; "" if unknown.
func (s *said) zone() string {
	if s == nil || s.soa == nil {
		return ""
	}
	return plain(s.soa.Hdr.Name)
}

// ends is when a resolver that gave this answer forgets it.
func (s *said) ends() time.Time {
	if s.ttl == 0 {
		return time.Time{}
	}
	return s.heard.Add(time.Duration(s.ttl) * time.Second).UTC().Truncate(time.Second).Add(time.Second)
}

// ok: an answer came, if only that there is nothing.
func (s *said) ok() bool {
	return s != nil && s.fault == resolve.FaultNone && (s.rcode == dns.RcodeSuccess || s.rcode == dns.RcodeNameError)
}

const maxRecords = 100

// read takes a message apart.
func read(raw []byte, name string, qtype uint16) *said {
	s := &said{ttl: ^uint32(0), glue: map[string][]netip.Addr{}}
	var m dns.Msg
	if len(raw) > 16<<10 || m.Unpack(raw) != nil || len(m.Answer)+len(m.Ns)+len(m.Extra) > maxRecords {
		s.fault = resolve.FaultBroken
		return s
	}
	s.rcode, s.aa, s.tc = m.Rcode, m.Authoritative, m.Truncated
	owner := name
	for moved := true; moved; {
		moved = false
		for _, rr := range m.Answer {
			h := rr.Header()
			if plain(h.Name) != owner {
				continue
			}
			switch r := rr.(type) {
			case *dns.TXT:
				s.txt = append(s.txt, resolve.Unescape(strings.Join(r.Txt, "")))
			case *dns.NS:
				s.ns = append(s.ns, plain(r.Ns))
			case *dns.A:
				s.addrs = addAddr(s.addrs, r.A)
			case *dns.AAAA:
				s.addrs = addAddr(s.addrs, r.AAAA)
			case *dns.SOA:
				s.soa = r
			case *dns.CAA:
				s.caa = append(s.caa, resolve.CAA{Flags: r.Flag, Tag: r.Tag, Value: r.Value})
			case *dns.CNAME:
				if owner == name {
					s.cname = plain(r.Target)
				}
				if qtype != dns.TypeCNAME && len(s.chain) < 10 {
					owner, moved = plain(r.Target), true
					s.chain = append(s.chain, owner)
				}
			default:
				continue
			}
			s.ttl = min(s.ttl, h.Ttl)
			if moved {
				break
			}
		}
	}
	found := len(s.txt)+len(s.addrs)+len(s.ns)+len(s.caa) > 0 || (qtype == dns.TypeCNAME && s.cname != "") || (qtype == dns.TypeSOA && s.soa != nil)
	for _, rr := range m.Ns {
		switch r := rr.(type) {
		case *dns.SOA:
			if s.soa == nil {
				s.soa = r
			}
			if !found {
				s.ttl = min(s.ttl, r.Minttl, r.Hdr.Ttl)
			}
		case *dns.NS:
			if qtype == dns.TypeNS && plain(r.Hdr.Name) == name && !found {
				s.ns = append(s.ns, plain(r.Ns))
			}
		}
	}
	for _, rr := range m.Extra {
		host := plain(rr.Header().Name)
		switch r := rr.(type) {
		case *dns.A:
			s.glue[host] = addAddr(s.glue[host], r.A)
		case *dns.AAAA:
			s.glue[host] = addAddr(s.glue[host], r.AAAA)
		}
	}
	if s.ttl == ^uint32(0) {
		s.ttl = 0
	}
	return s
}

func addAddr(list []netip.Addr, ip []byte) []netip.Addr {
	if a, ok := netip.AddrFromSlice(ip); ok {
		return append(list, a)
	}
	return list
}

// hear reads the recorded answers of an attempt; of several to one question,
// the last that said something.
func hear(list []capsule.DNS, start time.Time) map[question]*said {
	all := map[question]*said{}
	for i := range list {
		e := &list[i]
		q := question{e.Name, e.Type}
		var s *said
		if len(e.Received) > 0 {
			s = read(e.Received, e.Name, e.Type)
			if e.Fault != "" && e.Fault != string(resolve.FaultCase) {
				s.fault = resolve.Fault(e.Fault)
			}
		} else {
			s = &said{fault: resolve.Fault(e.Fault)}
		}
		s.heard = start.Add(time.Duration(e.Started+e.Elapsed) * time.Microsecond)
		if server, err := netip.ParseAddrPort(e.Server); err == nil {
			s.server = server
		}
		if old := all[q]; old == nil || !old.ok() || s.ok() {
			all[q] = s
		}
	}
	return all
}

// plain is a name in lower case without its final dot.
func plain(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
