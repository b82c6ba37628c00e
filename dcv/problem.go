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
}

// Kind is a row of the table of problems.
type Kind struct {
	Title     string
	Whose     Whose
	Transient bool
	// Fix is what to do when nothing better is known of the attempt.
	Fix string
}

// The codes that checks give. Each has its row in Problems.
const (
	TXTNotFound        Code = "txt_not_found"
	TXTNoMatch         Code = "txt_no_match"
	CNAMENotFound      Code = "cname_not_found"
	CNAMENoMatch       Code = "cname_no_match"
	CNAMEWildcard      Code = "cname_wildcard"
	DNSNoName          Code = "dns_no_such_name"
	DNSServFail        Code = "dns_servfail"
	DNSRefused         Code = "dns_refused"
	DNSTimeout         Code = "dns_timeout"
	DNSMalformed       Code = "dns_malformed"
	DNSTooLong         Code = "dns_chain_too_long"
	DNSBogus           Code = "dnssec_bogus"
	ResolverDown       Code = "resolver_unreachable"
	AddressNone        Code = "address_not_found"
	AddressForbidden   Code = "address_forbidden"
	HTTPConnect        Code = "http_connect_failed"
	HTTPTimeout        Code = "http_timeout"
	HTTPTLS            Code = "http_tls_failed"
	HTTPMalformed      Code = "http_malformed"
	HTTPStatus         Code = "http_status"
	HTTPNotFound       Code = "http_file_not_found"
	HTTPNoMatch        Code = "http_no_match"
	HTTPRedirect       Code = "http_redirect_refused"
	HTTPTooManyHops    Code = "http_too_many_redirects"
	HTTPValueInRequest Code = "http_value_in_request"
	WildcardByWebsite  Code = "wildcard_needs_dns"
	MethodEnded        Code = "method_ended"
	MethodNotForName   Code = "method_not_for_name"
	ValueExpired       Code = "value_expired"
	EmailNotConfirmed  Code = "email_not_confirmed"
	EmailNotSent       Code = "email_not_sent"
	CAADenied          Code = "caa_denied"
	CAALookupFailed    Code = "caa_lookup_failed"
	PersistNotFound    Code = "persistent_not_found"
	PersistNoMatch     Code = "persistent_no_match"
	PersistExpired     Code = "persistent_expired"
	PersistMalformed   Code = "persistent_malformed"
	TLSConnect         Code = "tls_connect_failed"
	TLSNoALPN          Code = "tls_alpn_not_offered"
	TLSCertificate     Code = "tls_alpn_certificate"
	KeyAuthMissing     Code = "key_authorization_missing"
	Internal           Code = "internal"
)

// Problems is the one table of problem codes.
var Problems = map[Code]Kind{
	TXTNotFound:        {"No TXT record was found", Record, true, "Publish the random value in a TXT record at the name shown, then check again."},
	TXTNoMatch:         {"TXT records exist, but none holds the random value", Record, true, "Put exactly the random value into a TXT record of its own at the name shown."},
	CNAMENotFound:      {"No CNAME record was found", Record, true, "Publish the CNAME record shown, then check again."},
	CNAMENoMatch:       {"A CNAME record exists, but it does not name the expected target", Record, true, "Make the CNAME record point to exactly the target shown."},
	CNAMEWildcard:      {"A wildcard answers every label, so the label proves nothing", Record, false, "Remove the wildcard CNAME, or publish the record under _dnsauth instead."},
	DNSNoName:          {"The name does not exist in the DNS", Record, true, "Create the record at the name shown; check that the zone is the one the world sees."},
	DNSServFail:        {"The name servers of the domain do not answer properly", DNSHost, true, "Ask the DNS host to repair the zone or its name servers."},
	DNSRefused:         {"The name servers refuse the question", DNSHost, true, "Make the name servers answer for this zone to everyone."},
	DNSTimeout:         {"The name servers of the domain do not answer in time", DNSHost, true, "Check that the name servers are reachable from the Internet."},
	DNSMalformed:       {"The DNS answer makes no sense", DNSHost, true, "Ask the DNS host which server gave this answer, and repair it."},
	DNSTooLong:         {"The chain of aliases is too long or goes in a circle", Record, false, "Shorten the chain of CNAME records."},
	DNSBogus:           {"DNSSEC validation failed", DNSHost, true, "Repair the signatures or the DS record of the zone."},
	ResolverDown:       {"Our DNS resolver cannot be reached", Us, true, "Nothing on your side; the check is repeated."},
	AddressNone:        {"The name has no address", Record, true, "Publish an A or AAAA record for the name."},
	AddressForbidden:   {"The name points to an address that is not on the public Internet", Record, false, "Point the name to a public address, or use a DNS method."},
	HTTPConnect:        {"The web server cannot be reached", Network, true, "Open the port on the web server and its firewall."},
	HTTPTimeout:        {"The web server does not answer in time", Network, true, "Make the web server answer within the time shown."},
	HTTPTLS:            {"The TLS handshake failed", Website, true, "Repair TLS on the web server, or serve the file over plain HTTP."},
	HTTPMalformed:      {"The web server's answer is not HTTP", Website, true, "Make the web server answer with HTTP on this port."},
	HTTPStatus:         {"The web server answered with an error", Website, true, "Make the address answer with status 200 and the file."},
	HTTPNotFound:       {"The file is not there", Website, true, "Put the file at exactly the address shown."},
	HTTPNoMatch:        {"The file does not hold the random value", Website, true, "Put exactly the random value into the file."},
	HTTPRedirect:       {"The redirect leads where we may not follow", Website, false, "Serve the file without this redirect."},
	HTTPTooManyHops:    {"Too many redirects", Website, false, "Serve the file without redirects."},
	HTTPValueInRequest: {"The redirect puts the random value into the request", Website, false, "Serve the file under an address that does not contain the random value."},
	WildcardByWebsite:  {"A wildcard cannot be proven by a website", Policy, false, "Use a DNS method or e-mail for the wildcard."},
	MethodEnded:        {"The method may not be used any more", Policy, false, "Use another method."},
	MethodNotForName:   {"The method cannot prove this name", Policy, false, "Use another method."},
	ValueExpired:       {"The random value has expired", Policy, false, "Generate a new random value and publish it."},
	EmailNotConfirmed:  {"Nobody has confirmed the e-mail yet", Record, true, "Open the link in the message and enter the code that stands in it."},
	EmailNotSent:       {"The e-mail could not be delivered", Network, true, "Check that the mail server of the domain accepts mail for the address."},
	CAADenied:          {"CAA records do not permit issuing", Policy, true, "Add a CAA record that names this issuer, or remove those that forbid it."},
	CAALookupFailed:    {"The CAA records could not be read", DNSHost, true, "Make the name servers answer CAA questions for the name and its parents."},
	PersistNotFound:    {"No persistent validation record was found", Record, true, "Publish the TXT record shown at _validation-persist under the name."},
	PersistNoMatch:     {"Persistent validation records exist, but none is for this account", Record, true, "Publish a record with the issuer and the accounturi shown."},
	PersistExpired:     {"The persistent validation record has expired", Record, true, "Move persistUntil into the future, or remove it."},
	PersistMalformed:   {"The persistent validation record does not follow the grammar", Record, true, "Write the record as shown: issuer; accounturi=URI."},
	TLSConnect:         {"The TLS server cannot be reached", Network, true, "Open port 443 on the server and its firewall."},
	TLSNoALPN:          {"The TLS server does not speak acme-tls/1", Website, true, "Let the ACME client answer on port 443 for the protocol acme-tls/1."},
	TLSCertificate:     {"The TLS server's challenge certificate is wrong", Website, true, "Let the ACME client answer with the certificate of this challenge (RFC 8737)."},
	KeyAuthMissing:     {"No key authorization was given", Policy, false, "Give the key authorization of the ACME challenge."},
	Internal:           {"We could not check", Us, true, "Nothing on your side; the check is repeated."},
}

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
