package authority

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"deed/dcv"
)

// Each of these happened to someone.

func TestIncidentProofForAChildUsedForItsParent(t *testing.T) {
	w := newStage(t)
	for _, m := range []dcv.Method{dcv.DNSTXT, dcv.DNSCNAME, dcv.Email, dcv.HTTP} {
		child := "a." + strings.ReplaceAll(string(m), "-", "") + ".example.com"
		d := w.prove(child, m)
		if !w.speaks(d, child) {
			t.Errorf("%s: the name itself", m)
		}
		parent := strings.TrimPrefix(child, "a.")
		for _, other := range []string{parent, "example.com", "www." + parent, "b." + parent, "*." + parent} {
			if w.speaks(d, other) {
				t.Errorf("%s: a proof for %s speaks for %s", m, child, other)
			}
			if m == dcv.HTTP && strings.HasPrefix(other, "*.") {
				continue
			}
			if s := w.order(m, other); s.Proven {
				t.Errorf("%s: an order for %s rests on the proof for %s", m, other, child)
			}
		}
	}
}

func TestIncidentTheParentsWebProofUsedForAChild(t *testing.T) {
	w := newStage(t)
	d := w.prove("example.com", dcv.HTTP)
	for _, other := range []string{"a.example.com", "www.example.com", "*.example.com"} {
		if w.speaks(d, other) {
			t.Errorf("the website's proof for example.com speaks for %s", other)
		}
	}
	for _, m := range []dcv.Method{dcv.HTTP, dcv.DNSTXT} {
		if s := w.order(m, "www.example.com"); s.Proven {
			t.Errorf("an order by %s for www.example.com rests on the website's proof for example.com", m)
		}
	}
	_, err := w.PlaceOrder(t.Context(), w.actor, PlaceOrder{Product: "ssl_basic", CommonName: "*.example.com", OrganizationID: w.org, Method: dcv.HTTP})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "wildcard_method" {
		t.Errorf("a wildcard by a website: %v", err)
	}
}

func TestIncidentProofsOfAnEndedMethodThroughAnAlias(t *testing.T) {
	w := newStage(t)
	end := time.Date(2028, 3, 15, 0, 0, 0, 0, time.UTC)
	w.at(end.Add(-time.Hour))
	d := w.prove("example.com", dcv.Email)
	before := w.order(dcv.DNSTXT, "alias.example.com", "*.example.com")
	if !before.Proven {
		t.Fatal("an hour before the method's end its proof counts for a name below")
	}
	w.at(end)
	after, err := w.Order(t.Context(), w.actor, before.Order.ID)
	if err != nil || after.Proven || after.Names[0].Proven || after.Names[1].Proven {
		t.Errorf("an order made before the end still rests on the ended method: %+v, %v", after.Names, err)
	}
	if w.order(dcv.DNSTXT, "other.example.com").Proven || w.speaks(d, "example.com") {
		t.Error("an order made after the end rests on the ended method")
	}
	// A row written by an older version, with a longer end, counts no longer.
	d.ProvenUntil = end.Add(100 * 24 * time.Hour)
	if w.speaks(d, "example.com") || w.speaks(d, "alias.example.com") {
		t.Error("the end that was written down outlives the rules")
	}
}

func TestIncidentCAACheckedForOneNameOfMany(t *testing.T) {
	w := newStage(t, func(o *Options) { o.Permission = Permission{Issuers: []string{"ca.deed.example"}} })
	w.publish("CAA", "example.com", `0 issue "ca.deed.example"`, `0 issuewild ";"`)
	w.publish("CAA", "second.example.com", `0 issue "other.example"`)
	names := []string{"example.com", "first.example.com", "second.example.com", "*.example.com"}
	s := w.order(dcv.DNSTXT, names...)
	w.publish("TXT", "_dnsauth.example.com", `"`+s.Value.Token+`"`)
	s, err := w.CheckOrder(t.Context(), w.actor, s.Order.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false, false} {
		n := s.Names[i]
		if n.Proven != want || (n.Problem == nil) != want || (!want && n.Problem.Code != dcv.CAADenied) {
			t.Errorf("%s: proven %t, %+v", n.Name, n.Proven, n.Problem)
		}
	}
	if s.Proven {
		t.Error("one denial is a denial for the order")
	}
	// Nor is it slipped past by a later order, resting on what was proven.
	if s := w.order(dcv.DNSTXT, "first.example.com", "third.example.com"); !s.Names[0].Proven || s.Names[1].Proven {
		t.Errorf("a name whose CAA was never asked: %+v", s.Names)
	}
}

// A proof made with test settings is marked, and counts for nothing on a server
// without such settings, whatever the database says.
func TestIncidentATestBypassThatReachesProduction(t *testing.T) {
	w := newStage(t) // its engine has DNSSEC off
	d := w.prove("example.com", dcv.DNSTXT)
	order := w.order(dcv.DNSTXT, "a.example.com", "example.com")
	if !d.ProofTest || !order.Proven {
		t.Fatalf("marked %t, proven %t", d.ProofTest, order.Proven)
	}
	w.o.Engine = production{w.o.Engine}
	again, err := w.Order(t.Context(), w.actor, order.Order.ID)
	if err != nil || again.Proven || again.Names[0].Proven || again.Names[1].Proven || w.speaks(d, "example.com") || w.Stands(&d) {
		t.Errorf("a test's proof counts in production: %+v, %v", again.Names, err)
	}
	if d := w.read(d.ID); d.ProvenUntil.After(w.Now()) || d.Validations[0].Until.After(w.Now()) {
		t.Errorf("shown as if it counted: %+v", d)
	}
}

// production hides that an engine has test settings.
type production struct{ Engine }

func TestIncidentASixthMailLocalPart(t *testing.T) {
	w := newStage(t)
	five := []string{"admin", "administrator", "webmaster", "hostmaster", "postmaster"}
	_, err := w.AddDomain(t.Context(), w.actor, AddDomain{
		Name: "example.com", OrganizationID: w.org, Types: []string{"ov"}, Method: dcv.Email, Recipients: []string{"info@example.com", "root@example.com", "ssladmin@example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var to []string
	codes := map[string]bool{}
	for _, l := range w.letters {
		local, host, _ := strings.Cut(l.To, "@")
		if host != "example.com" {
			t.Errorf("a message to %s", l.To)
		}
		to, codes[l.Code] = append(to, local), true
	}
	slices.Sort(to)
	slices.Sort(five)
	if !slices.Equal(to, five) || len(codes) != 5 {
		t.Errorf("messages to %v with %d values", to, len(codes))
	}
}

func TestIncidentTheContactsMailDomainProvenInPlaceOfTheName(t *testing.T) {
	w := newStage(t)
	w.publish("CAA", "example.com", `0 contactemail "admin@mailhost.example.net"`)
	w.publish("TXT", "_validation-contactemail.example.com", `"dns@mailhost.example.org"`)
	a := w.add("example.com", dcv.Email)
	w.add("mailhost.example.net", dcv.DNSTXT)
	w.add("mailhost.example.org", dcv.DNSTXT)
	written := 0
	for _, l := range w.letters {
		switch l.To {
		case "dns@mailhost.example.org":
			written++
		case "admin@mailhost.example.net":
			written++
			if _, err := w.ApproveMail(t.Context(), l.Link[strings.LastIndexByte(l.Link, '/')+1:], l.Code); err != nil {
				t.Fatal(err)
			}
		}
	}
	if written != 2 {
		t.Fatalf("%d messages to the contacts", written)
	}
	d := w.read(a.Domain.ID)
	if d.ProofADN.String() != "example.com" || !w.speaks(d, "example.com") {
		t.Errorf("proven at %s", d.ProofADN)
	}
	for _, other := range []string{"mailhost.example.net", "example.net", "mailhost.example.org"} {
		if w.speaks(d, other) || w.order(dcv.DNSTXT, other).Proven {
			t.Errorf("a message to an address of %s proves it", other)
		}
	}
}

func TestIncidentARecheckForgottenForSomeNamesOfAnOrder(t *testing.T) {
	w := newStage(t)
	names := []string{"example.com", "a.example.org", "b.example.org", "example.net"}
	s := w.order(dcv.DNSTXT, names...)
	look := func() OrderState {
		t.Helper()
		for _, n := range names {
			w.publish("TXT", "_dnsauth."+n, `"`+s.Value.Token+`"`)
		}
		s, err := w.CheckOrder(t.Context(), w.actor, s.Order.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := look(); !s.Proven {
		t.Fatalf("%+v", s.Names)
	}
	// All proofs have ended: every name is looked at again, and one that does
	// not pass is said.
	w.at(today.Add(250 * 24 * time.Hour))
	v, err := w.OrderValue(t.Context(), w.actor, s.Order.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.Value = &v
	names[2] = "elsewhere.example.org"
	again := look()
	for i, n := range again.Names {
		if n.Attempt == "" {
			t.Errorf("%s was not looked at again", n.Name)
		}
		if want := i != 2; n.Proven != want {
			t.Errorf("%s: proven %t", n.Name, n.Proven)
		}
	}
	if again.Proven {
		t.Error("an order is proven with a name that is not")
	}
}

func TestIncidentANameNormalisedTwiceOrLate(t *testing.T) {
	w := newStage(t)
	for _, typed := range []string{
		" example.com", "example.com ", "example.com\n", "\texample.com", "exam ple.com", "example.com\u00a0", "\u200bexample.com", "example\u3000.com", "\ufeffexample.com",
		"* .example.com", "*. example.com", "**.example.com", "*.*.example.com", "a.*.example.com", "*example.com", "www.*.example.com", "％2A.example.com", "%2a.example.com", "＊.example.com", "*．example．com ",
	} {
		var refused *Error
		_, err := w.AddDomain(t.Context(), w.actor, AddDomain{Name: typed, OrganizationID: w.org, Types: []string{"ov"}, Method: dcv.DNSTXT})
		if !errors.As(err, &refused) || refused.Kind != Invalid {
			t.Errorf("%q as a domain: %v", typed, err)
		}
		_, err = w.PlaceOrder(t.Context(), w.actor, PlaceOrder{Product: "ssl_basic", CommonName: "example.com", DNSNames: []string{typed}, OrganizationID: w.org, Method: dcv.DNSTXT})
		if !errors.As(err, &refused) || refused.Kind != Invalid {
			t.Errorf("%q in an order: %v", typed, err)
		}
	}
	// However it is written, it is one name.
	w.add("BÜCHER.com", dcv.DNSTXT)
	_, err := w.AddDomain(t.Context(), w.actor, AddDomain{Name: "xn--bcher-kva.COM.", OrganizationID: w.org, Types: []string{"ov"}, Method: dcv.DNSTXT})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "exists" {
		t.Errorf("one name twice: %v", err)
	}
}

// Who only has the link, as a scanner has, cannot approve: the value stands in
// the text of the message alone.
func TestIncidentAMailScannerThatApproves(t *testing.T) {
	w := newStage(t)
	a := w.add("example.com", dcv.Email)
	l := w.letters[0]
	link := l.Link[strings.LastIndexByte(l.Link, '/')+1:]
	if strings.Contains(l.Link, l.Code) {
		t.Error("the link holds the value")
	}
	for range 3 {
		if v, err := w.MailView(t.Context(), link); err != nil || v.State != "open" {
			t.Fatalf("looking at the page: %+v, %v", v, err)
		}
	}
	for _, code := range []string{"", link, "1", "yes", w.letters[1].Code, strings.ToUpper(l.Code)} {
		if _, err := w.ApproveMail(t.Context(), link, code); err == nil {
			t.Errorf("%q approves", code)
		}
	}
	if d := w.read(a.Domain.ID); !d.Proven.IsZero() {
		t.Error("proven")
	}
	w.confirm("example.com")
	if d := w.read(a.Domain.ID); d.Proven.IsZero() {
		t.Error("the right code does not approve")
	}
}
