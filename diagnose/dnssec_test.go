package diagnose_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"deed/check"
	"deed/dcv"
	"deed/diagnose"
	"deed/fetch"
	"deed/resolve"
	"deed/resolve/dnssec"
	"deed/resolve/dnssec/dnssectest"
)

// In a signed world the fix is tried as if whoever makes it signs it; a broken
// link is named, and no fix of it can be tried.
func TestSignedZones(t *testing.T) {
	doubled := `_dnsauth.good.com.good.com. 60 IN TXT "` + token + `"`
	s := dnssectest.Build(t, now,
		dnssectest.Zone{Name: "."}, dnssectest.Zone{Name: "com."},
		dnssectest.Zone{Name: "good.com.", Records: []string{"good.com. 60 IN A 127.0.0.1", doubled}},
		dnssectest.Zone{Name: "expired.com.", Records: []string{`_dnsauth.expired.com. 60 IN TXT "` + token + `"`}, Inception: now.Add(-96 * time.Hour), Expiration: now.Add(-36 * time.Hour)},
	)
	anchors, err := dnssec.ParseAnchors(s.Anchors())
	if err != nil {
		t.Fatal(err)
	}
	e := check.New(check.Options{
		DNS: resolve.NewLive(resolve.LiveOptions{Now: func() time.Time { return now }}), HTTP: fetch.NewLive(fetch.LiveOptions{}), Servers: []netip.AddrPort{s.Serve(t)},
		DNSSEC: resolve.DNSSECValidate, Anchors: anchors, Deed: "test", PSL: "2026-03-02", HostName: hostName(t),
		Now: func() time.Time { return now.Add(time.Second) }, QueryTimeout: 500 * time.Millisecond, Diagnose: diagnose.New(diagnose.Options{Timeout: 300 * time.Millisecond}),
	})
	for _, row := range []struct {
		name, domain string
		code         dcv.Code
		proven       bool
		says         []string
	}{
		{"the record misplaced in a signed zone", "good.com", dcv.RecordZoneDoubled, true, []string{"_dnsauth.good.com.good.com"}},
		{"signatures that have expired", "expired.com", dcv.DNSBogus, false, []string{"expired on 2026-11-23 00:00:00 UTC", "expired.com", "Sign the zone"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := e.Attempt(context.Background(), challenge(dcv.DNSTXT, row.domain, token))
			if err != nil || r.Diagnosis == nil {
				t.Fatal(err, r.Verdict.Problem)
			}
			expect(t, *r.Diagnosis, row.code, row.proven, row.says...)
			if again, err := check.Replay(r.Capsule, check.ReplayOptions{HostName: hostName(t)}); err != nil || !again.Same {
				t.Errorf("replay: %v %s", err, again.Difference)
			}
		})
	}
}
