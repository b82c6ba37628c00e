// Package rules holds the Baseline Requirements as data with dates: methods
// and their ends, how long a proof may be reused, how long a random value
// lives, how many perspectives must agree. Everything here is pure: the
// instant to judge by is an argument, so "judge this as of 2028-03-15" is a
// query. Section numbers are those of version 2.3.0.
package rules

import (
	"time"

	"deed/dcv"
)

// Version of the Baseline Requirements that the tables state.
const Version = "2.3.0"

// day is the start of a day, 00:00:00 UTC (BR 1.6.4).
func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// Earliest is the first day that the tables can judge by.
func Earliest() time.Time { return day(2020, 9, 1) }

// Method is what the requirements say of one method.
type Method struct {
	Method   dcv.Method
	Sections []string // BR sections it rests on, the usual one first
	Scope    dcv.Scope
	Wildcard bool // may prove a wildcard
	Prune    bool // the ADN may be a parent, down to the base domain name
	// ByValue: a random value is published; false where it is mailed.
	ByValue bool
	MPIC    bool // corroboration is required
	// TokenLife is how long a random value may be used after creation.
	TokenLife time.Duration
	// Discouraged is when SHOULD NOT began; zero if never.
	Discouraged time.Time
	// Ends is the first instant at which neither the method nor proofs that
	// rest on it may be used; zero if no end is known.
	Ends time.Time
	// ReuseCap bounds reuse whatever the general table says; zero for none.
	ReuseCap time.Duration
}

const month = 30 * 24 * time.Hour

// methods is BR 3.2.2.4, the methods that are offered here.
var methods = []Method{
	{Method: dcv.DNSTXT, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.DNSCNAME, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.HTTP, Sections: []string{"3.2.2.4.18"}, Scope: dcv.ScopeHost, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.Email, Sections: []string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, TokenLife: month,
		Discouraged: day(2026, 3, 15), Ends: day(2028, 3, 15)},
}

// Methods lists the methods in a fixed order.
func Methods() []Method { return append([]Method(nil), methods...) }

// For finds a method's row.
func For(m dcv.Method) (Method, bool) {
	for _, r := range methods {
		if r.Method == m {
			return r, true
		}
	}
	return Method{}, false
}

// Usable reports whether the method, and proofs by it, may be used at an instant.
func (m Method) Usable(at time.Time) bool { return m.Ends.IsZero() || at.Before(m.Ends) }

// Serves reports whether the method can prove the name at all.
func (m Method) Serves(name dcv.Name) bool { return m.Wildcard || !name.Wildcard() }

// ADNs lists the permitted authorization domain names for an applied-for name,
// nearest first (BR 3.2.2.4; the optional CNAME step is not taken). base is
// the base domain name; nothing above it is ever listed. Nil where the method
// cannot prove the name.
func (m Method) ADNs(name, base dcv.Name) []dcv.Name {
	if !m.Serves(name) || base.IsZero() || !name.Within(base) {
		return nil
	}
	a := name.Base()
	list := []dcv.Name{a}
	for m.Prune && a != base {
		a = a.Parent()
		list = append(list, a)
	}
	return list
}

// period is a row of the reuse table.
type period struct {
	from time.Time // of the certificate's issue
	age  time.Duration
}

const aDay = 24 * time.Hour

// reuse is BR 4.2.1: how old a proof may be when the certificate is issued.
var reuse = []period{
	{time.Time{}, 398 * aDay},
	{day(2026, 3, 15), 200 * aDay},
	{day(2027, 3, 15), 100 * aDay},
	{day(2029, 3, 15), 10 * aDay},
}

// Margin is how long before the last permitted instant a proof stops being
// offered.
const Margin = aDay

// ReusableUntil is the last instant at which a proof obtained at an instant may
// be used under the requirements: the first at which no row allows it, also by
// rules that are still to come. It includes Margin.
func (m Method) ReusableUntil(obtained time.Time) time.Time {
	var end time.Time
	for i, row := range reuse {
		age := row.age
		if m.ReuseCap > 0 && m.ReuseCap < age {
			age = m.ReuseCap
		}
		last := obtained.Add(age - Margin)
		if i+1 < len(reuse) {
			next := reuse[i+1].from
			if last.Before(next) {
				end = last
				break
			}
			// The row ends first; the next one may allow it still.
			end = next
			nextAge := reuse[i+1].age
			if m.ReuseCap > 0 && m.ReuseCap < nextAge {
				nextAge = m.ReuseCap
			}
			if obtained.Add(nextAge - Margin).Before(next) {
				break
			}
			continue
		}
		end = last
	}
	if !m.Ends.IsZero() && m.Ends.Before(end) {
		end = m.Ends
	}
	return end
}

// Quorum is BR 3.2.2.9 at an instant.
type Quorum struct {
	Remotes int // remote perspectives needed at least
	Regions int // RIR regions in which those that agree must lie
}

var quorums = []struct {
	from time.Time
	q    Quorum
}{
	{time.Time{}, Quorum{}},
	{day(2025, 9, 15), Quorum{Remotes: 2}},
	{day(2026, 3, 15), Quorum{Remotes: 3, Regions: 2}},
	{day(2026, 6, 15), Quorum{Remotes: 4, Regions: 2}},
	{day(2026, 12, 15), Quorum{Remotes: 5, Regions: 2}},
}

// QuorumAt is the row in force.
func QuorumAt(at time.Time) Quorum {
	var q Quorum
	for _, row := range quorums {
		if !at.Before(row.from) {
			q = row.q
		}
	}
	return q
}

// MayDisagree is how many of n remote perspectives may fail (BR 3.2.2.9).
func MayDisagree(n int) int {
	switch {
	case n >= 6:
		return 2
	case n >= 2:
		return 1
	}
	return 0
}

// ConstructedLocalParts are the only local parts of BR 3.2.2.4.4, in the order
// of the dialect's samples.
func ConstructedLocalParts() []string {
	return []string{"admin", "administrator", "webmaster", "hostmaster", "postmaster"}
}

// DNSSECFrom is since when every look-up must be validated (BR 4.2.2.2).
func DNSSECFrom() time.Time { return day(2026, 3, 15) }
