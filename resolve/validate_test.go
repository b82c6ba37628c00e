package resolve

import (
	"context"
	"errors"
	"net/netip"
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

// Each row is a lie on the way; none of them may end in secure or insecure.
func TestForgedAnswersAreBogus(t *testing.T) {
	w := theWorld(t, worldTime)
	server := w.Serve(t)
	for _, row := range forgeries(t, w) {
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
