package dcv

import "time"

// Outcome is how an attempt ended.
type Outcome string

const (
	Proven        Outcome = "proven"
	NotProven     Outcome = "not_proven"
	CouldNotCheck Outcome = "could_not_check" // our own trouble; never held against the domain
)

// Verdict is what a check says of what the world said.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// ADN is where control was shown; when not proven, the nearest candidate.
	ADN    Name   `json:"authorization_domain_name"`
	Method Method `json:"method"`
	// Section is the BR section the proof rests on, such as "3.2.2.4.7".
	Section string `json:"section,omitempty"`
	Scope   Scope  `json:"scope,omitempty"`
	// Matched is the index in Challenge.Values of the value found; -1 if none.
	Matched int `json:"-"`
	// Where is the record name or URL that held the value.
	Where string `json:"where,omitempty"`
	// Problem is the leading reason; nil exactly when Outcome is Proven.
	Problem *Problem `json:"problem,omitempty"`
	// Causes are further reasons, best first.
	Causes []Problem `json:"causes,omitempty"`
	// Seen lists what was observed in the order it was asked, for people.
	Seen []Observation `json:"seen,omitempty"`
	// CAA is what CAA records say of issuing for the name, beside control of
	// it; nil when it was not looked up.
	CAA  *CAAReport `json:"caa,omitempty"`
	Test bool       `json:"test"`
}

// CAAReport is the reading of the CAA records for one name (RFC 8659, RFC 8657,
// BR 4.2.2.1). It stands beside the verdict on control and is never mixed with it.
type CAAReport struct {
	Decision string `json:"decision"` // "permit", "deny", or "open": no identity of ours is set
	// Found is where the relevant set stands; the zero Name if there is none.
	Found Name `json:"found_at,omitzero"`
	// Records are the set, as in a zone file; at most 16, shortened.
	Records []string `json:"records,omitempty"`
	// Reason is one sentence: the line that decided, or why none did.
	Reason   string `json:"reason"`
	Enforced bool   `json:"enforced"`
}

// Diagnosis is why a check did not pass, for the person who must mend it. It
// is gathered after the verdict and apart from it, with questions of its own,
// and can never turn a "no" into a "yes". Shown in place of the verdict's own
// problem and causes.
type Diagnosis struct {
	Problem *Problem  `json:"problem,omitempty"`
	Causes  []Problem `json:"causes,omitempty"` // ranked, best first
	// Worth is the first instant at which looking again can give another
	// answer, by the TTLs of what was seen (RFC 2308); zero if unknown.
	Worth time.Time `json:"worth_checking_after,omitzero"`
	// Seen is what the diagnosis looked at beyond the check.
	Seen []Observation `json:"seen,omitempty"`
}

// Observation is one thing a check looked at, in words and values: at most 16
// values of at most 256 bytes each, printable text only.
type Observation struct {
	Asked  string   `json:"asked"`            // "TXT _dnsauth.example.com", "GET http://…"
	Result string   `json:"result"`           // "2 records", "NXDOMAIN", "404", "timeout"
	Values []string `json:"values,omitempty"` // what came back, shortened
}
