package storetest

import (
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

func values(t *testing.T, w world) {
	mine := w.account(t)
	d := w.domain(t, mine, "example.com", nil)
	o := w.order(t, mine, d)
	forDomain := store.Value{AccountID: mine, DomainID: d.ID, Method: dcv.DNSTXT, Token: "token of the domain", Created: noon, Expires: hour(1)}
	forOrder := store.Value{AccountID: mine, OrderID: o.ID, Method: dcv.HTTP, Token: "token of the order", Created: noon, Expires: hour(2)}
	w.missing(t, "the value of a domain that has none", func(r store.Reader) error { _, err := r.DomainValue(d.ID); return err })
	w.missing(t, "the value of an order that has none", func(r store.Reader) error { _, err := r.OrderValue(o.ID); return err })
	w.missing(t, "the value of no domain, beside an order's", func(r store.Reader) error { _, err := r.DomainValue(0); return err })
	forDomain, forOrder = w.value(t, forDomain), w.value(t, forOrder)
	current := func(t *testing.T, domain, order store.Value) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			got, err := r.DomainValue(d.ID)
			same(t, "the domain's value", got, domain)
			got, err2 := r.OrderValue(o.ID)
			same(t, "the order's value", got, order)
			return first(err, err2)
		})
	}
	t.Run("values come back as they were, though long expired", func(t *testing.T) { current(t, forDomain, forOrder) })
	t.Run("no second one beside one that has not ended", func(t *testing.T) {
		for _, v := range []store.Value{forDomain, forOrder} {
			v.Token, v.Method = "another", dcv.DNSCNAME
			w.refused(t, store.ErrConflict, func(tx store.Tx) error { _, err := tx.InsertValue(v); return err })
		}
		current(t, forDomain, forOrder)
	})
	t.Run("used is set once", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.UseValue(forDomain.ID, hour(3)) })
		w.write(t, func(tx store.Tx) error { return tx.UseValue(forDomain.ID, hour(4)) })
		forDomain.Used = hour(3)
		current(t, forDomain, forOrder)
	})
	t.Run("a new domain value takes the place of the old one and leaves the order's alone", func(t *testing.T) {
		fresh := store.Value{AccountID: mine, DomainID: d.ID, Method: dcv.DNSTXT, Token: "fresh", Created: hour(5), Expires: hour(6)}
		w.write(t, func(tx store.Tx) (err error) {
			if err := tx.EndDomainValue(d.ID, hour(5)); err != nil {
				return err
			}
			if _, err := tx.DomainValue(d.ID); err == nil {
				t.Error("the ended value is still the domain's within the transaction")
			}
			fresh.ID, err = tx.InsertValue(fresh)
			return err
		})
		current(t, fresh, forOrder)
	})
	t.Run("ending is no error when there is nothing to end, and ends nothing of others", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.EndOrderValue(o.ID, hour(7)) })
		w.missing(t, "the ended value", func(r store.Reader) error { _, err := r.OrderValue(o.ID); return err })
		w.write(t, func(tx store.Tx) error {
			return first(tx.EndOrderValue(o.ID, hour(8)), tx.EndOrderValue(0, hour(8)), tx.EndDomainValue(0, hour(8)), tx.EndDomainValue(1<<40, hour(8)))
		})
		w.read(t, func(r store.Reader) error { _, err := r.DomainValue(d.ID); return err })
		w.value(t, store.Value{AccountID: mine, OrderID: o.ID, Method: dcv.DNSTXT, Token: "after", Created: hour(9), Expires: hour(10)})
	})
}

func liveValues(t *testing.T, w world) {
	mine := w.account(t)
	d, sibling := w.domain(t, mine, "example.com", nil), w.domain(t, mine, "example.net", nil)
	make := func(v store.Value) store.Value {
		v.AccountID = mine
		if v.Method == "" {
			v.Method = dcv.DNSTXT
		}
		if v.Expires.IsZero() {
			v.Expires = hour(10)
		}
		v.Token, v.Created = unique(), noon
		return w.value(t, v)
	}
	live := func(t *testing.T, method dcv.Method, now time.Time, want ...store.Value) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			list, err := r.LiveValues(d.ID, method, now)
			if len(list)+len(want) > 0 {
				same(t, "live values", list, want)
			}
			return err
		})
	}
	live(t, dcv.DNSTXT, noon)
	older, newer, another := w.order(t, mine, d), w.order(t, mine, sibling, d), w.order(t, mine, sibling)
	fromOlder := make(store.Value{OrderID: older.ID})
	make(store.Value{OrderID: another.ID})
	make(store.Value{DomainID: sibling.ID})
	fromNewer := make(store.Value{OrderID: newer.ID})
	own := make(store.Value{DomainID: d.ID, Expires: hour(5)})
	t.Run("the domain's own first, then its orders', newest first; none of others", func(t *testing.T) {
		live(t, dcv.DNSTXT, noon, own, fromNewer, fromOlder)
	})
	t.Run("a value made for another method is not live for this one", func(t *testing.T) { live(t, dcv.HTTP, noon) })
	t.Run("a value lives at its last instant, and not after", func(t *testing.T) {
		live(t, dcv.DNSTXT, hour(5), own, fromNewer, fromOlder)
		live(t, dcv.DNSTXT, hour(5).Add(time.Microsecond), fromNewer, fromOlder)
		live(t, dcv.DNSTXT, hour(10), fromNewer, fromOlder)
		live(t, dcv.DNSTXT, hour(10).Add(time.Microsecond))
	})
	t.Run("the value of a cancelled order is dead", func(t *testing.T) {
		newer.Status = "canceled"
		w.write(t, func(tx store.Tx) error { return tx.UpdateOrder(newer) })
		live(t, dcv.DNSTXT, noon, own, fromOlder)
	})
	t.Run("an ended value is dead", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.EndDomainValue(d.ID, hour(1)) })
		live(t, dcv.DNSTXT, noon, fromOlder)
		w.write(t, func(tx store.Tx) error { return tx.EndOrderValue(older.ID, hour(1)) })
		live(t, dcv.DNSTXT, noon)
	})
	t.Run("at most 32, and the domain's own among them", func(t *testing.T) {
		var list []store.Value
		for range 33 {
			list = append([]store.Value{make(store.Value{OrderID: w.order(t, mine, d).ID})}, list...)
		}
		live(t, dcv.DNSTXT, noon, list[:32]...)
		own := make(store.Value{DomainID: d.ID})
		live(t, dcv.DNSTXT, noon, append([]store.Value{own}, list[:31]...)...)
	})
}

func orders(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	a, b := w.domain(t, mine, "a.example.com", nil), w.domain(t, mine, "b.example.com", nil)
	one := w.order(t, mine, b, a)
	full := store.Order{AccountID: mine, OrganizationID: 9, Product: "ssl_ev", CommonName: a.Name, Method: dcv.Email, Status: "pending", Created: hour(1), Details: `{"x":1}`,
		Names: []store.OrderName{{Name: dcv.MustName("*.a.example.com"), DomainID: a.ID}, {Name: dcv.MustName("www.a.example.com"), DomainID: a.ID}}}
	w.write(t, func(tx store.Tx) (err error) { full.ID, err = tx.InsertOrder(full); return err })
	full.Version = 1
	t.Run("an order comes back as it was, its names in their order", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, err := r.Order(mine, full.ID)
			same(t, "the order", got, full)
			got, err2 := r.Order(mine, one.ID)
			same(t, "the other order", got, one)
			return first(err, err2)
		})
	})
	t.Run("another account's cannot be told from one that never was", func(t *testing.T) {
		w.missing(t, "another's", func(r store.Reader) error { _, err := r.Order(other, one.ID); return err })
		w.missing(t, "none", func(r store.Reader) error { _, err := r.Order(mine, 1<<40); return err })
		w.read(t, func(r store.Reader) error {
			list, total, err := r.Orders(other, all)
			byDomain, err2 := r.OrdersOfDomain(other, a.ID, 10)
			if len(list)+total+len(byDomain) != 0 {
				t.Errorf("another account gets %v, %d, %v", list, total, byDomain)
			}
			return first(err, err2)
		})
	})
	t.Run("newest first, with exact totals and limits", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			list, total, err := r.Orders(mine, all)
			same(t, "all", list, []store.Order{full, one})
			page, _, err2 := r.Orders(mine, store.Page{Limit: 1, Offset: 1})
			same(t, "the second page", page, []store.Order{one})
			ofA, err3 := r.OrdersOfDomain(mine, a.ID, 10)
			same(t, "of a domain, once though it is named twice", ofA, []store.Order{full, one})
			ofB, err4 := r.OrdersOfDomain(mine, b.ID, 10)
			same(t, "of the other domain", ofB, []store.Order{one})
			cut, err5 := r.OrdersOfDomain(mine, a.ID, 1)
			same(t, "limited to the newest", cut, []store.Order{full})
			if total != 2 {
				t.Errorf("total %d", total)
			}
			return first(err, err2, err3, err4, err5)
		})
	})
	t.Run("a change writes status, method and details from the version it saw, once", func(t *testing.T) {
		stale := one
		one.Status, one.Method, one.Details = "canceled", dcv.HTTP, `{"y":2}`
		w.write(t, func(tx store.Tx) error { return tx.UpdateOrder(one) })
		one.Version = 2
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateOrder(stale) })
		theirs := one
		theirs.AccountID = other
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateOrder(theirs) })
		w.read(t, func(r store.Reader) error {
			got, err := r.Order(mine, one.ID)
			same(t, "the changed order", got, one)
			return err
		})
	})
}
