package certcentral

import (
	"net/http"
	"strings"

	"deed/authority"
	"deed/dcv"
)

func (h *handler) placeOrder(c *call) error {
	var in struct {
		Certificate struct {
			CommonName string   `json:"common_name"`
			DNSNames   []string `json:"dns_names"`
		} `json:"certificate"`
		CommonName   string   `json:"common_name"`
		DNSNames     []string `json:"dns_names"`
		Organization struct {
			ID int64 `json:"id"`
		} `json:"organization"`
		Method dcv.Method `json:"dcv_method"`
		Locale string     `json:"locale"`
	}
	product := c.r.PathValue("product")
	if !productName(product) {
		return badRequest{http.StatusNotFound, "not_found|product", "There is no such product."}
	}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	if err := method(in.Method); err != nil {
		return err
	}
	if in.Certificate.CommonName == "" {
		in.Certificate.CommonName, in.Certificate.DNSNames = in.CommonName, in.DNSNames
	}
	types := []string{"ov"}
	if strings.Contains(product, "ev") {
		types = []string{"ov", "ev"}
	}
	s, err := h.o.Authority.PlaceOrder(c.r.Context(), c.actor, authority.PlaceOrder{
		Product: product, CommonName: in.Certificate.CommonName, DNSNames: in.Certificate.DNSNames, OrganizationID: in.Organization.ID, Types: types, Method: in.Method, Locale: in.Locale,
	})
	if err != nil {
		return err
	}
	type row struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Token *token `json:"dcv_token,omitempty"`
	}
	out := struct {
		ID      int64  `json:"id"`
		Value   string `json:"dcv_random_value,omitempty"`
		Domains []row  `json:"domains,omitempty"`
	}{ID: s.Order.ID}
	if s.Value != nil {
		out.Value = s.Value.Token
	}
	seen := map[int64]bool{}
	for _, n := range s.Names {
		if n.Proven || seen[n.Domain.ID] {
			continue
		}
		seen[n.Domain.ID] = true
		out.Domains = append(out.Domains, row{n.Domain.ID, n.Domain.Name.String(), h.token(s.Value, n.Domain.Name, true)})
	}
	return c.json(http.StatusCreated, out)
}

// productName vets a product's identifier: any that looks like one is taken,
// since Deed issues nothing.
func productName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" && strings.Trim(s, "0123456789") != ""
}

// orderBody is an order as info and list show it.
type orderBody struct {
	ID          int64  `json:"id"`
	Status      string `json:"status"`
	DateCreated string `json:"date_created"`
	Method      string `json:"dcv_method"`
	Product     struct {
		NameID string `json:"name_id"`
	} `json:"product"`
	Certificate struct {
		CommonName string   `json:"common_name"`
		DNSNames   []string `json:"dns_names"`
	} `json:"certificate"`
	Organization *struct {
		ID int64 `json:"id"`
	} `json:"organization,omitempty"`
	DCVStatus string       `json:"dcv_status,omitempty"`
	Names     []nameStatus `json:"dns_name_validations,omitempty"`
	Value     string       `json:"dcv_random_value,omitempty"`
	Container container    `json:"container"`
}

type nameStatus struct {
	Name   string `json:"dns_name"`
	Status string `json:"status"`
}

func orderOf(o *authority.Order) orderBody {
	b := orderBody{ID: o.ID, Status: o.Status, DateCreated: stamp(o.Created), Method: string(o.Method), Container: containerOf(o.AccountID)}
	b.Product.NameID, b.Certificate.CommonName, b.Certificate.DNSNames = o.Product, o.CommonName.String(), []string{}
	for _, n := range o.Names {
		b.Certificate.DNSNames = append(b.Certificate.DNSNames, n.Name.String())
	}
	if o.OrganizationID != 0 {
		b.Organization = &struct {
			ID int64 `json:"id"`
		}{o.OrganizationID}
	}
	return b
}

// statuses of an order's names: valid and approved are the vendor's words, the
// others ours.
func statuses(s *authority.OrderState) (string, []nameStatus) {
	all := "valid"
	names := []nameStatus{}
	for _, n := range s.Names {
		st := nameStatus{n.Name.String(), "approved"}
		if !n.Proven {
			st.Status, all = "pending", "pending"
		}
		names = append(names, st)
	}
	return all, names
}

func (h *handler) orderInfo(c *call) error {
	id, err := c.id("order")
	if err != nil {
		return err
	}
	s, err := h.o.Authority.Order(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	b := orderOf(&s.Order)
	b.DCVStatus, b.Names = statuses(&s)
	if s.Value != nil {
		b.Value = s.Value.Token
	}
	return c.json(http.StatusOK, b)
}

func (h *handler) listOrders(c *call) error {
	p, err := paging(c.r.URL.Query())
	if err != nil {
		return err
	}
	list, total, err := h.o.Authority.Orders(c.r.Context(), c.actor, p)
	if err != nil {
		return err
	}
	out := struct {
		Orders []orderBody `json:"orders"`
		Page   page        `json:"page"`
	}{make([]orderBody, 0, len(list)), page{total, p.Limit, p.Offset}}
	for i := range list {
		out.Orders = append(out.Orders, orderOf(&list[i]))
	}
	return c.json(http.StatusOK, out)
}

type orderValue struct {
	Value      string `json:"dcv_random_value"`
	Expiration string `json:"expiration_date"`
}

func (h *handler) orderValue(c *call) error {
	id, err := c.id("order")
	if err != nil {
		return err
	}
	v, err := h.o.Authority.OrderValue(c.r.Context(), c.actor, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, orderValue{v.Token, stamp(v.Expires)})
}

func (h *handler) orderMethod(c *call) error {
	id, err := c.id("order")
	if err != nil {
		return err
	}
	var in struct {
		Method dcv.Method `json:"dcv_method"`
		Locale string     `json:"locale"`
	}
	if err := c.decode(&in, true); err != nil {
		return err
	}
	if err := method(in.Method); err != nil {
		return err
	}
	s, err := h.o.Authority.ChangeOrderMethod(c.r.Context(), c.actor, id, in.Method, in.Locale)
	if err != nil {
		return err
	}
	if in.Method == dcv.Email || s.Value == nil {
		return c.empty()
	}
	return c.json(http.StatusOK, orderValue{s.Value.Token, stamp(s.Value.Expires)})
}

func (h *handler) checkOrder(c *call) error {
	id, err := c.id("order")
	if err != nil {
		return err
	}
	var in struct {
		A []string `json:"dns_names_validations"`
		B []string `json:"dns_name_validations"`
	}
	if err := c.decode(&in, false); err != nil {
		return err
	}
	s, err := h.o.Authority.CheckOrder(c.r.Context(), c.actor, id, append(in.A, in.B...))
	if err != nil {
		return err
	}
	open := false
	for _, n := range s.Names {
		open = open || !n.Proven
		if n.Attempt != "" {
			c.w.Header().Add("Link", "</v1/attempts/"+n.Attempt+`>; rel="describedby"`)
		}
	}
	if open && s.Order.Method == dcv.HTTP {
		f := failures[dcv.HTTP]
		writeError(c.w, http.StatusBadRequest, f.Code, f.Message)
		return nil
	}
	out := struct {
		Order       string       `json:"order_status"`
		Certificate int64        `json:"certificate_id"`
		DCV         string       `json:"dcv_status"`
		Names       []nameStatus `json:"dns_name_validations"`
	}{Order: s.Order.Status, Certificate: s.Order.ID}
	out.DCV, out.Names = statuses(&s)
	return c.json(http.StatusOK, out)
}

func (h *handler) resendOrder(c *call) error {
	id, err := c.id("order")
	if err != nil {
		return err
	}
	var in struct {
		Locale string `json:"locale"`
		Only   []struct {
			Domain string `json:"domain"`
			Email  string `json:"email"`
			Scope  string `json:"email_domain"`
		} `json:"domain_approval_emails"`
	}
	if err := c.decode(&in, false); err != nil {
		return err
	}
	var only []authority.OrderMail
	for _, o := range in.Only {
		only = append(only, authority.OrderMail{Name: o.Domain, Recipient: o.Email, NameScope: o.Scope})
	}
	if err := h.o.Authority.ResendOrderMail(c.r.Context(), c.actor, id, in.Locale, only); err != nil {
		return err
	}
	return c.empty()
}
