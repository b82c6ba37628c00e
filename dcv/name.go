package dcv

import (
	"errors"
	"strings"
)

// Limits of a name in text form (RFC 1035 section 2.3.4, RFC 5890).
const (
	MaxName  = 253 // octets, without the final dot
	MaxLabel = 63  // octets
)

// Name is a normalised domain name: lower-case A-labels joined by dots, no
// final dot, optionally with one leading "*." (BR 1.6.1 "Wildcard Domain
// Name"). The zero Name is no name.
//
// People's input becomes a Name in package names only; a Name is never
// normalised again.
type Name struct{ s string }

// ErrName is returned by NameOf for text that is not in normal form.
var ErrName = errors.New("dcv: not a normalised domain name")

// NameOf takes text that is already in normal form: letters, digits and
// hyphens in lower case, BR 7.1.2.7.12. It changes nothing; anything else is
// ErrName. Use package names for what a person typed.
func NameOf(s string) (Name, error) {
	base := strings.TrimPrefix(s, "*.")
	if !hostname(base) {
		return Name{}, ErrName
	}
	return Name{s}, nil
}

// MustName is NameOf for constants in tables and tests.
func MustName(s string) Name {
	n, err := NameOf(s)
	if err != nil {
		panic(err.Error() + ": " + s)
	}
	return n
}

func hostname(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			c := s[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
			continue
		}
		label := s[start:i]
		if label == "" || len(label) > MaxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		start = i + 1
	}
	return true
}

// String is the name as stored and compared, "*." included.
func (n Name) String() string { return n.s }

// IsZero reports whether n is no name.
func (n Name) IsZero() bool { return n.s == "" }

// Wildcard reports whether the name starts with "*.".
func (n Name) Wildcard() bool { return strings.HasPrefix(n.s, "*.") }

// Base is the name without a leading "*.".
func (n Name) Base() Name { return Name{strings.TrimPrefix(n.s, "*.")} }

// Parent drops the left-most label. The parent of a single label is the zero
// Name. "*." counts as a label.
func (n Name) Parent() Name {
	_, rest, _ := strings.Cut(n.s, ".")
	return Name{rest}
}

// Labels counts the labels, "*" included.
func (n Name) Labels() int {
	if n.s == "" {
		return 0
	}
	return strings.Count(n.s, ".") + 1
}

// Within reports whether n is other or lies below it. Both are compared
// without "*.": a wildcard lies within its own base.
func (n Name) Within(other Name) bool {
	a, b := n.Base().s, other.Base().s
	if b == "" {
		return false
	}
	return a == b || (len(a) > len(b) && strings.HasSuffix(a, b) && a[len(a)-len(b)-1] == '.')
}

// MarshalText makes a Name its text in JSON, CBOR keys and logs.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.s), nil }

// UnmarshalText accepts what MarshalText made, and the empty text as the zero
// Name; anything else is ErrName.
func (n *Name) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*n = Name{}
		return nil
	}
	m, err := NameOf(string(b))
	if err == nil {
		*n = m
	}
	return err
}
