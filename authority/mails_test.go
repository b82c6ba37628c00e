package authority_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"deed/authority"
	"deed/dcv"
	"deed/mail"
	"deed/store"
)

func (w *world) view1(link string) authority.MailView {
	w.t.Helper()
	v, err := w.MailView(w.t.Context(), link)
	must(w.t, err)
	return v
}

func TestEachMessageHasItsOwnValue(t *testing.T) { // BR 3.2.2.4.4: unique in each e-mail
	w := newWorld(t)
	w.add("example.com", dcv.Email)
	w.tick()
	if len(w.post.sent) != 5 || len(w.post.made) != 5 {
		t.Fatalf("%d messages", len(w.post.sent))
	}
	seen := map[string]bool{}
	for i, m := range w.post.made {
		link, code := parts(m)
		if seen[link] || seen[code] || link == code || strings.Contains(m.Link, code) {
			t.Errorf("message %d shares a value", i)
		}
		seen[link], seen[code] = true, true
		if len(code) != 32 || len(link) != 43 {
			t.Errorf("code %q, link %q", code, link)
		}
	}
	for _, m := range w.mails(1) { // what is stored tells neither
		for secret := range seen {
			if bytes.Contains(m.LinkHash, []byte(secret)) || bytes.Contains(m.CodeHash, []byte(secret)) {
				t.Error("a secret is stored in clear")
			}
		}
	}
	if strings.Contains(w.logs.String(), w.post.made[0].Code) {
		t.Error("a code is logged")
	}
}

func TestResendIsTheSameToTheByte(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.Email).Domain
	w.tick()
	w.advance(3 * 24 * time.Hour)
	must(t, w.Resend(t.Context(), w.actor, d.ID, authority.ResendMail{}))
	w.tick()
	if len(w.post.sent) != 10 || len(w.post.made) != 5 {
		t.Fatalf("%d sent, %d made", len(w.post.sent), len(w.post.made))
	}
	for _, first := range w.post.sent[:5] {
		same := 0
		for _, again := range w.post.sent[5:] {
			if first.to == again.to && bytes.Equal(first.raw, again.raw) {
				same++
			}
		}
		if same != 1 {
			t.Errorf("%s got %d equal messages again", first.to, same)
		}
	}
	// After the values' end, new ones are made.
	w.advance(28 * 24 * time.Hour)
	must(t, w.Resend(t.Context(), w.actor, d.ID, authority.ResendMail{}))
	w.tick()
	if len(w.post.made) != 10 {
		t.Errorf("%d made", len(w.post.made))
	}
}

func TestOpeningALinkChangesNothing(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.Email).Domain
	w.tick()
	link, _ := parts(w.post.made[0])
	before := fmt.Sprintf("%+v %+v", w.view(d.ID), w.mails(d.ID))
	for range 3 {
		if v := w.view1(link); v.State != "open" || v.Domain.String() != "example.com" || v.Account != "Example Hosting" {
			t.Errorf("%+v", v)
		}
	}
	if after := fmt.Sprintf("%+v %+v", w.view(d.ID), w.mails(d.ID)); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	for _, bad := range []string{"", "x", link[:len(link)-1], link + "x", strings.ToUpper(link), strings.Repeat("a", 1<<16)} {
		_, err := w.MailView(t.Context(), bad)
		refused(t, err, authority.NotFound, "message")
		_, err = w.ApproveMail(t.Context(), bad, "x")
		refused(t, err, authority.NotFound, "message")
	}
}

func TestOnlyTheMessagesOwnCodeApproves(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.Email).Domain
	w.tick()
	link, code := parts(w.post.made[0])
	_, other := parts(w.post.made[1])
	for _, wrong := range []string{"", " ", other, code[:31], code + "0", strings.ToUpper(code) + "x", link} {
		_, err := w.ApproveMail(t.Context(), link, wrong)
		refused(t, err, authority.Invalid, "code")
	}
	if !w.view(d.ID).Pending {
		t.Fatal("a wrong code approved")
	}
	v, err := w.ApproveMail(t.Context(), link, "  "+code+"\r\n") // as pasted
	must(t, err)
	if v.State != "approved" || w.view(d.ID).Pending {
		t.Errorf("%+v", v)
	}
	// Single use; and the proof ends the others.
	_, err = w.ApproveMail(t.Context(), link, code)
	refused(t, err, authority.Conflict, "approved")
	link2, code2 := parts(w.post.made[1])
	_, err = w.ApproveMail(t.Context(), link2, code2)
	refused(t, err, authority.Conflict, "ended")
	must(t, w.db.Read(t.Context(), func(r store.Reader) error {
		att, err := r.LastAttempt(d.ID)
		if err == nil && (att.Trigger != "email" || att.Outcome != dcv.Proven) {
			t.Errorf("attempt %+v", att)
		}
		return err
	}))
}

func TestWrongCodesLockAMessage(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.Email).Domain
	w.tick()
	link, code := parts(w.post.made[0])
	for range 10 {
		_, err := w.ApproveMail(t.Context(), link, "wrong")
		refused(t, err, authority.Invalid, "code")
	}
	_, err := w.ApproveMail(t.Context(), link, code)
	refused(t, err, authority.Conflict, "locked")
	if v := w.view1(link); v.State != "locked" || !w.view(d.ID).Pending {
		t.Errorf("%+v", v)
	}
	link, code = parts(w.post.made[1]) // the others are not
	_, err = w.ApproveMail(t.Context(), link, code)
	must(t, err)
}

func TestACodeLivesThirtyDays(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		state string
	}{{"in its last instant", 30 * 24 * time.Hour, ""}, {"a second later", 30*24*time.Hour + time.Second, "expired"}} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.add("example.com", dcv.Email)
			w.tick()
			link, code := parts(w.post.made[0])
			w.advance(row.after)
			_, err := w.ApproveMail(t.Context(), link, code)
			if row.state == "" {
				must(t, err)
			} else {
				refused(t, err, authority.Conflict, row.state)
			}
		})
	}
}

func TestWhatEndsMessages(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(w *world, id int64) error
		want error // nil: still open
	}{
		{"another method", func(w *world, id int64) error {
			_, err := w.ChangeMethod(t.Context(), w.actor, id, authority.ChangeMethod{Method: dcv.DNSTXT})
			return err
		}, &authority.Error{Kind: authority.Conflict, Code: "ended"}},
		{"submitted again: new messages", func(w *world, id int64) error {
			_, err := w.Submit(t.Context(), w.actor, id, authority.Submit{Types: []string{"ov"}, Method: dcv.Email})
			return err
		}, &authority.Error{Kind: authority.Conflict, Code: "ended"}},
		{"the domain deleted", func(w *world, id int64) error { return w.Delete(t.Context(), w.actor, id) }, &authority.Error{Kind: authority.NotFound, Code: "message"}},
		{"the same method again ends nothing", func(w *world, id int64) error {
			_, err := w.ChangeMethod(t.Context(), w.actor, id, authority.ChangeMethod{Method: dcv.Email, SendEmail: true})
			return err
		}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			d := w.add("example.com", dcv.Email).Domain
			w.tick()
			link, code := parts(w.post.made[0])
			must(t, row.do(w, d.ID))
			_, err := w.ApproveMail(t.Context(), link, code)
			var want *authority.Error
			if errors.As(row.want, &want) {
				refused(t, err, want.Kind, want.Code)
			} else {
				must(t, err)
			}
		})
	}
}

func TestDeliveryIsTriedAgainWithPauses(t *testing.T) {
	w := newWorld(t)
	d := w.add("example.com", dcv.Email).Domain
	transient := &mail.Error{Code: 451, Err: errors.New("451 try later")}
	one := func() store.Mail { return w.mails(d.ID)[0] }
	fail := func(err error) {
		w.post.next = []error{err, nil, nil, nil, nil}
		w.tick()
	}
	fail(transient) // the first of five; the others go out
	if len(w.post.sent) != 4 {
		t.Fatalf("%d sent", len(w.post.sent))
	}
	at := w.now()
	for i, pause := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour} {
		m := one()
		if m.Fails != i+1 || m.SendAfter.Sub(at) != pause || m.SendError == "" {
			t.Fatalf("failure %d: again after %s, %+v", i+1, m.SendAfter.Sub(at), m.SendError)
		}
		w.advance(pause - time.Second)
		w.tick()
		if one().Fails != i+1 {
			t.Errorf("failure %d: tried too early", i+1)
		}
		w.advance(time.Second)
		at = w.now()
		fail(transient)
	}
	if m := one(); m.Fails != 7 || !m.SendAfter.IsZero() {
		t.Errorf("it rests after the last pause: %+v", m)
	}
	must(t, w.Resend(t.Context(), w.actor, d.ID, authority.ResendMail{}))
	w.post.next = nil
	w.tick()
	if m := one(); m.Sends != 1 || m.Fails != 0 || m.SendError != "" || !m.SendAfter.IsZero() {
		t.Errorf("a resend starts anew: %+v", m)
	}

	t.Run("a refusal for good is not tried again", func(t *testing.T) {
		w := newWorld(t)
		d := w.add("example.com", dcv.Email).Domain
		w.post.next = []error{&mail.Error{Permanent: true, Code: 550, Err: errors.New("550 no such user")}, nil, nil, nil, nil}
		w.tick()
		w.advance(24 * time.Hour)
		w.tick()
		if m := w.mails(d.ID)[0]; m.Fails != 1 || !m.SendAfter.IsZero() || len(w.post.sent) != 4 {
			t.Errorf("%+v", m)
		}
	})
}

func TestLanguages(t *testing.T) {
	w := newWorld(t)
	subjects := map[string]string{}
	for i, locale := range []string{"en", "fr", "de", "es", "ja", "", "xx", "pt_BR", "de_AT", "ES-mx", "not a locale", strings.Repeat("x", 500)} {
		name := fmt.Sprintf("l%d.example.com", i)
		_, err := w.AddDomain(t.Context(), w.actor, authority.AddDomain{Name: name, OrganizationID: w.org, Types: []string{"ov"}, Method: dcv.Email, Locale: locale, Recipients: []string{"admin@" + name}})
		must(t, err)
		subjects[locale] = w.post.made[len(w.post.made)-1].Locale
	}
	for locale, want := range map[string]string{
		"en": "en", "fr": "fr", "de": "de", "es": "es", "ja": "ja", "": "en", "xx": "en", "pt_BR": "en", "de_AT": "de", "ES-mx": "es", "not a locale": "en",
	} {
		if subjects[locale] != want {
			t.Errorf("locale %q: %q, want %q", locale, subjects[locale], want)
		}
	}
}

func TestWithoutAnSMTPServerEmailIsRefused(t *testing.T) {
	w := newWorld(t)
	o := w.options
	o.Post = nil
	mute, err := authority.New(o)
	must(t, err)
	_, err = mute.AddDomain(t.Context(), w.actor, authority.AddDomain{Name: "example.com", OrganizationID: w.org, Types: []string{"ov"}})
	refused(t, err, authority.Unable, "no_mail")
}
