package dnssec

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/resolve/dnssec/dnssectest"
)

var day = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// smallWorld has each kind of proof once.
func smallWorld(t testing.TB) *dnssectest.World {
	t.Helper()
	records := func(z string) []string {
		return []string{
			`a.` + z + ` 60 IN TXT "value"`, `b.` + z + ` 60 IN TXT "other"`, `alias.` + z + ` 60 IN CNAME a.` + z, `*.wild.` + z + ` 60 IN TXT "wild"`,
			`deep.empty.` + z + ` 60 IN A 192.0.2.1`,
		}
	}
	return dnssectest.Build(t, day,
		dnssectest.Zone{Name: "."},
		dnssectest.Zone{Name: "nsec.", Records: append(records("nsec."), `tree.nsec. 60 IN DNAME three.`)},
		dnssectest.Zone{Name: "sub.nsec.", Records: records("sub.nsec.")},
		dnssectest.Zone{Name: "plain.nsec.", Unsigned: true, Records: records("plain.nsec.")},
		dnssectest.Zone{Name: "three.", NSEC3: true, Iterations: 3, Salt: "ab", Records: records("three.")},
		dnssectest.Zone{Name: "plain.three.", Unsigned: true, Records: records("plain.three.")},
		dnssectest.Zone{Name: "optout.", NSEC3: true, OptOut: true, Records: records("optout.")},
		dnssectest.Zone{Name: "plain.optout.", Unsigned: true, Records: records("plain.optout.")},
		dnssectest.Zone{Name: "old.", Records: records("old."), Inception: day.Add(-96 * time.Hour), Expiration: day.Add(-48 * time.Hour)},
	)
}

// asked are the questions that a forger wants other answers to.
func asked() []dns.Question {
	var list []dns.Question
	for _, z := range []string{"nsec.", "sub.nsec.", "plain.nsec.", "three.", "plain.three.", "optout.", "plain.optout.", "old."} {
		for _, n := range []string{"a.", "alias.", "x.wild.", "none.", "empty.", "y.none."} {
			list = append(list, dns.Question{Name: n + z, Qtype: dns.TypeTXT})
		}
	}
	return append(list, dns.Question{Name: "a.tree.nsec.", Qtype: dns.TypeTXT}, dns.Question{Name: "a.nsec.", Qtype: dns.TypeCAA}, dns.Question{Name: "a.three.", Qtype: dns.TypeCAA})
}

// message is a question with the bytes of its answer.
type message struct {
	q   dns.Question
	raw []byte
}

// library is every answer that the world gives.
func library(t testing.TB, w *dnssectest.World) []message {
	t.Helper()
	all := asked()
	for _, z := range []string{".", "nsec.", "sub.nsec.", "plain.nsec.", "three.", "plain.three.", "optout.", "plain.optout.", "old."} {
		all = append(all, dns.Question{Name: z, Qtype: dns.TypeDS}, dns.Question{Name: z, Qtype: dns.TypeDNSKEY}, dns.Question{Name: z, Qtype: dns.TypeSOA})
	}
	for _, q := range asked() {
		all = append(all, dns.Question{Name: q.Name, Qtype: dns.TypeDS})
	}
	var list []message
	for _, q := range all {
		m := w.Peek(q.Name, q.Qtype)
		m.Response = true
		raw, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, message{q, raw})
	}
	return list
}

// forger answers from the library with changes.
type forger struct {
	world   *dnssectest.World
	changed map[dns.Question]*dns.Msg
}

func (f *forger) answer(name string, qtype uint16) *dns.Msg {
	name = dns.CanonicalName(name)
	if m := f.changed[dns.Question{Name: name, Qtype: qtype}]; m != nil {
		return m
	}
	return f.world.Peek(name, qtype)
}

func (f *forger) Ask(_ context.Context, name string, qtype uint16) (Response, error) {
	m := f.answer(dns.Fqdn(name), qtype)
	raw, _ := m.Pack()
	return Response{Msg: m, Raw: raw}, nil
}

// forge applies the fuzzer's program to copies of the library's messages: an
// operation, a message, and two arguments each time.
func (f *forger) forge(list []message, program []byte) {
	f.changed = map[dns.Question]*dns.Msg{}
	for range 8 {
		if len(program) < 5 {
			return
		}
		op, which, x, y, z := program[0], list[int(program[1])%len(list)], int(program[2]), int(program[3]), program[4]
		program = program[5:]
		m := f.changed[dns.Question{Name: which.q.Name, Qtype: which.q.Qtype}]
		if m == nil {
			m = new(dns.Msg)
			if m.Unpack(which.raw) != nil {
				continue
			}
		}
		other := list[x%len(list)]
		switch op % 6 {
		case 0: // a byte of the message is another
			raw, err := m.Pack()
			if err != nil {
				continue
			}
			raw[(x<<8|y)%len(raw)] ^= z
			n := new(dns.Msg)
			if n.Unpack(raw) != nil {
				continue
			}
			m = n
		case 1: // the answer to another question
			n := new(dns.Msg)
			if n.Unpack(other.raw) != nil {
				continue
			}
			m = n
		case 2: // a record is gone
			if section := section(m, y); len(*section) > 0 {
				*section = slices.Delete(*section, x%len(*section), x%len(*section)+1)
			}
		case 3: // the records of another answer besides
			n := new(dns.Msg)
			if n.Unpack(other.raw) == nil {
				m.Answer, m.Ns = append(m.Answer, n.Answer...), append(m.Ns, n.Ns...)
			}
		case 4: // another answer code
			m.Rcode = x % 6
		case 5: // a record bears another name
			if section := section(m, y); len(*section) > 0 {
				(*section)[x%len(*section)].Header().Name = list[int(z)%len(list)].q.Name
			}
		}
		f.changed[dns.Question{Name: which.q.Name, Qtype: which.q.Qtype}] = m
	}
}

func section(m *dns.Msg, which int) *[]dns.RR {
	if which%2 == 0 {
		return &m.Answer
	}
	return &m.Ns
}

// said is a judgement without what may differ: the time to live.
func said(j *Judgement) string {
	lines := make([]string, 0, 4)
	for _, rr := range j.Records {
		c := dns.Copy(rr)
		c.Header().Ttl, c.Header().Name = 0, strings.ToLower(c.Header().Name)
		lines = append(lines, c.String())
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(append(lines, string(rune('0'+int(j.Kind))), strings.ToLower(j.Target))), "\n")
}

// FuzzForgery changes the answers of a signed world, on the way down and at
// the end. Whatever the change: what is secure is the truth, and what is
// signed is never called insecure; and the work is bounded.
func FuzzForgery(f *testing.F) {
	w := smallWorld(f)
	list := library(f, w)
	anchors, err := ParseAnchors(w.Anchors())
	if err != nil {
		f.Fatal(err)
	}
	truth := map[dns.Question]Judgement{}
	for _, q := range asked() {
		v := New(Options{Source: &forger{world: w}, Anchors: anchors, Now: day})
		var work Work
		j, err := v.Judge(f.Context(), &work, w.Peek(q.Name, q.Qtype), q.Name, q.Qtype, true)
		if err != nil {
			f.Fatal(err)
		}
		truth[q] = j
	}
	f.Add([]byte{})
	for op := range byte(6) {
		for which := range byte(len(list)) {
			f.Add([]byte{which, op, which, which + 1, op, 0x10})
			f.Add([]byte{which * 7, op, which, which * 5, op + 1, which})
		}
	}
	memo := NewMemo(0) // of all that was validated before, forged or not
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) == 0 {
			return
		}
		fg := &forger{world: w}
		fg.forge(list, program[1:])
		v := New(Options{Source: fg, Anchors: anchors, Now: day})
		all := asked()
		for _, q := range []dns.Question{all[int(program[0])%len(all)], all[int(program[0]/3)%len(all)]} {
			var work Work
			j, err := v.Judge(context.Background(), &work, fg.answer(q.Name, q.Qtype), q.Name, q.Qtype, true)
			if err != nil {
				t.Fatal(err)
			}
			if work.questions > maxQuestions+1 || work.signatures > maxSignatures+1 || work.hashes > maxHashes+256*MaxIterations {
				t.Errorf("%s: %+v", q.Name, work)
			}
			var again Work
			warm := New(Options{Source: fg, Anchors: anchors, Now: day, Memo: memo})
			if r, err := warm.Judge(context.Background(), &again, fg.answer(q.Name, q.Qtype), q.Name, q.Qtype, true); err != nil || r.Finding != j.Finding || said(&r) != said(&j) {
				t.Errorf("%s %s with a memory: %s, without: %s", q.Name, dns.TypeToString[q.Qtype], r.Finding, j.Finding)
			}
			want := truth[q]
			switch {
			case j.Finding.Status == Secure && (want.Finding.Status != Secure || said(&j) != said(&want)):
				t.Errorf("%s %s is said to be secure, with %q; the truth is %s, %q", q.Name, dns.TypeToString[q.Qtype], said(&j), want.Finding.Status, said(&want))
			case j.Finding.Status == Insecure && want.Finding.Status != Insecure:
				t.Errorf("%s %s is said to be insecure: %s; the truth is %s", q.Name, dns.TypeToString[q.Qtype], j.Finding, want.Finding.Status)
			}
		}
	})
}
