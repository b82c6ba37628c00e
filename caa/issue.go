package caa

import (
	"strings"
)

// Parameter is one tag=value of an issue property (RFC 8659 section 4.2).
// Tag is in lower case, Value as it stands.
type Parameter struct{ Tag, Value string }

// Issue is a parsed value of an issue or issuewild property, or of a
// persistent validation record (BR 3.2.2.4.22), which has the same syntax.
type Issue struct {
	// Issuer is the issuer domain name in lower case; "" authorizes nobody.
	Issuer     string
	Parameters []Parameter
}

// maxIssue bounds a value that is parsed, in octets. The records of an answer
// that was cut to this size could not be told from whole ones, so a longer
// value is refused, not shortened.
const maxIssue = 4096

// ParseIssue reads an issue value by the grammar of RFC 8659 section 4.2, the
// whole of it or nothing: false where one octet does not fit. By that section
// a property whose value does not fit authorizes nobody.
func ParseIssue(value string) (Issue, bool) {
	if len(value) > maxIssue {
		return Issue{}, false
	}
	name, rest, has := strings.Cut(value, ";")
	out := Issue{Issuer: strings.ToLower(blanks(name))}
	if out.Issuer != "" && !issuerName(out.Issuer) {
		return Issue{}, false
	}
	if !has || blanks(rest) == "" {
		return out, true
	}
	// parameters = (parameter *WSP ";" *WSP parameters) / parameter: a
	// semicolon stands between two parameters, never behind the last.
	for _, part := range strings.Split(rest, ";") {
		tag, v, ok := strings.Cut(part, "=")
		tag, v = blanks(tag), blanks(v)
		if !ok || !ldh(tag) || !printing(v) {
			return Issue{}, false
		}
		out.Parameters = append(out.Parameters, Parameter{strings.ToLower(tag), v})
	}
	return out, true
}

// Get gives a parameter's value and how often it stands there; tag is in lower
// case. A caller that relies on it must see that n is 1.
func (i *Issue) Get(tag string) (value string, n int) {
	for _, p := range i.Parameters {
		if p.Tag == tag {
			value = p.Value
			n++
		}
	}
	return value, n
}

// blanks takes away the white space that the grammar allows: space and tab.
func blanks(s string) string { return strings.Trim(s, " \t") }

// issuerName is label *("." label), every label by ldh.
func issuerName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, l := range strings.Split(s, ".") {
		if len(l) > 63 || !ldh(l) {
			return false
		}
	}
	return true
}

// ldh is (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)).
func ldh(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !alnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func alnum(c byte) bool {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

// printing is *(%x21-3A / %x3C-7E).
func printing(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ';' {
			return false
		}
	}
	return true
}

// methodLabels reads the value of validationmethods (RFC 8657 section 4):
// [*(label ",") label]. The empty value is well formed and names no method.
func methodLabels(value string) ([]string, bool) {
	if value == "" {
		return nil, true
	}
	list := strings.Split(value, ",")
	for i, l := range list {
		if l == "" {
			return nil, false
		}
		for j := range len(l) {
			if !alnum(l[j]) && l[j] != '-' {
				return nil, false
			}
		}
		list[i] = strings.ToLower(l)
	}
	return list, true
}
