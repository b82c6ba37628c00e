package dnssec

import (
	"strings"

	"github.com/miekg/dns"
)

// sortable turns a name into a string whose byte order is the canonical order
// of names (RFC 4034 section 6.1): labels from the right, each ended by a zero
// octet, letters in lower case. A name lies below another exactly if the
// other's string is a prefix of its own. ok is false for what is no name.
func sortable(name string) (s string, ok bool) {
	var wire [255]byte
	n, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil {
		return "", false
	}
	var starts [128]int
	labels := 0
	for i := 0; i < n && wire[i] != 0; i += 1 + int(wire[i]) {
		if labels == len(starts) {
			return "", false
		}
		starts[labels] = i
		labels++
	}
	b := make([]byte, 0, n+8)
	for l := labels - 1; l >= 0; l-- {
		at := starts[l]
		for _, c := range wire[at+1 : at+1+int(wire[at])] {
			switch {
			case c <= 1: // keep 0 free for the end of a label
				b = append(b, 1, c+1)
			case c >= 'A' && c <= 'Z':
				b = append(b, c+'a'-'A')
			default:
				b = append(b, c)
			}
		}
		b = append(b, 0)
	}
	return string(b), true
}

// below reports whether the sortable name child is parent or lies under it.
func below(child, parent string) bool { return strings.HasPrefix(child, parent) }

// count of labels of a sortable name.
func count(s string) int { return strings.Count(s, "\x00") }

// first gives the n rightmost labels of a sortable name.
func first(s string, n int) string {
	at := 0
	for range n {
		i := strings.IndexByte(s[at:], 0)
		if i < 0 {
			return s
		}
		at += i + 1
	}
	return s[:at]
}

// common gives the nearest common ancestor of two sortable names.
func common(a, b string) string {
	last := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == 0 {
			last = i + 1
		}
	}
	return a[:last]
}

// rightmost gives the n rightmost labels of a name as written.
func rightmost(name string, n int) string {
	at := dns.Split(name)
	if n <= 0 || len(at) == 0 {
		return "."
	}
	if n >= len(at) {
		return name
	}
	return name[at[len(at)-n]:]
}

// SameName compares two names as the DNS does: without regard to the case of
// ASCII letters.
func SameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// shown is a name for people, and for a question: in lower case, as servers
// may repeat names in another, and without the final dot, except the root's.
func shown(name string) string {
	if name == "." {
		return name
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
