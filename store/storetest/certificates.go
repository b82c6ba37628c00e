package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"deed/store"
)

// certificate makes a request of an account.
func (w world) certificate(t *testing.T, account int64, label string) store.Certificate {
	t.Helper()
	d := w.domain(t, account, strings.ReplaceAll(label, "_", "-")+".example.com", nil)
	o := w.order(t, account, d)
	c := store.Certificate{OrderID: o.ID, AccountID: account, Label: label, Description: "about " + label, Authority: "DigiCert", Type: "OV", AutoRenew: true, CreatedBy: "client:x", Modified: noon}
	w.write(t, func(tx store.Tx) error { return tx.InsertCertificate(c) })
	c.Version = 1
	return c
}

func certificates(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	a, b := w.certificate(t, mine, "alpha"), w.certificate(t, mine, "beta_1")
	theirs := w.certificate(t, other, "gamma")
	is := func(t *testing.T, want store.Certificate) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			got, err := r.Certificate(want.AccountID, want.OrderID)
			same(t, "by its order", got, want)
			got, err2 := r.CertificateByLabel(want.AccountID, want.Label)
			same(t, "by its label", got, want)
			return first(err, err2)
		})
	}
	t.Run("they come back as they were", func(t *testing.T) { is(t, a); is(t, b); is(t, theirs) })
	t.Run("another account's are not there", func(t *testing.T) {
		w.missing(t, "by its order", func(r store.Reader) error { _, err := r.Certificate(mine, theirs.OrderID); return err })
		w.missing(t, "by its label", func(r store.Reader) error { _, err := r.CertificateByLabel(mine, theirs.Label); return err })
	})
	t.Run("a label is one account's once, and free for others", func(t *testing.T) {
		c := a
		c.OrderID = w.order(t, mine, w.domain(t, mine, "x.example.net", nil)).ID
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.InsertCertificate(c) })
		taken := b
		taken.Label = a.Label
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateCertificate(taken) })
		w.certificate(t, other, a.Label)
	})
	t.Run("an update writes all fields, where the version is still the one seen", func(t *testing.T) {
		stale := a
		a.Label, a.Description, a.AutoRenew, a.Modified, a.ModifiedBy, a.Notices = "alpha 2", "", false, hour(1), "client:y", "[]"
		a.Issued, a.Expires, a.Thumbprint = hour(1), hour(2), "ab"
		w.write(t, func(tx store.Tx) error { return tx.UpdateCertificate(a) })
		a.Version++
		is(t, a)
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateCertificate(stale) })
	})
	t.Run("a search finds by field, pattern and account", func(t *testing.T) {
		for _, row := range []struct {
			name string
			q    store.CertificateQuery
			want []int64
		}{
			{"all, the newest first", store.CertificateQuery{}, []int64{b.OrderID, a.OrderID}},
			{"ascending", store.CertificateQuery{Ascending: true}, []int64{a.OrderID, b.OrderID}},
			{"by label", store.CertificateQuery{Sort: "certificate_label"}, []int64{b.OrderID, a.OrderID}},
			{"a label", store.CertificateQuery{Field: "certificate_label", Pattern: "beta_1"}, []int64{b.OrderID}},
			{"a star is any text", store.CertificateQuery{Field: "certificate_label", Pattern: "*a*"}, []int64{b.OrderID, a.OrderID}},
			{"an underscore is itself", store.CertificateQuery{Field: "certificate_label", Pattern: "beta__"}, nil},
			{"a percent sign is itself", store.CertificateQuery{Field: "certificate_label", Pattern: "%"}, nil},
			{"a description", store.CertificateQuery{Field: "description", Pattern: "about*"}, []int64{b.OrderID}},
			{"an id", store.CertificateQuery{Field: "id", Pattern: fmt.Sprint(a.OrderID)}, []int64{a.OrderID}},
			{"a name", store.CertificateQuery{Field: "domain_names", Pattern: "alpha.example.com"}, []int64{a.OrderID}},
			{"names", store.CertificateQuery{Field: "domain_names", Pattern: "*.example.com"}, []int64{b.OrderID, a.OrderID}},
			{"another account's name", store.CertificateQuery{Field: "domain_names", Pattern: "gamma.example.com"}, nil},
		} {
			row.q.Account, row.q.Page = mine, all
			w.read(t, func(r store.Reader) error {
				list, total, err := r.Certificates(row.q)
				var got []int64
				for _, c := range list {
					got = append(got, c.OrderID)
				}
				if !slices.Equal(got, row.want) || total != len(row.want) {
					t.Errorf("%s: %v of %d, want %v", row.name, got, total, row.want)
				}
				return err
			})
		}
		w.read(t, func(r store.Reader) error {
			list, total, err := r.Certificates(store.CertificateQuery{Account: mine, Page: store.Page{Limit: 1, Offset: 1}})
			if len(list) != 1 || total != 2 || list[0].OrderID != a.OrderID {
				t.Errorf("a page: %v of %d", list, total)
			}
			return err
		})
	})
	t.Run("pending orders go on where the last page ended", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			one, err := r.PendingOrders(mine, 0, 1)
			if err == nil && (len(one) != 1 || one[0].ID != a.OrderID || len(one[0].Names) == 0) {
				t.Errorf("the first: %v", one)
			}
			rest, err2 := r.PendingOrders(mine, a.OrderID, 10)
			for _, o := range rest {
				if o.ID <= a.OrderID || o.AccountID != mine || o.Status != "pending" {
					t.Errorf("among the rest: %+v", o)
				}
			}
			return first(err, err2)
		})
	})
}

func clientsOf(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	c := store.Client{ID: "client-a", AccountID: mine, Hash: []byte("h"), Scope: "s", Created: noon}
	w.write(t, func(tx store.Tx) error {
		return first(tx.InsertClient(c), tx.InsertClient(store.Client{ID: "client-b", AccountID: other, Hash: []byte("i"), Scope: "s", Created: hour(1)}))
	})
	w.refused(t, store.ErrNotFound, func(tx store.Tx) error { return tx.RevokeClient("nobody", hour(1)) })
	w.write(t, func(tx store.Tx) error { return tx.RevokeClient(c.ID, hour(1)) })
	w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.RevokeClient(c.ID, hour(2)) })
	c.Revoked = hour(1)
	w.read(t, func(r store.Reader) error {
		list, err := r.Clients(mine)
		same(t, "the account's clients", list, []store.Client{c})
		everyone, err2 := r.Clients(0)
		if len(everyone) != 2 || everyone[0].ID != c.ID {
			t.Errorf("all clients: %v", everyone)
		}
		return first(err, err2)
	})
}

func noticesAndSecrets(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	w.write(t, func(tx store.Tx) error { return first(tx.SetNotices(mine, "one"), tx.SetNotices(mine, "two")) })
	w.read(t, func(r store.Reader) error {
		a, err := r.Notices(mine)
		b, err2 := r.Notices(other)
		if a != "two" || b != "" {
			t.Errorf("notices %q and %q", a, b)
		}
		return first(err, err2)
	})
	w.missing(t, "a secret that was never made", func(r store.Reader) error { _, err := r.Secret("key"); return err })
	w.write(t, func(tx store.Tx) error { return tx.InsertSecret("key", []byte{1, 0, 2}, noon) })
	w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.InsertSecret("key", []byte{3}, noon) })
	w.read(t, func(r store.Reader) error {
		b, err := r.Secret("key")
		same(t, "the secret", b, []byte{1, 0, 2})
		return err
	})
}

func organizationsByName(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	w.write(t, func(tx store.Tx) error {
		var errs []error
		for _, o := range []store.Organization{{AccountID: mine, Name: "Example GmbH"}, {AccountID: mine, Name: "Another example"}, {AccountID: other, Name: "Example GmbH"}} {
			o.Created, o.Active = noon, true
			_, err := tx.InsertOrganization(o)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	w.read(t, func(r store.Reader) error {
		exact, err := r.OrganizationsNamed(mine, "Example GmbH", false, 10)
		if len(exact) != 1 || exact[0].AccountID != mine {
			t.Errorf("exact: %v", exact)
		}
		none, err2 := r.OrganizationsNamed(mine, "example", false, 10)
		if len(none) != 0 {
			t.Errorf("a part is not the name: %v", none)
		}
		both, err3 := r.OrganizationsNamed(mine, "EXAMPLE", true, 10)
		if len(both) != 2 || both[0].Name != "Example GmbH" {
			t.Errorf("contains: %v", both)
		}
		one, err4 := r.OrganizationsNamed(mine, "example", true, 1)
		if len(one) != 1 {
			t.Errorf("at most one: %v", one)
		}
		return errors.Join(err, err2, err3, err4)
	})
}
