package cps

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"deed/authority"
)

// maxForm bounds the token endpoint's body.
const maxForm = 64 << 10

// grant is the token endpoint: the client credentials flow (RFC 6749 section
// 4.4). Errors are 400 even for a wrong client: a client prints the reason
// with that status only.
func (h *handler) grant(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuseGrant(w, http.StatusMethodNotAllowed, "invalid_request", "The token endpoint takes POST.")
		return
	}
	form, problem := readForm(w, r)
	if problem != "" {
		refuseGrant(w, http.StatusBadRequest, "invalid_request", problem)
		return
	}
	if form.Get("grant_type") == "" {
		refuseGrant(w, http.StatusBadRequest, "invalid_request", "The grant_type is missing.")
		return
	}
	if form.Get("grant_type") != "client_credentials" {
		refuseGrant(w, http.StatusBadRequest, "unsupported_grant_type", "The grant_type must be client_credentials.")
		return
	}
	actor, client, err := h.o.Authority.ClientActor(r.Context(), form.Get("client_id"), form.Get("client_secret"))
	if err != nil {
		h.failGrant(w, r, err)
		return
	}
	if wait, ok := h.o.Limiter.Allow(actor.KeyID); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
		refuseGrant(w, http.StatusTooManyRequests, "temporarily_unavailable", "Too many requests by this client.")
		return
	}
	t, err := h.o.Authority.GrantToken(r.Context(), &client, strings.Fields(form.Get("scope")))
	if err != nil {
		h.failGrant(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
		Type    string `json:"token_type"`
		Scope   string `json:"scope"`
	}{t.Text, int(t.Life.Seconds()), "Bearer", t.Scope})
}

// readForm reads the form, the client's credentials also from the header (RFC
// 6749 section 2.3.1). problem is a sentence for the caller.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, problem string) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return nil, "The body must be application/x-www-form-urlencoded."
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, "The body cannot be read, or is larger than 64 KiB."
	}
	if form, err = url.ParseQuery(string(b)); err != nil {
		return nil, "The body is not a form."
	}
	for _, name := range []string{"grant_type", "client_id", "client_secret", "scope"} {
		if len(form[name]) > 1 {
			return nil, "The field " + name + " is given twice."
		}
	}
	if id, secret, ok := r.BasicAuth(); ok {
		if form.Has("client_secret") {
			return nil, "The client's secret is given twice."
		}
		id, err1 := url.QueryUnescape(id)
		secret, err2 := url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return nil, "The Authorization header cannot be read."
		}
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	}
	return form, ""
}

// grantErrors are the codes of refusals that this endpoint names (RFC 6749
// section 5.2).
var grantErrors = []string{"invalid_client", "invalid_scope"}

func (h *handler) failGrant(w http.ResponseWriter, r *http.Request, err error) {
	var e *authority.Error
	if errors.As(err, &e) && slices.Contains(grantErrors, e.Code) {
		refuseGrant(w, http.StatusBadRequest, e.Code, e.Message)
		return
	}
	if r.Context().Err() != nil {
		return
	}
	h.o.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	refuseGrant(w, http.StatusInternalServerError, "server_error", "The request could not be served; it is not your fault.")
}

func refuseGrant(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}
