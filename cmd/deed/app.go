package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"deed/api"
	"deed/api/certcentral"
	"deed/api/cps"
	v1 "deed/api/v1"
	"deed/audit"
	"deed/authority"
	"deed/check"
	"deed/console"
	"deed/dcv"
	"deed/diagnose"
	"deed/fetch"
	"deed/mail"
	"deed/names"
	"deed/reserve"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/rules"
	"deed/store/sqlite"
)

// app is a server, wired.
type app struct {
	c         *config
	db        *sqlite.DB
	authority *authority.Authority
	limiter   *api.Limiter
	target    string
	tr        *mail.Translations
	log       *slog.Logger
	registry  *prometheus.Registry
	metrics   *metrics
	stopping  atomic.Bool
	suffixes  *suffixes
}

// cnameTarget is the verification_value: dcv. and the host of the public URL.
func cnameTarget(c *config, origin string) string {
	if c.CNAMETarget != "" {
		return c.CNAMETarget
	}
	u, err := url.Parse(origin)
	if err != nil {
		return "dcv.invalid"
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return "dcv.localhost" // an address can be no CNAME's target
	}
	return "dcv." + u.Hostname()
}

// engine opens the doors to the world as the settings say.
func engine(c *config, n *names.Names, sealer check.Sealer, known diagnose.Issued) (*check.Engine, error) {
	servers := c.Resolvers
	if len(servers) == 0 {
		var err error
		if servers, err = resolve.SystemServers(); err != nil || len(servers) == 0 {
			return nil, fmt.Errorf("the system names no resolver (%v); set dns.resolvers", err)
		}
	}
	for _, s := range servers {
		if c.DNSSEC == resolve.DNSSECResolver && !resolve.Believed(s) {
			return nil, badSetting{"dns.dnssec", c.DNSSEC, "validate, since the resolver " + s.String() + " is not on loopback and its AD bit cannot be believed", "configuration"}
		}
	}
	var anchors *dnssec.Anchors // the root's, built in
	if c.TrustAnchors != "" {
		text, err := os.ReadFile(c.TrustAnchors)
		if err != nil {
			return nil, fmt.Errorf("dns.trust_anchors: %w", err)
		}
		if anchors, err = dnssec.ParseAnchors(string(text)); err != nil {
			return nil, fmt.Errorf("dns.trust_anchors: %s: %w", c.TrustAnchors, err)
		}
	}
	return check.New(check.Options{
		DNS:     resolve.NewLive(resolve.LiveOptions{}),
		HTTP:    fetch.NewLive(fetch.LiveOptions{Policy: reserve.Policy{Allow: c.AllowPrivate}}),
		Servers: servers, DNSSEC: c.DNSSEC, Anchors: anchors, HostName: hostName(n), Deed: release, PSL: n.ListDate().Format(time.DateOnly), PSLInUse: func() string { return n.ListDate().Format(time.DateOnly) }, Sealer: sealer,
		Diagnose: diagnose.New(diagnose.Options{Issued: known, NameServerPort: c.nameServerPort}),
	}), nil
}

// hostName vets the host of a redirect: it must be a name that could be
// proven itself.
func hostName(n *names.Names) func(string) (string, error) {
	return func(h string) (string, error) {
		name, err := n.Normalise(h)
		return name.String(), err
	}
}

// build wires a server.
func build(c *config, db *sqlite.DB, origin string, log *slog.Logger) (*app, error) {
	n, file, err := normaliser(c)
	if err != nil {
		return nil, err
	}
	tr, err := mail.LoadTranslations()
	if err != nil {
		return nil, err
	}
	signer, err := audit.OpenSigner(context.Background(), db, dcv.Stamp(time.Now()), rand.Reader)
	if err != nil {
		return nil, err
	}
	known := &issued{}
	e, err := engine(c, n, signer, known)
	if err != nil {
		return nil, err
	}
	var post authority.Post
	if c.SMTP.Address != "" {
		s, err := mail.NewSender(mail.SMTP{Address: c.SMTP.Address, From: c.SMTP.From, Username: c.SMTP.Username, Password: c.SMTP.Password, TLS: c.SMTP.TLS})
		if err != nil {
			return nil, err
		}
		post = mail.Office{Composer: mail.NewComposer(c.SMTP.From, tr), Sender: s}
	}
	app := &app{c: c, db: db, tr: tr, log: log, target: cnameTarget(c, origin), registry: prometheus.NewRegistry()}
	app.suffixes = &suffixes{names: n, file: file, log: log, now: time.Now}
	app.metrics = newMetrics()
	app.metrics.register(app.registry, db)
	app.registry.MustRegister(app.suffixes.metric(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	app.authority, err = authority.New(authority.Options{
		Store: db, Names: n, Engine: e, Post: post, PublicURL: origin, CNAMETarget: app.target, HTTPPort: c.HTTPPort, HTTPSPort: c.HTTPSPort,
		AllowPrivate: c.AllowPrivate, RulesAsOf: c.RulesAsOf, Retention: c.Retention, Permission: authority.Permission{Issuers: c.CAA, Lenient: c.LenientCAA}, Log: log, Watch: app.metrics,
	})
	if err != nil {
		return nil, err
	}
	known.by = app.authority
	var windows []api.Window
	for _, w := range c.Limits {
		windows = append(windows, api.Window{Requests: w.Requests, Per: w.Per})
	}
	app.limiter = api.NewLimiter(windows, time.Now)
	return app, nil
}

// administer wires what the tools need: no network.
func administer(_ *config, db *sqlite.DB) (*authority.Authority, error) {
	n, err := names.New()
	if err != nil {
		return nil, err
	}
	if _, err := audit.OpenSigner(context.Background(), db, dcv.Stamp(time.Now()), rand.Reader); err != nil {
		return nil, err
	}
	return authority.New(authority.Options{Store: db, Names: n})
}

func (a *app) mount(mux *http.ServeMux) {
	cc := certcentral.Handler(certcentral.Options{Authority: a.authority, Limiter: a.limiter, CNAMETarget: a.target, Log: a.log})
	mux.Handle(certcentral.Prefix+"/", cc)
	dialect := cps.Handler(cps.Options{Authority: a.authority, Limiter: a.limiter, Log: a.log})
	mux.Handle(cps.Prefix+"/", dialect)
	mux.Handle(cps.Prefix, dialect) // not redirected to the address with a slash
	mux.Handle(cps.TokenPath, dialect)
	v1.Mount(mux, v1.Options{Authority: a.authority, Limiter: a.limiter, Log: a.log, Version: release})
	console.Approve(mux, a.authority, a.tr, a.log)
	console.Problems(mux)
	console.Start(mux, console.Versions{Version: release, Rules: rules.Version})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "up") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if a.stopping.Load() {
			plain(w, http.StatusServiceUnavailable, "stopping")
		} else if err := a.db.Ready(ctx); err != nil {
			a.log.Error("not ready", "error", err)
			plain(w, http.StatusServiceUnavailable, "the database does not answer")
		} else {
			plain(w, http.StatusOK, "ready\n"+a.suffixes.state())
		}
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

func (a *app) notReady() { a.stopping.Store(true) }

// wrap stands before everything: a panic is our failure and ends only its own
// request; dialect paths are never redirected, whatever slashes they hold.
func (a *app) wrap(mux *http.ServeMux) http.Handler {
	dialects := []string{certcentral.Prefix + "/", cps.Prefix + "/"}
	return a.metrics.count(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // the server's own sentinel
				a.log.Error("panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				plain(w, http.StatusInternalServerError, "The request could not be served; it is not your fault.")
			}
		}()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		for _, prefix := range dialects {
			if strings.HasPrefix(r.URL.Path, prefix) {
				h, _ := mux.Handler(&http.Request{Method: r.Method, Host: r.Host, URL: &url.URL{Path: prefix}})
				h.ServeHTTP(w, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	}))
}
