package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"deed/authority"
	"deed/dcv"
	"deed/rules"
)

// methodNames lists the methods for the document's enumerations.
func methodNames() (list []any) {
	for _, r := range rules.Methods() {
		list = append(list, string(r.Method))
	}
	return list
}

// MethodName is a method by its name; the document lists them.
type MethodName string

// Schema describes the names that there are.
func (MethodName) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Enum: methodNames(), Description: "A method of domain control validation"}
	s.PrecomputeMessages()
	return s
}

// ArmMethod is a method to be armed.
type ArmMethod struct {
	Method           MethodName `json:"method"`
	KeyAuthorization string     `json:"key_authorization,omitempty" maxLength:"256" doc:"For the ACME methods, and only for them: token, dot, thumbprint of the account's key (RFC 8555 section 8.1)"`
	AccountURL       string     `json:"account_url,omitempty" maxLength:"512" doc:"URL of the ACME account; dns-account-01 needs it"`
	Locale           string     `json:"locale,omitempty" maxLength:"20" doc:"Language of e-mails"`
	Recipients       []string   `json:"recipients,omitempty" maxItems:"50" doc:"Those of the contacts that get an e-mail; all if none is given"`
}

func commandOf(list []ArmMethod) []authority.ArmMethod {
	out := make([]authority.ArmMethod, len(list))
	for i, m := range list {
		out[i] = authority.ArmMethod{Method: dcv.Method(m.Method), KeyAuthorization: m.KeyAuthorization, AccountURL: m.AccountURL, Locale: m.Locale, Recipients: m.Recipients}
	}
	return out
}

// Record is a DNS record.
type Record struct {
	Name  string `json:"name"`
	Type  string `json:"type" enum:"TXT,CNAME"`
	Value string `json:"value"`
}

// Method is what one method needs in the world.
type Method struct {
	Method      string     `json:"method"`
	Section     string     `json:"section" doc:"Section of the Baseline Requirements"`
	Own         bool       `json:"own" doc:"The domain's own method, which dcv_method names in the CertCentral dialect"`
	Armed       bool       `json:"armed" doc:"Looked for, or mailed; false for what is only recommended"`
	Recommended bool       `json:"recommended" doc:"One record serves every renewal"`
	Record      *Record    `json:"record,omitempty"`
	URL         string     `json:"url,omitempty"`
	Content     string     `json:"content,omitempty" doc:"Of the file, or the digest that the certificate carries, in hexadecimal"`
	Recipients  []string   `json:"recipients,omitempty"`
	Text        string     `json:"text"`
	Created     *time.Time `json:"created_at,omitempty"`
	Expires     *time.Time `json:"expires_at,omitempty" doc:"The last instant at which it counts; absent if it does not expire"`
}

// Plan is a domain with everything that would prove it.
type Plan struct {
	Domain  Domain   `json:"domain"`
	Methods []Method `json:"methods" doc:"What serves longest first; the first to pass proves the domain and ends the others"`
}

func planOf(p *authority.Plan) Plan {
	out := Plan{Domain: domainOf(&p.Domain), Methods: []Method{}}
	for _, m := range p.Methods {
		rule, _ := rules.For(m.Method)
		e := Method{
			Method: string(m.Method), Section: rule.Sections[0], Own: m.Own, Armed: m.Armed, Recommended: m.Recommended, URL: m.URL, Content: m.Content,
			Recipients: m.Recipients, Text: m.Text, Created: some(m.Created), Expires: some(m.Expires),
		}
		if m.Record != nil {
			e.Record = &Record{m.Record.Name, m.Record.Type, m.Record.Value}
		}
		out.Methods = append(out.Methods, e)
	}
	return out
}

// Checked is what a look by hand found.
type Checked struct {
	Proven   bool      `json:"proven"`
	Domain   Domain    `json:"domain"`
	Attempts []Attempt `json:"attempts" doc:"One for each method that was tried, in order; the last is the one that passed, if any did"`
}

type planOut struct {
	Body Plan
}

// methods adds the routes by which methods are armed and tried.
func methods(h huma.API, o Options) {
	type onDomain struct {
		ID int64 `path:"id" minimum:"1"`
	}
	type onMethod struct {
		ID     int64      `path:"id" minimum:"1"`
		Method MethodName `path:"method"`
	}
	answer := func(p authority.Plan, err error) (*planOut, error) {
		if err != nil {
			return nil, problem(err, o.Log)
		}
		return &planOut{planOf(&p)}, nil
	}
	refusals := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests}

	type add struct {
		Body struct {
			Name         string      `json:"name" minLength:"1" maxLength:"1000" doc:"Taken as it is, www. included; may be a wildcard"`
			Organization int64       `json:"organization_id,omitempty" minimum:"1" doc:"The account's first if absent"`
			Validations  []string    `json:"validations,omitempty" maxItems:"2" enum:"ov,ev" doc:"ov if absent"`
			Methods      []ArmMethod `json:"methods" minItems:"1" maxItems:"9"`
		}
	}
	huma.Register(h, huma.Operation{OperationID: "add-domain", Method: http.MethodPost, Path: "/v1/domains", DefaultStatus: http.StatusCreated, MaxBodyBytes: maxBody, Errors: refusals,
		Summary: "Add a domain, submit it, and arm one or more methods"},
		func(ctx context.Context, in *add) (*planOut, error) {
			b := &in.Body
			return answer(o.Authority.AddArmed(ctx, actorOf(ctx), authority.AddArmed{Name: b.Name, OrganizationID: b.Organization, Types: b.Validations, Methods: commandOf(b.Methods)}))
		})

	huma.Register(h, huma.Operation{OperationID: "delete-domain", Method: http.MethodDelete, Path: "/v1/domains/{id}", Errors: refusals,
		Summary: "Delete a domain; its attempts stay"},
		func(ctx context.Context, in *onDomain) (*struct{}, error) {
			return nil, problem(o.Authority.Delete(ctx, actorOf(ctx), in.ID), o.Log)
		})

	huma.Register(h, huma.Operation{OperationID: "methods", Method: http.MethodGet, Path: "/v1/domains/{id}/methods", Errors: refusals,
		Summary: "What would prove the domain, the record that serves every renewal first"},
		func(ctx context.Context, in *onDomain) (*planOut, error) {
			return answer(o.Authority.Plan(ctx, actorOf(ctx), in.ID))
		})

	type arm struct {
		ID   int64 `path:"id" minimum:"1"`
		Body struct {
			Methods []ArmMethod `json:"methods" minItems:"1" maxItems:"9"`
		}
	}
	huma.Register(h, huma.Operation{OperationID: "arm", Method: http.MethodPost, Path: "/v1/domains/{id}/methods", MaxBodyBytes: maxBody, Errors: refusals,
		Summary: "Arm methods beside those that are, and submit the domain"},
		func(ctx context.Context, in *arm) (*planOut, error) {
			return answer(o.Authority.Arm(ctx, actorOf(ctx), in.ID, commandOf(in.Body.Methods)))
		})

	huma.Register(h, huma.Operation{OperationID: "disarm", Method: http.MethodDelete, Path: "/v1/domains/{id}/methods/{method}", Errors: refusals,
		Summary: "Disarm a method; the domain's own stays"},
		func(ctx context.Context, in *onMethod) (*struct{}, error) {
			return nil, problem(o.Authority.Disarm(ctx, actorOf(ctx), in.ID, dcv.Method(in.Method)), o.Log)
		})

	huma.Register(h, huma.Operation{OperationID: "generate", Method: http.MethodPost, Path: "/v1/domains/{id}/methods/{method}/value", Errors: refusals,
		Summary: "A new random value for a method; the one before ends at once"},
		func(ctx context.Context, in *onMethod) (*planOut, error) {
			return answer(o.Authority.GenerateFor(ctx, actorOf(ctx), in.ID, dcv.Method(in.Method)))
		})

	type check struct {
		ID     int64      `path:"id" minimum:"1"`
		Method MethodName `query:"method" required:"false" doc:"Only this one; all that are armed, in turn, if absent"`
	}
	type checkOut struct {
		Body Checked
	}
	huma.Register(h, huma.Operation{OperationID: "check", Method: http.MethodPost, Path: "/v1/domains/{id}/check", Errors: refusals,
		Summary: "Look now"},
		func(ctx context.Context, in *check) (*checkOut, error) {
			list, err := o.Authority.CheckMethods(ctx, actorOf(ctx), in.ID, dcv.Method(in.Method))
			if err != nil {
				return nil, problem(err, o.Log)
			}
			v, err := o.Authority.Domain(ctx, actorOf(ctx), in.ID)
			if err != nil {
				return nil, problem(err, o.Log)
			}
			out := &checkOut{Checked{Domain: domainOf(&v), Attempts: []Attempt{}}}
			for i := range list {
				out.Body.Proven = out.Body.Proven || list[i].Verdict.Outcome == dcv.Proven
				if list[i].Attempt.ID == "" {
					continue
				}
				a, err := Of(&list[i].Attempt)
				if err != nil {
					return nil, problem(err, o.Log)
				}
				out.Body.Attempts = append(out.Body.Attempts, a)
			}
			return out, nil
		})
}
