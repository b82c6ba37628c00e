// Package caa reads Certification Authority Authorization records (RFC 8659)
// and decides from them. It asks nothing of the network.
package caa

import (
	"net/mail"
	"strings"

	"deed/dcv"
)

// Record is one CAA record.
type Record struct {
	Flags uint8
	Tag   string
	Value string
}

// Climb lists the names whose CAA set is asked for, in order: the name and its
// parents up to and including the top-level domain (RFC 8659 section 3). The
// first set that is not empty is the relevant one.
func Climb(name dcv.Name) []dcv.Name {
	var names []dcv.Name
	for n := name.Base(); !n.IsZero(); n = n.Parent() {
		names = append(names, n)
	}
	return names
}

// maxContacts bounds the addresses that one set may name.
const maxContacts = 10

// Contacts gives the addresses of the contactemail properties of the relevant
// set (BR Appendix A.1.1). A value that is not one bare address is passed over.
func Contacts(set []Record) []string {
	var list []string
	for _, r := range set {
		if !strings.EqualFold(r.Tag, "contactemail") || len(list) == maxContacts {
			continue
		}
		if a, ok := ContactAddress(r.Value); ok {
			list = append(list, a)
		}
	}
	return list
}

// ContactAddress reads a contact record's value: the whole of it must be one
// address (RFC 6532), without "mailto:", display name, comment or padding
// (BR Appendix A.1.1 and A.2.1).
func ContactAddress(value string) (string, bool) {
	if len(value) == 0 || len(value) > 254 {
		return "", false
	}
	for _, c := range value {
		// A quoted local part could hold these; no mail is sent to one.
		if c <= ' ' || c == 0x7f || strings.ContainsRune(`<>()[]\,;:"`, c) || c == 0xfffd {
			return "", false
		}
	}
	a, err := mail.ParseAddress(value)
	if err != nil || a.Name != "" || a.Address != value {
		return "", false
	}
	local, host, _ := strings.Cut(value, "@")
	return value, len(local) <= 64 && strings.Contains(host, ".") && !strings.HasSuffix(host, ".")
}
