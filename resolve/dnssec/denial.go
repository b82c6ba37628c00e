package dnssec

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// denial holds the verified NSEC and NSEC3 records of one zone in one message.
// All names in it are sortable names.
type denial struct {
	apex  string
	nsec  []nsec
	nsec3 []nsec3
	// params of nsec3; records with others are left out (RFC 5155 section 7.2
	// knows one chain in an answer).
	salt       string
	iterations uint16
	w          *Work
	hashed     map[string]string
}

type nsec struct {
	owner, next string
	types       []uint16
}

type nsec3 struct {
	owner, next string // hashes in base32, upper case
	types       []uint16
	optOut      bool
}

// proof is what a denial proves of a name.
type proof int

const (
	proofNone      proof = iota
	proofNoData          // the name exists, not the type
	proofNoName          // the name does not exist
	proofUnsigned        // an insecure delegation: NS, but no DS
	proofOptOut          // within an opt-out span: nothing is proven below it
	proofTooCostly       // NSEC3 iterations above the limit
)

// add takes one verified record; zone is its signer.
func (d *denial) add(rr dns.RR) {
	switch r := rr.(type) {
	case *dns.NSEC:
		owner, ok1 := sortable(r.Hdr.Name)
		next, ok2 := sortable(r.NextDomain)
		if ok1 && ok2 && below(owner, d.apex) && below(next, d.apex) {
			d.nsec = append(d.nsec, nsec{owner, next, r.TypeBitMap})
		}
	case *dns.NSEC3:
		hash, parent, _ := strings.Cut(r.Hdr.Name, ".")
		at, ok := sortable(parent)
		// Unknown hash algorithms and flags are passed over (RFC 5155 sections
		// 8.1 and 8.2).
		if !ok || at != d.apex || r.Hash != dns.SHA1 || r.Flags > 1 || len(r.NextDomain) != len(hash) {
			return
		}
		if len(d.nsec3) == 0 {
			d.salt, d.iterations = r.Salt, r.Iterations
		} else if r.Salt != d.salt || r.Iterations != d.iterations {
			return
		}
		d.nsec3 = append(d.nsec3, nsec3{strings.ToUpper(hash), strings.ToUpper(r.NextDomain), r.TypeBitMap, r.Flags == 1})
	}
}

func has(types []uint16, t uint16) bool { return slices.Contains(types, t) }

// cut reports a record of the parent's side of a delegation: it says nothing
// of the names below it, nor of the types at it, except DS (RFC 6840 section 4.1).
func cut(types []uint16) bool { return has(types, dns.TypeNS) && !has(types, dns.TypeSOA) }

// absent reports whether the bitmap of a name says that the type is not there.
func absent(types []uint16, qtype uint16, apexOfRoot bool) bool {
	switch {
	case has(types, qtype), has(types, dns.TypeCNAME): // RFC 6840 section 4.3
		return false
	case qtype == dns.TypeDS:
		// A child's own record cannot speak of its DS.
		return !has(types, dns.TypeSOA) || apexOfRoot
	}
	return !cut(types)
}

// prove says what the records prove of a name and a type.
func (d *denial) prove(name string, qtype uint16) proof {
	q, ok := sortable(name)
	if !ok || !below(q, d.apex) {
		return proofNone
	}
	if len(d.nsec) > 0 {
		if p := d.byNSEC(q, qtype); p != proofNone {
			return p
		}
	}
	if len(d.nsec3) > 0 {
		if d.iterations > MaxIterations {
			return proofTooCostly
		}
		return d.byNSEC3(q, name, qtype)
	}
	return proofNone
}

// noCloser proves that no name between an answer's owner and the wildcard it
// came from exists: the next closer name, of labels labels more than the
// signature counts, is denied (RFC 4035 section 5.3.4, RFC 5155 section 8.8).
func (d *denial) noCloser(name string, labels int) proof {
	q, ok := sortable(name)
	if !ok || !below(q, d.apex) {
		return proofNone
	}
	next := first(q, labels+1)
	for i := range d.nsec {
		if n := &d.nsec[i]; n.covers(next) && !below(n.next, next) {
			return proofNoName
		}
	}
	if len(d.nsec3) == 0 {
		return proofNone
	}
	if d.iterations > MaxIterations {
		return proofTooCostly
	}
	switch n := d.covering(next, rightmost(name, labels+1)); {
	case n == nil:
		return proofNone
	case n.optOut:
		return proofOptOut
	}
	return proofNoName
}

// covers reports whether the name lies strictly between owner and next, and
// the record may speak of it.
func (n *nsec) covers(q string) bool {
	if q <= n.owner || (n.owner < n.next && q >= n.next) {
		return false
	}
	return !(below(q, n.owner) && (cut(n.types) || has(n.types, dns.TypeDNAME)))
}

func (d *denial) byNSEC(q string, qtype uint16) proof {
	for i := range d.nsec {
		if n := &d.nsec[i]; n.owner == q {
			return d.match(n.types, q, qtype)
		}
	}
	for i := range d.nsec {
		n := &d.nsec[i]
		if !n.covers(q) {
			continue
		}
		if below(n.next, q) {
			return proofNoData // an empty non-terminal: names exist only below it
		}
		closest := common(q, n.owner)
		if c := common(q, n.next); len(c) > len(closest) {
			closest = c
		}
		if qtype == dns.TypeDS {
			return proofNoName // no wildcard makes a delegation
		}
		wild := closest + "*\x00"
		for j := range d.nsec {
			switch o := &d.nsec[j]; {
			case o.owner == wild:
				if absent(o.types, qtype, false) {
					return proofNoData
				}
				return proofNone
			case o.covers(wild):
				if below(o.next, wild) {
					return proofNoData // the wildcard is an empty non-terminal
				}
				return proofNoName
			}
		}
	}
	return proofNone
}

// match judges the record that stands at the name itself.
func (d *denial) match(types []uint16, q string, qtype uint16) proof {
	if !absent(types, qtype, q == "") {
		// A name with an alias has no DS and is no zone cut.
		if qtype == dns.TypeDS && has(types, dns.TypeCNAME) && !has(types, dns.TypeDS) {
			return proofNoData
		}
		return proofNone
	}
	if qtype == dns.TypeDS && cut(types) {
		return proofUnsigned
	}
	return proofNoData
}

func (d *denial) byNSEC3(q, name string, qtype uint16) proof {
	if n := d.matching(q, name); n != nil {
		return d.match(n.types, q, qtype)
	}
	// The closest encloser: the nearest name above that matches, while the name
	// one label longer is covered (RFC 5155 section 8.3).
	apexLabels, all := count(d.apex), count(q)
	for l := all - 1; l >= apexLabels; l-- {
		at, written := first(q, l), rightmost(name, l)
		n := d.matching(at, written)
		if n == nil {
			if d.w.spent() {
				return proofNone
			}
			continue
		}
		if cut(n.types) || has(n.types, dns.TypeDNAME) {
			return proofNone
		}
		next := d.covering(first(q, l+1), rightmost(name, l+1))
		switch {
		case next == nil:
			return proofNone
		case next.optOut:
			return proofOptOut
		case qtype == dns.TypeDS:
			return proofNoName
		}
		wild, writtenWild := at+"*\x00", "*."+written
		if written == "." {
			writtenWild = "*."
		}
		if n := d.matching(wild, writtenWild); n != nil {
			if absent(n.types, qtype, false) {
				return proofNoData
			}
			return proofNone
		}
		if d.covering(wild, writtenWild) != nil {
			return proofNoName
		}
		return proofNone
	}
	return proofNone
}

// hash gives the NSEC3 hash of a name, each computed once.
func (d *denial) hash(q, written string) string {
	if h, ok := d.hashed[q]; ok {
		return h
	}
	d.w.hashes += int(d.iterations) + 1
	if d.w.spent() {
		return ""
	}
	h := dns.HashName(written, dns.SHA1, d.iterations, d.salt)
	if d.hashed == nil {
		d.hashed = map[string]string{}
	}
	d.hashed[q] = h
	return h
}

func (d *denial) matching(q, written string) *nsec3 {
	h := d.hash(q, written)
	for i := range d.nsec3 {
		if h != "" && d.nsec3[i].owner == h {
			return &d.nsec3[i]
		}
	}
	return nil
}

func (d *denial) covering(q, written string) *nsec3 {
	h := d.hash(q, written)
	if h == "" {
		return nil
	}
	for i := range d.nsec3 {
		n := &d.nsec3[i]
		if n.owner == h {
			return nil
		}
		if (n.owner < n.next && n.owner < h && h < n.next) || (n.owner >= n.next && (h > n.owner || h < n.next)) {
			return n
		}
	}
	return nil
}
