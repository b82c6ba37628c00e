// Package names turns what a person typed into a dcv.Name, once, before
// anything else looks at it; or refuses it and names the rule it breaks. It
// also knows the public suffix list, and so the base domain name.
package names

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/weppos/publicsuffix-go/publicsuffix"
	"golang.org/x/net/idna"

	"deed/dcv"
	"deed/rules"
)

// Refusal says why a text is not accepted as a name. It is an error of the
// caller's, never ours.
type Refusal struct {
	Code    string // stable, "name_…"
	Rule    string // the rule broken, such as "BR 4.2.2"
	Message string // one sentence
}

func (r *Refusal) Error() string { return r.Message + " (" + r.Rule + ")" }

func refuse(code, rule, message string, args ...any) (dcv.Name, error) {
	return dcv.Name{}, &Refusal{code, rule, fmt.Sprintf(message, args...)}
}

// maxInput bounds what is looked at: a name of 253 octets typed in the widest
// form, with room to spare.
const maxInput = 1024

// maxList bounds a public suffix list read from a file; the real one has 330 KiB.
const maxList = 8 << 20

// Names normalises. Safe for concurrent use, also with Reload.
type Names struct {
	list atomic.Pointer[list]
}

type list struct {
	psl  *publicsuffix.List
	date time.Time
}

// New uses the list embedded in this build.
func New() (*Names, error) {
	date, err := listDate(publicsuffix.ListVersion)
	if err != nil {
		return nil, fmt.Errorf("names: embedded public suffix list: %w", err)
	}
	n := &Names{}
	n.list.Store(&list{publicsuffix.DefaultList, date})
	return n, nil
}

var parenthesised = regexp.MustCompile(`\(([^)]+)\)`)

func listDate(version string) (time.Time, error) {
	m := parenthesised.FindStringSubmatch(version)
	if m == nil {
		return time.Time{}, fmt.Errorf("no date in %q", version)
	}
	return time.Parse("Mon Jan _2 15:04:05 2006", m[1])
}

// Reload takes the list from a file in the format of publicsuffix.org, while
// others go on using the old one. The file's date is its "VERSION:" line, else
// its modification time.
func (n *Names) Reload(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("names: %w", err)
	}
	if info.Size() > maxList {
		return fmt.Errorf("names: %s is larger than any public suffix list", path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("names: %w", err)
	}
	psl, err := publicsuffix.NewListFromString(string(src), &publicsuffix.ParserOption{PrivateDomains: false, ASCIIEncoded: false})
	if err != nil {
		return fmt.Errorf("names: %s: %w", path, err)
	}
	if psl.Size() < 1000 || psl.Find("com", icann) == nil {
		return fmt.Errorf("names: %s holds no complete public suffix list", path)
	}
	date := info.ModTime().UTC()
	if _, rest, ok := strings.Cut(string(src[:min(len(src), 4096)]), "VERSION: "); ok {
		if d, err := time.Parse("2006-01-02_15-04-05_UTC", strings.Fields(rest + " ")[0]); err == nil {
			date = d
		}
	}
	n.list.Store(&list{psl, date})
	return nil
}

// ListDate is the date of the list in use.
func (n *Names) ListDate() time.Time { return n.list.Load().date }

// icann uses the ICANN section only (BR 3.2.2.6) and no default rule: a name
// under no rule has no known registry.
var icann = &publicsuffix.FindOptions{IgnorePrivate: true}

// profile is IDNA2008 with the mapping of UTS #46, non-transitional: ß and ς
// stay themselves.
var profile = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.BidiRule(),
	idna.ValidateLabels(true),
	idna.CheckHyphens(true),
	idna.CheckJoiners(true),
	idna.VerifyDNSLength(false), // lengths are refused here, by their own rules
)

// Normalise makes a name of what a person typed: one final dot is dropped,
// U-labels become A-labels, letters become lower case. The error is always a
// *Refusal.
func (n *Names) Normalise(input string) (dcv.Name, error) {
	if len(input) > maxInput {
		return refuse("name_too_long", "RFC 1035 section 2.3.4", "the name is longer than %d octets", dcv.MaxName)
	}
	if input == "" || input == "." {
		return refuse("name_empty", "RFC 1035", "the name is empty")
	}
	if r := badCharacter(input); r != nil {
		return dcv.Name{}, r
	}
	s := strings.TrimSuffix(input, ".")
	wildcard := false
	if rest, ok := strings.CutPrefix(s, "*."); ok {
		wildcard, s = true, rest
	}
	if strings.Contains(s, "*") {
		return refuse("name_wildcard", "BR 1.6.1", "an asterisk may stand only alone and once, as the left-most label")
	}
	if isAddress(s) {
		return refuse("name_ip_address", "BR 4.2.2", "%q is an IP address, not a domain name", s)
	}
	if strings.Contains(s, "_") {
		return refuse("name_underscore", "BR 7.1.2.7.12", "an underscore is not allowed in a domain name to be proven")
	}
	if r := labels(s); r != nil {
		return dcv.Name{}, r
	}
	ascii, err := profile.ToASCII(s)
	if err != nil {
		return refuse("name_idna", "RFC 5891", "the name is not valid under IDNA2008")
	}
	if u, err := profile.ToUnicode(ascii); err != nil || !pvalid(u) {
		return refuse("name_idna", "RFC 5892", "the name holds a character that IDNA2008 does not allow")
	}
	// Mapping can make dots (U+3002), nothing, or new characters: look again.
	if r := labels(ascii); r != nil {
		return dcv.Name{}, r
	}
	if len(ascii) > dcv.MaxName || (wildcard && len(ascii)+2 > dcv.MaxName) {
		return refuse("name_too_long", "RFC 1035 section 2.3.4", "the name is longer than %d octets", dcv.MaxName)
	}
	if isAddress(ascii) {
		return refuse("name_ip_address", "BR 4.2.2", "%q is an IP address, not a domain name", ascii)
	}
	name, err := dcv.NameOf(ascii)
	if err != nil {
		return refuse("name_character", "BR 7.1.2.7.12", "the name holds characters other than letters, digits and hyphens")
	}
	if r := n.registry(name, wildcard); r != nil {
		return dcv.Name{}, r
	}
	if wildcard {
		name, err = dcv.NameOf("*." + ascii)
		if err != nil {
			return refuse("name_character", "BR 7.1.2.7.12", "the name is not well formed")
		}
	}
	return name, nil
}

// badCharacter refuses what shows that the text is something else than a name.
func badCharacter(s string) *Refusal {
	bad := func(code, rule, msg string) *Refusal { return &Refusal{code, rule, msg} }
	for _, c := range s {
		switch {
		case c == 0:
			return bad("name_nul", "BR 7.1.2.7.12", "the name holds a NUL character")
		case c < 0x20 || (c >= 0x7f && c < 0xa0):
			return bad("name_control", "BR 7.1.2.7.12", "the name holds a control character")
		case c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 || c == 0x3000 || c == 0xfeff:
			return bad("name_space", "BR 7.1.2.7.12", "the name holds white space")
		case c == 0xfffd:
			return bad("name_encoding", "RFC 5891", "the name is not valid UTF-8")
		case c == '/' || c == ':' || c == '@' || c == '?' || c == '#' || c == '\\':
			if isAddress(strings.TrimSuffix(strings.TrimPrefix(s, "*."), ".")) {
				return bad("name_ip_address", "BR 4.2.2", "the text is an IP address, not a domain name")
			}
			return bad("name_not_a_name", "BR 7.1.2.7.12", "the text is a URL, an e-mail address or a path; give the domain name alone")
		case c == '%':
			return bad("name_not_a_name", "BR 7.1.2.7.12", "the name is percent-encoded; give it as it is")
		}
	}
	return nil
}

// labels refuses broken label structure in text that may still be Unicode.
func labels(s string) *Refusal {
	bad := func(code, rule, msg string, args ...any) *Refusal {
		return &Refusal{code, rule, fmt.Sprintf(msg, args...)}
	}
	for _, l := range strings.Split(s, ".") {
		switch {
		case l == "":
			return bad("name_empty_label", "RFC 1035 section 2.3.1", "the name has an empty label")
		case len(l) > dcv.MaxLabel && isASCII(l):
			return bad("name_label_too_long", "RFC 1035 section 2.3.4", "a label is longer than %d octets", dcv.MaxLabel)
		case l[0] == '-' || l[len(l)-1] == '-':
			return bad("name_hyphen", "BR 7.1.2.7.12", "a label starts or ends with a hyphen")
		case len(l) >= 4 && l[2:4] == "--" && !strings.EqualFold(l[:2], "xn"):
			return bad("name_reserved_label", "BR 7.1.2.7.12", "a label has hyphens in third and fourth place and is no A-label")
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// pvalid reports whether every character is allowed by IDNA2008 (RFC 5892
// section 2: letters, digits and marks, with its exceptions). UTS #46, which
// the library follows, also lets symbols through, emoji among them.
func pvalid(s string) bool {
	for _, c := range s {
		switch {
		case c == '-' || c == '.', unicode.IsLetter(c), unicode.IsMark(c), unicode.Is(unicode.Nd, c):
		case c == 0xb7, c == 0x375, c == 0x5f3, c == 0x5f4, c == 0x6fd, c == 0x6fe, c == 0xf0b, c == 0x3007, c == 0x30fb, c == 0x200c, c == 0x200d:
			// Exceptions (F) and the joiners, whose context the library checks.
		default:
			return false
		}
	}
	return true
}

// isAddress reports whether s is an IP address in any spelling that some
// resolver or URL parser would take for one: dotted, bracketed, hexadecimal,
// octal or shortened. A right-most label of digits only, or "0x…", is never a
// TLD (WHATWG URL "ends in a number").
func isAddress(s string) bool {
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return true
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	if last == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// registry refuses names that no registry stands over, or that are one.
func (n *Names) registry(name dcv.Name, wildcard bool) *Refusal {
	s := name.String()
	bad := func(code, rule, msg string, args ...any) *Refusal {
		return &Refusal{code, rule, fmt.Sprintf(msg, args...)}
	}
	in := func(zone string) bool { return s == zone || strings.HasSuffix(s, "."+zone) }
	switch {
	case slices.ContainsFunc(rules.ReverseZones(), in):
		return bad("name_reverse", "BR 4.2.2", "names of the reverse zones cannot be proven")
	case in("onion"):
		return bad("name_onion", "BR Appendix B", "onion names cannot be proven here")
	}
	rule := n.list.Load().psl.Find(s, icann)
	tld := s[strings.LastIndexByte(s, '.')+1:]
	if rule == nil {
		if !strings.Contains(s, ".") {
			return bad("name_single_label", "BR 4.2.2", "%q is a single label, an internal name", s)
		}
		return bad("name_internal", "BR 4.2.2", "%q is an internal name: there is no top-level domain %q", s, tld)
	}
	if _, ok := n.base(name); !ok {
		if wildcard {
			return bad("name_wildcard_public_suffix", "BR 3.2.2.6", "*.%s would cover a public suffix", s)
		}
		if !strings.Contains(s, ".") {
			return bad("name_single_label", "BR 4.2.2", "%q is a single label", s)
		}
		return bad("name_public_suffix", "BR 3.2.2.6", "%q is a public suffix, not a registered domain", s)
	}
	return nil
}

// base is the base domain name of a name without "*.".
func (n *Names) base(name dcv.Name) (dcv.Name, bool) {
	s := name.String()
	rule := n.list.Load().psl.Find(s, icann)
	if rule == nil {
		return dcv.Name{}, false
	}
	parts := rule.Decompose(s)
	if parts[1] == "" || parts[0] == "" {
		return dcv.Name{}, false
	}
	label := parts[0][strings.LastIndexByte(parts[0], '.')+1:]
	b, err := dcv.NameOf(label + "." + parts[1])
	return b, err == nil
}

// BaseDomain is the base domain name (BR 1.6.1): one label and the public
// suffix. It is false for a public suffix itself and for names under no known
// registry.
func (n *Names) BaseDomain(name dcv.Name) (dcv.Name, bool) { return n.base(name.Base()) }

// Unicode is the function Unicode.
func (n *Names) Unicode(name dcv.Name) string { return Unicode(name) }

// Unicode shows a name to people: A-labels that are valid become U-labels.
func Unicode(name dcv.Name) string {
	u, err := idna.Display.ToUnicode(name.Base().String())
	if err != nil {
		u = name.Base().String()
	}
	if name.Wildcard() {
		return "*." + u
	}
	return u
}
