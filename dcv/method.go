package dcv

// Method is a way of proving control, by the name it has in the CertCentral
// dialect and in /v1. Its dates, its section and what it covers are data in
// package rules.
type Method string

// The methods of the two dialects. Others are added by package rules' table.
const (
	DNSTXT   Method = "dns-txt-token"
	DNSCNAME Method = "dns-cname-token"
	HTTP     Method = "http-token"
	Email    Method = "email"
)

// Scope says what a proof covers. It is written into the verdict and never
// widened afterwards.
type Scope string

const (
	// ScopeHost covers exactly the authorization domain name and nothing else
	// (BR 3.2.2.4.18, .19, .20).
	ScopeHost Scope = "host"
	// ScopeSubtree covers the authorization domain name, every name below it
	// and wildcards at or below it (BR 3.2.2.4.4, .7, .13, .14, .21, .22).
	ScopeSubtree Scope = "subtree"
)

// Covers reports whether a proof of scope s at adn speaks for name. It never
// covers a name above adn.
func (s Scope) Covers(adn, name Name) bool {
	switch s {
	case ScopeHost:
		return !name.IsZero() && !name.Wildcard() && name == adn
	case ScopeSubtree:
		return name.Within(adn)
	}
	return false
}
