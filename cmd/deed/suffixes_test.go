package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// suffixList is a list complete enough to be taken for one.
func suffixList(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// VERSION: %s\n// ===BEGIN ICANN DOMAINS===\ncom\n", version)
	for i := range 1100 {
		fmt.Fprintf(&b, "x%d\n", i)
	}
	b.WriteString("// ===END ICANN DOMAINS===\n")
	return b.String()
}

// The list is reloaded on SIGHUP while the server runs, and a broken file
// leaves the list in use; /readyz, /v1 and deed version show its date.
func TestSuffixListOfARunningServer(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "list.dat")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(suffixList("2026-11-20_10-00-00_UTC"))
	_, key := account(t, dir, "Example")
	p := serverProcess(t, dir, "--names-suffix-list", path)
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !ok(); {
			if time.Now().After(end) {
				t.Fatalf("never: %s\n%s", what, call(t, "GET", p.field("url")+"/readyz", "", "").body)
			}
		}
	}
	ready := func(text string) func() bool {
		return func() bool {
			return strings.Contains(string(call(t, "GET", p.field("url")+"/readyz", "", "").body), text)
		}
	}
	until("the first list", ready("list of 2026-11-20"))
	put(suffixList("2026-11-23_10-00-00_UTC"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until("the second list", ready("list of 2026-11-23"))
	put("not a list")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until("the complaint", func() bool {
		p.stderr.mu.Lock()
		defer p.stderr.mu.Unlock()
		return strings.Contains(p.stderr.b.String(), "was not reloaded")
	})
	if !ready("list of 2026-11-23")() {
		t.Error("a broken file took the list away")
	}
	if a := call(t, "GET", p.field("url")+"/v1/rules", key, ""); a.status != 200 || !strings.Contains(string(a.body), `"public_suffix_list":"2026-11-23"`) {
		t.Errorf("/v1/rules: %d %s", a.status, a.body)
	}
	put(suffixList("2026-11-22_10-00-00_UTC"))
	if out, errs, code := tool(t, dir, "version", "--names-suffix-list", path); code != 0 || !strings.Contains(string(out), "Public Suffix List of 2026-11-22") {
		t.Errorf("version: %d %s%s", code, out, errs)
	}
	if _, errs, code := tool(t, dir, "version", "--names-suffix-list", filepath.Join(dir, "gone")); code != exitUsage || !strings.Contains(errs, "names.suffix_list") {
		t.Errorf("a list that is not there: %d %s", code, errs)
	}
}
