package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"deed/capsule"
	"deed/dcv"
	"deed/store"
)

// proofFormat is the form of the file that a stranger verifies.
const proofFormat = "deed-proof/1"

// Proof is one attempt with all that shows it to be in the log: a file for a
// stranger who has the public key and nothing else.
type Proof struct {
	Format     string        `json:"format"`
	Attempt    string        `json:"attempt"`
	Checkpoint string        `json:"checkpoint"` // a signed note
	Entries    []ProvenEntry `json:"entries"`
	// Capsule is the canonical encoding, Signature that of SignedBy over it.
	// Left out where the capsule was removed, or holds values that are secret.
	Capsule   []byte `json:"capsule,omitempty"`
	Signature []byte `json:"signature,omitempty"`
	SignedBy  string `json:"signed_by,omitempty"`
	Without   string `json:"without_capsule,omitempty"` // why
}

// ProvenEntry is a leaf with its way to the root.
type ProvenEntry struct {
	Index int64    `json:"index"`
	Leaf  string   `json:"leaf"` // exactly the bytes that were hashed
	Path  [][]byte `json:"path"` // RFC 6962 section 2.1.1
}

// Prove makes the file of an attempt. store.ErrNotFound: the log knows none
// with this id.
func Prove(ctx context.Context, st store.Store, id string, now time.Time) (p Proof, err error) {
	p = Proof{Format: proofFormat, Attempt: id}
	err = st.Read(ctx, func(r store.Reader) error {
		entries, err := r.LogOfAttempt(id)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return store.ErrNotFound
		}
		head, err := r.LastCheckpoint()
		if err != nil {
			return fmt.Errorf("audit: the log has no checkpoint: %w", err)
		}
		p.Checkpoint = string(head.Note)
		keys, err := r.LogKeys()
		if err != nil {
			return err
		}
		made, err := r.LogOfKind(KindKey, 0, maxEntries)
		if err != nil {
			return err
		}
		for _, e := range append(entries, made...) {
			path, err := tlog.ProveRecord(head.Size, e.N, reading{r})
			if err != nil {
				return fmt.Errorf("audit: entry %d: %w", e.N, err)
			}
			x := ProvenEntry{Index: e.N, Leaf: string(e.Leaf), Path: [][]byte{}}
			for _, h := range path {
				x.Path = append(x.Path, h[:])
			}
			p.Entries = append(p.Entries, x)
		}
		return p.enclose(r, entries[0].AccountID, keys, now)
	})
	return p, err
}

// enclose adds the capsule, unless it holds values that may still be found.
func (p *Proof) enclose(r store.Reader, account int64, keys []store.LogKey, now time.Time) error {
	b, err := r.Capsule(account, p.Attempt)
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(b) == 0) {
		p.Without = "the capsule was removed after its time"
		return nil
	}
	if err != nil {
		return err
	}
	sealed, err := capsule.Open(b)
	if err != nil {
		return err
	}
	c, err := capsule.Decode(sealed.Capsule)
	if err != nil {
		return err
	}
	if len(secrets(c, now)) > 0 {
		p.Without = "the capsule holds random values that are still live"
		return nil
	}
	p.Capsule, p.Signature = sealed.Capsule, sealed.Signature
	for i := range keys {
		if string(keys[i].ID) == string(sealed.Key[:]) {
			p.SignedBy = PublicKey(&keys[i])
		}
	}
	return nil
}

// secrets are the values of a capsule that may still be found by a check: not
// expired, and not the one that has proven.
func secrets(c *capsule.Capsule, now time.Time) (list []string) {
	for i, v := range c.Challenge.Values {
		if v.Live(now) && (c.Decision.Outcome != dcv.Proven || c.Decision.Matched != i) {
			list = append(list, v.Token)
		}
	}
	if c.Challenge.KeyAuthorization != "" && c.Decision.Outcome != dcv.Proven && now.Sub(c.Ended) < keyAuthorizationLife {
		list = append(list, c.Challenge.KeyAuthorization)
	}
	return list
}

// keyAuthorizationLife is how long a key authorization is kept secret: as long
// as a random value may live.
const keyAuthorizationLife = 30 * 24 * time.Hour

// reading is tlog.HashReader over a store.
type reading struct{ r store.LogReader }

// ReadHashes is tlog.HashReader.
func (x reading) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes, err := x.r.LogHashes(indexes)
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out, err
}

// Checked is what a proof file shows.
type Checked struct {
	Attempt Leaf             // as the log says
	Proof   *Leaf            // of the domain, if this attempt proved it
	Origin  string           // name of the log
	Size    int64            // entries of the checkpoint
	Capsule *capsule.Capsule // nil where the file has none
}

// Bad is a proof file that shows nothing: why, in a sentence.
type Bad string

func (b Bad) Error() string { return "audit: " + string(b) }

// MaxProof bounds a proof file in bytes, and maxEntries what is in it.
const (
	MaxProof   = 4 << 20
	maxEntries = 1000
)

// CheckProof verifies a proof file with the public key of the log alone. The
// error is Bad.
func CheckProof(file []byte, key string) (out Checked, err error) {
	if len(file) > MaxProof {
		return out, Bad("the file is larger than 4 MiB")
	}
	var p Proof
	if err := json.Unmarshal(file, &p); err != nil || p.Format != proofFormat {
		return out, Bad("this is no proof file of format " + proofFormat)
	}
	if len(p.Entries) > maxEntries {
		return out, Bad("too many entries")
	}
	trusted, err := p.trust(key)
	if err != nil {
		return out, err
	}
	n, err := note.Open([]byte(p.Checkpoint), note.VerifierList(trusted...))
	if err != nil {
		return out, Bad("the checkpoint is not signed by the key given, nor by one that it vouched for")
	}
	origin, size, root, err := parseHead(n.Text)
	if err != nil {
		return out, err
	}
	out.Origin, out.Size = origin, size
	if origin != trusted[0].Name() {
		return out, Bad("the checkpoint is of another log")
	}
	signers := map[string]bool{key: true}
	for _, e := range p.Entries {
		l, err := p.entry(e, size, root)
		if err != nil {
			return out, err
		}
		switch {
		case l.Kind == KindAttempt && l.Attempt == p.Attempt:
			out.Attempt = l
		case l.Kind == KindProven && l.Attempt == p.Attempt:
			out.Proof = &l
		case l.Kind == KindKey:
			signers[l.Key] = true
		}
	}
	if out.Attempt.Kind == "" {
		return out, Bad("no entry speaks of the attempt")
	}
	out.Capsule, err = p.open(&out.Attempt, signers)
	return out, err
}

func (p *Proof) entry(e ProvenEntry, size int64, root tlog.Hash) (Leaf, error) {
	path := make(tlog.RecordProof, len(e.Path))
	for i, h := range e.Path {
		if len(h) != tlog.HashSize {
			return Leaf{}, Bad("a hash of the wrong length")
		}
		path[i] = tlog.Hash(h)
	}
	if e.Index < 0 || e.Index >= size || tlog.CheckRecord(path, size, root, e.Index, tlog.RecordHash([]byte(e.Leaf))) != nil {
		return Leaf{}, Bad(fmt.Sprintf("entry %d is not in the log that the checkpoint signs", e.Index))
	}
	l, err := ParseLeaf([]byte(e.Leaf))
	if err != nil {
		return l, Bad(fmt.Sprintf("entry %d cannot be read", e.Index))
	}
	return l, nil
}

// open checks the capsule against the log.
func (p *Proof) open(l *Leaf, signers map[string]bool) (*capsule.Capsule, error) {
	if len(p.Capsule) == 0 {
		return nil, nil
	}
	if sum(p.Capsule) != l.Capsule {
		return nil, Bad("the capsule is not the one whose hash is in the log")
	}
	raw, ok := rawKey(p.SignedBy)
	if !ok || !signers[p.SignedBy] {
		return nil, Bad("the capsule is signed by a key that the log does not know")
	}
	s := capsule.Sealed{Capsule: p.Capsule, Key: capsule.IDOf(raw), Signature: p.Signature}
	if !s.Verify(raw) {
		return nil, Bad("the capsule's signature is wrong")
	}
	c, err := capsule.Decode(p.Capsule)
	if err != nil {
		return nil, Bad("the capsule cannot be read: " + err.Error())
	}
	if c.ID != l.Attempt || c.Challenge.Name != l.Name || c.Decision.Outcome != l.Outcome {
		return nil, Bad("the capsule is of another attempt than the entry")
	}
	return c, nil
}

// trust gives the verifiers that follow from a key: itself, and each newer one
// that a trusted one vouched for when it was retired.
func (p *Proof) trust(key string) ([]note.Verifier, error) {
	first, err := note.NewVerifier(key)
	raw, ok := rawKey(key)
	if err != nil || !ok {
		return nil, Bad("the key given is no public key: accepted are name+hash+key, as deed audit key prints it")
	}
	list := []note.Verifier{first}
	current := raw
	for _, e := range p.Entries {
		l, err := ParseLeaf([]byte(e.Leaf))
		if err != nil || l.Kind != KindKey || len(l.Vouched) == 0 || !ed25519.Verify(current, vouching(l.Key), l.Vouched) {
			continue
		}
		next, err := note.NewVerifier(l.Key)
		raw, ok := rawKey(l.Key)
		if err != nil || !ok || next.Name() != first.Name() {
			continue
		}
		list, current = append(list, next), raw
	}
	return list, nil
}

// vouching is what an old key signs of its successor.
func vouching(key string) []byte { return []byte("deed key 1\x00" + key) }

func parseHead(text string) (origin string, size int64, root tlog.Hash, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return "", 0, root, Bad("the checkpoint is too short")
	}
	size, err = strconv.ParseInt(lines[1], 10, 64)
	b, err2 := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || err2 != nil || len(b) != tlog.HashSize || size < 1 || size > 1<<50 {
		return "", 0, root, Bad("the checkpoint cannot be read")
	}
	return lines[0], size, tlog.Hash(b), nil
}
