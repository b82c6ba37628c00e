package dcv

import "time"

// Stamp brings a clock reading to the form that is stored and compared: UTC,
// whole microseconds (what both databases keep).
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
