package caa

import (
	"strings"
	"testing"

	"deed/dcv"
)

func TestContactAddress(t *testing.T) {
	for _, row := range []struct {
		name, value string
		ok          bool
	}{
		{"one bare address", "dcv@example.com", true},
		{"RFC 6532: letters beyond ASCII", "prüfung@example.com", true},
		{"E5: no mailto", "mailto:dcv@example.com", false},
		{"E5: no display name", "DCV <dcv@example.com>", false},
		{"E5: no angle brackets", "<dcv@example.com>", false},
		{"E5: no padding", " dcv@example.com", false},
		{"E5: no padding behind", "dcv@example.com ", false},
		{"E5: one address only", "a@example.com,b@example.com", false},
		{"no comment", "dcv(x)@example.com", false},
		{"a header cannot be slipped in", "dcv@example.com\r\nBcc: x@example.net", false},
		{"no host", "dcv@", false},
		{"a host without a dot", "dcv@localhost", false},
		{"an address literal", "dcv@[127.0.0.1]", false},
		{"too long", strings.Repeat("a", 65) + "@example.com", false},
		{"nothing", "", false},
	} {
		if got, ok := ContactAddress(row.value); ok != row.ok || (ok && got != row.value) {
			t.Errorf("%s: %q, %v", row.name, got, ok)
		}
	}
}

func TestContactsIgnoresOtherTags(t *testing.T) {
	got := Contacts([]Record{{0, "issue", "ca.example"}, {128, "ContactEmail", "a@example.com"}, {0, "contactemail", "mailto:b@example.com"}, {0, "contactphone", "+1"}})
	if len(got) != 1 || got[0] != "a@example.com" {
		t.Errorf("%v", got)
	}
}

func TestClimbEndsWithTheTLD(t *testing.T) {
	got := Climb(dcv.MustName("*.a.example.co.uk"))
	if len(got) != 4 || got[0].String() != "a.example.co.uk" || got[3].String() != "uk" {
		t.Errorf("%v", got)
	}
}

func FuzzContactAddress(f *testing.F) {
	f.Add("dcv@example.com")
	f.Add("\"a b\"@example.com")
	f.Fuzz(func(t *testing.T, v string) {
		if a, ok := ContactAddress(v); ok && (a != v || strings.ContainsAny(a, "\r\n\x00 <>,") || strings.Count(a, "@") != 1) {
			t.Errorf("%q", a)
		}
	})
}
