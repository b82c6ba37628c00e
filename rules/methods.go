package rules

import (
	"time"

	"deed/dcv"
)

// Method is what the requirements say of one method that is offered here. Its
// dates are those of its sections.
type Method struct {
	Method   dcv.Method
	Sections []string // BR sections it rests on, the usual one first
	Scope    dcv.Scope
	Wildcard bool // may prove a wildcard
	Prune    bool // the ADN may be a parent, down to the base domain name
	// ByValue: a random value is published; false where it is mailed.
	ByValue bool
	MPIC    bool // corroboration is required
	// TokenLife is how long a random value may be used after creation.
	TokenLife time.Duration
	// ReuseCap bounds reuse whatever the general table says; zero for none.
	ReuseCap time.Duration
	// ACME is the registered label of the method (RFC 8555 section 9.7.8); ""
	// if it has none.
	ACME string
}

const month = 30 * aDay

// methods is BR 3.2.2.4, the methods that are offered here.
var methods = []Method{
	{Method: dcv.DNSTXT, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.DNSCNAME, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.HTTP, Sections: []string{"3.2.2.4.18"}, Scope: dcv.ScopeHost, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.Email, Sections: []string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, TokenLife: month},
}
