// Package diagnose finds out why a check did not pass. It gathers facts with
// questions of its own, after the verdict and apart from it; pure rankers read
// the facts; and a fix is tried on the recording before it is called proven.
// Whatever it finds, it can never turn a "no" into a "yes".
package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
	"deed/resolve"
)

// Issued knows the random values that were handed out here.
type Issued interface {
	// Recall says which of the texts seen are values that were handed out. It
	// says of another account's value that it is one, and nothing else.
	Recall(ctx context.Context, ch *dcv.Challenge, seen []string) ([]Recollection, error)
}

// Recollection is one value that was handed out.
type Recollection struct {
	Text string
	// Own: it was handed out for this domain and account; else only Text is set.
	Own     bool
	Method  dcv.Method
	Created time.Time
	Ended   time.Time // when it was replaced; zero if it was not
	Expires time.Time
}

// Options configure a Diagnoser.
type Options struct {
	Issued Issued // may be nil
	// NameServerPort is where name servers of zones listen; 53 if 0. Other
	// ports are for tests.
	NameServerPort uint16
	// Timeout bounds each question; 1 s if 0.
	Timeout time.Duration
}

// Diagnoser is check.Diagnoser. Safe for concurrent use.
type Diagnoser struct{ o Options }

// New makes a diagnoser.
func New(o Options) *Diagnoser {
	if o.NameServerPort == 0 {
		o.NameServerPort = 53
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	return &Diagnoser{o}
}

// Diagnose is check.Diagnoser.
func (d *Diagnoser) Diagnose(ctx context.Context, k check.Case) dcv.Diagnosis {
	f := newFacts(&k)
	g := &gatherer{o: d.o, k: &k, f: f}
	g.gather(ctx)
	causes := f.rank()
	for i := range causes {
		causes[i].prove(ctx, &k)
	}
	return f.told(causes)
}

// cause is one reason, with how sure it is and what its fix would change.
type cause struct {
	score int
	p     *dcv.Problem
	edits []check.Edit
}

// Scores. A cause that was seen goes before the verdict's own words; one that
// was seen but explains another "no" comes after.
const (
	scoreSeen   = 100 // the very value was seen, and where it went wrong
	scoreValue  = 90  // something like the value was seen
	scoreStrong = 80
	scoreOwn    = 50 // what the verdict says itself
	scoreBeside = 30 // wrong, but not what stopped this check
)

func (f *facts) rank() []cause {
	var list []cause
	rankers := []func(*facts) []cause{own, servers, values, places, web}
	if shownButRefused(f.v) {
		rankers = rankers[:1] // control was shown: the record is where it should be
	}
	for _, ranker := range rankers {
		list = append(list, ranker(f)...)
	}
	slices.SortStableFunc(list, func(a, b cause) int { return cmp.Compare(b.score, a.score) })
	seen := map[dcv.Code]bool{}
	return slices.DeleteFunc(list, func(c cause) bool {
		twice := seen[c.p.Code]
		seen[c.p.Code] = true
		return twice
	})
}

// own are the verdict's problem and causes; the leading one with the fix that
// is to publish what was handed out.
func own(f *facts) []cause {
	var list []cause
	if f.v.Problem == nil {
		return nil
	}
	p := *f.v.Problem
	c := cause{score: scoreOwn, p: &p}
	switch p.Code {
	case dcv.TXTNotFound, dcv.TXTNoMatch, dcv.CNAMENotFound, dcv.CNAMENoMatch, dcv.PersistNotFound, dcv.PersistNoMatch:
		if w := f.best(); w != nil {
			c.edits, p.Publish = w.edits(f), []string{w.line()}
			if p.Code == dcv.TXTNotFound || p.Code == dcv.CNAMENotFound {
				f.nameMissing(&p)
			}
		}
	case dcv.CNAMEWildcard:
		if w := f.best(); w != nil {
			c.score, c.edits, p.Publish = scoreSeen, w.edits(f), []string{w.line()}
		}
	case dcv.CAADenied:
		f.permit(&c)
	case dcv.HTTPNotFound, dcv.HTTPNoMatch:
		if f.path != "" {
			p.Publish, c.edits = []string{f.file}, f.fileEdits()
		}
	}
	list = append(list, c)
	for i := range f.v.Causes {
		p := f.v.Causes[i]
		list = append(list, cause{score: scoreOwn - 1 - i, p: &p})
	}
	return list
}

// permit adds a record that names us to the CAA set that forbids. A set with a
// critical property that is not known here still forbids then.
func (f *facts) permit(c *cause) {
	r := f.v.CAA
	if r == nil || r.Found.IsZero() || len(f.ch.Issuers) == 0 {
		return
	}
	tag := "issue"
	if f.ch.Name.Wildcard() {
		tag = "issuewild"
	}
	name := r.Found.String()
	a := resolve.Answer{Owner: name, Security: resolve.SecurityUnchecked, CAA: []resolve.CAA{{Tag: tag, Value: f.ch.Issuers[0]}}}
	if s := f.said(name, dns.TypeCAA); s.ok() {
		a.CAA = append(a.CAA, s.caa...)
	}
	c.edits = []check.Edit{{Name: name, Type: dns.TypeCAA, Answer: a}}
	c.p.Publish = []string{fmt.Sprintf("%s. CAA 0 %s %q", name, tag, f.ch.Issuers[0])}
}

// nameMissing: when the domain itself does not exist, that is the reason.
func (f *facts) nameMissing(p *dcv.Problem) {
	base := f.base()
	s := f.said(base, dns.TypeTXT)
	if s == nil || s.rcode != dns.RcodeNameError || s.zone() == base || s.zone() == "" {
		return
	}
	q := dcv.NewProblem(dcv.DNSNoName, "The domain %s does not exist in the DNS: the zone %s says so (NXDOMAIN).", base, s.zone())
	q.Publish = p.Publish
	*p = *q
}

// prove tries a cause's fix on the recording.
func (c *cause) prove(ctx context.Context, k *check.Case) {
	c.p.FixProven = false
	if len(c.edits) == 0 {
		return
	}
	v, err := k.Judge(ctx, c.edits...)
	c.p.FixProven = err == nil && v.Outcome == dcv.Proven
}

// maxCauses bounds what is told beside the leading problem.
const maxCauses = 6

func (f *facts) told(list []cause) dcv.Diagnosis {
	d := dcv.Diagnosis{Worth: f.worth(), Seen: f.seen}
	for i := range list {
		switch {
		case d.Problem == nil:
			d.Problem = list[i].p
		case len(d.Causes) < maxCauses:
			d.Causes = append(d.Causes, *list[i].p)
		}
	}
	if d.Problem != nil && !d.Worth.IsZero() && d.Problem.Whose == dcv.Record {
		d.Problem.Detail += " Resolvers may remember this answer until " + clock(d.Worth) + "."
	}
	return d
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC on 2006-01-02") }

// worth is the first instant at which looking again can give another answer:
// when the first of the answers that were looked at ends in the resolver's
// memory (RFC 2308 section 5). Zero when it cannot be known.
func (f *facts) worth() time.Time {
	var first time.Time
	for i := range f.wants {
		s := f.recorded[question{f.wants[i].name, f.wants[i].qtype}]
		if s == nil {
			continue
		}
		if s.fault != resolve.FaultNone || (s.rcode != dns.RcodeSuccess && s.rcode != dns.RcodeNameError) {
			return time.Time{}
		}
		if end := s.ends(); !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}
