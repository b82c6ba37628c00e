package resolve

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

var worldTime = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func anchors(t testing.TB, w *dnssectest.World) *dnssec.Anchors {
	t.Helper()
	a, err := dnssec.ParseAnchors(w.Anchors())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// validating is a client of a world, without memory of other clients.
func validating(t testing.TB, w *dnssectest.World, server netip.AddrPort) *Client {
	t.Helper()
	return NewClient(ClientOptions{
		Door: NewLive(LiveOptions{}), Servers: []netip.AddrPort{server}, Timeout: 500 * time.Millisecond,
		DNSSEC: DNSSECValidate, Now: w.Now, Anchors: anchors(t, w),
	})
}

// judged is what a look-up says of DNSSEC, with the broken link.
func judged(t testing.TB, a Answer, err error) dnssec.Finding {
	t.Helper()
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Kind == Bogus || e.Kind == Indeterminate):
		return e.Finding
	case err != nil:
		t.Fatalf("error %v", err)
	case a.Security == SecurityInsecure:
		return a.Finding
	}
	return dnssec.Finding{Status: dnssec.Status(a.Security)}
}

func TestValidation(t *testing.T) {
	w := theWorld(t, worldTime)
	server := w.Serve(t)
	zones := NewZones(ZonesOptions{Now: func() time.Time { return worldTime }})
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			cold := validating(t, w, server)
			warm := NewClient(ClientOptions{
				Door: zones.Door(NewLive(LiveOptions{Now: func() time.Time { return worldTime }})), Servers: []netip.AddrPort{server},
				DNSSEC: DNSSECValidate, Now: w.Now, Anchors: anchors(t, w), Zones: zones,
			})
			for which, c := range map[string]*Client{"cold": cold, "warm": warm} {
				a, err := c.Lookup(t.Context(), s.asked, s.qtype)
				f := judged(t, a, err)
				if f.Status != s.status || f.Reason != s.reason {
					t.Fatalf("%s: %s %q: %s", which, f.Status, f.Reason, f)
				}
				if n := len(a.TXT) + len(a.CNAME) + len(a.Addrs) + len(a.CAA); n != s.found || (err == nil && a.NXDomain != s.noName) {
					t.Errorf("%s: %d records, NXDOMAIN %v", which, n, a.NXDomain)
				}
			}
		})
	}
}

func TestLoopsOfSignedAliasesEnd(t *testing.T) {
	w := theWorld(t, worldTime)
	_, err := validating(t, w, w.Serve(t)).Lookup(t.Context(), "loop1.secure.test", dns.TypeTXT)
	if kindOf(t, err) != ChainTooLong {
		t.Errorf("D11, a circle: %v", err)
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

// Each row is a lie on the way; none of them may end in secure or insecure.
func TestForgedAnswersAreBogus(t *testing.T) {
	w := theWorld(t, worldTime)
	server := w.Serve(t)
	other, private := w.Key("sub.secure.test.")
	for _, row := range []struct {
		name   string
		asked  string
		qtype  uint16
		tamper func(dns.Question, *dns.Msg)
		want   dnssec.Reason
	}{
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
				r.Expiration = uint32(worldTime.Add(time.Hour).Unix())
			}
		})), dnssec.SignatureWrong},
		{"a sister zone's key signs", "_dnsauth.secure.test", dns.TypeTXT, func(_ dns.Question, m *dns.Msg) {
			forge(t, m, dns.TypeTXT, func(set []dns.RR) *dns.RRSIG {
				return dnssectest.Sign(t, other, private, set, uint32(worldTime.Unix()-60), uint32(worldTime.Unix()+60))
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
		{"a DS is denied by the child's own record", "_dnsauth.sub.secure.test", dns.TypeTXT, func(q dns.Question, m *dns.Msg) {
			if q.Qtype == dns.TypeDS && strings.EqualFold(q.Name, "sub.secure.test.") {
				replay(w, m, "sub.secure.test.", dns.TypeTXT)
			}
		}, dnssec.DenialMissing},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.Tamper(row.tamper)
			defer w.Tamper(nil)
			a, err := validating(t, w, server).Lookup(t.Context(), row.asked, row.qtype)
			f := judged(t, a, err)
			if f.Status != dnssec.Bogus && f.Status != dnssec.Indeterminate {
				t.Fatalf("%s: %+v", f.Status, a)
			}
			if row.want != "" && f.Reason != row.want {
				t.Errorf("%s, %s", f.Reason, f)
			}
		})
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

// S5, "an error is never insecure": whatever question on the way fails, the
// look-up fails.
func TestAnErrorIsNeverInsecure(t *testing.T) {
	w := theWorld(t, worldTime)
	server := w.Serve(t)
	for _, asked := range []string{"_dnsauth.secure.test", "_dnsauth.plain.test", "_dnsauth.plain.optout", "none.three.test"} {
		w.Asked()
		if _, err := validating(t, w, server).Lookup(t.Context(), asked, dns.TypeTXT); err != nil {
			t.Fatal(err)
		}
		questions := w.Asked()
		if len(questions) < 4 {
			t.Fatalf("%s: only %d questions", asked, len(questions))
		}
		for _, broken := range questions {
			for _, rcode := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNameError, dns.RcodeSuccess} {
				w.Tamper(func(q dns.Question, m *dns.Msg) {
					if strings.EqualFold(q.Name, broken.Name) && q.Qtype == broken.Qtype {
						m.Answer, m.Ns, m.Rcode = nil, nil, rcode
					}
				})
				a, err := validating(t, w, server).Lookup(t.Context(), asked, dns.TypeTXT)
				w.Tamper(nil)
				var e *Error
				if !errors.As(err, &e) {
					// An unsigned zone may lie about itself.
					if broken.Qtype == dns.TypeTXT && asked == "_dnsauth.plain.test" || asked == "_dnsauth.plain.optout" && broken.Qtype == dns.TypeTXT {
						continue
					}
					t.Errorf("%s, when %s %s fails with %s: %+v, %v", asked, dns.TypeToString[broken.Qtype], broken.Name, dns.RcodeToString[rcode], a, err)
				}
			}
		}
	}
}

func TestNoAnchorIsIndeterminate(t *testing.T) {
	w := theWorld(t, worldTime)
	a, err := dnssec.ParseAnchors(strings.Replace(w.Anchors(), ".", "other.", 1))
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(ClientOptions{Door: NewLive(LiveOptions{}), Servers: []netip.AddrPort{w.Serve(t)}, DNSSEC: DNSSECValidate, Now: w.Now, Anchors: a})
	_, err = c.Lookup(t.Context(), "_dnsauth.secure.test", dns.TypeTXT)
	if kindOf(t, err) != Indeterminate {
		t.Errorf("RFC 4035 section 4.3: %v", err)
	}
	// The root's built-in anchors do not match this world: our side's trouble.
	c = NewClient(ClientOptions{Door: NewLive(LiveOptions{}), Servers: []netip.AddrPort{w.Serve(t)}, DNSSEC: DNSSECValidate, Now: w.Now})
	_, err = c.Lookup(t.Context(), "_dnsauth.plain.test", dns.TypeTXT)
	if kindOf(t, err) != Indeterminate {
		t.Errorf("a root that is not ours: %v", err)
	}
}

// The recording of a warm client holds the whole chain: a cold client judges
// it alike, without a network.
func TestWarmAndColdAskTheSame(t *testing.T) {
	w := theWorld(t, worldTime)
	server := w.Serve(t)
	clock := func() time.Time { return worldTime }
	zones := NewZones(ZonesOptions{Now: clock})
	for range 2 {
		for _, s := range scenarios() {
			rec := &tape{next: zones.Door(NewLive(LiveOptions{Now: clock}))}
			o := ClientOptions{Door: rec, Servers: []netip.AddrPort{server}, DNSSEC: DNSSECValidate, Now: w.Now, Anchors: anchors(t, w), Zones: zones}
			live, liveErr := NewClient(o).Lookup(t.Context(), s.asked, s.qtype)
			o.Zones, o.Door = nil, rec
			rec.next = nil
			again, againErr := NewClient(o).Lookup(t.Context(), s.asked, s.qtype)
			if (liveErr == nil) != (againErr == nil) || (liveErr != nil && liveErr.Error() != againErr.Error()) {
				t.Errorf("%s: %v, replayed %v", s.name, liveErr, againErr)
			}
			if live.Security != again.Security || live.Finding != again.Finding || live.TTL != again.TTL || live.Owner != again.Owner || len(rec.said) != 0 {
				t.Errorf("%s: %+v, replayed %+v, %d not asked again", s.name, live, again, len(rec.said))
			}
		}
	}
	w.Asked()
	c := NewClient(ClientOptions{Door: zones.Door(NewLive(LiveOptions{Now: clock})), Servers: []netip.AddrPort{server}, DNSSEC: DNSSECValidate, Now: w.Now, Anchors: anchors(t, w), Zones: zones})
	if _, err := c.Lookup(t.Context(), "_dnsauth.secure.test", dns.TypeTXT); err != nil {
		t.Fatal(err)
	}
	if asked := w.Asked(); len(asked) != 1 {
		t.Errorf("a warm zone costs one question: %v", asked)
	}
}

// tape records, and plays back when there is no next door.
type tape struct {
	next Door
	said []exchange
}

func (p *tape) Exchange(ctx context.Context, ask Ask) (Reply, error) {
	if p.next != nil {
		r, err := p.next.Exchange(ctx, ask)
		p.said = append(p.said, exchange{ask, r})
		return r, err
	}
	if len(p.said) == 0 || p.said[0].ask != ask {
		return Reply{}, errors.New("not on the tape: " + ask.Name)
	}
	r := p.said[0].reply
	p.said = p.said[1:]
	return r, nil
}
