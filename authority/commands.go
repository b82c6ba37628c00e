package authority

import (
	"time"

	"deed/dcv"
	"deed/store"
)

// The rows that dialects see.
type (
	Account      = store.Account
	Key          = store.Key
	Role         = store.Role
	Organization = store.Organization
	Domain       = store.Domain
	Validation   = store.Validation
	Value        = store.Value
	Order        = store.Order
	OrderName    = store.OrderName
	Attempt      = store.Attempt
	DomainQuery  = store.DomainQuery
	Page         = store.Page
	Expirations  = store.Expirations
	Arming       = store.Arming
)

// Actor is who calls: the account, and the credential for the history.
type Actor struct {
	Account int64
	Name    string // "key:12"
	Role    Role
	KeyID   int64
}

// AddDomain is the command of POST /domain. It also submits the domain.
type AddDomain struct {
	Name           string // as typed
	OrganizationID int64
	Types          []string   // "ov", "ev"; at least one
	Method         dcv.Method // "" for e-mail
	KeepWWW        bool
	Locale         string
	Recipients     []string
}

// Submit is the command of POST /domain/{id}/validation. Method "" keeps the
// method and the live value, and creates a value only where none is live.
type Submit struct {
	Types      []string
	Method     dcv.Method
	Locale     string
	Recipients []string
}

// ChangeMethod is the command of PUT /domain/{id}/dcv/method.
type ChangeMethod struct {
	Method     dcv.Method
	SendEmail  bool
	Locale     string
	Recipients []string
}

// Armed is a domain with what is to be published or who was written to, as
// left by a command.
type Armed struct {
	Domain Domain
	// Unchanged: the method was already set; nothing was done.
	Unchanged bool
	// Value is the live random value of token methods; nil for e-mail.
	Value *Value
	// Contacts is set for the e-mail method.
	Contacts *Contacts
}

// Contacts are the addresses of the e-mail method for one authorization
// domain name.
type Contacts struct {
	NameScope dcv.Name
	Base      []string // the five constructed addresses (BR 3.2.2.4.4)
	CAA       []string // contactemail of the CAA set (3.2.2.4.13)
	TXT       []string // _validation-contactemail (3.2.2.4.14)
}

// PlaceOrder is the command of POST /order/certificate/{product}.
type PlaceOrder struct {
	Product        string
	CommonName     string
	DNSNames       []string
	OrganizationID int64 // 0 for DV products
	Types          []string
	Method         dcv.Method
	Locale         string
	Details        string
}

// OrderState is an order with its value and the state of its names.
type OrderState struct {
	Order Order
	Value *Value // nil for e-mail, and when nothing needs a value
	Names []NameState
	// Proven: every name is covered by a usable proof.
	Proven bool
}

// NameState is one name of an order.
type NameState struct {
	Name   dcv.Name
	Domain Domain
	Proven bool
	Until  time.Time
	Proof  string // the attempt that the proof rests on; "" if never proven
	// Attempt is the last one made by this call; "" if none.
	Attempt string
	Problem *dcv.Problem
}

// CheckResult is what a check by hand found.
type CheckResult struct {
	Domain  Domain
	Attempt Attempt // zero when nothing was tried because the domain is proven
	Verdict dcv.Verdict
	Value   *Value // the value that matched, or the domain's live one
}

// MailView is what the page behind a link may show.
type MailView struct {
	Domain    dcv.Name
	ADN       dcv.Name
	Account   string
	Recipient string
	Locale    string
	Expires   time.Time
	State     string // "open", "approved", "ended", "expired", "locked"
}

// ErrorKind says what a dialect makes of an error.
type ErrorKind string

const (
	NotFound  ErrorKind = "not_found" // no such thing in this account
	Invalid   ErrorKind = "invalid"   // the request breaks a rule
	Conflict  ErrorKind = "conflict"  // the state does not allow it, or someone else was first
	Forbidden ErrorKind = "forbidden" // the role does not allow it
	Denied    ErrorKind = "denied"    // no usable credential
	Unable    ErrorKind = "unable"    // a setting is missing, such as the SMTP server
)

// Error is a refusal: nothing was changed. Anything else that a command
// returns as an error is our own failure.
type Error struct {
	Kind ErrorKind
	// Code is stable: "domain", "order", "organization", "attempt" for
	// NotFound; "name_…", "dcv_method", "types", "recipients", "locale",
	// "exists", "method_needs_no_value", "not_pending" and so on for others.
	Code string
	// Field is the request's field at fault, in Deed's words: "name",
	// "organization", "method"; may be empty.
	Field   string
	Message string // one sentence for the caller
}

func (e *Error) Error() string { return string(e.Kind) + " " + e.Code + ": " + e.Message }
