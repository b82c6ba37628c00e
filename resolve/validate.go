package resolve

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
)

// validated is Lookup with signatures checked here. An answer that does not
// validate is asked for once more, with all that it rests on, from the next
// server: a stale copy or a forged packet must not be the last word (RFC 4035
// section 5.5).
func (c *Client) validated(ctx context.Context, name string, qtype uint16) (Answer, error) {
	a, err := c.walk(ctx, name, qtype, 0)
	var bogus *Error
	if !errors.As(err, &bogus) || bogus.Kind != Bogus || bogus.Finding.Reason == dnssec.TooMuchWork {
		return a, err
	}
	c.validator.Forget()
	c.o.Zones.forget(bogus.Name)
	again, err := c.walk(ctx, name, qtype, 1)
	var second *Error
	if errors.As(err, &second) && second.Kind != Bogus {
		return a, bogus // the first says more
	}
	return again, err
}

// walk follows a name through its aliases, validating each step.
func (c *Client) walk(ctx context.Context, name string, qtype uint16, rotate int) (Answer, error) {
	a := Answer{Name: name, Owner: name, Security: SecuritySecure, TTL: ^uint32(0)}
	c.rotate.Store(int64(rotate))
	var w dnssec.Work
	for {
		m, err := c.ask(ctx, a.Owner, qtype, rotate)
		if err != nil {
			return a, err
		}
		a.Server = m.server
		for direct, silent := true, false; !silent; direct = false {
			j, err := c.validator.Judge(ctx, &w, m.Msg, a.Owner, qtype, direct)
			if err != nil {
				return a, needed(err, &a, qtype)
			}
			failure := &Error{Name: a.Owner, Type: dns.TypeToString[qtype], Server: m.server, Detail: j.Finding.String(), Finding: j.Finding}
			switch j.Finding.Status {
			case dnssec.Secure:
			case dnssec.Insecure:
				if a.Security == SecuritySecure {
					a.Security, a.Finding = SecurityInsecure, j.Finding
				}
			case dnssec.Indeterminate:
				failure.Kind = Indeterminate
				return a, failure
			default: // whatever is not known to be well is bogus
				failure.Kind = Bogus
				return a, failure
			}
			switch j.Kind {
			case dnssec.Silent:
				silent = true
				continue
			case dnssec.Alias:
				a.TTL = min(a.TTL, j.TTL)
				if a.follow(plain(j.Target)) != nil {
					return a, &Error{Kind: ChainTooLong, Name: name, Type: dns.TypeToString[qtype], Server: m.server}
				}
				continue
			case dnssec.Records:
				for _, rr := range j.Records {
					a.add(rr)
				}
			case dnssec.NoName:
				a.NXDomain = true
			case dnssec.NoData:
			}
			a.TTL = min(a.TTL, j.TTL)
			return a, nil
		}
	}
}

// needed says of a failed question on the way what it was asked for.
func needed(err error, a *Answer, qtype uint16) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	more := *e
	more.Detail = "needed to validate " + dns.TypeToString[qtype] + " " + a.Owner
	if e.Detail != "" {
		more.Detail = e.Detail + "; " + more.Detail
	}
	return &more
}

// source asks the questions on the way down for the validator.
type source struct{ c *Client }

// Ask is dnssec.Source.
func (s source) Ask(ctx context.Context, name string, qtype uint16) (dnssec.Response, error) {
	a, err := s.c.ask(ctx, name, qtype, int(s.c.rotate.Load()))
	if err != nil {
		return dnssec.Response{}, err
	}
	r := dnssec.Response{Msg: a.Msg, Raw: a.raw}
	if s.c.o.Zones != nil {
		r.Keep = func(ttl uint32) { s.c.o.Zones.keep(&a, ttl) }
	}
	return r, nil
}
