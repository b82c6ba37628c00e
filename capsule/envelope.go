package capsule

import (
	"bytes"
	"compress/flate"
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed" // the dictionary
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// magic stands first in every envelope.
const magic = "deed-capsule"

// context separates signatures on capsules from all others made with the key.
const signingContext = "deed capsule 1\x00"

// KeyID names a public key: the first 8 bytes of its SHA-256.
type KeyID [8]byte

func (k KeyID) String() string { return fmt.Sprintf("%x", k[:]) }

// IDOf names a public key.
func IDOf(key ed25519.PublicKey) (id KeyID) {
	sum := sha256.Sum256(key)
	copy(id[:], sum[:])
	return id
}

// How the body of an envelope is packed.
const (
	plain    = 0
	deflated = 1 // RFC 1951 with the dictionary of this package
)

// envelope is a signed capsule: a CBOR array.
type envelope struct {
	_         struct{} `cbor:",toarray"`
	Magic     string
	Version   int
	Key       []byte
	Signature []byte // Ed25519 over signingContext and the capsule
	Packing   int
	Size      int // of the capsule, unpacked
	Body      []byte
}

var envelopes = must(cbor.DecOptions{
	IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16, TagsMd: cbor.TagsForbidden,
}.DecMode())

// Sealed is an envelope, opened.
type Sealed struct {
	// Capsule is the canonical encoding: what is signed, hashed and judged.
	Capsule []byte
	// Key and Signature are zero and nil for a capsule that nobody signed.
	Key       KeyID
	Signature []byte
}

// Signed reports whether there is a signature at all.
func (s *Sealed) Signed() bool { return s.Signature != nil }

// Verify reports whether key signed the capsule.
func (s *Sealed) Verify(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && IDOf(key) == s.Key && ed25519.Verify(key, signed(s.Capsule), s.Signature)
}

func signed(capsule []byte) []byte { return append([]byte(signingContext), capsule...) }

// Seal signs the canonical encoding of a capsule. Packed is for keeping;
// otherwise the body is the capsule itself, so that a reader needs no
// dictionary.
func Seal(capsule []byte, key ed25519.PrivateKey, packed bool) ([]byte, error) {
	if len(capsule) > MaxSize {
		return nil, errors.New("capsule: larger than 2 MiB")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("capsule: no Ed25519 key")
	}
	s := Sealed{Capsule: capsule, Key: IDOf(public), Signature: ed25519.Sign(key, signed(capsule))}
	return s.Encode(packed)
}

// Encode gives the envelope again, packed or not; without a signature, the
// capsule alone.
func (s *Sealed) Encode(packed bool) ([]byte, error) {
	if !s.Signed() {
		return s.Capsule, nil
	}
	e := envelope{Magic: magic, Version: 1, Key: s.Key[:], Signature: s.Signature, Size: len(s.Capsule), Body: s.Capsule}
	if packed {
		body, err := deflate(s.Capsule)
		if err != nil {
			return nil, fmt.Errorf("capsule: %w", err)
		}
		e.Packing, e.Body = deflated, body
	}
	b, err := encoding.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("capsule: %w", err)
	}
	return b, nil
}

// Open reads an envelope, or a capsule that nobody signed, in bounded time and
// memory. It checks the form, not the signature.
func Open(b []byte) (Sealed, error) {
	if len(b) > MaxSize+1024 {
		return Sealed{}, errors.New("capsule: larger than 2 MiB")
	}
	if len(b) == 0 || b[0]>>5 != 4 { // no CBOR array
		return Sealed{Capsule: b}, nil
	}
	var e envelope
	if err := envelopes.Unmarshal(b, &e); err != nil {
		return Sealed{}, fmt.Errorf("capsule: envelope: %w", err)
	}
	switch {
	case e.Magic != magic || e.Version != 1:
		return Sealed{}, fmt.Errorf("capsule: envelope version %d is not known to this version", e.Version)
	case len(e.Key) != len(KeyID{}) || len(e.Signature) != ed25519.SignatureSize:
		return Sealed{}, errors.New("capsule: envelope: a key or signature of the wrong length")
	case e.Size < 0 || e.Size > MaxSize:
		return Sealed{}, errors.New("capsule: larger than 2 MiB")
	}
	s := Sealed{Key: KeyID(e.Key), Signature: e.Signature}
	switch e.Packing {
	case plain:
		s.Capsule = e.Body
	case deflated:
		var err error
		if s.Capsule, err = inflate(e.Body, e.Size); err != nil {
			return Sealed{}, fmt.Errorf("capsule: envelope: %w", err)
		}
	default:
		return Sealed{}, fmt.Errorf("capsule: packing %d is not known to this version", e.Packing)
	}
	if len(s.Capsule) != e.Size {
		return Sealed{}, errors.New("capsule: envelope: the size is not that of the body")
	}
	return s, nil
}

// dictionary is what capsules have in common. It is frozen: another one needs
// another packing number.
//
//go:embed dictionary.bin
var dictionary []byte

// level of compression: 3 is where more time stops paying for a few kilobytes.
const level = 3

// deflaters are those at rest. One takes a megabyte and much longer to make
// than to use; so a few are kept for good, where a sync.Pool would lose them.
var deflaters = make(chan *flate.Writer, runtime.GOMAXPROCS(0))

func deflater() *flate.Writer {
	select {
	case w := <-deflaters:
		return w
	default:
	}
	w, err := flate.NewWriterDict(nil, level, dictionary)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}

func deflate(b []byte) ([]byte, error) {
	w := deflater()
	defer func() {
		select {
		case deflaters <- w:
		default:
		}
	}()
	var out bytes.Buffer
	out.Grow(len(b)/2 + 64)
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

var inflaters = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), dictionary) }}

// inflate unpacks at most size bytes: one more is an error, and memory grows
// only with what is really there.
func inflate(b []byte, size int) ([]byte, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b), dictionary); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(min(size, 64<<10))
	if _, err := io.Copy(&out, io.LimitReader(r, int64(size)+1)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
