package main

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"deed/authority"
	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/diagnose"
)

// observed is an engine whose attempts are counted and logged, each in one
// line: who, how it ended and why. Values and bodies are never logged.
type observed struct {
	authority.Engine
	log   *slog.Logger
	count *prometheus.CounterVec
}

func observe(e authority.Engine, log *slog.Logger, reg prometheus.Registerer) *observed {
	o := &observed{Engine: e, log: log, count: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deed_attempts_total", Help: "Attempts by method, outcome and leading problem code.",
	}, []string{"method", "outcome", "code"})}
	reg.MustRegister(o.count)
	return o
}

func (o *observed) Attempt(ctx context.Context, ch dcv.Challenge) (check.Record, error) {
	r, err := o.Engine.Attempt(ctx, ch)
	o.note(&ch, &r, err)
	return r, err
}

func (o *observed) Mail(ctx context.Context, ch dcv.Challenge, m capsule.Mail) (check.Record, error) {
	r, err := o.Engine.Mail(ctx, ch, m)
	o.note(&ch, &r, err)
	return r, err
}

func (o *observed) note(ch *dcv.Challenge, r *check.Record, err error) {
	if err != nil {
		return // told where it is handled
	}
	code, whose, proven := "", "", false
	if p := r.Problem(); p != nil {
		code, whose, proven = string(p.Code), string(p.Whose), p.FixProven
	}
	o.count.WithLabelValues(string(ch.Method), string(r.Verdict.Outcome), code).Inc()
	o.log.Info("attempt", "attempt", r.ID, "name", ch.Name.String(), "method", string(ch.Method), "outcome", string(r.Verdict.Outcome),
		"code", code, "whose", whose, "fix_proven", proven, "ms", r.Ended.Sub(r.Started).Milliseconds())
}

// issued is what the authority remembers, for the diagnosis: the engine is
// made before the authority that uses it.
type issued struct{ by *authority.Authority }

func (i *issued) Recall(ctx context.Context, ch *dcv.Challenge, seen []string) ([]diagnose.Recollection, error) {
	if i.by == nil {
		return nil, nil
	}
	return i.by.Recall(ctx, ch, seen)
}
