package console

import (
	"html/template"
	"maps"
	"net/http"
	"slices"

	"deed/dcv"
)

var problemPage = template.Must(template.New("problem").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Kind.Title}}</title><link rel="stylesheet" href="/help/problems.css"></head><body><main>
<h1>{{.Kind.Title}}</h1><p><code>{{.Code}}</code></p>
<p>{{.Kind.Says}}</p>
<h2>What to do</h2><p>{{.Kind.Fix}}</p>
{{if .Kind.Look}}<h2>See for yourself</h2><p>For <code>example.com</code>:</p><pre>{{.Kind.Look}}</pre>{{end}}
<p>{{if .Kind.Transient}}It may end without a new request: the check is repeated on the domain's schedule.{{else}}It does not end by itself: something must be changed first.{{end}}</p>
<p><a href="/help/problems">All problems</a></p>
</main></body></html>
`))

var problemList = template.Must(template.New("problems").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems</title><link rel="stylesheet" href="/help/problems.css"></head><body><main>
<h1>Problems</h1><p>Every reason that a check may give for a "no".</p>
<dl>{{range .}}<dt><a href="/help/problems/{{.Code}}"><code>{{.Code}}</code></a></dt><dd>{{.Kind.Title}}</dd>{{end}}</dl>
</main></body></html>
`))

const problemStyle = `body{font:1.05rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f6f6f4;margin:0}
main{max-width:42rem;margin:6vh auto;background:#fff;padding:2rem;border-radius:.5rem;border:1px solid #ddd}
h1{font-size:1.5rem;margin-top:0}h2{font-size:1.1rem}pre{background:#f0f0ec;padding:.8rem;overflow-x:auto}dd{margin:0 0 .6rem 0}a{color:#0b5d2f}
`

type problemRow struct {
	Code dcv.Code
	Kind dcv.Kind
}

// Problems serves the help pages of the problem codes, made from the table.
func Problems(mux *http.ServeMux) {
	list := []problemRow{}
	for _, c := range slices.Sorted(maps.Keys(dcv.Problems)) {
		list = append(list, problemRow{c, dcv.Problems[c]})
	}
	mux.HandleFunc("GET /help/problems", func(w http.ResponseWriter, _ *http.Request) { help(w, problemList, list) })
	mux.HandleFunc("GET /help/problems/{code}", func(w http.ResponseWriter, r *http.Request) {
		c := dcv.Code(r.PathValue("code"))
		k, ok := dcv.Problems[c]
		if !ok {
			http.Error(w, "There is no such problem code; /help/problems lists them.", http.StatusNotFound)
			return
		}
		help(w, problemPage, problemRow{c, k})
	})
	mux.HandleFunc("GET /help/problems.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write([]byte(problemStyle))
	})
}

func help(w http.ResponseWriter, t *template.Template, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = t.Execute(w, data) // the reader is gone: nobody to tell
}
