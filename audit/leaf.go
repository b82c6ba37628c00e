// Package audit is the evidence log seen from outside the store: what its
// leaves say, who signs it, how it is verified, proven to a stranger, exported
// and asked. docs/audit.md says how to do the same without this program.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/store"
)

// Kinds of leaves. The history's own kinds, such as "domain.added", stand
// beside them.
const (
	KindAttempt = "attempt"
	KindProven  = "domain.proven"
	KindKey     = "key.created"
	KindRemoved = "capsules.removed"
)

// Leaf is what a leaf of the log says. The bytes that were hashed are what
// counts; they are this as JSON, in this order.
type Leaf struct {
	Version int       `json:"v"` // 1
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	Account int64     `json:"account,omitempty"`
	Domain  int64     `json:"domain_id,omitempty"`
	Order   int64     `json:"order_id,omitempty"`
	Name    dcv.Name  `json:"name,omitzero"`
	Actor   string    `json:"actor,omitempty"`
	Attempt string    `json:"attempt,omitempty"`

	// Of an attempt and of a proof.
	Method  dcv.Method  `json:"method,omitempty"`
	ADN     dcv.Name    `json:"authorization_domain_name,omitzero"`
	Outcome dcv.Outcome `json:"outcome,omitempty"`
	Code    dcv.Code    `json:"code,omitempty"`
	Scope   dcv.Scope   `json:"scope,omitempty"`
	Proven  time.Time   `json:"proven_at,omitzero"`
	Until   time.Time   `json:"usable_until,omitzero"`

	// Of an attempt.
	Trigger   string    `json:"trigger,omitempty"`
	Test      bool      `json:"test,omitempty"`
	Started   time.Time `json:"started_at,omitzero"`
	Ended     time.Time `json:"ended_at,omitzero"`
	Value     int64     `json:"value_id,omitempty"`
	NextCheck time.Time `json:"next_check,omitzero"`
	GivesUp   time.Time `json:"gives_up_at,omitzero"`
	UsedUntil time.Time `json:"used_until,omitzero"`
	Capsule   string    `json:"capsule,omitempty"`   // SHA-256 of its canonical encoding, hex
	Stored    string    `json:"stored,omitempty"`    // SHA-256 of the bytes as kept
	Verdict   string    `json:"verdict,omitempty"`   // SHA-256 of the verdict's JSON
	Diagnosis string    `json:"diagnosis,omitempty"` // SHA-256 of the diagnosis' JSON, where there is one

	Key     string   `json:"key,omitempty"`     // of key.created: the public key, in the form of signed notes
	Retires string   `json:"retires,omitempty"` // id of the key that it follows
	Vouched []byte   `json:"vouched,omitempty"` // of key.created: the retired key's signature on this one
	Removed []string `json:"removed,omitempty"` // of capsules.removed: attempts
}

// Entry makes a log entry of a leaf.
func (l Leaf) Entry() (store.LogEntry, error) {
	l.Version = 1
	b, err := json.Marshal(l)
	return store.LogEntry{At: l.At, Kind: l.Kind, AccountID: l.Account, DomainID: l.Domain, Name: l.Name.String(), AttemptID: l.Attempt, Leaf: b}, err
}

// Append writes a leaf in a transaction and gives its index.
func Append(t store.LogTx, l Leaf) (int64, error) {
	e, err := l.Entry()
	if err != nil {
		return 0, err
	}
	return t.AppendLog(e)
}

// ParseLeaf reads a leaf of the log.
func ParseLeaf(b []byte) (l Leaf, err error) {
	if err = json.Unmarshal(b, &l); err == nil && l.Version != 1 {
		err = fmt.Errorf("audit: leaf version %d is not known to this version", l.Version)
	}
	return l, err
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// AppendAttempt writes the leaf of an attempt that is stored in the same
// transaction, and what its proof rests on.
func AppendAttempt(t store.LogTx, a *store.Attempt, rec *check.Record, at time.Time) error {
	l := ofAttempt(a)
	l.At, l.Capsule, l.Stored = at, hex.EncodeToString(rec.Digest[:]), sum(rec.Capsule)
	n, err := Append(t, l)
	if err != nil {
		return err
	}
	return t.InsertFacets(n, facets(rec.Facets))
}

func facets(list []capsule.Facet) []store.Facet {
	out := make([]store.Facet, len(list))
	for i, f := range list {
		out[i] = store.Facet(f)
	}
	return out
}

// ofAttempt is what a leaf repeats of an attempt's row.
func ofAttempt(a *store.Attempt) Leaf {
	l := Leaf{
		Kind: KindAttempt, Account: a.AccountID, Domain: a.DomainID, Order: a.OrderID, Name: a.Name, Attempt: a.ID, Method: a.Method, ADN: a.ADN,
		Outcome: a.Outcome, Code: a.Code, Trigger: a.Trigger, Test: a.Test, Started: a.Started, Ended: a.Ended, Value: a.ValueID,
		NextCheck: a.NextCheck, GivesUp: a.GivesUp, UsedUntil: a.UsedUntil, Verdict: sum(a.Verdict),
	}
	if len(a.Diagnosis) > 0 {
		l.Diagnosis = sum(a.Diagnosis)
	}
	return l
}

// OfProof is the leaf of a domain's proof.
func OfProof(d *store.Domain, actor string, order int64, at time.Time) Leaf {
	return Leaf{
		Kind: KindProven, At: at, Account: d.AccountID, Domain: d.ID, Order: order, Name: d.Name, Actor: actor, Attempt: d.ProofAttempt,
		Method: d.ProofMethod, ADN: d.ProofADN, Scope: d.ProofScope, Proven: d.Proven, Until: d.ProvenUntil,
	}
}
