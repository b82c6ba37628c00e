package authority

import (
	"time"

	"deed/rules"
	"deed/store"
)

// pace is the product's schedule of automatic checks (dialect contract section
// 7): until an age, at an interval.
var pace = []struct{ until, every time.Duration }{
	{15 * time.Minute, time.Minute},
	{time.Hour, 5 * time.Minute},
	{24 * time.Hour, 15 * time.Minute},
	{10 * 24 * time.Hour, time.Hour},
}

// givesUp is when automatic checks that began at start rest.
func givesUp(start time.Time) time.Time { return start.Add(pace[len(pace)-1].until) }

// nextCheck is when a domain is looked at after now; the zero time when it
// rests. It depends on nothing but when checking began, so a check by hand
// does not shift it.
func nextCheck(start, now time.Time) time.Time {
	age := max(now.Sub(start), 0)
	from := time.Duration(0)
	for _, p := range pace {
		if age < p.until {
			// The next mark of this pace; the last one is where the next pace begins.
			n := from + (age-from)/p.every*p.every + p.every
			return start.Add(min(n, p.until))
		}
		from = p.until
	}
	return time.Time{}
}

// coarser is the mark that no skipping goes beyond: that of the pace after the
// present one. Zero in the last pace, and while resting: nothing is skipped.
func coarser(start, now time.Time) time.Time {
	age := max(now.Sub(start), 0)
	for i, p := range pace[:len(pace)-1] {
		if age < p.until {
			every := pace[i+1].every
			return start.Add(age/every*every + every)
		}
	}
	return time.Time{}
}

// later is nextCheck, knowing that no look before worth can give another
// answer: our resolver remembers the last one until then (RFC 2308 section 5).
// Such marks are skipped, but never beyond the next mark of the coarser pace,
// in case the zone's own word on its memory is not true.
func later(start, now, worth time.Time) time.Time {
	n := nextCheck(start, now)
	limit := coarser(start, now)
	if n.IsZero() || limit.IsZero() || !worth.After(n) {
		return n
	}
	if worth.After(limit) {
		worth = limit
	}
	if worth.Before(n) {
		return n
	}
	return worth
}

// begin starts the schedule of a domain that was submitted, or given another
// method.
func begin(d *Domain, now time.Time, byLooking bool) {
	d.PollStart, d.NextCheck, d.GivesUp = time.Time{}, time.Time{}, time.Time{}
	if byLooking && d.Pending() && d.Active {
		d.PollStart, d.NextCheck, d.GivesUp = now, nextCheck(now, now), givesUp(now)
	}
	settle(d, now)
}

// settle ends the schedule of a domain that waits for nothing; where its proof
// can be renewed by a look, what follows is that.
func settle(d *store.Domain, now time.Time) {
	if d.Pending() {
		return
	}
	d.NextCheck, d.GivesUp = renewal(d, now), time.Time{}
	if !d.NextCheck.IsZero() {
		d.GivesUp = d.ProvenUntil
	}
}

// The pace of renewal: how long before the end of a proof the first look is
// made, and how often again while it fails.
const (
	renewAhead = 3 * 24 * time.Hour
	renewEvery = 6 * time.Hour
)

// renewal is when a proof that rests on a record that stands (BR 3.2.2.4.22) is
// to be made anew by a look, after now; the zero time when it is not, or its
// end has come.
func renewal(d *store.Domain, now time.Time) time.Time {
	rule, ok := rules.For(d.ProofMethod)
	if !ok || !rule.Stands() || !d.Active || d.Pending() || !now.Before(d.ProvenUntil) {
		return time.Time{}
	}
	at := d.ProvenUntil.Add(-renewAhead)
	if !now.Before(at) {
		at = at.Add(now.Sub(at)/renewEvery*renewEvery + renewEvery)
	}
	if !at.Before(d.ProvenUntil) {
		return time.Time{}
	}
	return at
}
