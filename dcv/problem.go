package dcv

import "fmt"

// Code names a reason why a check did not pass. It is stable: scripts,
// metrics and translations depend on it.
type Code string

// Whose says who can mend a problem.
type Whose string

const (
	Us      Whose = "us"
	Network Whose = "network"
	DNSHost Whose = "dns_host"
	Record  Whose = "record"
	Website Whose = "website"
	Policy  Whose = "policy"
)

// Problem is one reason, for one attempt, with the real names and values in it.
type Problem struct {
	Code      Code   `json:"code"`
	Title     string `json:"title"`
	Detail    string `json:"detail"` // one sentence: what was seen, where
	Fix       string `json:"fix"`    // one sentence: what to change
	FixProven bool   `json:"fix_proven"`
	Whose     Whose  `json:"whose"`
	Transient bool   `json:"transient"`
	// Help is where more is said of the code: /help/problems/{code}.
	Help string `json:"help,omitempty"`
	// Publish is what the fix puts into the world, to be copied: lines of a zone
	// file, or the content of a file. Empty when the fix is something else.
	Publish []string `json:"publish,omitempty"`
}

// Kind is a row of the table of problems.
type Kind struct {
	Title     string
	Whose     Whose
	Transient bool   // it may end without anything being asked of Deed anew
	Says      string // what is the matter, and why it matters
	// Fix is what to do when nothing better is known of the attempt.
	Fix string
	// Look is a command that shows it, for example.com; may be empty.
	Look string
}

// Help is where more is said of a code: a path on the main listener.
func (c Code) Help() string { return "/help/problems/" + string(c) }

// NewProblem fills a problem from its row. detail is formatted by fmt.Sprintf;
// fix may be set on the result when more is known. A code without a row is a
// bug and panics in the test that walks all codes.
func NewProblem(code Code, detail string, args ...any) *Problem {
	k, ok := Problems[code]
	if !ok {
		k = Problems[Internal]
	}
	return &Problem{Code: code, Title: k.Title, Detail: fmt.Sprintf(detail, args...), Fix: k.Fix, Whose: k.Whose, Transient: k.Transient}
}
