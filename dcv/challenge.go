package dcv

import (
	"crypto/subtle"
	"time"
)

// Value is one random value (BR 1.6.1) that is live when a check starts.
type Value struct {
	Token string `cbor:"1,keyasint" json:"-"`
	// Source says whose value it is: "domain", "order", "armed" or "cli".
	Source  string    `cbor:"2,keyasint" json:"source"`
	ID      int64     `cbor:"3,keyasint,omitempty" json:"id,omitempty"` // id of the random value in the store
	Created time.Time `cbor:"4,keyasint" json:"created"`
	// Expires is the last instant at which the value counts: 30 days after
	// Created by default (BR 3.2.2.4.7). At Expires itself it still counts.
	Expires time.Time `cbor:"5,keyasint" json:"expires"`
}

// Live reports whether the value may be used at now.
func (v Value) Live(now time.Time) bool { return !now.Before(v.Created) && !now.After(v.Expires) }

// Equal compares a token with what was seen, in constant time for equal lengths.
func (v Value) Equal(seen string) bool {
	return v.Token != "" && subtle.ConstantTimeCompare([]byte(v.Token), []byte(seen)) == 1
}

// Challenge is everything that a check must know besides what the world says.
// It is plain data, made at the edge (clock and randomness come in here), kept
// in the capsule, and enough to judge again.
type Challenge struct {
	// Name is the applied-for name, perhaps a wildcard.
	Name   Name   `cbor:"1,keyasint"`
	Method Method `cbor:"2,keyasint"`
	// Values are the live random values, any of which may be found. Never
	// empty for the token methods.
	Values []Value `cbor:"3,keyasint"`
	// ADNs are the permitted authorization domain names, nearest first: the
	// name without "*.", then, where the method prunes, its parents down to
	// the base domain name (BR 3.2.2.4). The check looks nowhere else.
	ADNs []Name `cbor:"4,keyasint"`
	// CNAMETarget is the suffix that the CNAME method's record must name.
	CNAMETarget string `cbor:"5,keyasint,omitempty"`
	// CanaryLabel is a label that was never issued, with a leading underscore,
	// asked for to unmask a wildcard that answers every label (D5a).
	CanaryLabel string `cbor:"6,keyasint,omitempty"`
	// HTTPPort and HTTPSPort are 80 and 443; anything else marks the verdict test.
	HTTPPort  uint16 `cbor:"7,keyasint,omitempty"`
	HTTPSPort uint16 `cbor:"8,keyasint,omitempty"`
	// AllowPrivate lists CIDRs that may be dialled though special-purpose.
	// Not empty marks the verdict test.
	AllowPrivate []string `cbor:"9,keyasint,omitempty"`
	// Now is when the check began: the instant by which values are live and
	// rules are chosen. UTC, whole microseconds.
	Now time.Time `cbor:"10,keyasint"`
	// RulesAsOf is the day whose rules judge; the zero time means Now's.
	// Not zero marks the verdict test.
	RulesAsOf time.Time `cbor:"11,keyasint,omitzero"`
	// DNSSEC is "validate", "resolver" or "off" (operator contract).
	// "off" marks the verdict test.
	DNSSEC string `cbor:"12,keyasint,omitempty"`
	// TrustAnchors are the DS and DNSKEY records that signatures were checked
	// from, in zone file form; empty means the root's, built in.
	TrustAnchors string `cbor:"13,keyasint,omitempty"`
	// AccountURI is the applicant's account: what accounturi must equal in a
	// persistent record (BR 3.2.2.4.22) and in CAA (RFC 8657 section 3).
	AccountURI string `cbor:"14,keyasint,omitempty"`
	// Issuers are our issuer domain names (BR 4.2), in lower case: those that a
	// persistent record must name, and that CAA must permit.
	Issuers []string `cbor:"15,keyasint,omitempty"`
	// EnforceCAA: a CAA denial makes the attempt fail with its own code. Else
	// CAA is looked up and reported, never enforced.
	EnforceCAA bool `cbor:"16,keyasint,omitempty"`
	// KeyAuthorization is what the caller of an ACME method supplied (RFC 8555
	// section 8.1): token, a dot, thumbprint of the account's key.
	KeyAuthorization string `cbor:"17,keyasint,omitempty"`
	// LookAtCAA: the attempt looks CAA up once control is proven. The engine
	// sets it; recordings from before it knew CAA do not have it.
	LookAtCAA bool `cbor:"18,keyasint,omitempty"`
	// LenientCAA: a CAA look-up that failed twice, not by our fault, in a zone
	// that is proven to be unsigned, counts as a permission (BR 4.2.2.1).
	LenientCAA bool `cbor:"19,keyasint,omitempty"`
	// AccountURL is the ACME account that the caller named: what the label of
	// dns-account-01 is made from. It is a claim, so it never stands for
	// AccountURI: nobody may pass for the account that a CAA record names.
	AccountURL string `cbor:"20,keyasint,omitempty"`
}

// Test reports whether a verdict on this challenge must be marked test: it was
// made with a setting that is for tests only.
func (c *Challenge) Test() bool {
	return (c.HTTPPort != 0 && c.HTTPPort != 80) || (c.HTTPSPort != 0 && c.HTTPSPort != 443) ||
		len(c.AllowPrivate) > 0 || !c.RulesAsOf.IsZero() || c.DNSSEC == "off"
}

// Rules is the instant whose rules judge this challenge.
func (c *Challenge) Rules() time.Time {
	if c.RulesAsOf.IsZero() {
		return c.Now
	}
	return c.RulesAsOf
}
