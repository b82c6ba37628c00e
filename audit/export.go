package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"deed/capsule"
	"deed/dcv"
	"deed/store"
)

// Filter selects entries of the log; zero fields select all.
type Filter struct {
	Account int64
	Name    dcv.Name
	Kind    string
	Outcome dcv.Outcome
	Since   time.Time // at or after
	Until   time.Time // before
}

func (f *Filter) takes(e *store.LogEntry, l *Leaf) bool {
	return (f.Account == 0 || f.Account == e.AccountID) && (f.Name.IsZero() || f.Name == l.Name) && (f.Kind == "" || f.Kind == e.Kind) &&
		(f.Outcome == "" || f.Outcome == l.Outcome) && (f.Since.IsZero() || !e.At.Before(f.Since)) && (f.Until.IsZero() || e.At.Before(f.Until))
}

// ExportOptions say what is written, and for whom.
type ExportOptions struct {
	Filter Filter
	CSV    bool
	// Personal leaves e-mail addresses of recipients in.
	Personal bool
	Now      time.Time
}

// Line is one exported entry. Live values are never in it.
type Line struct {
	N int64 `json:"n"`
	Leaf
	// Seen is the attempt's verdict, with live values replaced by "[secret]".
	Seen json.RawMessage `json:"seen,omitempty"`
}

// Export writes entries as JSON lines or CSV, in order, and counts them.
func Export(ctx context.Context, st store.Store, w io.Writer, o ExportOptions) (n int64, err error) {
	x := exporter{o: o, json: json.NewEncoder(w), csv: csv.NewWriter(w)}
	x.json.SetEscapeHTML(false)
	if o.CSV {
		if err := x.csv.Write([]string{"n", "at", "kind", "account", "domain_id", "name", "actor", "attempt", "method", "authorization_domain_name", "outcome", "code", "scope", "usable_until", "test", "capsule"}); err != nil {
			return 0, err
		}
	}
	for from := int64(0); ; {
		var lines []Line
		last := false
		err := st.Read(ctx, func(r store.Reader) error {
			entries, err := r.LogEntries(from, chunk)
			last = len(entries) < chunk
			for i := range entries {
				from = entries[i].N + 1
				l, err := x.line(r, &entries[i])
				if err != nil {
					return err
				}
				if l != nil {
					lines = append(lines, *l)
				}
			}
			return err
		})
		if err != nil {
			return n, err
		}
		for i := range lines { // writing may be slow: not while the store waits
			if err := x.write(&lines[i]); err != nil {
				return n, err
			}
			n++
		}
		if last {
			x.csv.Flush()
			return n, x.csv.Error()
		}
	}
}

type exporter struct {
	o    ExportOptions
	json *json.Encoder
	csv  *csv.Writer
}

// line is what the reader may see of an entry; nil if it is not selected.
func (x *exporter) line(r store.Reader, e *store.LogEntry) (*Line, error) {
	leaf, err := ParseLeaf(e.Leaf)
	if err != nil {
		return nil, err
	}
	if !x.o.Filter.takes(e, &leaf) {
		return nil, nil
	}
	if strings.HasPrefix(leaf.Actor, "mail:") && !x.o.Personal {
		leaf.Actor = "mail"
	}
	l := &Line{N: e.N, Leaf: leaf}
	if leaf.Kind != KindAttempt || x.o.CSV {
		return l, nil
	}
	a, err := r.Attempt(leaf.Account, leaf.Attempt)
	if errors.Is(err, store.ErrNotFound) {
		return l, nil // audit verify finds it
	}
	if err != nil {
		return nil, err
	}
	b, err := r.Capsule(leaf.Account, leaf.Attempt)
	if err != nil {
		return nil, err
	}
	l.Seen, err = x.seen(a.Verdict, b)
	return l, err
}

// seen is a verdict without live values and, unless asked for, without the
// addresses that messages went to.
func (x *exporter) seen(verdict, packed []byte) (json.RawMessage, error) {
	if len(packed) == 0 {
		return verdict, nil // its values died long ago
	}
	sealed, err := capsule.Open(packed)
	if err != nil {
		return nil, err
	}
	c, err := capsule.Decode(sealed.Capsule)
	if err != nil {
		return nil, err
	}
	out := string(verdict)
	hide := secrets(c, x.o.Now)
	if c.Mail != nil && !x.o.Personal {
		hide = append(hide, c.Mail.Recipient)
	}
	for _, s := range hide {
		quoted, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		out = strings.ReplaceAll(out, strings.Trim(string(quoted), `"`), "[secret]")
	}
	return json.RawMessage(out), nil
}

func (x *exporter) write(l *Line) error {
	if !x.o.CSV {
		return x.json.Encode(l)
	}
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	return x.csv.Write([]string{
		strconv.FormatInt(l.N, 10), stamp(l.At), l.Kind, strconv.FormatInt(l.Account, 10), strconv.FormatInt(l.Domain, 10), l.Name.String(), l.Actor, l.Attempt,
		string(l.Method), l.ADN.String(), string(l.Outcome), string(l.Code), string(l.Scope), stamp(l.Until), strconv.FormatBool(l.Test), l.Capsule,
	})
}
