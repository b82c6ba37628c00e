package authority

import (
	"context"
	"regexp"
	"time"

	"deed/dcv"
	"deed/store"
)

// UpdateCertificate is the command of PATCH /certificates/{id}; nil leaves as
// it is.
type UpdateCertificate struct {
	Label       *string
	Description *string
	AutoRenew   *bool
	Method      *dcv.Method
	Names       []RequestedName
}

// UpdateCertificate changes a request. Its names cannot be changed: while it
// is pending they are being validated, and Deed does not issue it anew.
func (a *Authority) UpdateCertificate(ctx context.Context, actor Actor, id int64, c UpdateCertificate) (CertificateState, error) {
	before, err := a.Certificate(ctx, actor, id)
	if err != nil {
		return before, err
	}
	if before.Phase == CanceledPhase || before.Phase == DeletedPhase {
		return before, refusal(Conflict, "not_pending", "", "The certificate request is %s.", before.Phase)
	}
	if c.Label != nil {
		if _, err := certificateLabel(*c.Label); err != nil {
			return before, err
		}
	}
	if c.Description != nil {
		if _, err := description(*c.Description); err != nil {
			return before, err
		}
	}
	if len(c.Names) > 0 {
		if err := a.sameNames(&before.Order, c.Names); err != nil {
			return before, err
		}
	}
	var letters map[dcv.Name][]letter
	same := true
	if c.Method != nil {
		if letters, same, err = a.prepareMethod(ctx, actor, id, *c.Method); err != nil {
			return before, err
		}
	}
	var s CertificateState
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		if !same {
			if _, err := a.setMethod(t, actor, id, *c.Method, letters); err != nil {
				return err
			}
		}
		cert, err := t.Certificate(actor.Account, id)
		if err != nil {
			return found(err, "certificate")
		}
		if c.Label != nil {
			if err := labelFree(t, actor, *c.Label, id); err != nil {
				return err
			}
			cert.Label = *c.Label
		}
		if c.Description != nil {
			cert.Description = *c.Description
		}
		if c.AutoRenew != nil {
			cert.AutoRenew = *c.AutoRenew
		}
		if err := touch(t, cert, actor, now); err != nil {
			return err
		}
		if err := a.event(t, actor, now, "certificate.updated", 0, id); err != nil {
			return err
		}
		s, err = a.certificateState(t, actor, id)
		return err
	})
	a.nudge()
	return s, err
}

// sameNames refuses names that are not the order's own, in its order.
func (a *Authority) sameNames(o *Order, list []RequestedName) error {
	names, cn, err := a.requested(list)
	if err != nil {
		return err
	}
	marked := false
	for _, n := range list {
		marked = marked || n.CommonName
	}
	same := len(names) == len(o.Names) && (!marked || cn == o.CommonName)
	for i := range names {
		same = same && names[i] == o.Names[i].Name
	}
	if !same {
		return refusal(Conflict, "domains", "domains", "The domains of a certificate request cannot be changed; make a new request.")
	}
	return nil
}

// CancelCertificate cancels a request that is not issued: its value ends at
// once. With apply false it only says whether that could be done.
func (a *Authority) CancelCertificate(ctx context.Context, actor Actor, id int64, apply bool) error {
	now := a.now()
	return a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		if s.Order.Status != "pending" {
			return refusal(Conflict, "not_pending", "", "The certificate request is %s; only one that is still processed can be cancelled.", s.Order.Status)
		}
		if !apply {
			return nil
		}
		s.Order.Status = "canceled"
		if err := t.UpdateOrder(s.Order); err != nil {
			return err
		}
		if err := t.EndOrderValue(id, now); err != nil {
			return err
		}
		if err := touch(t, s.Certificate, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "certificate.canceled", 0, id)
	})
}

// move changes an order from one state to an end state; its value ends.
func (a *Authority) move(ctx context.Context, actor Actor, id int64, from, to, why, event string) error {
	now := a.now()
	return a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		if s.Order.Status != from {
			return refusal(Conflict, "not_"+from, "", "The certificate request is %s; %s.", s.Order.Status, why)
		}
		s.Order.Status = to
		if err := t.UpdateOrder(s.Order); err != nil {
			return err
		}
		if err := t.EndOrderValue(id, now); err != nil {
			return err
		}
		if err := touch(t, s.Certificate, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, event, 0, id)
	})
}

// DeleteCertificate forgets an issued certificate; its label stays taken.
func (a *Authority) DeleteCertificate(ctx context.Context, actor Actor, id int64) error {
	return a.move(ctx, actor, id, "issued", "deleted", "only an issued certificate can be deleted, others are cancelled", "certificate.deleted")
}

// Issued is what an issuer reports of a request whose names are all proven.
type Issued struct {
	Expires    time.Time
	Thumbprint string // hexadecimal, of the certificate
}

var hexadecimal = regexp.MustCompile(`^[0-9a-fA-F]{40,128}$`)

// CertificateIssued takes an issuer's report. Deed cannot see whether it is
// true, and issues nothing itself; but it is refused unless every name is
// proven now.
func (a *Authority) CertificateIssued(ctx context.Context, actor Actor, id int64, r Issued) error {
	if actor.Role != store.RoleFull {
		return refusal(Forbidden, "role", "", "Only an API key of the role full may report that a certificate was issued.")
	}
	now := a.now()
	if !r.Expires.After(now) || r.Expires.After(now.AddDate(2, 0, 0)) {
		return refusal(Invalid, "expires_at", "expires_at", "The end of the certificate must lie ahead, within two years.")
	}
	if !hexadecimal.MatchString(r.Thumbprint) {
		return refusal(Invalid, "thumbprint", "thumbprint", "The thumbprint must have 40 to 128 hexadecimal digits.")
	}
	return a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		if s.Phase != AwaitsIssuer {
			return refusal(Conflict, "not_waiting", "", "The certificate request does not wait for an issuer.")
		}
		s.Order.Status = "issued"
		if err := t.UpdateOrder(s.Order); err != nil {
			return err
		}
		s.Certificate.Issued, s.Certificate.Expires, s.Certificate.Thumbprint = now, dcv.Stamp(r.Expires), r.Thumbprint
		if err := touch(t, s.Certificate, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "certificate.issued", 0, id)
	})
}

// RenewCertificate asks for an issued certificate again: names whose proof has
// ended are submitted anew.
func (a *Authority) RenewCertificate(ctx context.Context, actor Actor, id int64) error {
	return a.again(ctx, actor, id, "issued", "certificate.renewed", "The certificate is not issued yet; there is nothing to renew.")
}

// RetriggerCertificate submits a request that was never issued anew: names that
// are not proven are on the schedule from the start, with values that live.
func (a *Authority) RetriggerCertificate(ctx context.Context, actor Actor, id int64) error {
	return a.again(ctx, actor, id, "pending", "certificate.resubmitted", "Only a request that was never issued, and not cancelled, can be submitted again.")
}

func (a *Authority) again(ctx context.Context, actor Actor, id int64, from, event, why string) error {
	s, err := a.Certificate(ctx, actor, id)
	if err != nil {
		return err
	}
	var unproven []dcv.Name
	for _, n := range s.Names {
		if !n.Proven {
			unproven = append(unproven, n.Name)
		}
	}
	now := a.now()
	if _, err := a.method(s.Order.Method, s.Order.CommonName, now); err != nil {
		return err
	}
	letters, err := a.lettersFor(ctx, actor, s.Order.Method, unproven, now)
	if err != nil {
		return err
	}
	err = a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		if s.Order.Status != from || (from == "pending" && !s.Certificate.Issued.IsZero()) {
			return refusal(Conflict, "not_"+from, "", "%s", why)
		}
		s.Order.Status = "pending"
		if err := t.UpdateOrder(s.Order); err != nil {
			return err
		}
		for i := range s.Names {
			d := &s.Names[i].Domain
			if s.Order.Method == dcv.Email && !s.Names[i].Proven {
				if err := t.EndMails(d.ID, now); err != nil {
					return err
				}
			}
			how := arming{types: validationType(s.Certificate.Type), again: true}
			if err := a.armName(t, actor, &s.Order, d, letters, how, now); err != nil {
				return err
			}
		}
		if !s.Order.PerDomain && s.Order.Method != dcv.Email && (s.Value == nil || !live(s.Value, s.Order.Method, now)) {
			if _, err := a.renewOrder(t, &s.Order, now); err != nil {
				return err
			}
		}
		if err := touch(t, s.Certificate, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, event, 0, id)
	})
	a.nudge()
	return err
}

// ChangeOrganization sets the organization of an issued OV or EV certificate.
func (a *Authority) ChangeOrganization(ctx context.Context, actor Actor, id int64, p Profile) (org Organization, err error) {
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		s, err := a.certificateState(t, actor, id)
		if err != nil {
			return err
		}
		if s.Certificate.Type == "DV" {
			return refusal(Invalid, "organization", "organization", "A DV certificate has no organization.")
		}
		if s.Order.Status != "issued" {
			return refusal(Conflict, "not_issued", "", "The organization can be changed only once the certificate is issued.")
		}
		if org, err = a.chooseOrganization(t, actor, &p, s.Certificate.Type, now); err != nil {
			return err
		}
		s.Order.OrganizationID = org.ID
		if err := t.UpdateOrder(s.Order); err != nil {
			return err
		}
		if err := touch(t, s.Certificate, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "certificate.organization_changed", 0, id)
	})
	return org, err
}

// FindOrganizations gives the account's organizations whose name is the phrase,
// or contains it; at most 20.
func (a *Authority) FindOrganizations(ctx context.Context, actor Actor, phrase string, contains bool) (list []Organization, err error) {
	if phrase, err = label("name", phrase); err != nil {
		return nil, err
	}
	err = a.read(ctx, func(r store.Reader) error {
		list, err = r.OrganizationsNamed(actor.Account, phrase, contains, 20)
		return err
	})
	return list, err
}

// maxScan bounds how many pending orders one call of Awaiting looks at.
const maxScan = 200

// Awaiting gives pending orders whose names are all proven, with an id above
// after: what waits for an issuer. next is where to go on; 0 at the end.
func (a *Authority) Awaiting(ctx context.Context, actor Actor, after int64) (list []OrderState, next int64, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		orders, err := r.PendingOrders(actor.Account, after, maxScan)
		if err != nil {
			return err
		}
		for _, o := range orders {
			s, err := a.orderState(r, actor, o.ID)
			if err != nil {
				return err
			}
			if s.Proven {
				list = append(list, s)
			}
		}
		if len(orders) == maxScan {
			next = orders[len(orders)-1].ID
		}
		return nil
	})
	return list, next, err
}
