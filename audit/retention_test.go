package audit_test

import (
	"testing"
	"time"

	"deed/audit"
	"deed/authority"
	"deed/check"
)

// Two years past their use capsules go; the log stays verifiable, and proofs
// in use keep theirs.
func TestRetention(t *testing.T) {
	const years2 = 2 * 365 * 24 * time.Hour
	h := newHouse(t, func(o *authority.Options) { o.Retention = years2 })
	old := h.prove("old.example.com") // a miss and a pass
	sweep := func() int {
		t.Helper()
		n, err := h.a.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.sound()
		return n
	}
	h.pass(years2 - time.Hour)
	if n := sweep(); n != 0 {
		t.Errorf("%d removed before their time", n)
	}
	h.pass(2 * time.Hour)
	if n := sweep(); n != 1 { // the miss; the pass was in use for longer
		t.Errorf("%d removed two years after the look", n)
	}
	if _, err := h.a.Capsule(t.Context(), h.actor, old.Attempt.ID); err != nil {
		t.Errorf("the proof's capsule: %v", err)
	}
	h.pass(old.Domain.ProvenUntil.Sub(old.Attempt.Started))
	h.prove("young.example.com")
	if n := sweep(); n != 1 {
		t.Errorf("%d removed two years after the proof's use", n)
	}
	if _, err := h.a.Capsule(t.Context(), h.actor, old.Attempt.ID); err == nil {
		t.Error("a removed capsule is still given")
	}
	if n := sweep(); n != 0 {
		t.Errorf("%d removed again", n)
	}
	r := h.sound()
	if r.Removed != 2 || r.Attempts != 4 {
		t.Errorf("%+v", r)
	}
	p := h.proof(old.Attempt.ID)
	if c, err := audit.CheckProof(p, audit.PublicKey(&h.keys()[0])); err != nil || c.Capsule != nil {
		t.Errorf("what is left of the proof: %v", err)
	}
	n, err := audit.ReplayAll(t.Context(), h.db, check.ReplayOptions{HostName: h.host}, func(d audit.Difference) { t.Error(d) })
	if err != nil || n.Removed != 2 || n.Same != 2 {
		t.Errorf("%+v %v", n, err)
	}
	// Put back what was removed, or remove what the log does not say: found.
	if _, err := h.behind().Exec("UPDATE attempts SET capsule = x'' WHERE capsule <> x''"); err != nil {
		t.Fatal(err)
	}
	if r := h.verify(audit.VerifyOptions{}); r.FaultCount != 2 || !has(r, "capsule of attempt ") {
		t.Errorf("%+v", r.Faults)
	}
}
