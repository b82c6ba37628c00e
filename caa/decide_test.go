package caa

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseIssue(t *testing.T) {
	for _, row := range []struct {
		name, value string
		ok          bool
		issuer      string
		parameters  int
	}{
		{"RFC 8659 4.2: an issuer alone", "ca1.example.net", true, "ca1.example.net", 0},
		{"RFC 8659 4.2: an empty value", "", true, "", 0},
		{"RFC 8659 4.2: the semicolon alone", ";", true, "", 0},
		{"RFC 8659 4.2: a semicolon with blanks", " \t; \t", true, "", 0},
		{"RFC 8659 4.3: an issuer and a parameter", "ca1.example.net; account=230123", true, "ca1.example.net", 1},
		{"RFC 8659 4.2: an issuer and a bare semicolon", "ca1.example.net;", true, "ca1.example.net", 0},
		{"RFC 8659 4.2: two parameters", "ca.example;a=b;c=d", true, "ca.example", 2},
		{"RFC 8659 4.2: blanks around everything", "\tca.example \t; a\t= b ;\tc =d ", true, "ca.example", 2},
		{"RFC 8659 4.2: an empty parameter value", "ca.example; a=", true, "ca.example", 1},
		{"RFC 8659 4.2: a value may hold an equals sign", "ca.example; a=b=c", true, "ca.example", 1},
		{"RFC 8659 4.2: parameters without an issuer", "; a=b", true, "", 1},
		{"letters of names are compared without case", "CA.Example", true, "ca.example", 0},
		{"RFC 8659 4.2: no semicolon behind the last parameter", "ca.example; a=b;", false, "", 0},
		{"RFC 8659 4.2: a parameter needs an equals sign", "ca.example; policy", false, "", 0},
		{"RFC 8659 4.4: the malformed sample", "%%%%%", false, "", 0},
		{"a final dot is no label", "ca.example.", false, "", 0},
		{"an empty label", "ca..example", false, "", 0},
		{"a label that ends with a hyphen", "ca-.example", false, "", 0},
		{"an underscore is no letter of a label", "_ca.example", false, "", 0},
		{"two names", "ca.example ca2.example", false, "", 0},
		{"a comma is no separator", "ca.example, ca2.example", false, "", 0},
		{"a tag with a blank", "ca.example; a b=c", false, "", 0},
		{"a blank inside a value", "ca.example; a=b c", false, "", 0},
		{"a control character inside a value", "ca.example; a=b\x01", false, "", 0},
		{"a line feed is not white space of the grammar", "ca.example\n", false, "", 0},
		{"NUL ends nothing", "ca.example\x00.evil.example", false, "", 0},
		{"a letter beyond ASCII", "cä.example", false, "", 0},
		{"a label of 64 octets", strings.Repeat("a", 64) + ".example", false, "", 0},
		{"more than is ever parsed", "ca.example; a=" + strings.Repeat("b", maxIssue), false, "", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := ParseIssue(row.value)
			if ok != row.ok || got.Issuer != row.issuer || len(got.Parameters) != row.parameters {
				t.Errorf("%+v, %v", got, ok)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	issue := func(v string) Record { return Record{0, "issue", v} }
	wild := func(v string) Record { return Record{0, "issuewild", v} }
	const account = "acct:7@ca.example"
	for _, row := range []struct {
		name     string
		set      []Record
		wildcard bool
		want     Decision
	}{
		{"RFC 8659 3: an empty set restricts nobody", nil, false, Permit},
		{"RFC 8659 4.2: our name permits", []Record{issue("ca.example")}, false, Permit},
		{"RFC 8659 4.2: another name denies", []Record{issue("other.example")}, false, Deny},
		{"C3: one of several permits", []Record{issue("other.example"), issue("ca.example")}, false, Permit},
		{"RFC 8659 4.2: the semicolon denies", []Record{issue(";")}, false, Deny},
		{"C2: a value that does not parse denies", []Record{issue("ca.example;;")}, false, Deny},
		{"C2: a value that does not parse beside ours does not forbid ours", []Record{issue("%%%"), issue("ca.example")}, false, Permit},
		{"RFC 8659 4.1: tags are compared without case", []Record{{0, "ISSUE", "other.example"}}, false, Deny},
		{"RFC 8659 4.3: issuewild is nothing to a plain name", []Record{wild("other.example")}, false, Permit},
		{"C3: issuewild denies the wildcard though issue permits", []Record{issue("ca.example"), wild(";")}, true, Deny},
		{"C3: issuewild permits the wildcard though issue denies", []Record{issue("other.example"), wild("ca.example")}, true, Permit},
		{"C3: without issuewild, issue speaks for the wildcard", []Record{issue("other.example")}, true, Deny},
		{"RFC 8659 4.4: iodef alone restricts nobody", []Record{{0, "iodef", "mailto:a@example.com"}}, false, Permit},
		{"RFC 8659 4.1: an unknown property is passed over", []Record{{0, "future", "x"}}, false, Permit},
		{"RFC 8659 4.1: an unknown critical property denies", []Record{issue("ca.example"), {128, "future", "x"}}, false, Deny},
		{"a flag of 1, the common slip, is taken for critical", []Record{{1, "future", "x"}}, false, Deny},
		{"RFC 8659 4.1: other flags are reserved and mean nothing", []Record{{64, "future", "x"}}, false, Permit},
		{"a critical property that is known is no obstacle", []Record{{128, "issue", "ca.example"}}, false, Permit},
		{"E5: contactemail may be critical", []Record{{128, "contactemail", "a@example.com"}}, false, Permit},
		{"RFC 9495: issuemail is nothing to a host", []Record{{128, "issuemail", ";"}}, false, Permit},
		{"RFC 8657 3: our account permits", []Record{issue("ca.example; accounturi=" + account)}, false, Permit},
		{"RFC 8657 3: another account denies", []Record{issue("ca.example; accounturi=acct:8@ca.example")}, false, Deny},
		{"RFC 8657 3: accounts are compared letter by letter", []Record{issue("ca.example; accounturi=ACCT:7@ca.example")}, false, Deny},
		{"RFC 8657 3: twice denies, though both are ours", []Record{issue("ca.example; accounturi=" + account + "; accounturi=" + account)}, false, Deny},
		{"RFC 8657 3: an empty account denies", []Record{issue("ca.example; accounturi=")}, false, Deny},
		{"RFC 8657 3: the parameter's name is compared without case", []Record{issue("ca.example; AccountURI=acct:8@ca.example")}, false, Deny},
		{"RFC 8657 4: our method permits", []Record{issue("ca.example; validationmethods=http-01,ca-tbr-7")}, false, Permit},
		{"RFC 8657 4: the ACME label of the same mechanism permits", []Record{issue("ca.example; validationmethods=dns-01")}, false, Permit},
		{"RFC 8657 4: another method denies", []Record{issue("ca.example; validationmethods=http-01")}, false, Deny},
		{"RFC 8657 4: an empty list denies", []Record{issue("ca.example; validationmethods=")}, false, Deny},
		{"RFC 8657 4: an empty element is malformed", []Record{issue("ca.example; validationmethods=dns-01,,http-01")}, false, Deny},
		{"RFC 8657 4: twice denies", []Record{issue("ca.example; validationmethods=dns-01; validationmethods=dns-01")}, false, Deny},
		{"RFC 8657 4: labels unknown to us are passed over", []Record{issue("ca.example; validationmethods=x-new,dns-01")}, false, Permit},
		{"a parameter of another issuer's does not matter", []Record{issue("other.example; accounturi=x"), issue("ca.example")}, false, Permit},
		{"an unknown parameter is the issuer's own affair", []Record{issue("ca.example; account=230123")}, false, Permit},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := Question{Identities: []string{"ca.example"}, Wildcard: row.wildcard, AccountURI: account, Methods: []string{"ca-tbr-7", "dns-01"}}
			got := Decide(row.set, q)
			if got.Decision != row.want || got.Reason == "" {
				t.Errorf("%+v", got)
			}
			q.Identities = nil
			if got := Decide(row.set, q); got.Decision == Permit && row.want == Deny {
				t.Errorf("without identities: %+v", got)
			}
		})
	}
}

// The incident: an issuer name that only holds another as a part was taken for it.
func TestIncidentCAAMatchedAsASubstring(t *testing.T) {
	for _, v := range []string{
		"notca.example", "ca.example.net", "xca.example", "ca.example-not", "sub.ca.example", "example", "other.example; x=ca.example", "ca.example.", "ca,example", "ca.exampl",
		"; ca.example=1", "other.example ca.example", "ca.example\x00",
	} {
		if got := Decide([]Record{{0, "issue", v}}, Question{Identities: []string{"ca.example"}}); got.Decision != Deny {
			t.Errorf("%q: %+v", v, got)
		}
	}
}

func TestDecideFailure(t *testing.T) {
	for _, row := range []struct {
		name    string
		f       Failure
		lenient bool
		want    Decision
	}{
		{"BR 4.2.2.1: all three conditions and the policy permit", Failure{Retried: true, Insecure: true}, true, Permit},
		{"BR 4.2.2.1: a signed zone, or one of unknown state, denies", Failure{Retried: true}, true, Deny},
		{"BR 4.2.2.1: our own fault denies", Failure{Ours: true, Retried: true, Insecure: true}, true, Deny},
		{"BR 4.2.2.1: asked only once denies", Failure{Insecure: true}, true, Deny},
		{"without the policy every failure denies", Failure{Retried: true, Insecure: true}, false, Deny},
	} {
		if got := DecideFailure(row.f, row.lenient); got.Decision != row.want {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

// No set that names us nowhere as a whole name permits, whatever else it holds.
func TestOnlyAWholeNamePermits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"ca", ".", "example", "ca.example", ";", "=", " ", "accounturi", "x", "\t", "-", "a=b", "net", "\x00", "é"})
		value := strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "")
		got := Decide([]Record{{0, "issue", value}}, Question{Identities: []string{"ca.example"}})
		name, _, _ := strings.Cut(value, ";")
		if got.Decision == Permit && strings.Trim(name, " \t") != "ca.example" {
			t.Fatalf("%q permits", value)
		}
	})
}

func FuzzParseIssue(f *testing.F) {
	for _, s := range []string{"", ";", "ca.example", "ca.example; accounturi=acct:1@ca.example; validationmethods=dns-01,http-01", "%%%%%", "ca.example;a=b;", "\tca.example ; a = b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		p, ok := ParseIssue(v)
		if !ok {
			return
		}
		// What was read can be written, and reads the same.
		s := p.Issuer
		for i, q := range p.Parameters {
			if i == 0 {
				s += ";"
			} else {
				s += " ; "
			}
			s += q.Tag + "=" + q.Value
		}
		again, ok := ParseIssue(s)
		if !ok || again.Issuer != p.Issuer || len(again.Parameters) != len(p.Parameters) {
			t.Fatalf("%q: %+v, written %q, read %+v", v, p, s, again)
		}
		if strings.ContainsAny(p.Issuer, " \t;=\x00") || p.Issuer != strings.ToLower(p.Issuer) {
			t.Fatalf("%q: issuer %q", v, p.Issuer)
		}
	})
}
