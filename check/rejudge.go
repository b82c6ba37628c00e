package check

import (
	"context"
	"errors"
	"strings"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/resolve"
)

// Edit is a change of what the world said, as a fix would make it: an answer
// of the DNS, or of a web server. What it says is taken as proper, whatever the
// zone's signatures: whoever mends a zone signs it.
type Edit struct {
	// Name and Type name a look-up; Answer is what it then gives.
	Name   string
	Type   uint16
	Answer resolve.Answer
	// URL names a hop, at whatever address; Response is what it then gives.
	URL      string
	Response *fetch.Response
}

// rejudge judges a recording as edited. What neither the attempt nor the
// diagnosis asked is an error: it is then not known what the world would say.
func (e *Engine) rejudge(ctx context.Context, c *capsule.Capsule, more *capsule.Recorder, edits []Edit) (dcv.Verdict, error) {
	var asked capsule.Capsule
	more.Into(&asked)
	all := capsule.Capsule{Challenge: c.Challenge, DNS: append(c.DNS[:len(c.DNS):len(c.DNS)], asked.DNS...), HTTP: append(c.HTTP[:len(c.HTTP):len(c.HTTP)], asked.HTTP...)}
	player := all.Play()
	again := &Engine{o: e.o}
	again.o.Diagnose = nil
	// What the diagnosis asked, it asked without DNSSEC.
	plain := resolve.NewClient(resolve.ClientOptions{Door: player, Servers: e.o.Servers, Timeout: e.o.QueryTimeout, DNSSEC: resolve.DNSSECOff})
	again.edit = func(l Lookups) Lookups { return &edited{l, plain, edits} }
	ch := clone(&c.Challenge)
	return again.judge(ctx, &ch, player, &editedWeb{player, edits})
}

// edited gives the edits' answers, then the recording's.
type edited struct {
	recorded, diagnosed Lookups
	edits               []Edit
}

func (l *edited) Lookup(ctx context.Context, name string, qtype uint16) (resolve.Answer, error) {
	for i := range l.edits {
		x := &l.edits[i]
		if x.Name != "" && x.Type == qtype && strings.EqualFold(x.Name, name) {
			a := x.Answer
			a.Name = name
			if a.Owner == "" {
				a.Owner = name
			}
			return a, nil
		}
	}
	a, err := l.recorded.Lookup(ctx, name, qtype)
	if errors.Is(err, capsule.ErrNotRecorded) {
		a, err = l.diagnosed.Lookup(ctx, name, qtype)
	}
	// Control is what is judged again. CAA that was not looked up, because
	// control was not shown, is not the fix's affair.
	if qtype == dns.TypeCAA && errors.Is(err, capsule.ErrNotRecorded) {
		return resolve.Answer{Name: name, Owner: name}, nil
	}
	return a, err
}

// editedWeb gives the edits' responses, then the recording's.
type editedWeb struct {
	recorded fetch.Door
	edits    []Edit
}

func (w *editedWeb) Hop(ctx context.Context, hop fetch.Hop) (fetch.Response, error) {
	for i := range w.edits {
		if x := &w.edits[i]; x.URL != "" && x.URL == hop.URL && x.Response != nil {
			return *x.Response, nil
		}
	}
	return w.recorded.Hop(ctx, hop)
}
