package authority

import (
	"testing"
	"time"
)

// After a miss that our resolver remembers, the marks before its memory ends
// are skipped; never beyond the next mark of the coarser pace.
func TestALookThatCanOnlyGiveTheSameAnswerIsSkipped(t *testing.T) {
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for _, row := range []struct {
		name             string
		now, worth, want time.Duration
	}{
		{"nothing is known of the memory", time.Minute, -1, 2 * time.Minute},
		{"the memory ends before the next mark", time.Minute, 90 * time.Second, 2 * time.Minute},
		{"it ends on the mark", time.Minute, 2 * time.Minute, 2 * time.Minute},
		{"it ends a second after it", time.Minute, 121 * time.Second, 121 * time.Second},
		{"a zone's five minutes reach to the mark of five minutes", time.Minute, 6 * time.Minute, 5 * time.Minute},
		{"a zone's day reaches no further", time.Minute, 24 * time.Hour, 5 * time.Minute},
		{"each minute, near the end of the pace", 14*time.Minute + 30*time.Second, time.Hour, 15 * time.Minute},
		{"each five minutes: to a quarter", 16 * time.Minute, time.Hour, 30 * time.Minute},
		{"each quarter: to the hour", 2*time.Hour + time.Minute, 5 * time.Hour, 3 * time.Hour},
		{"each hour: nothing is skipped", 25 * time.Hour, 40 * time.Hour, 26 * time.Hour},
		{"the memory ended already", 10 * time.Minute, time.Minute, 11 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			worth := time.Time{}
			if row.worth >= 0 {
				worth = at(row.worth)
			}
			if got := later(start, at(row.now), worth); !got.Equal(at(row.want)) {
				t.Errorf("the next look is at %s, want %s", got.Sub(start), row.want)
			}
		})
	}
	if got := later(start, at(11*24*time.Hour), at(12*24*time.Hour)); !got.IsZero() {
		t.Errorf("a domain that rests is looked at: %s", got)
	}
	for now := time.Duration(0); now < 11*24*time.Hour; now += 37 * time.Second {
		for _, w := range []time.Duration{0, time.Minute, time.Hour, 48 * time.Hour} {
			got, plain := later(start, at(now), at(now+w)), nextCheck(start, at(now))
			if got.Before(plain) || (!plain.IsZero() && got.After(givesUp(start))) {
				t.Fatalf("at %s with a memory of %s: %s, the plain mark is %s", now, w, got.Sub(start), plain.Sub(start))
			}
		}
	}
}
