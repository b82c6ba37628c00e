package authority

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The schedule of the product: each minute for 15 minutes, each 5 for an hour,
// each 15 for a day, hourly to day 10, then rest.
func TestScheduleAsDocumented(t *testing.T) {
	start := time.Date(2026, 11, 24, 12, 0, 7, 0, time.UTC)
	var marks []time.Duration
	for at := start; ; {
		next := nextCheck(start, at)
		if next.IsZero() {
			break
		}
		marks = append(marks, next.Sub(start))
		at = next
	}
	var want []time.Duration
	for d := time.Minute; d <= 15*time.Minute; d += time.Minute {
		want = append(want, d)
	}
	for d := 20 * time.Minute; d <= time.Hour; d += 5 * time.Minute {
		want = append(want, d)
	}
	for d := 75 * time.Minute; d <= 24*time.Hour; d += 15 * time.Minute {
		want = append(want, d)
	}
	for d := 25 * time.Hour; d <= 240*time.Hour; d += time.Hour {
		want = append(want, d)
	}
	if len(marks) != len(want) {
		t.Fatalf("%d checks, want %d", len(marks), len(want))
	}
	for i := range want {
		if marks[i] != want[i] {
			t.Errorf("check %d after %s, want %s", i+1, marks[i], want[i])
		}
	}
	if got := givesUp(start); got != start.Add(240*time.Hour) {
		t.Errorf("gives up at %s", got)
	}
}

// A late look, a look by hand, or a clock that ran back shift nothing: the next
// mark is later than now, and the same for every instant between two marks.
func TestScheduleHangsOnItsStartAlone(t *testing.T) {
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		now := start.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(250*time.Hour)).Draw(t, "age")))
		next := nextCheck(start, now)
		if next.IsZero() {
			if now.Before(givesUp(start)) {
				t.Fatalf("rests at %s", now)
			}
			return
		}
		if !next.After(now) || next.After(givesUp(start)) {
			t.Fatalf("after %s comes %s", now, next)
		}
		if again := nextCheck(start, next.Add(-1)); again != next {
			t.Fatalf("just before %s the next is %s", next, again)
		}
	})
}
