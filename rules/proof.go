package rules

import (
	"fmt"
	"slices"
	"time"

	"deed/dcv"
)

// Proof is what the requirements must know of a proof to judge it.
type Proof struct {
	Method dcv.Method
	// Section is the BR section it rests on; "" if unknown, which is judged by
	// the strictest of the method's.
	Section string
	// Began is when the validation began: the oldest of its data (BR 4.2.1).
	Began time.Time
}

// Reason says by what a proof ends. Stable.
type Reason string

const (
	EndsByAge     Reason = "age"            // as old as the table in force allows
	EndsByTable   Reason = "shorter_period" // a shorter period comes into force
	EndsByMethod  Reason = "method_ended"   // its method ends, and its proofs with it
	EndsByUnknown Reason = "unknown_method" // there is no such method
)

// End is when a proof stops counting, and why.
type End struct {
	// At is the first instant at which the proof counts no more.
	At     time.Time `json:"at"`
	Reason Reason    `json:"reason"`
	Rule   string    `json:"rule"`   // "BR 4.2.1"
	Detail string    `json:"detail"` // one sentence
}

// Judgement is a proof judged at an instant.
type Judgement struct {
	Stands bool
	// Why is what it failed by; zero when it stands.
	Why End
}

// section gives the rows that a proof is judged by.
func (p Proof) sections() []Section {
	m, ok := For(p.Method)
	if !ok {
		return nil
	}
	if p.Section == "" {
		return m.rows()
	}
	if s, ok := SectionOf(p.Section); ok && slices.Contains(m.Sections, p.Section) {
		return []Section{s}
	}
	return nil
}

// limit is how old the proof may be under a row of the reuse table. A day is
// 86 400 seconds; the margin is ours.
func (p Proof) limit(row period) time.Duration {
	m, _ := For(p.Method)
	age := row.age
	if m.ReuseCap > 0 && m.ReuseCap < age {
		age = m.ReuseCap
	}
	return age - policy.Margin
}

func rowAt(at time.Time) period {
	row := reuse[0]
	for _, r := range reuse {
		if !at.Before(r.from) {
			row = r
		}
	}
	return row
}

// At judges the proof for a certificate that is issued at an instant, by the
// rules of that instant. Why is the first end that has come.
func (p Proof) At(at time.Time) Judgement {
	j := p.By(at, at)
	if !j.Stands && len(p.sections()) > 0 {
		if first := p.Until(); !first.At.After(at) {
			j.Why = first
		}
	}
	return j
}

// By judges the proof for a certificate that is issued at an instant by the
// rules of another one: "rules.as_of".
func (p Proof) By(at, rules time.Time) Judgement {
	rows := p.sections()
	if len(rows) == 0 {
		return Judgement{Why: End{At: p.Began, Reason: EndsByUnknown, Rule: "BR 3.2.2.4", Detail: fmt.Sprintf("There is no method %q by section %q.", p.Method, p.Section)}}
	}
	for _, s := range rows {
		if s.NoReuse && s.Retired(rules) {
			return Judgement{Why: s.end()}
		}
	}
	row := rowAt(rules)
	limit := p.limit(row)
	if last := p.Began.Add(limit); !at.Before(last) {
		e := End{At: last, Reason: EndsByAge, Rule: "BR 4.2.1", Detail: fmt.Sprintf("A proof by %s counts for %s from when its look began.", p.Method, days(limit))}
		if row.from.After(last) && row.from.After(p.Began) {
			// It was young enough until the shorter period came.
			e.At, e.Reason = row.from, EndsByTable
			e.Detail = fmt.Sprintf("From %s a proof counts for %s only, and this one is older.", row.from.Format(time.DateOnly), days(limit))
		}
		return Judgement{Why: e}
	}
	return Judgement{Stands: true}
}

func (s Section) end() End {
	return End{At: s.Ends, Reason: EndsByMethod, Rule: "BR " + s.Number,
		Detail: fmt.Sprintf("From %s neither %s nor proofs made by it may be used.", s.Ends.Format(time.DateOnly), s.Title)}
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", d/aDay) }

// Ends lists every end that awaits the proof, earliest first: the periods of
// the table in force and of those to come, and the end of its method. The
// first is when it stops counting.
func (p Proof) Ends() []End {
	var instants []time.Time
	for _, row := range reuse {
		instants = append(instants, row.from, p.Began.Add(p.limit(row)))
	}
	for _, s := range p.sections() {
		if s.NoReuse && !s.Ends.IsZero() {
			instants = append(instants, s.Ends)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	var list []End
	for _, at := range instants {
		if at.Before(p.Began) {
			continue
		}
		// What changes at this instant, if anything, is what it is refused by.
		j := p.By(at, at)
		if j.Stands || !j.Why.At.Equal(at) || slices.ContainsFunc(list, func(e End) bool { return e.Reason == j.Why.Reason }) {
			continue
		}
		list = append(list, j.Why)
	}
	if len(list) == 0 { // made when it could not count
		list = append(list, p.By(p.Began, p.Began).Why)
	}
	return list
}

// Until is the first instant at which the proof counts no more, by the rules
// in force and those to come, and why.
func (p Proof) Until() End { return p.Ends()[0] }

// UntilBy is Until where the rules of one day judge at every instant.
func (p Proof) UntilBy(rules time.Time) End {
	last := p.Began.Add(p.limit(rowAt(rules)))
	return p.By(last, rules).Why
}
