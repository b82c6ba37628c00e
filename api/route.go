package api

import (
	"net/http"
	gopath "path"
	"strings"
)

// Route finds a request's address below prefix on a dialect's mux: a trailing
// slash is the same address, and nothing is ever redirected, since clients do
// not follow. found is false where nothing takes the request; allow then names
// the methods that the address takes, if any.
func Route(mux *http.ServeMux, r *http.Request, prefix string) (inner *http.Request, found bool, allow string) {
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, prefix), "/")
	if path == "" {
		path = "/"
	}
	inner = r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = path, ""
	match, pattern := mux.Handler(inner)
	if pattern != "" && gopath.Clean(path) == path {
		return inner, true, ""
	}
	rec := &headerOnly{h: http.Header{}}
	match.ServeHTTP(rec, inner)
	if rec.status == http.StatusMethodNotAllowed {
		allow = rec.h.Get("Allow")
	}
	return inner, false, allow
}

// headerOnly takes what the mux itself would answer.
type headerOnly struct {
	h      http.Header
	status int
}

func (o *headerOnly) Header() http.Header         { return o.h }
func (o *headerOnly) Write(p []byte) (int, error) { return len(p), nil }
func (o *headerOnly) WriteHeader(status int)      { o.status = status }
