package audit

import (
	"context"
	"slices"
	"time"

	"deed/dcv"
	"deed/store"
)

// FacetNames are what can be asked of proofs, see capsule.Facet.
func FacetNames() []string {
	return []string{"method", "resolver", "nameserver", "psl", "rules", "deed", "dnssec", "address"}
}

// Resting lists the proofs that rest on a facet, oldest first, calling each;
// account 0 is all. It stops when each returns false.
func Resting(ctx context.Context, st store.Store, account int64, f store.Facet, each func(store.LoggedProof) bool) error {
	for from := int64(0); ; {
		var list []store.LoggedProof
		err := st.Read(ctx, func(r store.Reader) (err error) { list, err = r.ProofsBy(account, f, from, 1000); return err })
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			if from = p.N + 1; !each(p) {
				return nil
			}
		}
	}
}

// Hit lists the domains whose proof rests on a method and was to be usable on
// a day: those that need another one if the method ends then.
func Hit(ctx context.Context, st store.Store, account int64, m dcv.Method, day time.Time, each func(store.Domain) bool) error {
	for after := int64(0); ; {
		var list []store.Domain
		err := st.Read(ctx, func(r store.Reader) (err error) {
			list, err = r.ProvenDomains(account, m, day, after, 1000)
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, d := range list {
			if after = d.ID; !each(d) {
				return nil
			}
		}
	}
}

// maxHistory bounds how much of a name's history is read.
const maxHistory = 10_000

// Day is what a domain looked like at the end of a day, as the log tells it:
// one for each account that had the name.
type Day struct {
	Account int64 `json:"account"`
	Domain  int64 `json:"domain_id"`
	// Proof is the last proof until then; nil if none, or if it ended: by its
	// time, or with the domain.
	Proof *Leaf `json:"proof,omitempty"`
	Ended bool  `json:"ended"` // the domain was deleted or deactivated
	// Changes are those of the day, Attempts its looks.
	Changes  []Leaf `json:"changes"`
	Attempts []Leaf `json:"attempts"`
	// Last is the last look until the end of the day.
	Last *Leaf `json:"last_attempt,omitempty"`
}

// On tells what a name looked like on a day (UTC).
func On(ctx context.Context, st store.Store, account int64, name dcv.Name, day time.Time) (days []Day, err error) {
	start := day.UTC().Truncate(24 * time.Hour)
	end := start.Add(24*time.Hour - time.Microsecond)
	err = st.Read(ctx, func(r store.Reader) error {
		ids, err := r.LogDomains(account, name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			entries, err := r.LogOfDomain(id, end, maxHistory)
			if err != nil {
				return err
			}
			d, err := dayOf(entries, start, end)
			if err != nil {
				return err
			}
			if d.Domain = id; len(entries) > 0 {
				d.Account = entries[0].AccountID
				days = append(days, d)
			}
		}
		return nil
	})
	return days, err
}

func dayOf(entries []store.LogEntry, start, end time.Time) (Day, error) {
	d := Day{Changes: []Leaf{}, Attempts: []Leaf{}}
	for i := range entries {
		l, err := ParseLeaf(entries[i].Leaf)
		if err != nil {
			return d, err
		}
		today := !l.At.Before(start)
		switch {
		case l.Kind == KindAttempt:
			d.Last = &l
			if today {
				d.Attempts = append(d.Attempts, l)
			}
			continue
		case l.Kind == KindProven:
			d.Proof = &l
		case slices.Contains([]string{"domain.deleted", "domain.deactivated"}, l.Kind):
			d.Ended = true
		case l.Kind == "domain.activated":
			d.Ended = false
		}
		if today {
			d.Changes = append(d.Changes, l)
		}
	}
	if d.Proof != nil && (d.Ended || d.Proof.Until.Before(end)) {
		d.Proof = nil
	}
	return d, nil
}
