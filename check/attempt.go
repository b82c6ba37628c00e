package check

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/miekg/dns"

	"deed/caa"
	"deed/capsule"
	"deed/dcv"
	"deed/fetch"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/rules"
)

// maxAttempt bounds a whole attempt, whatever the world does.
const maxAttempt = 60 * time.Second

// Options configure an Engine.
type Options struct {
	DNS     resolve.Door
	HTTP    fetch.Door
	Servers []netip.AddrPort // resolvers
	DNSSEC  string           // see dcv.Challenge
	// Anchors are the trust anchors for "validate"; the root's, built in, if nil.
	Anchors *dnssec.Anchors
	// HostName vets the host of a redirect (fetch.Options.HostName).
	HostName func(string) (string, error)
	Deed     string // version of the program, for the capsule
	PSL      string // date of the public suffix list, for the capsule
	// PSLInUse gives that date where the list can change; PSL if nil.
	PSLInUse func() string
	Now      func() time.Time
	// QueryTimeout bounds each try of a DNS question; 2 s if 0.
	QueryTimeout time.Duration
	// Sealer signs capsules; nil leaves them unsigned.
	Sealer Sealer
	// Diagnose finds out why an attempt did not pass; nil for no diagnosis.
	Diagnose Diagnoser
}

// Sealer signs the canonical encoding of a capsule and packs it for keeping.
type Sealer interface {
	Seal(capsule []byte) ([]byte, error)
}

// Engine makes attempts: it opens the doors, records what comes through, and
// judges. Safe for concurrent use.
type Engine struct {
	o     Options
	zones *resolve.Zones // keys of warm zones; nil when nothing is validated, or in a replay
	// edit stands before the client when a recording is judged as edited.
	edit func(Lookups) Lookups
}

// New makes an engine.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{o: o}
	if o.DNSSEC == resolve.DNSSECValidate && o.DNS != nil {
		e.zones = resolve.NewZones(resolve.ZonesOptions{Now: o.Now})
		e.o.DNS = e.zones.Door(o.DNS)
	}
	return e
}

// Testing reports whether the engine's own settings mark every verdict test.
func (e *Engine) Testing() bool { return e.o.DNSSEC == resolve.DNSSECOff }

// client looks names up through a door, as of an instant.
func (e *Engine) client(door resolve.Door, now time.Time) *resolve.Client {
	return resolve.NewClient(resolve.ClientOptions{
		Door: door, Servers: e.o.Servers, Timeout: e.o.QueryTimeout, DNSSEC: e.o.DNSSEC, Now: now, Anchors: e.o.Anchors, Zones: e.zones,
	})
}

// Record is what an attempt leaves.
type Record struct {
	ID      string // UUIDv7
	Verdict dcv.Verdict
	JSON    []byte            // of Verdict
	Capsule []byte            // as it is kept: sealed, if there is a Sealer
	Digest  [sha256.Size]byte // SHA-256 of the capsule's canonical encoding
	Facets  []capsule.Facet   // what the proof rests on; nil unless proven
	// Diagnosis is why the attempt did not pass, and its JSON; nil when there is none.
	Diagnosis     *dcv.Diagnosis
	DiagnosisJSON []byte
	Started       time.Time
	Ended         time.Time
}

// Problem is the leading reason that people are told: the diagnosis' where
// there is one. nil when proven.
func (r *Record) Problem() *dcv.Problem {
	if r.Diagnosis != nil && r.Verdict.Outcome != dcv.Proven {
		return r.Diagnosis.Problem
	}
	return r.Verdict.Problem
}

// Attempt looks once and judges. The error is the caller's context's, or an
// internal failure; that we could not look is a verdict of its own.
func (e *Engine) Attempt(ctx context.Context, ch dcv.Challenge) (Record, error) {
	ch.DNSSEC, ch.TrustAnchors, ch.LookAtCAA = e.o.DNSSEC, e.o.Anchors.Text(), true
	rec := capsule.Record(e.o.DNS, e.o.HTTP, ch.Now)
	limited := until(ctx, time.Now().Add(maxAttempt))
	v, err := e.judge(limited, &ch, rec, rec)
	if err != nil {
		return Record{}, err
	}
	c := capsule.Capsule{Cut: limited.Err() != nil}
	rec.Into(&c)
	diagnosis, err := e.diagnose(ctx, &ch, &v, &c)
	if err != nil {
		return Record{}, err
	}
	r, err := e.seal(&c, &ch, v)
	if diagnosis != nil {
		r.Diagnosis, r.DiagnosisJSON = diagnosis, c.Diagnosis.JSON
	}
	return r, err
}

// Mail makes the attempt of the e-mail method, from what happened to a message.
// Only CAA is asked for.
func (e *Engine) Mail(ctx context.Context, ch dcv.Challenge, m capsule.Mail) (Record, error) {
	ch.DNSSEC, ch.TrustAnchors, ch.LookAtCAA = e.o.DNSSEC, e.o.Anchors.Text(), e.o.DNS != nil
	rec := capsule.Record(e.o.DNS, e.o.HTTP, ch.Now)
	limited, cancel := context.WithTimeout(ctx, maxAttempt)
	defer cancel()
	v, err := e.judgeMail(limited, &ch, &m, rec)
	if err != nil {
		return Record{}, err
	}
	c := capsule.Capsule{Mail: &m, Cut: limited.Err() != nil}
	rec.Into(&c)
	return e.seal(&c, &ch, v)
}

// judgeMail is judge for a message.
func (e *Engine) judgeMail(ctx context.Context, ch *dcv.Challenge, m *capsule.Mail, door resolve.Door) (dcv.Verdict, error) {
	if v := ended(ch); v != nil {
		return *v, nil
	}
	v := Email(ch, m)
	if ch.LookAtCAA && v.Outcome == dcv.Proven {
		err := permitted(ctx, ch, &v, e.client(door, ch.Now))
		return v, err
	}
	return v, nil
}

// seal completes a capsule.
func (e *Engine) seal(c *capsule.Capsule, ch *dcv.Challenge, v dcv.Verdict) (Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Record{}, err
	}
	r := Record{ID: id.String(), Verdict: v, Started: ch.Now, Ended: dcv.Stamp(e.o.Now())}
	if r.JSON, err = json.Marshal(v); err != nil {
		return Record{}, err
	}
	c.Format, c.ID, c.Deed, c.Rules, c.PSL = capsule.Format, r.ID, e.o.Deed, rules.Version, e.o.PSL
	if e.o.PSLInUse != nil {
		c.PSL = e.o.PSLInUse()
	}
	c.Challenge, c.Ended, c.Verdict = *ch, r.Ended, r.JSON
	c.Servers = make([]string, len(e.o.Servers))
	for i, s := range e.o.Servers {
		c.Servers[i] = s.String()
	}
	c.Decision = v.Decision()
	if r.Capsule, err = c.Encode(); err != nil {
		return r, err
	}
	r.Digest = sha256.Sum256(r.Capsule)
	if v.Outcome == dcv.Proven {
		r.Facets = c.Facets()
	}
	if e.o.Sealer != nil {
		r.Capsule, err = e.o.Sealer.Seal(r.Capsule)
	}
	return r, err
}

// ended refuses a method by the rules of the day; nil if it may be used.
func ended(ch *dcv.Challenge) *dcv.Verdict {
	v := verdict(ch)
	rule, ok := rules.For(ch.Method)
	switch {
	case !ok:
		v.Problem = dcv.NewProblem(dcv.MethodNotForName, "There is no method %q.", ch.Method)
	case !rule.Usable(ch.Rules()):
		v.Problem = dcv.NewProblem(dcv.MethodEnded, "The method %s ended on %s (BR %s).", ch.Method, rule.Ends().Format(time.DateOnly), rule.Sections[0])
	case !rule.Serves(ch.Name):
		v.Problem = dcv.NewProblem(dcv.WildcardByWebsite, "%s cannot be proven by %s, which speaks for one host.", ch.Name, ch.Method)
	case len(ch.ADNs) == 0:
		v.Problem = dcv.NewProblem(dcv.MethodNotForName, "The method %s cannot prove %s.", ch.Method, ch.Name)
	default:
		return nil
	}
	return &v
}

// judge is the one road from a challenge to a verdict, over live and replay
// doors alike.
func (e *Engine) judge(ctx context.Context, ch *dcv.Challenge, dnsDoor resolve.Door, webDoor fetch.Door) (dcv.Verdict, error) {
	if v := ended(ch); v != nil {
		return *v, nil
	}
	// The caller lists live values only; an expired one is never used. A key
	// authorization's life stands there, too.
	live := 0
	for _, val := range ch.Values {
		if val.Live(ch.Now) {
			live++
		}
	}
	rule, _ := rules.For(ch.Method)
	switch {
	case live == 0 && rule.ByKey && ch.KeyAuthorization == "":
		v := verdict(ch)
		_, v.Problem = keyOf(ch)
		return v, nil
	case live == 0 && (rule.ByValue || rule.ByKey):
		v := verdict(ch)
		v.Problem = dcv.NewProblem(dcv.ValueExpired, "%s has no live random value.", ch.Name)
		return v, nil
	case live != len(ch.Values):
		return dcv.Verdict{}, errors.New("check: a challenge with values that are not live")
	}
	var client Lookups = e.client(dnsDoor, ch.Now)
	if e.edit != nil {
		client = e.edit(client)
	}
	v, err := e.control(ctx, ch, client, webDoor)
	if err == nil && ch.LookAtCAA && v.Outcome == dcv.Proven {
		err = permitted(ctx, ch, &v, client)
	}
	return v, err
}

// control looks for the proof by the challenge's method.
func (e *Engine) control(ctx context.Context, ch *dcv.Challenge, client Lookups, webDoor fetch.Door) (dcv.Verdict, error) {
	switch ch.Method {
	case dcv.DNSTXT:
		return TXT(ctx, ch, client)
	case dcv.DNSCNAME:
		return CNAME(ctx, ch, client)
	case dcv.Persistent:
		return Persistent(ctx, ch, client)
	case dcv.ACMEDNS, dcv.ACMEDNSAccount:
		return ACMEDNS(ctx, ch, client)
	case dcv.HTTP, dcv.ACMEHTTP, dcv.ACMETLSALPN:
		policy, err := allowed(ch)
		if err != nil {
			return dcv.Verdict{}, err
		}
		web := fetch.NewClient(fetch.Options{
			Door: webDoor, DNS: client, Policy: policy, HTTPPort: ch.HTTPPort, HTTPSPort: ch.HTTPSPort, HostName: e.o.HostName,
		})
		switch ch.Method {
		case dcv.ACMEHTTP:
			return ACMEHTTP(ctx, ch, web)
		case dcv.ACMETLSALPN:
			return ACMETLSALPN(ctx, ch, web)
		}
		return Website(ctx, ch, web)
	}
	v := verdict(ch)
	v.Problem = dcv.NewProblem(dcv.MethodNotForName, "The method %s is not checked by looking.", ch.Method)
	return v, nil
}

func allowed(ch *dcv.Challenge) (reserve.Policy, error) {
	var p reserve.Policy
	for _, s := range ch.AllowPrivate {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			return p, fmt.Errorf("check: %w", err)
		}
		p.Allow = append(p.Allow, prefix)
	}
	return p, nil
}

// Contacts finds the e-mail contacts of an authorization domain name: the
// contactemail properties of its CAA set (BR 3.2.2.4.13; the climb stops at
// the first set, E6) and the TXT records at _validation-contactemail
// (3.2.2.4.14). A look-up that fails gives no contacts and is no error.
func (e *Engine) Contacts(ctx context.Context, adn dcv.Name) (byCAA, byTXT []string, err error) {
	client := e.client(e.o.DNS, e.o.Now())
	look := func(name string, qtype uint16) (resolve.Answer, bool, error) {
		a, err := client.Lookup(ctx, name, qtype)
		var theirs *resolve.Error
		if errors.As(err, &theirs) {
			return a, false, nil
		}
		return a, err == nil, err
	}
	for _, name := range caa.Climb(adn) {
		a, ok, err := look(name.String(), dns.TypeCAA)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break // unknown what stands here: nothing above it may be used
		}
		if len(a.CAA) > 0 {
			set := make([]caa.Record, len(a.CAA))
			for i, r := range a.CAA {
				set[i] = caa.Record(r)
			}
			byCAA = caa.Contacts(set)
			break
		}
	}
	a, ok, err := look("_validation-contactemail."+adn.String(), dns.TypeTXT)
	if err != nil {
		return nil, nil, err
	}
	if ok {
		for _, text := range a.TXT {
			if addr, ok := caa.ContactAddress(text); ok && len(byTXT) < 10 {
				byTXT = append(byTXT, addr)
			}
		}
	}
	return byCAA, byTXT, nil
}
