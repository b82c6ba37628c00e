package dcv

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
	Test bool          `json:"test"`
}

// Observation is one thing a check looked at, in words and values: at most 16
// values of at most 256 bytes each, printable text only.
type Observation struct {
	Asked  string   `json:"asked"`            // "TXT _dnsauth.example.com", "GET http://…"
	Result string   `json:"result"`           // "2 records", "NXDOMAIN", "404", "timeout"
	Values []string `json:"values,omitempty"` // what came back, shortened
}
