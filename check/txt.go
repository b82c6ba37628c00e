package check

import (
	"context"
	"fmt"
	"strings"

	"deed/dcv"
)

// Prefix is the label under which records are looked for beside the name
// itself: exactly one label, with an underscore (BR 3.2.2.4.7; rule D1).
const Prefix = "_dnsauth"

// TXT checks dns-txt-token (BR 3.2.2.4.7): a random value in a TXT record at
// _dnsauth + ADN or at the ADN, for each permitted ADN, nearest first.
func TXT(ctx context.Context, ch *dcv.Challenge, dnsc Lookups) (dcv.Verdict, error) {
	v := verdict(ch)
	var m misses
	for _, adn := range ch.ADNs {
		for _, name := range [2]string{Prefix + "." + adn.String(), adn.String()} {
			if len(name) > dcv.MaxName {
				continue
			}
			records, how, err := texts(ctx, dnsc, &v, &m, name)
			switch how {
			case decided:
				return v, err
			case over:
				m.into(&v)
				return v, nil
			case absent, silent:
				continue
			case found:
			}
			if i := MatchTXT(ch.Values, records); i >= 0 {
				proven(&v, adn, i, name)
				return v, nil
			}
			if p := wrongTXT(ch, name, adn, records); p != nil {
				m.add(rankWrong, p)
			}
		}
	}
	m.add(rankAbsent, absentTXT(ch, &v))
	m.into(&v)
	return v, nil
}

// MatchTXT gives the index of the value that one of the records holds, or -1.
// Each record is one alternative; a value counts as the whole text or as a
// whole word of it, white space and one pair of quotes around it removed,
// letters compared as they are (D2, D3).
func MatchTXT(values []dcv.Value, records []string) int {
	for _, r := range records {
		r = unquote(trim(r))
		for i := range values {
			if values[i].Equal(r) {
				return i
			}
		}
		if !strings.ContainsAny(r, " \t\r\n") {
			continue
		}
		for _, word := range strings.FieldsFunc(r, space) {
			for i := range values {
				if values[i].Equal(word) {
					return i
				}
			}
		}
	}
	return -1
}

// space is ASCII white space only: nothing else is trimmed.
func space(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trim(s string) string { return strings.TrimFunc(s, space) }

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return trim(s[1 : len(s)-1])
	}
	return s
}

// wrongTXT speaks of records that stand where the value should: any under the
// prefix, and at the name itself those that look like a random value.
func wrongTXT(ch *dcv.Challenge, name string, adn dcv.Name, records []string) *dcv.Problem {
	shown := ""
	for _, r := range records {
		if name != adn.String() || looksLikeValue(unquote(trim(r))) {
			shown = r
			break
		}
	}
	if shown == "" {
		return nil
	}
	p := dcv.NewProblem(dcv.TXTNoMatch, "The TXT record at %s holds %q, which is no live random value of this domain.", name, printable(shown, 100))
	p.Fix = publishTXT(ch, name)
	return p
}

// looksLikeValue: the form of the values that are handed out here.
func looksLikeValue(s string) bool {
	if len(s) < 24 || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func absentTXT(ch *dcv.Challenge, v *dcv.Verdict) *dcv.Problem {
	var looked []string
	for _, o := range v.Seen {
		result := o.Result
		if len(o.Values) > 0 {
			result = count(len(o.Values), "unrelated record")
		}
		looked = append(looked, strings.TrimPrefix(o.Asked, "TXT ")+" ("+result+")")
	}
	p := dcv.NewProblem(dcv.TXTNotFound, "No TXT record with the random value was found at %s.", strings.Join(looked, ", "))
	p.Fix = publishTXT(ch, Prefix+"."+v.ADN.String())
	return p
}

func publishTXT(ch *dcv.Challenge, name string) string {
	if len(ch.Values) == 0 {
		return "Generate a random value, and publish it in a TXT record at " + name + "."
	}
	return fmt.Sprintf("Publish this record, then check again: %s. TXT %q", name, ch.Values[0].Token)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
