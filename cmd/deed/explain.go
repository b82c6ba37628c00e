package main

import (
	"fmt"
	"strings"
	"time"

	"deed/dcv"
)

// width of what is printed for people.
const width = 78

// explain is an attempt for a person at a terminal: the headline, why, what to
// change and to copy, when to look again, and what was seen. d may be nil.
func explain(ch *dcv.Challenge, v *dcv.Verdict, d *dcv.Diagnosis) string {
	var b strings.Builder
	switch v.Outcome {
	case dcv.Proven:
		fmt.Fprintf(&b, "PROVEN  %s by %s (BR %s)\n\n", ch.Name, v.Method, v.Section)
		wrap(&b, "  ", "Found at "+v.Where+". It covers "+covered(v)+".")
		if v.CAA != nil {
			wrap(&b, "  ", "CAA: "+v.CAA.Reason)
		}
	case dcv.CouldNotCheck:
		fmt.Fprintf(&b, "COULD NOT CHECK  %s by %s\n", ch.Name, v.Method)
	default:
		fmt.Fprintf(&b, "NOT PROVEN  %s by %s\n", ch.Name, v.Method)
	}
	problem, causes, seen := v.Problem, v.Causes, v.Seen
	if d != nil && v.Outcome == dcv.NotProven {
		problem, causes, seen = d.Problem, d.Causes, append(seen[:len(seen):len(seen)], d.Seen...)
	}
	if problem != nil {
		reason(&b, problem)
	}
	if d != nil && d.Worth.After(ch.Now) {
		fmt.Fprintf(&b, "\n  Look again after %s, in %s\n", d.Worth.UTC().Format("15:04:05 UTC"), d.Worth.Sub(ch.Now).Round(time.Second))
	}
	if len(causes) > 0 {
		b.WriteString("\n  Also possible\n")
		for _, p := range causes {
			bullet(&b, p.Detail+" ["+string(p.Code)+"]")
		}
	}
	looked(&b, "What was seen", seen)
	if v.Test {
		b.WriteString("\n  Marked test: made with a setting that is for tests only.\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// reason prints one problem: what is wrong, and what to do.
func reason(b *strings.Builder, p *dcv.Problem) {
	b.WriteString("\n")
	wrap(b, "  ", p.Title+" ["+string(p.Code)+"]")
	wrap(b, "  ", p.Detail)
	fix := p.Fix
	for _, line := range p.Publish {
		// The sentence ends with what is printed below, to be copied.
		fix = strings.TrimSuffix(strings.TrimSuffix(fix, line), " ")
	}
	b.WriteString("\n  What to do\n")
	wrap(b, "    ", fix)
	if len(p.Publish) > 0 {
		b.WriteString("\n")
		for _, line := range p.Publish {
			b.WriteString("      " + line + "\n") // never wrapped: it is copied
		}
		b.WriteString("\n")
	}
	switch {
	case p.FixProven:
		wrap(b, "    ", "Tried on what was seen: with this change the check passes.")
	case p.Whose == dcv.Us:
	default:
		wrap(b, "    ", "This is a guess: it could not be tried on what was seen.")
	}
}

func looked(b *strings.Builder, title string, seen []dcv.Observation) {
	if len(seen) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %s\n", title)
	for _, o := range seen {
		if line := fmt.Sprintf("    %-52s %s", o.Asked, o.Result); len(line) <= width {
			b.WriteString(line + "\n")
		} else {
			b.WriteString("    " + o.Asked + "\n")
			wrap(b, "        ", o.Result)
		}
		for _, val := range o.Values {
			if r := []rune(val); len(r) > width-10 {
				val = string(r[:width-11]) + "…"
			}
			fmt.Fprintf(b, "        %q\n", val)
		}
	}
}

func bullet(b *strings.Builder, text string) {
	var item strings.Builder
	wrap(&item, "      ", text)
	b.WriteString("    - " + strings.TrimPrefix(item.String(), "      "))
}

// wrap prints a text in lines of at most width; a word that is longer stands
// on a line of its own.
func wrap(b *strings.Builder, indent, text string) {
	n := 0
	for _, word := range strings.Fields(text) {
		switch {
		case n == 0:
			b.WriteString(indent + word)
			n = len(indent) + len([]rune(word))
		case n+1+len([]rune(word)) > width:
			b.WriteString("\n" + indent + word)
			n = len(indent) + len([]rune(word))
		default:
			b.WriteString(" " + word)
			n += 1 + len([]rune(word))
		}
	}
	if n > 0 {
		b.WriteString("\n")
	}
}

func covered(v *dcv.Verdict) string {
	if v.Scope == dcv.ScopeHost {
		return "exactly " + v.ADN.String()
	}
	return v.ADN.String() + ", every name below it, and wildcards"
}

// survey is what the world shows where nothing was looked for.
func survey(ch *dcv.Challenge, v *dcv.Verdict, d *dcv.Diagnosis) string {
	var b strings.Builder
	fmt.Fprintf(&b, "NOTHING WAS CHECKED  %s by %s: no --token was given\n", ch.Name, ch.Method)
	looked(&b, "What stands where the random value would be looked for", v.Seen)
	if d != nil {
		looked(&b, "What else was looked at", d.Seen)
		if list := beside(d); len(list) > 0 {
			b.WriteString("\n  What looks wrong\n")
			for _, p := range list {
				bullet(&b, p.Detail+" ["+string(p.Code)+"]")
			}
		}
	}
	fmt.Fprintf(&b, "\n  To check:\n\n      deed check %s --method %s --token VALUE\n", ch.Name, ch.Method)
	return strings.TrimSuffix(b.String(), "\n")
}

// beside are the problems that do not speak of a missing value.
func beside(d *dcv.Diagnosis) []dcv.Problem {
	list := []dcv.Problem{}
	for _, p := range append([]dcv.Problem{*d.Problem}, d.Causes...) {
		switch p.Code {
		case dcv.TXTNotFound, dcv.TXTNoMatch, dcv.CNAMENotFound, dcv.CNAMENoMatch, dcv.HTTPNotFound, dcv.HTTPNoMatch, dcv.DNSCached, dcv.RecordAsLabel:
			continue
		}
		list = append(list, p)
	}
	return list
}

// surveyed is survey for programs.
type surveyed struct {
	Domain   string            `json:"domain"`
	Method   string            `json:"method"`
	Checked  bool              `json:"checked"` // always false
	At       time.Time         `json:"started_at"`
	Seen     []dcv.Observation `json:"seen"`
	Problems []dcv.Problem     `json:"problems"`
}

func surveyOf(ch *dcv.Challenge, v *dcv.Verdict, d *dcv.Diagnosis) surveyed {
	s := surveyed{Domain: ch.Name.String(), Method: string(ch.Method), At: ch.Now, Seen: v.Seen, Problems: []dcv.Problem{}}
	if d != nil {
		s.Seen, s.Problems = append(s.Seen[:len(s.Seen):len(s.Seen)], d.Seen...), beside(d)
	}
	return s
}
