package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"deed/dcv"
	"deed/store"
	"deed/store/sqlite"
)

func TestMetricsCountByFixedLabels(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "deed.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	m, registry := newMetrics(), prometheus.NewRegistry()
	m.register(registry, db)
	scrape := func() string {
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	h := m.count(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/services/v2/domain":
			w.WriteHeader(http.StatusNoContent)
		case "/services/v2/early":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusForbidden)
		case "/v1/attempts/x":
			_, _ = w.Write([]byte("x"))
			w.WriteHeader(http.StatusTeapot) // too late: 200 went out
		}
	}))
	for _, r := range []struct{ method, path string }{
		{"PUT", "/services/v2/domain"}, {"GET", "/services/v2/early"}, {"GET", "/v1/attempts/x"}, {"BREW", "/" + strings.Repeat("secret", 10)}, {"BREW", "/another"},
	} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(r.method, r.path, nil))
	}
	m.Attempted(dcv.DNSTXT, "manual", dcv.NotProven, dcv.TXTNotFound, time.Second)
	m.Attempted(dcv.DNSTXT, "manual", dcv.Proven, "", time.Second)
	m.Mailed("sent")
	if err := db.Write(t.Context(), func(tx store.Tx) error {
		acc, err := tx.InsertAccount(store.Account{Name: "a", Created: time.Now()})
		if err != nil {
			return err
		}
		late := dcv.Stamp(time.Now().Add(-time.Hour))
		_, err = tx.InsertDomain(store.Domain{AccountID: acc, Name: dcv.MustName("example.com"), Active: true, Method: dcv.DNSTXT, Created: late, NextCheck: late})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	got := scrape()
	for _, want := range []string{
		`deed_http_requests_total{dialect="certcentral",method="PUT",status="204"} 1`,
		`deed_http_requests_total{dialect="certcentral",method="GET",status="403"} 1`,
		`deed_http_requests_total{dialect="v1",method="GET",status="200"} 1`,
		`deed_http_requests_total{dialect="other",method="other",status="200"} 2`,
		`deed_attempts_total{method="dns-txt-token",outcome="not_proven",trigger="manual"} 1`,
		`deed_attempts_total{method="dns-txt-token",outcome="proven",trigger="manual"} 1`,
		`deed_problems_total{code="txt_not_found",method="dns-txt-token"} 1`,
		`deed_mails_total{result="sent"} 1`,
		`deed_scheduler_lag_seconds 36`, // 3,600 and a little
		`deed_mail_lag_seconds 0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "secret") {
		t.Error("what a client sends became a label")
	}
	if t.Failed() {
		t.Log(got)
	}
}
