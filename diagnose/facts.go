package diagnose

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/resolve"
)

// want is a record that would pass.
type want struct {
	adn   string
	name  string
	qtype uint16
	value string // text, or target without its final dot
	token string // the random value in it
}

func (w *want) line() string {
	if w.qtype == dns.TypeCNAME {
		return fmt.Sprintf("%s. CNAME %s.", w.name, w.value)
	}
	return fmt.Sprintf("%s. TXT %q", w.name, w.value)
}

// facts is all that the rankers read.
type facts struct {
	ch       *dcv.Challenge
	v        *dcv.Verdict
	wants    []want
	recorded map[question]*said // by the attempt, from the resolvers
	asked    map[question]*said // by the diagnosis, from the resolvers
	visited  []capsule.HTTP
	path     string // where the website's file stands; "" when the method asks for none
	file     string // what it holds

	elsewhere []string // names that were asked and do not count
	canary    string   // a label that nobody can have published
	recalled  []Recollection
	zone      *zoneFacts
	site      siteFacts
	seen      []dcv.Observation
}

func newFacts(k *check.Case) *facts {
	f := &facts{ch: &k.Challenge, v: &k.Verdict, recorded: hear(k.Heard, k.Challenge.Now), asked: map[question]*said{}, visited: k.Visited}
	f.wants = wanted(f.ch)
	f.path, f.file = fileOf(f.ch)
	f.canary = f.ch.CanaryLabel
	if f.canary == "" {
		// Made from the time and the values, so that the same case asks the same.
		h := sha256.New()
		fmt.Fprint(h, f.ch.Name, f.ch.Now.UnixMicro())
		for i := range f.ch.Values {
			fmt.Fprint(h, f.ch.Values[i].Token)
		}
		f.canary = fmt.Sprintf("_%x", h.Sum(nil)[:15])
	}
	return f
}

// fileOf is the file that a website method looks for.
func fileOf(ch *dcv.Challenge) (path, value string) {
	switch ch.Method {
	case dcv.HTTP:
		if len(ch.Values) > 0 {
			return check.Path, ch.Values[0].Token
		}
	case dcv.ACMEHTTP:
		if key, ok := check.ParseKeyAuthorization(ch.KeyAuthorization); ok {
			return check.ACMEPath + key.Token, key.String()
		}
	}
	return "", ""
}

// passes reports whether a file's content would.
func (f *facts) passes(body []byte) bool {
	if f.ch.Method == dcv.ACMEHTTP {
		return string(bytes.TrimRight(body, " \t\r\n")) == f.file
	}
	return check.MatchFile(f.ch.Values, body) >= 0
}

// compare is slipOf; ACME's digest must stand alone, with nothing around it.
func (f *facts) compare(text string, w *want) slip {
	s := slipOf(text, w.value)
	if s == slipExact && text != w.value && (f.ch.Method == dcv.ACMEDNS || f.ch.Method == dcv.ACMEDNSAccount) {
		return slipSpaced
	}
	return s
}

// wanted lists the records that would pass, the one to publish first.
func wanted(ch *dcv.Challenge) []want {
	var list []want
	add := func(adn dcv.Name, label string, qtype uint16, value, token string) {
		name := adn.String()
		if label != "" {
			name = label + "." + name
		}
		if len(name) <= dcv.MaxName {
			list = append(list, want{adn.String(), name, qtype, value, token})
		}
	}
	for _, adn := range ch.ADNs {
		switch ch.Method {
		case dcv.DNSTXT:
			for _, label := range []string{check.Prefix, ""} {
				for i := range ch.Values {
					add(adn, label, dns.TypeTXT, ch.Values[i].Token, ch.Values[i].Token)
				}
			}
		case dcv.DNSCNAME:
			for i := range ch.Values {
				t := ch.Values[i].Token
				add(adn, check.Prefix, dns.TypeCNAME, t+"."+plain(ch.CNAMETarget), t)
			}
			for i := range ch.Values {
				t := ch.Values[i].Token
				if strings.HasPrefix(t, "_") {
					add(adn, t, dns.TypeCNAME, plain(ch.CNAMETarget), t)
				}
			}
		case dcv.ACMEDNS, dcv.ACMEDNSAccount:
			if key, ok := check.ParseKeyAuthorization(ch.KeyAuthorization); ok {
				add(adn, label(check.ACMERecord(ch.Method, ch.AccountURL, adn), adn.String()), dns.TypeTXT, key.TXT(), key.TXT())
			}
		case dcv.Persistent:
			if len(ch.Issuers) > 0 {
				value := ch.Issuers[0] + "; accounturi=" + ch.AccountURI
				add(adn, "_validation-persist", dns.TypeTXT, value, value)
			}
		}
	}
	return list
}

func (f *facts) best() *want {
	if len(f.wants) == 0 {
		return nil
	}
	return &f.wants[0]
}

// wantAt is the record that would pass at a name; nil if none would there.
func (f *facts) wantAt(name string) *want {
	for i := range f.wants {
		if f.wants[i].name == name {
			return &f.wants[i]
		}
	}
	return nil
}

// base is the highest name that counts.
func (f *facts) base() string {
	if n := len(f.ch.ADNs); n > 0 {
		return f.ch.ADNs[n-1].String()
	}
	return f.ch.Name.Base().String()
}

// said gives what the resolvers said: to the attempt, else to the diagnosis.
func (f *facts) said(name string, qtype uint16) *said {
	if s := f.recorded[question{name, qtype}]; s != nil {
		return s
	}
	return f.asked[question{name, qtype}]
}

// edits put the record into the world. Its label was not handed out to others,
// so a wildcard that nobody has seen stays unseen.
func (w *want) edits(f *facts) []check.Edit {
	a := resolve.Answer{Owner: w.name, Security: resolve.SecurityUnchecked}
	if w.qtype == dns.TypeCNAME {
		a.CNAME = []string{w.value}
	} else {
		a.TXT = []string{w.value}
		if s := f.said(w.name, w.qtype); s.ok() && len(s.chain) == 0 {
			a.TXT = append(a.TXT, s.txt...)
		}
	}
	return []check.Edit{{Name: w.name, Type: w.qtype, Answer: a}}
}

// fix sets what to do in terms of the record that would pass.
func (w *want) fix(p *dcv.Problem, sentence string, args ...any) {
	p.Fix = fmt.Sprintf(sentence, args...)
	p.Publish = []string{w.line()}
}

// label is the part of a name below a zone.
func label(name, zone string) string {
	if l, ok := strings.CutSuffix(name, "."+zone); ok {
		return l
	}
	return name
}
