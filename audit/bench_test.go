package audit_test

import (
	"fmt"
	"testing"
	"time"

	"deed/audit"
	"deed/check"
	"deed/store"
)

// BenchmarkReplay10000 judges 10,000 stored capsules again: real checks of a
// few domains, proven and not, each kept many times.
func BenchmarkReplay10000(b *testing.B) {
	const capsules = 10_000
	h := newHouse(b)
	for i := range 8 {
		name := fmt.Sprintf("d%d.example.com", i)
		if i%2 == 0 {
			h.prove(name)
			continue
		}
		h.check(h.add(name).Domain.ID)
	}
	err := h.db.Write(b.Context(), func(t store.Tx) error {
		list, err := t.AttemptsAfter("", capsules)
		if err != nil {
			return err
		}
		for i := range capsules - len(list) {
			a := list[i%len(list)]
			a.ID = fmt.Sprintf("ffffffff-%d", i)
			if err := t.InsertAttempt(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	for b.Loop() {
		start := time.Now()
		n, err := audit.ReplayAll(b.Context(), h.db, check.ReplayOptions{HostName: h.host}, func(d audit.Difference) { b.Errorf("%+v", d) })
		took += time.Since(start)
		if err != nil || n.Same != capsules {
			b.Fatalf("%+v, %v", n, err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.Seconds()/float64(b.N), "s/10000-capsules")
}
