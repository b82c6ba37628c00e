package authority_test

import (
	"testing"
	"time"

	"deed/authority"
	"deed/dcv"
	"deed/store"
)

const (
	acmeKey  = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	otherKey = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func (w *world) addArmed(name string, methods ...authority.ArmMethod) authority.Plan {
	w.t.Helper()
	p, err := w.AddArmed(w.t.Context(), w.actor, authority.AddArmed{Name: name, Methods: methods})
	must(w.t, err)
	return p
}

func by(m dcv.Method) authority.ArmMethod { return authority.ArmMethod{Method: m} }

func keyed(m dcv.Method, key string) authority.ArmMethod {
	return authority.ArmMethod{Method: m, KeyAuthorization: key}
}

// record finds what a method of the plan asks for.
func record(t *testing.T, p authority.Plan, m dcv.Method) *authority.PublishedRecord {
	t.Helper()
	for _, e := range p.Methods {
		if e.Method == m {
			return e.Record
		}
	}
	t.Fatalf("no %s", m)
	return nil
}

// What was found counts only if it is armed still when it is applied.
func TestWhatEndsWhileWeLookProvesNothing(t *testing.T) {
	for _, row := range []struct {
		name   string
		during func(w *world, id int64) error
	}{
		{"disarmed", func(w *world, id int64) error { return w.Disarm(w.t.Context(), w.actor, id, dcv.ACMEDNS) }},
		{"another key took its place", func(w *world, id int64) error {
			_, err := w.Arm(w.t.Context(), w.actor, id, []authority.ArmMethod{keyed(dcv.ACMEDNS, otherKey)})
			return err
		}},
		{"deactivated", func(w *world, id int64) error { return w.SetActive(w.t.Context(), w.actor, id, false) }},
		{"deleted", func(w *world, id int64) error { return w.Delete(w.t.Context(), w.actor, id) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.addArmed("shop.example.com", by(dcv.DNSTXT), keyed(dcv.ACMEDNS, acmeKey))
			id := p.Domain.Domain.ID
			r := record(t, p, dcv.ACMEDNS)
			w.publish(r.Name, r.Value)
			w.during = func() { must(t, row.during(w, id)) }
			list, err := w.CheckMethods(t.Context(), w.actor, id, dcv.ACMEDNS)
			must(t, err)
			if len(list) != 1 || (row.name != "deleted" && list[0].Verdict.Outcome == dcv.Proven) {
				t.Errorf("%+v", list)
			}
			if v, err := w.Domain(t.Context(), w.actor, id); err == nil && !v.Domain.Proven.IsZero() {
				t.Errorf("%+v", v.Domain)
			}
		})
	}
}

// Someone else's method passes while we look: the domain is proven once, and
// the loser changes nothing.
func TestTheFirstToPassWins(t *testing.T) {
	w := newWorld(t)
	p := w.addArmed("shop.example.com", by(dcv.Email), by(dcv.DNSTXT), keyed(dcv.ACMEDNS, acmeKey))
	id := p.Domain.Domain.ID
	for _, m := range []dcv.Method{dcv.DNSTXT, dcv.ACMEDNS} {
		r := record(t, p, m)
		w.publish(r.Name, r.Value)
	}
	w.during = func() {
		list, err := w.CheckMethods(t.Context(), w.actor, id, dcv.ACMEDNS)
		must(t, err)
		if list[0].Verdict.Outcome != dcv.Proven {
			t.Fatalf("%+v", list[0].Verdict)
		}
	}
	list, err := w.CheckMethods(t.Context(), w.actor, id, dcv.DNSTXT)
	must(t, err)
	if list[0].Verdict.Outcome == dcv.Proven {
		t.Error("both won")
	}
	if d := w.view(id).Domain; d.ProofMethod != dcv.ACMEDNS || d.Pending() || !d.NextCheck.IsZero() {
		t.Errorf("%+v", d)
	}
	if left := w.mails(id); len(left) != 0 {
		t.Errorf("messages outlive the proof: %d", len(left))
	}
}

// A domain whose own method is e-mail is looked at by itself while a record is
// armed beside it, and rests when nothing is left to look at.
func TestTheScheduleFollowsWhatIsArmed(t *testing.T) {
	w := newWorld(t)
	added := w.add("shop.example.com", dcv.Email)
	id := added.Domain.ID
	resting := func(what string, want bool) {
		t.Helper()
		if d := w.view(id).Domain; d.NextCheck.IsZero() != want || d.GivesUp.IsZero() != want {
			t.Errorf("%s: next check %s, gives up %s", what, d.NextCheck, d.GivesUp)
		}
	}
	resting("e-mail alone", true)
	arm := func(m authority.ArmMethod) {
		t.Helper()
		_, err := w.Arm(t.Context(), w.actor, id, []authority.ArmMethod{m})
		must(t, err)
	}
	arm(by(dcv.Persistent))
	resting("with a record", false)
	must(t, w.SetActive(t.Context(), w.actor, id, false))
	resting("inactive", true)
	must(t, w.SetActive(t.Context(), w.actor, id, true))
	resting("active again", false)
	must(t, w.Disarm(t.Context(), w.actor, id, dcv.Persistent))
	resting("without it", true)
	arm(by(dcv.HTTP))
	_, err := w.ChangeMethod(t.Context(), w.actor, id, authority.ChangeMethod{Method: dcv.HTTP})
	must(t, err)
	resting("its own now", false)
	_, err = w.ChangeMethod(t.Context(), w.actor, id, authority.ChangeMethod{Method: dcv.Email, SendEmail: true})
	must(t, err)
	resting("e-mail again", true)
	must(t, w.db.Read(t.Context(), func(r store.Reader) error {
		if list, err := r.Armed(id); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
		return nil
	}))
}

// dns-txt-persistent by an order: there is no order value, and each name is
// looked at for the account's record.
func TestAnOrderByThePersistentRecord(t *testing.T) {
	w := newWorld(t)
	s := w.order(dcv.Persistent, "shop.example.com", "www.example.net")
	if s.Value != nil {
		t.Errorf("a value: %+v", s.Value)
	}
	_, err := w.OrderValue(t.Context(), w.actor, s.Order.ID)
	refused(t, err, authority.Invalid, "method_needs_no_value")
	w.publish("_validation-persist.example.com", "deed.example; accounturi="+w.AccountURI(w.actor.Account))
	w.publish("_validation-persist.www.example.net", "deed.example; accounturi="+w.AccountURI(w.actor.Account+1))
	s, err = w.CheckOrder(t.Context(), w.actor, s.Order.ID, nil)
	must(t, err)
	if !s.Names[0].Proven || s.Names[1].Proven || s.Names[1].Problem.Code != dcv.PersistNoMatch {
		t.Errorf("%+v", s.Names)
	}
	s, err = w.ChangeOrderMethod(t.Context(), w.actor, s.Order.ID, dcv.DNSTXT, "")
	must(t, err)
	if s.Value == nil {
		t.Error("no value for a method that needs one")
	}
	s, err = w.ChangeOrderMethod(t.Context(), w.actor, s.Order.ID, dcv.Persistent, "")
	must(t, err)
	if s.Value != nil {
		t.Errorf("%+v", s.Value)
	}
	for _, m := range []dcv.Method{dcv.ACMEDNS, dcv.ACMEHTTP} {
		_, err = w.ChangeOrderMethod(t.Context(), w.actor, s.Order.ID, m, "")
		refused(t, err, authority.Invalid, "dcv_method")
		_, err = w.AddDomain(t.Context(), w.actor, authority.AddDomain{Name: "b.example.com", OrganizationID: w.org, Types: []string{"ov"}, Method: m})
		refused(t, err, authority.Invalid, "dcv_method")
	}
}

// A record names an account: that of another proves nothing here, though both
// ask about the same domain.
func TestAPersistentRecordIsForOneAccount(t *testing.T) {
	w := newWorld(t)
	mine := w.addArmed("example.com", by(dcv.Persistent))
	w.actor, w.org = w.tenant("another")
	theirs := w.addArmed("example.com", by(dcv.Persistent))
	r := record(t, mine, dcv.Persistent)
	if r.Value == record(t, theirs, dcv.Persistent).Value {
		t.Fatal(r.Value)
	}
	w.publish(r.Name, r.Value)
	list, err := w.CheckMethods(t.Context(), w.actor, theirs.Domain.Domain.ID, "")
	must(t, err)
	if list[0].Verdict.Outcome == dcv.Proven {
		t.Error("proven by another's record")
	}
}

// The account that a caller claims is not the one that CAA names (RFC 8657).
func TestAClaimedAccountDoesNotSatisfyCAA(t *testing.T) {
	const bank = "https://deed.example/acme/acct/bank"
	w := newWorld(t)
	o := w.options
	o.Permission = authority.Permission{Issuers: []string{"deed.example"}}
	strict, err := authority.New(o)
	must(t, err)
	w.Authority = strict
	p := w.addArmed("shop.example.com", authority.ArmMethod{Method: dcv.ACMEDNSAccount, KeyAuthorization: acmeKey, AccountURL: bank})
	r := record(t, p, dcv.ACMEDNSAccount)
	w.publish(r.Name, r.Value)
	w.record("shop.example.com", "CAA", `0 issue "deed.example; accounturi=`+bank+`"`)
	list, err := w.CheckMethods(t.Context(), w.actor, p.Domain.Domain.ID, "")
	must(t, err)
	if v := list[0].Verdict; v.Outcome == dcv.Proven || v.Problem.Code != dcv.CAADenied {
		t.Errorf("%+v", v)
	}
}

// While several methods are armed, what one of them cached delays no other.
func TestAnArmedMethodIsLookedAtEachMinute(t *testing.T) {
	w := newWorld(t)
	p := w.addArmed("shop.example.com", by(dcv.DNSTXT), keyed(dcv.ACMEDNS, acmeKey))
	for range 3 {
		w.advance(time.Minute)
		before := w.looks.Load()
		w.tick()
		if got := w.looks.Load() - before; got != 2 {
			t.Errorf("%d looks", got)
		}
		if d := w.view(p.Domain.Domain.ID).Domain; !d.NextCheck.Equal(w.now().Add(time.Minute)) {
			t.Errorf("next at %s, now %s", d.NextCheck, w.now())
		}
	}
}
