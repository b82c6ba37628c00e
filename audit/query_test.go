package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"deed/audit"
	"deed/check"
	"deed/dcv"
	"deed/store"
)

func TestWhatAnAuditorAsks(t *testing.T) {
	h := newHouse(t)
	h.many(3)
	h.check(h.add("open.example.com").Domain.ID)
	for _, row := range []struct {
		f    store.Facet
		want int
	}{
		{store.Facet{Name: "method", Value: "dns-txt-token"}, 3},
		{store.Facet{Name: "method", Value: "email"}, 0},
		{store.Facet{Name: "resolver", Value: "192.0.2.53:53"}, 3},
		{store.Facet{Name: "nameserver", Value: "ns1.dns.example"}, 3},
		{store.Facet{Name: "psl", Value: "2026-03-02"}, 3},
		{store.Facet{Name: "psl", Value: "2026-03-03"}, 0},
	} {
		n := 0
		if err := audit.Resting(t.Context(), h.db, 0, row.f, func(p store.LoggedProof) bool { n++; return strings.HasPrefix(p.Name, "site") }); err != nil || n != row.want {
			t.Errorf("%v: %d, %v", row.f, n, err)
		}
		if err := h.db.Read(t.Context(), func(r store.Reader) (err error) { n, err = r.CountProofsBy(row.f); return err }); err != nil || n != row.want {
			t.Errorf("%v counted: %d, %v", row.f, n, err)
		}
	}
	hit := func(m dcv.Method, day time.Time) (n int) {
		if err := audit.Hit(t.Context(), h.db, 0, m, day, func(store.Domain) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if hit(dcv.DNSTXT, h.clock()) != 3 || hit(dcv.DNSTXT, h.clock().AddDate(2, 0, 0)) != 0 || hit(dcv.Email, h.clock()) != 0 {
		t.Error("the names that are hit")
	}
}

func TestWhatADomainLookedLikeOnADay(t *testing.T) {
	h := newHouse(t)
	monday := h.clock()
	r := h.prove("shop.example.com")
	h.pass(48 * time.Hour)
	if err := h.a.SetActive(t.Context(), h.actor, r.Domain.ID, false); err != nil {
		t.Fatal(err)
	}
	on := func(day time.Time) audit.Day {
		t.Helper()
		days, err := audit.On(t.Context(), h.db, 0, dcv.MustName("shop.example.com"), day)
		if err != nil || len(days) > 1 {
			t.Fatal(days, err)
		}
		if len(days) == 0 {
			return audit.Day{}
		}
		return days[0]
	}
	if d := on(monday.AddDate(0, 0, -1)); d.Domain != 0 {
		t.Errorf("the day before: %+v", d)
	}
	if d := on(monday); d.Proof == nil || d.Proof.Attempt != r.Attempt.ID || len(d.Attempts) != 2 || len(d.Changes) != 2 {
		t.Errorf("the day itself: %+v", d)
	}
	if d := on(monday.AddDate(0, 0, 1)); d.Proof == nil || len(d.Attempts) != 0 || d.Last == nil {
		t.Errorf("the day after: %+v", d)
	}
	if d := on(monday.AddDate(0, 0, 2)); d.Proof != nil || !d.Ended {
		t.Errorf("when it was deactivated: %+v", d)
	}
}

func TestExportsTellNoSecret(t *testing.T) {
	h := newHouse(t)
	h.prove("shop.example.com")
	open := h.add("open.example.com")
	h.check(open.Domain.ID) // the verdict's fix says what to publish
	var out bytes.Buffer
	n, err := audit.Export(t.Context(), h.db, &out, audit.ExportOptions{Now: h.clock()})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if strings.Contains(out.String(), open.Value.Token) || !strings.Contains(out.String(), "[secret]") {
		t.Errorf("%s", out.String())
	}
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	out.Reset()
	n, err = audit.Export(t.Context(), h.db, &out, audit.ExportOptions{Now: h.clock(), CSV: true, Filter: audit.Filter{Kind: audit.KindAttempt, Outcome: dcv.Proven}})
	rows, err2 := csv.NewReader(&out).ReadAll()
	if err != nil || err2 != nil || n != 1 || len(rows) != 2 || rows[1][5] != "shop.example.com" {
		t.Errorf("%v %v %v", rows, err, err2)
	}
}

func TestReplayAll(t *testing.T) {
	h := newHouse(t)
	h.many(5)
	n, err := audit.ReplayAll(t.Context(), h.db, check.ReplayOptions{HostName: h.host}, func(d audit.Difference) { t.Error(d) })
	if err != nil || n.Capsules != 10 || n.Same != 10 || n.Words != 0 {
		t.Errorf("%+v %v", n, err)
	}
}
