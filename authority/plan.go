package authority

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"deed/check"
	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// PublishedRecord is a DNS record to be published.
type PublishedRecord struct {
	Name  string // without the final dot
	Type  string // "TXT" or "CNAME"
	Value string
}

// Published is what one method needs in the world.
type Published struct {
	Method dcv.Method
	Own    bool // the domain's own method, the one that dcv_method names
	Armed  bool // looked for, or mailed; false for what is only recommended
	// Recommended: one record serves every renewal.
	Recommended bool
	Record      *PublishedRecord
	URL         string // of a file
	Content     string // of the file, or the digest that a certificate carries, in hexadecimal
	Recipients  []string
	Text        string // what to do, one sentence
	Created     time.Time
	Expires     time.Time // the last instant at which it counts; zero if it does not expire
}

// Plan is a domain with everything that would prove it, what serves longest first.
type Plan struct {
	Domain  DomainView
	Methods []Published
}

// issuers are the issuer domain names that a persistent record may name: those
// whose CAA is enforced, else the host of the public URL.
func (a *Authority) issuers() []string {
	if len(a.o.Permission.Issuers) > 0 {
		return a.o.Permission.Issuers
	}
	u, err := url.Parse(a.o.PublicURL)
	if err == nil {
		if _, err := netip.ParseAddr(u.Hostname()); err != nil && u.Hostname() != "" {
			return []string{strings.ToLower(u.Hostname())}
		}
	}
	return []string{"deed.localhost"} // an address can be no issuer
}

// PersistentRecord is the record that proves a domain by dns-txt-persistent,
// for as long as it stands (BR 3.2.2.4.22).
func (a *Authority) PersistentRecord(d *Domain) PublishedRecord {
	name, value := check.PersistentRecord(d.Name.Base(), a.issuers()[0], a.AccountURI(d.AccountID))
	return PublishedRecord{name, "TXT", value}
}

// Plan lists what would prove a domain.
func (a *Authority) Plan(ctx context.Context, actor Actor, id int64) (p Plan, err error) {
	if p.Domain, err = a.Domain(ctx, actor, id); err != nil {
		return p, err
	}
	d := &p.Domain.Domain
	var list []Arming
	var mails []store.Mail
	err = a.read(ctx, func(r store.Reader) error {
		if list, err = r.Armed(id); err != nil {
			return err
		}
		mails, err = r.MailsOfDomain(id)
		return err
	})
	if err != nil {
		return p, err
	}
	own := Arming{Method: d.Method, Created: d.Submitted}
	if i := slices.IndexFunc(list, func(x Arming) bool { return x.Method == d.Method }); i >= 0 {
		own = list[i]
		list = slices.Delete(list, i, i+1)
	}
	if v := p.Domain.Value; v != nil && v.Method == d.Method && own.Token == "" {
		own.Token, own.Created, own.Expires = v.Token, v.Created, v.Expires
	}
	for i, x := range append([]Arming{own}, list...) {
		e := a.published(d, &x, mails)
		e.Own, e.Armed = i == 0, true
		p.Methods = append(p.Methods, e)
	}
	persistent := func(e Published) bool { return e.Method == dcv.Persistent }
	if !slices.ContainsFunc(p.Methods, persistent) {
		if _, err := a.allowed(dcv.Persistent, d.Name, a.now()); err == nil {
			p.Methods = append(p.Methods, a.published(d, &Arming{Method: dcv.Persistent}, nil))
		}
	}
	slices.SortStableFunc(p.Methods, func(x, y Published) int {
		switch {
		case persistent(x) == persistent(y):
			return 0
		case persistent(x):
			return -1
		}
		return 1
	})
	return p, nil
}

// published says what a method needs. x.Token is "" where there is no value.
func (a *Authority) published(d *Domain, x *Arming, mails []store.Mail) Published {
	name := d.Name.Base()
	e := Published{Method: x.Method, Created: x.Created, Expires: x.Expires}
	key, _ := check.ParseKeyAuthorization(x.KeyAuthorization)
	switch x.Method {
	case dcv.Persistent:
		r := a.PersistentRecord(d)
		e.Record, e.Recommended = &r, true
		e.Text = "Publish this record once and leave it there: it serves this proof and every renewal, made by looking again before the proof ends."
	case dcv.DNSTXT:
		e.Record = &PublishedRecord{check.Prefix + "." + name.String(), "TXT", x.Token}
		e.Text = "Publish the random value in this TXT record, or at the name itself, or at a parent down to the base domain name."
	case dcv.DNSCNAME:
		e.Record = &PublishedRecord{check.Prefix + "." + name.String(), "CNAME", x.Token + "." + a.o.CNAMETarget}
		e.Text = "Publish this CNAME record, or the random value as a label before the name, pointing to the bare target."
	case dcv.HTTP:
		e.URL, e.Content = "http://"+name.String()+check.Path, x.Token
		e.Text = "Serve the random value in this file; it proves this host and no other name."
	case dcv.Email:
		for _, m := range mails {
			e.Recipients = append(e.Recipients, m.Recipient)
		}
		e.Text = "Each recipient has a message with a link and a code; one confirmation is enough."
	case dcv.ACMEDNS, dcv.ACMEDNSAccount:
		e.Record = &PublishedRecord{check.ACMERecord(x.Method, x.AccountURL, name), "TXT", ""}
		if x.KeyAuthorization != "" {
			e.Record.Value = key.TXT()
		}
		e.Text = "Publish the digest of the key authorization in this TXT record."
	case dcv.ACMEHTTP:
		e.URL, e.Content = "http://"+name.String()+check.ACMEPath+key.Token, x.KeyAuthorization
		e.Text = "Serve the key authorization in this file, on port 80; it proves this host and no other name."
	case dcv.ACMETLSALPN:
		digest := key.Digest()
		e.Content = hex.EncodeToString(digest[:])
		e.Text = "On port 443, answer the protocol acme-tls/1 with a self-signed certificate for the name that carries this SHA-256 digest (RFC 8737); it proves this host and no other name."
	}
	return e
}

// CheckMethods looks now, by one of the domain's methods, or by all until one
// passes. A domain that is proven already is not looked at again.
func (a *Authority) CheckMethods(ctx context.Context, actor Actor, id int64, only dcv.Method) ([]CheckResult, error) {
	d, err := a.domain(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	if !d.Active {
		return nil, refusal(Conflict, "inactive", "", "The domain is not active; activate it first.")
	}
	now := a.now()
	if !d.Pending() && a.standsAt(&d, now) {
		r := CheckResult{Domain: d, Verdict: dcv.Verdict{Outcome: dcv.Proven, Method: d.ProofMethod, ADN: d.ProofADN, Matched: -1}}
		err := a.read(ctx, func(rd store.Reader) error {
			r.Attempt, err = rd.Attempt(actor.Account, d.ProofAttempt)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return []CheckResult{r}, err
	}
	var list []Arming
	if err := a.read(ctx, func(r store.Reader) error { list, err = r.Armed(id); return err }); err != nil {
		return nil, err
	}
	methods := toLookAt(&d, list, now)
	if only != "" {
		if rule, ok := rules.For(only); !ok {
			return nil, refusal(Invalid, "dcv_method", "method", "There is no method %q.", only)
		} else if rule.Mailed {
			return nil, refusal(Invalid, "method_by_mail", "method", "E-mail is confirmed by its recipients, not checked.")
		}
		if !slices.Contains(methods, only) {
			return nil, refusal(Conflict, "not_armed", "method", "The method %s is not armed for this domain.", only)
		}
		methods = []dcv.Method{only}
	}
	if len(methods) == 0 {
		return nil, refusal(Conflict, "not_armed", "", "No method of this domain can be looked at: arm one.")
	}
	return a.lookBy(ctx, actor, d, methods, "manual")
}
