// Package cps is the Edgecast Certificate Provisioning System API v2.0 dialect:
// it decodes a request, calls one command of the authority and encodes its
// answer. No rule of validation lives here.
package cps

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
)

// Prefix is where the dialect is mounted; TokenPath is where its clients get
// their access tokens.
const (
	Prefix    = "/sec/cps"
	TokenPath = "/connect/token"
)

// maxBody bounds a request's body.
const maxBody = 1 << 20

// Options configure the dialect.
type Options struct {
	Authority *authority.Authority
	Limiter   *api.Limiter // nil for none
	Log       *slog.Logger
}

// Handler serves the dialect under Prefix, and TokenPath.
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
	query url.Values
	actor authority.Actor
}

type action func(c *call) error

func (h *handler) routes() {
	for pattern, do := range map[string]action{
		"GET /v2.0/dcv/certificates/{id}":                h.details,
		"PUT /v2.0/dcv/certificates/{id}/token":          h.token,
		"PUT /v2.0/dcv/certificates/{id}/method":         h.method,
		"PUT /v2.0/dcv/certificates/{id}/check":          h.check,
		"POST /v2.0/dcv/certificates/{id}/emails/resend": h.resend,
		"POST /v2.0/certificates/cdnprovided":            h.create,
		"GET /v2.0/certificates":                         h.list,
		"GET /v2.0/certificates/{id}":                    h.get,
		"PATCH /v2.0/certificates/{id}":                  h.patch,
		"DELETE /v2.0/certificates/{id}":                 h.remove,
		"PUT /v2.0/certificates/{id}/cancel":             h.cancel,
		"GET /v2.0/certificates/{id}/status":             h.status,
		"GET /v2.0/certificates/{id}/notifications":      h.notifications,
		"PATCH /v2.0/certificates/{id}/notifications":    h.setNotifications,
		"PUT /v2.0/certificates/{id}/renew":              h.renew,
		"PUT /v2.0/certificates/{id}/retrigger":          h.retrigger,
		"PUT /v2.0/certificates/{id}/organization":       h.setOrganization,
		"GET /v2.0/organizations/default":                h.defaultOrganization,
		"GET /v2.0/organizations/{id}":                   h.organization,
		"GET /v2.0/organizations/name/{name...}":         h.findOrganizations,
		"GET /v2.0/customers/commits":                    h.commits,
		"GET /v2.0/customers/notifications":              h.accountNotifications,
		"PATCH /v2.0/customers/notifications":            h.setAccountNotifications,
		"GET /v2.0/appendix/{name}":                      h.appendix,
	} {
		h.mux.Handle(pattern, h.route(do))
	}
}

// ServeHTTP is http.Handler: a trailing slash is the same address; nothing is
// redirected, since clients do not follow.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == TokenPath {
		h.grant(w, r)
		return
	}
	inner, found, allow := api.Route(h.mux, r, Prefix)
	if !found {
		// Who has no token learns nothing of the routes.
		if _, err := h.authenticate(r); err != nil {
			h.fail(w, r, err)
			return
		}
		if allow != "" {
			w.Header().Set("Allow", allow)
			h.fail(w, r, problem{http.StatusMethodNotAllowed, "method_not_allowed", "", "This address does not take this method."})
			return
		}
		h.fail(w, r, problem{http.StatusNotFound, "not_found", "", "There is nothing at this address."})
		return
	}
	h.mux.ServeHTTP(w, inner)
}

func (h *handler) authenticate(r *http.Request) (authority.Actor, error) {
	return h.o.Authority.AuthenticateToken(r.Context(), api.Bearer(r.Header.Get("Authorization")), authority.ClientScope)
}

// route is what stands before every action: the token, its limits, the query.
func (h *handler) route(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := h.authenticate(r)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if wait, ok := h.o.Limiter.Allow(actor.KeyID); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(wait))
			h.fail(w, r, problem{http.StatusTooManyRequests, "rate_limit_reached", "", "Too many requests by this client; wait as long as Retry-After says."})
			return
		}
		// A query that cannot be read must not pass for an empty one: without
		// domain_ids a call is for all domains.
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			h.fail(w, r, invalid("", "The query string cannot be read."))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := do(&call{w, r, query, actor}); err != nil {
			h.fail(w, r, err)
		}
	})
}

// problem is an answer of the error envelope; source is a JSON Pointer into the
// request (RFC 6901), or "".
type problem struct {
	status                    int
	code, source, description string
}

func (p problem) Error() string { return p.description }

func invalid(source, description string) error {
	return problem{http.StatusBadRequest, "invalid_input", source, description}
}

// titles of the codes.
var titles = map[string]string{
	"invalid_input": "The request is not valid", "unauthorized": "No valid access token", "forbidden": "Not permitted", "not_found": "Not found",
	"method_not_allowed": "Method not allowed", "invalid_operation": "The state does not allow this", "payload_too_large": "The body is too large",
	"rate_limit_reached": "Too many requests", "internal_error": "Our failure",
}

// fail is the only place that answers an error.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p problem
	var e *authority.Error
	switch {
	case errors.As(err, &p):
	case errors.As(err, &e):
		p = problem{http.StatusBadRequest, "invalid_input", e.Field, e.Message}
		switch e.Kind {
		case authority.NotFound:
			p.status, p.code = http.StatusNotFound, "not_found"
		case authority.Denied:
			p.status, p.code = http.StatusUnauthorized, "unauthorized"
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		case authority.Forbidden:
			p.status, p.code = http.StatusForbidden, "forbidden"
		case authority.Conflict, authority.Unable:
			// Clients know 409 of the cancel call only.
			p.code = "invalid_operation"
			if strings.HasSuffix(r.URL.Path, "/cancel") {
				p.status = http.StatusConflict
			}
		}
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return // nobody is there to read an answer
	default:
		h.o.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		p = problem{http.StatusInternalServerError, "internal_error", "", "The request could not be served; it is not your fault."}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, p.status, envelopeOf(p))
}

// envelope is the error envelope (contract section 4).
type envelope struct {
	Type        string   `json:"@type"`
	Code        string   `json:"code"`
	StatusCode  int      `json:"status_code"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Details     []detail `json:"details"`
}

type detail struct {
	Type        string  `json:"@type"`
	Source      *string `json:"source"`
	Description string  `json:"description"`
	Meta        *string `json:"meta"`
}

func envelopeOf(p problem) envelope {
	d := detail{Type: "ErrorDetail", Description: p.description}
	if p.source != "" {
		at := "/" + p.source
		d.Source = &at
	}
	return envelope{"Error", p.code, p.status, titles[p.code], p.description, []detail{d}}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"@type":"Error","code":"internal_error","status_code":500,"title":"Our failure","description":"The answer could not be encoded.","details":[]}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (c *call) json(status int, v any) error {
	if c.w.Header().Get("Cache-Control") == "" {
		c.w.Header().Set("Cache-Control", "private")
	}
	writeJSON(c.w, status, v)
	return nil
}

// empty answers 204: a success of another status must have a body here.
func (c *call) empty() error {
	c.w.Header().Set("Cache-Control", "private")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// collection is the envelope of lists. Total is left out where clients expect none.
type collection[T any] struct {
	ID    string `json:"@id"`
	Type  string `json:"@type"`
	Items []T    `json:"items"`
	Total *int   `json:"total_items,omitempty"`
	Links any    `json:"@links,omitempty"`
}

func collect[T any](id string, items []T) collection[T] {
	if items == nil {
		items = []T{}
	}
	return collection[T]{ID: id, Type: "Collection", Items: items}
}

// id is the path's id.
func (c *call) id() (int64, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, invalid("", "The id in the address must be a number.")
	}
	return id, nil
}

// maxIDs bounds the list of domain ids before any of it is looked up.
const maxIDs = 100

// domainIDs reads domain_ids; none or an empty one stands for all.
func (c *call) domainIDs() ([]int64, error) {
	text := strings.Join(c.query["domain_ids"], ",")
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) > maxIDs {
		return nil, invalid("domain_ids", "At most "+strconv.Itoa(maxIDs)+" domain ids may be given.")
	}
	var list []int64
	for _, s := range parts {
		id, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil || id < 1 {
			return nil, invalid("domain_ids", "The domain_ids must be a comma-delimited list of numbers.")
		}
		list = append(list, id)
	}
	return list, nil
}

// decode reads the JSON body into v.
func (c *call) decode(v any) error {
	b, err := io.ReadAll(c.r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem{http.StatusRequestEntityTooLarge, "payload_too_large", "", "The request's body is larger than 1 MiB."}
	case err != nil:
		return invalid("", "The request's body could not be read.")
	case strings.TrimSpace(string(b)) == "" || strings.TrimSpace(string(b)) == "null":
		return invalid("", "The request has no body.")
	}
	if err := api.Decode(b, v); err != nil {
		return invalid("", err.Error())
	}
	return nil
}

// stamp is a time as this dialect writes it; the zero time is "not yet known".
func stamp(t time.Time) string {
	if t.IsZero() {
		return "0001-01-01T00:00:00Z"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
