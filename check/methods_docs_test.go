package check

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deed/dcv"
	"deed/rules"
)

var writeDocs = flag.Bool("update-methods", false, "write the facts in docs/methods anew from the rules table")

const methodDocs = "../docs/methods"

// The facts of a page stand between these lines; the rest is written by hand.
const (
	factsBegin = "<!-- from the rules table: go test ./check -run Docs -update-methods -->\n"
	factsEnd   = "<!-- end -->\n"
)

// began are the days for which a page says until when a proof counts: before
// and after each change of the reuse table that is to come.
var began = []time.Time{
	time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC),
	time.Date(2028, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC),
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func dayOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Format(time.DateOnly)
}

// facts is what the table says of a method.
func facts(r rules.Method) string {
	var b strings.Builder
	row := func(what, is string) { fmt.Fprintf(&b, "| %s | %s |\n", what, is) }
	b.WriteString(factsBegin + "\n| | |\n| --- | --- |\n")
	row("Baseline Requirements "+rules.Version, strings.Join(r.Sections, ", "))
	switch {
	case r.ByValue:
		row("What is published", fmt.Sprintf("a random value of Deed's, good for %d days", r.TokenLife/(24*time.Hour)))
	case r.ByKey:
		row("What is published", fmt.Sprintf("a key authorization of the caller's or its digest, good for %d days from when it was given", r.TokenLife/(24*time.Hour)))
	case r.Mailed:
		row("What is published", fmt.Sprintf("nothing; a random value is mailed, good for %d days", r.TokenLife/(24*time.Hour)))
	default:
		row("What is published", "the account's name; nothing in it need ever expire")
	}
	if r.Scope == dcv.ScopeHost {
		row("Proves", "exactly one host")
	} else {
		row("Proves", "the name where it was shown, and every name below it")
	}
	row("May prove a wildcard", yes(r.Wildcard))
	row("May stand at a parent, down to the base domain name", yes(r.Prune))
	row("Needs corroboration from other perspectives", yes(r.MPIC))
	if r.ReuseCap > 0 {
		row("A proof is never older than", fmt.Sprintf("%d days, whatever the general table says", r.ReuseCap/(24*time.Hour)))
	}
	row("Names in CAA's `validationmethods`", "`"+strings.Join(r.CAALabels(""), "`, `")+"`")
	row("SHOULD NOT be used since", dayOr(r.Discouraged(), "–"))
	row("May not be used from", dayOr(r.Ends(), "no end is known"))
	b.WriteString("\n| a proof begun on | counts until | because of |\n| --- | --- | --- |\n")
	for _, at := range began {
		if !r.Usable(at) {
			fmt.Fprintf(&b, "| %s | cannot be made | BR %s |\n", at.Format(time.DateOnly), r.Sections[0])
			continue
		}
		end := rules.Proof{Method: r.Method, Section: r.Sections[0], Began: at}.Until()
		fmt.Fprintf(&b, "| %s | %s | %s |\n", at.Format(time.DateOnly), end.At.Format(time.DateOnly), end.Rule)
	}
	b.WriteString("\n" + factsEnd)
	return b.String()
}

// mentions are the names and addresses that a page must give as the code has them.
var mentions = map[dcv.Method][]string{
	dcv.DNSTXT:         {Prefix + ".shop.example.com"},
	dcv.DNSCNAME:       {Prefix + ".shop.example.com"},
	dcv.HTTP:           {"http://shop.example.com" + Path},
	dcv.Email:          rules.ConstructedLocalParts(),
	dcv.Persistent:     {PersistentPrefix + ".shop.example.com", "accounturi", "persistUntil"},
	dcv.ACMEHTTP:       {"http://shop.example.com" + ACMEPath},
	dcv.ACMEDNS:        {ACMEPrefix + ".shop.example.com"},
	dcv.ACMETLSALPN:    {ALPNProtocol, acmeIdentifier.String()},
	dcv.ACMEDNSAccount: {AccountLabel(acmeURL) + "." + ACMEPrefix + ".shop.example.com", acmeURL},
}

// sections of every page, in this order.
var headings = []string{"## What to publish\n", "## What is looked for\n", "## What it proves\n", "## For how long\n", "## When it ends\n"}

func TestDocsOfMethodsAgreeWithTheRules(t *testing.T) {
	known := map[string]bool{"README.md": true}
	index := "# Methods\n\nThe ways of proving control that Deed offers. Where several would do, take [dns-txt-persistent](dns-txt-persistent.md): one record serves every renewal.\n\n" +
		"| method | Baseline Requirements | wildcard | covers names below | ends |\n| --- | --- | --- | --- | --- |\n"
	for _, r := range rules.Methods() {
		name := string(r.Method) + ".md"
		known[name] = true
		index += fmt.Sprintf("| [%s](%s) | %s | %s | %s | %s |\n", r.Method, name, strings.Join(r.Sections, ", "), yes(r.Wildcard), yes(r.Scope == dcv.ScopeSubtree), dayOr(r.Ends(), "–"))
		path := filepath.Join(methodDocs, name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("the method %s has no page: %v", r.Method, err)
			continue
		}
		page := string(raw)
		head, rest, ok := strings.Cut(page, factsBegin)
		_, tail, ok2 := strings.Cut(rest, factsEnd)
		if !ok || !ok2 || !strings.HasPrefix(head, "# "+string(r.Method)+"\n") {
			t.Errorf("%s: no title, or no place for the facts", name)
			continue
		}
		want := head + facts(r) + tail
		if *writeDocs && page != want {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a page for everyone
				t.Fatal(err)
			}
			page = want
		}
		if page != want {
			t.Errorf("%s is not what the rules table says: go test ./check -run Docs -update-methods", name)
		}
		at := 0
		for _, h := range headings {
			i := strings.Index(tail[at:], h)
			if i < 0 {
				t.Errorf("%s: no %q, or not in its place", name, h)
				break
			}
			at += i + len(h)
		}
		ends := "From " + r.Ends().Format(time.DateOnly)
		if r.Ends().IsZero() {
			ends = "no end in sight"
		}
		if !strings.Contains(strings.Join(strings.Fields(tail), " "), ends) {
			t.Errorf("%s: its last section does not say %q", name, ends)
		}
		for _, s := range mentions[r.Method] {
			if !strings.Contains(head+tail, s) {
				t.Errorf("%s does not say %q", name, s)
			}
		}
	}
	path := filepath.Join(methodDocs, "README.md")
	if *writeDocs {
		if err := os.WriteFile(path, []byte(index), 0o644); err != nil { //nolint:gosec // a page for everyone
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != index {
		t.Errorf("docs/methods/README.md is not what the rules table says (%v): go test ./check -run Docs -update-methods", err)
	}
	have, err := os.ReadDir(methodDocs)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range have {
		if !known[f.Name()] {
			t.Errorf("docs/methods/%s belongs to no method", f.Name())
		}
	}
}
