package diagnose_test

import (
	"context"
	"testing"
	"time"

	"deed/check"
	"deed/dcv"
	"deed/sandbox"
)

// BenchmarkFailedCheck is a TXT check that finds nothing, with a diagnosis that
// asks two name servers of the zone, over one without: x/bare is the ratio.
func BenchmarkFailedCheck(b *testing.B) {
	w := newWorld(b)
	w.delegate(w.server(sandbox.NameServerOptions{}, 12), w.server(sandbox.NameServerOptions{}, 12))
	run := func(e *check.Engine) time.Duration {
		start := time.Now()
		if r, err := e.Attempt(context.Background(), challenge(dcv.DNSTXT, "example.com", token)); err != nil || r.Verdict.Outcome != dcv.NotProven {
			b.Fatal(err, r.Verdict.Problem)
		}
		return time.Since(start)
	}
	bare, full := w.engine(nil), w.engine(w.diagnoser())
	run(bare)
	run(full)
	var with, without time.Duration
	for b.Loop() {
		with += run(full)
		b.StopTimer()
		without += run(bare)
		b.StartTimer()
	}
	b.ReportMetric(float64(with)/float64(without), "x/bare")
}
