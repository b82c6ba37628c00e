package main

import (
	"strings"
	"testing"
)

// A day that does not exist, or before the tables begin, is wrong usage; it is
// never taken for another day.
func TestAsOfRefusesDaysItCannotJudgeBy(t *testing.T) {
	for _, day := range []string{"2026-02-30", "2020-08-31", "1999-01-01", "tomorrow", "2026-3-15", "2026-03-15T00:00:00Z", "0000-00-00", " 2027-03-15"} {
		_, errs, code := tool(t, t.TempDir(), "check", "example.com", "--token", "0123456789abcdef", "--resolver", "127.0.0.1:9", "--as-of", day)
		if code != exitUsage || !strings.Contains(errs, "--as-of") || !strings.Contains(errs, "YYYY-MM-DD") {
			t.Errorf("%q: exit %d, %s", day, code, errs)
		}
	}
	// A day to come is judged by, and the result says test.
	out, errs, code := tool(t, t.TempDir(), "check", "example.com", "--token", "0123456789abcdef", "--resolver", "127.0.0.1:9", "--as-of", "2028-03-15", "--json")
	if code != exitOurs || !strings.Contains(string(out), `"test":true`) {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}
