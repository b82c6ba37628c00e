package storetest

import (
	"fmt"
	"testing"
	"time"

	"deed/dcv"
	"deed/store"
)

// attempt keeps an attempt, filling in what is not given.
func (w world) attempt(t testing.TB, a store.Attempt) store.Attempt {
	t.Helper()
	a.ID = fmt.Sprintf("0193-%s", unique())
	a.Trigger, a.Method, a.ADN, a.Started, a.Ended = "manual", dcv.DNSTXT, a.Name, noon, hour(1)
	a.Outcome, a.Code, a.Verdict, a.Capsule = dcv.NotProven, "dns_no_record", []byte(`{"outcome":"not_proven"}`), []byte{0xd9, 0, 1, 2}
	if a.Test {
		a.Diagnosis = []byte(`{"problem":{}}`)
	}
	w.write(t, func(tx store.Tx) error { return tx.InsertAttempt(a) })
	return a
}

func attempts(t *testing.T, w world) {
	mine, other := w.account(t), w.account(t)
	d, quiet := w.domain(t, mine, "example.com", nil), w.domain(t, mine, "quiet.example.com", nil)
	var list []store.Attempt // oldest first, as read: without the capsule
	capsules := map[string][]byte{}
	for i := range 4 {
		a := w.attempt(t, store.Attempt{AccountID: mine, DomainID: d.ID, OrderID: int64(i), Name: d.Name, ValueID: int64(i), Test: i == 1, NextCheck: hour(i), GivesUp: hour(i * 2)})
		capsules[a.ID] = a.Capsule
		a.Capsule = nil
		list = append(list, a)
	}
	t.Run("an attempt comes back as it was, its capsule apart", func(t *testing.T) {
		for _, want := range list {
			w.read(t, func(r store.Reader) error {
				got, err := r.Attempt(mine, want.ID)
				same(t, "the attempt", got, want)
				capsule, err2 := r.Capsule(mine, want.ID)
				same(t, "the capsule", capsule, capsules[want.ID])
				return first(err, err2)
			})
		}
	})
	t.Run("another account's cannot be told from one that never was", func(t *testing.T) {
		for what, fn := range map[string]func(store.Reader) error{
			"another's":         func(r store.Reader) error { _, err := r.Attempt(other, list[0].ID); return err },
			"another's capsule": func(r store.Reader) error { _, err := r.Capsule(other, list[0].ID); return err },
			"none":              func(r store.Reader) error { _, err := r.Attempt(mine, "0193"); return err },
			"no capsule":        func(r store.Reader) error { _, err := r.Capsule(mine, ""); return err },
		} {
			w.missing(t, what, fn)
		}
		w.read(t, func(r store.Reader) error {
			got, total, err := r.Attempts(other, d.ID, all)
			if len(got) != 0 || total != 0 {
				t.Errorf("another account gets %v of %d", got, total)
			}
			return err
		})
	})
	t.Run("newest first, with exact totals", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			page, total, err := r.Attempts(mine, d.ID, store.Page{Limit: 2, Offset: 1})
			same(t, "a page", page, []store.Attempt{list[2], list[1]})
			none, zero, err2 := r.Attempts(mine, quiet.ID, all)
			if total != 4 || zero != 0 || len(none) != 0 {
				t.Errorf("totals %d and %d", total, zero)
			}
			return first(err, err2)
		})
	})
	t.Run("the last attempt of a domain", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			got, err := r.LastAttempt(d.ID)
			same(t, "the last", got, list[3])
			return err
		})
		w.missing(t, "the last attempt where there is none", func(r store.Reader) error { _, err := r.LastAttempt(quiet.ID); return err })
	})
	t.Run("an attempt is never written twice", func(t *testing.T) {
		again := list[0]
		again.Outcome, again.Capsule = dcv.Proven, []byte{1}
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.InsertAttempt(again) })
		w.read(t, func(r store.Reader) error {
			got, err := r.Attempt(mine, list[0].ID)
			same(t, "the first one", got, list[0])
			return err
		})
	})
}

// mail keeps a message, filling in what is not given.
func (w world) mail(t testing.TB, m store.Mail) store.Mail {
	t.Helper()
	m.Kind, m.Recipient, m.ADN, m.Locale, m.Created, m.Expires = "constructed", "admin@example.com", dcv.MustName("example.com"), "en", noon, hour(720)
	m.LinkHash, m.CodeHash, m.Body = []byte(unique()), []byte(unique()), []byte("From: deed\r\n\r\nbody")
	w.write(t, func(tx store.Tx) (err error) { m.ID, err = tx.InsertMail(m); return err })
	return m
}

func mails(t *testing.T, w world) {
	mine := w.account(t)
	d, sibling := w.domain(t, mine, "example.com", nil), w.domain(t, mine, "example.net", nil)
	a, b := w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID, OrderID: 3, SendAfter: hour(1), SendError: "none yet"}), w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID})
	theirs := w.mail(t, store.Mail{AccountID: mine, DomainID: sibling.ID, SendAfter: hour(1)})
	byLink := func(t *testing.T, want store.Mail) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			got, err := r.MailByLink(want.LinkHash)
			same(t, "the mail", got, want)
			return err
		})
	}
	t.Run("a message comes back as it was, by the hash of its link", func(t *testing.T) {
		byLink(t, a)
		w.missing(t, "no link", func(r store.Reader) error { _, err := r.MailByLink([]byte("guess")); return err })
		w.missing(t, "a code is no link", func(r store.Reader) error { _, err := r.MailByLink(a.CodeHash); return err })
	})
	t.Run("two messages never share a link", func(t *testing.T) {
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { _, err := tx.InsertMail(a); return err })
	})
	t.Run("a domain's messages come without their bodies", func(t *testing.T) {
		w.read(t, func(r store.Reader) error {
			list, err := r.MailsOfDomain(d.ID)
			for _, m := range list {
				if len(m.Body) != 0 {
					t.Errorf("body %q", m.Body)
				}
			}
			same(t, "ids", ids(list, func(m store.Mail) int64 { return m.ID }), []int64{a.ID, b.ID})
			return err
		})
	})
	t.Run("a change is kept, and conflicts from what is no longer so", func(t *testing.T) {
		old := a
		a.Sends, a.Fails, a.Tries, a.SendAfter, a.SendError = 1, 2, 3, hour(2), "451 later"
		w.write(t, func(tx store.Tx) error { return tx.UpdateMail(old, a) })
		byLink(t, a)
		for what, stale := range map[string]func(*store.Mail){
			"sends": func(m *store.Mail) { m.Sends-- }, "fails": func(m *store.Mail) { m.Fails-- }, "tries": func(m *store.Mail) { m.Tries-- },
		} {
			t.Run(what, func(t *testing.T) {
				old, bad := a, a
				stale(&old)
				bad.Approved = hour(3)
				w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateMail(old, bad) })
			})
		}
		byLink(t, a)
	})
	t.Run("messages end together; their bodies are wiped, nothing more is sent, nothing more can be changed", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.EndMails(d.ID, hour(5)) })
		old := a
		a.Ended, a.Body, a.SendAfter = hour(5), nil, time.Time{}
		byLink(t, a)
		bad := a
		bad.Approved = hour(6)
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateMail(old, bad) })
		w.refused(t, store.ErrConflict, func(tx store.Tx) error { return tx.UpdateMail(a, bad) })
		w.read(t, func(r store.Reader) error {
			list, err := r.MailsOfDomain(d.ID)
			if len(list) != 0 {
				t.Errorf("still there: %v", list)
			}
			return err
		})
		byLink(t, theirs)
		w.write(t, func(tx store.Tx) error { return tx.EndMails(d.ID, hour(7)) })
		byLink(t, a) // ended once, at the first time
	})
}

func outbox(t *testing.T, w world) {
	mine := w.account(t)
	d := w.domain(t, mine, "example.com", nil)
	next := func(t *testing.T, want store.Mail) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			got, err := r.NextMail()
			same(t, "next", got, want.SendAfter)
			return err
		})
	}
	due := func(t *testing.T, n, limit int, want ...store.Mail) {
		t.Helper()
		w.read(t, func(r store.Reader) error {
			list, err := r.DueMails(hour(n), limit)
			if len(list)+len(want) > 0 {
				same(t, "due", list, want)
			}
			return err
		})
	}
	next(t, store.Mail{})
	late := w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID, SendAfter: hour(20)})
	soon := w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID, SendAfter: hour(10)})
	w.mail(t, store.Mail{AccountID: mine, DomainID: d.ID}) // nothing to send
	t.Run("due messages come oldest first, with their bodies, at the instant itself, up to the limit", func(t *testing.T) {
		due(t, 9, 10)
		due(t, 10, 10, soon)
		due(t, 30, 10, soon, late)
		due(t, 30, 1, soon)
		next(t, soon)
	})
	t.Run("a sent message is due no more", func(t *testing.T) {
		sent := soon
		sent.Sends, sent.SendAfter = 1, time.Time{}
		w.write(t, func(tx store.Tx) error { return tx.UpdateMail(soon, sent) })
		due(t, 30, 10, late)
		next(t, late)
	})
	t.Run("the messages of a deleted domain are not sent", func(t *testing.T) {
		w.write(t, func(tx store.Tx) error { return tx.DeleteDomain(mine, d.ID) })
		due(t, 30, 10)
		next(t, store.Mail{})
	})
}
