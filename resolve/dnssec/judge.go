package dnssec

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Kind of what a message says at a name.
type Kind int

const (
	Silent  Kind = iota // nothing: the message ends in an alias, and its target is to be asked for
	Records             // records of the type
	Alias               // a CNAME or DNAME leads on
	NoData              // the name exists without the type
	NoName              // the name does not exist
)

// Judgement is what a message says at one name, and how far it can be trusted.
type Judgement struct {
	Kind    Kind
	Records []dns.RR
	Target  string // of an alias, with the final dot
	TTL     uint32 // least of the records', the signature's and what is left of its life
	Finding Finding
}

// Judge validates what a message says of a type at a name. direct means that
// the message was asked for that very name: then a missing proof is bogus;
// otherwise, after an alias in the same message, it is Silent. The error is
// the Source's.
func (v *Validator) Judge(ctx context.Context, w *Work, m *dns.Msg, name string, qtype uint16, direct bool) (Judgement, error) {
	name = dns.Fqdn(name)
	if s := pick(m.Answer, name, qtype); len(s.rrs) > 0 {
		f, ok, err := v.set(ctx, w, m, &s)
		return Judgement{Kind: Records, Records: s.rrs, TTL: ok, Finding: f}, err
	}
	if qtype != dns.TypeCNAME {
		if s := pick(m.Answer, name, dns.TypeCNAME); len(s.rrs) > 0 {
			return v.alias(ctx, w, m, name, &s)
		}
	}
	if s, target, ok := dname(m, name); ok {
		f, ttl, err := v.set(ctx, w, m, &s)
		return Judgement{Kind: Alias, Target: target, TTL: ttl, Finding: f}, err
	}
	return v.absence(ctx, w, m, name, qtype, direct)
}

// alias judges a CNAME: signed itself, or following from a signed DNAME.
func (v *Validator) alias(ctx context.Context, w *Work, m *dns.Msg, name string, s *set) (Judgement, error) {
	j := Judgement{Kind: Alias, Target: s.rrs[0].(*dns.CNAME).Target}
	var err error
	if len(s.sigs) == 0 {
		if d, target, ok := dname(m, name); ok {
			if j.Finding, j.TTL, err = v.set(ctx, w, m, &d); err == nil && j.Finding.Status == Secure && (!SameName(target, j.Target) || len(s.rrs) != 1) {
				j.Finding = Finding{Status: Bogus, Reason: DNAMEWrong, Name: shown(name), Type: "CNAME"}
			}
			return j, err
		}
	}
	j.Finding, j.TTL, err = v.set(ctx, w, m, s)
	return j, err
}

// dname finds a DNAME above the name, and what the name becomes by it (RFC
// 6672 section 2.2). A result that is too long is none.
func dname(m *dns.Msg, name string) (set, string, bool) {
	for n := dns.CountLabel(name) - 1; n >= 0; n-- {
		owner := rightmost(name, n)
		s := pick(m.Answer, owner, dns.TypeDNAME)
		if len(s.rrs) == 0 {
			continue
		}
		target := strings.TrimSuffix(name, owner)
		if owner == "." {
			target = name
		}
		if to := s.rrs[0].(*dns.DNAME).Target; to != "." {
			target += to
		}
		if _, ok := dns.IsDomainName(target); !ok {
			return set{}, "", false
		}
		return s, target, true
	}
	return set{}, "", false
}

// set validates one record set of the answer section, with the proof that a
// wildcard's expansion needs.
func (v *Validator) set(ctx context.Context, w *Work, m *dns.Msg, s *set) (Finding, uint32, error) {
	ttl := s.rrs[0].Header().Ttl
	for _, rr := range s.rrs {
		ttl = min(ttl, rr.Header().Ttl)
	}
	owner, qtype := s.owner(), s.rrs[0].Header().Rrtype
	z, why, err := v.signer(ctx, w, s.sigs, owner, qtype)
	if err != nil || z == nil {
		return why, ttl, err
	}
	ok, why := v.verify(w, s, z.name, z.keys)
	if why.Status != Secure {
		return why, ttl, nil
	}
	if ok.labels == ownLabels(owner) {
		return why, ok.ttl, nil
	}
	d, span, failed := v.denials(w, z, m)
	f := Finding{Status: Secure, Zone: shown(z.name), Name: shown(owner), Type: dns.TypeToString[qtype]}
	switch d.noCloser(owner, ok.labels) {
	case proofNoName:
		f = why
	case proofOptOut:
		f.Status, f.Reason = Insecure, OptOut
	case proofTooCostly:
		f.Status, f.Reason = Insecure, IterationsTooMany
	default:
		f.Status, f.Reason, f.Note = Bogus, DenialMissing, "the answer comes from a wildcard"
		if failed.Reason != "" {
			f = failed
		}
	}
	return f, min(ok.ttl, span.ttl), nil
}

// signer finds the zone that signed a set. A nil zone comes with the finding
// why there is none: proven to be insecure, or broken.
func (v *Validator) signer(ctx context.Context, w *Work, sigs []*dns.RRSIG, owner string, qtype uint16) (*zone, Finding, error) {
	above := owner // the zone may be no deeper than this
	if qtype == dns.TypeDS && owner != "." {
		above = rightmost(owner, dns.CountLabel(owner)-1)
	}
	var wrong Finding
	for _, name := range signers(sigs, above) {
		z, why, err := v.descend(ctx, w, name)
		if err != nil || z == nil {
			return nil, why, err
		}
		if SameName(z.name, name) {
			return z, why, nil
		}
		wrong = Finding{Status: Bogus, Reason: SignerWrong, Zone: shown(name), Name: shown(owner), Type: dns.TypeToString[qtype]}
	}
	if wrong.Reason != "" {
		return nil, wrong, nil
	}
	// No signature that could count: is the name allowed to have none?
	z, why, err := v.descend(ctx, w, above)
	if err != nil || z == nil {
		return nil, why, err
	}
	return nil, Finding{Status: Bogus, Reason: SignatureMissing, Zone: shown(z.name), Name: shown(owner), Type: dns.TypeToString[qtype]}, nil
}

// maxSigners bounds the zones whose chains are walked for one set.
const maxSigners = 3

// signers lists the distinct signers at or above a name, deepest first.
func signers(sigs []*dns.RRSIG, above string) []string {
	at, ok := sortable(above)
	if !ok {
		return nil
	}
	var names []string
	for _, sig := range sigs {
		name := dns.CanonicalName(sig.SignerName)
		if s, ok := sortable(name); ok && below(at, s) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return dns.CountLabel(b) - dns.CountLabel(a) })
	return names[:min(len(names), maxSigners)]
}

// absence validates that a name or a type is not there.
func (v *Validator) absence(ctx context.Context, w *Work, m *dns.Msg, name string, qtype uint16, direct bool) (Judgement, error) {
	j := Judgement{Kind: NoData}
	if m.Rcode == dns.RcodeNameError {
		j.Kind = NoName
	}
	var sigs []*dns.RRSIG
	settled := false
	for _, rr := range m.Ns {
		switch r := rr.(type) {
		case *dns.RRSIG:
			if r.TypeCovered == dns.TypeNSEC || r.TypeCovered == dns.TypeNSEC3 {
				sigs = append(sigs, r)
			}
		case *dns.SOA:
			j.TTL = min(r.Minttl, r.Hdr.Ttl)
			settled = settled || dns.IsSubDomain(r.Hdr.Name, name)
		}
	}
	if !direct && !settled {
		return Judgement{Kind: Silent, Finding: Finding{Status: Secure}}, nil
	}
	z, why, err := v.signer(ctx, w, sigs, name, qtype)
	if err != nil {
		return j, err
	}
	if z == nil {
		if why.Reason == SignatureMissing {
			why.Reason = DenialMissing
		}
		j.Finding = why
		return v.orSilent(j, direct), nil
	}
	d, span, failed := v.denials(w, z, m)
	j.TTL = min(j.TTL, span.ttl)
	f := Finding{Status: Secure, Zone: shown(z.name), Name: shown(name), Type: dns.TypeToString[qtype]}
	switch p := d.prove(name, qtype); {
	case p == proofNoName && j.Kind == NoName:
		f = Finding{Status: Secure}
	case p == proofNoData || p == proofUnsigned:
		// A proof that the name exists corrects the answer code.
		j.Kind, f = NoData, Finding{Status: Secure}
	case p == proofOptOut:
		f.Status, f.Reason = Insecure, OptOut
	case p == proofTooCostly:
		f.Status, f.Reason = Insecure, IterationsTooMany
	case w.spent():
		f.Status, f.Reason = Bogus, TooMuchWork
	case failed.Reason != "":
		f = failed
	default:
		f.Status, f.Reason = Bogus, DenialMissing
	}
	j.Finding = f
	return v.orSilent(j, direct), nil
}

// orSilent: behind an alias, a denial that does not stand is asked for anew.
func (v *Validator) orSilent(j Judgement, direct bool) Judgement {
	if !direct && j.Finding.Status == Bogus {
		return Judgement{Kind: Silent, Finding: Finding{Status: Secure}}
	}
	return j
}

// tags shows key tags and algorithms of DS records.
func tags(ds []*dns.DS) string {
	var b strings.Builder
	for i, d := range ds[:min(len(ds), 4)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d/%s", d.KeyTag, algorithm(d.Algorithm))
	}
	return b.String()
}
