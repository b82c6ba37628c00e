// Package storetest is the one suite that every store.Store passes: each
// sentence of the contract in package store is a test here. It tests a real
// database through the contract alone.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

// Open gives an empty store of its own to each caller, and closes it when t
// ends.
type Open func(t testing.TB) store.Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, topic := range []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"write", writes},
		{"read", reads},
		{"accounts", accounts},
		{"keys", keys},
		{"clients", clients},
		{"organizations", organizations},
		{"domains", domains},
		{"domain changes", domainChanges},
		{"list of domains", lists},
		{"filters of domains", filters},
		{"expirations", expirations},
		{"schedule", schedule},
		{"values", values},
		{"live values", liveValues},
		{"armed methods", armed},
		{"orders", orders},
		{"attempts", attempts},
		{"recall", recall},
		{"mails", mails},
		{"outbox", outbox},
		{"events", events},
		{"certificates", certificates},
		{"clients of an account", clientsOf},
		{"notices and secrets", noticesAndSecrets},
		{"organizations by name", organizationsByName},
	} {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			topic.run(t, world{Store: open(t)})
		})
	}
}

// noon is when the rows of the suite are made.
var noon = time.Date(2026, 3, 15, 12, 0, 0, 123456000, time.UTC)

// hour n is n hours after noon.
func hour(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

// all is a page that holds everything a test makes.
var all = store.Page{Limit: 1000}

// world is a store and what tests do with it.
type world struct{ store.Store }

// write runs fn and fails the test if it cannot.
func (w world) write(t testing.TB, fn func(store.Tx) error) {
	t.Helper()
	if err := w.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// read runs fn and fails the test if it cannot.
func (w world) read(t testing.TB, fn func(store.Reader) error) {
	t.Helper()
	if err := w.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// refused demands that a write fails with want.
func (w world) refused(t testing.TB, want error, fn func(store.Tx) error) {
	t.Helper()
	if err := w.Write(context.Background(), fn); !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// missing demands that a look-up finds nothing.
func (w world) missing(t testing.TB, what string, fn func(store.Reader) error) {
	t.Helper()
	if err := w.Read(context.Background(), fn); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got error %v, want %v", what, err, store.ErrNotFound)
	}
}

// account makes an account with nothing in it.
func (w world) account(t testing.TB) (id int64) {
	t.Helper()
	w.write(t, func(tx store.Tx) (err error) {
		id, err = tx.InsertAccount(store.Account{Name: "Example Ltd", Created: noon})
		return err
	})
	return id
}

// domain makes a domain; change, if not nil, fills it in first.
func (w world) domain(t testing.TB, account int64, name string, change func(*store.Domain)) store.Domain {
	t.Helper()
	d := store.Domain{AccountID: account, OrganizationID: 7, Name: dcv.MustName(name), Active: true, Method: dcv.DNSTXT, Created: noon}
	if change != nil {
		change(&d)
	}
	w.write(t, func(tx store.Tx) (err error) {
		d.ID, err = tx.InsertDomain(d)
		return err
	})
	d.Version = 1
	return d
}

// order makes an order of these domains.
func (w world) order(t testing.TB, account int64, of ...store.Domain) store.Order {
	t.Helper()
	o := store.Order{AccountID: account, OrganizationID: 7, Product: "ssl_basic", CommonName: of[0].Name, Method: dcv.DNSTXT, Status: "pending", Created: noon}
	for _, d := range of {
		o.Names = append(o.Names, store.OrderName{Name: d.Name, DomainID: d.ID})
	}
	w.write(t, func(tx store.Tx) (err error) {
		o.ID, err = tx.InsertOrder(o)
		return err
	})
	o.Version = 1
	return o
}

// value makes a random value.
func (w world) value(t testing.TB, v store.Value) store.Value {
	t.Helper()
	w.write(t, func(tx store.Tx) (err error) {
		v.ID, err = tx.InsertValue(v)
		return err
	})
	return v
}

var serial atomic.Int64

// unique is a text that no other row has.
func unique() string { return fmt.Sprintf("u%08d", serial.Add(1)) }

// same compares rows to the last field.
func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// ids gives one number a row, to compare orders of rows.
func ids[T any](rows []T, id func(T) int64) []int64 {
	list := make([]int64, len(rows))
	for i, r := range rows {
		list[i] = id(r)
	}
	return list
}
