package cps

import (
	"net/http"
	"strconv"

	"deed/authority"
	"deed/dcv"
)

// methods are this dialect's words for the methods, in the order of its appendix.
var methods = []struct {
	word   string
	method dcv.Method
}{{"Email", dcv.Email}, {"DnsCnameToken", dcv.DNSCNAME}, {"DnsTxtToken", dcv.DNSTXT}}

// methodOf reads a method; the spelling counts. A word that is none goes to the
// authority as it is, to be refused there.
func methodOf(word string) (dcv.Method, error) {
	for _, m := range methods {
		if m.word == word {
			return m.method, nil
		}
	}
	return "", invalid("dcv_method", "The dcv_method must be one of Email, DnsCnameToken, DnsTxtToken.")
}

// wordOf is how a method is called here. Orders of other dialects that have a
// method without a word here are no certificate requests, and are not shown.
func wordOf(m dcv.Method) string {
	for _, row := range methods {
		if row.method == m {
			return row.word
		}
	}
	return string(m)
}

type tokenBody struct {
	Token string `json:"token"`
}

// tokenItem is an element of the token call, key for key as documented.
type tokenItem struct {
	Token    *tokenBody `json:"dcv_token"`
	DomainID *int64     `json:"domain_id"`
	Method   string     `json:"dcv_method"`
}

// detailItem is an element of the details call.
type detailItem struct {
	DomainID *int64     `json:"domain_id"`
	Method   string     `json:"dcv_method"`
	Token    *tokenBody `json:"dcv_token"`
	Emails   []string   `json:"emails"`
}

// itemOf shows one item; the domain's id is null where it stands for the whole
// certificate.
func itemOf(d *authority.CertificateDCV, n *authority.NameDCV) detailItem {
	item := detailItem{Method: wordOf(d.Method), Emails: n.Recipients}
	if !d.Shared {
		item.DomainID = &n.Domain
	}
	if n.Value != nil {
		item.Token = &tokenBody{n.Value.Token}
	}
	return item
}

func dcvPath(id int64) string { return "/v2.0/dcv/certificates/" + strconv.FormatInt(id, 10) }

// target reads what every DCV call names: the request and its domains.
func (c *call) target() (id int64, ids []int64, err error) {
	if id, err = c.id(); err != nil {
		return 0, nil, err
	}
	ids, err = c.domainIDs()
	return id, ids, err
}

func (h *handler) details(c *call) error {
	id, ids, err := c.target()
	if err != nil {
		return err
	}
	d, err := h.o.Authority.CertificateDCV(c.r.Context(), c.actor, id, ids)
	if err != nil {
		return err
	}
	var items []detailItem
	for i := range d.Items {
		items = append(items, itemOf(&d, &d.Items[i]))
	}
	return c.json(http.StatusOK, collect(dcvPath(id), items))
}

func (h *handler) token(c *call) error {
	id, ids, err := c.target()
	if err != nil {
		return err
	}
	d, err := h.o.Authority.RegenerateValues(c.r.Context(), c.actor, id, ids)
	if err != nil {
		return err
	}
	var items []tokenItem
	for i := range d.Items {
		item := itemOf(&d, &d.Items[i])
		items = append(items, tokenItem{item.Token, item.DomainID, item.Method})
	}
	return c.json(http.StatusOK, collect(dcvPath(id)+"/token", items))
}

func (h *handler) method(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	var in struct {
		Method string `json:"dcv_method"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	m, err := methodOf(in.Method)
	if err != nil {
		return err
	}
	if err := h.o.Authority.ChangeCertificateMethod(c.r.Context(), c.actor, id, m); err != nil {
		return err
	}
	return c.empty()
}

// check answers 204 whatever was found: the result is read from the status, and
// the attempts are named in Link headers.
func (h *handler) check(c *call) error {
	id, ids, err := c.target()
	if err != nil {
		return err
	}
	attempts, err := h.o.Authority.CheckCertificate(c.r.Context(), c.actor, id, ids)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		if a.ID != "" {
			c.w.Header().Add("Link", "</v1/attempts/"+a.ID+`>; rel="describedby"`)
		}
	}
	return c.empty()
}

func (h *handler) resend(c *call) error {
	id, ids, err := c.target()
	if err != nil {
		return err
	}
	if err := h.o.Authority.ResendCertificateMail(c.r.Context(), c.actor, id, ids); err != nil {
		return err
	}
	return c.empty()
}
