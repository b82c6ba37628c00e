package authority

import (
	"time"

	"deed/dcv"
)

// Watch counts what happens. Its methods must not block; they are called after
// the commit.
type Watch interface {
	// Attempted is one attempt that was kept; code is "" when it proved.
	Attempted(method dcv.Method, trigger string, outcome dcv.Outcome, code dcv.Code, took time.Duration)
	// Mailed is one try to hand a message to the SMTP server: "sent", "failed"
	// (it is tried again) or "refused" (it is not).
	Mailed(result string)
}

// unwatched is a Watch that counts nothing.
type unwatched struct{}

func (unwatched) Attempted(dcv.Method, string, dcv.Outcome, dcv.Code, time.Duration) {}
func (unwatched) Mailed(string)                                                      {}

// attempted tells of an attempt that was kept: one line that says who, what,
// how it ended for the domain and how long it took. No random value is in it.
func (a *Authority) attempted(actor Actor, res *CheckResult, why *dcv.Problem) {
	at := &res.Attempt
	took := at.Ended.Sub(at.Started)
	if why == nil { // found, but superseded meanwhile
		why = res.Verdict.Problem
	}
	var code dcv.Code
	if why != nil {
		code = why.Code
	}
	a.o.Watch.Attempted(at.Method, at.Trigger, res.Verdict.Outcome, code, took)
	line := []any{
		"attempt", at.ID, "account", at.AccountID, "actor", actor.Name, "trigger", at.Trigger, "domain", at.DomainID, "name", at.Name.String(),
		"method", string(at.Method), "outcome", string(res.Verdict.Outcome), "took", took, "test", at.Test,
	}
	if at.OrderID != 0 {
		line = append(line, "order", at.OrderID)
	}
	if why != nil {
		line = append(line, "problem", string(why.Code), "whose", string(why.Whose), "fix_proven", why.FixProven)
	}
	if !at.NextCheck.IsZero() {
		line = append(line, "next_check", at.NextCheck)
	}
	a.o.Log.Info("attempt", line...)
}
