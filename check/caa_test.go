package check

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
)

const us = "ca.deed.example"

// enforced is a challenge with CAA enforced for one identity and account.
func enforced(method dcv.Method, name string, adns ...string) dcv.Challenge {
	ch := challenge(method, name, adns, token)
	ch.Issuers, ch.EnforceCAA, ch.AccountURI = []string{us}, true, "acct:7@deed.example"
	return ch
}

func TestCAA(t *testing.T) {
	for _, r := range []struct {
		name    string
		applied string
		zone    []string
		code    dcv.Code
		found   string
		asked   string // the last CAA question
	}{
		{"C1: no set up to and including the TLD permits", "a.example.com", nil, "", "", "com."},
		{"C3: a set that names us", "a.example.com", []string{`a.example.com. IN CAA 0 issue "ca.deed.example"`}, "", "a.example.com", "a.example.com."},
		{"C3: a set that names another", "a.example.com", []string{`a.example.com. IN CAA 0 issue "other.example"`}, dcv.CAADenied, "a.example.com", "a.example.com."},
		{"8659 section 3: the parent's set, found by climbing", "a.example.com", []string{`example.com. IN CAA 0 issue "other.example"`}, dcv.CAADenied, "example.com", "example.com."},
		{"8659 section 3: the nearest set decides, not the one above", "a.example.com", []string{`a.example.com. IN CAA 0 issue "ca.deed.example"`, `example.com. IN CAA 0 issue ";"`}, "", "a.example.com", "a.example.com."},
		{"C1: the set of the TLD", "a.example.com", []string{`com. IN CAA 0 issue ";"`}, dcv.CAADenied, "com", "com."},
		{"C2: a set that authorizes nobody", "a.example.com", []string{`example.com. IN CAA 0 issue ";"`}, dcv.CAADenied, "example.com", "example.com."},
		{"incident: an identity that ours is a part of", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example.net"`}, dcv.CAADenied, "example.com", "example.com."},
		{"incident: an identity that is a part of ours", "a.example.com", []string{`example.com. IN CAA 0 issue "deed.example"`}, dcv.CAADenied, "example.com", "example.com."},
		{"4.1: an unknown critical property", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example"`, `example.com. IN CAA 128 future "x"`}, dcv.CAADenied, "example.com", "example.com."},
		{"4.3: issuewild speaks for a wildcard", "*.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example"`, `example.com. IN CAA 0 issuewild ";"`}, dcv.CAADenied, "example.com", "example.com."},
		{"4.3: issuewild is nothing to another name", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example"`, `example.com. IN CAA 0 issuewild ";"`}, "", "example.com", "example.com."},
		{"8657: our account", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example;accounturi=acct:7@deed.example"`}, "", "example.com", "example.com."},
		{"8657: another account", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example;accounturi=acct:70@deed.example"`}, dcv.CAADenied, "example.com", "example.com."},
		{"4.2.2.1.2: the method by the number of its section", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example;validationmethods=dns-01,ca-tbr-7"`}, "", "example.com", "example.com."},
		{"4.2.2.1.2: another method", "a.example.com", []string{`example.com. IN CAA 0 issue "ca.deed.example;validationmethods=ca-tbr-18,ca-tbr-70"`}, dcv.CAADenied, "example.com", "example.com."},
		{"8659 section 3: an alias is followed", "a.example.com", []string{`a.example.com. IN CNAME b.example.net.`, `b.example.net. IN CAA 0 issue ";"`}, dcv.CAADenied, "a.example.com", "b.example.net."},
		{"8659 section 3: the parents of an alias' target are never climbed", "a.example.com", []string{`a.example.com. IN CNAME b.example.net.`, `b.example.net. IN A 192.0.2.1`, `example.net. IN CAA 0 issue ";"`}, "", "", "com."},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, append(r.zone, `_dnsauth.example.com. IN TXT "`+token+`"`)...)
			ch := enforced(dcv.DNSTXT, r.applied, "a.example.com", "example.com")
			v := w.attempt(ch) // replays the recording, too
			expect(t, v, r.code)
			if v.CAA == nil || !v.CAA.Enforced || v.CAA.Found.String() != r.found || v.CAA.Reason == "" || (v.CAA.Decision == "permit") != (r.code == "") {
				t.Errorf("%+v", v.CAA)
			}
			asked := w.questions()
			if last := asked[len(asked)-1]; last != "CAA "+r.asked {
				t.Errorf("the last question was %s", last)
			}
			if r.code != "" && (v.Scope != "" || v.Matched != -1) {
				t.Errorf("a denial leaves nothing proven: %+v", v)
			}
		})
	}
}

func TestCAAIsReportedWhereItIsNotEnforced(t *testing.T) {
	w := newWorld(t, `_dnsauth.example.com. IN TXT "`+token+`"`, `example.com. IN CAA 0 issue "other.example"`)
	ch := challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token)
	v := w.attempt(ch)
	expect(t, v, "")
	if v.CAA == nil || v.CAA.Decision != "open" || v.CAA.Enforced || len(v.CAA.Records) != 1 {
		t.Errorf("no identity of ours is set: %+v", v.CAA)
	}
	w.failing(dns.RcodeServerFailure, "example.com.")
	v = w.attempt(ch)
	expect(t, v, "")
	if v.CAA == nil || v.CAA.Decision != "deny" || v.CAA.Enforced {
		t.Errorf("a failed look-up is reported: %+v", v.CAA)
	}
}

func TestCAAIsNotLookedUpWithoutAProof(t *testing.T) {
	w := newWorld(t, `example.com. IN CAA 0 issue ";"`)
	v := w.attempt(enforced(dcv.DNSTXT, "example.com", "example.com"))
	expect(t, v, dcv.TXTNotFound)
	if v.CAA != nil || strings.Contains(strings.Join(w.questions(), " "), "CAA") {
		t.Errorf("%+v after %v", v.CAA, w.questions())
	}
}

// 4.2.2.1: what a failed look-up means, in signed and unsigned zones.
func TestCAALookupsThatFail(t *testing.T) {
	for _, r := range []struct {
		name    string
		domain  string
		lenient bool
		times   int // how many of the zone's CAA questions fail
		code    dcv.Code
		says    string
	}{
		{"one failure is asked again", "good.com", false, 1, "", ""},
		{"a signed zone: never a permission", "good.com", false, 9, dcv.CAALookupFailed, "not proven to be unsigned"},
		{"a signed zone: not by the lenient policy either", "good.com", true, 9, dcv.CAALookupFailed, "not proven to be unsigned"},
		{"a zone proven to be unsigned: not by default", "plain.com", false, 9, dcv.CAALookupFailed, "not taken for a permission"},
		{"a zone proven to be unsigned: by the lenient policy", "plain.com", true, 9, "", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			w, s := signedWorld(t)
			left := r.times
			s.Tamper(func(q dns.Question, m *dns.Msg) {
				if q.Qtype == dns.TypeCAA && strings.EqualFold(q.Name, r.domain+".") && left > 0 {
					left--
					m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
				}
			})
			ch := enforced(dcv.DNSTXT, r.domain, r.domain)
			ch.LenientCAA = r.lenient
			v := w.attempt(ch)
			expect(t, v, r.code)
			if r.code != "" && !strings.Contains(v.Problem.Detail, r.says) {
				t.Errorf("%s", v.Problem.Detail)
			}
		})
	}
}

// S5: CAA data that fails validation is never a permission, whatever the policy.
func TestBogusCAADenies(t *testing.T) {
	w, s := signedWorld(t)
	s.Tamper(func(q dns.Question, m *dns.Msg) {
		if q.Qtype == dns.TypeCAA {
			m.Ns = nil // the denial is gone
		}
	})
	ch := enforced(dcv.DNSTXT, "good.com", "good.com")
	ch.LenientCAA = true
	expect(t, w.attempt(ch), dcv.CAALookupFailed)
}

func TestCAAOfAMessage(t *testing.T) {
	adn := dcv.MustName("example.com")
	m := capsule.Mail{Kind: "constructed", Recipient: "admin@example.com", ADN: adn, Created: now.Add(-time.Hour), Expires: now.Add(time.Hour), Approved: now}
	for record, code := range map[string]dcv.Code{
		"ca.deed.example;validationmethods=ca-tbr-4":  "",
		"ca.deed.example;validationmethods=ca-tbr-13": dcv.CAADenied,
	} {
		w := newWorld(t, `example.com. IN CAA 0 issue "`+record+`"`)
		ch := enforced(dcv.Email, "example.com", "example.com")
		ch.Values = nil
		r, err := w.engine.Mail(t.Context(), ch, m)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, &r)
		expect(t, r.Verdict, code)
		if again, err := Replay(r.Capsule, ReplayOptions{}); err != nil || !again.Same {
			t.Errorf("replay: %v %s", err, again.Difference)
		}
	}
}
