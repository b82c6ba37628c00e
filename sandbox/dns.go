package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// maxRecords bounds the zone.
const maxRecords = 10_000

// zone answers for the whole name space, as every name server of the world and
// the resolver before them at once.
type zone struct {
	mu      sync.RWMutex
	records map[string][]dns.RR // by owner, lower case, with final dot
	faults  map[string]string   // by owner: servfail, refused, timeout, truncate
	count   int
}

func newZone() *zone { return &zone{records: map[string][]dns.RR{}, faults: map[string]string{}} }

// ServeDNS is dns.Handler.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if len(q.Question) != 1 {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
		return
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	name := strings.ToLower(q.Question[0].Name)
	z.mu.RLock()
	defer z.mu.RUnlock()
	switch z.faults[name] {
	case "servfail":
		m.Rcode = dns.RcodeServerFailure
	case "refused":
		m.Rcode = dns.RcodeRefused
	case "timeout":
		return
	case "truncate":
		if w.LocalAddr().Network() == "udp" {
			m.Truncated = true
			break
		}
		z.answer(m, q.Question[0], name)
	default:
		z.answer(m, q.Question[0], name)
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	if w.LocalAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m)
}

// answer follows CNAMEs within the box, as a resolver does.
func (z *zone) answer(m *dns.Msg, q dns.Question, name string) {
	owner := q.Name
	for range 16 {
		set, exists := z.at(name)
		if !exists {
			m.Rcode = dns.RcodeNameError
			break
		}
		next := ""
		found := false
		for _, rr := range set {
			t := rr.Header().Rrtype
			if t != q.Qtype && t != dns.TypeCNAME {
				continue
			}
			c := dns.Copy(rr)
			c.Header().Name = owner
			m.Answer = append(m.Answer, c)
			found = true
			if cname, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
				next = cname.Target
			}
		}
		if next == "" {
			if found {
				return
			}
			break
		}
		owner, name = next, strings.ToLower(next)
	}
	m.Ns = append(m.Ns, &dns.SOA{
		Hdr: dns.RR_Header{Name: apex(name), Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 5}, Ns: "ns.sandbox.localhost.", Mbox: "box.sandbox.localhost.",
		Serial: uint32(z.count), Refresh: 60, Retry: 60, Expire: 60, Minttl: 5,
	})
}

// at gives the records of a name, a wildcard's where it has none; exists is
// also true for a name that only has names below it.
func (z *zone) at(name string) (set []dns.RR, exists bool) {
	if set, ok := z.records[name]; ok {
		return set, true
	}
	for owner := range z.records {
		if strings.HasSuffix(owner, "."+name) || name == "." {
			return nil, true
		}
	}
	for rest := name; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok || parent == "" {
			return nil, name == "."
		}
		if set, ok := z.records["*."+parent]; ok {
			return set, true
		}
		if _, ok := z.records[parent]; ok {
			return nil, false // the closest encloser exists, without a wildcard
		}
		rest = parent
	}
}

func apex(name string) string {
	labels := dns.SplitDomainName(name)
	return dns.Fqdn(strings.Join(labels[max(0, len(labels)-2):], "."))
}

// setDefaultAddress gives a web host its address, where it has none.
func (z *zone) setDefaultAddress(host string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	owner := dns.Fqdn(host)
	for _, rr := range z.records[owner] {
		switch rr.Header().Rrtype {
		case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME:
			return
		}
	}
	if rr, err := dns.NewRR(owner + " 5 IN A 127.0.0.1"); err == nil && z.count < maxRecords {
		z.records[owner] = append(z.records[owner], rr)
		z.count++
	}
}

// recordSet is what the control API says of a name and a type.
type recordSet struct {
	Name   string   `json:"name"`
	Type   string   `json:"type,omitempty"`
	Value  string   `json:"value,omitempty"`
	Values []string `json:"values,omitempty"`
	TTL    uint32   `json:"ttl,omitempty"`
	// Fault makes every question for the name fail: servfail, refused,
	// timeout or truncate; "none" heals it.
	Fault string `json:"fault,omitempty"`
}

// types that may be set.
var recordTypes = []string{"A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT"}

func (s *recordSet) vet() error {
	s.Name = strings.ToLower(strings.TrimSuffix(s.Name, "."))
	s.Type = strings.ToUpper(s.Type)
	if _, ok := dns.IsDomainName(s.Name); !ok || s.Name == "" || strings.ContainsAny(s.Name, " \t\r\n\"\\;()") {
		return errors.New("name must be a domain name")
	}
	if s.Fault != "" {
		if !slices.Contains([]string{"none", "servfail", "refused", "timeout", "truncate"}, s.Fault) {
			return errors.New("fault must be none, servfail, refused, timeout or truncate")
		}
		return nil
	}
	if !slices.Contains(recordTypes, s.Type) {
		return fmt.Errorf("type must be one of %s", strings.Join(recordTypes, ", "))
	}
	if s.Value != "" {
		s.Values = append([]string{s.Value}, s.Values...)
		s.Value = ""
	}
	if s.TTL == 0 {
		s.TTL = 5
	}
	return nil
}

// rr makes one record of a value as people write it: the text of a TXT record
// without quotes, a target with or without its final dot.
func (s *recordSet) rr(value string) (dns.RR, error) {
	hdr := dns.RR_Header{Name: dns.Fqdn(s.Name), Rrtype: dns.StringToType[s.Type], Class: dns.ClassINET, Ttl: s.TTL}
	switch s.Type {
	case "TXT":
		txt := &dns.TXT{Hdr: hdr}
		value = strings.ReplaceAll(value, `\`, `\\`)
		for len(value) > 255 {
			txt.Txt, value = append(txt.Txt, value[:255]), value[255:]
		}
		txt.Txt = append(txt.Txt, value)
		return txt, nil
	case "CNAME", "NS":
		value = dns.Fqdn(value)
	}
	if strings.ContainsAny(value, "\r\n") {
		return nil, errors.New("a value must stand on one line")
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", hdr.Name, s.TTL, s.Type, value))
	if err != nil || rr == nil || rr.Header().Rrtype != hdr.Rrtype {
		return nil, fmt.Errorf("%q is no value of a %s record", value, s.Type)
	}
	return rr, nil
}

// set replaces a name's records of a type; no values remove them.
func (z *zone) set(s recordSet) error {
	var rrs []dns.RR
	for _, v := range s.Values {
		rr, err := s.rr(v)
		if err != nil {
			return err
		}
		if _, err := dns.PackRR(rr, make([]byte, 1<<16), 0, nil, false); err != nil {
			return fmt.Errorf("a value cannot be put into a DNS message: %w", err)
		}
		rrs = append(rrs, rr)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	owner := dns.Fqdn(s.Name)
	if s.Fault != "" {
		delete(z.faults, owner)
		if s.Fault != "none" {
			if len(z.faults) >= maxRecords {
				return errors.New("too many faults")
			}
			z.faults[owner] = s.Fault
		}
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(z.records[owner]), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.StringToType[s.Type] })
	if z.count-len(z.records[owner])+len(kept)+len(rrs) > maxRecords {
		return errors.New("too many records")
	}
	z.count += len(kept) + len(rrs) - len(z.records[owner])
	if all := append(kept, rrs...); len(all) > 0 {
		z.records[owner] = all
	} else {
		delete(z.records, owner)
	}
	return nil
}

// list shows all records as zone file lines.
func (z *zone) list() []string {
	z.mu.RLock()
	defer z.mu.RUnlock()
	lines := []string{}
	for _, set := range z.records {
		for _, rr := range set {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	slices.Sort(lines)
	return lines
}

func (z *zone) control(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		answer(w, http.StatusOK, map[string]any{"records": z.list()})
		return
	}
	var s recordSet
	if !read(w, r, &s) {
		return
	}
	if err := s.vet(); err != nil {
		refuse(w, err)
		return
	}
	if r.Method == http.MethodDelete {
		s.Values = nil
	} else if len(s.Values) == 0 && s.Fault == "" {
		refuse(w, errors.New("value or values must be given"))
		return
	}
	if err := z.set(s); err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, s)
}
