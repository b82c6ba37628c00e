package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"deed/api"
)

// Mount adds the control API: /sandbox/dns, /sandbox/nameservers, /sandbox/web and
// /sandbox/mail.
func (n *Internet) Mount(mux *http.ServeMux) {
	for path, h := range map[string]http.HandlerFunc{"/sandbox/dns": n.zone.control, "/sandbox/web": n.web.control, "/sandbox/mail": n.box.control, "/sandbox/nameservers": n.controlServers} {
		// A page in a browser must not be able to change the box.
		mux.Handle(path, http.NewCrossOriginProtection().Handler(methods(h)))
	}
}

func methods(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete:
			h(w, r)
		default:
			w.Header().Set("Allow", "GET, PUT, POST, DELETE")
			answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "the method must be GET, PUT, POST or DELETE"})
		}
	})
}

// read decodes a body of at most 256 KiB; false when it answered already.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 256<<10))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		answer(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "the body is larger than 256 KiB"})
		return false
	}
	if err == nil {
		err = api.Decode(b, v)
	}
	if err != nil {
		refuse(w, err)
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
