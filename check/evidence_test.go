package check

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/capsule"
	"deed/dcv"
	"deed/names"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// realistic is a world with the algorithms of the real one: RSA at the root,
// ECDSA with NSEC3 and opt-out at com, ECDSA below, keys split.
func realistic(t testing.TB, o Options) *world {
	t.Helper()
	records := func(z string) []string { return []string{`_dnsauth.` + z + ` 60 IN TXT "` + token + `"`} }
	s := dnssectest.Build(t, now,
		dnssectest.Zone{Name: ".", Algorithm: dns.RSASHA256, Split: true}, dnssectest.Zone{Name: "com.", NSEC3: true, OptOut: true, Split: true},
		dnssectest.Zone{Name: "good.com.", Split: true, Records: records("good.com.")},
		dnssectest.Zone{Name: "empty.com.", NSEC3: true, Split: true},
		dnssectest.Zone{Name: "plain.com.", Unsigned: true, Records: records("plain.com.")},
	)
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: s.Serve(t)}
	if o.Anchors, err = dnssec.ParseAnchors(s.Anchors()); err != nil {
		t.Fatal(err)
	}
	o.DNS, o.DNSSEC, o.Deed, o.PSL = resolve.NewLive(resolve.LiveOptions{Now: func() time.Time { return now }}), resolve.DNSSECValidate, "0.1.0", "2026-03-02"
	o.Servers, o.Now = append(o.Servers, w.server), func() time.Time { return now.Add(time.Second) }
	o.HostName = func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err }
	w.engine = New(o)
	return w
}

// rootKey is what the real root's key set has more than that of the tests: it
// holds two or three keys of 2048 bits beside the one that signs.
const rootKey = 2 * 272

// A TXT check's capsule takes at most 4 KiB at rest, chain of signatures and
// all. The real root's keys are allowed for.
func TestACapsuleAtRestIsSmall(t *testing.T) {
	w := realistic(t, Options{Sealer: sealer{sealingKey()}})
	for _, row := range []struct {
		name string
		adns []string
	}{
		{"good.com", []string{"good.com"}},
		{"shop.good.com", []string{"shop.good.com", "good.com"}},
		{"plain.com", []string{"plain.com"}},
		{"empty.com", []string{"empty.com"}}, // a miss, its absence proven
		{"shop.plain.com", []string{"shop.plain.com", "plain.com"}},
	} {
		r, err := w.engine.Attempt(context.Background(), challenge(dcv.DNSTXT, row.name, row.adns, token))
		if err != nil {
			t.Fatal(err)
		}
		s, err := capsule.Open(r.Capsule)
		if err != nil {
			t.Fatal(err)
		}
		c, err := capsule.Decode(s.Capsule)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s: %d exchanges, %d bytes, %d at rest", row.name, r.Verdict.Outcome, len(c.DNS), len(s.Capsule), len(r.Capsule))
		if len(r.Capsule) > 4096-rootKey {
			t.Errorf("%s: %d bytes at rest", row.name, len(r.Capsule))
		}
	}
}
