package dnssec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Memo remembers links of chains that were validated, so that the keys of warm
// zones need not be validated again. What it gives is what validation would
// give: a link is found only for the same parent, the very same bytes of the
// answers, and within the life of all signatures that it rests on. Failures
// are not remembered. Safe for concurrent use.
type Memo struct {
	mu    sync.Mutex
	links map[string]*remembered
	tick  uint64
	max   int
	// proven are the digests of signatures that were computed and fit, by key
	// and set; a signature fits for ever, only its time ends.
	proven map[[32]byte]struct{}
}

type remembered struct {
	parent   *zone
	ds, keys []byte
	link     link
	span     span
	used     uint64 // tick of the last use; guarded by Memo.mu
}

// maxRemembered bounds the answers of one link, in bytes. Longer ones are
// validated each time.
const maxRemembered = 8 << 10

// NewMemo makes a memo of at most max links, each of at most 8 KiB of answers
// and their keys; 2048 if max is 0.
func NewMemo(max int) *Memo {
	if max <= 0 {
		max = 2048
	}
	return &Memo{links: map[string]*remembered{}, max: max, proven: map[[32]byte]struct{}{}}
}

// find gives the link to name that was made from the same parent and the same
// DS answer; nil if there is none. Its keys must still be compared.
func (m *Memo) find(name string, parent *zone, ds []byte, now time.Time) *remembered {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.links[name]
	if r == nil || r.parent != parent || !r.span.holds(now) || !bytes.Equal(r.ds, ds) {
		return nil
	}
	m.tick++
	r.used = m.tick
	return r
}

// put remembers a link; keys is nil for one without a DNSKEY set.
func (m *Memo) put(name string, parent *zone, ds, keys []byte, l link, s span) {
	if m == nil || len(ds)+len(keys) > maxRemembered {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.links) >= m.max && m.links[name] == nil {
		m.evict()
	}
	m.tick++
	m.links[name] = &remembered{parent: parent, ds: ds, keys: keys, link: l, span: s, used: m.tick}
}

// evict drops the older half; called rarely, so a walk over all is cheap.
func (m *Memo) evict() {
	line := m.tick - min(m.tick, uint64(m.max/2))
	for name, r := range m.links {
		if r.used <= line {
			delete(m.links, name)
		}
	}
	for name := range m.links {
		if len(m.links) < m.max {
			return
		}
		delete(m.links, name)
	}
}

// maxProven bounds the signatures that are remembered; each takes 32 bytes.
const maxProven = 8192

// fits computes a signature, or remembers that the very same one over the very
// same records fits the very same key.
func (m *Memo) fits(sig *dns.RRSIG, key *dns.DNSKEY, rrs []dns.RR) bool {
	if m == nil {
		return sig.Verify(key, rrs) == nil
	}
	h, ok := digest(sig, key, rrs)
	if ok {
		m.mu.Lock()
		_, known := m.proven[h]
		m.mu.Unlock()
		if known {
			return true
		}
	}
	if sig.Verify(key, rrs) != nil {
		return false
	}
	if ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.proven) >= maxProven {
			for old := range m.proven { // any
				delete(m.proven, old)
				if len(m.proven) <= maxProven/2 {
					break
				}
			}
		}
		m.proven[h] = struct{}{}
	}
	return true
}

// digest is of all that decides whether a signature fits: the key, the whole
// signature and the records in their order, names and all. Time to live and
// the case of the owner's letters do not decide. false for sets too large to
// be worth it.
func digest(sig *dns.RRSIG, key *dns.DNSKEY, rrs []dns.RR) ([32]byte, bool) {
	var room [1024]byte
	at := room[:0]
	text := func(s string) {
		at = binary.BigEndian.AppendUint16(at, uint16(len(s)))
		at = append(at, s...)
	}
	size := len(key.PublicKey) + len(sig.Signature)
	if size > 700 || len(rrs) > 16 {
		return [32]byte{}, false
	}
	at = binary.BigEndian.AppendUint16(at, key.Flags)
	at = append(at, key.Protocol, key.Algorithm)
	text(strings.ToLower(key.Hdr.Name))
	text(key.PublicKey)
	at = binary.BigEndian.AppendUint16(at, sig.TypeCovered)
	at = binary.BigEndian.AppendUint16(at, sig.KeyTag)
	at = append(at, sig.Algorithm, sig.Labels)
	at = binary.BigEndian.AppendUint32(at, sig.OrigTtl)
	at = binary.BigEndian.AppendUint32(at, sig.Expiration)
	at = binary.BigEndian.AppendUint32(at, sig.Inception)
	text(strings.ToLower(sig.SignerName))
	text(sig.Signature)
	hash := sha256.New()
	hash.Write(at)
	var wire [2048]byte
	for _, rr := range rrs {
		n, err := dns.PackRR(rr, wire[:], 0, nil, false)
		if err != nil {
			return [32]byte{}, false
		}
		owner := 0
		for wire[owner] != 0 {
			end := owner + 1 + int(wire[owner])
			for i := owner + 1; i < end; i++ {
				if c := wire[i]; c >= 'A' && c <= 'Z' {
					wire[i] = c + 'a' - 'A'
				}
			}
			owner = end
		}
		clear(wire[owner+5 : owner+9]) // the time to live; the signature has its own
		hash.Write(binary.BigEndian.AppendUint16(at[:0], uint16(n)))
		hash.Write(wire[:n])
	}
	var sum [32]byte
	hash.Sum(sum[:0])
	return sum, true
}
