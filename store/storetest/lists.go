package storetest

import (
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

func ptr[T any](v T) *T { return &v }

func domainID(d store.Domain) int64 { return d.ID }

// found runs a query and compares ids and the total.
func (w world) found(t *testing.T, q store.DomainQuery, total int, want ...store.Domain) {
	t.Helper()
	w.read(t, func(r store.Reader) error {
		list, n, err := r.Domains(q)
		if n != total {
			t.Errorf("total %d, want %d", n, total)
		}
		same(t, "ids", ids(list, domainID), ids(want, domainID))
		return err
	})
}

func lists(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	w.domain(t, other, "stranger.example.com", nil)
	made := func(name string, h int) store.Domain {
		return w.domain(t, mine, name, func(d *store.Domain) { d.Created = hour(h) })
	}
	c, a, d, b := made("c.example.com", 1), made("a.example.com", 2), made("d.example.com", 1), made("b.example.com", 0)
	for _, row := range []struct {
		name string
		sort []string
		want []store.Domain
	}{
		{"by id when nothing is said", nil, []store.Domain{c, a, d, b}},
		{"by name", []string{"name"}, []store.Domain{a, b, c, d}},
		{"by name, descending", []string{"-name"}, []store.Domain{d, c, b, a}},
		{"by date, then by id", []string{"date_created", "id"}, []store.Domain{b, c, d, a}},
		{"by date, then by id descending", []string{"date_created", "-id"}, []store.Domain{b, d, c, a}},
		{"by date descending, then by name descending", []string{"-date_created", "-name"}, []store.Domain{a, d, c, b}},
		{"by date descending, then by name", []string{"-date_created", "name"}, []store.Domain{a, c, d, b}},
		{"by id descending", []string{"-id"}, []store.Domain{b, d, a, c}},
		{"an unknown column is passed over, whatever it holds", []string{"name; DROP TABLE domains", "-name"}, []store.Domain{d, c, b, a}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.found(t, store.DomainQuery{Account: mine, Sort: row.sort, Page: all}, 4, row.want...)
		})
	}
	t.Run("pages join without a gap, a repeat or another total", func(t *testing.T) {
		w.found(t, store.DomainQuery{Account: mine, Sort: []string{"name"}, Page: store.Page{Limit: 3}}, 4, a, b, c)
		w.found(t, store.DomainQuery{Account: mine, Sort: []string{"name"}, Page: store.Page{Limit: 3, Offset: 3}}, 4, d)
		w.found(t, store.DomainQuery{Account: mine, Sort: []string{"name"}, Page: store.Page{Limit: 3, Offset: 4}}, 4)
		w.found(t, store.DomainQuery{Account: mine, Sort: []string{"name"}, Page: store.Page{Limit: 3, Offset: 1 << 40}}, 4)
	})
	t.Run("an account without domains has none, and no error", func(t *testing.T) {
		w.found(t, store.DomainQuery{Account: w.account(t), Page: all}, 0)
	})
}

func filters(t *testing.T, w world) {
	mine := w.account(t)
	ov := func(pending bool, until time.Time) []store.Validation {
		return []store.Validation{{Type: "ov", Pending: pending, Until: until}}
	}
	a := w.domain(t, mine, "shop.example.com", func(d *store.Domain) { d.Validations = ov(true, time.Time{}) })
	b := w.domain(t, mine, "shop.example.net", func(d *store.Domain) { d.Method, d.Validations = dcv.Email, ov(false, hour(10)) })
	c := w.domain(t, mine, "100-percent.example.org", func(d *store.Domain) {
		d.Active, d.OrganizationID, d.Validations = false, 8, []store.Validation{{Type: "ev", Until: hour(20)}}
	})
	none := w.domain(t, mine, "none.example.org", func(d *store.Domain) { d.Method = dcv.HTTP })
	state := func(f store.ValidationFilter) store.DomainQuery { return store.DomainQuery{Validation: &f} }
	for _, row := range []struct {
		name string
		q    store.DomainQuery
		want []store.Domain
	}{
		{"active ones", store.DomainQuery{Active: ptr(true)}, []store.Domain{a, b, none}},
		{"inactive ones", store.DomainQuery{Active: ptr(false)}, []store.Domain{c}},
		{"by method", store.DomainQuery{Methods: []dcv.Method{dcv.Email}}, []store.Domain{b}},
		{"by any of two methods, active", store.DomainQuery{Active: ptr(true), Methods: []dcv.Method{dcv.DNSTXT, dcv.HTTP}}, []store.Domain{a, none}},
		{"by a method that none has", store.DomainQuery{Methods: []dcv.Method{"unheard-of"}}, nil},
		{"by organization", store.DomainQuery{OrganizationID: 8}, []store.Domain{c}},
		{"by a name, exactly", store.DomainQuery{Name: "shop.example.com"}, []store.Domain{a}},
		{"a part of a name is no name", store.DomainQuery{Name: "shop.example"}, nil},
		{"by a part of the name", store.DomainQuery{Name: "shop.example", Contains: true}, []store.Domain{a, b}},
		{"no character of the part is special", store.DomainQuery{Name: "%", Contains: true}, nil},
		{"nor is this one", store.DomainQuery{Name: "100_percent", Contains: true}, nil},
		{"nor a quote", store.DomainQuery{Name: "' OR 1=1 --", Contains: true}, nil},
		{"two filters are both met", store.DomainQuery{Name: "shop", Contains: true, Methods: []dcv.Method{dcv.Email}}, []store.Domain{b}},
		{"ever submitted for either type", state(store.ValidationFilter{}), []store.Domain{a, b, c}},
		{"ever submitted for one type", state(store.ValidationFilter{Type: "ov"}), []store.Domain{a, b}},
		{"of a type that none has", state(store.ValidationFilter{Type: "dv"}), nil},
		{"pending", state(store.ValidationFilter{Pending: ptr(true)}), []store.Domain{a}},
		{"not pending", state(store.ValidationFilter{Pending: ptr(false)}), []store.Domain{b, c}},
		{"not pending, of one type", state(store.ValidationFilter{Type: "ev", Pending: ptr(false)}), []store.Domain{c}},
		{"a bound is met by no domain that was never proven", state(store.ValidationFilter{To: hour(1000)}), []store.Domain{b, c}},
		{"from is included", state(store.ValidationFilter{From: hour(10)}), []store.Domain{b, c}},
		{"from is a bound", state(store.ValidationFilter{From: hour(10).Add(time.Microsecond)}), []store.Domain{c}},
		{"to is excluded", state(store.ValidationFilter{To: hour(20)}), []store.Domain{b}},
		{"to is a bound", state(store.ValidationFilter{From: hour(11), To: hour(20).Add(time.Microsecond)}), []store.Domain{c}},
		{"both bounds are met by one type's end, not by two types' together", state(store.ValidationFilter{From: hour(11), To: hour(19)}), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.q.Account, row.q.Page = mine, all
			w.found(t, row.q, len(row.want), row.want...)
		})
		t.Run(row.name+": a page of one with the same total", func(t *testing.T) {
			row.q.Account, row.q.Page = mine, store.Page{Limit: 1}
			w.found(t, row.q, len(row.want), row.want[:min(1, len(row.want))]...)
		})
	}
	t.Run("totals follow every change of what they count", func(t *testing.T) {
		count := func(active bool, method dcv.Method, want int) {
			t.Helper()
			w.read(t, func(r store.Reader) error {
				_, n, err := r.Domains(store.DomainQuery{Account: mine, Active: &active, Methods: []dcv.Method{method}, Page: store.Page{Limit: 1}})
				if n != want {
					t.Errorf("%v %s: total %d, want %d", active, method, n, want)
				}
				return err
			})
		}
		a.Active, a.Method = false, dcv.Email
		w.write(t, func(tx store.Tx) error { return tx.UpdateDomain(a) })
		count(true, dcv.DNSTXT, 0)
		count(false, dcv.Email, 1)
		count(true, dcv.Email, 1)
		w.write(t, func(tx store.Tx) error { return tx.DeleteDomain(mine, b.ID) })
		count(true, dcv.Email, 0)
		w.refused(t, store.ErrNotFound, func(tx store.Tx) error { // undone: not counted
			return first(tx.DeleteDomain(mine, none.ID), tx.RevokeKey(1<<40, noon))
		})
		count(true, dcv.HTTP, 1)
		w.found(t, store.DomainQuery{Account: mine, Page: all}, 3, a, c, none)
	})
}

func expirations(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	midnight := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return midnight.AddDate(0, 0, n) }
	const instant = time.Microsecond
	proven := func(account int64, until time.Time, change func(*store.Domain)) {
		w.domain(t, account, unique()+".example.com", func(d *store.Domain) {
			d.Validations = []store.Validation{{Type: "ov", Proven: until.AddDate(-1, 0, 0), Until: until}}
			if change != nil {
				change(d)
			}
		})
	}
	counts := func(account int64, typ string) (e store.Expirations) {
		w.read(t, func(r store.Reader) (err error) { e, err = r.Expirations(account, noon, typ); return err })
		return e
	}
	same(t, "nothing", counts(mine, "ov"), store.Expirations{})
	for _, row := range []struct {
		name  string
		until time.Time
		want  store.Expirations
	}{
		{"ended eight days ago, by an instant: expired only", day(-7).Add(-instant), store.Expirations{Expired: 1}},
		{"ended in the first instant of the seventh day back: recent", day(-7), store.Expirations{Expired: 1, RecentlyExpired: 1}},
		{"ended in the last instant of yesterday: recent", day(0).Add(-instant), store.Expirations{Expired: 1, RecentlyExpired: 1}},
		{"ended today: expired, today is not in the last seven days", day(0), store.Expirations{Expired: 1}},
		{"ended an instant ago", noon.Add(-instant), store.Expirations{Expired: 1}},
		{"ends now: not expired yet", noon, store.Expirations{Soon: 1, Within30: 1}},
		{"ends in the last instant of day 30", day(31).Add(-instant), store.Expirations{Soon: 1, Within30: 1}},
		{"ends in the first instant of day 31", day(31), store.Expirations{Soon: 1, From31To60: 1}},
		{"ends in the last instant of day 60", day(61).Add(-instant), store.Expirations{Soon: 1, From31To60: 1}},
		{"ends in the first instant of day 61", day(61), store.Expirations{From61To90: 1}},
		{"ends in the last instant of day 90", day(91).Add(-instant), store.Expirations{From61To90: 1}},
		{"ends after day 90: not counted", day(91), store.Expirations{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			account := w.account(t)
			proven(account, row.until, nil)
			same(t, "counts", counts(account, "ov"), row.want)
			same(t, "the other type's counts", counts(account, "ev"), store.Expirations{})
		})
	}
	proven(mine, hour(1), func(d *store.Domain) { d.Active = false })
	proven(mine, hour(1), func(d *store.Domain) { d.Validations = []store.Validation{{Type: "ov", Pending: true}} })
	proven(other, hour(1), nil)
	same(t, "an inactive, a never proven and another account's domain are not counted", counts(mine, "ov"), store.Expirations{})
	same(t, "an unknown type", counts(other, "dv"), store.Expirations{})
	proven(mine, hour(1), func(d *store.Domain) { d.Validations[0].Pending = true })
	same(t, "a domain to be proven again still counts by its last proof", counts(mine, "ov"), store.Expirations{Soon: 1, Within30: 1})
}
