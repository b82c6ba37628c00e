// Package certcentral is the DigiCert CertCentral Services API v2 dialect for
// domains: it decodes a request, calls one command of the authority and
// encodes its answer. No rule of validation lives here.
package certcentral

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"deed/api"
	"deed/authority"
	"deed/check"
	"deed/dcv"
	"deed/store"
)

// Prefix is where the dialect is mounted.
const Prefix = "/services/v2"

// maxBody bounds a request's body.
const maxBody = 1 << 20

// Options configure the dialect.
type Options struct {
	Authority   *authority.Authority
	Limiter     *api.Limiter // nil for none
	CNAMETarget string
	Log         *slog.Logger
}

// Handler serves the dialect under Prefix.
func Handler(o Options) http.Handler {
	h := &handler{o: o, mux: http.NewServeMux()}
	h.routes()
	return h
}

type handler struct {
	o   Options
	mux *http.ServeMux
}

// call is one authenticated request.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	actor authority.Actor
}

type action func(c *call) error

func (h *handler) routes() {
	for pattern, do := range map[string]action{
		"GET /domain":                         h.listDomains,
		"POST /domain":                        h.addDomain,
		"GET /domain/expiration-count":        h.expirations,
		"GET /domain/validation-type":         h.validationTypes,
		"GET /domain/dcv/method":              h.methods,
		"GET /domain/{id}":                    h.domainInfo,
		"DELETE /domain/{id}":                 h.deleteDomain,
		"POST /domain/{id}/validation":        h.submit,
		"GET /domain/{id}/validation":         h.validationDetails,
		"PUT /domain/{id}/dcv/method":         h.changeMethod,
		"POST /domain/{id}/dcv/token":         h.generate,
		"PUT /domain/{id}/dcv/validate-token": h.check,
		"GET /domain/{id}/dcv/emails":         h.addresses,
		"PUT /domain/{id}/dcv/emails":         h.resend,
		// Legacy spellings (dialect contract section 10). Approval by a link alone is
		// not among them: the code must come out of the message (BR 3.2.2.4.4).
		"POST /domain/{id}/dcv/emails":                 h.resend,
		"POST /domain/{id}/dcv/method":                 h.changeMethod,
		"POST /domain/{id}/dcv":                        h.legacyCheck,
		"POST /domain/{id}/dcv/cname":                  h.legacyCheck,
		"PUT /domain/{id}/activate":                    h.activate,
		"PUT /domain/{id}/deactivate":                  h.deactivate,
		"GET /organization":                            h.listOrganizations,
		"POST /organization":                           h.addOrganization,
		"GET /organization/{id}":                       h.organization,
		"GET /organization/{id}/validation":            h.organizationValidation,
		"GET /account":                                 h.account,
		"GET /user/me":                                 h.me,
		"GET /order/certificate":                       h.listOrders,
		"POST /order/certificate/{product}":            h.placeOrder,
		"GET /order/certificate/{id}":                  h.orderInfo,
		"PUT /order/certificate/{id}/dcv-random-value": h.orderValue,
		"PUT /order/certificate/{id}/dcv-method":       h.orderMethod,
		"PUT /order/certificate/{id}/check-dcv":        h.checkOrder,
		"PUT /order/certificate/{id}/resend-emails":    h.resendOrder,
	} {
		h.mux.Handle(pattern, h.route(do))
	}
}

// ServeHTTP is http.Handler: a trailing slash is the same address; nothing is
// redirected, since clients do not follow.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inner, found, allow := api.Route(h.mux, r, Prefix)
	if !found {
		// Who has no key learns nothing of the routes.
		if _, err := h.authenticate(r); err != nil {
			h.fail(w, r, err)
			return
		}
		if allow != "" {
			w.Header().Set("Allow", allow)
			writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "The specified route does not take this method.")
			return
		}
		writeError(w, http.StatusNotFound, "not_found|route", "The specified route was not found.")
		return
	}
	h.mux.ServeHTTP(w, inner)
}

func (h *handler) authenticate(r *http.Request) (authority.Actor, error) {
	return h.o.Authority.Authenticate(r.Context(), r.Header.Get("X-DC-DEVKEY"))
}

// route is what stands before every action: the key, its limits, its role.
func (h *handler) route(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := h.authenticate(r)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if wait, ok := h.o.Limiter.Allow(actor.KeyID); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
			writeError(w, http.StatusTooManyRequests, "request_limit_exceeded", "Service unavailable, please limit request volume")
			return
		}
		if actor.Role == store.RoleViewOnly && r.Method != http.MethodGet && r.Method != http.MethodHead {
			writeError(w, http.StatusForbidden, "access_denied|missing_permission", "The API key may only read.")
			return
		}
		// A filter that cannot be read must not turn into no filter.
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			writeError(w, http.StatusBadRequest, "bad_request_format", "The query cannot be read: percent signs and semicolons must be encoded.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := do(&call{w, r, actor}); err != nil {
			h.fail(w, r, err)
		}
	})
}

// badRequest is a body or a query that cannot be understood.
type badRequest struct {
	status        int
	code, message string
}

func (b badRequest) Error() string { return b.message }

func bad(code, message string) error { return badRequest{http.StatusBadRequest, code, message} }

// codes of refusals as this dialect spells them.
var codes = map[string]string{
	"dcv_method": "invalid_dcv_method", "method_needs_no_value": "invalid_dcv_method", "method_by_mail": "invalid_dcv_method", "method_not_mail": "invalid_dcv_method",
	"method_ended": "invalid_dcv_method", "no_mail": "invalid_dcv_method", "wildcard_method": "invalid_wildcard_dcv_method",
	"exists": "domain_already_exists", "types": "invalid_validation_type", "in_use": "cannot_delete_domain", "not_pending": "invalid_order_status", "inactive": "invalid_domain_status",
	"organization_missing": "invalid_organization",
	"organization":         "not_found|organization", "domain": "not_found|domain", "order": "not_found|order", "attempt": "not_found",
}

// fail is the only place that answers an error.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var b badRequest
	var e *authority.Error
	switch {
	case errors.As(err, &b):
		writeError(w, b.status, b.code, b.message)
	case errors.As(err, &e):
		code, ok := codes[e.Code]
		if !ok {
			code = "invalid_" + e.Code
			if strings.HasPrefix(e.Code, "name_") {
				code = "invalid_domain_name|" + e.Code
			}
		}
		switch e.Kind {
		case authority.NotFound:
			writeError(w, http.StatusNotFound, code, e.Message)
		case authority.Denied:
			writeError(w, http.StatusForbidden, "access_denied|access_denied_invalid_key", "Access denied due to access_denied_invalid_key.")
		case authority.Forbidden:
			writeError(w, http.StatusForbidden, "access_denied|missing_permission", e.Message)
		default:
			writeError(w, http.StatusBadRequest, code, e.Message)
		}
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// Nobody is there to read an answer.
	default:
		h.o.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		writeError(w, http.StatusInternalServerError, "internal_error", "The request could not be served; it is not your fault.")
	}
}

// errorBody is the dialect's envelope (contract 1.1).
type errorBody struct {
	Errors []errorEntry `json:"errors"`
}

type errorEntry struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorBody{[]errorEntry{{code, message}}})
}

// writeJSON answers with exactly "application/json": a client compares it for
// equality.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"errors":[{"code":"internal_error","message":"The answer could not be encoded."}]}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (c *call) json(status int, v any) error {
	writeJSON(c.w, status, v)
	return nil
}

func (c *call) empty() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// describe names the attempt behind an answer (operator contract).
func (c *call) describe(attempt string) {
	if attempt != "" {
		c.w.Header().Set("Link", "</v1/attempts/"+attempt+`>; rel="describedby"`)
	}
}

// id is the path's id; what is no id is no thing of this account.
func (c *call) id(what string) (int64, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, badRequest{http.StatusNotFound, "not_found|" + what, "There is no such " + what + "."}
	}
	return id, nil
}

// decode reads a JSON object into v. required: a body must be there.
func (c *call) decode(v any, required bool) error {
	b, err := io.ReadAll(c.r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return badRequest{http.StatusRequestEntityTooLarge, "request_too_large", "The request's body is larger than 1 MiB."}
	case err != nil:
		return bad("bad_request_format", "The request's body could not be read.")
	}
	trimmed := strings.TrimSpace(string(b))
	if trimmed == "" || trimmed == "null" {
		if required {
			return bad("bad_request_format", "The request has no body; a JSON object is needed.")
		}
		return nil
	}
	if err := api.Decode(b, v); err != nil {
		return bad("bad_request_format", err.Error())
	}
	return nil
}

// spoken are the methods that this dialect has words for (contract 1.3), and
// dns-txt-persistent, an addition: it has no token but a persistent_record.
// Others of the authority's are in /v1 only.
var spoken = map[dcv.Method]bool{dcv.Email: true, dcv.DNSTXT: true, dcv.DNSCNAME: true, dcv.HTTP: true, dcv.Persistent: true}

// method refuses what is no method of this dialect; "" is left to the command.
func method(m dcv.Method) error {
	if m != "" && !spoken[m] {
		return bad("invalid_dcv_method", "There is no DCV method of this name; there are email, dns-txt-token, dns-cname-token, http-token and dns-txt-persistent.")
	}
	return nil
}

// flag is a query's boolean, in any case; anything else is an error.
func (c *call) flag(name string) (bool, error) {
	switch v := strings.ToLower(c.r.URL.Query().Get(name)); v {
	case "", "false", "0":
		return false, nil
	case "true", "1":
		return true, nil
	default:
		return false, bad("invalid_parameter|"+name, "The parameter "+name+" must be true or false.")
	}
}

// stamp is a time as this dialect writes it: UTC, +00:00, no fraction.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-07:00") }

func stampOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

// token is dcv_token (contract section 2).
type token struct {
	Token             string `json:"token"`
	Status            string `json:"status"`
	ExpirationDate    string `json:"expiration_date"`
	VerificationValue string `json:"verification_value,omitempty"`
	HTTPTokenURL      string `json:"http_token_url,omitempty"`
}

func (h *handler) token(v *authority.Value, name dcv.Name, pending bool) *token {
	if v == nil {
		return nil
	}
	t := &token{Token: v.Token, Status: "active", ExpirationDate: stamp(v.Expires)}
	if pending {
		t.Status = "pending"
	}
	switch v.Method {
	case dcv.DNSCNAME:
		t.VerificationValue = h.o.CNAMETarget
	case dcv.HTTP:
		t.HTTPTokenURL = fileURL(name)
	}
	return t
}

// record is persistent_record: what proves a domain whose method is
// dns-txt-persistent, for as long as it stands. That method and this object
// are additions to the dialect; clients that do not know them never see them.
type record struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (h *handler) record(d *authority.Domain) *record {
	if d.Method != dcv.Persistent {
		return nil
	}
	r := h.o.Authority.PersistentRecord(d)
	return &record{r.Name, r.Type, r.Value}
}

func fileURL(name dcv.Name) string { return "http://" + name.String() + check.Path }

// emails is validation_emails. Contacts from the DNS are written to as well,
// but only DCV addresses names them (dialect contract 3.9). email_array never
// appears: accounts have no recipient settings that could differ from default.
type emails struct {
	NameScope  string   `json:"name_scope"`
	BaseEmails []string `json:"base_emails"`
}

func emailsOf(c *authority.Contacts) *emails {
	if c == nil {
		return nil
	}
	return &emails{NameScope: c.NameScope.String(), BaseEmails: c.Base}
}
