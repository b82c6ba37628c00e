package dnssec

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/miekg/dns"
)

// knownAlgorithm reports whether signatures of an algorithm are computed here.
// RSA with SHA-1 is: zones that use it are still better checked than not
// (RFC 9905 section 2 leaves it to validators).
func knownAlgorithm(a uint8) bool {
	switch a {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

func knownDigest(d uint8) bool { return d == dns.SHA1 || d == dns.SHA256 || d == dns.SHA384 }

// usable reports whether a key may sign a zone's records: a zone key of
// protocol 3 (RFC 4034 section 2.1), not revoked (RFC 5011 section 2.1), of an
// algorithm that is known.
func usable(k *dns.DNSKEY) bool {
	return k.Flags&dns.ZONE != 0 && k.Flags&dns.REVOKE == 0 && k.Protocol == 3 && knownAlgorithm(k.Algorithm)
}

// key is a zone's key with its tag, which is costly to compute.
type key struct {
	rr  *dns.DNSKEY
	tag uint16
}

// span is how long what was validated stays so: from and until bound it by the
// signatures used, ttl is the least of the records', in seconds.
type span struct {
	from, until time.Time
	ttl         uint32
}

func forever() span { return span{until: time.Unix(math.MaxInt32*2, 0), ttl: math.MaxUint32} }

// within narrows a span by another.
func (s *span) within(o span) {
	if o.from.After(s.from) {
		s.from = o.from
	}
	if o.until.Before(s.until) {
		s.until = o.until
	}
	s.ttl = min(s.ttl, o.ttl)
}

func (s span) holds(now time.Time) bool { return !now.Before(s.from) && !now.After(s.until) }

// instant gives the time of a signature's 32-bit second, which is meant near
// now (RFC 4034 section 3.1.5, RFC 1982).
func instant(second uint32, now time.Time) time.Time {
	t := now.Unix()
	return time.Unix(t+int64(int32(second-uint32(t))), 0)
}

// set is one record set of a message with the signatures over it.
type set struct {
	rrs  []dns.RR
	sigs []*dns.RRSIG
}

func (s *set) owner() string { return s.rrs[0].Header().Name }

// pick collects the set of a name and a type from a section, and the
// signatures over it.
func pick(section []dns.RR, name string, qtype uint16) set {
	var s set
	for _, rr := range section {
		h := rr.Header()
		if h.Class != dns.ClassINET || !SameName(h.Name, name) {
			continue
		}
		if h.Rrtype == qtype {
			s.rrs = append(s.rrs, rr)
		} else if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered == qtype {
			s.sigs = append(s.sigs, sig)
		}
	}
	return s
}

// ownLabels counts the labels of an owner as RRSIG's Labels field does: the
// root and a leading asterisk do not count (RFC 4034 section 3.1.3).
func ownLabels(name string) int {
	n := dns.CountLabel(name)
	if len(name) > 1 && name[0] == '*' && name[1] == '.' {
		n--
	}
	return n
}

// verified is a set whose signature was computed and fits.
type verified struct {
	span
	labels int // of the signature; fewer than the owner's means a wildcard
}

// verify looks for one signature of the zone over the set that fits. The
// finding is of the failure that says most.
func (v *Validator) verify(w *Work, s *set, zone string, keys []key) (verified, Finding) {
	now := v.o.Now
	h := s.rrs[0].Header()
	worst := Finding{Status: Bogus, Reason: SignatureMissing, Zone: shown(zone), Name: shown(h.Name), Type: dns.TypeToString[h.Rrtype]}
	rank := 0
	fail := func(r int, reason Reason, at time.Time, note string) {
		if r > rank {
			rank, worst.Reason, worst.At, worst.Note = r, reason, at, note
		}
	}
	tried := 0
	for _, sig := range s.sigs {
		if !SameName(sig.SignerName, zone) {
			continue
		}
		if tried++; tried > maxSetSigs {
			fail(9, TooMuchWork, time.Time{}, "more than 8 signatures over one set")
			break
		}
		note := fmt.Sprintf("key tag %d, algorithm %s", sig.KeyTag, algorithm(sig.Algorithm))
		if !knownAlgorithm(sig.Algorithm) {
			fail(1, AlgorithmUnknown, time.Time{}, note)
			continue
		}
		// Only the signer's zone and what is below it (the library compares
		// characters, not labels), and no more labels than the owner has.
		owner, ok := sortable(h.Name)
		apex, ok2 := sortable(zone)
		if !ok || !ok2 || !below(owner, apex) || int(sig.Labels) > ownLabels(h.Name) || int(sig.Labels) < count(apex) {
			fail(2, SignatureWrong, time.Time{}, note)
			continue
		}
		// The library cannot tell a signature of another time; we do first, as
		// it costs nothing.
		from, until := instant(sig.Inception, now), instant(sig.Expiration, now)
		if now.After(until) {
			fail(6, SignatureExpired, until, note)
			continue
		}
		if now.Before(from) {
			fail(5, SignatureEarly, from, note)
			continue
		}
		candidates := 0
		for i := range keys {
			if keys[i].tag != sig.KeyTag || keys[i].rr.Algorithm != sig.Algorithm {
				continue
			}
			if candidates++; candidates > maxSameTag {
				fail(8, TooMuchWork, time.Time{}, "many keys of one tag")
				break
			}
			if !w.signature() {
				fail(9, TooMuchWork, time.Time{}, "")
				return verified{}, worst
			}
			if !v.o.Memo.fits(sig, keys[i].rr, s.rrs) {
				fail(4, SignatureWrong, time.Time{}, note)
				continue
			}
			ttl := sig.OrigTtl
			for _, rr := range s.rrs {
				ttl = min(ttl, rr.Header().Ttl)
			}
			if left := until.Sub(now) / time.Second; int64(left) < int64(ttl) {
				ttl = uint32(left)
			}
			return verified{span{from, until, ttl}, int(sig.Labels)}, Finding{Status: Secure}
		}
		if candidates == 0 {
			fail(3, SignatureKey, time.Time{}, note)
		}
	}
	return verified{}, worst
}

func algorithm(a uint8) string {
	if s, ok := dns.AlgorithmToString[a]; ok {
		return s
	}
	return fmt.Sprint(a)
}

// zoneKeys reads the keys of a DNSKEY set that may sign.
func zoneKeys(s *set) []key {
	var keys []key
	for _, rr := range s.rrs {
		if k, ok := rr.(*dns.DNSKEY); ok && usable(k) && len(keys) < maxKeys {
			keys = append(keys, key{k, k.KeyTag()})
		}
	}
	return keys
}

// trusted gives the keys that DS records or given keys vouch for. known is
// false when none of the DS records uses a known algorithm and digest.
func trusted(keys []key, ds []*dns.DS, given []*dns.DNSKEY) (good []key, known bool) {
	best := uint8(0) // SHA-1 does not count beside better (RFC 4509 section 3)
	for _, d := range ds {
		if knownAlgorithm(d.Algorithm) && knownDigest(d.DigestType) {
			known = true
			if d.DigestType != dns.SHA1 {
				best = dns.SHA256
			}
		}
	}
	for _, k := range keys {
		fits := false
		var made [5]*dns.DS // by digest type, computed once for each key
		for _, d := range ds[:min(len(ds), maxDS)] {
			if d.KeyTag != k.tag || d.Algorithm != k.rr.Algorithm || !knownDigest(d.DigestType) || (best != 0 && d.DigestType == dns.SHA1) {
				continue
			}
			if made[d.DigestType] == nil {
				if made[d.DigestType] = k.rr.ToDS(d.DigestType); made[d.DigestType] == nil {
					continue
				}
			}
			a, err1 := hex.DecodeString(made[d.DigestType].Digest)
			b, err2 := hex.DecodeString(d.Digest)
			if err1 == nil && err2 == nil && bytes.Equal(a, b) {
				fits = true
				break
			}
		}
		for _, g := range given {
			fits = fits || (g.Algorithm == k.rr.Algorithm && g.PublicKey == k.rr.PublicKey && g.Flags&dns.ZONE != 0)
		}
		if fits {
			good = append(good, k)
		}
	}
	return good, known || len(given) > 0
}
