package certcentral

import (
	"net/http"
	"sync"
	"time"
	_ "time/tzdata" // mountain, on systems without a zone database

	"deed/authority"
	"deed/dcv"
)

// nestedOrg is an organization inside a domain; is_active is the string "1"
// there (contract section 2).
type nestedOrg struct {
	ID          int64  `json:"id"`
	Status      string `json:"status"`
	Name        string `json:"name"`
	AssumedName string `json:"assumed_name,omitempty"`
	DisplayName string `json:"display_name"`
	IsActive    string `json:"is_active"`
}

func nested(o authority.Organization) nestedOrg {
	n := nestedOrg{ID: o.ID, Status: "active", Name: o.Name, AssumedName: o.AssumedName, DisplayName: display(o), IsActive: "1"}
	if !o.Active {
		n.Status, n.IsActive = "inactive", "0"
	}
	return n
}

func display(o authority.Organization) string {
	if o.AssumedName != "" {
		return o.Name + " (" + o.AssumedName + ")"
	}
	return o.Name
}

type container struct {
	ID       int64  `json:"id"`
	ParentID int64  `json:"parent_id"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`
}

// containerOf: an account is one container.
func containerOf(account int64) container {
	return container{ID: account, Name: "Account", IsActive: true}
}

type validation struct {
	Type           string `json:"type"`
	Name           string `json:"name"`
	Description    string `json:"description"`
	DateCreated    string `json:"date_created,omitempty"`
	ValidatedUntil string `json:"validated_until,omitempty"`
	Status         string `json:"status"`
	DCVStatus      string `json:"dcv_status,omitempty"`
	OrgStatus      string `json:"org_status,omitempty"`
}

var typeTexts = map[string][2]string{"ov": {"OV", "Normal Organization Validation"}, "ev": {"EV", "Extended Organization Validation (EV)"}}

// validationsOf: an unexpired proof stays active while a new check is pending.
func validationsOf(d *authority.Domain, now time.Time, long bool) []validation {
	list := []validation{}
	for _, v := range d.Validations {
		o := validation{Type: v.Type, Name: typeTexts[v.Type][0], Description: typeTexts[v.Type][1], DateCreated: stampOrNone(v.Proven), ValidatedUntil: stampOrNone(v.Until), Status: "active"}
		dcvStatus := "complete"
		switch {
		case v.Proven.IsZero():
			o.Status, dcvStatus = "pending", "pending"
		case !now.Before(v.Until) && v.Pending:
			o.Status, dcvStatus = "pending", "pending"
		case !now.Before(v.Until):
			o.Status, dcvStatus = "expired", "expired"
		}
		if long {
			o.DCVStatus, o.OrgStatus = dcvStatus, "complete"
		}
		list = append(list, o)
	}
	return list
}

// listed is a domain as the list shows it.
type listed struct {
	ID           int64          `json:"id"`
	IsActive     bool           `json:"is_active"`
	Name         string         `json:"name"`
	DateCreated  string         `json:"date_created"`
	Submitted    string         `json:"last_submitted_datetime,omitempty"`
	Approved     string         `json:"dcv_approval_datetime,omitempty"`
	Organization nestedOrg      `json:"organization"`
	Validations  []validation   `json:"validations"`
	Method       dcv.Method     `json:"dcv_method"`
	Expiration   map[string]any `json:"dcv_expiration,omitempty"`
	Container    container      `json:"container"`
}

// mountain is the zone in which dates without a time are written (contract
// 3.1). The zone's rules are in the binary, so it is always found.
var mountain = sync.OnceValue(func() *time.Location {
	l, err := time.LoadLocation("America/Denver")
	if err != nil {
		return time.FixedZone("MST", -7*3600)
	}
	return l
})

// expirationOf is dcv_expiration: both types always, since a client indexes both.
func expirationOf(d *authority.Domain, now time.Time, asTime, reuse bool) map[string]any {
	if d.Proven.IsZero() {
		return nil
	}
	write := func(t time.Time) string {
		if asTime {
			return stamp(t)
		}
		return t.In(mountain()).Format(time.DateOnly)
	}
	e := map[string]any{}
	for _, typ := range []string{"ov", "ev"} {
		until := d.ProvenUntil
		for _, v := range d.Validations {
			if v.Type == typ && !v.Until.IsZero() {
				until = v.Until
			}
		}
		e[typ] = write(until)
		if reuse {
			e[typ+"_status"] = "valid"
			if !now.Before(until) {
				e[typ+"_status"] = "expired"
			}
		}
	}
	if reuse {
		// Ends are computed by the rules to come from the start; none is
		// shortened afterwards.
		e["ov_shortened"], e["dcv_approval_date"] = false, write(d.Proven)
	}
	return e
}

func (h *handler) validationDetails(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	v, err := h.o.Authority.Domain(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]any{"validations": validationsOf(&v.Domain, h.o.Authority.Now(), true)})
}

func (h *handler) domainInfo(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	withDCV, err := c.flag("include_dcv")
	if err != nil {
		return err
	}
	withValidation, err := c.flag("include_validation")
	if err != nil {
		return err
	}
	reuse, err := c.flag("include_validation_reuse_status")
	if err != nil {
		return err
	}
	v, err := h.o.Authority.Domain(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	d := &v.Domain
	out := struct {
		ID           int64          `json:"id"`
		IsActive     bool           `json:"is_active"`
		Name         string         `json:"name"`
		Status       string         `json:"status"`
		Pending      bool           `json:"is_pending_validation"`
		DateCreated  string         `json:"date_created"`
		Organization nestedOrg      `json:"organization"`
		Validations  []validation   `json:"validations,omitempty"`
		Method       dcv.Method     `json:"dcv_method"`
		Token        *token         `json:"dcv_token,omitempty"`
		Record       *record        `json:"persistent_record,omitempty"`
		Approved     string         `json:"dcv_approval_datetime,omitempty"`
		Expires      string         `json:"dcv_expiration_datetime,omitempty"`
		Expiration   map[string]any `json:"dcv_expiration,omitempty"`
		Container    container      `json:"container"`
	}{
		ID: d.ID, IsActive: d.Active, Name: d.Name.String(), Status: "approved", Pending: v.Pending, DateCreated: stamp(d.Created),
		Organization: nested(v.Organization), Method: d.Method, Container: containerOf(d.AccountID),
	}
	now := h.o.Authority.Now()
	ended := !now.Before(d.ProvenUntil)
	switch {
	case v.Pending:
		out.Status = "pending"
	case ended:
		out.Status = "expired"
	}
	if withValidation {
		out.Validations = validationsOf(d, now, true)
	}
	if withDCV {
		if d.Method != dcv.Email {
			out.Token, out.Record = h.token(v.Value, d.Name, v.Pending || ended), h.record(d)
		}
		out.Approved, out.Expires = stampOrNone(d.Proven), stampOrNone(d.ProvenUntil)
		out.Expiration = expirationOf(d, now, false, reuse)
	}
	if v.Last != nil {
		c.describe(v.Last.ID)
	}
	return c.json(http.StatusOK, out)
}
