package check

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/resolve"
)

// Diagnoser finds out why an attempt did not pass. It is called after the
// verdict, which never depends on it.
type Diagnoser interface {
	Diagnose(ctx context.Context, c Case) dcv.Diagnosis
}

// Case is an attempt that did not pass, as a diagnoser gets it. All of it is a
// copy: nothing that is done to it can reach the verdict.
type Case struct {
	Challenge dcv.Challenge
	Verdict   dcv.Verdict
	// Heard and Visited are the attempt's recording.
	Heard   []capsule.DNS
	Visited []capsule.HTTP
	Servers []netip.AddrPort // the resolvers
	// HostName vets the host of a redirect (fetch.Options.HostName).
	HostName func(string) (string, error)
	// DNS and HTTP are for further questions. They are recorded apart from the
	// attempt, and limited in count, bytes and time; past a limit they answer
	// with ErrSpent or the context's error.
	DNS  resolve.Door
	HTTP fetch.Door
	// Judge judges the recording again, with the same code, as if the world had
	// said what the edits say.
	Judge func(ctx context.Context, edits ...Edit) (dcv.Verdict, error)
}

// Limits of a diagnosis.
const (
	maxDiagnosis = 6 * time.Second
	maxQuestions = 120
	maxFetches   = 12
	maxMoreBytes = 96 << 10 // received, in answers and pages
)

// ErrSpent is the answer of a diagnosis' doors past their limits.
var ErrSpent = errors.New("check: the diagnosis has asked enough")

// diagnose asks the diagnoser, and puts what it asked and said into the
// capsule's own section for it. Our own trouble needs no diagnosis: it is
// called ours already.
func (e *Engine) diagnose(ctx context.Context, ch *dcv.Challenge, v *dcv.Verdict, c *capsule.Capsule) (*dcv.Diagnosis, error) {
	if e.o.Diagnose == nil || v.Outcome != dcv.NotProven || len(c.DNS)+len(c.HTTP) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	k := Case{Challenge: clone(ch), Heard: cloneDNS(c.DNS), Visited: cloneHTTP(c.HTTP), Servers: slices.Clone(e.o.Servers), HostName: e.o.HostName}
	if err := json.Unmarshal(text, &k.Verdict); err != nil {
		return nil, err
	}
	k.Verdict.Matched = -1
	rec := capsule.Record(e.o.DNS, e.o.HTTP, ch.Now)
	spend := &purse{dns: rec, http: rec}
	k.DNS, k.HTTP = spend, spend
	before := capsule.Capsule{Challenge: clone(ch), DNS: k.Heard, HTTP: k.Visited, Cut: c.Cut}
	k.Judge = func(ctx context.Context, edits ...Edit) (dcv.Verdict, error) {
		return e.rejudge(ctx, &before, rec, edits)
	}

	limited, cancel := context.WithTimeout(ctx, maxDiagnosis)
	defer cancel()
	d := e.o.Diagnose.Diagnose(limited, k)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if d.Problem == nil {
		// No reason is a reason of the verdict's own.
		d.Problem = k.Verdict.Problem
	}
	var asked capsule.Capsule
	rec.Into(&asked)
	text, err = json.Marshal(d)
	if err != nil {
		return nil, err
	}
	c.Diagnosis = &capsule.Diagnosis{DNS: asked.DNS, HTTP: asked.HTTP, JSON: text}
	return &d, nil
}

func clone(ch *dcv.Challenge) dcv.Challenge {
	c := *ch
	c.Values, c.ADNs = slices.Clone(c.Values), slices.Clone(c.ADNs)
	c.AllowPrivate, c.Issuers = slices.Clone(c.AllowPrivate), slices.Clone(c.Issuers)
	return c
}

func cloneDNS(list []capsule.DNS) []capsule.DNS {
	list = slices.Clone(list)
	for i := range list {
		list[i].Sent, list[i].Received = slices.Clone(list[i].Sent), slices.Clone(list[i].Received)
	}
	return list
}

func cloneHTTP(list []capsule.HTTP) []capsule.HTTP {
	list = slices.Clone(list)
	for i := range list {
		h := &list[i]
		h.Header, h.Body, h.Certificate = slices.Clone(h.Header), slices.Clone(h.Body), slices.Clone(h.Certificate)
	}
	return list
}

// purse pays for a diagnosis' questions.
type purse struct {
	dns  resolve.Door
	http fetch.Door

	mu                        sync.Mutex
	questions, fetches, bytes int
}

func (p *purse) pay(question, fetched int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.questions+question > maxQuestions || p.fetches+fetched > maxFetches || p.bytes > maxMoreBytes {
		return ErrSpent
	}
	p.questions += question
	p.fetches += fetched
	return nil
}

func (p *purse) got(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += n
}

// Exchange is resolve.Door.
func (p *purse) Exchange(ctx context.Context, ask resolve.Ask) (resolve.Reply, error) {
	if err := p.pay(1, 0); err != nil {
		return resolve.Reply{}, err
	}
	r, err := p.dns.Exchange(ctx, ask)
	p.got(len(r.Received))
	return r, err
}

// Hop is fetch.Door.
func (p *purse) Hop(ctx context.Context, hop fetch.Hop) (fetch.Response, error) {
	if err := p.pay(0, 1); err != nil {
		return fetch.Response{}, err
	}
	r, err := p.http.Hop(ctx, hop)
	p.got(len(r.Header) + len(r.Body))
	return r, err
}
