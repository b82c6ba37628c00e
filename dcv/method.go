package dcv

// Method is a way of proving control, by the name it has in the CertCentral
// dialect and in /v1. Its dates, its section and what it covers are data in
// package rules.
type Method string

// The methods of the two vendors' dialects.
const (
	DNSTXT   Method = "dns-txt-token"
	DNSCNAME Method = "dns-cname-token"
	HTTP     Method = "http-token"
	Email    Method = "email"
)

// Methods beyond the vendors' own. The persistent record is an additive name
// in the CertCentral dialect; the ACME methods, by their registered labels, are
// in /v1 only.
const (
	Persistent     Method = "dns-txt-persistent" // BR 3.2.2.4.22
	ACMEHTTP       Method = "http-01"            // RFC 8555 section 8.3, BR 3.2.2.4.19
	ACMEDNS        Method = "dns-01"             // RFC 8555 section 8.4, BR 3.2.2.4.7
	ACMETLSALPN    Method = "tls-alpn-01"        // RFC 8737, BR 3.2.2.4.20
	ACMEDNSAccount Method = "dns-account-01"     // draft 00, BR 3.2.2.4.21
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
