package sandbox

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// box starts an Internet with its control API.
func box(t testing.TB) (*Internet, string) {
	t.Helper()
	n, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	mux := http.NewServeMux()
	n.Mount(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return n, srv.URL + "/sandbox"
}

func send(t testing.TB, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestControlRefusesAndChangesNothing(t *testing.T) {
	_, url := box(t)
	state := func() string {
		var all strings.Builder
		for _, p := range []string{"/dns", "/web", "/mail"} {
			_, b := send(t, "GET", url+p, "")
			all.WriteString(b)
		}
		return all.String()
	}
	before := state()
	for _, row := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"no body", "PUT", "/dns", "", 400},
		{"no JSON", "PUT", "/dns", "x", 400},
		{"an array", "PUT", "/dns", "[]", 400},
		{"deep", "PUT", "/dns", strings.Repeat("[", 1000), 400},
		{"too large", "PUT", "/dns", `{"name":"` + strings.Repeat("a", 256<<10) + `"}`, 413},
		{"no name", "PUT", "/dns", `{"type":"TXT","value":"x"}`, 400},
		{"no name in the DNS", "PUT", "/dns", `{"name":"a..b","type":"TXT","value":"x"}`, 400},
		{"a label of 64", "PUT", "/dns", `{"name":"` + strings.Repeat("a", 64) + `.com","type":"TXT","value":"x"}`, 400},
		{"no such type", "PUT", "/dns", `{"name":"a.example","type":"XYZ","value":"x"}`, 400},
		{"a value of another type", "PUT", "/dns", `{"name":"a.example","type":"A","value":"not an address"}`, 400},
		{"two lines", "PUT", "/dns", `{"name":"a.example","type":"CNAME","value":"b.example\n$INCLUDE /etc/passwd"}`, 400},
		{"no value", "PUT", "/dns", `{"name":"a.example","type":"TXT"}`, 400},
		{"no such fault", "PUT", "/dns", `{"name":"a.example","fault":"explode"}`, 400},
		{"no host", "PUT", "/web", `{"path":"/x","body":"y"}`, 400},
		{"a host with a port", "PUT", "/web", `{"host":"a.example:80","path":"/x","body":"y"}`, 400},
		{"a path without its slash", "PUT", "/web", `{"host":"a.example","path":"x","body":"y"}`, 400},
		{"a status that is none", "PUT", "/web", `{"host":"a.example","path":"/x","status":99}`, 400},
		{"a wrong type", "PUT", "/web", `{"host":7}`, 400},
		{"a wait that is none", "GET", "/mail?wait=soon", "", 400},
		{"a wait too long", "GET", "/mail?wait=2h", "", 400},
		{"a negative wait", "GET", "/mail?wait=-1s", "", 400},
		{"mail cannot be put", "PUT", "/mail", "{}", 405},
		{"another method", "PATCH", "/dns", "{}", 405},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, body := send(t, row.method, url+row.path, row.body)
			if status != row.status || !strings.Contains(body, `"error":"`) {
				t.Errorf("%d %s, want %d", status, body, row.status)
			}
		})
	}
	t.Run("a page of another site in a browser", func(t *testing.T) {
		status, _ := send(t, "PUT", url+"/dns", `{"name":"a.example","type":"TXT","value":"x"}`, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if status != http.StatusForbidden {
			t.Errorf("%d", status)
		}
	})
	if after := state(); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
}

func TestControlSetsAndRemoves(t *testing.T) {
	_, url := box(t)
	if status, body := send(t, "PUT", url+"/dns", `{"name":"A.Example.","type":"txt","values":["one","two"]}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := send(t, "GET", url+"/dns", ""); !strings.Contains(body, `a.example. 5 IN TXT \"one\"`) || !strings.Contains(body, `\"two\"`) {
		t.Errorf("%s", body)
	}
	if status, _ := send(t, "DELETE", url+"/dns", `{"name":"a.example","type":"TXT"}`); status != 200 {
		t.Errorf("%d", status)
	}
	if _, body := send(t, "GET", url+"/dns", ""); strings.Contains(body, "a.example.") {
		t.Errorf("%s", body)
	}
	if status, body := send(t, "PUT", url+"/web", `{"host":"W.Example","path":"/x","body":"hello"}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := send(t, "GET", url+"/web", ""); !strings.Contains(body, `"host":"w.example"`) {
		t.Errorf("%s", body)
	}
	if status, _ := send(t, "DELETE", url+"/web", `{"host":"w.example","path":"/x"}`); status != 200 {
		t.Errorf("%d", status)
	}
	if status, body := send(t, "GET", url+"/mail?to=nobody@example.com", ""); status != 200 || strings.TrimSpace(body) != `{"messages":[]}` {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := send(t, "DELETE", url+"/mail", ""); status != 204 {
		t.Errorf("%d", status)
	}
}

// FuzzControl: whatever is sent to the control API, the box answers, never by a 5xx.
func FuzzControl(f *testing.F) {
	for _, s := range []string{
		`{"name":"a.example","type":"TXT","value":"x"}`, `{"name":"a.example","type":"CAA","value":"0 issue \"ca.example\""}`, `{"name":"*.a.example","type":"CNAME","value":"b"}`,
		`{"name":"a","fault":"servfail"}`, `{"host":"a.example","path":"/x","body":"y","headers":{"X\r\nY":"z"},"location":"\r\n"}`, `{"name":"\\000.example","type":"TXT","value":"\\\""}`,
	} {
		f.Add(true, s)
		f.Add(false, s)
	}
	_, url := box(f)
	f.Fuzz(func(t *testing.T, dns bool, body string) {
		path := "/web"
		if dns {
			path = "/dns"
		}
		for _, method := range []string{"PUT", "DELETE"} {
			if status, answer := send(t, method, url+path, body); status >= 500 {
				t.Fatalf("%s %s %q: %d %s", method, path, body, status, answer)
			}
		}
	})
}
