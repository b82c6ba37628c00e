package store

import "time"

// Certificate is what a certificate request says beyond its order, whose id is
// its own. Deed issues nothing: Issued, Expires and Thumbprint are what an
// issuer reported.
type Certificate struct {
	OrderID   int64
	AccountID int64
	// Label is unique within the account, also against requests that were
	// cancelled or deleted.
	Label       string
	Description string
	Authority   string // of the issuer that is asked for: "DigiCert", "LetsEncrypt"
	Type        string // "DV", "OV", "EV"
	AutoRenew   bool
	CreatedBy   string // actor
	Modified    time.Time
	ModifiedBy  string // actor; "" if never modified
	// Notices holds the request's own settings of notifications as JSON; "" follows
	// the account's.
	Notices    string
	Issued     time.Time
	Expires    time.Time
	Thumbprint string
	Version    int64 // grows with each update; UpdateCertificate names the one it saw
}

// CertificateQuery selects certificate requests of one account.
type CertificateQuery struct {
	Account int64
	// Field and Pattern select: "certificate_label", "description", "id" or
	// "domain_names"; "*" in Pattern stands for any text. An empty Field selects all.
	Field   string
	Pattern string
	// Sort is "certificate_label", "description" or "id" (also when empty);
	// the id settles ties.
	Sort      string
	Ascending bool
	Page      Page
}

// CertificateReader is the part of Reader that certificate requests, and the
// clients of their dialect, need.
type CertificateReader interface {
	Clients(account int64) ([]Client, error) // by creation; account 0: of all accounts

	Certificate(account, order int64) (Certificate, error)
	CertificateByLabel(account int64, label string) (Certificate, error)
	// Certificates gives one page and the exact total of what matches.
	Certificates(q CertificateQuery) ([]Certificate, int, error)
	// PendingOrders gives at most limit orders of the account in the state
	// "pending" with an id above after, by id.
	PendingOrders(account, after int64, limit int) ([]Order, error)
	// OrganizationsNamed gives the account's organizations whose name is the
	// phrase, or contains it in any case; by id, at most limit.
	OrganizationsNamed(account int64, phrase string, contains bool, limit int) ([]Organization, error)
	// Notices is the account's settings of notifications as JSON; "" if never set.
	Notices(account int64) (string, error)
	// Secret is a key of the server's own, by name.
	Secret(name string) ([]byte, error)
}

// CertificateWriter is the same of Tx.
type CertificateWriter interface {
	RevokeClient(id string, at time.Time) error // ErrNotFound; ErrConflict if already revoked

	InsertCertificate(Certificate) error // ErrConflict: the account has that label
	// UpdateCertificate writes all fields where Version is still c.Version;
	// ErrConflict also when the account has that label.
	UpdateCertificate(c Certificate) error
	SetNotices(account int64, notices string) error
	InsertSecret(name string, value []byte, at time.Time) error // ErrConflict: there is one
}
