package authority

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"deed/store"
)

// Profile is an organization as certificate requests describe it. Its JSON is
// what the store keeps beside the name.
type Profile struct {
	// ID chooses one of the account's; the rest is ignored then.
	ID        int64            `json:"-"`
	Name      string           `json:"-"`
	Address   string           `json:"address,omitempty"`
	Address2  string           `json:"address2,omitempty"`
	City      string           `json:"city,omitempty"`
	State     string           `json:"state,omitempty"`
	Zip       string           `json:"zip,omitempty"`
	Country   string           `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Unit      string           `json:"organizational_unit,omitempty"`
	FirstName string           `json:"contact_first_name,omitempty"`
	LastName  string           `json:"contact_last_name,omitempty"`
	Email     string           `json:"contact_email,omitempty"`
	Phone     string           `json:"contact_phone,omitempty"`
	Title     string           `json:"contact_title,omitempty"`
	Contacts  []ProfileContact `json:"additional_contacts,omitempty"`
}

// ProfileContact is a further person of an organization.
type ProfileContact struct {
	ID        int64  `json:"id"`
	Type      string `json:"contact_type"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	Phone     string `json:"phone"`
	Title     string `json:"title"`
}

// ContactTypes are what a further contact may be.
var ContactTypes = []string{"EvApprover", "OrganizationContact", "TechnicalContact", "Unknown"}

// maxContacts bounds the further contacts of an organization.
const maxContacts = 20

// ProfileOf reads an organization's profile.
func ProfileOf(o *Organization) (Profile, error) {
	p := Profile{}
	if o.Details != "" {
		if err := json.Unmarshal([]byte(o.Details), &p); err != nil {
			return p, fmt.Errorf("organization %d: %w", o.ID, err)
		}
	}
	p.ID, p.Name = o.ID, o.Name
	return p, nil
}

// complete vets a profile that is to become an organization.
func (p *Profile) complete(typ string) error {
	type field struct {
		name, value string
		needed      bool
	}
	us := p.Country == "US"
	fields := []field{
		{"company_name", p.Name, true}, {"company_address", p.Address, true}, {"company_address2", p.Address2, false}, {"city", p.City, true},
		{"state", p.State, us}, {"zip_code", p.Zip, us}, {"country", p.Country, true}, {"organizational_unit", p.Unit, false},
		{"contact_first_name", p.FirstName, true}, {"contact_last_name", p.LastName, true}, {"contact_email", p.Email, true}, {"contact_phone", p.Phone, true},
		{"contact_title", p.Title, false},
	}
	if len(p.Contacts) > maxContacts {
		return refusal(Invalid, "contacts", "organization/additional_contacts", "An organization may have at most %d further contacts.", maxContacts)
	}
	for i := range p.Contacts {
		c := &p.Contacts[i]
		c.ID = int64(i + 1)
		at := fmt.Sprintf("additional_contacts/%d/", i)
		if c.Type == "EVApprover" { // as the vendor's own page once spells it
			c.Type = "EvApprover"
		}
		if !slices.Contains(ContactTypes, c.Type) {
			return refusal(Invalid, "contact_type", "organization/"+at+"contact_type", "The contact_type must be one of %s.", strings.Join(ContactTypes, ", "))
		}
		fields = append(fields, field{at + "first_name", c.FirstName, true}, field{at + "last_name", c.LastName, true}, field{at + "email", c.Email, true},
			field{at + "phone", c.Phone, false}, field{at + "title", c.Title, false})
	}
	for _, f := range fields {
		switch {
		case f.needed && strings.TrimSpace(f.value) == "":
			return refusal(Invalid, "organization", "organization/"+f.name, "The organization's %s is missing.", f.name)
		case utf8.RuneCountInString(f.value) > 200 || strings.ContainsFunc(f.value, func(c rune) bool { return c < 0x20 || c == 0x7f }):
			return refusal(Invalid, "organization", "organization/"+f.name, "The organization's %s must have at most 200 printable characters.", f.name)
		case strings.HasSuffix(f.name, "email") && f.value != "" && !address(f.value):
			return refusal(Invalid, "email", "organization/"+f.name, "%q is no e-mail address.", f.value)
		}
	}
	if CountryName(p.Country) == "" {
		return refusal(Invalid, "country", "organization/country", "There is no country %q; give its two-letter code (ISO 3166).", p.Country)
	}
	if typ == "EV" && len(p.Contacts) == 0 {
		return refusal(Invalid, "contacts", "organization/additional_contacts", "A request of type EV needs additional contacts.")
	}
	return nil
}

// address reports whether s is a bare e-mail address of sane length.
func address(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254
}

// organizationFor finds or makes the organization of a request: by id, by
// exact name, or a new one. A DV request's domains belong to the account's first.
func (a *Authority) organizationFor(t store.Tx, actor Actor, c *RequestCertificate, now time.Time) (Organization, error) {
	if c.Organization == nil {
		list, _, err := t.Organizations(actor.Account, Page{Limit: 1})
		if err != nil || len(list) == 0 {
			return Organization{}, err
		}
		return list[0], nil
	}
	return a.chooseOrganization(t, actor, c.Organization, c.Type, now)
}

func (a *Authority) chooseOrganization(t store.Tx, actor Actor, p *Profile, typ string, now time.Time) (Organization, error) {
	if p.ID != 0 {
		o, err := t.Organization(actor.Account, p.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = refusal(Invalid, "organization", "organization/id", "There is no organization %d in this account.", p.ID)
		}
		return o, err
	}
	have, err := t.OrganizationsNamed(actor.Account, p.Name, false, 1)
	if err != nil {
		return Organization{}, err
	}
	if len(have) > 0 {
		return have[0], nil
	}
	if err := p.complete(typ); err != nil {
		return Organization{}, err
	}
	details, err := json.Marshal(p)
	if err != nil {
		return Organization{}, err
	}
	o := Organization{AccountID: actor.Account, Name: p.Name, Active: true, Created: now, Details: string(details)}
	if o.ID, err = t.InsertOrganization(o); err != nil {
		return o, err
	}
	return o, a.event(t, actor, now, "organization.created", 0, 0)
}
