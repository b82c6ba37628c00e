package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
)

// values reads what stands at the names that count.
func values(f *facts) []cause {
	var list []cause
	for i := range f.wants {
		w := &f.wants[i]
		s := f.said(w.name, w.qtype)
		if !s.ok() {
			continue
		}
		add := func(score int, p *dcv.Problem) { list = append(list, cause{score, p, w.edits(f)}) }
		if w.qtype == dns.TypeTXT {
			if split(s.txt, w.value) {
				p := dcv.NewProblem(dcv.ValueSplit, "Two TXT records at %s hold one half of the value each; records are never joined.", w.name)
				w.fix(p, "Put the whole value into one record: %s", w.line())
				add(scoreValue, p)
				continue
			}
			for _, t := range s.txt {
				sl := f.compare(t, w)
				code, ok := slips[sl]
				if !ok {
					continue
				}
				p := dcv.NewProblem(code, "The TXT record at %s holds %s where it should hold %s%s.", w.name, shown(t), w.value, differs(sl, t, w.value))
				w.fix(p, "%s The record is then: %s", dcv.Problems[code].Fix, w.line())
				add(scoreValue, p)
			}
			continue
		}
		if f.wild(w.name) {
			continue
		}
		list = append(list, targets(f, w, s)...)
	}
	return append(list, remembered(f)...)
}

func differs(s slip, text, token string) string {
	if s == slipCut {
		return fmt.Sprintf("; it has %d of %d characters", len(strings.TrimSpace(text)), len(token))
	}
	return ""
}

// targets reads a CNAME that names the wrong target.
func targets(f *facts, w *want, s *said) []cause {
	got, target := s.cname, plain(f.ch.CNAMETarget)
	switch {
	case got == "" || got == w.value:
		return nil
	case strings.HasPrefix(got, w.value+".") && (w.name == got[len(w.value)+1:] || strings.HasSuffix(w.name, "."+got[len(w.value)+1:])):
		p := dcv.NewProblem(dcv.CNAMEFinalDot, "%s is a CNAME to %s: the zone's name %s was added to the target, because its final dot is missing.", w.name, got, got[len(w.value)+1:])
		w.fix(p, "Write the target with a dot at its end: %s.", w.value)
		return []cause{{scoreSeen, p, w.edits(f)}}
	case got == target && label(w.name, w.adn) == check.Prefix:
		p := dcv.NewProblem(dcv.CNAMEValueMissing, "%s is a CNAME to %s, without the random value before it.", w.name, got)
		w.fix(p, "Make the target %s.", w.value)
		return []cause{{scoreValue, p, w.edits(f)}}
	}
	return nil
}

// remembered: a value that was handed out, but does not count now.
func remembered(f *facts) []cause {
	var list []cause
	where := func(text string) (string, *want) {
		for i := range f.wants {
			w := &f.wants[i]
			if s := f.said(w.name, w.qtype); s.ok() {
				for _, t := range append(s.txt[:len(s.txt):len(s.txt)], s.cname) {
					if strings.Contains(t, text) {
						return "The record at " + w.name, w
					}
				}
			}
		}
		return "The file", f.best()
	}
	for _, r := range f.recalled {
		place, w := where(r.Text)
		c := cause{score: scoreStrong}
		current := ""
		if len(f.ch.Values) > 0 {
			v := &f.ch.Values[0]
			current = fmt.Sprintf("; the current one is %s, of %s", v.Token, day(v.Created))
		}
		switch {
		case !r.Own:
			c.p = dcv.NewProblem(dcv.ValueOther, "%s holds a value that was handed out here, but not for %s in this account%s.", place, f.ch.Name, current)
		case r.Ended.IsZero() && r.Expires.After(f.ch.Now) && r.Method != f.ch.Method:
			c.p = dcv.NewProblem(dcv.ValueOtherMethod, "%s holds a value that was handed out for the method %s; the domain is checked by %s%s.", place, r.Method, f.ch.Method, current)
		case r.Ended.IsZero() && r.Expires.After(f.ch.Now):
			continue // live after all: something else is wrong
		default:
			end := r.Expires
			if !r.Ended.IsZero() && r.Ended.Before(end) {
				end = r.Ended
			}
			c.p = dcv.NewProblem(dcv.ValueOld, "%s holds an old value, handed out on %s and ended on %s%s.", place, day(r.Created), day(end), current)
		}
		if w != nil {
			w.fix(c.p, "Replace the record's content: %s", w.line())
			c.edits = w.edits(f)
		} else if current != "" {
			c.p.Publish, c.edits = []string{f.file}, f.fileEdits()
		}
		list = append(list, c)
	}
	return list
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// places reads the names that do not count, and what stands in the way at
// those that do.
func places(f *facts) []cause {
	list := append(misplaced(f), hidden(f)...)
	return append(list, wildcards(f)...)
}

// holds reports whether an answer holds one of the values, as text or target.
func (f *facts) holds(s *said) (*want, bool) {
	if !s.ok() {
		return nil, false
	}
	for i := range f.wants {
		w := &f.wants[i]
		for _, t := range s.txt {
			if sl := slipOf(t, w.value); sl == slipExact || sl == slipQuoted || sl == slipExtra && w.token == w.value || slipOf(t, w.token) == slipExact {
				return w, true
			}
		}
		if w.qtype == dns.TypeCNAME && s.cname == w.value {
			return w, true
		}
	}
	return nil, false
}

func misplaced(f *facts) []cause {
	var list []cause
	for _, name := range f.elsewhere {
		if f.wild(name) {
			continue
		}
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeCNAME} {
			s := f.asked[question{name, qtype}]
			held, ok := f.holds(s)
			w := f.best()
			if ok && held.qtype == qtype && f.belongs(held, name) {
				w = held
			}
			if !ok {
				// A record under the value's own label: the value was taken for the name.
				if s.ok() && w != nil && len(s.txt)+len(s.cname) > 0 && strings.HasPrefix(name, w.token+".") && w.qtype == dns.TypeTXT {
					p := dcv.NewProblem(dcv.RecordAsLabel, "The random value is the name of a record, %s; it should be its content, at %s.", name, w.name)
					w.fix(p, "Publish this record, then check again: %s", w.line())
					list = append(list, cause{scoreSeen, p, w.edits(f)})
				}
				continue
			}
			list = append(list, cause{scoreSeen, f.misplacedAt(name, w), w.edits(f)})
		}
	}
	return list
}

// belongs: a name made from a want's own.
func (f *facts) belongs(w *want, name string) bool {
	return strings.HasPrefix(name, w.name+".") || name == strings.TrimPrefix(w.name, "_")
}

func (f *facts) misplacedAt(name string, w *want) *dcv.Problem {
	var p *dcv.Problem
	switch base := f.base(); {
	case strings.HasPrefix(name, w.name+"."):
		zone := name[len(w.name)+1:]
		p = dcv.NewProblem(dcv.RecordZoneDoubled, "The value stands at %s: the DNS host added %s to a name that had it already. It belongs at %s.", name, zone, w.name)
		w.fix(p, "In the DNS host's form, type only %q as the name; the record is then: %s", label(w.name, zone), w.line())
		return p
	case name == strings.TrimPrefix(w.name, "_"):
		p = dcv.NewProblem(dcv.RecordUnderscoreLost, "The value stands at %s; it belongs at %s, with the underscore.", name, w.name)
	case name == w.adn || name == base:
		p = dcv.NewProblem(dcv.RecordAtApex, "The value stands at %s itself; for this method it belongs at %s.", name, w.name)
	case strings.HasPrefix(name, w.token+"."):
		p = dcv.NewProblem(dcv.RecordAsLabel, "The value stands at %s, as a part of the name; it belongs at %s.", name, w.name)
	default:
		p = dcv.NewProblem(dcv.RecordWrongName, "The value stands at %s, a name that does not count; it belongs at %s.", name, w.name)
	}
	w.fix(p, "Publish this record, then check again: %s", w.line())
	return p
}

// wild: the name's answer is that of a label which nobody published.
func (f *facts) wild(name string) bool {
	for _, adn := range f.ch.ADNs {
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeCNAME} {
			c := f.said(f.canary+"."+adn.String(), qtype)
			if !c.ok() || len(c.txt)+len(c.cname) == 0 || !strings.HasSuffix(name, "."+adn.String()) {
				continue
			}
			for _, t := range []uint16{dns.TypeTXT, dns.TypeCNAME} {
				if s := f.said(name, t); s.ok() && c.cname == s.cname && (c.cname != "" || strings.Join(c.txt, "\n") == strings.Join(s.txt, "\n")) {
					return true
				}
			}
		}
	}
	return false
}

// hidden: a CNAME where a TXT record should be, or the other way about.
func hidden(f *facts) []cause {
	var list []cause
	for i := range f.wants {
		w := &f.wants[i]
		s := f.said(w.name, w.qtype)
		if !s.ok() {
			continue
		}
		if w.qtype == dns.TypeTXT && s.cname != "" {
			if strings.Contains(s.cname, w.token) || (f.ch.CNAMETarget != "" && strings.HasSuffix(s.cname, plain(f.ch.CNAMETarget))) {
				p := dcv.NewProblem(dcv.TXTIsCNAME, "%s is a CNAME to %s, but the domain's method wants a TXT record there.", w.name, s.cname)
				w.fix(p, "Remove the CNAME and publish: %s", w.line())
				list = append(list, cause{scoreValue, p, w.edits(f)})
				continue
			}
			if w.name == w.adn && len(f.wants) > 1 {
				continue // a website's own CNAME; the record belongs under the label anyway
			}
			p := dcv.NewProblem(dcv.TXTHidden, "%s is a CNAME to %s, so a TXT record beside it cannot be seen, and %s holds no such value.", w.name, s.cname, s.chain[len(s.chain)-1])
			w.fix(p, "Remove the CNAME at %s, then publish: %s", w.name, w.line())
			list = append(list, cause{scoreStrong - 5, p, w.edits(f)})
		}
		if w.qtype == dns.TypeCNAME && s.cname == "" {
			for _, t := range f.texts(w.name) {
				if strings.Contains(t, w.token) {
					p := dcv.NewProblem(dcv.CNAMEIsTXT, "%s has a TXT record with the value, but the domain's method wants a CNAME there.", w.name)
					w.fix(p, "Remove the TXT record and publish: %s", w.line())
					list = append(list, cause{scoreValue, p, w.edits(f)})
				}
			}
		}
	}
	return list
}

func (f *facts) texts(name string) []string {
	if s := f.asked[question{name, dns.TypeTXT}]; s.ok() {
		return s.txt
	}
	return nil
}

// wildcards: the answer at the wanted name is that of every name.
func wildcards(f *facts) []cause {
	for i := range f.wants {
		w := &f.wants[i]
		s, c := f.said(w.name, w.qtype), f.said(f.canary+"."+w.adn, w.qtype)
		if w.name == w.adn || !s.ok() || !c.ok() || len(c.txt)+len(c.cname) == 0 || strings.HasPrefix(w.name, w.token+".") {
			continue
		}
		if strings.Join(c.txt, "\n") != strings.Join(s.txt, "\n") || c.cname != s.cname {
			continue
		}
		what := shown(strings.Join(c.txt, " "))
		if c.cname != "" {
			what = "a CNAME to " + c.cname
		}
		p := dcv.NewProblem(dcv.TXTWildcard, "%s has no record of its own: *.%s answers for it with %s, as for every other name.", w.name, w.adn, what)
		w.fix(p, "Publish this record; it goes before the wildcard: %s", w.line())
		return []cause{{scoreStrong, p, w.edits(f)}}
	}
	return nil
}
