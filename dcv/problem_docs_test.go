package dcv

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/problems anew from the table")

const docs = "../docs/problems"

// whose is how the pages speak of whom a problem belongs to.
var whose = map[Whose]string{
	Us: "ours", Network: "the network", DNSHost: "the DNS host", Record: "the record", Website: "the website", Policy: "the rules",
}

// page is a code's help page.
func page(c Code) string {
	k := Problems[c]
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n`%s`\n\n%s\n\n**What to do.** %s\n\n", k.Title, c, k.Says, k.Fix)
	if k.Look != "" {
		fmt.Fprintf(&b, "**See for yourself.** For `example.com`:\n\n```sh\n%s\n```\n\n", k.Look)
	}
	ends := "It may end without a new request: the check is repeated on the domain's schedule."
	if !k.Transient {
		ends = "It does not end by itself: something must be changed first."
	}
	fmt.Fprintf(&b, "Whose it is: %s. %s\n", whose[k.Whose], ends)
	return b.String()
}

func pages() map[string]string {
	all := map[string]string{}
	var b strings.Builder
	b.WriteString("# Problems\n\nEvery reason that Deed gives for a \"no\", made from the table in `dcv/problems.go` by `go test ./dcv -run Docs -update`.\n\n| code | what | whose | ends by itself |\n| --- | --- | --- | --- |\n")
	for _, c := range slices.Sorted(maps.Keys(Problems)) {
		k := Problems[c]
		ends := "no"
		if k.Transient {
			ends = "perhaps"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s |\n", c, c, k.Title, whose[k.Whose], ends)
		all[string(c)+".md"] = page(c)
	}
	all["README.md"] = b.String()
	return all
}

func TestDocsAreMadeFromTheTable(t *testing.T) {
	want := pages()
	if *update {
		if err := os.MkdirAll(docs, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o644); err != nil { //nolint:gosec // a page for everyone
				t.Fatal(err)
			}
		}
	}
	have, err := os.ReadDir(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range have {
		if _, ok := want[f.Name()]; !ok {
			t.Errorf("docs/problems/%s belongs to no code", f.Name())
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil || string(got) != text {
			t.Errorf("docs/problems/%s is not what the table says (%v): go test ./dcv -run Docs -update", name, err)
		}
	}
}

var codeForm = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func TestEveryCodeHasAWholeRow(t *testing.T) {
	src, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`Code = "([^"]+)"`).FindAllSubmatch(src, -1)
	if len(declared) != len(Problems) {
		t.Errorf("%d codes are declared, %d have a row", len(declared), len(Problems))
	}
	for _, d := range declared {
		c := Code(d[1])
		k, ok := Problems[c]
		if !ok {
			t.Errorf("%s has no row", c)
			continue
		}
		if !codeForm.MatchString(string(c)) || c == "failed" || c == "unknown" {
			t.Errorf("%q is no code", c)
		}
		if whose[k.Whose] == "" {
			t.Errorf("%s is nobody's: %q", c, k.Whose)
		}
		if k.Title == "" || strings.HasSuffix(k.Title, ".") {
			t.Errorf("%s: the title %q is not one phrase", c, k.Title)
		}
		for _, s := range []string{k.Says, k.Fix} {
			if !strings.HasSuffix(s, ".") || len(s) < 15 {
				t.Errorf("%s: %q is no sentence", c, s)
			}
		}
		if p := NewProblem(c, "x"); p.Code != c || p.Title != k.Title || p.Fix != k.Fix || p.Whose != k.Whose || p.Transient != k.Transient {
			t.Errorf("%s: %+v", c, p)
		}
	}
}
