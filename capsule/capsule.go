// Package capsule holds the evidence of one attempt: the challenge, the
// versions, every DNS message and every HTTP hop as they came through the
// doors, what was done by mail, and the verdict. docs/capsule.md specifies the
// encoding.
package capsule

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"deed/dcv"
	"deed/fetch"
	"deed/resolve"
)

// Format is the version of the encoding.
const Format = 1

// Limits of a capsule that is read.
const (
	MaxSize   = 2 << 20 // bytes
	maxEvents = 2000    // DNS exchanges, and HTTP hops
)

// Capsule is the whole of what an attempt saw.
type Capsule struct {
	Format    int           `cbor:"1,keyasint"`
	ID        string        `cbor:"2,keyasint"` // UUIDv7
	Deed      string        `cbor:"3,keyasint"` // version of the program
	Rules     string        `cbor:"4,keyasint"` // version of the Baseline Requirements
	PSL       string        `cbor:"5,keyasint"` // date of the public suffix list
	Challenge dcv.Challenge `cbor:"6,keyasint"`
	Servers   []string      `cbor:"7,keyasint"` // the resolvers asked
	DNS       []DNS         `cbor:"8,keyasint,omitempty"`
	HTTP      []HTTP        `cbor:"9,keyasint,omitempty"`
	Mail      *Mail         `cbor:"10,keyasint,omitempty"`
	// Cut: the attempt's own deadline ended it; what is missing was not asked.
	Cut     bool      `cbor:"11,keyasint,omitempty"`
	Ended   time.Time `cbor:"12,keyasint"`
	Verdict []byte    `cbor:"13,keyasint"` // JSON of dcv.Verdict
}

// DNS is one exchange.
type DNS struct {
	Server    string `cbor:"1,keyasint"`
	Transport string `cbor:"2,keyasint"`
	Name      string `cbor:"3,keyasint"`
	Type      uint16 `cbor:"4,keyasint"`
	Flags     uint8  `cbor:"5,keyasint,omitempty"` // 1 EDNS, 2 DO, 4 CD
	Sent      []byte `cbor:"6,keyasint"`
	Received  []byte `cbor:"7,keyasint,omitempty"`
	Started   int64  `cbor:"8,keyasint"` // microseconds since the challenge's Now
	Elapsed   int64  `cbor:"9,keyasint"` // microseconds
	Fault     string `cbor:"10,keyasint,omitempty"`
}

// HTTP is one hop.
type HTTP struct {
	URL         string `cbor:"1,keyasint"`
	Addr        string `cbor:"2,keyasint"`
	Status      int    `cbor:"3,keyasint,omitempty"`
	Header      []byte `cbor:"4,keyasint,omitempty"`
	Location    string `cbor:"5,keyasint,omitempty"`
	ContentType string `cbor:"6,keyasint,omitempty"`
	Server      string `cbor:"7,keyasint,omitempty"`
	Body        []byte `cbor:"8,keyasint,omitempty"`
	Truncated   bool   `cbor:"9,keyasint,omitempty"`
	Certificate []byte `cbor:"10,keyasint,omitempty"`
	Started     int64  `cbor:"11,keyasint"`
	Elapsed     int64  `cbor:"12,keyasint"`
	Fault       string `cbor:"13,keyasint,omitempty"`
	FaultDetail string `cbor:"14,keyasint,omitempty"`
}

// Mail is what happened to one message of the e-mail method.
type Mail struct {
	Kind      string    `cbor:"1,keyasint"` // "constructed", "caa", "txt"
	Recipient string    `cbor:"2,keyasint"`
	ADN       dcv.Name  `cbor:"3,keyasint"`
	Created   time.Time `cbor:"4,keyasint"`
	Expires   time.Time `cbor:"5,keyasint"`
	Approved  time.Time `cbor:"6,keyasint,omitzero"` // when the right code was entered
	CodeHash  []byte    `cbor:"7,keyasint"`          // SHA-256 of the random value
}

var encoding = must(cbor.EncOptions{
	Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16, IndefLength: cbor.IndefLengthForbidden,
	Time: cbor.TimeRFC3339NanoUTC, TextMarshaler: cbor.TextMarshalerTextString,
}.EncMode())

var decoding = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 8,
	MaxArrayElements: maxEvents, MaxMapPairs: 64, TagsMd: cbor.TagsForbidden,
	TextUnmarshaler: cbor.TextUnmarshalerTextString, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // a constant of this file is wrong
	}
	return v
}

// Encode gives the one encoding of a capsule.
func (c *Capsule) Encode() ([]byte, error) {
	b, err := encoding.Marshal(c)
	if err == nil && len(b) > MaxSize {
		err = errors.New("larger than 2 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("capsule: %w", err)
	}
	return b, nil
}

// Decode reads a capsule, hostile or not, in bounded time and memory.
func Decode(b []byte) (*Capsule, error) {
	if len(b) > MaxSize {
		return nil, errors.New("capsule: larger than 2 MiB")
	}
	c := &Capsule{}
	if err := decoding.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("capsule: %w", err)
	}
	if c.Format != Format {
		return nil, fmt.Errorf("capsule: format %d is not known to this version", c.Format)
	}
	return c, nil
}

// Recorder stands before live doors and keeps what comes through.
type Recorder struct {
	dns   resolve.Door
	http  fetch.Door
	start time.Time

	mu    sync.Mutex
	asked []DNS
	hops  []HTTP
}

// Record makes a recorder; start is the challenge's Now.
func Record(dns resolve.Door, http fetch.Door, start time.Time) *Recorder {
	return &Recorder{dns: dns, http: http, start: start}
}

// Into moves the recording into a capsule.
func (r *Recorder) Into(c *Capsule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.DNS, c.HTTP = r.asked, r.hops
}

// Exchange is resolve.Door.
func (r *Recorder) Exchange(ctx context.Context, ask resolve.Ask) (resolve.Reply, error) {
	reply, err := r.dns.Exchange(ctx, ask)
	if err != nil {
		return reply, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, DNS{
		Server: ask.Server.String(), Transport: string(ask.Transport), Name: ask.Name, Type: ask.Type, Flags: flags(ask),
		Sent: reply.Sent, Received: reply.Received, Started: reply.Started.Sub(r.start).Microseconds(),
		Elapsed: reply.Elapsed.Microseconds(), Fault: string(reply.Fault),
	})
	return reply, nil
}

func flags(ask resolve.Ask) uint8 {
	var f uint8
	for i, on := range []bool{ask.EDNS || ask.DO, ask.DO, ask.CD} {
		if on {
			f |= 1 << i
		}
	}
	return f
}

// Hop is fetch.Door.
func (r *Recorder) Hop(ctx context.Context, hop fetch.Hop) (fetch.Response, error) {
	resp, err := r.http.Hop(ctx, hop)
	if err != nil {
		return resp, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hops = append(r.hops, HTTP{
		URL: hop.URL, Addr: hop.Addr.String(), Status: resp.Status, Header: resp.Header, Location: resp.Location,
		ContentType: resp.ContentType, Server: resp.Server, Body: resp.Body, Truncated: resp.Truncated, Certificate: resp.Certificate,
		Started: resp.Started.Sub(r.start).Microseconds(), Elapsed: resp.Elapsed.Microseconds(),
		Fault: string(resp.Fault), FaultDetail: resp.FaultDetail,
	})
	return resp, nil
}

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
}

// Play makes the doors of a capsule.
func (c *Capsule) Play() *Player {
	p := &Player{start: c.Challenge.Now, end: ErrNotRecorded, dns: map[string][]*DNS{}, web: map[string][]*HTTP{}}
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

// Resolvers reads the servers back; an entry that is no address is an error of
// the capsule.
func (c *Capsule) Resolvers() ([]netip.AddrPort, error) { return resolve.ParseServers(c.Servers) }
