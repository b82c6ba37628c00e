package certcentral

import (
	"encoding/json"
	"net/http"
	"strings"

	"deed/authority"
	"deed/dcv"
)

// loose is a boolean that clients send as true, "true", "1" or 1.
type loose bool

func (l *loose) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1":
		*l = true
	case "false", "0", "null", "":
		*l = false
	default:
		return &json.UnmarshalTypeError{Value: "value " + string(b[:min(len(b), 40)])}
	}
	return nil
}

type typed struct {
	Type string `json:"type"`
}

func typeNames(list []typed) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Type)
	}
	return out
}

// submission is the answer of add and submit (contract 3.3, 3.4).
type submission struct {
	ID     int64   `json:"id"`
	Emails *emails `json:"validation_emails,omitempty"`
	Token  *token  `json:"dcv_token,omitempty"`
	// Record is ours: the method dns-txt-persistent has no token.
	Record *record `json:"persistent_record,omitempty"`
}

func (h *handler) submission(a *authority.Armed) submission {
	return submission{a.Domain.ID, emailsOf(a.Contacts), h.token(a.Value, a.Domain.Name, true), h.record(&a.Domain)}
}

func (h *handler) addDomain(c *call) error {
	var in struct {
		Name         string `json:"name"`
		Organization struct {
			ID int64 `json:"id"`
		} `json:"organization"`
		Validations []typed    `json:"validations"`
		Method      dcv.Method `json:"dcv_method"`
		Legacy      struct {
			Method dcv.Method `json:"method"`
		} `json:"dcv"`
		Locale  string   `json:"locale"`
		Emails  []string `json:"email_array"`
		KeepWWW loose    `json:"keep_www"`
	}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	if in.Method == "" {
		in.Method = in.Legacy.Method
	}
	if err := method(in.Method); err != nil {
		return err
	}
	armed, err := h.o.Authority.AddDomain(c.r.Context(), c.actor, authority.AddDomain{
		Name: in.Name, OrganizationID: in.Organization.ID, Types: typeNames(in.Validations), Method: in.Method,
		KeepWWW: bool(in.KeepWWW), Locale: in.Locale, Recipients: in.Emails,
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, h.submission(&armed))
}

func (h *handler) submit(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	var in struct {
		Validations []typed    `json:"validations"`
		Method      dcv.Method `json:"dcv_method"`
		Locale      string     `json:"locale"`
		Emails      []string   `json:"email_array"`
	}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	if err := method(in.Method); err != nil {
		return err
	}
	armed, err := h.o.Authority.Submit(c.r.Context(), c.actor, id, authority.Submit{Types: typeNames(in.Validations), Method: in.Method, Locale: in.Locale, Recipients: in.Emails})
	if err != nil {
		return err
	}
	if in.Method == "" {
		return c.empty()
	}
	return c.json(http.StatusCreated, h.submission(&armed))
}

func (h *handler) changeMethod(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	in := struct {
		Method dcv.Method `json:"dcv_method"`
		Legacy dcv.Method `json:"method"`
		Locale string     `json:"locale"`
		Send   *loose     `json:"send_dcv_email_flag"`
		Emails []string   `json:"email_array"`
	}{}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	if in.Method == "" {
		in.Method = in.Legacy
	}
	if err := method(in.Method); err != nil {
		return err
	}
	armed, err := h.o.Authority.ChangeMethod(c.r.Context(), c.actor, id, authority.ChangeMethod{
		Method: in.Method, SendEmail: in.Send == nil || bool(*in.Send), Locale: in.Locale, Recipients: in.Emails,
	})
	if err != nil {
		return err
	}
	if armed.Unchanged {
		return c.json(http.StatusOK, struct{}{})
	}
	return c.json(http.StatusOK, struct {
		Emails *emails `json:"validation_emails,omitempty"`
		Token  *token  `json:"dcv_token,omitempty"`
		Record *record `json:"persistent_record,omitempty"`
	}{emailsOf(armed.Contacts), h.token(armed.Value, armed.Domain.Name, true), h.record(&armed.Domain)})
}

func (h *handler) generate(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	armed, err := h.o.Authority.GenerateValue(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	// A flat object: the fields of dcv_token without its status.
	t := h.token(armed.Value, armed.Domain.Name, true)
	if t.HTTPTokenURL != "" {
		t.VerificationValue = t.HTTPTokenURL
	}
	return c.json(http.StatusOK, struct {
		Token             string `json:"token"`
		ExpirationDate    string `json:"expiration_date"`
		HTTPTokenURL      string `json:"http_token_url,omitempty"`
		VerificationValue string `json:"verification_value,omitempty"`
	}{t.Token, t.ExpirationDate, t.HTTPTokenURL, t.VerificationValue})
}

// failures are the dialect's codes and messages of a check that did not pass.
var failures = map[dcv.Method]errorEntry{
	dcv.DNSTXT:   {"invalid_dns_txt", "Could not find a valid TXT record for one or more domains."},
	dcv.DNSCNAME: {"invalid_dns_cname", "Could not find a valid CNAME record for one or more domains."},
	dcv.HTTP:     {"file_random_value_not_found", "Could not find the random value at the expected file location for one or more domains."},
	// Ours; the code is that of the other TXT method.
	dcv.Persistent: {"invalid_dns_txt", "Could not find a valid persistent TXT record for one or more domains."},
}

// failure is what a check by a method says that did not pass.
func failure(m dcv.Method) errorEntry {
	if f, ok := failures[m]; ok {
		return f
	}
	return errorEntry{"invalid_dcv", "The challenge of " + string(m) + " was not met for one or more domains."}
}

func (h *handler) check(c *call) error { return h.checkDomain(c, true) }

// legacyCheck is the check of 2018: it answers with the status alone.
func (h *handler) legacyCheck(c *call) error { return h.checkDomain(c, false) }

func (h *handler) checkDomain(c *call, withToken bool) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	res, err := h.o.Authority.CheckDomain(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	c.describe(res.Attempt.ID)
	if res.Verdict.Outcome != dcv.Proven {
		f := failure(res.Domain.Method)
		writeError(c.w, http.StatusBadRequest, f.Code, f.Message)
		return nil
	}
	out := struct {
		Token  string `json:"token,omitempty"`
		Status string `json:"status"`
	}{Status: "active"}
	if res.Value != nil && withToken {
		out.Token = res.Value.Token
	}
	return c.json(http.StatusOK, out)
}

func (h *handler) addresses(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		// The path takes a name of the account, too (contract 3.9).
		if id, err = h.o.Authority.DomainIDByName(c.r.Context(), c.actor, c.r.PathValue("id")); err != nil {
			return err
		}
	}
	contacts, err := h.o.Authority.Contacts(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	if contacts.TXT == nil {
		contacts.TXT = []string{}
	}
	return c.json(http.StatusOK, struct {
		emails
		TXT []string `json:"dns_txt_emails"`
		CAA []string `json:"dns_caa_emails,omitempty"` // ours: the vendor writes to them and names them nowhere
	}{*emailsOf(&contacts), contacts.TXT, contacts.CAA})
}

func (h *handler) resend(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	var in struct {
		NameScope string   `json:"name_scope"`
		Locale    string   `json:"locale"`
		Emails    []string `json:"email_array"`
	}
	if err := c.decode(&in, false); err != nil {
		return err
	}
	if err := h.o.Authority.Resend(c.r.Context(), c.actor, id, authority.ResendMail{NameScope: in.NameScope, Locale: in.Locale, Recipients: in.Emails}); err != nil {
		return err
	}
	return c.empty()
}

func (h *handler) activate(c *call) error   { return h.setActive(c, true) }
func (h *handler) deactivate(c *call) error { return h.setActive(c, false) }

func (h *handler) setActive(c *call, active bool) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	if err := h.o.Authority.SetActive(c.r.Context(), c.actor, id, active); err != nil {
		return err
	}
	return c.empty()
}

func (h *handler) deleteDomain(c *call) error {
	id, err := c.id("domain")
	if err != nil {
		return err
	}
	if err := h.o.Authority.Delete(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	return c.empty()
}
