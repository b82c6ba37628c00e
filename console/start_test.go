package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheStartPageStandsAtTheRootAlone(t *testing.T) {
	mux := http.NewServeMux()
	Start(mux, Versions{Version: "<1>", Rules: "2.3.0"})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for path, want := range map[string]int{"/": http.StatusOK, "/other": http.StatusNotFound, "/index.html": http.StatusNotFound} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
		if want == http.StatusOK && (!strings.Contains(string(b), "&lt;1&gt;") || resp.Header.Get("Content-Security-Policy") == "") {
			t.Errorf("%s: %s\n%s", path, resp.Header, b)
		}
	}
}
