package console

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"deed/authority"
	"deed/dcv"
	"deed/mail"
)

// open is a message that waits; asking for it and approving it are counted.
type open struct {
	name     string
	approved int
}

func (o *open) MailView(context.Context, string) (authority.MailView, error) {
	return authority.MailView{Domain: dcv.MustName(o.name), Account: "<b>Bank</b>", State: "open", Locale: "fr"}, nil
}

func (o *open) ApproveMail(ctx context.Context, link, _ string) (authority.MailView, error) {
	o.approved++
	v, err := o.MailView(ctx, link)
	v.State = "approved"
	return v, err
}

func TestThePageNamesTheDomainInBothForms(t *testing.T) {
	tr, err := mail.LoadTranslations()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, domain, want, not string }{
		{"an A-label with its U-label: a homograph is seen in the first, a stranger's script in the second", "xn--bcher-kva.example.org", "bücher.example.org", ""},
		{"a plain name once", "shop.example.org", `class="domain">shop.example.org</p>`, "<p>shop.example.org</p>"},
		{"what an account calls itself is text", "shop.example.org", "&lt;b&gt;Bank", "<b>Bank"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := &open{name: row.domain}
			mux := http.NewServeMux()
			Approve(mux, o, tr, slog.New(slog.DiscardHandler))
			srv := httptest.NewServer(mux)
			defer srv.Close()
			resp, err := http.Get(srv.URL + "/approve/x")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			page := string(b)
			if err != nil || !strings.Contains(page, row.domain) || !strings.Contains(page, row.want) || (row.not != "" && strings.Contains(page, row.not)) || !strings.Contains(page, `lang="fr"`) {
				t.Errorf("%v\n%s", err, page)
			}
			if o.approved != 0 {
				t.Error("opening the page approved")
			}
		})
	}
}

// A form on a stranger's page must not approve in the name of its visitor.
func TestAFormOfAnotherOriginIsRefused(t *testing.T) {
	tr, err := mail.LoadTranslations()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, site string
		approved   int
	}{{"from the page itself", "same-origin", 1}, {"from another site", "cross-site", 0}} {
		t.Run(row.name, func(t *testing.T) {
			o := &open{name: "example.org"}
			mux := http.NewServeMux()
			Approve(mux, o, tr, slog.New(slog.DiscardHandler))
			srv := httptest.NewServer(mux)
			defer srv.Close()
			req, err := http.NewRequest("POST", srv.URL+"/approve/x", strings.NewReader("code=1"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", row.site)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if o.approved != row.approved {
				t.Errorf("status %d, approved %d times", resp.StatusCode, o.approved)
			}
		})
	}
}
