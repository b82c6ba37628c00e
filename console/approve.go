// Package console is the pages that people see.
package console

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"deed/authority"
	"deed/mail"
	"deed/names"
)

// Mails is what the page behind an e-mail's link needs.
type Mails interface {
	MailView(ctx context.Context, link string) (authority.MailView, error)
	ApproveMail(ctx context.Context, link, code string) (authority.MailView, error)
}

var page = template.Must(template.New("approve").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>{{.Title}}</title><link rel="stylesheet" href="/approve.css"></head><body><main>
<h1>{{.Title}}</h1>
{{if .Domain}}<p>{{.Asks}}</p><p class="domain">{{.Domain}}</p>{{with .Unicode}}<p>{{.}}</p>{{end}}{{end}}
{{if .Note}}<p class="{{.Class}}" role="status">{{.Note}}</p>{{end}}
{{if .Form}}<p>{{.Enter}}</p>
<form method="post" autocomplete="off"><label for="code">{{.Code}}</label>
<input id="code" name="code" required maxlength="64" autocapitalize="none" spellcheck="false">
<button>{{.Button}}</button></form>{{end}}
</main></body></html>
`))

const style = `body{font:1.1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f6f6f4;margin:0}
main{max-width:34rem;margin:8vh auto;background:#fff;padding:2rem;border-radius:.5rem;border:1px solid #ddd}
h1{font-size:1.4rem;margin-top:0}.domain{font-size:1.6rem;font-weight:700;overflow-wrap:anywhere}
label{display:block;font-weight:600}input{font:1.1rem monospace;width:100%;box-sizing:border-box;padding:.6rem;margin:.3rem 0 1rem;border:1px solid #666;border-radius:.3rem}
button{font:inherit;padding:.6rem 1.2rem;background:#0b5d2f;color:#fff;border:0;border-radius:.3rem;cursor:pointer}
.good{background:#e3f4e8;padding:.8rem}.bad{background:#fbe9e7;padding:.8rem}
`

// Approve serves /approve/{link}: GET shows and asks, and changes nothing; only
// POST with the code that stands in the message approves (rule E8).
func Approve(mux *http.ServeMux, m Mails, tr *mail.Translations, log *slog.Logger) {
	p := &approve{m, tr, log}
	mux.HandleFunc("GET /approve/{link}", p.show)
	mux.Handle("POST /approve/{link}", http.NewCrossOriginProtection().Handler(http.HandlerFunc(p.confirm)))
	mux.HandleFunc("GET /approve.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(style))
	})
}

type approve struct {
	mails Mails
	tr    *mail.Translations
	log   *slog.Logger
}

func (p *approve) show(w http.ResponseWriter, r *http.Request) {
	v, err := p.mails.MailView(r.Context(), r.PathValue("link"))
	p.answer(w, r, v, err)
}

func (p *approve) confirm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return
	}
	v, err := p.mails.ApproveMail(r.Context(), r.PathValue("link"), r.PostForm.Get("code"))
	p.answer(w, r, v, err)
}

// answer shows a message's state, or why the code was not taken.
func (p *approve) answer(w http.ResponseWriter, r *http.Request, v authority.MailView, err error) {
	words := p.tr.Words(v.Locale)
	data := map[string]any{
		"Lang": mail.Locale(v.Locale), "Title": words.T("page_title", nil), "Domain": v.Domain.String(), "Asks": words.T("page_asks", map[string]any{"Account": v.Account}),
		"Enter": words.T("page_enter", nil), "Code": words.T("page_code", nil), "Button": words.T("page_button", nil), "Form": false, "Note": "", "Class": "bad",
	}
	if u := names.Unicode(v.Domain); !v.Domain.IsZero() && u != v.Domain.String() {
		data["Unicode"] = u // both forms: each alone may deceive
	}
	status := http.StatusOK
	var e *authority.Error
	switch {
	case errors.As(err, &e) && e.Kind == authority.NotFound:
		status, data["Note"], data["Domain"] = http.StatusNotFound, words.T("page_unknown", nil), ""
	case errors.As(err, &e) && e.Kind == authority.Invalid:
		status, data["Note"], data["Form"] = http.StatusUnprocessableEntity, words.T("page_wrong", nil), true
	case errors.As(err, &e):
		status, data["Note"] = http.StatusConflict, words.T("page_gone", nil)
	case err != nil:
		p.log.Error("page failed", "path", "/approve", "error", err)
		http.Error(w, "The page could not be shown; please try again.", http.StatusInternalServerError)
		return
	case v.State == "approved":
		data["Note"], data["Class"] = words.T("page_done", nil), "good"
	case v.State == "open":
		data["Form"] = true
	default:
		status, data["Note"] = http.StatusGone, words.T("page_gone", nil)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if err := page.Execute(w, data); err != nil {
		p.log.Debug("page not written", "error", err)
	}
}
