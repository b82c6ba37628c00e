package dcv

// Problems is the one table of problem codes. docs/problems and the pages at
// /help/problems are made from it.
var Problems = map[Code]Kind{
	// What is looked for is not in the DNS, or not as it should be.

	TXTNotFound: {
		Title: "No TXT record was found", Whose: Record, Transient: true,
		Says: "None of the names that count holds a TXT record with the random value, as far as the world's name servers say.",
		Fix:  "Publish the random value in a TXT record at the name shown, then check again.",
		Look: "dig TXT _dnsauth.example.com",
	},
	TXTNoMatch: {
		Title: "TXT records exist, but none holds the random value", Whose: Record, Transient: true,
		Says: "There are TXT records where the value is looked for, but their text is another.",
		Fix:  "Put exactly the random value into a TXT record of its own at the name shown.",
		Look: "dig TXT _dnsauth.example.com",
	},
	CNAMENotFound: {
		Title: "No CNAME record was found", Whose: Record, Transient: true,
		Says: "None of the names that count holds the CNAME record.",
		Fix:  "Publish the CNAME record shown, then check again.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	CNAMENoMatch: {
		Title: "A CNAME record exists, but it does not name the expected target", Whose: Record, Transient: true,
		Says: "The record's target must be exactly the one that was handed out; a chain to it does not count.",
		Fix:  "Make the CNAME record point to exactly the target shown.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	CNAMEWildcard: {
		Title: "A wildcard answers every label, so the label proves nothing", Whose: Record, Transient: false,
		Says: "A wildcard CNAME gives the same answer for labels that were never handed out, so the answer says nothing of who controls the domain.",
		Fix:  "Remove the wildcard CNAME, or publish the record under _dnsauth instead.",
		Look: "dig CNAME any-label.example.com",
	},
	RecordZoneDoubled: {
		Title: "The record stands at a name with the zone in it twice", Whose: Record, Transient: true,
		Says: "Many DNS hosts add the zone's name to what is typed. Typing the whole name then makes _dnsauth.example.com.example.com.",
		Fix:  "In the DNS host's form, type only the part before the zone, such as _dnsauth.",
		Look: "dig TXT _dnsauth.example.com.example.com",
	},
	RecordUnderscoreLost: {
		Title: "The record's name has lost its underscore", Whose: Record, Transient: true,
		Says: "The label begins with an underscore, so that it can be no host's name. Some forms drop it.",
		Fix:  "Publish the record with the underscore; where the form refuses it, ask the DNS host.",
		Look: "dig TXT dnsauth.example.com",
	},
	RecordWrongName: {
		Title: "The record stands at another name", Whose: Record, Transient: true,
		Says: "The random value was found, but at a name that does not count for this domain and method.",
		Fix:  "Move the record to the name shown.",
		Look: "dig TXT _dnsauth.example.com",
	},
	RecordAtApex: {
		Title: "The value stands at the domain itself", Whose: Record, Transient: true,
		Says: "For this method the record belongs at a name below the domain; the form's name field was left empty, or held @.",
		Fix:  "Publish the record at the name shown.",
		Look: "dig TXT example.com",
	},
	RecordAsLabel: {
		Title: "The value was made a part of the name", Whose: Record, Transient: true,
		Says: "The random value was put where the name belongs.",
		Fix:  "Publish the value as the content of the record, at the name shown.",
		Look: "dig TXT VALUE.example.com",
	},
	TXTHidden: {
		Title: "A CNAME hides the TXT record", Whose: Record, Transient: true,
		Says: "Where a CNAME stands, nothing else can (RFC 1034 section 3.6.2): the question for TXT goes on to the CNAME's target.",
		Fix:  "Remove the CNAME, or publish the TXT record at the other name shown.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	TXTIsCNAME: {
		Title: "A CNAME was published where the method wants a TXT record", Whose: Record, Transient: true,
		Says: "The domain is set to the TXT method; the CNAME that was published belongs to another.",
		Fix:  "Replace the CNAME by the TXT record shown, or change the method.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	CNAMEIsTXT: {
		Title: "A TXT record was published where the method wants a CNAME", Whose: Record, Transient: true,
		Says: "The domain is set to the CNAME method; a TXT record at that name does not count.",
		Fix:  "Replace the TXT record by the CNAME shown, or change the method.",
		Look: "dig TXT _dnsauth.example.com",
	},
	CNAMEFinalDot: {
		Title: "The CNAME's target lacks its final dot", Whose: Record, Transient: true,
		Says: "Without a dot at its end a target is taken as relative, and the zone's name is added to it.",
		Fix:  "Write the target with a dot at its end.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	CNAMEValueMissing: {
		Title: "The CNAME's target lacks the random value", Whose: Record, Transient: true,
		Says: "Under _dnsauth the target begins with the random value; without it the record is the same for everyone.",
		Fix:  "Make the target the random value, a dot, and the target's name.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	TXTWildcard: {
		Title: "A wildcard answers in place of the record", Whose: Record, Transient: true,
		Says: "The name has no record of its own; a wildcard answers for it, and for every other name.",
		Fix:  "Publish the record at exactly the name shown; it then goes before the wildcard.",
		Look: "dig TXT any-label.example.com",
	},
	DNSNoName: {
		Title: "The name does not exist in the DNS", Whose: Record, Transient: true,
		Says: "The domain itself has no entry in the zone above it, so nothing below it can be found: it is not registered, not delegated, or mistyped.",
		Fix:  "Create the record at the name shown; check that the zone is the one the world sees.",
		Look: "dig NS example.com",
	},

	// The value is there, but not as it was handed out; in a record or in a file.

	ValueQuoted: {
		Title: "The value stands in quotes", Whose: Record, Transient: true,
		Says: "Quotes that were copied or typed along have become a part of the text.",
		Fix:  "Put in the value alone, without quotes.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueSpaced: {
		Title: "The value holds spaces or invisible characters", Whose: Record, Transient: true,
		Says: "Spaces, line ends or characters of no width within the value make it another.",
		Fix:  "Put the value in again in one piece, typed or copied as plain text.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueCut: {
		Title: "The value is cut", Whose: Record, Transient: true,
		Says: "Only a part of the value was copied, or the form shortened it.",
		Fix:  "Put in the whole value.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueCase: {
		Title: "The value's letters are in another case", Whose: Record, Transient: true,
		Says: "Random values are compared letter by letter; capitals are not the same.",
		Fix:  "Put in the value exactly as shown, in lower case where it is.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueExtra: {
		Title: "More than the value stands there", Whose: Record, Transient: true,
		Says: "The value has become a part of a longer word, as in name=value.",
		Fix:  "Put in the value alone, or with a space between it and the rest.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueSplit: {
		Title: "The value is spread over several records", Whose: Record, Transient: true,
		Says: "Each record is read by itself; parts in several records are never joined.",
		Fix:  "Put the whole value into one record.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueOld: {
		Title: "An old value is published", Whose: Record, Transient: true,
		Says: "The value was handed out for this domain, but it was replaced by a newer one or has ended.",
		Fix:  "Replace it by the current value.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueOther: {
		Title: "The value belongs to another account or product", Whose: Record, Transient: true,
		Says: "The value was handed out here, but not for this domain in this account.",
		Fix:  "Publish the value that was handed out for this domain.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueOtherMethod: {
		Title: "The value was handed out for another method", Whose: Record, Transient: true,
		Says: "Each value is good for the method that it was made for.",
		Fix:  "Change the domain's method, or publish the value shown for this method.",
		Look: "dig TXT _dnsauth.example.com",
	},
	ValueInDNS: {
		Title: "The value stands in the DNS, but the method looks at the website", Whose: Record, Transient: true,
		Says: "The domain is set to the file method; a record with the value does not count.",
		Fix:  "Change the domain's method to TXT, or put the value into the file shown.",
		Look: "dig TXT _dnsauth.example.com",
	},

	// Name servers.

	DNSServFail: {
		Title: "The name servers of the domain do not answer properly", Whose: DNSHost, Transient: true,
		Says: "The resolver could get no good answer from the domain's name servers (SERVFAIL).",
		Fix:  "Ask the DNS host to repair the zone or its name servers.",
		Look: "dig SOA example.com",
	},
	DNSRefused: {
		Title: "The name servers refuse the question", Whose: DNSHost, Transient: true,
		Says: "A name server that is named for the zone says that it will not answer (REFUSED).",
		Fix:  "Make the name servers answer for this zone to everyone.",
		Look: "dig SOA example.com",
	},
	DNSTimeout: {
		Title: "The name servers of the domain do not answer in time", Whose: DNSHost, Transient: true,
		Says: "The question was sent several times, and nothing came back.",
		Fix:  "Check that the name servers are reachable from the Internet.",
		Look: "dig SOA example.com",
	},
	DNSMalformed: {
		Title: "The DNS answer makes no sense", Whose: DNSHost, Transient: true,
		Says: "An answer came, but it cannot be read, or is larger than any honest one.",
		Fix:  "Ask the DNS host which server gave this answer, and repair it.",
		Look: "dig TXT example.com",
	},
	DNSTooLong: {
		Title: "The chain of aliases is too long or goes in a circle", Whose: Record, Transient: false,
		Says: "CNAME leads to CNAME, more often than can be followed.",
		Fix:  "Shorten the chain of CNAME records.",
		Look: "dig CNAME _dnsauth.example.com",
	},
	DNSBogus: {
		Title: "DNSSEC validation failed", Whose: DNSHost, Transient: true,
		Says: "The zone is signed, and the signatures do not prove the answer; whoever validates sees nothing of the zone.",
		Fix:  "Repair the signatures or the DS record of the zone.",
		Look: "delv TXT _dnsauth.example.com",
	},
	NSStale: {
		Title: "Name servers of the zone hold different copies", Whose: DNSHost, Transient: true,
		Says: "Not all name servers have the present copy of the zone; which one is asked is chance.",
		Fix:  "Have the DNS host see why the zone is not transferred to the server shown.",
		Look: "dig +nssearch example.com",
	},
	NSDelegation: {
		Title: "The world asks other name servers than those that hold the record", Whose: DNSHost, Transient: true,
		Says: "The delegation in the parent zone names the servers that count; what stands on others is never seen.",
		Fix:  "Make the change on the servers that the delegation names, or have the registrar change the delegation.",
		Look: "dig +trace NS example.com",
	},
	NSLame: {
		Title: "A name server does not serve the zone that is delegated to it", Whose: DNSHost, Transient: true,
		Says: "A server is named for the zone, but does not answer for it with authority.",
		Fix:  "Set the zone up on that server, or take the server out of the delegation.",
		Look: "dig +norecurse SOA example.com @ns1.example.net",
	},
	NSSilent: {
		Title: "A name server of the zone does not answer", Whose: DNSHost, Transient: true,
		Says: "A server is named for the zone, but no answer comes from it.",
		Fix:  "Make the server reachable on port 53 over UDP and TCP, or take it out of the delegation.",
		Look: "dig +norecurse SOA example.com @ns1.example.net",
	},
	DNSCached: {
		Title: "The record is there, but an older answer is still remembered", Whose: Network, Transient: true,
		Says: "Resolvers keep an answer, also a no, as long as the zone says (RFC 2308). The name servers have the record already.",
		Fix:  "Nothing needs to be changed; look again after the time shown.",
		Look: "dig SOA example.com",
	},
	DNSTypeRefused: {
		Title: "A name server does not answer for this type of record", Whose: DNSHost, Transient: true,
		Says: "The server answers for the zone, but not when asked for this type.",
		Fix:  "Have the DNS host make the server answer for every type.",
		Look: "dig +norecurse TXT _dnsauth.example.com @ns1.example.net",
	},
	DNSCaseDropped: {
		Title: "A name server drops questions in mixed case", Whose: DNSHost, Transient: true,
		Says: "Resolvers mix the case of letters to make forgery harder; this server, or a firewall before it, throws such questions away.",
		Fix:  "Have the DNS host repair the server or the firewall before it: case has no meaning in names (RFC 4343).",
		Look: "dig +norecurse TXT _DnSaUtH.ExAmPlE.CoM @ns1.example.net",
	},
	DNSTCPDropped: {
		Title: "A name server does not answer over TCP", Whose: DNSHost, Transient: true,
		Says: "The answer is too large for UDP, and the server does not answer over TCP (RFC 7766).",
		Fix:  "Open port 53 for TCP on the name server and its firewall.",
		Look: "dig +tcp TXT _dnsauth.example.com @ns1.example.net",
	},

	// Websites.

	AddressNone: {
		Title: "The name has no address", Whose: Record, Transient: true,
		Says: "There is no A and no AAAA record, so there is no website to ask.",
		Fix:  "Publish an A or AAAA record for the name.",
		Look: "dig A example.com",
	},
	AddressForbidden: {
		Title: "The name points to an address that is not on the public Internet", Whose: Record, Transient: false,
		Says: "Private, local and reserved addresses are never dialled.",
		Fix:  "Point the name to a public address, or use a DNS method.",
		Look: "dig A example.com",
	},
	HTTPConnect: {
		Title: "The web server cannot be reached", Whose: Network, Transient: true,
		Says: "The address of the name does not accept a connection.",
		Fix:  "Open the port on the web server and its firewall.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPTimeout: {
		Title: "The web server does not answer in time", Whose: Network, Transient: true,
		Says: "The connection or the answer took too long.",
		Fix:  "Make the web server answer within the time shown.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPTLS: {
		Title: "The TLS handshake failed", Whose: Website, Transient: true,
		Says: "The server accepts the connection, but does not speak TLS properly. Which certificate it has does not matter.",
		Fix:  "Repair TLS on the web server, or serve the file over plain HTTP.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPMalformed: {
		Title: "The web server's answer is not HTTP", Whose: Website, Transient: true,
		Says: "What came back cannot be read as HTTP.",
		Fix:  "Make the web server answer with HTTP on this port.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPStatus: {
		Title: "The web server answered with an error", Whose: Website, Transient: true,
		Says: "Only an answer with a status of 200 to 299 can hold the file.",
		Fix:  "Make the address answer with status 200 and the file.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPNotFound: {
		Title: "The file is not there", Whose: Website, Transient: true,
		Says: "The web server says that it has nothing at this address.",
		Fix:  "Put the file at exactly the address shown.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPNoMatch: {
		Title: "The file does not hold the random value", Whose: Website, Transient: true,
		Says: "The address answers, but the value is not in what it answers with.",
		Fix:  "Put exactly the random value into the file.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPRedirect: {
		Title: "The redirect leads where we may not follow", Whose: Website, Transient: false,
		Says: "Only redirects with status 301, 302, 307 and 308 to a domain name over http or https on their usual ports are followed (BR 3.2.2.4.18).",
		Fix:  "Serve the file without this redirect.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPRedirectSlash: {
		Title: "The redirect lacks a slash between host and path", Whose: Website, Transient: false,
		Says: "The redirect's rule joins host and path without the slash between them, so that the path becomes a part of the host's name.",
		Fix:  "Put a slash at the end of the redirect's target in the web server's configuration.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPRedirectIP: {
		Title: "The redirect leads to a bare IP address", Whose: Website, Transient: false,
		Says: "A redirect to a number instead of a name is never followed.",
		Fix:  "Make the redirect lead to the domain name.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPRedirectPort: {
		Title: "The redirect leads to another port", Whose: Website, Transient: false,
		Says: "Only ports 80 and 443 belong to whoever controls the domain's website (BR 1.6.1, Authorized Ports).",
		Fix:  "Take the port out of the redirect's target.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPRedirectCircle: {
		Title: "The redirects go in a circle", Whose: Website, Transient: false,
		Says: "Each address sends us to the other, without an end; often a proxy and a server that both insist on https or www.",
		Fix:  "Serve the file without a redirect, or stop one of the two rules.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPTooManyHops: {
		Title: "Too many redirects", Whose: Website, Transient: false,
		Says: "At most ten redirects are followed.",
		Fix:  "Serve the file without redirects.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPValueInRequest: {
		Title: "The redirect puts the random value into the request", Whose: Website, Transient: false,
		Says: "A server that repeats what it is asked would prove itself; so the value must not occur in a request.",
		Fix:  "Serve the file under an address that does not contain the random value.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPSoft404: {
		Title: "The website answers every path with the same page", Whose: Website, Transient: true,
		Says: "A web application answers also for files that do not exist, usually with its start page.",
		Fix:  "Make the web server serve files under /.well-known/ before the application answers.",
		Look: "curl -v http://example.com/.well-known/pki-validation/no-such-file",
	},
	HTTPBlocked: {
		Title: "A firewall or bot screen answers in place of the website", Whose: Website, Transient: true,
		Says: "A service before the website takes us for a robot, which we are, and shuts us out.",
		Fix:  "Allow /.well-known/pki-validation/ for everyone in the firewall's or the provider's settings.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPLogin: {
		Title: "The website asks for a login", Whose: Website, Transient: true,
		Says: "The file is only given to those who are logged in.",
		Fix:  "Take /.well-known/pki-validation/ out of what needs a login.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPOneAddress: {
		Title: "The file is on some of the website's addresses only", Whose: Website, Transient: true,
		Says: "The name has several addresses, and not all of the servers behind them have the file.",
		Fix:  "Put the file on every server behind the name.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPIPv6Dead: {
		Title: "IPv6 does not work where IPv4 does", Whose: Network, Transient: true,
		Says: "The name has an AAAA record, but the address in it does not answer as the IPv4 address does.",
		Fix:  "Repair the web server's IPv6, or remove the AAAA record.",
		Look: "curl -6 -v http://example.com/",
	},
	HTTPEncoding: {
		Title: "The file is in UTF-16", Whose: Website, Transient: true,
		Says: "Some editors save text as \"Unicode\", with two bytes a letter and a byte order mark; the value cannot be read in it.",
		Fix:  "Save the file as plain text in ASCII or UTF-8.",
		Look: "curl -s http://example.com/.well-known/pki-validation/fileauth.txt | xxd",
	},
	HTTPMarkup: {
		Title: "The value is broken up by HTML", Whose: Website, Transient: true,
		Says: "The value can be read in a browser, but in the file itself markup stands within it.",
		Fix:  "Serve the file as plain text with the value alone.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},
	HTTPWrongPath: {
		Title: "The file stands at another address", Whose: Website, Transient: true,
		Says: "The value was found on the website, but at an address that does not count.",
		Fix:  "Move the file to the address shown.",
		Look: "curl -v http://example.com/.well-known/pki-validation/fileauth.txt",
	},

	// TLS and ACME.

	TLSConnect: {
		Title: "The TLS server cannot be reached", Whose: Network, Transient: true,
		Says: "Port 443 of the name's address does not accept a connection.",
		Fix:  "Open port 443 on the server and its firewall.",
		Look: "openssl s_client -connect example.com:443 -alpn acme-tls/1",
	},
	TLSNoALPN: {
		Title: "The TLS server does not speak acme-tls/1", Whose: Website, Transient: true,
		Says: "The server accepts TLS, but does not choose the protocol of the method (RFC 8737).",
		Fix:  "Let the ACME client answer on port 443 for the protocol acme-tls/1.",
		Look: "openssl s_client -connect example.com:443 -alpn acme-tls/1",
	},
	TLSCertificate: {
		Title: "The TLS server's challenge certificate is wrong", Whose: Website, Transient: true,
		Says: "The certificate must name exactly the domain, and hold the digest of this challenge's key authorization (RFC 8737).",
		Fix:  "Let the ACME client answer with the certificate of this challenge (RFC 8737).",
		Look: "openssl s_client -connect example.com:443 -alpn acme-tls/1",
	},
	KeyAuthMissing: {
		Title: "No key authorization was given", Whose: Policy, Transient: false,
		Says: "ACME methods compare with a key authorization, which whoever asks must supply (RFC 8555 section 8.1).",
		Fix:  "Give the key authorization of the ACME challenge.",
	},

	// Persistent records.

	PersistNotFound: {
		Title: "No persistent validation record was found", Whose: Record, Transient: true,
		Says: "There is no TXT record at _validation-persist under the name (BR 3.2.2.4.22).",
		Fix:  "Publish the TXT record shown at _validation-persist under the name.",
		Look: "dig TXT _validation-persist.example.com",
	},
	PersistNoMatch: {
		Title: "Persistent validation records exist, but none is for this account", Whose: Record, Transient: true,
		Says: "The issuer or the accounturi in the records is another.",
		Fix:  "Publish a record with the issuer and the accounturi shown.",
		Look: "dig TXT _validation-persist.example.com",
	},
	PersistExpired: {
		Title: "The persistent validation record has expired", Whose: Record, Transient: true,
		Says: "Its persistUntil lies in the past.",
		Fix:  "Move persistUntil into the future, or remove it.",
		Look: "dig TXT _validation-persist.example.com",
	},
	PersistMalformed: {
		Title: "The persistent validation record does not follow the grammar", Whose: Record, Transient: true,
		Says: "The record is read like a CAA issue property (RFC 8659 section 4.2); this one cannot be.",
		Fix:  "Write the record as shown: issuer; accounturi=URI.",
		Look: "dig TXT _validation-persist.example.com",
	},

	// Policy, e-mail, and our own trouble.

	CAADenied: {
		Title: "CAA records do not permit issuing", Whose: Policy, Transient: true,
		Says: "The domain's CAA records name who may issue, and do not name us for this (RFC 8659, RFC 8657).",
		Fix:  "Add a CAA record that names this issuer, or remove those that forbid it.",
		Look: "dig CAA example.com",
	},
	CAALookupFailed: {
		Title: "The CAA records could not be read", Whose: DNSHost, Transient: true,
		Says: "Without an answer for CAA nothing may be issued (RFC 8659 section 3).",
		Fix:  "Make the name servers answer CAA questions for the name and its parents.",
		Look: "dig CAA example.com",
	},
	WildcardByWebsite: {
		Title: "A wildcard cannot be proven by a website", Whose: Policy, Transient: false,
		Says: "A file proves one name; a wildcard stands for all names below the domain (BR 3.2.2.4.18).",
		Fix:  "Use a DNS method or e-mail for the wildcard.",
	},
	MethodEnded: {
		Title: "The method may not be used any more", Whose: Policy, Transient: false,
		Says: "The Baseline Requirements have ended this method.",
		Fix:  "Use another method.",
	},
	MethodNotForName: {
		Title: "The method cannot prove this name", Whose: Policy, Transient: false,
		Says: "Each method serves certain names only.",
		Fix:  "Use another method.",
	},
	ValueExpired: {
		Title: "The random value has expired", Whose: Policy, Transient: false,
		Says: "A random value counts for 30 days at most, and only until a newer one replaces it (BR 3.2.2.4.7).",
		Fix:  "Generate a new random value and publish it.",
	},
	EmailNotConfirmed: {
		Title: "Nobody has confirmed the e-mail yet", Whose: Record, Transient: true,
		Says: "The message was sent; the code in it has not been entered.",
		Fix:  "Open the link in the message and enter the code that stands in it.",
	},
	EmailNotSent: {
		Title: "The e-mail could not be delivered", Whose: Network, Transient: true,
		Says: "The domain's mail server did not take the message.",
		Fix:  "Check that the mail server of the domain accepts mail for the address.",
		Look: "dig MX example.com",
	},
	ResolverDown: {
		Title: "Our DNS resolver cannot be reached", Whose: Us, Transient: true,
		Says: "This is our own trouble and says nothing of the domain.",
		Fix:  "Nothing on your side; the check is repeated.",
	},
	Internal: {
		Title: "We could not check", Whose: Us, Transient: true,
		Says: "This is our own trouble and says nothing of the domain.",
		Fix:  "Nothing on your side; the check is repeated.",
	},
}
