// Package api holds what the dialects share: limits and strict decoding.
package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxDepth bounds how deep a body may nest.
const maxDepth = 32

// Malformed is a body that cannot be read: a sentence for the caller.
type Malformed string

func (m Malformed) Error() string { return string(m) }

// Decode reads exactly one JSON object into v. Unknown fields are ignored, as
// clients need. The error is a sentence for the caller.
func Decode(b []byte, v any) error {
	if !utf8.Valid(b) {
		return Malformed("The body is not valid UTF-8.")
	}
	if depth(b) > maxDepth {
		return Malformed(fmt.Sprintf("The body nests deeper than %d levels.", maxDepth))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			if wrong.Field == "" {
				return Malformed(fmt.Sprintf("The body must be a JSON object, not a %s.", wrong.Value))
			}
			return Malformed(fmt.Sprintf("The field %s must not be a %s.", wrong.Field, wrong.Value))
		}
		return Malformed("The body is not valid JSON.")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Malformed("The body holds more than one JSON value.")
	}
	return nil
}

// depth is the deepest nesting of brackets outside strings.
func depth(b []byte) int {
	deep, level, text, escaped := 0, 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case text && c == '\\':
			escaped = true
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			level++
			deep = max(deep, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deep
}

// Window is one rolling limit: at most Requests in any span of Per.
type Window struct {
	Requests int
	Per      time.Duration
}

// Limiter counts requests per key in rolling windows. Memory is bounded by
// the largest window's count for each key seen within it. A nil Limiter
// allows everything.
type Limiter struct {
	windows []Window
	most    int
	longest time.Duration
	now     func() time.Time

	mu    sync.Mutex
	keys  map[int64]*ring
	swept time.Time
}

// ring holds the instants of the last requests, oldest first from head.
type ring struct {
	at   []int64 // nanoseconds
	head int
}

// NewLimiter makes a limiter; no windows make nil.
func NewLimiter(windows []Window, now func() time.Time) *Limiter {
	if len(windows) == 0 {
		return nil
	}
	l := &Limiter{windows: windows, now: now, keys: map[int64]*ring{}}
	for _, w := range windows {
		l.most, l.longest = max(l.most, w.Requests), max(l.longest, w.Per)
	}
	return l
}

// Allow counts a request of a key. When it may not be served, wait is in how
// many seconds the next may, at least 1; refused requests do not count.
func (l *Limiter) Allow(key int64) (wait int, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.sweep(now)
	r := l.keys[key]
	if r == nil {
		r = &ring{}
		l.keys[key] = r
	}
	for _, w := range l.windows {
		// The w.Requests-th last request must lie outside the window.
		if n := len(r.at); n >= w.Requests {
			t := r.at[(r.head+n-w.Requests)%n]
			if left := time.Duration(t + int64(w.Per) - now.UnixNano()); left > 0 {
				return int((left + time.Second - 1) / time.Second), false
			}
		}
	}
	if len(r.at) < l.most {
		r.at = append(r.at, now.UnixNano())
	} else {
		r.at[r.head] = now.UnixNano()
		r.head = (r.head + 1) % l.most
	}
	return 0, true
}

// sweep forgets keys that have been silent for the longest window.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < l.longest {
		return
	}
	l.swept = now
	for k, r := range l.keys {
		last := r.at[(r.head+len(r.at)-1)%len(r.at)]
		if now.UnixNano()-last > int64(l.longest) {
			delete(l.keys, k)
		}
	}
}

// Bearer is the token of an Authorization header (RFC 6750 section 2.1); "" if
// it holds none.
func Bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
