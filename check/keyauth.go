package check

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"deed/dcv"
)

// KeyAuthorization is what the caller of an ACME method supplied (RFC 8555
// section 8.1): a token, a dot, and the thumbprint of the account's key.
type KeyAuthorization struct {
	Token      string // base64url without padding
	Thumbprint string // base64url of a SHA-256 digest (RFC 7638)
}

// Bounds of an ACME token, in characters: 22 of base64url can hold the 128
// bits that RFC 8555 section 8 demands; 128 is far more than any issuer uses.
const (
	minToken      = 22
	maxToken      = 128
	thumbprintLen = 43
)

// ParseKeyAuthorization reads a key authorization by its grammar, the whole of
// it or nothing.
func ParseKeyAuthorization(s string) (KeyAuthorization, bool) {
	token, print, ok := strings.Cut(s, ".")
	if !ok || len(token) < minToken || len(token) > maxToken || len(print) != thumbprintLen {
		return KeyAuthorization{}, false
	}
	for i := range len(token) {
		if !wordByte(token[i]) {
			return KeyAuthorization{}, false
		}
	}
	// Strict: the last character may carry no bits beyond the digest, so that a
	// digest has one spelling.
	if b, err := base64.RawURLEncoding.Strict().DecodeString(print); err != nil || len(b) != sha256.Size {
		return KeyAuthorization{}, false
	}
	return KeyAuthorization{token, print}, true
}

func (k KeyAuthorization) String() string { return k.Token + "." + k.Thumbprint }

// Digest is SHA-256 of the key authorization: what tls-alpn-01 carries.
func (k KeyAuthorization) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(k.String())) }

// TXT is the digest as the DNS methods publish it (RFC 8555 section 8.4).
func (k KeyAuthorization) TXT() string {
	d := k.Digest()
	return base64.RawURLEncoding.EncodeToString(d[:])
}

// keyOf is the challenge's key authorization. It must be that of the value
// whose life was checked; a problem otherwise.
func keyOf(ch *dcv.Challenge) (KeyAuthorization, *dcv.Problem) {
	if ch.KeyAuthorization == "" {
		return KeyAuthorization{}, dcv.NewProblem(dcv.KeyAuthMissing, "The method %s needs the key authorization of the ACME challenge, and none was given.", ch.Method)
	}
	k, ok := ParseKeyAuthorization(ch.KeyAuthorization)
	if !ok || len(ch.Values) == 0 || !ch.Values[0].Equal(k.Token) {
		return k, dcv.NewProblem(dcv.KeyAuthMissing, "What was given is no key authorization: a token of at least %d base64url characters, a dot, and a SHA-256 thumbprint of %d.", minToken, thumbprintLen)
	}
	return k, nil
}

// same compares in constant time for equal lengths.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
