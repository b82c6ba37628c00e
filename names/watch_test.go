package names

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deed/dcv"
)

// aList is a list complete enough to be taken for one, with a rule of its own.
func aList(version, rule string) string {
	var b strings.Builder
	b.WriteString("// VERSION: " + version + "\n// ===BEGIN ICANN DOMAINS===\ncom\n" + rule + "\n")
	for i := range 1100 {
		b.WriteString("x" + strings.Repeat("a", i%20) + string(rune('a'+i%26)) + strings.Repeat("b", i/26%40) + "\n")
	}
	b.WriteString("// ===END ICANN DOMAINS===\n// ===BEGIN PRIVATE DOMAINS===\nprivate.com\n// ===END PRIVATE DOMAINS===\n")
	return b.String()
}

func TestTheListIsReloadedWhileInUse(t *testing.T) {
	n := normaliser(t)
	path := filepath.Join(t.TempDir(), "list.dat")
	put := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	first := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	put(aList("2026-11-20_10-00-00_UTC", "brandnew"), first)
	f, err := n.NewFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Normalise("shop.brandnew"); err != nil || n.ListDate().Format(time.DateOnly) != "2026-11-20" {
		t.Errorf("the file's list is in use: %v, %s", err, n.ListDate())
	}
	if base, ok := n.BaseDomain(dcv.MustName("a.private.com")); !ok || base.String() != "private.com" {
		t.Errorf("1.1: the private section of a file does not count either: %s", base)
	}
	if changed, err := f.Refresh(false); changed || err != nil {
		t.Errorf("nothing changed: %t, %v", changed, err)
	}
	// A broken file leaves the list in use, and is said once.
	put("<html>captive portal</html>", first.Add(time.Hour))
	if _, err := f.Refresh(false); err == nil {
		t.Error("a file that is no list is taken")
	}
	if changed, err := f.Refresh(false); changed || err != nil {
		t.Errorf("said again: %v", err)
	}
	if _, err := n.Normalise("shop.brandnew"); err != nil {
		t.Errorf("the last good list is gone: %v", err)
	}
	put(aList("2026-11-23_10-00-00_UTC", "newer"), first.Add(2*time.Hour))
	if changed, err := f.Refresh(false); !changed || err != nil {
		t.Errorf("a new list: %t, %v", changed, err)
	}
	if _, err := n.Normalise("shop.brandnew"); err == nil {
		t.Error("the old list is still in use")
	}
	if got := n.Age(time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)); got != 24*time.Hour {
		t.Errorf("age %s", got)
	}
	if changed, err := f.Refresh(true); !changed || err != nil {
		t.Errorf("SIGHUP reloads what did not change: %t, %v", changed, err)
	}
	os.Remove(path)
	if _, err := f.Refresh(false); err == nil {
		t.Error("a file that is gone is no error")
	}
}
