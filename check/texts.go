package check

import (
	"context"

	"github.com/miekg/dns"

	"deed/dcv"
)

// asked is what became of a question for TXT records.
type asked int

const (
	found   asked = iota // records came: they are to be judged
	absent               // the answer is that there are none
	silent               // no answer; noted, and the next name is asked
	over                 // no answer, and no time for more questions
	decided              // the verdict stands as it is, or the error is ours
)

// texts asks for the TXT records of a name, and notes what came in the verdict
// and, where no answer came, among the misses. Each text is one record, its
// strings joined (D2).
func texts(ctx context.Context, dnsc Lookups, v *dcv.Verdict, m *misses, name string) ([]string, asked, error) {
	a, err := dnsc.Lookup(ctx, name, dns.TypeTXT)
	if err != nil {
		stop, err := lookupFailed(v, m, err, name, "TXT")
		if err != nil || v.Outcome == dcv.CouldNotCheck {
			return nil, decided, err
		}
		see(v, "TXT "+name, "no answer")
		if stop {
			return nil, over, nil
		}
		return nil, silent, nil
	}
	if a.Empty() {
		see(v, "TXT "+name, answered(&a))
		return nil, absent, nil
	}
	see(v, "TXT "+name, count(len(a.TXT), "record"), a.TXT...)
	return a.TXT, found, nil
}
