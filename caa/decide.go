package caa

import (
	"fmt"
	"slices"
	"strings"
)

// Question is for whom and by what a permission is asked.
type Question struct {
	// Identities are the issuer domain names of the issuer (BR 4.2.2.1), in
	// lower case. None: nothing can be permitted or denied, only reported.
	Identities []string
	// Wildcard: a wildcard name is asked for, so issuewild speaks first.
	Wildcard bool
	// AccountURI is the applicant's, for accounturi (RFC 8657 section 3).
	AccountURI string
	// Methods are the labels, in lower case, that describe the method used,
	// for validationmethods (RFC 8657 section 4; BR 4.2.2.1.2).
	Methods []string
}

// Decision is what a CAA set says.
type Decision string

// The decisions. Only Permit allows anything.
const (
	Permit Decision = "permit"
	Deny   Decision = "deny"
	// Open: no identities were given, so the set can only be shown.
	Open Decision = "open"
)

// Ruling is a decision with the sentence that explains it.
type Ruling struct {
	Decision Decision
	Reason   string // one sentence without a full stop
}

// understood lists the tags whose meaning is known here, so that their
// critical flag is no obstacle. issuemail (RFC 9495) and issuevmc are known
// and speak of other certificates; contactemail and contactphone are those of
// BR Appendix A.1.
var understood = []string{"issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc"}

// critical reports the flag of RFC 8659 section 4.1. Bit 7, value 1, is taken
// for it too: it is a common slip for 128, and to be strict is the safe side.
func (r Record) critical() bool { return r.Flags&0x81 != 0 }

// Decide judges the relevant set (RFC 8659 section 4, RFC 8657), which may be
// empty. It is pure, and names are compared whole, by the grammar.
func Decide(set []Record, q Question) Ruling {
	for _, r := range set {
		if r.critical() && !slices.Contains(understood, strings.ToLower(r.Tag)) {
			return Ruling{Deny, fmt.Sprintf("the property %q is critical and not known here (RFC 8659 section 4.1)", shorten(r.Tag))}
		}
	}
	tag := "issue"
	if q.Wildcard && has(set, "issuewild") {
		tag = "issuewild"
	}
	if !has(set, tag) {
		return Ruling{Permit, "no " + tag + " property restricts who may issue"}
	}
	if len(q.Identities) == 0 {
		return Ruling{Open, "the " + tag + " properties name who may issue; no identity of ours is set to compare with"}
	}
	why := ""
	for _, r := range set {
		if !strings.EqualFold(r.Tag, tag) {
			continue
		}
		miss := q.satisfied(r.Value)
		if miss == "" {
			return Ruling{Permit, fmt.Sprintf("%s %q names us", tag, shorten(r.Value))}
		}
		// A record that names us says more than those that name others.
		if why == "" || strings.HasPrefix(miss, "names us") {
			why = fmt.Sprintf("%s %q %s", tag, shorten(r.Value), miss)
		}
	}
	return Ruling{Deny, why}
}

// satisfied says why a value does not authorize; "" if it does.
func (q *Question) satisfied(value string) string {
	p, ok := ParseIssue(value)
	switch {
	case !ok:
		return "does not follow the grammar and authorizes nobody (RFC 8659 section 4.2)"
	case p.Issuer == "":
		return "authorizes nobody"
	case !slices.ContainsFunc(q.Identities, func(id string) bool { return strings.EqualFold(id, p.Issuer) }):
		return "names another issuer"
	}
	if uri, n := p.Get("accounturi"); n > 1 {
		return "names us, but has accounturi more than once (RFC 8657 section 3)"
	} else if n == 1 && (q.AccountURI == "" || uri != q.AccountURI) {
		return "names us, but for another account (RFC 8657 section 3)"
	}
	methods, n := p.Get("validationmethods")
	if n > 1 {
		return "names us, but has validationmethods more than once (RFC 8657 section 4)"
	}
	if n == 1 {
		labels, ok := methodLabels(methods)
		if !ok {
			return "names us, but its validationmethods does not follow the grammar (RFC 8657 section 4)"
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(q.Methods, l) }) {
			return "names us, but not for this method (RFC 8657 section 4)"
		}
	}
	return ""
}

func has(set []Record, tag string) bool {
	return slices.ContainsFunc(set, func(r Record) bool { return strings.EqualFold(r.Tag, tag) })
}

// Failure is a CAA look-up that gave no answer.
type Failure struct {
	// Ours: the fault lies in our own systems.
	Ours bool
	// Retried: it was asked again at least once.
	Retried bool
	// Insecure: a validated absence of DS at a cut on the path shows that the
	// zone is not signed (RFC 4035 section 4.3). An error shows nothing.
	Insecure bool
	// What failed, in words.
	What string
}

// DecideFailure judges a look-up that failed (BR 4.2.2.1). Permission needs
// all of: a fault that is not ours, a second try, and a zone proven to be
// unsigned; and the issuer's policy to use that exception, lenient. Anything
// else denies.
func DecideFailure(f Failure, lenient bool) Ruling {
	switch {
	case f.Ours:
		return Ruling{Deny, f.What + ", which is a failure of our own"}
	case !f.Insecure:
		return Ruling{Deny, f.What + ", and the zone is not proven to be unsigned"}
	case !f.Retried:
		return Ruling{Deny, f.What + ", and it was not asked again"}
	case !lenient:
		return Ruling{Deny, f.What + "; the zone is unsigned, but a failed look-up is not taken for a permission here"}
	}
	return Ruling{Permit, f.What + ", twice, and the zone is proven to be unsigned"}
}

// shorten bounds a stranger's text for a sentence; %q escapes the rest.
func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
