package authority

import (
	"time"

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

// begin starts the schedule of a domain that was submitted, or given another
// method.
func begin(d *Domain, now time.Time, byLooking bool) {
	d.PollStart, d.NextCheck, d.GivesUp = time.Time{}, time.Time{}, time.Time{}
	if byLooking && d.Pending() && d.Active {
		d.PollStart, d.NextCheck, d.GivesUp = now, nextCheck(now, now), givesUp(now)
	}
}

// settle ends it.
func settle(d *store.Domain) { d.NextCheck, d.GivesUp = time.Time{}, time.Time{} }
