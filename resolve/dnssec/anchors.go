package dnssec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// rootAnchors are IANA's trust anchors of the root zone, as DS records
// (https://data.iana.org/root-anchors/root-anchors.xml), with the days between
// which each is valid, in UTC. Old ones stay: a recording of their time is
// judged by them.
var rootAnchors = []struct {
	tag         uint16
	digest      string // SHA-256, of an RSASHA256 key
	from, until time.Time
}{
	{20326, "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", time.Date(2017, 2, 2, 0, 0, 0, 0, time.UTC), time.Time{}},
	{38696, "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16", time.Date(2024, 7, 18, 0, 0, 0, 0, time.UTC), time.Time{}},
}

// maxAnchors bounds a file of trust anchors.
const maxAnchors = 64

// Anchors are the keys that are believed without proof, by zone.
type Anchors struct {
	zones   map[string]*anchor
	builtIn bool
}

type anchor struct {
	id   string // tells one set of anchors from another in a Memo
	ds   []*dns.DS
	keys []*dns.DNSKEY
}

// Root gives the built-in anchors of the root that are valid at now.
func Root(now time.Time) *Anchors {
	root := &anchor{id: "root"}
	for _, r := range rootAnchors {
		if now.Before(r.from) || (!r.until.IsZero() && !now.Before(r.until)) {
			continue
		}
		root.ds = append(root.ds, &dns.DS{
			Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET}, KeyTag: r.tag, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: r.digest,
		})
		root.id += " " + r.digest
	}
	return &Anchors{zones: map[string]*anchor{".": root}, builtIn: true}
}

// ParseAnchors reads trust anchors in zone file form: DS and DNSKEY records
// with full owner names, comments allowed, nothing else. The error names the
// first line that makes no sense; no record at all is an error too.
func ParseAnchors(text string) (*Anchors, error) {
	a := &Anchors{zones: map[string]*anchor{}}
	z := dns.NewZoneParser(strings.NewReader(text), "", "")
	z.SetIncludeAllowed(false)
	z.SetDefaultTTL(0)
	n := 0
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		if n++; n > maxAnchors {
			return nil, fmt.Errorf("more than %d trust anchors", maxAnchors)
		}
		zone := dns.CanonicalName(rr.Header().Name)
		at := a.zones[zone]
		if at == nil {
			at = &anchor{}
		}
		switch r := rr.(type) {
		case *dns.DS:
			if !knownDigest(r.DigestType) || !knownAlgorithm(r.Algorithm) {
				return nil, fmt.Errorf("the trust anchor of %s with key tag %d uses an algorithm that is not known here", zone, r.KeyTag)
			}
			at.ds = append(at.ds, r)
		case *dns.DNSKEY:
			if !usable(r) {
				return nil, fmt.Errorf("the trust anchor of %s with key tag %d is no zone key of a known algorithm", zone, r.KeyTag())
			}
			at.keys = append(at.keys, r)
		default:
			return nil, fmt.Errorf("%s is no trust anchor; only DS and DNSKEY records are", dns.TypeToString[rr.Header().Rrtype])
		}
		at.id += rr.String() + "\n"
		a.zones[zone] = at
	}
	if err := z.Err(); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("no DS or DNSKEY record in it")
	}
	return a, nil
}

// Text gives the anchors in zone file form, such that ParseAnchors reads the
// same anchors from it; "" for the built-in ones, whatever the day.
func (a *Anchors) Text() string {
	if a == nil || a.builtIn {
		return ""
	}
	var lines []string
	for _, at := range a.zones {
		for _, rr := range at.ds {
			lines = append(lines, rr.String()+"\n")
		}
		for _, rr := range at.keys {
			lines = append(lines, rr.String()+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// over gives the nearest zone at or above name that has an anchor.
func (a *Anchors) over(name string) (zone string, at *anchor) {
	for n := dns.CountLabel(name); n >= 0; n-- {
		zone = dns.CanonicalName(rightmost(name, n))
		if at, ok := a.zones[zone]; ok {
			return zone, at
		}
	}
	return "", nil
}
