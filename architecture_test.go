// Package deed_test holds the tests of the house as a whole.
package deed_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// storeys lists the rooms from the ground up. A room may import rooms of lower
// storeys and of its own, never of a higher one (ARCHITECTURE.md).
var storeys = [][]string{
	{"dcv"},
	{"reserve", "rules", "names"},
	{"caa"},
	{"resolve", "resolve/dnssec", "resolve/dnssec/dnssectest", "fetch"},
	{"capsule"},
	{"check", "mail", "diagnose"},
	{"store", "store/sqlite", "store/storetest"},
	{"audit"},
	{"authority"},
	{"api", "api/certcentral", "api/v1", "api/cps", "console", "sandbox"},
	{"cmd/deed"},
}

// forbidden lists what no room of a kind may import, however indirectly, and why.
var forbidden = []struct{ room, imports, why string }{
	{"dcv", ".", "dcv imports the standard library only"},
	{"check", "deed/store", "a check never sees a store"},
	{"authority", "database/sql", "only store/sqlite speaks SQL"},
	{"store", "net/http", "a store never sees HTTP"},
	{"rules", "net", "rules are pure"},
	{"caa", "net/http", "CAA decides, others fetch"},
	{"api/certcentral", "database/sql", "a dialect never sees SQL"},
	{"api/cps", "database/sql", "a dialect never sees SQL"},
	{"api/v1", "database/sql", "a dialect never sees SQL"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	all := map[string]listed{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func TestArrowsPointOneWay(t *testing.T) {
	level := map[string]int{}
	for i, rooms := range storeys {
		for _, r := range rooms {
			level["deed/"+r] = i
		}
	}
	for path, p := range packages(t) {
		if path == "deed" {
			continue // this test's own package
		}
		mine, ok := level[path]
		if !ok {
			t.Errorf("%s has no storey: add the room to storeys and to ARCHITECTURE.md", path)
			continue
		}
		for _, imp := range p.Imports {
			if other, ok := level[imp]; ok && other > mine {
				t.Errorf("%s imports %s, which stands above it", path, imp)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	all := packages(t)
	for _, f := range forbidden {
		p, ok := all["deed/"+f.room]
		if !ok {
			t.Errorf("there is no room %s", f.room)
			continue
		}
		for _, dep := range append(p.Imports, p.Deps...) {
			if dep == f.imports || (f.imports == "." && strings.Contains(strings.Split(dep, "/")[0], ".")) {
				t.Errorf("%s imports %s: %s", f.room, dep, f.why)
			}
		}
	}
}
