package dcv

// Decision is what a verdict decides, without the words: two versions of this
// program that judge one recording must agree on it bit for bit. Titles,
// sentences, causes and observations are words and may get better.
type Decision struct {
	Outcome Outcome `cbor:"1,keyasint" json:"outcome"`
	Code    Code    `cbor:"2,keyasint,omitempty" json:"code,omitempty"` // of the leading problem
	ADN     Name    `cbor:"3,keyasint" json:"authorization_domain_name"`
	Method  Method  `cbor:"4,keyasint" json:"method"`
	Section string  `cbor:"5,keyasint,omitempty" json:"section,omitempty"`
	Scope   Scope   `cbor:"6,keyasint,omitempty" json:"scope,omitempty"`
	Matched int     `cbor:"7,keyasint" json:"matched"` // index in Challenge.Values; -1 if none
	Where   string  `cbor:"8,keyasint,omitempty" json:"where,omitempty"`
	Test    bool    `cbor:"9,keyasint,omitempty" json:"test,omitempty"`
	// CAA is the reading of the CAA records ("permit", "deny", "open"), and
	// CAAAt where they stand; empty where they were not looked up.
	CAA   string `cbor:"10,keyasint,omitempty" json:"caa,omitempty"`
	CAAAt Name   `cbor:"11,keyasint,omitzero" json:"caa_at,omitzero"`
}

// Decision is the verdict without its words.
func (v *Verdict) Decision() Decision {
	d := Decision{Outcome: v.Outcome, ADN: v.ADN, Method: v.Method, Section: v.Section, Scope: v.Scope, Matched: v.Matched, Where: v.Where, Test: v.Test}
	if v.Problem != nil {
		d.Code = v.Problem.Code
	}
	if v.CAA != nil {
		d.CAA, d.CAAAt = v.CAA.Decision, v.CAA.Found
	}
	return d
}
