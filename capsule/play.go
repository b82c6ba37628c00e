package capsule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"deed/fetch"
	"deed/resolve"
)

// ErrNotRecorded is what a replay door answers for something that the
// recorded attempt never asked.
var ErrNotRecorded = errors.New("capsule: the recording has no such exchange")

// Player is a pair of doors that answer from a capsule.
type Player struct {
	start time.Time
	end   error // for what is not recorded

	mu  sync.Mutex
	dns map[string][]*DNS
	web map[string][]*HTTP
	tls map[string][]*TLS
}

// Play makes the doors of a capsule.
func (c *Capsule) Play() *Player {
	p := &Player{start: c.Challenge.Now, end: ErrNotRecorded, dns: map[string][]*DNS{}, web: map[string][]*HTTP{}, tls: map[string][]*TLS{}}
	if c.Cut {
		p.end = context.DeadlineExceeded
	}
	for i := range c.DNS {
		e := &c.DNS[i]
		k := dnsKey(e.Server, e.Transport, e.Name, e.Type, e.Flags)
		p.dns[k] = append(p.dns[k], e)
	}
	for i := range c.HTTP {
		e := &c.HTTP[i]
		p.web[e.URL+" "+e.Addr] = append(p.web[e.URL+" "+e.Addr], e)
	}
	for i := range c.TLS {
		e := &c.TLS[i]
		k := tlsKey(e.Name, e.Addr, e.Protocol)
		p.tls[k] = append(p.tls[k], e)
	}
	return p
}

func dnsKey(server, transport, name string, qtype uint16, flags uint8) string {
	return fmt.Sprintf("%s %s %s %d %d", server, transport, strings.ToLower(name), qtype, flags)
}

// Exchange is resolve.Door: the n-th asking gets the n-th recorded reply.
func (p *Player) Exchange(_ context.Context, ask resolve.Ask) (resolve.Reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := dnsKey(ask.Server.String(), string(ask.Transport), ask.Name, ask.Type, flags(ask))
	if len(p.dns[k]) == 0 {
		return resolve.Reply{}, p.end
	}
	e := p.dns[k][0]
	p.dns[k] = p.dns[k][1:]
	return resolve.Reply{
		Sent: e.Sent, Received: e.Received, Started: p.start.Add(time.Duration(e.Started) * time.Microsecond),
		Elapsed: time.Duration(e.Elapsed) * time.Microsecond, Fault: resolve.Fault(e.Fault),
	}, nil
}

// Hop is fetch.Door.
func (p *Player) Hop(_ context.Context, hop fetch.Hop) (fetch.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := hop.URL + " " + hop.Addr.String()
	if len(p.web[k]) == 0 {
		return fetch.Response{}, p.end
	}
	e := p.web[k][0]
	p.web[k] = p.web[k][1:]
	return fetch.Response{
		Status: e.Status, Location: e.Location, ContentType: e.ContentType, Server: e.Server, Header: e.Header, Body: e.Body,
		Truncated: e.Truncated, Certificate: e.Certificate, Started: p.start.Add(time.Duration(e.Started) * time.Microsecond),
		Elapsed: time.Duration(e.Elapsed) * time.Microsecond, Fault: fetch.Fault(e.Fault), FaultDetail: e.FaultDetail,
	}, nil
}
