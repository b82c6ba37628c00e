package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"deed/authority"
	"deed/dcv"
	"deed/mail"
)

// messages is one message behind a link, as the authority keeps it.
type messages struct {
	link, code string
	view       authority.MailView
	views      int
	tries      []string
}

func (m *messages) find(link string) (authority.MailView, error) {
	if link != m.link {
		return authority.MailView{}, &authority.Error{Kind: authority.NotFound, Code: "message", Message: "There is no such message."}
	}
	return m.view, nil
}

func (m *messages) MailView(_ context.Context, link string) (authority.MailView, error) {
	m.views++
	return m.find(link)
}

func (m *messages) ApproveMail(_ context.Context, link, code string) (authority.MailView, error) {
	m.tries = append(m.tries, code)
	v, err := m.find(link)
	switch {
	case err != nil:
		return v, err
	case v.State != "open":
		return v, &authority.Error{Kind: authority.Conflict, Code: v.State, Message: "no"}
	case code != m.code:
		return v, &authority.Error{Kind: authority.Invalid, Code: "code", Message: "no"}
	}
	m.view.State = "approved"
	return m.view, nil
}

func oneMessage(t testing.TB) (*messages, string) {
	t.Helper()
	tr, err := mail.LoadTranslations()
	if err != nil {
		t.Fatal(err)
	}
	m := &messages{link: "good-link", code: "0123456789abcdefghijklmnopqrstuv", view: authority.MailView{
		Domain: dcv.MustName("example.com"), Account: "Ex & <b>Co</b>", Locale: "en", Expires: time.Now().Add(time.Hour), State: "open",
	}}
	mux := http.NewServeMux()
	Approve(mux, m, tr, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return m, srv.URL
}

func ask(t testing.TB, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
	return resp, string(b)
}

func TestOpeningTheLinkOnlyAsks(t *testing.T) {
	m, base := oneMessage(t)
	for _, method := range []string{"GET", "HEAD"} {
		resp, body := ask(t, method, base+"/approve/good-link", "")
		if resp.StatusCode != 200 || len(m.tries) != 0 {
			t.Fatalf("%s: %d, tries %q", method, resp.StatusCode, m.tries)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Referrer-Policy":         "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
		} {
			if resp.Header.Get(name) != want {
				t.Errorf("%s: %s %q", method, name, resp.Header.Get(name))
			}
		}
		if method == "HEAD" {
			continue
		}
		if !strings.Contains(body, "example.com") || !strings.Contains(body, `<form method="post"`) || strings.Contains(body, m.code) || strings.Contains(body, "<b>Co") {
			t.Errorf("%s", body)
		}
	}
}

func TestOnlyThePostedCodeApproves(t *testing.T) {
	m, base := oneMessage(t)
	at := base + "/approve/good-link"
	for _, row := range []struct {
		name, method, url, body string
		header                  []string
		status                  int
	}{
		{"a wrong code: asked again", "POST", at, "code=wrong", nil, 422},
		{"no code", "POST", at, "", nil, 422},
		{"the code in the address does not count", "POST", at + "?code=" + m.code, "", nil, 422},
		{"nor when the link is opened", "GET", at + "?code=" + m.code, "", nil, 200},
		{"JSON is no form", "POST", at, `{"code":"` + m.code + `"}`, []string{"Content-Type", "application/json"}, 422},
		{"a form that cannot be read", "POST", at, "code=%zz", nil, 400},
		{"a form too large", "POST", at, "code=" + strings.Repeat("a", 5<<10), nil, 400},
		{"from another site's page", "POST", at, "code=" + m.code, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"an unknown link", "POST", base + "/approve/other", "code=" + m.code, nil, 404},
		{"an unknown link, opened", "GET", base + "/approve/other", "", nil, 404},
		{"no link", "GET", base + "/approve/", "", nil, 404},
		{"below the link", "GET", at + "/x", "", nil, 404},
		{"another method", "PUT", at, "code=" + m.code, nil, 405},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, body := ask(t, row.method, row.url, row.body, row.header...)
			if resp.StatusCode != row.status || m.view.State != "open" {
				t.Errorf("%d, state %s: %s", resp.StatusCode, m.view.State, body)
			}
		})
	}
	if resp, body := ask(t, "POST", at, "code="+m.code); resp.StatusCode != 200 || m.view.State != "approved" || strings.Contains(body, "<form") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := ask(t, "POST", at, "code="+m.code); resp.StatusCode != 409 || strings.Contains(body, "<form") {
		t.Errorf("again: %d %s", resp.StatusCode, body)
	}
	for state, status := range map[string]int{"approved": 200, "ended": 410, "expired": 410, "locked": 410} {
		m.view.State = state
		if resp, body := ask(t, "GET", at, ""); resp.StatusCode != status || strings.Contains(body, "<form") {
			t.Errorf("%s: %d", state, resp.StatusCode)
		}
	}
}

// FuzzApprove: no link and no code gives a 5xx, a panic, or what was sent back
// unescaped.
func FuzzApprove(f *testing.F) {
	f.Add("good-link", "wrong")
	f.Add("%00", "\x00")
	f.Add("../../healthz", "<script>alert(1)</script>")
	f.Add(strings.Repeat("a", 5000), strings.Repeat("\xff", 5000))
	_, base := oneMessage(f)
	f.Fuzz(func(t *testing.T, link, code string) {
		at := base + "/approve/" + url.PathEscape(link)
		for _, method := range []string{"GET", "POST"} {
			resp, body := ask(t, method, at, url.Values{"code": {code}}.Encode())
			if resp.StatusCode >= 500 {
				t.Fatalf("%s %q %q: %d %s", method, link, code, resp.StatusCode, body)
			}
			if strings.Contains(code, "<") && len(code) > 3 && strings.Contains(body, code) && !strings.Contains(page.Tree.Root.String(), code) {
				t.Fatalf("%q came back unescaped", code)
			}
		}
	})
}
