package authority

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"deed/dcv"
	"deed/store"
)

// A certificate request is an order with a label: the same names, values,
// checks and proofs, asked for in another dialect's words.

// Certificate is what a certificate request says beyond its order.
type Certificate = store.Certificate

// RequestedName is one name of a request, as typed.
type RequestedName struct {
	Name       string
	CommonName bool
}

// RequestCertificate is the command of POST /certificates/cdnprovided.
type RequestCertificate struct {
	Label       string
	Description string
	Authority   string
	Type        string // "DV", "OV", "EV"
	AutoRenew   bool
	Method      dcv.Method // not "": one method for the whole request
	Names       []RequestedName
	// Organization is needed for OV and EV, and ignored for DV.
	Organization *Profile
}

// Phase is where a certificate request stands.
type Phase string

const (
	Validating    Phase = "validating"         // names are unproven
	AwaitsIssuer  Phase = "waiting_for_issuer" // every name is proven; Deed does not issue
	IssuedPhase   Phase = "issued"             // an issuer said so
	CanceledPhase Phase = "canceled"
	DeletedPhase  Phase = "deleted"
)

// CertificateState is a request with the state of its names.
type CertificateState struct {
	Certificate Certificate
	OrderState
	Organization *Organization // nil for DV
	Phase        Phase
}

// The words of certificate requests.
var (
	// CertificateTypes are the validation types that can be asked for.
	CertificateTypes = []string{"DV", "OV", "EV"}
	// Issuers are the authorities that can be named.
	Issuers = []string{"DigiCert", "LetsEncrypt"}
)

const maxDescription = 1000

// certificateLabel vets a label: letters, digits, "_", "-" and, since clients
// use them, spaces.
func certificateLabel(s string) (string, error) {
	ok := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == ' '
	}
	if s == "" || len(s) > 200 || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(c rune) bool { return !ok(c) }) {
		return "", refusal(Invalid, "certificate_label", "certificate_label", "The label must have 1 to 200 letters, digits, underscores, hyphens or spaces, none of them at an end.")
	}
	return s, nil
}

func description(s string) (string, error) {
	if utf8.RuneCountInString(s) > maxDescription || strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 && c != '\n' && c != '\t' && c != '\r' }) {
		return "", refusal(Invalid, "description", "description", "The description must have at most %d characters, and no control characters.", maxDescription)
	}
	return s, nil
}

// requested vets a request's names; the common name comes first where none is
// marked.
func (a *Authority) requested(list []RequestedName) (names []dcv.Name, cn dcv.Name, err error) {
	if len(list) == 0 {
		return nil, cn, refusal(Invalid, "domains", "domains", "Name at least one domain.")
	}
	if len(list) > maxNames {
		return nil, cn, refusal(Invalid, "too_many_names", "domains", "A request may have at most %d domains.", maxNames)
	}
	for i, in := range list {
		field := fmt.Sprintf("domains/%d/name", i)
		n, err := a.normalise(field, in.Name)
		if err != nil {
			return nil, cn, err
		}
		if slices.Contains(names, n) {
			return nil, cn, refusal(Invalid, "twice", field, "The domain %s is named twice.", n)
		}
		if in.CommonName {
			if !cn.IsZero() {
				return nil, cn, refusal(Invalid, "common_name", fmt.Sprintf("domains/%d/is_common_name", i), "Only one domain may be the common name.")
			}
			cn = n
		}
		names = append(names, n)
	}
	if cn.IsZero() {
		cn = names[0]
	}
	return names, cn, nil
}

// validationType is how the account's domains call what a request needs: a
// proof of control is the same for DV and OV.
func validationType(t string) []string {
	if t == "EV" {
		return []string{"ev"}
	}
	return []string{"ov"}
}

func oneOf(field, v string, allowed []string) error {
	if !slices.Contains(allowed, v) {
		return refusal(Invalid, field, field, "The field %s must be one of %s.", field, strings.Join(allowed, ", "))
	}
	return nil
}

// vet checks everything of a request that needs no store.
func (a *Authority) vet(c *RequestCertificate) (names []dcv.Name, cn dcv.Name, err error) {
	if c.Label, err = certificateLabel(c.Label); err != nil {
		return nil, cn, err
	}
	if c.Description, err = description(c.Description); err != nil {
		return nil, cn, err
	}
	if err := oneOf("certificate_authority", c.Authority, Issuers); err != nil {
		return nil, cn, err
	}
	if err := oneOf("validation_type", c.Type, CertificateTypes); err != nil {
		return nil, cn, err
	}
	if names, cn, err = a.requested(c.Names); err != nil {
		return nil, cn, err
	}
	for _, n := range names {
		if _, err := a.method(c.Method, n, a.now()); err != nil {
			return nil, cn, err
		}
	}
	if c.Type == "DV" {
		c.Organization = nil
	} else if c.Organization == nil {
		return nil, cn, refusal(Invalid, "organization", "organization", "A request of type %s needs an organization.", c.Type)
	}
	return names, cn, nil
}

// RequestCertificate makes a certificate request. For DV one order random value
// serves all its names; for OV and EV each name's domain has its own. A
// repeated request finds its label taken, and changes nothing.
func (a *Authority) RequestCertificate(ctx context.Context, actor Actor, c RequestCertificate) (CertificateState, error) {
	names, cn, err := a.vet(&c)
	if err != nil {
		return CertificateState{}, err
	}
	now := a.now()
	letters, err := a.lettersFor(ctx, actor, c.Method, names, now)
	if err != nil {
		return CertificateState{}, err
	}
	var s CertificateState
	err = a.write(ctx, func(t store.Tx) error {
		if err := labelFree(t, actor, c.Label, 0); err != nil {
			return err
		}
		o := Order{AccountID: actor.Account, Product: "certificate_" + strings.ToLower(c.Type), CommonName: cn, Method: c.Method, Status: "pending", Created: now, PerDomain: c.Type != "DV"}
		org, err := a.organizationFor(t, actor, &c, now)
		if err != nil {
			return err
		}
		if c.Organization != nil {
			o.OrganizationID = org.ID
		}
		var domains []Domain
		for _, n := range names {
			d, err := a.domainNamed(t, actor, n, org.ID, c.Method, now)
			if err != nil {
				return err
			}
			domains = append(domains, d)
			o.Names = append(o.Names, OrderName{Name: n, DomainID: d.ID})
		}
		if o.ID, err = t.InsertOrder(o); err != nil {
			return err
		}
		err = t.InsertCertificate(Certificate{
			OrderID: o.ID, AccountID: actor.Account, Label: c.Label, Description: c.Description, Authority: c.Authority, Type: c.Type, AutoRenew: c.AutoRenew,
			CreatedBy: actor.Name, Modified: now,
		})
		if err != nil {
			return err
		}
		for i := range domains {
			if err := a.armName(t, actor, &o, &domains[i], letters, arming{types: validationType(c.Type)}, now); err != nil {
				return err
			}
		}
		// A request that needs no proof has its value too: proofs end.
		if !o.PerDomain && o.Method != dcv.Email {
			if _, err := a.renewOrder(t, &o, now); err != nil {
				return err
			}
		}
		if err := a.event(t, actor, now, "certificate.requested", 0, o.ID); err != nil {
			return err
		}
		s, err = a.certificateState(t, actor, o.ID)
		return err
	})
	a.nudge()
	return s, err
}

// labelFree refuses a label that another request of the account has, and names
// that request: a client whose first answer was lost finds it again.
func labelFree(r store.Reader, actor Actor, label string, own int64) error {
	have, err := r.CertificateByLabel(actor.Account, label)
	if errors.Is(err, store.ErrNotFound) || (err == nil && have.OrderID == own) {
		return nil
	}
	if err != nil {
		return err
	}
	return refusal(Invalid, "label_taken", "certificate_label", "The label %q is taken by the certificate request %d.", label, have.OrderID)
}

func (a *Authority) certificateState(r store.Reader, actor Actor, id int64) (s CertificateState, err error) {
	if s.Certificate, err = r.Certificate(actor.Account, id); err != nil {
		return s, found(err, "certificate")
	}
	if s.OrderState, err = a.orderState(r, actor, id); err != nil {
		return s, err
	}
	if s.Order.OrganizationID != 0 {
		org, err := r.Organization(actor.Account, s.Order.OrganizationID)
		if err != nil {
			return s, err
		}
		s.Organization = &org
	}
	switch {
	case s.Order.Status == "canceled":
		s.Phase = CanceledPhase
	case s.Order.Status == "deleted":
		s.Phase = DeletedPhase
	case s.Order.Status == "issued":
		s.Phase = IssuedPhase
	case s.Proven:
		s.Phase = AwaitsIssuer
	default:
		s.Phase = Validating
	}
	return s, nil
}

// Certificate is one certificate request of the account.
func (a *Authority) Certificate(ctx context.Context, actor Actor, id int64) (s CertificateState, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		s, err = a.certificateState(r, actor, id)
		return err
	})
	return s, err
}

// CertificateQuery selects certificate requests.
type CertificateQuery = store.CertificateQuery

// maxWildcards bounds the work of matching a pattern.
const maxWildcards = 4

// Certificates lists the account's, with the exact total.
func (a *Authority) Certificates(ctx context.Context, actor Actor, q CertificateQuery) (list []CertificateState, total int, err error) {
	q.Account = actor.Account
	if q.Field != "" && !slices.Contains([]string{"certificate_label", "description", "id", "domain_names"}, q.Field) {
		return nil, 0, refusal(Invalid, "query", "query", "There is no field %q to search; there are certificate_label, description, id and domain_names.", q.Field)
	}
	if len(q.Pattern) > dcv.MaxName+2 || strings.Count(q.Pattern, "*") > maxWildcards || !utf8.ValidString(q.Pattern) || (q.Field != "" && q.Pattern == "") {
		return nil, 0, refusal(Invalid, "query", "query", "The text searched for must have 1 to %d characters and at most %d wildcards.", dcv.MaxName+2, maxWildcards)
	}
	if q.Sort != "" {
		if err := oneOf("sort", q.Sort, []string{"certificate_label", "description", "id"}); err != nil {
			return nil, 0, err
		}
	}
	err = a.read(ctx, func(r store.Reader) error {
		rows, n, err := r.Certificates(q)
		if err != nil {
			return err
		}
		total = n
		for _, c := range rows {
			s, err := a.certificateState(r, actor, c.OrderID)
			if err != nil {
				return err
			}
			list = append(list, s)
		}
		return nil
	})
	return list, total, err
}
