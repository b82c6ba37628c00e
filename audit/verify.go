package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"deed/capsule"
	"deed/dcv"
	"deed/store"
)

// Fault is something that is not as it was written.
type Fault struct {
	Place string `json:"place"` // "entry 17", "checkpoint 20", "capsule of attempt …", "key …", "domain 5"
	What  string `json:"what"`
}

// maxFaults bounds the list of a report; the rest is counted.
const maxFaults = 100

// Report is what Verify found.
type Report struct {
	Entries     int64   `json:"entries"`
	Attempts    int64   `json:"attempts"`
	Removed     int64   `json:"capsules_removed"` // by their time, as the log says
	Checkpoints int64   `json:"checkpoints"`
	Keys        int     `json:"keys"`
	Proofs      int64   `json:"proofs"`         // domains that hold one
	Head        string  `json:"head,omitempty"` // the last checkpoint; keep it elsewhere
	Faults      []Fault `json:"faults"`
	FaultCount  int     `json:"fault_count"`
}

// VerifyOptions name what is known from outside the database. Without them a
// log that was rewritten from its first entry on, with keys of its own, cannot
// be told from a true one.
type VerifyOptions struct {
	Key  string // a public key of the log, kept elsewhere
	Head string // a checkpoint, kept elsewhere
}

// Verify checks the log from its first entry: each leaf against the tree, each
// checkpoint against tree and key, each attempt and capsule against its leaf,
// each domain's proof against the log. The error is that of a store that
// cannot be read; everything else is in the report.
func Verify(ctx context.Context, st store.Store, o VerifyOptions) (Report, error) {
	v := &verifier{ctx: ctx, st: st, o: o, verifiers: map[string]note.Verifier{}, public: map[capsule.KeyID]ed25519.PublicKey{},
		created: map[string]Leaf{}, gone: map[string]bool{}, jobs: make(chan func(), 64)}
	v.report.Faults = []Fault{}
	var pool sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		pool.Go(func() {
			for job := range v.jobs {
				job()
			}
		})
	}
	err := v.all()
	close(v.jobs)
	pool.Wait()
	if err == nil {
		err = v.relations()
	}
	// The workers finish in any order; a report reads the same each time.
	slices.SortFunc(v.report.Faults, func(a, b Fault) int { return strings.Compare(a.Place+a.What, b.Place+b.What) })
	return v.report, err
}

type verifier struct {
	ctx    context.Context
	st     store.Store
	o      VerifyOptions
	origin string
	keys   []store.LogKey
	jobs   chan func()

	verifiers map[string]note.Verifier // by public key
	public    map[capsule.KeyID]ed25519.PublicKey
	created   map[string]Leaf // leaves of keys, by public key
	seenHead  bool

	mu     sync.Mutex
	report Report
	gone   map[string]bool // attempts whose capsule is not there
}

func (v *verifier) fault(place, what string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.FaultCount++
	if len(v.report.Faults) < maxFaults {
		v.report.Faults = append(v.report.Faults, Fault{place, fmt.Sprintf(what, args...)})
	}
}

// chunk is how many entries are read at once: long reads would hold up the
// database's own housekeeping.
const chunk = 500

// row is an entry with the attempt that it speaks of.
type row struct {
	e       store.LogEntry
	attempt *store.Attempt
	err     error
}

func (v *verifier) all() error {
	var size int64
	var heads []store.Checkpoint
	err := v.st.Read(v.ctx, func(r store.Reader) (err error) {
		if size, err = r.LogSize(); err != nil {
			return err
		}
		if v.keys, err = r.LogKeys(); err != nil {
			return err
		}
		last, err := r.LastCheckpoint()
		if size == 0 && errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil && last.Size == size {
			v.report.Head = string(last.Note)
			return nil
		}
		v.fault(fmt.Sprintf("entry %d", size-1), "the log holds %d entries, and no checkpoint covers them all", size)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range v.keys {
		v.know(PublicKey(&v.keys[i]))
	}
	var tree edge
	var done int64 // checkpoints are read up to here
	for n := int64(0); n < size; {
		rows, err := v.read(n, min(chunk, size-n))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			v.fault(fmt.Sprintf("entry %d", n), "it and all after it are missing")
			break
		}
		for _, r := range rows {
			if r.e.N >= size {
				break
			}
			if r.e.N != n {
				v.fault(fmt.Sprintf("entry %d", n), "entries %d to %d are missing", n, r.e.N-1)
				n = r.e.N
			}
			leaf := v.entry(&r, &tree)
			n++
			if v.o.Head != "" && strings.Contains(v.o.Head, fmt.Sprintf("\n%d\n", n)) {
				v.head(n, []byte(v.o.Head), tree.root(), "the checkpoint given")
				v.seenHead = true
			}
			if len(heads) == 0 && done < n {
				if err := v.st.Read(v.ctx, func(rd store.Reader) (err error) { heads, err = rd.Checkpoints(done, chunk); return err }); err != nil {
					return err
				}
				done = size // no more, unless the list was full
				if len(heads) == chunk {
					done = heads[len(heads)-1].Size
				}
			}
			for len(heads) > 0 && heads[0].Size <= n {
				c := heads[0]
				heads = heads[1:]
				place := fmt.Sprintf("checkpoint %d", c.Size)
				if c.Size != n {
					v.fault(place, "the log never was of this size when it was signed")
					continue
				}
				if !c.At.Equal(leaf.At) {
					v.fault(place, "its time is not that of its last entry")
				}
				v.head(n, c.Note, tree.root(), place)
				v.report.Checkpoints++
			}
		}
	}
	v.report.Entries = size
	for _, c := range heads {
		if c.Size > size {
			break // made since
		}
		v.fault(fmt.Sprintf("checkpoint %d", c.Size), "no such entry")
	}
	if v.o.Head != "" && !v.seenHead {
		v.fault("the checkpoint given", "it speaks of more entries than the log holds, or is no checkpoint")
	}
	return v.ctx.Err()
}

// read gives entries with the attempts they name.
func (v *verifier) read(from, limit int64) (rows []row, err error) {
	err = v.st.Read(v.ctx, func(r store.Reader) error {
		list, err := r.LogEntries(from, int(limit))
		for _, e := range list {
			rows = append(rows, row{e: e})
		}
		for i := range rows {
			e := &rows[i].e
			if e.Kind != KindAttempt {
				continue
			}
			// Where the columns were changed, the leaf still names the attempt.
			id, account := e.AttemptID, e.AccountID
			if l, err := ParseLeaf(e.Leaf); err == nil && l.Kind == KindAttempt {
				id, account = l.Attempt, l.Account
			}
			a, err := r.Attempt(account, id)
			if err == nil {
				a.Capsule, err = r.Capsule(account, id)
			}
			rows[i].attempt, rows[i].err = &a, err
		}
		return err
	})
	return rows, err
}

// entry checks one leaf and adds it to the tree.
func (v *verifier) entry(r *row, tree *edge) Leaf {
	e := &r.e
	place := fmt.Sprintf("entry %d", e.N)
	if !bytes.Equal(tree.add(e.N, e.Leaf), e.Hashes) {
		v.fault(place, "the leaf and the tree's hashes stored with it disagree")
	}
	leaf, err := ParseLeaf(e.Leaf)
	if err != nil {
		v.fault(place, "the leaf cannot be read")
		return leaf
	}
	if want, err := leaf.Entry(); err != nil || !want.At.Equal(e.At) || want.Kind != e.Kind || want.AccountID != e.AccountID || want.DomainID != e.DomainID ||
		want.Name != e.Name || want.AttemptID != e.AttemptID || !bytes.Equal(want.Leaf, e.Leaf) {
		v.fault(place, "what is repeated beside the leaf is not what the leaf says")
	}
	switch leaf.Kind {
	case KindKey:
		v.created[leaf.Key] = leaf
		v.know(leaf.Key)
	case KindRemoved:
		v.mu.Lock()
		v.report.Removed += int64(len(leaf.Removed))
		v.mu.Unlock()
		for _, id := range leaf.Removed {
			v.later(func() { v.absent(id) })
		}
	case KindAttempt:
		v.report.Attempts++
		attempt, err := r.attempt, r.err
		if attempt == nil && err == nil {
			v.fault(place, "its kind was changed")
			return leaf
		}
		body := e.Leaf
		v.later(func() { v.attempt(&leaf, body, attempt, err) })
	}
	return leaf
}

func (v *verifier) later(job func()) { v.jobs <- job }

// know adds a public key.
func (v *verifier) know(text string) {
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return // found when keys are compared
	}
	v.verifiers[text] = verifier
	if raw, ok := rawKey(text); ok {
		v.mu.Lock()
		v.public[capsule.IDOf(raw)] = raw
		v.mu.Unlock()
	}
	if v.origin == "" {
		v.origin = verifier.Name()
	}
}

// head checks a signed tree head.
func (v *verifier) head(size int64, msg []byte, root tlog.Hash, place string) {
	list := make([]note.Verifier, 0, len(v.verifiers))
	for _, k := range v.verifiers {
		list = append(list, k)
	}
	origin := v.origin
	v.later(func() {
		n, err := note.Open(msg, note.VerifierList(list...))
		var unknown *note.UnverifiedNoteError
		switch {
		case errors.As(err, &unknown):
			v.fault(place, "no key of this log signed it")
		case err != nil:
			v.fault(place, "the signed note is damaged")
		case n.Text != head(origin, size, root):
			v.fault(place, "it signs another tree than that of the entries")
		}
	})
}

// attempt checks a row and its capsule against the leaf.
func (v *verifier) attempt(leaf *Leaf, body []byte, a *store.Attempt, err error) {
	place := "attempt " + leaf.Attempt
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.fault(place, "the log names it, and it is not there")
		return
	case err != nil:
		v.fault(place, "it cannot be read")
		return
	}
	now := ofAttempt(a)
	now.Version, now.At, now.Capsule, now.Stored = 1, leaf.At, leaf.Capsule, leaf.Stored
	if b, err := json.Marshal(now); err != nil || !bytes.Equal(b, body) {
		v.fault(place, "it is not what the log says of it")
	}
	place = "capsule of attempt " + leaf.Attempt
	if len(a.Capsule) == 0 {
		v.absent(a.ID)
		return
	}
	if sum(a.Capsule) != leaf.Stored {
		v.fault(place, "its bytes are not those that were stored")
	}
	sealed, err := capsule.Open(a.Capsule)
	if err != nil {
		v.fault(place, "it cannot be opened")
		return
	}
	if sum(sealed.Capsule) != leaf.Capsule {
		v.fault(place, "its hash is not the one in the log")
	}
	v.mu.Lock()
	key := v.public[sealed.Key]
	v.mu.Unlock()
	switch {
	case !sealed.Signed():
		v.fault(place, "nobody signed it")
	case key == nil:
		v.fault(place, "the key %s that signed it is not one of this log", sealed.Key)
	case !sealed.Verify(key):
		v.fault(place, "its signature is wrong")
	}
}

// absent is called for a capsule that is not there, and for each that the log
// says was removed: both must come together.
func (v *verifier) absent(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone[id] {
		delete(v.gone, id)
	} else {
		v.gone[id] = true
	}
}

// relations checks what no single entry shows.
func (v *verifier) relations() error {
	for id := range v.gone {
		v.fault("capsule of attempt "+id, "it is missing without an entry that it was removed, or is there in spite of one")
	}
	v.report.Keys = len(v.keys)
	for i := range v.keys {
		v.keyRow(i)
	}
	if len(v.created) != len(v.keys) {
		v.fault("keys", "the log made %d keys, and %d are there", len(v.created), len(v.keys))
	}
	if _, ok := v.created[v.o.Key]; v.o.Key != "" && !ok {
		v.fault("keys", "the key given is none of this log")
	}
	return v.st.Read(v.ctx, func(r store.Reader) error {
		n, err := r.AttemptsUnlogged()
		if err != nil {
			return err
		}
		if n > 0 {
			v.fault("attempts", "%d are not in the log", n)
		}
		for after := int64(0); ; {
			list, err := r.EverProven(after, chunk)
			if err != nil || len(list) == 0 {
				return err
			}
			for i := range list {
				after = list[i].ID
				v.report.Proofs++
				if err := v.proof(r, &list[i]); err != nil {
					return err
				}
			}
		}
	})
}

func (v *verifier) keyRow(i int) {
	k := &v.keys[i]
	place := "key " + hex.EncodeToString(k.ID)
	id := capsule.IDOf(k.Public)
	leaf, ok := v.created[PublicKey(k)]
	switch {
	case !bytes.Equal(k.ID, id[:]):
		v.fault(place, "the id is not that of the public key")
	case !ok:
		v.fault(place, "the log does not tell of it")
	case !leaf.At.Equal(k.Created):
		v.fault(place, "it was made at another time")
	case k.Retired.IsZero() && i < len(v.keys)-1:
		v.fault(place, "a newer key is there, and it is still in use")
	case !k.Retired.IsZero() && (i == len(v.keys)-1 || !k.Retired.Equal(v.keys[i+1].Created)):
		v.fault(place, "it was not retired by the key after it")
	case !k.Retired.IsZero() && len(k.Private) > 0:
		v.fault(place, "it is retired, and its private key is still there")
	case k.Retired.IsZero() && (len(k.Private) != ed25519.SeedSize || !ed25519.NewKeyFromSeed(k.Private).Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(k.Public))):
		v.fault(place, "the private key is not that of the public key")
	}
}

// proof checks that a domain's proof is in the log, with its capsule.
func (v *verifier) proof(r store.Reader, d *store.Domain) error {
	entries, err := r.LogOfAttempt(d.ProofAttempt)
	if err != nil {
		return err
	}
	place := fmt.Sprintf("domain %d", d.ID)
	attempt, proven := false, false
	for _, e := range entries {
		l, err := ParseLeaf(e.Leaf)
		if err != nil {
			continue // a fault of its own
		}
		switch {
		case l.Kind == KindAttempt && l.Domain == d.ID && l.Name == d.Name && l.Outcome == dcv.Proven && l.Capsule != "":
			attempt = true
		case l.Kind == KindProven:
			same := OfProof(d, l.Actor, l.Order, l.At)
			same.Version = 1
			b, err := json.Marshal(same)
			proven = proven || (err == nil && bytes.Equal(b, e.Leaf))
		}
	}
	if !attempt {
		v.fault(place, "it is proven, and the log has no capsule of its proof")
	}
	if !proven {
		v.fault(place, "its proof is not the one in the log")
	}
	return nil
}
