package api

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDecodeTakesOneObject(t *testing.T) {
	type body struct {
		Name string `json:"name"`
	}
	for _, row := range []struct {
		name, in string
		ok       bool
	}{
		{"an object", `{"name":"x"}`, true},
		{"white space around", " \n{\"name\":\"x\"}\t", true},
		{"unknown fields", `{"name":"x","y":[{"z":null}]}`, true},
		{"brackets in a string do not nest", `{"name":"` + strings.Repeat("[", 100) + `"}`, true},
		{"an escaped quote does not end the string", `{"name":"\"` + strings.Repeat("{", 100) + `"}`, true},
		{"32 levels", `{"y":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`, true},
		{"33 levels", `{"y":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, false},
		{"a million levels", strings.Repeat("[", 1_000_000), false},
		{"two values", `{}{}`, false},
		{"something after", `{} x`, false},
		{"an array", `[]`, false},
		{"a string", `"x"`, false},
		{"a wrong type", `{"name":7}`, false},
		{"cut off", `{"name":"x"`, false},
		{"nothing", ``, false},
		{"not UTF-8", "{\"name\":\"\xc3\x28\"}", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var b body
			err := Decode([]byte(row.in), &b)
			if (err == nil) != row.ok {
				t.Errorf("%v", err)
			}
			var m Malformed
			if err != nil && !errors.As(err, &m) {
				t.Errorf("%T is no sentence for the caller", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"name":"x"}`, `{"name":"\""}`, `[`, `{}{}`, `{"name":{"a":[1]}}`, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v struct {
			Name string         `json:"name"`
			Any  map[string]any `json:"any"`
		}
		var m Malformed
		if err := Decode(b, &v); err != nil && !errors.As(err, &m) {
			t.Fatalf("%T %v", err, err)
		}
	})
}

// A window is rolling: at most so many in any span, at its edges exactly, and
// what was refused does not count.
func TestLimiterAtItsEdges(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewLimiter([]Window{{3, 5 * time.Second}, {5, time.Minute}}, func() time.Time { return now })
	ask := func(key int64, want bool, wait int) {
		t.Helper()
		if w, ok := l.Allow(key); ok != want || w != wait {
			t.Errorf("at %s: %v %d, want %v %d", now.Sub(time.Unix(1000, 0)), ok, w, want, wait)
		}
	}
	for range 3 {
		ask(1, true, 0)
		now = now.Add(time.Second)
	}
	ask(1, false, 2) // the first was 3 s ago
	ask(2, true, 0)  // another key
	now = now.Add(2*time.Second - time.Nanosecond)
	ask(1, false, 1)
	now = now.Add(time.Nanosecond)
	ask(1, true, 0) // exactly 5 s after the first
	ask(1, false, 1)
	now = now.Add(time.Second)
	ask(1, true, 0)
	now = now.Add(10 * time.Second)
	ask(1, false, 44) // five within the minute, the first 16 s ago
	now = now.Add(44*time.Second - time.Nanosecond)
	ask(1, false, 1)
	now = now.Add(time.Nanosecond)
	ask(1, true, 0)
}

func TestLimiterForgetsSilentKeys(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewLimiter([]Window{{3, 5 * time.Second}}, func() time.Time { return now })
	for key := range int64(1000) {
		l.Allow(key)
	}
	now = now.Add(11 * time.Second)
	l.Allow(1)
	if len(l.keys) != 1 {
		t.Errorf("%d keys are remembered", len(l.keys))
	}
}

func TestNoWindowsNoLimit(t *testing.T) {
	l := NewLimiter(nil, nil)
	for range 10_000 {
		if _, ok := l.Allow(1); !ok {
			t.Fatal("limited")
		}
	}
}
