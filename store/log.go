package store

import (
	"time"

	"deed/dcv"
)

// Hash is a SHA-256 of the Merkle tree (RFC 6962 section 2.1).
type Hash = [32]byte

// LogEntry is one leaf of the evidence log. Leaf is what is hashed; the other
// fields repeat parts of it for finding. Package audit knows what stands in it.
type LogEntry struct {
	N         int64 // from 0, without gaps; set by AppendLog
	At        time.Time
	Kind      string // "attempt", "domain.proven", "key.created", …
	AccountID int64
	DomainID  int64
	Name      string // of the domain, where the leaf names it
	AttemptID string
	Leaf      []byte
	// Hashes are those of the tree that became known with this leaf, lowest
	// level first, 32 bytes each; set by AppendLog.
	Hashes []byte
}

// Checkpoint is a signed tree head: the log held Size entries, At when the last
// of them was made.
type Checkpoint struct {
	Size int64
	At   time.Time
	Note []byte
}

// LogKey is a signing key of the log and of capsules. Keys are never deleted.
type LogKey struct {
	ID      []byte // 8 bytes, see capsule.KeyID
	Origin  string // name of the log
	Public  []byte // Ed25519
	Private []byte // Ed25519 seed; wiped when the key is retired
	Created time.Time
	Retired time.Time // zero for the one in use
}

// Facet is one thing that a proof rests on, such as "resolver" 192.0.2.53:53.
type Facet struct{ Name, Value string }

// LoggedProof is an attempt that proved something, as found by a facet.
type LoggedProof struct {
	N         int64
	AccountID int64
	DomainID  int64
	Name      string
	AttemptID string
	At        time.Time
}

// LogReader reads the evidence log.
type LogReader interface {
	LogSize() (int64, error)
	// LogEntries gives at most limit entries from index from, in order.
	LogEntries(from int64, limit int) ([]LogEntry, error)
	// LogHashes gives hashes of the tree by the index that package tlog stores
	// them under. ErrNotFound for one that is not stored.
	LogHashes(indexes []int64) ([]Hash, error)
	// LogOfAttempt gives the entries that name an attempt, in order.
	LogOfAttempt(id string) ([]LogEntry, error)
	// LogOfKind gives entries of a kind that is neither an attempt nor a proof, from index from, in order.
	LogOfKind(kind string, from int64, limit int) ([]LogEntry, error)
	// LogOfDomain gives the newest entries of one domain id up to an instant,
	// in order; LogDomains the domains that ever had a name. Account 0: of all.
	LogOfDomain(domain int64, until time.Time, limit int) ([]LogEntry, error)
	LogDomains(account int64, name dcv.Name) ([]int64, error)
	// Checkpoints gives those of more than after entries, smallest first.
	Checkpoints(after int64, limit int) ([]Checkpoint, error)
	LastCheckpoint() (Checkpoint, error)
	LogKeys() ([]LogKey, error) // oldest first
	// ProofsBy gives the proofs that rest on a facet from entry from on; the
	// count of all. Account 0: of all accounts.
	ProofsBy(account int64, f Facet, from int64, limit int) ([]LoggedProof, error)
	CountProofsBy(f Facet) (int, error)
	// FacetValues lists the values that a facet ever had, at most limit.
	FacetValues(name string, limit int) ([]string, error)
	// ProvenDomains gives domains whose proof rests on the method and may be
	// used at until or later, by id from after; ProofAttempts all that were
	// ever proven. Account 0: of all accounts.
	ProvenDomains(account int64, m dcv.Method, until time.Time, after int64, limit int) ([]Domain, error)
	// EverProven gives the domains of all accounts that hold a proof, by id.
	EverProven(after int64, limit int) ([]Domain, error)
	// AttemptsAfter gives attempts of all accounts with their capsules, by id.
	AttemptsAfter(id string, limit int) ([]Attempt, error)
	// AttemptsUnlogged counts attempts that no entry of the log names.
	AttemptsUnlogged() (int, error)
	// KeptCapsules gives attempts whose use ended before an instant and whose
	// capsule is still there, oldest first, without Capsule.
	KeptCapsules(before time.Time, limit int) ([]Attempt, error)
}

// LogTx writes the evidence log. Entries are appended only.
type LogTx interface {
	// AppendLog adds a leaf and returns its index. The hashes of the tree and,
	// where SignLog named a Checkpointer, a checkpoint of what the transaction
	// leaves are written in the same commit.
	AppendLog(LogEntry) (int64, error)
	InsertFacets(n int64, facets []Facet) error
	InsertLogKey(LogKey) error
	// RetireLogKey wipes the private key; ErrConflict if it is retired.
	RetireLogKey(id []byte, at time.Time) error
	// RemoveCapsule wipes the capsule of an attempt, nothing else of it.
	RemoveCapsule(id string) error
}

// Checkpointer signs tree heads. It is called inside the transaction that
// appended, once, last.
type Checkpointer interface {
	Checkpoint(r LogReader, size int64, root Hash, at time.Time) (note []byte, err error)
}
