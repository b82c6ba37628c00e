package authority

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// CertificateDCV is what is to be published, or who was written to, for a
// certificate request.
type CertificateDCV struct {
	Method dcv.Method
	// Shared: Value and Recipients of the only item serve every name (DV).
	Shared bool
	Items  []NameDCV
}

// NameDCV is one name's part; Domain is 0 where it is shared.
type NameDCV struct {
	Domain     int64
	Value      *Value // nil for e-mail, and where nothing live is to be published
	Recipients []string
}

// chosen gives the request's names by their domains' ids; none stands for all.
// An id that is not of the request is refused, whosever it is.
func chosen(s *CertificateState, ids []int64) ([]NameState, error) {
	if len(ids) == 0 {
		return s.Names, nil
	}
	if len(ids) > maxNames {
		return nil, refusal(Invalid, "too_many_names", "domain_ids", "At most %d domain ids may be given.", maxNames)
	}
	var list []NameState
	for _, id := range ids {
		i := slices.IndexFunc(s.Names, func(n NameState) bool { return n.Domain.ID == id })
		if i < 0 {
			return nil, refusal(Invalid, "not_in_order", "domain_ids", "The certificate request has no domain with the id %d.", id)
		}
		if !slices.ContainsFunc(list, func(n NameState) bool { return n.Domain.ID == id }) {
			list = append(list, s.Names[i])
		}
	}
	return list, nil
}

// CertificateDCV shows what is to be published; it never makes a value.
func (a *Authority) CertificateDCV(ctx context.Context, actor Actor, id int64, ids []int64) (out CertificateDCV, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		s, err := a.certificateState(r, actor, id)
		if err != nil {
			return err
		}
		names, err := chosen(&s, ids)
		if err != nil {
			return err
		}
		out, err = a.certificateDCV(r, &s, names)
		return err
	})
	return out, err
}

func (a *Authority) certificateDCV(r store.Reader, s *CertificateState, names []NameState) (CertificateDCV, error) {
	now := a.now()
	out := CertificateDCV{Method: s.Order.Method, Shared: !s.Order.PerDomain}
	one := NameDCV{}
	if s.Value != nil && live(s.Value, s.Order.Method, now) {
		one.Value = s.Value
	}
	for _, n := range names {
		item := NameDCV{Domain: n.Domain.ID}
		if s.Order.Method == dcv.Email {
			mails, err := r.MailsOfDomain(n.Domain.ID)
			if err != nil {
				return out, err
			}
			for _, m := range mails {
				if !now.After(m.Expires) && !slices.Contains(item.Recipients, m.Recipient) {
					item.Recipients = append(item.Recipients, m.Recipient)
				}
			}
		} else if !out.Shared && !n.Proven {
			if v, err := r.DomainValue(n.Domain.ID); err == nil && live(&v, s.Order.Method, now) {
				item.Value = &v
			} else if err != nil && !errors.Is(err, store.ErrNotFound) {
				return out, err
			}
		}
		for _, to := range item.Recipients {
			if !slices.Contains(one.Recipients, to) {
				one.Recipients = append(one.Recipients, to)
			}
		}
		out.Items = append(out.Items, item)
	}
	if out.Shared {
		out.Items = []NameDCV{one}
	}
	return out, nil
}

// open demands that a request still waits for proofs of the names chosen, and
// gives those that lack one.
func (s *CertificateState) open(names []NameState) ([]NameState, error) {
	if s.Order.Status != "pending" {
		return nil, refusal(Conflict, "not_pending", "", "The certificate request is %s.", s.Order.Status)
	}
	names = slices.DeleteFunc(slices.Clone(names), func(n NameState) bool { return n.Proven })
	if len(names) == 0 {
		return nil, refusal(Conflict, "proven", "", "Control of the domains is proven already; there is nothing to do for them.")
	}
	return names, nil
}

// RegenerateValues makes new values: the one of a DV request, or those of the
// domains given (none: of all that are not proven). The values before end at
// once; those of other domains stay.
func (a *Authority) RegenerateValues(ctx context.Context, actor Actor, id int64, ids []int64) (out CertificateDCV, err error) {
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		names, err := chosen(&s, ids)
		if err != nil {
			return err
		}
		if rule, ok := rules.For(s.Order.Method); !ok || !rule.ByValue {
			return refusal(Invalid, "method_needs_no_value", "dcv_method", "The request's DCV method is email: follow the instructions in the message; a token is not required.")
		}
		if names, err = s.open(names); err != nil {
			return err
		}
		if !s.Order.PerDomain {
			v, err := a.renewOrder(t, &s.Order, now)
			if err != nil {
				return err
			}
			s.Value = &v
		}
		for i := range names {
			how := arming{types: validationType(s.Certificate.Type), fresh: true, again: true}
			if err := a.armName(t, actor, &s.Order, &names[i].Domain, nil, how, now); err != nil {
				return err
			}
		}
		if err := note(t, actor, now, "value.generated", 0, id); err != nil {
			return err
		}
		out, err = a.certificateDCV(t, &s, names)
		return err
	})
	a.nudge()
	return out, err
}

// ChangeCertificateMethod sets the method of a request and of its names that
// are not proven. The method already set changes nothing.
func (a *Authority) ChangeCertificateMethod(ctx context.Context, actor Actor, id int64, m dcv.Method) error {
	letters, same, err := a.prepareMethod(ctx, actor, id, m)
	if err != nil || same {
		return err
	}
	err = a.write(ctx, func(t store.Tx) error {
		s, err := a.setMethod(t, actor, id, m, letters)
		if err != nil {
			return err
		}
		return touch(t, s.Certificate, actor, a.now())
	})
	a.nudge()
	return err
}

// prepareMethod vets another method for a request and composes its messages;
// same is true where it is set already.
func (a *Authority) prepareMethod(ctx context.Context, actor Actor, id int64, m dcv.Method) (letters map[dcv.Name][]letter, same bool, err error) {
	s, err := a.Certificate(ctx, actor, id)
	if err != nil {
		return nil, false, err
	}
	now := a.now()
	var names []dcv.Name
	for _, n := range s.Names {
		if _, err := a.method(m, n.Name, now); err != nil {
			return nil, false, err
		}
		if !n.Proven {
			names = append(names, n.Name)
		}
	}
	// Clients send the method with every change, also once it is issued.
	if s.Order.Method == m && (s.Order.Status == "pending" || s.Order.Status == "issued") {
		return nil, true, nil
	}
	if _, err := s.open(s.Names); err != nil {
		return nil, false, err
	}
	letters, err = a.lettersFor(ctx, actor, m, names, now)
	return letters, false, err
}

// setMethod is the change itself; its caller touches the certificate.
func (a *Authority) setMethod(t store.Tx, actor Actor, id int64, m dcv.Method, letters map[dcv.Name][]letter) (s CertificateState, err error) {
	now := a.now()
	if s, err = a.certificateState(t, actor, id); err != nil {
		return s, err
	}
	names, err := s.open(s.Names)
	if err != nil {
		return s, err
	}
	o := s.Order
	old := o.Method
	o.Method = m
	if err := t.UpdateOrder(o); err != nil {
		return s, err
	}
	for i := range names {
		how := arming{types: validationType(s.Certificate.Type), follows: old}
		if err := a.armName(t, actor, &o, &names[i].Domain, letters, how, now); err != nil {
			return s, err
		}
	}
	if o.PerDomain || m == dcv.Email {
		err = t.EndOrderValue(id, now)
	} else {
		_, err = a.renewOrder(t, &o, now)
	}
	if err != nil {
		return s, err
	}
	return s, a.event(t, actor, now, "certificate.method_changed", 0, id)
}

// touch notes who changed a request.
func touch(t store.Tx, c Certificate, actor Actor, now time.Time) error {
	c.Modified, c.ModifiedBy = now, actor.Name
	return t.UpdateCertificate(c)
}

// looksAtOnce bounds the looks of one request, and patience how long its caller
// is kept waiting for them: what is not done by then goes on by itself.
const (
	looksAtOnce = 8
	patience    = 80 * time.Second
)

// CheckCertificate looks at the names chosen that are not proven, and gives
// the attempts that were made while the caller waited, in the order of the
// names. What was found is in the state.
func (a *Authority) CheckCertificate(ctx context.Context, actor Actor, id int64, ids []int64) ([]Attempt, error) {
	s, err := a.Certificate(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	names, err := chosen(&s, ids)
	if err != nil {
		return nil, err
	}
	if s.Order.Status == "pending" && s.Order.Method == dcv.Email {
		return nil, refusal(Invalid, "method_by_mail", "dcv_method", "The request's DCV method is email: it is confirmed by its recipients, not checked.")
	}
	if names, err = s.open(names); err != nil {
		return nil, err
	}
	type result struct {
		at      int
		attempt Attempt
		err     error
	}
	results := make(chan result, len(names))
	work := context.WithoutCancel(ctx)
	a.flight.Go(func() {
		each(names, func(i int, n NameState) {
			res, err := a.look(work, actor, n.Domain, s.Order.Method, id, "order")
			results <- result{i, res.Attempt, err}
		})
	})
	limit := time.NewTimer(cmp.Or(a.o.Patience, patience))
	defer limit.Stop()
	made := make([]Attempt, len(names))
	for range names {
		select {
		case r := <-results:
			if r.err != nil {
				return nil, r.err
			}
			made[r.at] = r.attempt
			continue
		case <-limit.C:
		case <-ctx.Done():
		}
		break
	}
	return slices.DeleteFunc(made, func(x Attempt) bool { return x.ID == "" }), nil
}

// each calls do for every element, looksAtOnce at a time, and waits for all.
func each[T any](list []T, do func(int, T)) {
	slots := make(chan struct{}, looksAtOnce)
	var wg sync.WaitGroup
	for i, x := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i, x)
		})
	}
	wg.Wait()
}

// ResendCertificateMail sends the messages of the names chosen again.
func (a *Authority) ResendCertificateMail(ctx context.Context, actor Actor, id int64, ids []int64) error {
	s, err := a.Certificate(ctx, actor, id)
	if err != nil {
		return err
	}
	names, err := chosen(&s, ids)
	if err != nil {
		return err
	}
	if s.Order.Method != dcv.Email {
		return refusal(Invalid, "method_not_mail", "dcv_method", "The request's DCV method is %s, not email.", s.Order.Method)
	}
	if names, err = s.open(names); err != nil {
		return err
	}
	for _, n := range names {
		if n.Domain.Method != dcv.Email {
			return refusal(Conflict, "method_not_mail", "", "The DCV method of the domain %s was changed.", n.Name)
		}
	}
	for _, n := range names {
		if err := a.Resend(ctx, actor, n.Domain.ID, ResendMail{}); err != nil {
			return err
		}
	}
	return nil
}
