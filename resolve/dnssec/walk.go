package dnssec

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Options configure a Validator.
type Options struct {
	Source  Source
	Anchors *Anchors
	Now     time.Time // signatures are judged at this instant
	Memo    *Memo     // shared between validators; nil for none
}

// Validator judges the answers of one attempt. It remembers the zones it has
// walked through, so that each question on the way is asked once. Safe for
// concurrent use.
type Validator struct {
	o Options

	mu    sync.Mutex
	links map[string]link // by sortable name, of this attempt
}

// New makes a validator.
func New(o Options) *Validator { return &Validator{o: o, links: map[string]link{}} }

// Forget drops what this attempt and the memo know, so that every question is
// asked again: for a second look after a bogus one.
func (v *Validator) Forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.links)
}

// zone is a signed zone whose keys are validated. Never changed once made.
type zone struct {
	name string // canonical, with the final dot
	sort string
	keys []key
}

// link is one step down a chain: from a zone to a name below it.
type link struct {
	kind linkKind
	zone *zone   // of a signed cut
	why  Finding // of an end
}

type linkKind int

const (
	linkNone   linkKind = iota // no cut here; the zone goes on
	linkCut                    // a signed zone begins here
	linkAbsent                 // the name does not exist, so there is no cut below it either
	linkEnd                    // insecure, bogus or indeterminate
)

// errSpent is the end of a look-up's allowance, inside this package only.
var errSpent = errors.New("dnssec: too much work")

// descend finds the signed zone that a name lies in, walking down from the
// trust anchor. If the way ends before, why is Insecure, Bogus or
// Indeterminate and the zone is nil.
func (v *Validator) descend(ctx context.Context, w *Work, name string) (*zone, Finding, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	name = dns.CanonicalName(name)
	top, anchor := v.o.Anchors.over(name)
	if anchor == nil {
		return nil, Finding{Status: Indeterminate, Reason: NoAnchor, Name: shown(name)}, nil
	}
	l, err := v.top(ctx, w, top, anchor)
	if errors.Is(err, errSpent) {
		return nil, Finding{Status: Bogus, Reason: TooMuchWork, Zone: shown(top), Name: shown(name), Type: "DNSKEY"}, nil
	}
	if err != nil || l.kind == linkEnd {
		return nil, l.why, err
	}
	at := l.zone
	labels := dns.CountLabel(name)
	for n := dns.CountLabel(top) + 1; n <= labels; n++ {
		l, err := v.step(ctx, w, at, rightmost(name, n))
		if errors.Is(err, errSpent) {
			return nil, Finding{Status: Bogus, Reason: TooMuchWork, Zone: shown(at.name), Name: shown(name), Type: "DS"}, nil
		}
		if err != nil {
			return nil, Finding{}, err
		}
		switch l.kind {
		case linkCut:
			at = l.zone
		case linkAbsent:
			return at, Finding{Status: Secure}, nil
		case linkEnd:
			return nil, l.why, nil
		}
	}
	return at, Finding{Status: Secure}, nil
}

// ask asks the source within the allowance.
func (v *Validator) ask(ctx context.Context, w *Work, name string, qtype uint16) (Response, error) {
	if !w.question() {
		return Response{}, errSpent
	}
	return v.o.Source.Ask(ctx, shown(name), qtype)
}

// top validates the keys of a trust anchor's zone. What goes wrong here is not
// the fault of any zone below: it is indeterminate.
func (v *Validator) top(ctx context.Context, w *Work, name string, a *anchor) (link, error) {
	sort, ok := sortable(name)
	if !ok {
		return link{kind: linkEnd, why: Finding{Status: Indeterminate, Reason: NoAnchor, Name: shown(name)}}, nil
	}
	if l, ok := v.links[sort]; ok {
		return l, nil
	}
	r, err := v.ask(ctx, w, name, dns.TypeDNSKEY)
	if err != nil {
		return link{}, err
	}
	memo := "anchor " + a.id + sort
	if m := v.o.Memo.find(memo, nil, r.Raw, v.o.Now); m != nil {
		v.links[sort] = m.link
		return m.link, nil
	}
	l, s := v.keys(w, name, sort, r.Msg, a.ds, a.keys)
	if l.kind == linkEnd {
		l.why.Status = Indeterminate
		if l.why.Reason != TooMuchWork && l.why.Reason != SignatureExpired && l.why.Reason != SignatureEarly {
			l.why.Reason = AnchorBroken
		}
	} else {
		v.o.Memo.put(memo, nil, r.Raw, nil, l, s)
		keep(r, s)
	}
	v.links[sort] = l
	return l, nil
}

func keep(r Response, s span) {
	if r.Keep != nil {
		r.Keep(s.ttl)
	}
}

// keys validates a zone's DNSKEY set by its DS records or given keys.
func (v *Validator) keys(w *Work, name, sort string, m *dns.Msg, ds []*dns.DS, given []*dns.DNSKEY) (link, span) {
	end := func(st Status, r Reason) (link, span) {
		return link{kind: linkEnd, why: Finding{Status: st, Reason: r, Zone: shown(name), Name: shown(name), Type: "DNSKEY"}}, span{}
	}
	s := pick(m.Answer, name, dns.TypeDNSKEY)
	if len(s.rrs) == 0 {
		return end(Bogus, KeysMissing)
	}
	if len(s.rrs) > maxKeys {
		return end(Bogus, TooMuchWork)
	}
	all := zoneKeys(&s)
	good, _ := trusted(all, ds, given)
	if len(good) == 0 {
		return end(Bogus, KeyForDS)
	}
	// The set must be signed by a key that the parent vouches for.
	ok, why := v.verify(w, &s, name, good)
	if why.Status != Secure {
		return link{kind: linkEnd, why: why}, span{}
	}
	return link{kind: linkCut, zone: &zone{name: name, sort: sort, keys: all}}, ok.span
}

// step goes from a zone to a name one label or more below its apex.
func (v *Validator) step(ctx context.Context, w *Work, parent *zone, name string) (link, error) {
	sort, ok := sortable(name)
	if !ok {
		return link{kind: linkEnd, why: Finding{Status: Bogus, Reason: DenialMissing, Zone: shown(parent.name), Name: shown(name), Type: "DS"}}, nil
	}
	if l, ok := v.links[sort]; ok {
		return l, nil
	}
	r, err := v.ask(ctx, w, name, dns.TypeDS)
	if err != nil {
		return link{}, err
	}
	var keys Response
	if m := v.o.Memo.find(sort, parent, r.Raw, v.o.Now); m != nil {
		if m.keys == nil {
			v.links[sort] = m.link
			return m.link, nil
		}
		if keys, err = v.ask(ctx, w, name, dns.TypeDNSKEY); err != nil {
			return link{}, err
		}
		if string(m.keys) == string(keys.Raw) {
			v.links[sort] = m.link
			return m.link, nil
		}
	}
	l, s, ds := v.delegation(w, parent, name, r.Msg)
	if len(ds) > 0 {
		if keys.Msg == nil {
			if keys, err = v.ask(ctx, w, name, dns.TypeDNSKEY); err != nil {
				return link{}, err
			}
		}
		var own span
		if l, own = v.keys(w, name, sort, keys.Msg, ds, nil); l.kind == linkCut {
			keep(r, s)
			keep(keys, own)
			s.within(own)
		}
	} else if l.kind != linkEnd || l.why.Status == Insecure {
		keep(r, s)
	}
	if l.kind != linkEnd || l.why.Status == Insecure {
		v.o.Memo.put(sort, parent, r.Raw, keys.Raw, l, s)
	}
	v.links[sort] = l
	return l, nil
}

// delegation judges the answer to a DS question. ds is not empty if a signed
// zone begins at the name; its keys are then to be validated.
func (v *Validator) delegation(w *Work, parent *zone, name string, m *dns.Msg) (link, span, []*dns.DS) {
	end := func(st Status, r Reason) link {
		return link{kind: linkEnd, why: Finding{Status: st, Reason: r, Zone: shown(parent.name), Name: shown(name), Type: "DS"}}
	}
	if s := pick(m.Answer, name, dns.TypeDS); len(s.rrs) > 0 {
		ok, why := v.verify(w, &s, parent.name, parent.keys)
		if why.Status != Secure {
			return link{kind: linkEnd, why: why}, span{}, nil
		}
		if ok.labels != ownLabels(name) {
			return end(Bogus, SignatureWrong), span{}, nil // no wildcard makes a delegation
		}
		var ds []*dns.DS
		known := false
		for _, rr := range s.rrs {
			d := rr.(*dns.DS)
			ds = append(ds, d)
			known = known || (knownAlgorithm(d.Algorithm) && knownDigest(d.DigestType))
		}
		if !known {
			// RFC 4035 section 5.2, RFC 6840 section 5.2: as if unsigned.
			l := end(Insecure, AlgorithmUnknown)
			l.why.Note = "key tag and algorithm " + tags(ds)
			return l, ok.span, nil
		}
		return link{}, ok.span, ds
	}
	// An alias here is no zone cut.
	if s := pick(m.Answer, name, dns.TypeCNAME); len(s.rrs) > 0 && len(s.sigs) > 0 {
		ok, why := v.verify(w, &s, parent.name, parent.keys)
		if why.Status != Secure {
			return link{kind: linkEnd, why: why}, span{}, nil
		}
		return link{kind: linkNone}, ok.span, nil
	}
	for n := dns.CountLabel(name) - 1; n >= dns.CountLabel(parent.name); n-- {
		s := pick(m.Answer, rightmost(name, n), dns.TypeDNAME)
		if len(s.rrs) == 0 {
			continue
		}
		ok, why := v.verify(w, &s, parent.name, parent.keys)
		if why.Status != Secure {
			return link{kind: linkEnd, why: why}, span{}, nil
		}
		return link{kind: linkAbsent}, ok.span, nil
	}
	d, s, why := v.denials(w, parent, m)
	switch d.prove(name, dns.TypeDS) {
	case proofUnsigned:
		return end(Insecure, UnsignedZone), s, nil
	case proofOptOut:
		return end(Insecure, OptOut), s, nil
	case proofTooCostly:
		return end(Insecure, IterationsTooMany), s, nil
	case proofNoData:
		return link{kind: linkNone}, s, nil
	case proofNoName:
		return link{kind: linkAbsent}, s, nil
	}
	if w.spent() {
		return end(Bogus, TooMuchWork), s, nil
	}
	if why.Reason != "" { // denied, but by a record that did not stand
		return link{kind: linkEnd, why: why}, s, nil
	}
	return end(Bogus, DenialMissing), s, nil
}

// denials verifies the NSEC and NSEC3 records of a message that a zone signed.
// why is the finding of the first that failed.
func (v *Validator) denials(w *Work, z *zone, m *dns.Msg) (d denial, s span, why Finding) {
	d, s = denial{apex: z.sort, w: w}, forever()
	n := 0
	for _, rr := range m.Ns {
		t := rr.Header().Rrtype
		if (t != dns.TypeNSEC && t != dns.TypeNSEC3) || rr.Header().Class != dns.ClassINET {
			continue
		}
		one := pick(m.Ns, rr.Header().Name, t)
		if !by(one.sigs, z.name) {
			continue
		}
		if n++; n > maxDenial {
			break
		}
		ok, failed := v.verify(w, &one, z.name, z.keys)
		if failed.Status != Secure || ok.labels != ownLabels(rr.Header().Name) {
			if why.Reason == "" {
				if why = failed; failed.Status == Secure {
					why = Finding{Status: Bogus, Reason: SignatureWrong, Zone: shown(z.name), Name: shown(rr.Header().Name), Type: dns.TypeToString[t]}
				}
			}
			continue
		}
		d.add(rr)
		s.within(ok.span)
	}
	return d, s, why
}

// by reports whether one of the signatures is made in the name of a zone.
func by(sigs []*dns.RRSIG, zone string) bool {
	for _, s := range sigs {
		if SameName(s.SignerName, zone) {
			return true
		}
	}
	return false
}
