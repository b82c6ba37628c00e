// Package rules holds the Baseline Requirements as data with dates: methods
// and their ends, how long a proof may be reused, how long a random value
// lives, how many perspectives must agree. Everything here is pure: the
// instant to judge by is an argument, so "judge this as of 2028-03-15" is a
// query. Section numbers are those of version 2.3.0.
//
// The tables are tables.go and methods.go; no other file of the program holds
// a date or a period of the requirements.
package rules

import (
	"time"

	"deed/dcv"
)

// For finds a method's row.
func For(m dcv.Method) (Method, bool) {
	for _, r := range methods {
		if r.Method == m {
			return r, true
		}
	}
	return Method{}, false
}

// Methods lists the methods in a fixed order.
func Methods() []Method { return append([]Method(nil), methods...) }

// Sections lists what the requirements say of every section of 3.2.2.4 and
// 3.2.2.5, the retired ones among them.
func Sections() []Section { return append([]Section(nil), sections...) }

// SectionOf finds a section's row by its number.
func SectionOf(number string) (Section, bool) {
	for _, s := range sections {
		if s.Number == number {
			return s, true
		}
	}
	return Section{}, false
}

// Usable reports whether a validation by the section may be made at an instant.
func (s Section) Usable(at time.Time) bool {
	return !at.Before(s.Begins) && (s.Ends.IsZero() || at.Before(s.Ends))
}

// Retired reports whether the section ended before an instant.
func (s Section) Retired(at time.Time) bool { return !s.Ends.IsZero() && !at.Before(s.Ends) }

// rows are the sections that a method rests on.
func (m Method) rows() []Section {
	var list []Section
	for _, n := range m.Sections {
		if s, ok := SectionOf(n); ok {
			list = append(list, s)
		}
	}
	return list
}

// Ends is the first instant at which the method may not be used: when the last
// of its sections ends. Zero if no end is known.
func (m Method) Ends() time.Time {
	var end time.Time
	for _, s := range m.rows() {
		if s.Ends.IsZero() {
			return time.Time{}
		}
		if s.Ends.After(end) {
			end = s.Ends
		}
	}
	return end
}

// Begins is when the first of the method's sections came into force.
func (m Method) Begins() time.Time {
	var begin time.Time
	for i, s := range m.rows() {
		if i == 0 || s.Begins.Before(begin) {
			begin = s.Begins
		}
	}
	return begin
}

// Discouraged is when the requirements began to say SHOULD NOT of the method;
// zero if never.
func (m Method) Discouraged() time.Time {
	for _, s := range m.rows() {
		if !s.Discouraged.IsZero() {
			return s.Discouraged
		}
	}
	return time.Time{}
}

// Usable reports whether the method may be used at an instant: any of its
// sections is in force. Whether a proof by it still counts is Proof.Stands.
func (m Method) Usable(at time.Time) bool {
	for _, s := range m.rows() {
		if s.Usable(at) {
			return true
		}
	}
	return false
}

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

// CAALabels are the labels, in lower case, by which a validationmethods
// parameter may name a validation (RFC 8657 section 4, BR 4.2.2.1.2): the one
// of its section, "ca-tbr-7", and the method's registered ACME label. An empty
// section stands for all of the method's.
func (m Method) CAALabels(section string) []string {
	var list []string
	if m.ACME != "" {
		list = append(list, m.ACME)
	}
	for _, s := range m.rows() {
		if s.Label != "" && (section == "" || s.Number == section) {
			list = append(list, s.Label)
		}
	}
	return list
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
	for _, row := range disagreements {
		if n >= row.remotes {
			return row.may
		}
	}
	return 0
}

// ConstructedLocalParts are the only local parts of BR 3.2.2.4.4, in the order
// of the dialect's samples.
func ConstructedLocalParts() []string { return append([]string(nil), localParts...) }

// ReverseZones are the zones below which no name may be proven (BR 4.2.2).
func ReverseZones() []string { return append([]string(nil), reverseZones...) }

// InForce reports whether a duty of the requirements is a MUST at an instant.
func InForce(d Duty, at time.Time) bool {
	for _, row := range duties {
		if row.duty == d {
			return !at.Before(row.from)
		}
	}
	return false
}
