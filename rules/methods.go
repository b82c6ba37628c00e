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
	// ByValue: a random value that is handed out here is published.
	ByValue bool
	// ByKey: a key authorization that the caller supplies is published (RFC
	// 8555 section 8.1).
	ByKey bool
	// Mailed: a message is sent, and its recipient acts; there is nothing to
	// look at.
	Mailed bool
	MPIC   bool // corroboration is required
	// TokenLife is how long a random value may be used after creation.
	TokenLife time.Duration
	// ReuseCap bounds reuse whatever the general table says; zero for none.
	ReuseCap time.Duration
	// ACME is the registered label of the method (RFC 8555 section 9.7.8); ""
	// if it has none.
	ACME string
}

// LookedAt reports whether a check of the method is a look from the outside.
func (m Method) LookedAt() bool { return !m.Mailed }

// Stands reports whether what is published goes on proving by itself: no value
// in it is handed out or given, so one record serves every renewal.
func (m Method) Stands() bool { return !m.ByValue && !m.ByKey && !m.Mailed }

const month = 30 * aDay

// methods is BR 3.2.2.4, the methods that are offered here.
var methods = []Method{
	{Method: dcv.DNSTXT, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.DNSCNAME, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.HTTP, Sections: []string{"3.2.2.4.18"}, Scope: dcv.ScopeHost, ByValue: true, MPIC: true, TokenLife: month},
	{Method: dcv.Email, Sections: []string{"3.2.2.4.4", "3.2.2.4.13", "3.2.2.4.14"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, Mailed: true, TokenLife: month},
	// The record names an account, not a value: nothing in it need ever expire.
	{Method: dcv.Persistent, Sections: []string{"3.2.2.4.22"}, Scope: dcv.ScopeSubtree, Wildcard: true, Prune: true, MPIC: true, ReuseCap: 10 * aDay},
	{Method: dcv.ACMEHTTP, Sections: []string{"3.2.2.4.19"}, Scope: dcv.ScopeHost, ByKey: true, MPIC: true, TokenLife: month, ACME: "http-01"},
	// The BR would let these two prune; RFC 8555 section 8.4 and the draft look
	// at exactly the name.
	{Method: dcv.ACMEDNS, Sections: []string{"3.2.2.4.7"}, Scope: dcv.ScopeSubtree, Wildcard: true, ByKey: true, MPIC: true, TokenLife: month, ACME: "dns-01"},
	{Method: dcv.ACMETLSALPN, Sections: []string{"3.2.2.4.20"}, Scope: dcv.ScopeHost, ByKey: true, MPIC: true, TokenLife: month, ACME: "tls-alpn-01"},
	{Method: dcv.ACMEDNSAccount, Sections: []string{"3.2.2.4.21"}, Scope: dcv.ScopeSubtree, Wildcard: true, ByKey: true, MPIC: true, TokenLife: month, ACME: "dns-account-01"},
}
