package resolve

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// Bounds of one message. What the library makes of a few bytes can be many:
// each bit of a type bitmap becomes two octets, each empty character-string a
// string, each octet of text up to four, each compressed name up to a
// kilobyte. No honest answer comes near.
const (
	maxRecords = 128      // in all sections
	maxText    = 32 << 10 // octets of TXT data
	maxStrings = 1024     // character-strings of TXT records
	maxBitmaps = 4 << 10  // octets of NSEC and NSEC3 data
	maxOptions = 32       // EDNS options
)

// unpack reads a reply that must be the answer to its own question, whichever
// door it came through. Records of types that nobody here asks for are passed
// over, and so is the additional section but for OPT.
func unpack(r Reply) (*dns.Msg, bool) {
	b := r.Received
	if match(r.Sent, b) == foreign {
		return nil, false
	}
	bits := binary.BigEndian.Uint16(b[2:4])
	m := &dns.Msg{MsgHdr: dns.MsgHdr{
		Id: binary.BigEndian.Uint16(b[0:2]), Response: bits&0x8000 != 0, Opcode: int(bits >> 11 & 0xf), Authoritative: bits&0x0400 != 0,
		Truncated: bits&0x0200 != 0, RecursionDesired: bits&0x0100 != 0, RecursionAvailable: bits&0x0080 != 0, Zero: bits&0x0040 != 0,
		AuthenticatedData: bits&0x0020 != 0, CheckingDisabled: bits&0x0010 != 0, Rcode: int(bits & 0xf),
	}}
	count := func(at int) int { return int(binary.BigEndian.Uint16(b[at : at+2])) }
	if count(6)+count(8)+count(10) > maxRecords {
		return nil, false
	}
	off := 12
	for range count(4) { // match has seen that there is at most one
		name, next, err := dns.UnpackDomainName(b, off)
		if err != nil || next+4 > len(b) {
			return nil, false
		}
		m.Question = append(m.Question, dns.Question{Name: name, Qtype: binary.BigEndian.Uint16(b[next : next+2]), Qclass: binary.BigEndian.Uint16(b[next+2 : next+4])})
		off = next + 4
	}
	left := budget{maxText, maxStrings, maxBitmaps, maxOptions}
	for at, section := range [3]*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		n := count(6 + 2*at)
		if n > 0 {
			*section = make([]dns.RR, 0, n)
		}
		for range n {
			qtype, data, end := record(b, off)
			if end < 0 {
				return nil, false
			}
			if wanted(qtype) && (at < 2 || qtype == dns.TypeOPT) {
				if !left.spend(qtype, b[data:end]) {
					return nil, false
				}
				rr, next, err := dns.UnpackRR(b, off)
				if err != nil || next != end {
					return nil, false
				}
				*section = append(*section, rr)
			}
			off = end
		}
	}
	if opt := m.IsEdns0(); opt != nil {
		m.Rcode |= opt.ExtendedRcode()
	}
	return m, true
}

// wanted lists the types of records that are read.
func wanted(qtype uint16) bool {
	switch qtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeCAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeSOA, dns.TypeNS, dns.TypeMX,
		dns.TypeDS, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeOPT:
		return true
	}
	return false
}

// record finds a record's type, its data and its end; end is -1 if it does not
// fit the message.
func record(b []byte, off int) (qtype uint16, data, end int) {
	for {
		if off >= len(b) {
			return 0, 0, -1
		}
		c := int(b[off])
		off++
		if c == 0 {
			break
		}
		if c&0xc0 == 0xc0 {
			off++
			break
		}
		if c&0xc0 != 0 {
			return 0, 0, -1
		}
		off += c
	}
	if off+10 > len(b) {
		return 0, 0, -1
	}
	data = off + 10
	if end = data + int(binary.BigEndian.Uint16(b[off+8:data])); end > len(b) {
		end = -1
	}
	return binary.BigEndian.Uint16(b[off : off+2]), data, end
}

// budget is what one message may still cost.
type budget struct{ text, strings, bitmaps, options int }

func (l *budget) spend(qtype uint16, data []byte) bool {
	switch qtype {
	case dns.TypeTXT:
		l.text -= len(data)
		for i := 0; i < len(data); i += 1 + int(data[i]) {
			l.strings--
		}
	case dns.TypeNSEC, dns.TypeNSEC3:
		l.bitmaps -= len(data)
	case dns.TypeOPT:
		for i := 0; i+4 <= len(data); i += 4 + int(binary.BigEndian.Uint16(data[i+2:i+4])) {
			l.options--
		}
	}
	return l.text >= 0 && l.strings >= 0 && l.bitmaps >= 0 && l.options >= 0
}
