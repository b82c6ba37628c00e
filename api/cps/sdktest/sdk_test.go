package sdktest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/appendix"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/certificate"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/customer"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/dcv"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/models"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/organization"
	"github.com/EdgeCast/ec-sdk-go/edgecast/cps/task"
)

// These tests walk every DCV and certificate call of the vendor's own SDK,
// unchanged, through a running deed serve.

func request(label, typ, method string, names ...string) *models.CertificateCreate {
	c := &models.CertificateCreate{CertificateAuthority: "DigiCert", CertificateLabel: label, ValidationType: typ, DcvMethod: method, Description: "by the SDK", AutoRenew: true}
	for i, n := range names {
		c.Domains = append(c.Domains, &models.DomainCreateUpdate{Name: n, IsCommonName: i == 0})
	}
	// The SDK's own example sends an organization with DV too.
	c.Organization = &models.OrganizationDetail{
		CompanyName: "Example Hosting GmbH", CompanyAddress: "Hauptstr. 1", City: "Berlin", Country: "DE", ContactFirstName: "Erika", ContactLastName: "Muster",
		ContactEmail: "erika@example.de", ContactPhone: "+49 30 1", AdditionalContacts: []*models.OrganizationContact{
			{ContactType: "EvApprover", FirstName: "Max", LastName: "Muster", Email: "max@example.de", Phone: "+49 30 2", Title: "CEO"}},
	}
	return c
}

func (s *server) create(c *models.CertificateCreate) *certificate.CertificatePostCreated {
	s.t.Helper()
	return ok[*certificate.CertificatePostCreated](s.t)(s.sdk.Certificate.CertificatePost(certificate.CertificatePostParams{Certificate: c}))
}

func (s *server) status(id int64) *certificate.CertificateGetCertificateStatusOK {
	s.t.Helper()
	return ok[*certificate.CertificateGetCertificateStatusOK](s.t)(s.sdk.Certificate.CertificateGetCertificateStatus(certificate.CertificateGetCertificateStatusParams{ID: id}))
}

func (s *server) details(id int64, ids ...int64) []*models.DomainDcvFull {
	s.t.Helper()
	p := dcv.DcvGetCertificateDomainDetailsParams{ID: id, DomainIds: list(ids)}
	return ok[*dcv.DcvGetCertificateDomainDetailsOK](s.t)(s.sdk.Dcv.DcvGetCertificateDomainDetails(p)).Items
}

func list(ids []int64) *string {
	if len(ids) == 0 {
		return nil
	}
	var parts []string
	for _, id := range ids {
		parts = append(parts, strconv.FormatInt(id, 10))
	}
	text := strings.Join(parts, ",")
	return &text
}

func (s *server) token(id int64, ids ...int64) []*models.DomainDcvToken {
	s.t.Helper()
	p := dcv.DcvRegenerateDcvTokensParams{ID: id, DomainIds: list(ids)}
	return ok[*dcv.DcvRegenerateDcvTokensOK](s.t)(s.sdk.Dcv.DcvRegenerateDcvTokens(p)).Items
}

func (s *server) check(id int64, ids ...int64) {
	s.t.Helper()
	ok[*dcv.DcvCheckDcvTokensNoContent](s.t)(s.sdk.Dcv.DcvCheckDcvTokens(dcv.DcvCheckDcvTokensParams{ID: id, DomainIds: list(ids)}))
}

func (s *server) is(id int64, status string, step int32, domains ...string) {
	s.t.Helper()
	got := s.status(id)
	if got.Status != status || got.Step != step {
		s.t.Errorf("status %s, step %d; want %s, %d", got.Status, got.Step, status, step)
	}
	for i, want := range domains {
		if v := got.OrderValidation.DomainValidations[i]; v.Status != want {
			s.t.Errorf("%v is %s, want %s", v.DomainNames, v.Status, want)
		}
	}
}

func TestDVFromRequestToIssued(t *testing.T) {
	s := serve(t)
	made := s.create(request("shop dv", "DV", "DnsTxtToken", "shop.example.com", "example.net"))
	if made.ID == 0 || made.Organization != nil || len(made.Domains) != 2 || made.Domains[0].ID == 0 || !made.Domains[0].IsCommonName || made.DcvMethod != "DnsTxtToken" || made.AtID != fmt.Sprintf("/v2.0/certificates/%d", made.ID) {
		t.Errorf("created %+v", made.CdnProvidedCertificate)
	}
	s.is(made.ID, "DomainControlValidation", 3, "Pending", "Pending")

	// One value for the whole certificate; the SDK reads its null as 0.
	d := s.details(made.ID, made.Domains[0].ID, made.Domains[1].ID)
	if len(d) != 1 || d[0].DomainID != 0 || len(d[0].DcvToken.Token) != 32 || d[0].DcvMethod != "DnsTxtToken" {
		t.Fatalf("details %+v", d)
	}
	old := d[0].DcvToken.Token
	s.publish("_dnsauth.shop.example.com", "TXT", old)
	fresh := s.token(made.ID)
	if len(fresh) != 1 || fresh[0].DomainID != 0 || fresh[0].DcvToken.Token == old {
		t.Fatalf("token %+v", fresh)
	}
	// The value before has ended: it proves nothing any more.
	s.check(made.ID)
	s.is(made.ID, "DomainControlValidation", 3, "Pending", "Pending")

	value := s.token(made.ID, made.Domains[0].ID)[0].DcvToken.Token
	s.publish("_dnsauth.shop.example.com", "TXT", value)
	s.publish("_dnsauth.example.net", "TXT", value)
	s.check(made.ID, made.Domains[1].ID)
	s.is(made.ID, "DomainControlValidation", 3, "Pending", "Approved")
	s.check(made.ID)
	s.is(made.ID, "OtherValidation", 4, "Approved", "Approved")
	if v := s.status(made.ID).OrderValidation; v.Status != "Pending" || v.OrganizationValidation.Status != "NA" {
		t.Errorf("order %+v", v)
	}

	// What only an issued certificate allows is refused before, with a reason.
	c := s.sdk.Certificate
	_, err := c.CertificateDelete(certificate.CertificateDeleteParams{ID: made.ID})
	refused(t, err, 400, "only an issued certificate can be deleted")
	_, err = c.CertificatePutRenewal(certificate.CertificatePutRenewalParams{ID: made.ID})
	refused(t, err, 400, "not issued yet")

	s.issued(made.ID)
	s.is(made.ID, "Active", 6, "Approved", "Approved")
	got := ok[*certificate.CertificateGetOK](t)(c.CertificateGet(certificate.CertificateGetParams{ID: made.ID}))
	if got.Thumbprint == "" || got.Domains[0].Status != "Active" {
		t.Errorf("issued: %+v", got.CdnProvidedCertificate)
	}
	ok[*certificate.CertificatePutRenewalNoContent](t)(c.CertificatePutRenewal(certificate.CertificatePutRenewalParams{ID: made.ID}))
	s.is(made.ID, "OtherValidation", 4, "Approved", "Approved")
	s.issued(made.ID)
	ok[*certificate.CertificateDeleteNoContent](t)(c.CertificateDelete(certificate.CertificateDeleteParams{ID: made.ID}))
	s.is(made.ID, "Deleted", 0)
}

func TestOVTokensOfAllAndOfASubset(t *testing.T) {
	s := serve(t)
	made := s.create(request("shop_ov", "OV", "DnsCnameToken", "example.com", "www.example.com", "example.org"))
	var ids []int64
	for _, d := range made.Domains {
		ids = append(ids, d.ID)
	}
	before := s.details(made.ID)
	all := s.token(made.ID)
	for i := range ids {
		if before[i].DomainID != ids[i] || all[i].DomainID != ids[i] || all[i].DcvToken.Token == before[i].DcvToken.Token || !strings.HasPrefix(all[i].DcvToken.Token, "_") {
			t.Errorf("domain %d: %+v then %+v", ids[i], before[i], all[i])
		}
	}
	one := s.token(made.ID, ids[2])
	if len(one) != 1 || one[0].DomainID != ids[2] || one[0].DcvToken.Token == all[2].DcvToken.Token {
		t.Errorf("subset %+v", one)
	}
	_, err := s.sdk.Dcv.DcvRegenerateDcvTokens(dcv.DcvRegenerateDcvTokensParams{ID: made.ID, DomainIds: list([]int64{ids[0], 99999})})
	refused(t, err, 400, "99999")
	after := s.details(made.ID, ids...)
	if after[0].DcvToken.Token != all[0].DcvToken.Token || after[2].DcvToken.Token != one[0].DcvToken.Token {
		t.Error("a refused call, or one for another domain, changed a token")
	}

	s.publish(after[0].DcvToken.Token+".example.com", "CNAME", "dcv.deed.example")
	s.publish(after[2].DcvToken.Token+".example.org", "CNAME", "dcv.deed.example")
	s.check(made.ID)
	// The proof of example.com covers what lies below it.
	s.is(made.ID, "OtherValidation", 4, "Approved", "Approved", "Approved")
	if v := s.status(made.ID).OrderValidation.OrganizationValidation; v.Status != "Pending" || v.ValidationType != "OV" {
		t.Errorf("organization %+v", v)
	}

	c := s.sdk.Certificate
	org := request("", "", "").Organization
	org.CompanyName = "Another Name GmbH"
	_, err = c.CertificatePutOrganizationDetails(certificate.CertificatePutOrganizationDetailsParams{ID: made.ID, OrgDetails: org})
	refused(t, err, 400, "only once the certificate is issued")
	s.issued(made.ID)
	changed := ok[*certificate.CertificatePutOrganizationDetailsOK](t)(c.CertificatePutOrganizationDetails(certificate.CertificatePutOrganizationDetailsParams{ID: made.ID, OrgDetails: org}))
	if changed.CompanyName != "Another Name GmbH" || changed.ID == 0 {
		t.Errorf("organization %+v", changed)
	}

	o := s.sdk.Organization
	by := ok[*organization.OrganizationGetOK](t)(o.OrganizationGet(organization.OrganizationGetParams{ID: changed.ID}))
	if by.CompanyName != "Another Name GmbH" || by.City != "Berlin" || len(by.AdditionalContacts) != 1 {
		t.Errorf("organization by id %+v", by)
	}
	exact := "Example Hosting GmbH"
	if by := ok[*organization.OrganizationGetOK](t)(o.OrganizationGet(organization.OrganizationGetParams{Name: &exact})); by.CompanyName != exact {
		t.Errorf("organization by name %+v", by)
	}
	if first := ok[*organization.OrganizationGetDefaultOrganizationOK](t)(o.OrganizationGetDefaultOrganization(organization.OrganizationGetDefaultOrganizationParams{})); first.CompanyName != "Example Hosting" {
		t.Errorf("default %+v", first)
	}
	if found := ok[*organization.OrganizationFindOK](t)(o.OrganizationFind(organization.OrganizationFindParams{Name: "hosting"})); len(found.Items) != 2 {
		t.Errorf("found %+v", found)
	}
}

func TestMethodsAndMail(t *testing.T) {
	s := serve(t)
	made := s.create(request("mail", "DV", "Email", "example.com"))
	d := s.details(made.ID)
	if len(d) != 1 || d[0].DcvToken != nil || len(d[0].Emails) != 5 || d[0].Emails[0] != "admin@example.com" {
		t.Fatalf("details %+v", d[0])
	}
	_, err := s.sdk.Dcv.DcvRegenerateDcvTokens(dcv.DcvRegenerateDcvTokensParams{ID: made.ID})
	refused(t, err, 400, "a token is not required")
	_, err = s.sdk.Dcv.DcvCheckDcvTokens(dcv.DcvCheckDcvTokensParams{ID: made.ID})
	refused(t, err, 400, "email")
	ok[*dcv.DcvPostEmailResendNoContent](t)(s.sdk.Dcv.DcvPostEmailResend(dcv.DcvPostEmailResendParams{ID: made.ID}))

	ok[*dcv.DcvSetCertificateDcvMethodNoContent](t)(s.sdk.Dcv.DcvSetCertificateDcvMethod(dcv.DcvSetCertificateDcvMethodParams{ID: made.ID, DcvMethod: &models.DcvMethodRequest{DcvMethod: "DnsTxtToken"}}))
	d = s.details(made.ID)
	if d[0].DcvToken == nil || len(d[0].Emails) != 0 || d[0].DcvMethod != "DnsTxtToken" {
		t.Fatalf("details %+v", d[0])
	}
	_, err = s.sdk.Dcv.DcvPostEmailResend(dcv.DcvPostEmailResendParams{ID: made.ID})
	refused(t, err, 400, "not email")
	_, err = s.sdk.Dcv.DcvSetCertificateDcvMethod(dcv.DcvSetCertificateDcvMethodParams{ID: made.ID, DcvMethod: &models.DcvMethodRequest{DcvMethod: "Fax"}})
	refused(t, err, 400, "dcv_method")
	s.publish("example.com", "TXT", d[0].DcvToken.Token)
	s.check(made.ID)
	s.is(made.ID, "OtherValidation", 4, "Approved")
}

func TestTheRestOfACertificateRequest(t *testing.T) {
	s := serve(t)
	c := s.sdk.Certificate
	var first int64
	for i := range 22 {
		made := s.create(request(fmt.Sprintf("list-%02d", i), "DV", "DnsTxtToken", fmt.Sprintf("d%d.example.com", i)))
		if first == 0 {
			first = made.ID
		}
	}
	page := ok[*certificate.CertificateFindOK](t)(c.CertificateFind(certificate.CertificateFindParams{}))
	if len(page.Items) != 20 || page.TotalItems != 22 || page.Items[0].CertificateLabel != "list-21" {
		t.Errorf("first page: %d of %d, %s", len(page.Items), page.TotalItems, page.Items[0].CertificateLabel)
	}
	two, size, sort, query := int32(2), int32(500), "-certificate_label", "domain_names:d1*.example.com"
	page = ok[*certificate.CertificateFindOK](t)(c.CertificateFind(certificate.CertificateFindParams{Page: &two, PageSize: &size, Sort: &sort}))
	if len(page.Items) != 2 || page.Items[0].CertificateLabel != "list-20" {
		t.Errorf("second page, ascending: %+v", page.Items)
	}
	page = ok[*certificate.CertificateFindOK](t)(c.CertificateFind(certificate.CertificateFindParams{Query: &query}))
	if page.TotalItems != 11 {
		t.Errorf("d1*.example.com: %d", page.TotalItems)
	}

	// A repeated request makes no second one.
	_, err := c.CertificatePost(certificate.CertificatePostParams{Certificate: request("list-00", "DV", "DnsTxtToken", "d0.example.com")})
	refused(t, err, 400, fmt.Sprintf("request %d", first))

	// The SDK sends "domains":null when they are to stay.
	patched := ok[*certificate.CertificatePatchOK](t)(c.CertificatePatch(certificate.CertificatePatchParams{ID: first,
		CertificateRequest: &models.CertificateUpdate{Description: "patched", DcvMethod: "DnsCnameToken"}}))
	if patched.Description != "patched" || patched.DcvMethod != "DnsCnameToken" || !patched.AutoRenew || len(patched.Domains) != 1 || patched.CertificateLabel != "list-00" {
		t.Errorf("patched %+v", patched.CdnProvidedCertificate)
	}
	if d := s.details(first); !strings.HasPrefix(d[0].DcvToken.Token, "_") {
		t.Errorf("details after the patch: %+v", d[0])
	}

	set := []*models.EmailNotification{{NotificationType: "CertificateRenewal", Enabled: true, Emails: []string{"ops@example.com"}}}
	mine := ok[*certificate.CertificateUpdateRequestNotificationsOK](t)(c.CertificateUpdateRequestNotifications(certificate.CertificateUpdateRequestNotificationsParams{ID: first, Notifications: set}))
	if len(mine.Items) != 3 || !mine.Items[0].Enabled || mine.Items[1].Enabled {
		t.Errorf("notifications %+v", mine.Items)
	}
	// As the Terraform provider switches one off: its type alone.
	off := []*models.EmailNotification{{NotificationType: "CertificateRenewal"}}
	ok[*certificate.CertificateUpdateRequestNotificationsOK](t)(c.CertificateUpdateRequestNotifications(certificate.CertificateUpdateRequestNotificationsParams{ID: first, Notifications: off}))
	if got := ok[*certificate.CertificateGetRequestNotificationsOK](t)(c.CertificateGetRequestNotifications(certificate.CertificateGetRequestNotificationsParams{ID: first})); got.Items[0].Enabled {
		t.Errorf("still on: %+v", got.Items[0])
	}

	ok[*certificate.CertificatePutRetriggerNoContent](t)(c.CertificatePutRetrigger(certificate.CertificatePutRetriggerParams{ID: first}))
	ok[*certificate.CertificateCancelNoContent](t)(c.CertificateCancel(certificate.CertificateCancelParams{ID: first})) // apply=false: a preview
	s.is(first, "DomainControlValidation", 3, "Pending")
	ok[*certificate.CertificateCancelNoContent](t)(c.CertificateCancel(certificate.CertificateCancelParams{ID: first, Apply: true}))
	s.is(first, "Deleted", 0)
	_, err = c.CertificateCancel(certificate.CertificateCancelParams{ID: first, Apply: true})
	refused(t, err, 409, "canceled")
	_, err = c.CertificateGet(certificate.CertificateGetParams{ID: 4711})
	refused(t, err, 404, "not_found")
}

func TestAccountAndAppendix(t *testing.T) {
	s := serve(t)
	a := s.sdk.Appendix
	for name, items := range map[string]func() ([]*models.NamedEntity, error){
		"cancel-actions 2": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetCancelActions(appendix.AppendixGetCancelActionsParams{})
			return r.Items, err
		},
		"certificate-authorities 2": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetCertificateAuthorities(appendix.AppendixGetCertificateAuthoritiesParams{})
			return r.Items, err
		},
		"certificate-statuses 6": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetCertificateStatuses(appendix.AppendixGetCertificateStatusesParams{})
			return r.Items, err
		},
		"dcv-types 3": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetDcvTypes(appendix.AppendixGetDcvTypesParams{})
			return r.Items, err
		},
		"domain-statuses 10": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetDomainStatuses(appendix.AppendixGetDomainStatusesParams{})
			return r.Items, err
		},
		"order-statuses 17": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetOrderStatuses(appendix.AppendixGetOrderStatusesParams{})
			return r.Items, err
		},
		"product-types 0": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetProductTypes(appendix.AppendixGetProductTypesParams{})
			return r.Items, err
		},
		"request-types 4": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetRequestType(appendix.AppendixGetRequestTypeParams{})
			return r.Items, err
		},
		"validation-statuses 5": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetValidationStatuses(appendix.AppendixGetValidationStatusesParams{})
			return r.Items, err
		},
		"validation-types 4": func() ([]*models.NamedEntity, error) {
			r, err := a.AppendixGetValidationTypes(appendix.AppendixGetValidationTypesParams{})
			return r.Items, err
		},
	} {
		got := ok[[]*models.NamedEntity](t)(items())
		if _, n, _ := strings.Cut(name, " "); strconv.Itoa(len(got)) != n {
			t.Errorf("%s: %d values", name, len(got))
		}
		for i, v := range got {
			if v.ID != int64(i+1) || v.Name == "" {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
	if all := ok[*appendix.AppendixGetOK](t)(a.AppendixGet(appendix.AppendixGetParams{})); len(all.Items) != 249 {
		t.Errorf("%d countries", len(all.Items))
	}
	phrase := "germany"
	if one := ok[*appendix.AppendixGetOK](t)(a.AppendixGet(appendix.AppendixGetParams{Name: &phrase})); len(one.Items) != 1 || one.Items[0].TwoLetterCode != "DE" {
		t.Errorf("germany: %+v", one.Items)
	}

	c := s.sdk.Customer
	ok[*customer.CustomerGetCustomerCommitsOK](t)(c.CustomerGetCustomerCommits(customer.CustomerGetCustomerCommitsParams{}))
	set := []*models.EmailNotification{{NotificationType: "PendingValidations", Enabled: true, Emails: []string{"ops@example.com"}}}
	ok[*customer.CustomerUpdateCustomerNotificationsOK](t)(c.CustomerUpdateCustomerNotifications(customer.CustomerUpdateCustomerNotificationsParams{Notifications: set}))
	got := ok[*customer.CustomerGetCustomerNotificationsOK](t)(c.CustomerGetCustomerNotifications(customer.CustomerGetCustomerNotificationsParams{}))
	if len(got.Items) != 3 || !got.Items[2].Enabled {
		t.Errorf("notifications %+v", got.Items)
	}
	// A request without settings of its own follows the account.
	made := s.create(request("follows", "DV", "DnsTxtToken", "example.com"))
	if n := ok[*certificate.CertificateGetRequestNotificationsOK](t)(s.sdk.Certificate.CertificateGetRequestNotifications(certificate.CertificateGetRequestNotificationsParams{ID: made.ID})); !n.Items[2].Enabled {
		t.Errorf("follows: %+v", n.Items)
	}

	_, err := s.sdk.Task.TaskGet(task.TaskGetParams{ID: 1})
	refused(t, err, 404, "not_found")

	// A wrong secret: the SDK shows the reason.
	if _, err := s.client("nobody", "wrong").Certificate.CertificateFind(certificate.CertificateFindParams{}); err == nil || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("a wrong secret: %v", err)
	}
}
