package cps

import (
	"net/http"

	"deed/authority"
)

type statusBody struct {
	ID        string     `json:"@id"`
	Type      string     `json:"@type"`
	Number    int64      `json:"id"`
	Step      int        `json:"step"`
	Status    string     `json:"status"`
	Attention bool       `json:"requires_attention"`
	Error     *string    `json:"error_message"`
	Order     *orderBody `json:"order_validation"`
}

type orderBody struct {
	Status       string `json:"status"`
	Organization struct {
		Type   string `json:"validation_type"`
		Status string `json:"status"`
	} `json:"organization_validation"`
	Domains []validation `json:"domain_validations"`
}

type validation struct {
	DomainID int64    `json:"domain_id"`
	Names    []string `json:"domain_names"`
	Status   string   `json:"status"`
}

// progress is how each phase reads here. An order is placed with its request,
// in one transaction, so Processing is over when the answer is sent. What
// follows domain control is another's work: OtherValidation, until an issuer
// reports.
var progress = map[authority.Phase]struct {
	step          int
	status, order string
}{
	authority.Validating:    {3, "DomainControlValidation", "Pending"},
	authority.AwaitsIssuer:  {4, "OtherValidation", "Pending"},
	authority.IssuedPhase:   {6, "Active", "Issued"},
	authority.CanceledPhase: {0, "Deleted", "Canceled"},
	authority.DeletedPhase:  {0, "Deleted", "Deleted"},
}

func (h *handler) status(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	s, err := h.o.Authority.Certificate(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	p := progress[s.Phase]
	order := &orderBody{Status: p.order, Domains: []validation{}}
	if p.order == "Pending" && !s.Certificate.Issued.IsZero() {
		order.Status = "PendingRenewal"
	}
	// Deed validates domains, not organizations: that is pending until an
	// issuer reports.
	order.Organization.Type, order.Organization.Status = s.Certificate.Type, "NA"
	if s.Certificate.Type != "DV" {
		order.Organization.Status = "Pending"
		if !s.Certificate.Issued.IsZero() {
			order.Organization.Status = "Approved"
		}
	}
	for _, n := range s.Names {
		v := validation{n.Domain.ID, []string{n.Name.String()}, "Pending"}
		if n.Proven {
			v.Status = "Approved"
		}
		order.Domains = append(order.Domains, v)
	}
	return c.json(http.StatusOK, statusBody{
		ID: certificatePath(id) + "/status", Type: "Certificate", Number: id, Step: p.step, Status: p.status, Attention: s.Phase == authority.Validating, Order: order,
	})
}
