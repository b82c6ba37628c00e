package resolve

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
)

// Zones keeps the keys of zones warm between attempts: the answers to DS and
// DNSKEY questions that were validated, and what validating them gave. It
// stands as a door below the recorder, so that a capsule holds the whole chain
// whether it was warm or not. Answers about the checked names themselves are
// never kept. Safe for concurrent use; bounded in bytes and in time.
type Zones struct {
	o    ZonesOptions
	memo *dnssec.Memo

	mu    sync.Mutex
	kept  map[question]*kept
	bytes int
}

// ZonesOptions configure Zones; the zero value is for production.
type ZonesOptions struct {
	Now func() time.Time
	// MaxBytes bounds the kept messages; 8 MiB if 0.
	MaxBytes int
	// MaxAge bounds how long a message is used again, besides its TTL; 15
	// minutes if 0. A zone that was repaired is not held up by it: after a bogus
	// answer everything is asked anew.
	MaxAge time.Duration
}

type question struct {
	server netip.AddrPort
	tcp    bool
	name   string
	qtype  uint16
	flags  uint8
}

type kept struct {
	reply Reply
	msg   *dns.Msg
	until time.Time
	cost  int // bytes, about
}

// NewZones makes an empty memory.
func NewZones(o ZonesOptions) *Zones {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 8 << 20
	}
	if o.MaxAge == 0 {
		o.MaxAge = 15 * time.Minute
	}
	return &Zones{o: o, memo: dnssec.NewMemo(0), kept: map[question]*kept{}}
}

func key(a *Ask) question {
	q := question{server: a.Server, tcp: a.Transport == TCP, name: a.Name, qtype: a.Type}
	for i, on := range [3]bool{a.EDNS, a.DO, a.CD} {
		if on {
			q.flags |= 1 << i
		}
	}
	return q
}

// links is the memo of validated links; nil of nil.
func (z *Zones) links() *dnssec.Memo {
	if z == nil {
		return nil
	}
	return z.memo
}

// Door gives a door that answers from memory where it can, and else from next.
func (z *Zones) Door(next Door) Door { return &warm{z, next} }

type warm struct {
	zones *Zones
	next  Door
}

// Exchange is Door.
func (w *warm) Exchange(ctx context.Context, ask Ask) (Reply, error) {
	if ask.Type == dns.TypeDS || ask.Type == dns.TypeDNSKEY {
		if err := ctx.Err(); err != nil {
			return Reply{}, err
		}
		if r, ok := w.zones.remembered(&ask); ok {
			return r, nil
		}
	}
	return w.next.Exchange(ctx, ask)
}

func (z *Zones) remembered(ask *Ask) (Reply, bool) {
	now := z.o.Now()
	z.mu.Lock()
	defer z.mu.Unlock()
	k, ok := z.kept[key(ask)]
	if !ok || !now.Before(k.until) {
		return Reply{}, false
	}
	return k.reply, true
}

// parsed gives the message of a reply that came from this memory, already
// read; it must not be changed.
func (z *Zones) parsed(ask Ask, r Reply) (*dns.Msg, bool) {
	if z == nil || len(r.Received) == 0 || (ask.Type != dns.TypeDS && ask.Type != dns.TypeDNSKEY) {
		return nil, false
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	k, ok := z.kept[key(&ask)]
	if !ok || k.msg == nil || len(k.reply.Received) != len(r.Received) || &k.reply.Received[0] != &r.Received[0] {
		return nil, false
	}
	return k.msg, true
}

// maxKept bounds one kept message.
const maxKept = 8 << 10

// keep remembers a validated answer and the exchanges that led to it, so that
// asking again goes the same way.
func (z *Zones) keep(a *answered, ttl uint32) {
	age := min(time.Duration(ttl)*time.Second, z.o.MaxAge)
	if age <= 0 || len(a.raw) > maxKept {
		return
	}
	for i := range a.trace {
		if a.trace[i].reply.Fault != FaultNone {
			return
		}
	}
	now := z.o.Now()
	z.mu.Lock()
	defer z.mu.Unlock()
	for i := range a.trace {
		e := &a.trace[i]
		q := key(&e.ask)
		if old, ok := z.kept[q]; ok {
			z.bytes -= old.cost
		}
		// From when it was heard: using it does not make it younger.
		k := &kept{reply: e.reply, until: e.reply.Started.Add(age), cost: len(e.reply.Received)}
		if i == len(a.trace)-1 {
			k.msg = a.Msg
			k.cost += size(a.Msg)
		}
		z.kept[q] = k
		z.bytes += k.cost
	}
	if z.bytes > z.o.MaxBytes {
		z.shrink(now)
	}
}

// size is about what a message takes once it is read: compression and escapes
// make it larger than its bytes.
func size(m *dns.Msg) int {
	n := 0
	for _, section := range [2][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			n += 100 + len(rr.String())
		}
	}
	return n
}

// shrink drops what has ended, then whatever comes, to half of the limit.
func (z *Zones) shrink(now time.Time) {
	for _, all := range [2]bool{false, true} {
		for q, k := range z.kept {
			if z.bytes <= z.o.MaxBytes/2 {
				return
			}
			if all || !now.Before(k.until) {
				z.bytes -= k.cost
				delete(z.kept, q)
			}
		}
	}
}

// forget drops the messages about a name and the names above it: the next
// questions are asked of the servers.
func (z *Zones) forget(name string) {
	if z == nil {
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	for q, k := range z.kept {
		if q.name == "." || name == q.name || strings.HasSuffix(name, "."+q.name) {
			z.bytes -= k.cost
			delete(z.kept, q)
		}
	}
}
