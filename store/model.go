package store

import (
	"time"

	"deed/dcv"
)

// Account is a tenant; nothing crosses it.
type Account struct {
	ID      int64
	Name    string
	Created time.Time
}

// Role of an API key.
type Role string

const (
	RoleFull     Role = "full"      // everything
	RoleDomains  Role = "domains"   // orders, domains, organizations
	RoleViewOnly Role = "view_only" // GET only
)

// Key is an API key. The key itself is never stored, only Hash.
type Key struct {
	ID        int64
	AccountID int64
	Name      string
	Role      Role
	Hint      string // the first characters, to tell keys apart
	Hash      []byte // SHA-256 of the key, which has 256 bits of entropy
	Created   time.Time
	Revoked   time.Time // zero while usable
}

// Client is an OAuth2 client of the CPS dialect. The secret is never stored.
type Client struct {
	ID        string // client_id
	AccountID int64
	Hash      []byte // SHA-256 of the secret
	Scope     string
	Created   time.Time
	Revoked   time.Time
}

// Organization is minimal: whom a domain belongs to.
type Organization struct {
	ID          int64
	AccountID   int64
	Name        string
	AssumedName string
	Active      bool
	Created     time.Time
	// Details holds the dialects' further fields (address, contacts) as a JSON
	// object; may be empty.
	Details string
}

// Validation is what a domain is to be proven for, by type ("ov", "ev").
type Validation struct {
	Type    string
	Pending bool      // submitted and not yet proven since
	Proven  time.Time // when last proven; zero if never
	Until   time.Time // until when that proof may be used; zero if never proven
}

// Domain is a name that an account asks about.
type Domain struct {
	ID             int64
	AccountID      int64
	OrganizationID int64
	Name           dcv.Name
	Active         bool
	Method         dcv.Method
	KeepWWW        bool
	Created        time.Time
	Submitted      time.Time    // last submission; zero if never
	Validations    []Validation // in the order ov, ev; only those ever submitted
	// Proven is the instant of the last proof, ProofMethod how, ProofScope and
	// ProofADN what it covers, ProofAttempt its attempt. Zero if never proven.
	Proven       time.Time
	ProvenUntil  time.Time
	ProofMethod  dcv.Method
	ProofScope   dcv.Scope
	ProofADN     dcv.Name
	ProofAttempt string
	ProofSection string // BR section it rests on; "" in rows from before it was kept
	ProofTest    bool   // made with a setting that is for tests only
	// PollStart, NextCheck and GivesUp are the schedule of automatic checks;
	// NextCheck is zero while resting.
	PollStart time.Time
	NextCheck time.Time
	GivesUp   time.Time
	Version   int64 // grows with each update; UpdateDomain names the one it saw
}

// Pending reports whether any validation waits for a proof.
func (d *Domain) Pending() bool {
	for _, v := range d.Validations {
		if v.Pending {
			return true
		}
	}
	return false
}

// Value is a random value. Exactly one of DomainID and OrderID is set.
type Value struct {
	ID        int64
	AccountID int64
	DomainID  int64
	OrderID   int64
	Method    dcv.Method
	Token     string
	Created   time.Time
	Expires   time.Time
	Ended     time.Time // when superseded; zero while it may be used
	Used      time.Time // when a check passed on it first
}

// Order is a set of names that share an order random value.
type Order struct {
	ID             int64
	AccountID      int64
	OrganizationID int64
	Product        string
	CommonName     dcv.Name
	Method         dcv.Method
	// Status is "pending" or "canceled"; of certificate requests also "issued"
	// (an issuer said so: Deed never issues) and "deleted".
	Status  string
	Created time.Time
	Names   []OrderName
	// PerDomain: each name's domain has a value of its own (OV and EV
	// certificate requests); the order has none.
	PerDomain bool
	Details   string // dialect fields as a JSON object; may be empty
	Version   int64
}

// OrderName is one name of an order and the domain whose proof it needs. The
// domain is of the same account and its name is the name without "*.", or the
// account's domain that covers it.
type OrderName struct {
	Name     dcv.Name
	DomainID int64
}

// Attempt is one look, with its verdict and its capsule. Attempts are never
// changed; their id is a UUIDv7 and so in order of time.
type Attempt struct {
	ID        string
	AccountID int64
	DomainID  int64
	OrderID   int64  // 0 unless asked for by an order
	Trigger   string // "manual", "scheduled", "renewal", "order", "email"
	Name      dcv.Name
	ADN       dcv.Name
	Method    dcv.Method
	Started   time.Time
	Ended     time.Time
	Outcome   dcv.Outcome
	Code      dcv.Code // of the leading problem; "" when proven
	ValueID   int64    // the value that matched; 0 if none
	Test      bool
	NextCheck time.Time // as set by this attempt
	GivesUp   time.Time
	UsedUntil time.Time // until when it is in use: the end of its proof, else its own
	Verdict   []byte    // JSON of dcv.Verdict
	Diagnosis []byte    // JSON of dcv.Diagnosis; nil when there is none
	Capsule   []byte    // see package capsule; loaded only by Capsule
}

// Mail is one message of the e-mail method: its own random value, its own
// link. Body is what was sent, so that a re-send is the same to the byte
// (E3); it is wiped when the value ends.
type Mail struct {
	ID        int64
	AccountID int64
	DomainID  int64
	OrderID   int64
	Kind      string // "constructed" (3.2.2.4.4), "caa" (.13), "txt" (.14)
	Recipient string
	ADN       dcv.Name // the authorization domain name it serves
	Locale    string
	LinkHash  []byte // SHA-256 of the identifier in the link; unique
	CodeHash  []byte // SHA-256 of the random value that stands in the message
	Created   time.Time
	Expires   time.Time
	Ended     time.Time // superseded or used
	Approved  time.Time // when its code was entered
	Tries     int       // wrong codes entered
	Body      []byte    // the RFC 5322 message as sent
	// Outbox state.
	SendAfter time.Time // zero when nothing is to be sent
	Sends     int       // successful sends
	Fails     int       // failed tries in a row
	SendError string    // the last failure, for people; "" if none
}

// Event is a line of the account's history: who did what. Written in the
// transaction of the change.
type Event struct {
	ID        int64
	At        time.Time
	AccountID int64
	Actor     string // "key:12", "scheduler", "mail:<id>", "cli"
	Kind      string // "domain.added", "value.generated", "domain.proven", …
	DomainID  int64
	OrderID   int64
	Detail    string // JSON object; never a live value
}
