package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"deed/dcv"
)

const (
	issuer  = "ca.deed.example"
	account = "acct:7@deed.example"
	good    = issuer + "; accounturi=" + account
)

func persistentChallenge() dcv.Challenge {
	ch := challenge(dcv.Persistent, "a.example.com", []string{"a.example.com", "example.com"})
	ch.Issuers, ch.AccountURI = []string{issuer, "ca2.deed.example"}, account
	return ch
}

func TestPersistent(t *testing.T) {
	second := now.Unix()
	at := func(owner, value string) string {
		return owner + `. 60 IN TXT "` + strings.ReplaceAll(value, ";", `\;`) + `"`
	}
	here := func(values ...string) (lines []string) {
		for _, v := range values {
			lines = append(lines, at("_validation-persist.a.example.com", v))
		}
		return lines
	}
	for _, row := range []struct {
		name    string
		records []string
		code    dcv.Code
	}{
		{"the record", here(good), ""},
		{"at the parent (BR 3.2.2.4, prune)", []string{at("_validation-persist.example.com", good)}, ""},
		{"any of our issuers", here("ca2.deed.example; accounturi=" + account), ""},
		{"the issuer in any case, the tag in any case (RFC 8659 section 4.2)", here("CA.Deed.Example;ACCOUNTURI=" + account), ""},
		{"unknown parameters are passed over (BR 3.2.2.4.22)", here(good + "; policy=wildcard; x=y"), ""},
		{"a persistUntil that has not come", here(good + fmt.Sprint("; persistUntil=", second+1)), ""},
		{"at persistUntil itself it counts: it ends once now is greater", here(good + fmt.Sprint("; persistUntil=", second)), ""},
		{"one second later it does not", here(good + fmt.Sprint("; persistUntil=", second-1)), dcv.PersistExpired},
		{"the records are alternatives: one that expired, one that is no record, one for us", here(good+"; persistUntil=1", "v=spf1 -all", good), ""},
		{"not at the name itself", []string{at("a.example.com", good)}, dcv.PersistNotFound},
		{"not under another label", []string{at("_dnsauth.a.example.com", good)}, dcv.PersistNotFound},
		{"a label without its underscore (incident)", []string{at("validation-persist.a.example.com", good)}, dcv.PersistNotFound},
		{"not under two labels", []string{at("_x._validation-persist.a.example.com", good)}, dcv.PersistNotFound},
		{"not above the base domain name (R-A2)", []string{at("_validation-persist.com", good)}, dcv.PersistNotFound},
		{"not at a child (incident: proof for a child used for its parent)", []string{at("_validation-persist.b.a.example.com", good)}, dcv.PersistNotFound},
		{"another issuer", here("other.example; accounturi=" + account), dcv.PersistNoMatch},
		{"an issuer that ends like ours (incident: matched as a substring)", here("x." + good), dcv.PersistNoMatch},
		{"an issuer that ours ends with", here("deed.example; accounturi=" + account), dcv.PersistNoMatch},
		{"the issuer with a final dot", here(issuer + ".; accounturi=" + account), dcv.PersistMalformed},
		{"another account", here(issuer + "; accounturi=acct:8@deed.example"), dcv.PersistNoMatch},
		{"the account in another case: byte for byte", here(issuer + "; accounturi=ACCT:7@deed.example"), dcv.PersistNoMatch},
		{"an account that starts with ours", here(good + "0"), dcv.PersistNoMatch},
		{"no account", here(issuer), dcv.PersistMalformed},
		{"an empty account", here(issuer + "; accounturi="), dcv.PersistMalformed},
		{"the account twice, though the same", here(good + "; accounturi=" + account), dcv.PersistMalformed},
		{"persistUntil twice, though the same", here(good + "; persistUntil=9999999999; persistUntil=9999999999"), dcv.PersistMalformed},
		{"persistUntil with a sign", here(good + "; persistUntil=+9999999999"), dcv.PersistMalformed},
		{"persistUntil with a fraction", here(good + "; persistUntil=9999999999.0"), dcv.PersistMalformed},
		{"persistUntil in hexadecimal", here(good + "; persistUntil=0xffffffff"), dcv.PersistMalformed},
		{"persistUntil as a date", here(good + "; persistUntil=2030-01-01"), dcv.PersistMalformed},
		{"an empty persistUntil", here(good + "; persistUntil="), dcv.PersistMalformed},
		{"a persistUntil beyond 63 bits", here(good + "; persistUntil=9223372036854775808"), dcv.PersistMalformed},
		{"a semicolon at the end", here(good + ";"), dcv.PersistMalformed},
		{"a comma for the semicolon", here(issuer + ", accounturi=" + account), dcv.PersistMalformed},
		{"no issuer", here("; accounturi=" + account), dcv.PersistMalformed},
		{"nothing at all", nil, dcv.PersistNotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newWorld(t, row.records...).attempt(persistentChallenge())
			expect(t, v, row.code)
			if row.code == "" && (v.Section != "3.2.2.4.22" || v.Scope != dcv.ScopeSubtree || v.Matched != -1) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestPersistentProvesAWildcard(t *testing.T) {
	w := newWorld(t, `_validation-persist.example.com. 60 IN TXT "`+strings.ReplaceAll(good, ";", `\;`)+`"`)
	ch := persistentChallenge()
	ch.Name, ch.ADNs = dcv.MustName("*.example.com"), []dcv.Name{dcv.MustName("example.com")}
	expect(t, w.attempt(ch), "")
}

// A random value proves nothing here, though it is live and stands at the
// record's name (rule T7).
func TestPersistentIsNotProvenByARandomValue(t *testing.T) {
	w := newWorld(t, `_validation-persist.a.example.com. 60 IN TXT "`+token+`"`)
	ch := persistentChallenge()
	ch.Values = challenge(dcv.DNSTXT, "a.example.com", nil, token).Values
	expect(t, w.attempt(ch), dcv.PersistMalformed)
}

func TestPersistentWithoutOurIssuerIsOurFault(t *testing.T) {
	ch := persistentChallenge()
	ch.Issuers = nil
	if v := newWorld(t).attempt(ch); v.Outcome != dcv.CouldNotCheck {
		t.Errorf("%+v", v)
	}
}

func FuzzPersistentRecord(f *testing.F) {
	for _, s := range []string{good, good + "; persistUntil=1795500000", issuer, ";", "", good + "; policy=wildcard", "a;b=c;b=d", good + ";persistuntil=00"} {
		f.Add(s, int64(1795500000))
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		ch := persistentChallenge()
		ch.Now = time.Unix(at%(1<<40), 0)
		_, problem := judgePersistent(&ch, "_validation-persist.a.example.com", text)
		if problem != nil {
			if problem.Detail == "" || problem.Fix == "" || len(problem.Detail) > 2000 {
				t.Errorf("%+v", problem)
			}
			return
		}
		// What counts names an issuer and the account, each as the grammar has it.
		low := strings.ToLower(text)
		if !strings.Contains(low, "accounturi") || !strings.Contains(text, account) || (!strings.HasPrefix(strings.TrimLeft(low, " \t"), issuer) && !strings.HasPrefix(strings.TrimLeft(low, " \t"), "ca2.")) {
			t.Errorf("counts: %q", text)
		}
	})
}
