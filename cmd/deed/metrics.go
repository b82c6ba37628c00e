package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"deed/api/certcentral"
	"deed/api/cps"
	"deed/dcv"
	"deed/store"
)

// metrics are what the server counts. Labels take values from fixed sets only:
// nothing that a client sends makes a new series.
type metrics struct {
	attempts *prometheus.CounterVec
	problems *prometheus.CounterVec
	took     *prometheus.HistogramVec
	mails    *prometheus.CounterVec
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60}}, labels)
	}
	return &metrics{
		attempts: counter("deed_attempts_total", "Attempts by method, trigger and outcome.", "method", "trigger", "outcome"),
		problems: counter("deed_problems_total", "Attempts that did not prove, by the code of their problem.", "method", "code"),
		took:     seconds("deed_attempt_seconds", "How long attempts took.", "method"),
		mails:    counter("deed_mails_total", "Tries to hand a message to the SMTP server: sent, failed or refused.", "result"),
		requests: counter("deed_http_requests_total", "Requests by dialect, method and status.", "dialect", "method", "status"),
		latency:  seconds("deed_http_request_seconds", "How long requests took.", "dialect"),
	}
}

// register adds the counters, and how late the server is: both lags are read
// from the database when they are asked for, so that a scheduler that died
// cannot report itself well.
func (m *metrics) register(r *prometheus.Registry, db store.Store) {
	lag := func(name, help string, next func(store.Reader) (time.Time, error)) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			var due time.Time
			err := db.Read(ctx, func(r store.Reader) (err error) {
				due, err = next(r)
				return err
			})
			if err != nil || due.IsZero() {
				return 0
			}
			return max(time.Since(due).Seconds(), 0)
		})
	}
	r.MustRegister(m.attempts, m.problems, m.took, m.mails, m.requests, m.latency,
		lag("deed_scheduler_lag_seconds", "How long the oldest due check has waited.", store.Reader.NextDue),
		lag("deed_mail_lag_seconds", "How long the oldest due message has waited.", store.Reader.NextMail))
}

// Attempted and Mailed are authority.Watch.
func (m *metrics) Attempted(method dcv.Method, trigger string, outcome dcv.Outcome, code dcv.Code, took time.Duration) {
	m.attempts.WithLabelValues(string(method), trigger, string(outcome)).Inc()
	m.took.WithLabelValues(string(method)).Observe(took.Seconds())
	if code != "" {
		m.problems.WithLabelValues(string(method), string(code)).Inc()
	}
}

func (m *metrics) Mailed(result string) { m.mails.WithLabelValues(result).Inc() }

// count counts each request once it is answered.
func (m *metrics) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			dialect := dialectOf(r.URL.Path)
			m.requests.WithLabelValues(dialect, methodOf(r.Method), strconv.Itoa(s.status)).Inc()
			m.latency.WithLabelValues(dialect).Observe(time.Since(began).Seconds())
		}()
		next.ServeHTTP(s, r)
	})
}

func dialectOf(path string) string {
	for _, d := range []struct{ prefix, name string }{
		{certcentral.Prefix + "/", "certcentral"}, {cps.Prefix + "/", "cps"}, {cps.TokenPath, "oauth"}, {"/v1/", "v1"}, {"/approve", "approve"},
	} {
		if strings.HasPrefix(path, d.prefix) {
			return d.name
		}
	}
	return "other"
}

func methodOf(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
		return m
	}
	return "other"
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

func (s *statusWriter) WriteHeader(status int) {
	if !s.sent && status >= 200 {
		s.status, s.sent = status, true
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusWriter) Write(b []byte) (int, error) {
	s.sent = true
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the server's writer can do.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
