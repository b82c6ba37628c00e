// Package store is the contract between the authority and its database, and
// the rows that go over it. Two implementations are meant: store/sqlite and
// store/postgres; storetest is the one suite that both pass.
package store

import (
	"context"
	"errors"
	"time"

	"deed/dcv"
)

var (
	// ErrNotFound: no such row, or it belongs to another account. The two
	// cannot be told apart.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: the row is not in the state that the change named; someone
	// else was first. Also a broken uniqueness rule.
	ErrConflict = errors.New("store: conflict")
)

// Store keeps everything. Safe for concurrent use.
type Store interface {
	// Write runs fn in a transaction and returns when its changes are durable
	// (flushed to stable storage) or are undone. Concurrent calls may share a
	// commit; a call whose fn returns an error undoes its own changes only,
	// and gets that error back. fn must not do I/O of its own, must not keep
	// tx, and must be quick: others wait. If ctx ends before fn has started,
	// nothing happens; after that the call runs to its end.
	Write(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on a consistent snapshot that holds every Write that
	// returned before Read was called. Readers never wait for writers.
	Read(ctx context.Context, fn func(Reader) error) error
	// SignLog names who signs the checkpoints of the evidence log.
	SignLog(Checkpointer)
	// Ready returns nil when the database answers.
	Ready(ctx context.Context) error
	Close() error
}

// Reader reads. Times are UTC in whole microseconds; a zero time stands for
// "not set". Lookups of a single row give ErrNotFound. Where an account is
// given, rows of others do not exist.
type Reader interface {
	ArmedReader
	Recall
	Account(id int64) (Account, error)
	KeyByHash(hash []byte) (Key, error) // also revoked ones
	Keys(account int64) ([]Key, error)  // account 0: of all accounts
	ClientByID(id string) (Client, error)

	Organization(account, id int64) (Organization, error)
	Organizations(account int64, page Page) ([]Organization, int, error) // by id; exact total

	Domain(account, id int64) (Domain, error)
	DomainByName(account int64, name dcv.Name) (Domain, error)
	// Domains gives one page and the exact total of what matches. With no
	// filter, or with Active or Method alone, the cost of the total does not
	// grow with the number of domains.
	Domains(q DomainQuery) ([]Domain, int, error)
	// DomainsWithin gives the account's domains whose name is one of names.
	DomainsNamed(account int64, names []dcv.Name) ([]Domain, error)
	// Expirations counts the account's active domains by how their proof of a
	// type ("ov", "ev") ends, relative to now; "" counts by the later of both.
	Expirations(account int64, now time.Time, typ string) (Expirations, error)
	// DueDomains gives at most limit domains with NextCheck <= now, oldest
	// first, of all accounts.
	DueDomains(now time.Time, limit int) ([]Domain, error)
	// NextDue is the earliest NextCheck of all; zero if none.
	NextDue() (time.Time, error)

	// DomainValue is the domain's value that has not ended (it may have
	// expired), whatever its method.
	DomainValue(domain int64) (Value, error)
	// OrderValue is the order's value that has not ended.
	OrderValue(order int64) (Value, error)
	// LiveValues gives every value that a check of this domain by method may
	// find: not ended, Expires >= now; the domain's own first, then those of
	// orders that name the domain and are not cancelled, newest first; at most 32.
	LiveValues(domain int64, method dcv.Method, now time.Time) ([]Value, error)

	Order(account, id int64) (Order, error)
	Orders(account int64, page Page) ([]Order, int, error)            // newest first
	OrdersOfDomain(account, domain int64, limit int) ([]Order, error) // newest first

	Attempt(account int64, id string) (Attempt, error) // without Capsule
	Capsule(account int64, id string) ([]byte, error)
	Attempts(account, domain int64, page Page) ([]Attempt, int, error) // newest first, without Capsule
	LastAttempt(domain int64) (Attempt, error)

	MailByLink(linkHash []byte) (Mail, error)
	// MailsOfDomain gives messages that have not ended; Body left out.
	MailsOfDomain(domain int64) ([]Mail, error)
	// DueMails gives messages with SendAfter set and <= now, oldest first.
	DueMails(now time.Time, limit int) ([]Mail, error)
	NextMail() (time.Time, error)

	Events(account int64, page Page) ([]Event, int, error) // newest first

	LogReader
	CertificateReader
}

// Tx reads its own writes and writes. Insert… fill in the ID and return it.
// Update… return ErrConflict when the row has changed since it was read.
type Tx interface {
	Reader
	ArmedTx
	CertificateWriter

	InsertAccount(Account) (int64, error)
	InsertKey(Key) (int64, error)
	RevokeKey(id int64, at time.Time) error // ErrNotFound; ErrConflict if already revoked
	InsertClient(Client) error

	InsertOrganization(Organization) (int64, error)
	UpdateOrganization(Organization) error

	InsertDomain(Domain) (int64, error) // ErrConflict: the account has that name
	// UpdateDomain writes all fields where Version is still d.Version.
	UpdateDomain(Domain) error
	// DeleteDomain removes the domain, its values, armed methods and mails; attempts and
	// events stay. ErrConflict when an order names it.
	DeleteDomain(account, id int64) error

	InsertValue(Value) (int64, error) // ErrConflict: the domain or order has one that has not ended
	// EndDomainValue ends the domain's value; no value is no error.
	EndDomainValue(domain int64, at time.Time) error
	EndOrderValue(order int64, at time.Time) error
	UseValue(id int64, at time.Time) error // sets Used if not set

	InsertOrder(Order) (int64, error)
	UpdateOrder(Order) error // status, method, organization, details; where Version is still o.Version

	InsertAttempt(Attempt) error

	InsertMail(Mail) (int64, error)
	// UpdateMail writes the outbox state, Tries, Approved, Ended, Body, where
	// Ended was not set and Sends, Fails and Tries are as in old.
	UpdateMail(old, new Mail) error
	// EndMails ends all messages of a domain that have not ended, and wipes
	// their bodies.
	EndMails(domain int64, at time.Time) error

	InsertEvent(Event) error

	LogTx
}

// Page is one page of rows: Limit is 1 to 1000, Offset from 0.
type Page struct{ Limit, Offset int }

// DomainQuery selects domains of one account.
type DomainQuery struct {
	Account        int64
	Active         *bool
	Methods        []dcv.Method
	OrganizationID int64 // 0: any
	// Name is exact; with Contains it is searched within names, at most 253 bytes.
	Name     string
	Contains bool
	// Validation selects by state; nil for any.
	Validation *ValidationFilter
	// Sort holds columns "name", "date_created", "id" with "-" before for
	// descending; id is always the last. Empty: by id.
	Sort []string
	Page Page
}

// ValidationFilter selects domains by one validation type's state.
type ValidationFilter struct {
	Type    string // "ov", "ev", "" for either
	Pending *bool
	// Until bounds the end of the proof: From <= Until < To; zero is open. A
	// domain never proven has no end and matches no bound.
	From, To time.Time
}

// Expirations are counts of domains by the end of their proof (dialect
// contract section 3.12). Days are UTC days.
type Expirations struct {
	Expired, RecentlyExpired, Soon, Within30, From31To60, From61To90 int
}
