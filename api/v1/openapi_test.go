package v1_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	v1 "deed/api/v1"
)

// The document is valid, and every answer of a whole life, refusals too, is
// what it says.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	w := newWorld(t)
	_, _, raw := w.send("", "GET", "/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData([]byte(raw))
	must(t, err)
	must(t, doc.Validate(t.Context()))
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
	router, err := gorillamux.NewRouter(doc)
	must(t, err)
	used := map[string]bool{}
	send := func(want int, method, path, body string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("X-DC-DEVKEY", w.key)
		req.Header.Set("Content-Type", "application/json")
		route, params, err := router.FindRoute(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		used[route.Operation.OperationID] = true
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		must(t, err)
		if resp.StatusCode != want {
			t.Errorf("%s %s %s: %d %s, want %d", method, path, body, resp.StatusCode, b, want)
		}
		asked, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
		must(t, err)
		asked.Header = req.Header
		o := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
		in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: o}
		if want/100 == 2 {
			if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
				t.Errorf("%s %s: the document refuses what is served: %v", method, path, err)
			}
		}
		err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(b)), Options: o,
		})
		if err != nil {
			t.Errorf("%s %s: %d %s is not what the document says: %v", method, path, resp.StatusCode, b, err)
		}
		return string(b)
	}
	send(http.StatusCreated, "POST", "/v1/domains", three)
	send(http.StatusConflict, "POST", "/v1/domains", three)
	send(http.StatusUnprocessableEntity, "POST", "/v1/domains", `{"name":"x.example.com","methods":[]}`)
	send(http.StatusOK, "POST", "/v1/domains/1/methods", `{"methods":[{"method":"email"},{"method":"dns-cname-token"},{"method":"tls-alpn-01","key_authorization":"`+keyauth+`"}]}`)
	send(http.StatusOK, "POST", "/v1/domains/1/methods/dns-cname-token/value", "")
	send(http.StatusNoContent, "DELETE", "/v1/domains/1/methods/tls-alpn-01", "")
	send(http.StatusNotFound, "DELETE", "/v1/domains/1/methods/tls-alpn-01", "")
	plan := send(http.StatusOK, "GET", "/v1/domains/1/methods", "")
	send(http.StatusOK, "POST", "/v1/domains/1/check?method=dns-01", "")
	send(http.StatusOK, "POST", "/v1/domains/1/check", "")
	if !strings.Contains(plan, `"recommended":true`) {
		t.Error(plan)
	}
	p := call[v1.Plan](w, http.StatusOK, "GET", "/v1/domains/1/methods", "")
	w.publish(p.Methods[0].Record)
	send(http.StatusOK, "POST", "/v1/domains/1/methods", `{"methods":[{"method":"dns-txt-persistent"}]}`)
	send(http.StatusOK, "POST", "/v1/domains/1/check?method=dns-txt-persistent", "")
	send(http.StatusOK, "GET", "/v1/domains/1/attempts?limit=3", "")
	d := call[v1.Domain](w, http.StatusOK, "GET", "/v1/domains/1", "")
	send(http.StatusOK, "GET", "/v1/domains/1", "")
	send(http.StatusOK, "GET", d.Last, "")
	send(http.StatusNotFound, "GET", "/v1/attempts/none", "")
	send(http.StatusNoContent, "DELETE", "/v1/domains/1", "")
	send(http.StatusNotFound, "GET", "/v1/domains/1", "")
	for _, id := range []string{"add-domain", "arm", "generate", "disarm", "methods", "check", "attempts", "attempt", "domain", "delete-domain"} {
		if !used[id] {
			t.Errorf("the operation %s was not tried", id)
		}
	}
	// The document lists the methods that there are.
	if s := fmt.Sprint(doc.Components.Schemas["ArmMethod"].Value.Properties["method"].Value.Enum); !strings.Contains(s, "dns-account-01") || strings.Contains(s, "fax") {
		t.Error(s)
	}
}
