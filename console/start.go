package console

import (
	"html/template"
	"net/http"
)

var startPage = template.Must(template.New("start").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>Deed</title><link rel="stylesheet" href="/help/problems.css"></head><body><main>
<h1>Deed</h1><p>Does this party control this domain?</p>
<p>Version {{.Version}}, by the Baseline Requirements {{.Rules}}.</p>
<dl>
<dt><code>/services/v2</code></dt><dd>the DigiCert CertCentral Services API for domains, header <code>X-DC-DEVKEY</code></dd>
<dt><code>/sec/cps/v2.0</code></dt><dd>the Edgecast CPS API, access tokens from <code>/connect/token</code></dd>
<dt><a href="/openapi.json"><code>/v1</code></a></dt><dd>Deed's own API, described by OpenAPI 3.1</dd>
<dt><a href="/help/problems">Problems</a></dt><dd>every reason for a "no", and what to do</dd>
</dl>
</main></body></html>
`))

// Versions are what the start page says of the program. Nothing of an account
// is shown: nobody has signed in.
type Versions struct{ Version, Rules string }

// Start serves the page at the root.
func Start(mux *http.ServeMux, v Versions) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { help(w, startPage, v) })
}
