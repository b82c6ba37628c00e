package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"deed/capsule"
	"deed/store"
)

// Signer signs capsules and checkpoints with the key in the store. Safe for
// concurrent use.
type Signer struct {
	mu  sync.Mutex
	key key
}

// key is the one in use, ready to sign.
type key struct {
	id      capsule.KeyID
	origin  string
	hash    uint32
	private ed25519.PrivateKey
}

// Name, KeyHash and Sign are note.Signer.
func (k key) Name() string { return k.origin }

// KeyHash is note.Signer.
func (k key) KeyHash() uint32 { return k.hash }

// Sign is note.Signer.
func (k key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// PublicKey is a key of the log in the form of signed notes
// (golang.org/x/mod/sumdb/note): name, hash and key, joined by "+".
func PublicKey(k *store.LogKey) string {
	s, err := note.NewEd25519VerifierKey(k.Origin, k.Public)
	if err != nil {
		return "" // a key of the wrong length, found by Verify
	}
	return s
}

// OpenSigner reads the key of a store, or makes it at first start, and lets
// the store sign its log with it.
func OpenSigner(ctx context.Context, st store.Store, now time.Time, random io.Reader) (*Signer, error) {
	s := &Signer{}
	st.SignLog(s)
	have := false
	err := st.Read(ctx, func(r store.Reader) (err error) {
		have, err = s.read(r)
		return err
	})
	if err != nil || have {
		return s, err
	}
	// Each on its own: a log has one origin for ever.
	var name [8]byte
	if _, err := io.ReadFull(random, name[:]); err != nil {
		return nil, err
	}
	fresh, err := newKey("deed-"+hex.EncodeToString(name[:]), now, random)
	if err != nil {
		return nil, err
	}
	err = st.Write(ctx, func(t store.Tx) error {
		if have, err := s.read(t); err != nil || have {
			return err // another process was first
		}
		return add(t, fresh, Leaf{}, now)
	})
	return s, err
}

// read takes the key in use from the store; false if there is none yet.
func (s *Signer) read(r store.LogReader) (bool, error) {
	keys, err := r.LogKeys()
	if err != nil {
		return false, err
	}
	for i := range keys {
		k := &keys[i]
		if !k.Retired.IsZero() {
			continue
		}
		if len(k.Private) != ed25519.SeedSize || len(k.ID) != len(capsule.KeyID{}) {
			return false, errors.New("audit: the signing key in the store is damaged")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if id := capsule.KeyID(k.ID); s.key.id != id {
			v, err := note.NewVerifier(PublicKey(k))
			if err != nil {
				return false, fmt.Errorf("audit: the signing key in the store: %w", err)
			}
			s.key = key{id, k.Origin, v.KeyHash(), ed25519.NewKeyFromSeed(k.Private)}
		}
		return true, nil
	}
	return false, nil
}

func newKey(origin string, now time.Time, random io.Reader) (store.LogKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return store.LogKey{}, err
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	id := capsule.IDOf(public)
	return store.LogKey{ID: id[:], Origin: origin, Public: public, Private: seed, Created: now}, nil
}

// add stores a key and writes it into the log.
func add(t store.Tx, k store.LogKey, l Leaf, now time.Time) error {
	if err := t.InsertLogKey(k); err != nil {
		return err
	}
	l.Kind, l.At, l.Key = KindKey, now, PublicKey(&k)
	_, err := Append(t, l)
	return err
}

// Rotate puts a new key in the place of the one in use. The old private key is
// wiped; its public key is kept, and what it signed stays valid.
func Rotate(ctx context.Context, st store.Store, now time.Time, random io.Reader) (store.LogKey, error) {
	var fresh store.LogKey
	err := st.Write(ctx, func(t store.Tx) error {
		keys, err := t.LogKeys()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return errors.New("audit: there is no key yet; start the server once")
		}
		old := keys[len(keys)-1]
		if len(old.Private) != ed25519.SeedSize {
			return errors.New("audit: the signing key in the store is damaged")
		}
		if fresh, err = newKey(old.Origin, now, random); err != nil {
			return err
		}
		if err := t.RetireLogKey(old.ID, now); err != nil {
			return err
		}
		vouched := ed25519.Sign(ed25519.NewKeyFromSeed(old.Private), vouching(PublicKey(&fresh)))
		return add(t, fresh, Leaf{Retires: hex.EncodeToString(old.ID), Vouched: vouched}, now)
	})
	return fresh, err
}

// Seal is check.Sealer.
func (s *Signer) Seal(b []byte) ([]byte, error) {
	s.mu.Lock()
	k := s.key.private
	s.mu.Unlock()
	if k == nil {
		return nil, errors.New("audit: no signing key")
	}
	return capsule.Seal(b, k, true)
}

// Checkpoint is store.Checkpointer. It reads the key in use: another process
// may have rotated it.
func (s *Signer) Checkpoint(r store.LogReader, size int64, root store.Hash, _ time.Time) ([]byte, error) {
	have, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if !have {
		return nil, errors.New("audit: no signing key")
	}
	s.mu.Lock()
	k := s.key
	s.mu.Unlock()
	return note.Sign(&note.Note{Text: head(k.origin, size, root)}, k)
}

// head is the text of a checkpoint (C2SP tlog-checkpoint): origin, size, root.
func head(origin string, size int64, root store.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
}
