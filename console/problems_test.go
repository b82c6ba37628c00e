package console

import (
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"deed/dcv"
)

func TestEveryProblemHasAHelpPage(t *testing.T) {
	mux := http.NewServeMux()
	Problems(mux)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	index := get("/help/problems").Body.String()
	for c, k := range dcv.Problems {
		w := get(c.Help())
		body := html.UnescapeString(w.Body.String())
		if w.Code != http.StatusOK || !strings.Contains(body, k.Title) || !strings.Contains(body, k.Fix) || !strings.Contains(body, k.Says) || !strings.Contains(body, string(c)) {
			t.Errorf("%s: %d %s", c, w.Code, body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", c, csp)
		}
		if !strings.Contains(index, `"`+c.Help()+`"`) {
			t.Errorf("the index does not name %s", c)
		}
	}
	for _, path := range []string{"/help/problems/", "/help/problems/no_such_code", "/help/problems/txt_not_found/x", "/help/problems/%3Cscript%3E"} {
		if w := get(path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
