package dnssec

import (
	"bytes"
	"sync"
	"time"
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
	return &Memo{links: map[string]*remembered{}, max: max}
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
