package rules

import (
	"fmt"
	"slices"
	"time"
)

// Date is an instant at which the requirements change.
type Date struct {
	At   time.Time
	What string
	Rule string
}

// Calendar lists every date that stands in the tables, earliest first. It is
// made from them, so a row that is added is a date here.
func Calendar() []Date {
	var list []Date
	add := func(at time.Time, rule, what string, args ...any) {
		if at.After(Earliest()) {
			list = append(list, Date{at, fmt.Sprintf(what, args...), rule})
		}
	}
	for _, s := range sections {
		add(s.Begins, "BR "+s.Number, "begins: %s", s.Title)
		add(s.Discouraged, "BR "+s.Number, "discouraged: %s", s.Title)
		add(s.Ends, "BR "+s.Number, "ends: %s", s.Title)
	}
	for _, r := range reuse {
		add(r.from, "BR 4.2.1", "a proof counts for %s", days(r.age))
	}
	for _, q := range quorums {
		add(q.from, "BR 3.2.2.9", "%d remote perspectives, those that agree in %d regions", q.q.Remotes, q.q.Regions)
	}
	for _, d := range duties {
		add(d.from, d.rule, "%s", d.duty)
	}
	slices.SortStableFunc(list, func(a, b Date) int { return a.At.Compare(b.At) })
	return list
}
