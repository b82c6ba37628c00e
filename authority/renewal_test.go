package authority

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"deed/dcv"
	"deed/store"
)

func TestRenewalOfAProof(t *testing.T) {
	until := time.Date(2026, 12, 3, 12, 0, 0, 0, time.UTC)
	first := until.Add(-72 * time.Hour)
	standing := store.Domain{Active: true, Proven: until.Add(-9 * 24 * time.Hour), ProvenUntil: until, ProofMethod: dcv.Persistent, Validations: []store.Validation{{Type: "ov"}}}
	for _, row := range []struct {
		name   string
		change func(*store.Domain)
		now    time.Time
		want   time.Time
	}{
		{"three days before the end (BR 3.2.2.4.22: 10 days)", nil, standing.Proven, first},
		{"an instant before that", nil, first.Add(-1), first},
		{"then each six hours", nil, first, first.Add(6 * time.Hour)},
		{"a late look shifts nothing", nil, first.Add(7 * time.Hour), first.Add(12 * time.Hour)},
		{"the last", nil, until.Add(-6*time.Hour - 1), until.Add(-6 * time.Hour)},
		{"none at the end or after it", nil, until.Add(-6 * time.Hour), time.Time{}},
		{"none once it has ended", nil, until, time.Time{}},
		{"none while the domain is pending: it is looked at anyway", func(d *store.Domain) { d.Validations[0].Pending = true }, standing.Proven, time.Time{}},
		{"none while it is inactive", func(d *store.Domain) { d.Active = false }, standing.Proven, time.Time{}},
		{"none by a random value: it is spent", func(d *store.Domain) { d.ProofMethod = dcv.DNSTXT }, standing.Proven, time.Time{}},
		{"none by a key authorization", func(d *store.Domain) { d.ProofMethod = dcv.ACMEDNS }, standing.Proven, time.Time{}},
		{"none by e-mail", func(d *store.Domain) { d.ProofMethod = dcv.Email }, standing.Proven, time.Time{}},
		{"none where nothing was proven", func(d *store.Domain) { *d = store.Domain{Active: true} }, standing.Proven, time.Time{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := standing
			d.Validations = []store.Validation{{Type: "ov"}}
			if row.change != nil {
				row.change(&d)
			}
			if got := renewal(&d, row.now); !got.Equal(row.want) {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		now := until.Add(-time.Duration(rapid.Int64Range(-int64(time.Hour), int64(240*time.Hour)).Draw(t, "before")))
		if next := renewal(&standing, now); !next.IsZero() && (!next.After(now) || !next.Before(until) || next.Sub(now) > 6*time.Hour && now.After(first)) {
			t.Fatalf("at %s next %s", now, next)
		}
	})
}
