package resolve

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// forgery is one lie in the answers of theWorld's server.
type forgery struct {
	name   string
	asked  string
	qtype  uint16
	tamper func(dns.Question, *dns.Msg)
	want   dnssec.Reason // "" if it depends on what is asked first
}

// mended: Unbound and delv pass a forged CNAME of a DNAME over and make it
// anew from the signed record. Here it is bogus: whoever sends it lies.
func (f *forgery) mended() bool { return f.want == dnssec.DNAMEWrong }

func forgeries(t testing.TB, w *dnssectest.World) []forgery {
	t.Helper()
	other, private := w.Key("sub.secure.test.")
	return []forgery{
		{"the signature is stripped", "_dnsauth.secure.test", dns.TypeTXT, stripped(dns.TypeTXT), dnssec.SignatureMissing},
		{"the record is another", "_dnsauth.secure.test", dns.TypeTXT, changed(func(r *dns.TXT) { r.Txt = []string{"forged"} }), dnssec.SignatureWrong},
		{"the address is another", "a.secure.test", dns.TypeA, changed(func(r *dns.A) { r.A = []byte{192, 0, 2, 66} }), dnssec.SignatureWrong},
		{"the alias leads elsewhere", "alias.secure.test", dns.TypeTXT, changed(func(r *dns.CNAME) { r.Target = "a.plain.test." }), dnssec.SignatureWrong},
		{"the synthesised alias leads elsewhere", "_dnsauth.tree.secure.test", dns.TypeTXT, changed(func(r *dns.CNAME) { r.Target = "_dnsauth.plain.test." }), dnssec.DNAMEWrong},
		{"the signature bears another tag", "_dnsauth.secure.test", dns.TypeTXT, changed(func(r *dns.RRSIG) {
			if r.TypeCovered == dns.TypeTXT {
				r.KeyTag++
			}
		}), dnssec.SignatureKey},
		{"the signature's end was moved", "_dnsauth.expired.test", dns.TypeTXT, only("expired.test.", changed(func(r *dns.RRSIG) {
			if r.TypeCovered == dns.TypeDNSKEY {
				r.Expiration = uint32(w.Now.Add(time.Hour).Unix())
			}
		})), dnssec.SignatureWrong},
		{"a sister zone's key signs", "_dnsauth.secure.test", dns.TypeTXT, func(_ dns.Question, m *dns.Msg) {
			forge(t, m, dns.TypeTXT, func(set []dns.RR) *dns.RRSIG {
				return dnssectest.Sign(t, other, private, set, uint32(w.Now.Unix()-60), uint32(w.Now.Unix()+60))
			})
		}, dnssec.SignatureMissing},
		{"the records of the zone's keys are gone", "_dnsauth.secure.test", dns.TypeTXT, only("secure.test.", without(dns.TypeDNSKEY)), dnssec.KeysMissing},
		{"the signature over the keys is stripped", "_dnsauth.secure.test", dns.TypeTXT, only("secure.test.", stripped(dns.TypeDNSKEY)), dnssec.SignatureMissing},
		{"the DS is gone, without proof (incident: an error taken as insecure)", "_dnsauth.secure.test", dns.TypeTXT, only("secure.test.", without(dns.TypeDS)), dnssec.DenialMissing},
		{"the DS is gone, and the answer unsigned", "_dnsauth.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			without(dns.TypeRRSIG)(q, m)
			if strings.EqualFold(q.Name, "secure.test.") && q.Qtype == dns.TypeDS {
				m.Answer = nil
			}
		}, ""},
		{"the DS has another digest", "_dnsauth.secure.test", dns.TypeTXT, changed(func(r *dns.DS) { r.Digest = "00" + r.Digest[2:] }), dnssec.SignatureWrong},
		{"the DS has an unknown algorithm, unsigned so", "_dnsauth.secure.test", dns.TypeTXT, changed(func(r *dns.DS) { r.Algorithm = dns.PRIVATEDNS }), dnssec.SignatureWrong},
		{"the DS is not signed", "_dnsauth.secure.test", dns.TypeTXT, stripped(dns.TypeDS), dnssec.SignatureMissing},
		{"a denial lacks its NSEC", "none.secure.test", dns.TypeTXT, without(dns.TypeNSEC), dnssec.DenialMissing},
		{"a denial lacks its NSEC3", "none.three.test", dns.TypeTXT, without(dns.TypeNSEC3), dnssec.DenialMissing},
		{"a denial is not signed", "none.three.test", dns.TypeTXT, stripped(dns.TypeNSEC3), dnssec.DenialMissing},
		{"a denial's iterations were raised", "none.three.test", dns.TypeTXT, changed(func(r *dns.NSEC3) { r.Iterations = 2000 }), dnssec.SignatureWrong},
		{"a denial's opt-out flag was set", "none.three.test", dns.TypeTXT, changed(func(r *dns.NSEC3) { r.Flags = 1 }), dnssec.SignatureWrong},
		{"a wildcard's answer lacks the proof that nothing is nearer", "x.y.wild.secure.test", dns.TypeTXT, without(dns.TypeNSEC), dnssec.DenialMissing},
		{"a wildcard's answer lacks it by NSEC3", "x.y.wild.three.test", dns.TypeTXT, without(dns.TypeNSEC3), dnssec.DenialMissing},
		{"an existing name is said not to exist", "_dnsauth.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				replay(w, m, "none.secure.test.", dns.TypeTXT)
			}
		}, dnssec.DenialMissing},
		{"a parent's delegation record denies what the child has", "_dnsauth.sub.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				replay(w, m, "zzz.sub.plain.test.", dns.TypeDS)
				m.Rcode = dns.RcodeNameError
			}
		}, dnssec.DenialMissing},
		{"a type at a name is denied by another name's record", "_dnsauth.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeTXT {
				replay(w, m, "a.secure.test.", dns.TypeTXT)
			}
		}, dnssec.DenialMissing},
		{"a denial of another class stands beside a true one of the same name", "_dnsauth.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype != dns.TypeTXT {
				return
			}
			replay(w, m, "none.secure.test.", dns.TypeTXT)
			for _, rr := range m.Ns {
				if n, ok := rr.(*dns.NSEC); ok {
					c := dns.Copy(n).(*dns.NSEC)
					c.Hdr.Class, c.NextDomain = dns.ClassCHAOS, c.Hdr.Name // from itself to itself: everything else
					m.Ns = append(m.Ns, c)
				}
			}
		}, dnssec.DenialMissing},
		{"a DS is denied by the child's own record", "_dnsauth.sub.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "sub.secure.test.") {
				replay(w, m, "sub.secure.test.", dns.TypeTXT)
			}
		}, dnssec.DenialMissing},
	}
}

// stripped removes the signatures of a type from an answer.
func stripped(types ...uint16) func(dns.Question, *dns.Msg) {
	return func(_ dns.Question, m *dns.Msg) {
		gone := func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && slices.Contains(types, sig.TypeCovered)
		}
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, gone), slices.DeleteFunc(m.Ns, gone)
	}
}

func without(types ...uint16) func(dns.Question, *dns.Msg) {
	return func(q dns.Question, m *dns.Msg) {
		gone := func(rr dns.RR) bool { return slices.Contains(types, rr.Header().Rrtype) }
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, gone), slices.DeleteFunc(m.Ns, gone)
	}
}

// changed lets f change copies of the records of a type.
func changed[T dns.RR](f func(T)) func(dns.Question, *dns.Msg) {
	return func(_ dns.Question, m *dns.Msg) {
		for _, section := range [][]dns.RR{m.Answer, m.Ns} {
			for i, rr := range section {
				if _, ok := rr.(T); ok {
					c := dns.Copy(rr)
					f(c.(T))
					section[i] = c
				}
			}
		}
	}
}

// only tampers with the answers about one name.
func only(name string, f func(dns.Question, *dns.Msg)) func(dns.Question, *dns.Msg) {
	return func(q dns.Question, m *dns.Msg) {
		if strings.EqualFold(q.Name, name) {
			f(q, m)
		}
	}
}

// replay puts the true answer to another question in place of this one's.
func replay(w *dnssectest.World, m *dns.Msg, name string, qtype uint16) {
	other := w.Peek(name, qtype)
	m.Answer, m.Ns, m.Rcode = other.Answer, other.Ns, other.Rcode
}

// forge signs a set of the answer anew.
func forge(t testing.TB, m *dns.Msg, qtype uint16, sign func([]dns.RR) *dns.RRSIG) {
	t.Helper()
	var set, rest []dns.RR
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			set = append(set, rr)
		} else if sig, ok := rr.(*dns.RRSIG); !ok || sig.TypeCovered != qtype {
			rest = append(rest, rr)
		}
	}
	if len(set) == 0 {
		return
	}
	m.Answer = append(append(rest, set...), sign(set))
}
