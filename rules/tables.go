package rules

import "time"

// Version of the Baseline Requirements that the tables state.
const Version = "2.3.0"

// day is the start of a day, 00:00:00 UTC (BR 1.6.4).
func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

const aDay = 24 * time.Hour

// Earliest is the first day that the tables can judge by: since then no proof
// could be reused for more than 398 days.
func Earliest() time.Time { return day(2020, 9, 1) }

// Section is what the requirements say of one way to validate.
type Section struct {
	Number string // "3.2.2.4.7"
	Title  string
	// Label names it in CAA's validationmethods; "" for none.
	Label string
	// Begins is when it came into force; zero if before Earliest.
	Begins time.Time
	// Discouraged is when SHOULD NOT began; zero if never.
	Discouraged time.Time
	// Ends is the first instant at which it may not be used. Those retired
	// before the tables begin carry Earliest. Zero if no end is known.
	Ends time.Time
	// NoReuse: validations made before its end do not count after it either.
	NoReuse bool
}

// sections is BR 3.2.2.4 and 3.2.2.5.
var sections = []Section{
	{Number: "3.2.2.4.1", Title: "applicant as a domain contact", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.2", Title: "e-mail, fax, SMS or post to a domain contact", Ends: day(2025, 7, 15), NoReuse: true},
	{Number: "3.2.2.4.3", Title: "phone to a domain contact", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.4", Title: "constructed e-mail", Label: "ca-tbr-4", Discouraged: day(2026, 3, 15), Ends: day(2028, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.5", Title: "domain authorization document", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.6", Title: "website change, first version", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.7", Title: "DNS change", Label: "ca-tbr-7"},
	{Number: "3.2.2.4.8", Title: "IP address of the name", Ends: day(2026, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.9", Title: "test certificate", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.10", Title: "TLS with a random value", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.4.11", Title: "any other method", Ends: Earliest()},
	{Number: "3.2.2.4.12", Title: "applicant is the domain contact, by the registrar", Label: "ca-tbr-12"},
	{Number: "3.2.2.4.13", Title: "e-mail to a CAA contact", Label: "ca-tbr-13", Discouraged: day(2026, 3, 15), Ends: day(2028, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.14", Title: "e-mail to a TXT contact", Label: "ca-tbr-14", Discouraged: day(2026, 3, 15), Ends: day(2028, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.15", Title: "phone to a domain contact, second version", Ends: day(2025, 7, 15), NoReuse: true},
	{Number: "3.2.2.4.16", Title: "phone to a TXT contact", Label: "ca-tbr-16", Discouraged: day(2026, 3, 15), Ends: day(2027, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.17", Title: "phone to a CAA contact", Label: "ca-tbr-17", Discouraged: day(2026, 3, 15), Ends: day(2027, 3, 15), NoReuse: true},
	{Number: "3.2.2.4.18", Title: "website change, second version", Label: "ca-tbr-18"},
	{Number: "3.2.2.4.19", Title: "website change, ACME http-01", Label: "ca-tbr-19"},
	{Number: "3.2.2.4.20", Title: "TLS using ALPN", Label: "ca-tbr-20"},
	{Number: "3.2.2.4.21", Title: "DNS labelled with the account, ACME dns-account-01", Label: "ca-tbr-21", Begins: day(2025, 2, 28)}, // the day after SC-084's review
	{Number: "3.2.2.4.22", Title: "DNS TXT record with a persistent value", Label: "ca-tbr-22", Begins: day(2025, 11, 10)},
	{Number: "3.2.2.5.1", Title: "website change at an address"},
	{Number: "3.2.2.5.2", Title: "e-mail, fax, SMS or post to an address contact", Discouraged: day(2026, 3, 15), Ends: day(2027, 3, 15), NoReuse: true},
	{Number: "3.2.2.5.3", Title: "reverse look-up of an address", Ends: day(2027, 3, 15), NoReuse: true},
	{Number: "3.2.2.5.4", Title: "any other method for an address", Ends: Earliest(), NoReuse: true},
	{Number: "3.2.2.5.5", Title: "phone to an address contact", Discouraged: day(2026, 3, 15), Ends: day(2027, 3, 15), NoReuse: true},
	{Number: "3.2.2.5.6", Title: "ACME http-01 for addresses"},
	{Number: "3.2.2.5.7", Title: "ACME tls-alpn-01 for addresses"},
	{Number: "3.2.2.5.8", Title: "persistent value in a reverse zone", Begins: day(2025, 12, 16)},
}

// period is a row of the reuse table.
type period struct {
	from time.Time // of the certificate's issue
	age  time.Duration
}

// reuse is BR 4.2.1: how old a proof may be when the certificate is issued.
var reuse = []period{
	{time.Time{}, 398 * aDay},
	{day(2026, 3, 15), 200 * aDay},
	{day(2027, 3, 15), 100 * aDay},
	{day(2029, 3, 15), 10 * aDay},
}

// Quorum is BR 3.2.2.9 at an instant.
type Quorum struct {
	Remotes int // remote perspectives needed at least
	Regions int // RIR regions in which those that agree must lie
}

var quorums = []struct {
	from time.Time
	q    Quorum
}{
	{time.Time{}, Quorum{}},
	{day(2025, 9, 15), Quorum{Remotes: 2}},
	{day(2026, 3, 15), Quorum{Remotes: 3, Regions: 2}},
	{day(2026, 6, 15), Quorum{Remotes: 4, Regions: 2}},
	{day(2026, 12, 15), Quorum{Remotes: 5, Regions: 2}},
}

// disagreements is BR 3.2.2.9: of so many remotes, so many may fail. Most
// remotes first.
var disagreements = []struct{ remotes, may int }{{6, 2}, {2, 1}}

// Duty names a duty that has a date.
type Duty string

// The duties. All of them are kept here at every instant; the dates say since
// when the requirements demand it.
const (
	DutyDNSSEC        Duty = "every look-up is validated"
	DutyReverseZones  Duty = "names of the reverse zones are refused"
	DutyLog           Duty = "the log of a validation has a minimum content"
	DutyADN           Duty = "the authorization domain name is chosen by the algorithm, and only so"
	DutyCAAParameters Duty = "CAA accounturi and validationmethods are honoured"
)

var duties = []struct {
	duty Duty
	from time.Time
	rule string
}{
	{DutyDNSSEC, day(2026, 3, 15), "BR 4.2.2.2"},
	{DutyReverseZones, day(2026, 3, 15), "BR 4.2.2"},
	{DutyLog, day(2026, 7, 15), "BR 5.4.1"},
	{DutyADN, day(2026, 11, 15), "BR 3.2.2.4"},
	{DutyCAAParameters, day(2027, 3, 15), "BR 4.2.2.1.2"},
}

// localParts is BR 3.2.2.4.4.
var localParts = []string{"admin", "administrator", "webmaster", "hostmaster", "postmaster"}

// reverseZones is BR 4.2.2.
var reverseZones = []string{"in-addr.arpa", "ip6.arpa"}

// Policy is what this project adds to the requirements. It is stricter, and
// data like they are.
type Policy struct {
	// Margin is how long before its end by age a proof stops being offered.
	Margin time.Duration
	// ListWarn and ListAlarm are ages of the public suffix list (BR 3.2.2.6
	// wants it fresh, and names no age).
	ListWarn, ListAlarm time.Duration
}

// Ours is the policy in force.
func Ours() Policy { return policy }

var policy = Policy{Margin: aDay, ListWarn: 14 * aDay, ListAlarm: 30 * aDay}
