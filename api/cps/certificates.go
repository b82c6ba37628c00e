package cps

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"deed/authority"
	"deed/dcv"
)

type domainIn struct {
	Name       string `json:"name"`
	CommonName bool   `json:"is_common_name"`
}

func requested(list []domainIn) []authority.RequestedName {
	var out []authority.RequestedName
	for _, d := range list {
		out = append(out, authority.RequestedName{Name: d.Name, CommonName: d.CommonName})
	}
	return out
}

func (h *handler) create(c *call) error {
	var in struct {
		Label        string        `json:"certificate_label"`
		Description  string        `json:"description"`
		Authority    string        `json:"certificate_authority"`
		Type         string        `json:"validation_type"`
		Method       string        `json:"dcv_method"`
		AutoRenew    bool          `json:"auto_renew"`
		Domains      []domainIn    `json:"domains"`
		Organization *organization `json:"organization"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	m, err := methodOf(in.Method)
	if err != nil {
		return err
	}
	req := authority.RequestCertificate{
		Label: in.Label, Description: in.Description, Authority: in.Authority, Type: in.Type, AutoRenew: in.AutoRenew, Method: m, Names: requested(in.Domains),
	}
	if in.Organization != nil {
		p := in.Organization.profile()
		req.Organization = &p
	}
	s, err := h.o.Authority.RequestCertificate(c.r.Context(), c.actor, req)
	if err != nil {
		return err
	}
	return h.certificate(c, http.StatusCreated, &s)
}

// certificateBody is a certificate request. Organization is a pointer to
// nothing in lists, where the field is left out.
type certificateBody struct {
	ID           string         `json:"@id"`
	Type         string         `json:"@type"`
	Number       int64          `json:"id"`
	Label        string         `json:"certificate_label"`
	Description  string         `json:"description"`
	Authority    string         `json:"certificate_authority"`
	Validation   string         `json:"validation_type"`
	Method       string         `json:"dcv_method"`
	AutoRenew    bool           `json:"auto_renew"`
	Domains      []domainOut    `json:"domains"`
	Organization **organization `json:"organization,omitempty"`
	Deployments  []struct{}     `json:"deployments"`
	RequestType  string         `json:"request_type"`
	Created      string         `json:"created"`
	CreatedBy    *identity      `json:"created_by"`
	Modified     string         `json:"last_modified"`
	ModifiedBy   *identity      `json:"modified_by"`
	Expiration   string         `json:"expiration_date"`
	Thumbprint   *string        `json:"thumbprint"`
	WorkflowFail *string        `json:"workflow_error_message"`
}

type domainOut struct {
	ID         int64   `json:"id"`
	Name       string  `json:"name"`
	CommonName bool    `json:"is_common_name"`
	Status     string  `json:"status"`
	Created    string  `json:"created"`
	ActiveDate *string `json:"active_date"`
}

// identity is who did something: an OAuth2 client, always.
type identity struct {
	ID       string `json:"identity_id"`
	Type     string `json:"identity_type"`
	PortalID string `json:"portal_type_id"`
	UserID   *int32 `json:"user_id"`
}

func identityOf(actor string) *identity {
	id, ok := strings.CutPrefix(actor, "client:")
	if !ok {
		return nil
	}
	return &identity{ID: id, Type: "Client", PortalID: "Customer"}
}

// domainStatus says where a name of a request stands.
func domainStatus(s *authority.CertificateState, n *authority.NameState) string {
	switch s.Phase {
	case authority.CanceledPhase, authority.DeletedPhase:
		return "Delete"
	case authority.IssuedPhase:
		return "Active"
	}
	switch {
	case n.Proven:
		return "AwaitingCertificateAuthority"
	case !n.Domain.PollStart.IsZero() && n.Domain.NextCheck.IsZero():
		return "TimedOut" // automatic checks have ended; a check by hand is always possible
	}
	return "ProvisioningInitiated"
}

func certificatePath(id int64) string { return "/v2.0/certificates/" + strconv.FormatInt(id, 10) }

func bodyOf(s *authority.CertificateState) certificateBody {
	b := certificateBody{
		ID: certificatePath(s.Order.ID), Type: "Certificate", Number: s.Order.ID, Label: s.Certificate.Label, Description: s.Certificate.Description,
		Authority: s.Certificate.Authority, Validation: s.Certificate.Type, Method: wordOf(s.Order.Method), AutoRenew: s.Certificate.AutoRenew,
		Domains: []domainOut{}, Deployments: []struct{}{}, RequestType: "Enterprise", Created: stamp(s.Order.Created), CreatedBy: identityOf(s.Certificate.CreatedBy),
		Modified: stamp(s.Certificate.Modified), ModifiedBy: identityOf(s.Certificate.ModifiedBy), Expiration: stamp(s.Certificate.Expires), Thumbprint: some(s.Certificate.Thumbprint),
	}
	for i := range s.Names {
		n := &s.Names[i]
		d := domainOut{ID: n.Domain.ID, Name: n.Name.String(), CommonName: n.Name == s.Order.CommonName, Status: domainStatus(s, n), Created: stamp(n.Domain.Created)}
		if d.Status == "Active" {
			at := stamp(s.Certificate.Issued)
			d.ActiveDate = &at
		}
		b.Domains = append(b.Domains, d)
	}
	return b
}

func (h *handler) certificate(c *call, status int, s *authority.CertificateState) error {
	b := bodyOf(s)
	var org *organization
	if s.Organization != nil {
		o, err := organizationOf(s.Organization)
		if err != nil {
			return err
		}
		org = &o
	}
	b.Organization = &org
	return c.json(status, b)
}

func (h *handler) get(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	s, err := h.o.Authority.Certificate(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	return h.certificate(c, http.StatusOK, &s)
}

// pageSize is the default and the upper limit of a page of certificates.
const pageSize = 20

// number reads a query's number of at least 1.
func (c *call) number(name string, absent int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return 0, invalid(name, "The parameter "+name+" must be a number from 1.")
	}
	return int(n), nil
}

func (h *handler) list(c *call) error {
	page, err := c.number("page", 1)
	if err != nil {
		return err
	}
	size, err := c.number("page_size", pageSize)
	if err != nil {
		return err
	}
	size = min(size, pageSize)
	q := authority.CertificateQuery{Page: authority.Page{Limit: size, Offset: (page - 1) * size}}
	if text := c.query.Get("query"); text != "" {
		field, pattern, ok := strings.Cut(text, ":")
		if !ok {
			return invalid("query", "The query must be a field, a colon and the text to search for.")
		}
		q.Field, q.Pattern = field, pattern
	}
	// Plain is descending here, a hyphen before it ascending.
	q.Sort, q.Ascending = strings.CutPrefix(c.query.Get("sort"), "-")
	list, total, err := h.o.Authority.Certificates(c.r.Context(), c.actor, q)
	if err != nil {
		return err
	}
	out := collect[certificateBody]("/v2.0/certificates", nil)
	for i := range list {
		out.Items = append(out.Items, bodyOf(&list[i]))
	}
	out.Total, out.Links = &total, links(c.query, page, size, total)
	return c.json(http.StatusOK, out)
}

type link struct {
	HRef string `json:"href"`
}

// links are the pages around one; there is no next after the last, no previous
// before the first.
func links(query url.Values, page, size, total int) map[string]link {
	last := max(1, (total+size-1)/size)
	at := func(n int) link {
		q := url.Values{}
		for _, name := range []string{"query", "sort", "page_size"} {
			if v := query.Get(name); v != "" {
				q.Set(name, v)
			}
		}
		q.Set("page", strconv.Itoa(n))
		return link{"/v2.0/certificates?" + q.Encode()}
	}
	out := map[string]link{"first": at(1), "last": at(last)}
	if page < last {
		out["next"] = at(page + 1)
	}
	if page > 1 {
		out["previous"] = at(page - 1)
	}
	return out
}

func (h *handler) patch(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	var in struct {
		Label       *string    `json:"certificate_label"`
		Description *string    `json:"description"`
		AutoRenew   *bool      `json:"auto_renew"`
		Method      *string    `json:"dcv_method"`
		Domains     []domainIn `json:"domains"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	change := authority.UpdateCertificate{Label: in.Label, Description: in.Description, AutoRenew: in.AutoRenew, Names: requested(in.Domains)}
	if in.Method != nil {
		var m dcv.Method
		if m, err = methodOf(*in.Method); err != nil {
			return err
		}
		change.Method = &m
	}
	s, err := h.o.Authority.UpdateCertificate(c.r.Context(), c.actor, id, change)
	if err != nil {
		return err
	}
	return h.certificate(c, http.StatusOK, &s)
}

func (h *handler) remove(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := h.o.Authority.DeleteCertificate(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.empty()
}

// cancel cancels, or with apply=false shows that it could.
func (h *handler) cancel(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	apply := c.query.Get("apply")
	if apply != "" && apply != "true" && apply != "false" {
		return invalid("apply", "The parameter apply must be true or false.")
	}
	if err := h.o.Authority.CancelCertificate(c.r.Context(), c.actor, id, apply == "true"); err != nil {
		return err
	}
	if apply == "true" {
		return c.empty()
	}
	return c.json(http.StatusOK, struct {
		ID     string `json:"@id"`
		Type   string `json:"@type"`
		Action string `json:"action"`
	}{certificatePath(id) + "/cancel", "CancelAction", "Cancel"})
}

func (h *handler) renew(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := h.o.Authority.RenewCertificate(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.empty()
}

func (h *handler) retrigger(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := h.o.Authority.RetriggerCertificate(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.empty()
}
