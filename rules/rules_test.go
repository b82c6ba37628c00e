package rules

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"deed/dcv"
)

func row(t *testing.T, m dcv.Method) Method {
	t.Helper()
	r, ok := For(m)
	if !ok {
		t.Fatalf("no row for %s", m)
	}
	return r
}

func TestADNs(t *testing.T) {
	for _, r := range []struct {
		name       string
		method     dcv.Method
		in, base   string
		candidates []string
	}{
		{"section 2: a method with Prune goes down to the base domain name", dcv.DNSTXT, "a.b.example.co.uk", "example.co.uk", []string{"a.b.example.co.uk", "b.example.co.uk", "example.co.uk"}},
		{"R-A2: never above the base domain name", dcv.DNSTXT, "example.co.uk", "example.co.uk", []string{"example.co.uk"}},
		{"a wildcard loses its asterisk first", dcv.DNSCNAME, "*.a.example.com", "example.com", []string{"a.example.com", "example.com"}},
		{"R-A4: a website proves exactly its name", dcv.HTTP, "www.example.com", "example.com", []string{"www.example.com"}},
		{"3.2.2.4: a website never proves a wildcard", dcv.HTTP, "*.example.com", "example.com", nil},
		{"a base of another name gives nothing", dcv.DNSTXT, "a.example.com", "example.net", nil},
		{"a base that is only a textual suffix gives nothing", dcv.DNSTXT, "badexample.com", "example.com", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			var got []string
			for _, a := range row(t, r.method).ADNs(dcv.MustName(r.in), dcv.MustName(r.base)) {
				got = append(got, a.String())
			}
			if !reflect.DeepEqual(got, r.candidates) {
				t.Errorf("%v", got)
			}
		})
	}
}

// Both sides of every date in the calendar.
func TestCalendar(t *testing.T) {
	before := func(d time.Time) time.Time { return d.Add(-time.Microsecond) }
	for _, q := range []struct {
		date     time.Time
		old, now Quorum
	}{
		{day(2025, 9, 15), Quorum{}, Quorum{Remotes: 2}},
		{day(2026, 3, 15), Quorum{Remotes: 2}, Quorum{3, 2}},
		{day(2026, 6, 15), Quorum{3, 2}, Quorum{4, 2}},
		{day(2026, 12, 15), Quorum{4, 2}, Quorum{5, 2}},
	} {
		if QuorumAt(before(q.date)) != q.old || QuorumAt(q.date) != q.now {
			t.Errorf("%s: %v then %v", q.date, QuorumAt(before(q.date)), QuorumAt(q.date))
		}
	}
	email := row(t, dcv.Email)
	if !email.Usable(before(day(2028, 3, 15))) || email.Usable(day(2028, 3, 15)) {
		t.Error("e-mail ends on 2028-03-15 (BR 3.2.2.4.4, .13, .14)")
	}
	for _, m := range []dcv.Method{dcv.DNSTXT, dcv.DNSCNAME, dcv.HTTP} {
		if !row(t, m).Usable(day(2100, 1, 1)) {
			t.Errorf("%s has no end", m)
		}
	}
}

func TestUntil(t *testing.T) {
	for _, r := range []struct {
		name   string
		method dcv.Method
		began  time.Time
		want   time.Time
		reason Reason
	}{
		{"200 days less the margin", dcv.DNSTXT, day(2026, 4, 1), day(2026, 4, 1).Add(199 * aDay), EndsByAge},
		{"398 days would outlive 2026-03-15, and 200 do not allow it", dcv.DNSTXT, day(2025, 8, 1), day(2026, 3, 15), EndsByTable},
		{"398 days cut to 200 by the next row", dcv.DNSTXT, day(2025, 10, 1), day(2025, 10, 1).Add(199 * aDay), EndsByAge},
		{"398 days that end before the change", dcv.DNSTXT, day(2025, 1, 1), day(2025, 1, 1).Add(397 * aDay), EndsByAge},
		{"section 9: evidence of 2026-10-01 ends on 2027-03-15", dcv.DNSTXT, day(2026, 10, 1), day(2027, 3, 15), EndsByTable},
		{"evidence young enough for the 100 days that follow", dcv.DNSTXT, day(2027, 1, 1), day(2027, 1, 1).Add(99 * aDay), EndsByAge},
		{"10 days from 2029-03-15", dcv.DNSTXT, day(2029, 3, 15), day(2029, 3, 24), EndsByAge},
		{"100 days cut off by 2029-03-15", dcv.HTTP, day(2029, 2, 1), day(2029, 3, 15), EndsByTable},
		{"e-mail never outlives 2028-03-15", dcv.Email, day(2028, 2, 1), day(2028, 3, 15), EndsByMethod},
		{"e-mail long before its end", dcv.Email, day(2027, 4, 1), day(2027, 4, 1).Add(99 * aDay), EndsByAge},
	} {
		t.Run(r.name, func(t *testing.T) {
			got := Proof{Method: r.method, Began: r.began}.Until()
			if !got.At.Equal(r.want) || got.Reason != r.reason || got.Rule == "" || got.Detail == "" {
				t.Errorf("%+v, want %s by %s", got, r.want, r.reason)
			}
		})
	}
}

// At every instant before the end some row allows the proof, at none from it on.
func TestUntilAgreesWithTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := aProof(t)
		m, _ := For(p.Method)
		allowed := func(at time.Time) bool {
			var age time.Duration
			for _, row := range reuse {
				if !at.Before(row.from) {
					age = row.age
				}
			}
			if m.ReuseCap > 0 {
				age = min(age, m.ReuseCap)
			}
			for _, n := range m.Sections {
				s, _ := SectionOf(n)
				if (p.Section == "" || p.Section == n) && s.NoReuse && s.Retired(at) {
					return false
				}
			}
			return at.Sub(p.Began) < age-policy.Margin
		}
		end := p.Until().At
		for _, d := range []time.Duration{0, time.Hour, 5 * aDay, 50 * aDay, 150 * aDay, 300 * aDay} {
			if at := p.Began.Add(d); at.Before(end) != allowed(at) || p.At(at).Stands != allowed(at) {
				t.Fatalf("%s began %s: ends %s, but at %s allowed is %t and it stands is %t", p.Method, p.Began, end, at, allowed(at), p.At(at).Stands)
			}
		}
		for i, e := range p.Ends() {
			if e.At.Before(end) || (i == 0 && !e.At.Equal(end)) {
				t.Fatalf("end %d of %+v: %+v", i, p, e)
			}
		}
		if end.After(p.Began) && (!p.At(end.Add(-time.Microsecond)).Stands || p.At(end).Stands) {
			t.Fatalf("%+v ends at %s, but its two sides say otherwise", p, end)
		}
	})
}

func aProof(t *rapid.T) Proof {
	m := rapid.SampledFrom(methods).Draw(t, "method")
	p := Proof{Method: m.Method, Began: Earliest().Add(time.Duration(rapid.Int64Range(0, 10*365*24).Draw(t, "hours")) * time.Hour)}
	if rapid.Bool().Draw(t, "by section") {
		p.Section = rapid.SampledFrom(m.Sections).Draw(t, "section")
	}
	return p
}

func TestAProofByAnotherDaysRules(t *testing.T) {
	began := day(2026, 11, 24)
	for _, r := range []struct {
		name   string
		p      Proof
		at     time.Time
		asOf   time.Time
		stands bool
	}{
		{"90 days old by the rules of 2027, 100 days less the margin", Proof{dcv.DNSTXT, "3.2.2.4.7", began}, began.Add(90 * aDay), day(2027, 3, 15), true},
		{"99 days old by the same rules", Proof{dcv.DNSTXT, "3.2.2.4.7", began}, began.Add(99 * aDay), day(2027, 3, 15), false},
		{"99 days old by the rules of the day before", Proof{dcv.DNSTXT, "3.2.2.4.7", began}, began.Add(99 * aDay), day(2027, 3, 14), true},
		{"e-mail, minutes old, by the rules of its last day", Proof{dcv.Email, "3.2.2.4.4", began}, began, day(2028, 3, 14), true},
		{"e-mail, minutes old, by the rules of the day it ends", Proof{dcv.Email, "3.2.2.4.4", began}, began, day(2028, 3, 15), false},
		{"a method that is not offered", Proof{"whois-email", "3.2.2.4.2", began}, began, began, false},
		{"a section that is not the method's", Proof{dcv.DNSTXT, "3.2.2.4.8", began}, began, began, false},
	} {
		t.Run(r.name, func(t *testing.T) {
			if j := r.p.By(r.at, r.asOf); j.Stands != r.stands || (j.Why.Detail == "") != r.stands {
				t.Errorf("%+v", j)
			}
		})
	}
}

// Every method of 3.2.2.4 that is retired stands in the table, and is never a
// row of a method that is offered.
func TestRetiredSections(t *testing.T) {
	now := day(2026, 11, 24)
	retired := map[string]bool{}
	for _, s := range Sections() {
		retired[s.Number] = s.Retired(now)
		if s.Retired(now) && !s.NoReuse && s.Number != "3.2.2.4.11" { // the only one without the sentence
			t.Errorf("%s is retired, and its old validations would count", s.Number)
		}
	}
	for _, n := range []string{"1", "2", "3", "5", "6", "8", "9", "10", "11", "15"} {
		if !retired["3.2.2.4."+n] {
			t.Errorf("3.2.2.4.%s is not retired", n)
		}
	}
	for _, m := range Methods() {
		if len(m.rows()) != len(m.Sections) || len(m.Sections) == 0 {
			t.Errorf("%s rests on a section without a row: %v", m.Method, m.Sections)
		}
		for _, n := range m.Sections {
			if retired[n] {
				t.Errorf("%s rests on %s, which is retired", m.Method, n)
			}
		}
		if m.TokenLife > month {
			t.Errorf("%s: a random value may live for 30 days at most", m.Method)
		}
	}
}

func TestCAALabels(t *testing.T) {
	for _, r := range []struct {
		name, section string
		method        dcv.Method
		want          []string
	}{
		{"4.2.2.1.2: ca-tbr- and the number of the section", "3.2.2.4.7", dcv.DNSTXT, []string{"ca-tbr-7"}},
		{"before it is known, any section of the method", "", dcv.Email, []string{"ca-tbr-4", "ca-tbr-13", "ca-tbr-14"}},
		{"the section that the proof rests on", "3.2.2.4.13", dcv.Email, []string{"ca-tbr-13"}},
		{"the website is not http-01", "", dcv.HTTP, []string{"ca-tbr-18"}},
	} {
		if got := row(t, r.method).CAALabels(r.section); !reflect.DeepEqual(got, r.want) {
			t.Errorf("%s: %v", r.name, got)
		}
	}
}

func TestTheCalendarIsMadeFromTheTables(t *testing.T) {
	list := Calendar()
	at := map[string]bool{}
	for i, d := range list {
		if i > 0 && d.At.Before(list[i-1].At) || d.What == "" || d.Rule == "" {
			t.Errorf("%+v", d)
		}
		at[d.At.Format(time.DateOnly)] = true
	}
	for _, want := range []string{"2025-07-15", "2025-09-15", "2026-03-15", "2026-06-15", "2026-07-15", "2026-11-15", "2026-12-15", "2027-03-15", "2028-03-15", "2029-03-15"} {
		if !at[want] {
			t.Errorf("%s is not in the calendar", want)
		}
	}
	for _, r := range []struct {
		duty Duty
		from time.Time
	}{{DutyDNSSEC, day(2026, 3, 15)}, {DutyADN, day(2026, 11, 15)}, {DutyCAAParameters, day(2027, 3, 15)}} {
		if InForce(r.duty, r.from.Add(-time.Microsecond)) || !InForce(r.duty, r.from) {
			t.Errorf("%s: from %s", r.duty, r.from)
		}
	}
}

// The proven scope never holds an ancestor of the validated name.
func TestScopeIsNeverWidened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(methods).Draw(t, "method")
		labels := rapid.SliceOfN(rapid.StringMatching(`[a-z][a-z0-9]{0,5}`), 0, 4).Draw(t, "labels")
		name, base := "example.com", dcv.MustName("example.com")
		for _, l := range labels {
			name = l + "." + name
		}
		n := dcv.MustName(name)
		for _, adn := range m.ADNs(n, base) {
			if !adn.Within(base) || !n.Within(adn) {
				t.Fatalf("%s is no ADN of %s", adn, n)
			}
			for p := adn.Parent(); !p.IsZero(); p = p.Parent() {
				if m.Scope.Covers(adn, p) {
					t.Fatalf("a proof at %s covers %s", adn, p)
				}
			}
			if m.Scope == dcv.ScopeHost && m.Scope.Covers(adn, dcv.MustName("www."+adn.String())) {
				t.Fatalf("a website's proof at %s covers www", adn)
			}
		}
	})
}

func TestConstructedLocalParts(t *testing.T) {
	if got := ConstructedLocalParts(); len(got) != 5 { // incident: a sixth mail local part
		t.Errorf("%v", got)
	}
}
