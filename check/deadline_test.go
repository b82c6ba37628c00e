package check

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAttemptEndsAtItsDeadlineOrItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		ctx := until(parent, time.Now().Add(time.Minute))
		if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Minute || ctx.Err() != nil {
			t.Errorf("at first: %v, %v, %v", at, ok, ctx.Err())
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if ctx.Err() != nil {
			t.Errorf("before its end: %v", ctx.Err())
		}
		time.Sleep(time.Nanosecond)
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("at its end: %v", ctx.Err())
		}
		cancel()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("a caller that went away: %v", ctx.Err())
		}
		select {
		case <-ctx.Done():
		default:
			t.Error("what the caller ended is not done")
		}
		sooner, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if at, _ := until(sooner, time.Now().Add(time.Minute)).Deadline(); time.Until(at) != time.Second {
			t.Errorf("the caller's earlier end gave way to %v", at)
		}
	})
}
