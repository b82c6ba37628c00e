package cps

import (
	"net/http"
	"strconv"

	"deed/authority"
)

// organization is the object of requests and answers.
type organization struct {
	ID        int64     `json:"id"`
	Name      string    `json:"company_name"`
	Address   string    `json:"company_address"`
	Address2  string    `json:"company_address2"`
	City      string    `json:"city"`
	State     string    `json:"state"`
	Zip       string    `json:"zip_code"`
	Country   string    `json:"country"`
	Unit      string    `json:"organizational_unit"`
	FirstName string    `json:"contact_first_name"`
	LastName  string    `json:"contact_last_name"`
	Email     string    `json:"contact_email"`
	Phone     string    `json:"contact_phone"`
	Title     string    `json:"contact_title"`
	Contacts  []contact `json:"additional_contacts"`
}

type contact = authority.ProfileContact

func (o *organization) profile() authority.Profile {
	return authority.Profile{
		ID: o.ID, Name: o.Name, Address: o.Address, Address2: o.Address2, City: o.City, State: o.State, Zip: o.Zip, Country: o.Country, Unit: o.Unit,
		FirstName: o.FirstName, LastName: o.LastName, Email: o.Email, Phone: o.Phone, Title: o.Title, Contacts: o.Contacts,
	}
}

func organizationOf(o *authority.Organization) (organization, error) {
	p, err := authority.ProfileOf(o)
	out := organization{
		ID: p.ID, Name: p.Name, Address: p.Address, Address2: p.Address2, City: p.City, State: p.State, Zip: p.Zip, Country: p.Country, Unit: p.Unit,
		FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Phone: p.Phone, Title: p.Title, Contacts: p.Contacts,
	}
	if out.Contacts == nil {
		out.Contacts = []contact{}
	}
	return out, err
}

func (h *handler) oneOrganization(c *call, o authority.Organization) error {
	out, err := organizationOf(&o)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (h *handler) setOrganization(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	var in organization
	if err := c.decode(&in); err != nil {
		return err
	}
	o, err := h.o.Authority.ChangeOrganization(c.r.Context(), c.actor, id, in.profile())
	if err != nil {
		return err
	}
	return h.oneOrganization(c, o)
}

func (h *handler) defaultOrganization(c *call) error {
	list, _, err := h.o.Authority.Organizations(c.r.Context(), c.actor, authority.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return problem{http.StatusNotFound, "not_found", "", "The account has no organization."}
	}
	return h.oneOrganization(c, list[0])
}

// organization is one by its id, or with the id 0 by its exact name.
func (h *handler) organization(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if id != 0 {
		o, err := h.o.Authority.Organization(c.r.Context(), c.actor, id)
		if err != nil {
			return err
		}
		return h.oneOrganization(c, o)
	}
	list, err := h.o.Authority.FindOrganizations(c.r.Context(), c.actor, c.query.Get("name"), false)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return problem{http.StatusNotFound, "not_found", "", "There is no organization of this name."}
	}
	return h.oneOrganization(c, list[0])
}

func (h *handler) findOrganizations(c *call) error {
	type found struct {
		ID       int64  `json:"id"`
		Name     string `json:"company_name"`
		Address  string `json:"company_address"`
		Address2 string `json:"company_address2"`
		City     string `json:"city"`
		State    string `json:"state"`
		Zip      string `json:"zip_code"`
		Country  string `json:"country"`
	}
	list, err := h.o.Authority.FindOrganizations(c.r.Context(), c.actor, c.r.PathValue("name"), true)
	if err != nil {
		return err
	}
	var items []found
	for i := range list {
		o, err := organizationOf(&list[i])
		if err != nil {
			return err
		}
		items = append(items, found{o.ID, o.Name, o.Address, o.Address2, o.City, o.State, o.Zip, o.Country})
	}
	return c.json(http.StatusOK, collect("/v2.0/organizations/name/"+c.r.PathValue("name"), items))
}

// notice is one setting of notifications. An absent enabled means false:
// clients drop it.
type notice struct {
	Type    string   `json:"notification_type"`
	Enabled bool     `json:"enabled"`
	Emails  []string `json:"emails"`
}

func (c *call) notices(id string, list []authority.Notice) error {
	var items []notice
	for _, n := range list {
		items = append(items, notice{n.Type, n.Enabled, n.Emails})
	}
	return c.json(http.StatusOK, collect(id, items))
}

// readNotices reads the bare array that clients send.
func (c *call) readNotices() ([]authority.Notice, error) {
	var in []notice
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	var list []authority.Notice
	for _, n := range in {
		list = append(list, authority.Notice{Type: n.Type, Enabled: n.Enabled, Emails: n.Emails})
	}
	return list, nil
}

func (h *handler) notifications(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	list, err := h.o.Authority.CertificateNotices(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	return c.notices(certificatePath(id)+"/notifications", list)
}

func (h *handler) setNotifications(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	changes, err := c.readNotices()
	if err != nil {
		return err
	}
	list, err := h.o.Authority.SetCertificateNotices(c.r.Context(), c.actor, id, changes)
	if err != nil {
		return err
	}
	return c.notices(certificatePath(id)+"/notifications", list)
}

const customers = "/v2.0/customers/"

func (h *handler) accountNotifications(c *call) error {
	list, err := h.o.Authority.AccountNotices(c.r.Context(), c.actor)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-cache")
	return c.notices(customers+"notifications", list)
}

func (h *handler) setAccountNotifications(c *call) error {
	changes, err := c.readNotices()
	if err != nil {
		return err
	}
	list, err := h.o.Authority.SetAccountNotices(c.r.Context(), c.actor, changes)
	if err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-cache")
	return c.notices(customers+"notifications", list)
}

// commits: Deed sells no licences, so none is counted.
func (h *handler) commits(c *call) error {
	c.w.Header().Set("Cache-Control", "no-cache")
	return c.json(http.StatusOK, struct {
		ID     string  `json:"@id"`
		Type   string  `json:"@type"`
		Amount float64 `json:"amount"`
	}{customers + "commits", "Customer", 0})
}

type named struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type country struct {
	Name string `json:"country"`
	Code string `json:"two_letter_code"`
}

// lists are the appendix. A value's id is its place, from 1, fixed for ever: add
// at the end only.
var lists = map[string][]string{
	"dcv-types":               {"Email", "DnsCnameToken", "DnsTxtToken"},
	"validation-types":        {"None", "DV", "OV", "EV"},
	"validation-statuses":     {"Unknown", "Pending", "Rejected", "Approved", "NA"},
	"domain-statuses":         {"ProvisioningInitiated", "AwaitingCertificateAuthority", "Active", "PendingDelete", "Delete", "PendingDns", "Rejected", "TimedOut", "PendingReissue", "SecretRejected"},
	"certificate-statuses":    {"Processing", "DomainControlValidation", "OtherValidation", "Deployment", "Active", "Deleted"},
	"order-statuses":          {"Pending", "Issued", "Deleted", "Rejected", "Revoked", "Canceled", "AwaitingRenewal", "PendingRenewal", "Renewed", "PendingReissue", "AwaitingReissue", "PendingOrgUpdate", "OrgUpdated", "RenewalRejected", "ReissueRejected", "Expired", "AwaitingOrgUpdate"},
	"certificate-authorities": {"DigiCert", "LetsEncrypt"},
	"request-types":           {"Basic", "Enterprise", "Custom", "AzureCustom"},
	"cancel-actions":          {"Cancel", "Revert"},
	"product-types":           {},
}

func (h *handler) appendix(c *call) error {
	name := c.r.PathValue("name")
	id := "/v2.0/appendix/" + name
	if name == "country-codes" {
		c.w.Header().Set("Cache-Control", "no-cache")
		var items []country
		for _, row := range authority.FindCountries(c.query.Get("name")) {
			items = append(items, country{row.Name, row.Code})
		}
		return c.total(collect(id, items))
	}
	values, ok := lists[name]
	if !ok {
		return problem{http.StatusNotFound, "not_found", "", "There is no list " + strconv.Quote(name) + "."}
	}
	c.w.Header().Set("Cache-Control", "no-cache")
	var items []named
	for i, v := range values {
		items = append(items, named{i + 1, v})
	}
	out := collect(id, items)
	n := len(out.Items)
	out.Total = &n
	return c.json(http.StatusOK, out)
}

// total answers a collection of countries with its count.
func (c *call) total(out collection[country]) error {
	n := len(out.Items)
	out.Total = &n
	return c.json(http.StatusOK, out)
}
