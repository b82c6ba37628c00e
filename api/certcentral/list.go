package certcentral

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"deed/authority"
	"deed/dcv"
	"deed/store"
)

// page is what a list says of its paging.
type page struct {
	Total  int `json:"total"`
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

// maxLimit is the largest page, and the default one (contract 3.1).
const maxLimit = 1000

func paging(q url.Values) (store.Page, error) {
	p := store.Page{Limit: maxLimit}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return p, bad("invalid_parameter|limit", "The parameter limit must be a number from 1 to 1000.")
		}
		if n > 0 { // 0 is what clients send for "the default"
			p.Limit = min(n, maxLimit)
		}
	}
	if s := q.Get("offset"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return p, bad("invalid_parameter|offset", "The parameter offset must be a number from 0.")
		}
		p.Offset = n
	}
	return p, nil
}

// filter gives all values of a filter, in the order of their keys: filters[x],
// filters[x][0], filters[x][1] …
func filter(q url.Values, name string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(q)) {
		rest, ok := strings.CutPrefix(key, "filters["+name+"]")
		if ok && (rest == "" || (strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]"))) {
			for _, v := range q[key] {
				if v != "" && !slices.Contains(out, v) {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// oneFilter is a filter that takes a single value; "" when it is not there.
func oneFilter(q url.Values, name string) (string, error) {
	switch list := filter(q, name); len(list) {
	case 0:
		return "", nil
	case 1:
		return list[0], nil
	default:
		return "", bad("invalid_parameter|filters["+name+"]", "The filter "+name+" takes one value.")
	}
}

func (h *handler) listDomains(c *call) error {
	q := c.r.URL.Query()
	query, err := domainQuery(q, h.o.Authority.Now())
	if err != nil {
		return err
	}
	asTime, err := c.flag("include_dcv_expiration_time")
	if err != nil {
		return err
	}
	reuse := false
	for _, v := range filter(q, "include_validation_reuse_status") {
		reuse = reuse || strings.EqualFold(v, "true")
	}
	list, orgs, total, err := h.o.Authority.Domains(c.r.Context(), c.actor, query)
	if err != nil {
		return err
	}
	out := struct {
		Domains []listed `json:"domains"`
		Page    page     `json:"page"`
	}{make([]listed, 0, len(list)), page{total, query.Page.Limit, query.Page.Offset}}
	now := h.o.Authority.Now()
	for i := range list {
		d := &list[i]
		out.Domains = append(out.Domains, listed{
			ID: d.ID, IsActive: d.Active, Name: d.Name.String(), DateCreated: stamp(d.Created), Submitted: stampOrNone(d.Submitted), Approved: stampOrNone(d.Proven),
			Organization: nested(orgs[d.OrganizationID]), Validations: validationsOf(d, now, false), Method: d.Method,
			Expiration: expirationOf(d, now, asTime, reuse), Container: containerOf(d.AccountID),
		})
	}
	return c.json(http.StatusOK, out)
}

func domainQuery(q url.Values, now time.Time) (authority.DomainQuery, error) {
	p, err := paging(q)
	if err != nil {
		return authority.DomainQuery{}, err
	}
	out := authority.DomainQuery{Page: p}
	for _, s := range filter(q, "status") {
		active := s == "active"
		if !active && s != "inactive" {
			return out, bad("invalid_parameter|filters[status]", "The filter status must be active or inactive.")
		}
		out.Active = &active
	}
	if len(filter(q, "status")) > 1 { // both: any
		out.Active = nil
	}
	for _, s := range filter(q, "dcv_method") {
		switch m := dcv.Method(s); m {
		case "http-token-static":
			out.Methods = append(out.Methods, dcv.HTTP)
		default:
			if !spoken[m] {
				return out, bad("invalid_parameter|filters[dcv_method]", "There is no DCV method of this name.")
			}
			out.Methods = append(out.Methods, m)
		}
	}
	search, err := oneFilter(q, "search")
	if err != nil {
		return out, err
	}
	if s := search; s != "" {
		out.Name, out.Contains = strings.ToLower(strings.TrimSuffix(s, ".")), false
		if rest, ok := strings.CutPrefix(out.Name, "%"); ok {
			out.Name, out.Contains = strings.Trim(rest, "%"), true
		}
		if len(out.Name) > dcv.MaxName {
			return out, bad("invalid_parameter|filters[search]", "The search text is longer than any name.")
		}
	}
	state, err := oneFilter(q, "validation")
	if err != nil {
		return out, err
	}
	if state != "" {
		f, ok := validationFilter(state, now)
		if !ok {
			return out, bad("invalid_parameter|filters[validation]", "There is no validation filter of this name.")
		}
		out.Validation = f
	}
	for _, s := range strings.Split(q.Get("sort"), ",") {
		switch strings.TrimPrefix(s, "-") {
		case "":
		case "name", "date_created", "id":
			out.Sort = append(out.Sort, s)
		default:
			return out, bad("invalid_parameter|sort", "Domains can be sorted by name, date_created and id.")
		}
	}
	if len(out.Sort) > 3 {
		return out, bad("invalid_parameter|sort", "Too many properties to sort by.")
	}
	return out, nil
}

// validationFilter reads filters[validation] (contract 3.1).
func validationFilter(s string, now time.Time) (*store.ValidationFilter, bool) {
	yes, no := true, false
	ended := now.Add(time.Microsecond) // a proof that ends now has ended
	day := func(n int) time.Time { return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, n) }
	switch s {
	case "completed":
		return &store.ValidationFilter{Pending: &no, From: ended}, true
	case "pending":
		return &store.ValidationFilter{Pending: &yes}, true
	case "shortened_by_industry_changes":
		// Proofs are computed by the rules to come from the start; none is
		// shortened afterwards.
		return &store.ValidationFilter{Type: "none"}, true
	}
	typ, what, ok := strings.Cut(s, "_")
	if !ok || (typ != "ov" && typ != "ev") {
		return nil, false
	}
	f := &store.ValidationFilter{Type: typ}
	switch what {
	case "expired":
		f.To = ended
	case "expiring":
		f.From, f.To = ended, day(61)
	case "expired_in_last_7_days":
		f.From, f.To = day(-7), day(0)
	case "expiring_within_7_days":
		f.From, f.To = ended, day(8)
	case "expiring_within_30_days":
		f.From, f.To = ended, day(31)
	case "expiring_from_31_to_60_days":
		f.From, f.To = day(31), day(61)
	case "expiring_from_61_to_90_days":
		f.From, f.To = day(61), day(91)
	default:
		return nil, false
	}
	return f, true
}

func (h *handler) expirations(c *call) error {
	e, err := h.o.Authority.Expirations(c.r.Context(), c.actor, "") // OV or EV
	if err != nil {
		return err
	}
	s := strconv.Itoa
	return c.json(http.StatusOK, map[string]string{
		"number_of_expired_domains": s(e.Expired), "number_of_expiry_soon_domains": s(e.Soon), "number_of_domains_affected_by_mozilla_policy": "0",
		"number_of_domains_recent_expired": s(e.RecentlyExpired), "number_of_domains_expiring_within_30_days": s(e.Within30),
		"number_of_domains_expiring_from_31_to_60_days": s(e.From31To60), "number_of_domains_expiring_from_61_to_90_days": s(e.From61To90),
	})
}

func (h *handler) validationTypes(c *call) error {
	type row struct {
		Type         string `json:"type"`
		Name         string `json:"name"`
		Description  string `json:"description"`
		RequiresUser bool   `json:"requires_user"`
		RequiresDCV  bool   `json:"requires_dcv"`
	}
	return c.json(http.StatusOK, map[string]any{"validation_types": []row{
		{"ov", typeTexts["ov"][0], typeTexts["ov"][1], false, true}, {"ev", typeTexts["ev"][0], typeTexts["ev"][1], true, true},
	}})
}

func (h *handler) methods(c *call) error {
	type row struct {
		Name        string `json:"name"`
		DisplayName string `json:"display_name"`
		Description string `json:"description"`
		Default     bool   `json:"default"`
	}
	return c.json(http.StatusOK, map[string]any{"methods": []row{
		{string(dcv.Email), "Email", "A code sent by e-mail", true}, {string(dcv.DNSTXT), "DNS TXT", "A random value in a TXT record", false},
		{string(dcv.DNSCNAME), "DNS CNAME", "A random value in a CNAME record", false}, {string(dcv.HTTP), "HTTP file", "A random value in a file on the website", false},
	}})
}
