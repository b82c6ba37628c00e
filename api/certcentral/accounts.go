package certcentral

import (
	"encoding/json"
	"net/http"

	"deed/authority"
)

// orgBody is an organization of its own; is_active is a boolean here.
func orgBody(o authority.Organization) map[string]any {
	out := map[string]any{}
	if o.Details != "" {
		_ = json.Unmarshal([]byte(o.Details), &out) // written by addOrganization
	}
	status := "active"
	if !o.Active {
		status = "inactive"
	}
	out["id"], out["status"], out["name"], out["display_name"], out["is_active"], out["container"] = o.ID, status, o.Name, display(o), o.Active, containerOf(o.AccountID)
	return out
}

func (h *handler) listOrganizations(c *call) error {
	p, err := paging(c.r.URL.Query())
	if err != nil {
		return err
	}
	list, total, err := h.o.Authority.Organizations(c.r.Context(), c.actor, p)
	if err != nil {
		return err
	}
	rows := make([]map[string]any, 0, len(list))
	for _, o := range list {
		rows = append(rows, orgBody(o))
	}
	return c.json(http.StatusOK, map[string]any{"organizations": rows, "page": page{total, p.Limit, p.Offset}})
}

func (h *handler) addOrganization(c *call) error {
	var in struct {
		Name    string `json:"name,omitempty"`
		Address string `json:"address,omitempty"`
		Zip     string `json:"zip,omitempty"`
		City    string `json:"city,omitempty"`
		State   string `json:"state,omitempty"`
		Country string `json:"country,omitempty"`
	}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	name := in.Name
	in.Name = ""
	details, err := json.Marshal(in)
	if err != nil {
		return err
	}
	o, err := h.o.Authority.CreateOrganization(c.r.Context(), c.actor, name, string(details))
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, map[string]int64{"id": o.ID})
}

func (h *handler) organization(c *call) error {
	id, err := c.id("organization")
	if err != nil {
		return err
	}
	o, err := h.o.Authority.Organization(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, orgBody(o))
}

// organizationValidation: Deed validates domains, not organizations; it says so
// with an empty list.
func (h *handler) organizationValidation(c *call) error {
	id, err := c.id("organization")
	if err != nil {
		return err
	}
	if _, err := h.o.Authority.Organization(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{"validations": []any{}})
}

func (h *handler) account(c *call) error {
	acc, err := h.o.Authority.Account(c.r.Context(), c.actor)
	if err != nil {
		return err
	}
	out := map[string]any{"id": acc.ID, "display_name": acc.Name, "rep_name": "", "make_renewal_calls": false}
	orgs, _, err := h.o.Authority.Organizations(c.r.Context(), c.actor, authority.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(orgs) > 0 {
		out["primary_organization_id"] = orgs[0].ID
	}
	return c.json(http.StatusOK, out)
}

// me: API keys are the only users.
func (h *handler) me(c *call) error {
	return c.json(http.StatusOK, map[string]any{
		"id": c.actor.KeyID, "username": c.actor.Name, "account": map[string]any{"id": c.actor.Account}, "status": "active", "is_cert_central": true,
		"container": containerOf(c.actor.Account), "access_roles": []map[string]any{{"id": 1, "name": string(c.actor.Role)}},
	})
}
