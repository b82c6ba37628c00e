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

func TestReusableUntil(t *testing.T) {
	for _, r := range []struct {
		name     string
		method   dcv.Method
		obtained time.Time
		want     time.Time
	}{
		{"200 days less the margin", dcv.DNSTXT, day(2026, 4, 1), day(2026, 4, 1).Add(199 * aDay)},
		{"398 days would outlive 2026-03-15, and 200 do not allow it", dcv.DNSTXT, day(2025, 8, 1), day(2026, 3, 15)},
		{"398 days cut to 200 by the next row", dcv.DNSTXT, day(2025, 10, 1), day(2025, 10, 1).Add(199 * aDay)},
		{"398 days that end before the change", dcv.DNSTXT, day(2025, 1, 1), day(2025, 1, 1).Add(397 * aDay)},
		{"section 9: evidence of 2026-10-01 ends on 2027-03-15", dcv.DNSTXT, day(2026, 10, 1), day(2027, 3, 15)},
		{"evidence young enough for the 100 days that follow", dcv.DNSTXT, day(2027, 1, 1), day(2027, 1, 1).Add(99 * aDay)},
		{"10 days from 2029-03-15", dcv.DNSTXT, day(2029, 3, 15), day(2029, 3, 24)},
		{"100 days cut off by 2029-03-15", dcv.HTTP, day(2029, 2, 1), day(2029, 3, 15)},
		{"e-mail never outlives 2028-03-15", dcv.Email, day(2028, 2, 1), day(2028, 3, 15)},
		{"e-mail long before its end", dcv.Email, day(2027, 4, 1), day(2027, 4, 1).Add(99 * aDay)},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := row(t, r.method).ReusableUntil(r.obtained); !got.Equal(r.want) {
				t.Errorf("%s, want %s", got, r.want)
			}
		})
	}
}

// At every instant before the end some row allows the proof, at none after it.
func TestReusableUntilAgreesWithTheTable(t *testing.T) {
	allowed := func(m Method, obtained, issued time.Time) bool {
		if !m.Usable(issued) || issued.Before(obtained) {
			return false
		}
		var age time.Duration
		for _, p := range reuse {
			if !issued.Before(p.from) {
				age = p.age
			}
		}
		return issued.Sub(obtained) <= age-Margin
	}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(methods).Draw(t, "method")
		obtained := day(2024, 1, 1).Add(time.Duration(rapid.Int64Range(0, 6*365*24).Draw(t, "hours")) * time.Hour)
		if !m.Usable(obtained) {
			return
		}
		end := m.ReusableUntil(obtained)
		for _, d := range []time.Duration{0, time.Hour, 5 * aDay, 50 * aDay, 150 * aDay, 300 * aDay} {
			at := obtained.Add(d)
			if at.Before(end) && !allowed(m, obtained, at) {
				t.Fatalf("%s obtained %s: end %s, but %s is not allowed", m.Method, obtained, end, at)
			}
			if at.After(end) && allowed(m, obtained, at) {
				t.Fatalf("%s obtained %s: end %s, but %s is allowed", m.Method, obtained, end, at)
			}
		}
	})
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
