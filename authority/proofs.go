package authority

import (
	"slices"
	"time"

	"deed/dcv"
	"deed/rules"
)

// proofOf is a domain's proof as the rules see it.
func proofOf(d *Domain) rules.Proof {
	return rules.Proof{Method: d.ProofMethod, Section: d.ProofSection, Began: d.Proven}
}

// until is when a proof stops counting, by the rules in force and to come, or
// by those of the day that the settings name.
func (a *Authority) until(p rules.Proof) rules.End {
	if a.o.RulesAsOf.IsZero() {
		return p.Until()
	}
	return p.UntilBy(a.o.RulesAsOf)
}

// standsAt reports whether a domain's proof still counts at now: the instant
// written when it was made has not come, and the rules in force at now allow it
// still. The second is asked again each time: rules change while proofs lie. A
// proof made with test settings counts only where such settings are in force:
// a database that comes from a test brings no proof into production.
func (a *Authority) standsAt(d *Domain, now time.Time) bool {
	if (d.ProofTest && !a.testing()) || d.Proven.IsZero() || !now.Before(d.ProvenUntil) {
		return false
	}
	return proofOf(d).By(now, a.rulesAt(now)).Stands
}

// testing reports whether this server itself runs with a setting that marks
// verdicts test.
func (a *Authority) testing() bool {
	if e, ok := a.o.Engine.(interface{ Testing() bool }); ok && e.Testing() {
		return true
	}
	ch := dcv.Challenge{HTTPPort: a.o.HTTPPort, HTTPSPort: a.o.HTTPSPort, RulesAsOf: a.o.RulesAsOf}
	return ch.Test() || len(a.o.AllowPrivate) > 0
}

// lapsed shows to dialects a proof that counts no more before its written end,
// by a rule that changed or as a test's, as one that has ended now. Nothing is
// written.
func (a *Authority) lapsed(d *Domain, now time.Time) {
	if !now.Before(d.ProvenUntil) || a.standsAt(d, now) {
		return
	}
	d.ProvenUntil = now
	d.Validations = slices.Clone(d.Validations)
	for i := range d.Validations {
		if v := &d.Validations[i]; now.Before(v.Until) {
			v.Until = now
		}
	}
}

// covers reports whether a domain's proof may be used for a name at now. What
// was proven is never widened (BR 3.2.2.4): a website's proof speaks for its
// own host alone. Where CAA is enforced, a proof speaks for the name alone whose
// CAA records were read when it was made.
func (a *Authority) covers(d *Domain, n dcv.Name, now time.Time) bool {
	if a.o.Permission.enforced() && n != d.Name {
		return false
	}
	return d.Active && a.standsAt(d, now) && d.ProofScope.Covers(d.ProofADN, n)
}

// UsableUntil is when and by what the domain's proof stops counting; false if
// it has none.
func (a *Authority) UsableUntil(d *Domain) (rules.End, bool) {
	if d.Proven.IsZero() {
		return rules.End{}, false
	}
	end := a.until(proofOf(d))
	if d.ProvenUntil.Before(end.At) {
		end.At = d.ProvenUntil // written when the proof was made, by its own section
	}
	return end, true
}

// Stands reports whether the domain's proof counts now.
func (a *Authority) Stands(d *Domain) bool { return a.standsAt(d, a.now()) }

// ListDate is the date of the public suffix list that names are read by.
func (a *Authority) ListDate() time.Time { return a.o.Names.ListDate() }
