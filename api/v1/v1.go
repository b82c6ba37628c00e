// Package v1 is Deed's own API: everything that the dialects cannot say. Its
// OpenAPI 3.1 document is made from the types.
package v1

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"deed/api"
	"deed/authority"
	"deed/dcv"
	"deed/names"
	"deed/rules"
	"deed/store"
)

// maxBody bounds a request's body.
const maxBody = 64 << 10

// Options configure the API.
type Options struct {
	Authority *authority.Authority
	Limiter   *api.Limiter
	Log       *slog.Logger
	Version   string
}

// Attempt is one look, as the operator contract describes it.
type Attempt struct {
	ID        string            `json:"id"`
	Domain    string            `json:"domain"`
	DomainID  int64             `json:"domain_id,omitempty"`
	OrderID   int64             `json:"order_id,omitempty"`
	ADN       string            `json:"authorization_domain_name"`
	Method    string            `json:"method"`
	Section   string            `json:"section,omitempty" doc:"Section of the Baseline Requirements that the proof rests on"`
	Scope     string            `json:"scope,omitempty" enum:"host,subtree"`
	Trigger   string            `json:"trigger,omitempty"`
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at"`
	Outcome   string            `json:"outcome" enum:"proven,not_proven,could_not_check"`
	Test      bool              `json:"test" doc:"Made with a setting that is for tests only"`
	Where     string            `json:"where,omitempty"`
	Problem   *dcv.Problem      `json:"problem,omitempty"`
	Causes    []dcv.Problem     `json:"causes"`
	Seen      []dcv.Observation `json:"seen,omitempty"`
	Worth     *time.Time        `json:"worth_checking_after,omitempty" doc:"No look before this instant can give another answer: resolvers remember the last one"`
	NextCheck *time.Time        `json:"next_check,omitempty"`
	GivesUpAt *time.Time        `json:"gives_up_at,omitempty"`
	Unicode   string            `json:"unicode" doc:"The domain with U-labels in place of A-labels"`
	CAA       *dcv.CAAReport    `json:"caa,omitempty" doc:"What CAA says of issuing for the name; looked up once control is proven"`
	Rules     string            `json:"rules"`
	Capsule   string            `json:"capsule,omitempty"`
}

// Of shows an attempt; next_check and gives_up_at are as the attempt left them.
func Of(a *authority.Attempt) (Attempt, error) {
	var v dcv.Verdict
	if err := json.Unmarshal(a.Verdict, &v); err != nil {
		return Attempt{}, err
	}
	out := Attempt{
		ID: a.ID, Domain: a.Name.String(), DomainID: a.DomainID, OrderID: a.OrderID, ADN: a.ADN.String(), Method: string(a.Method), Section: v.Section, Scope: string(v.Scope),
		Trigger: a.Trigger, StartedAt: a.Started, EndedAt: a.Ended, Outcome: string(a.Outcome), Test: a.Test, Where: v.Where, Problem: v.Problem,
		Causes: v.Causes, Seen: v.Seen, Rules: rules.Version, Capsule: "/v1/attempts/" + a.ID + "/capsule",
	}
	out.Unicode, out.CAA = names.Unicode(a.Name), v.CAA
	if len(a.Diagnosis) > 0 && a.Outcome != dcv.Proven {
		var d dcv.Diagnosis
		if err := json.Unmarshal(a.Diagnosis, &d); err != nil {
			return Attempt{}, err
		}
		out.Problem, out.Causes, out.Seen = d.Problem, d.Causes, append(out.Seen, d.Seen...)
		if !d.Worth.IsZero() {
			out.Worth = &d.Worth
		}
	}
	if out.Problem != nil {
		out.Problem.Help = out.Problem.Code.Help()
	}
	for i := range out.Causes {
		out.Causes[i].Help = out.Causes[i].Code.Help()
	}
	if out.Causes == nil {
		out.Causes = []dcv.Problem{}
	}
	if !a.NextCheck.IsZero() {
		out.NextCheck, out.GivesUpAt = &a.NextCheck, &a.GivesUp
	}
	return out, nil
}

type actorKey struct{}

func actorOf(ctx context.Context) authority.Actor {
	a, _ := ctx.Value(actorKey{}).(authority.Actor)
	return a
}

// Mount adds /v1 and /openapi.json to a mux.
func Mount(mux *http.ServeMux, o Options) {
	config := huma.DefaultConfig("Deed", o.Version)
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema links in answers
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "apiKey", In: "header", Name: "X-DC-DEVKEY"}, "token": {Type: "http", Scheme: "bearer", BearerFormat: "access token of /connect/token"},
	}
	config.Security = []map[string][]string{{"key": {}}, {"token": {}}}
	h := humago.New(mux, config)
	h.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		actor, err := authenticate(o.Authority, ctx)
		var refused *authority.Error
		switch {
		case errors.As(err, &refused):
			_ = huma.WriteErr(h, ctx, http.StatusUnauthorized, refused.Message)
			return
		case err != nil:
			o.Log.Error("request failed", "error", err)
			_ = huma.WriteErr(h, ctx, http.StatusInternalServerError, "The request could not be served; it is not your fault.")
			return
		}
		if _, ok := o.Limiter.Allow(actor.KeyID); !ok {
			_ = huma.WriteErr(h, ctx, http.StatusTooManyRequests, "Too many requests with this key.")
			return
		}
		if ctx.Method() != http.MethodGet && ctx.Method() != http.MethodHead && actor.Role == store.RoleViewOnly {
			_ = huma.WriteErr(h, ctx, http.StatusForbidden, "The API key may only read.")
			return
		}
		next(huma.WithValue(ctx, actorKey{}, actor))
	})
	methods(h, o)
	rulesOf(h, o)

	type byID struct {
		ID string `path:"id" maxLength:"64"`
	}
	type attemptOut struct{ Body Attempt }
	huma.Register(h, huma.Operation{OperationID: "attempt", Method: http.MethodGet, Path: "/v1/attempts/{id}", Summary: "One attempt, with its reason"},
		func(ctx context.Context, in *byID) (*attemptOut, error) {
			a, err := o.Authority.Attempt(ctx, actorOf(ctx), in.ID)
			if err != nil {
				return nil, problem(err, o.Log)
			}
			body, err := Of(&a)
			return &attemptOut{body}, problem(err, o.Log)
		})

	type capsuleOut struct {
		ContentType string `header:"Content-Type"`
		Disposition string `header:"Content-Disposition"`
		Body        []byte
	}
	huma.Register(h, huma.Operation{OperationID: "capsule", Method: http.MethodGet, Path: "/v1/attempts/{id}/capsule", Summary: "The evidence of an attempt, for deed replay"},
		func(ctx context.Context, in *byID) (*capsuleOut, error) {
			b, err := o.Authority.Capsule(ctx, actorOf(ctx), in.ID)
			return &capsuleOut{"application/cbor", `attachment; filename="` + in.ID + `.capsule"`, b}, problem(err, o.Log)
		})

	type list struct {
		ID     int64 `path:"id" minimum:"1"`
		Limit  int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		Offset int   `query:"offset" minimum:"0"`
	}
	type listOut struct {
		Body struct {
			Attempts []Attempt `json:"attempts"`
			Total    int       `json:"total"`
		}
	}
	huma.Register(h, huma.Operation{OperationID: "attempts", Method: http.MethodGet, Path: "/v1/domains/{id}/attempts", Summary: "The attempts of a domain, newest first"},
		func(ctx context.Context, in *list) (*listOut, error) {
			rows, total, err := o.Authority.Attempts(ctx, actorOf(ctx), in.ID, authority.Page{Limit: in.Limit, Offset: in.Offset})
			if err != nil {
				return nil, problem(err, o.Log)
			}
			out := &listOut{}
			out.Body.Total, out.Body.Attempts = total, []Attempt{}
			for i := range rows {
				a, err := Of(&rows[i])
				if err != nil {
					return nil, problem(err, o.Log)
				}
				out.Body.Attempts = append(out.Body.Attempts, a)
			}
			return out, nil
		})
	mountIssuer(h, o.Authority, o.Log)
	type domainIn struct {
		ID int64 `path:"id" minimum:"1"`
	}
	type domainOut struct{ Body Domain }
	huma.Register(h, huma.Operation{OperationID: "domain", Method: http.MethodGet, Path: "/v1/domains/{id}", Summary: "A domain, its proof and its schedule"},
		func(ctx context.Context, in *domainIn) (*domainOut, error) {
			v, err := o.Authority.Domain(ctx, actorOf(ctx), in.ID)
			if err != nil {
				return nil, problem(err, o.Log)
			}
			out := &domainOut{domainOf(&v)}
			out.Body.Unicode, out.Body.End = names.Unicode(v.Domain.Name), endOf(o.Authority, &v.Domain)
			return out, nil
		})
}

// authenticate takes either dialect's credentials: an API key, or an access
// token.
func authenticate(a *authority.Authority, ctx huma.Context) (authority.Actor, error) {
	if key := ctx.Header("X-DC-DEVKEY"); key != "" {
		return a.Authenticate(ctx.Context(), key)
	}
	if token := api.Bearer(ctx.Header("Authorization")); token != "" {
		return a.AuthenticateToken(ctx.Context(), token, authority.ClientScope)
	}
	return a.Authenticate(ctx.Context(), "")
}

// Domain is a domain with its proof and its schedule.
type Domain struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Unicode   string     `json:"unicode" doc:"The name with U-labels in place of A-labels"`
	Method    string     `json:"method"`
	Pending   bool       `json:"pending"`
	Proven    *time.Time `json:"proven_at,omitempty"`
	Until     *time.Time `json:"usable_until,omitempty" doc:"The first instant at which the proof counts no more, also by rules that are still to come"`
	End       *End       `json:"ends,omitempty" doc:"Why it ends then"`
	ProvenBy  string     `json:"proof_method,omitempty"`
	Scope     string     `json:"scope,omitempty"`
	ADN       string     `json:"authorization_domain_name,omitempty"`
	NextCheck *time.Time `json:"next_check,omitempty"`
	GivesUpAt *time.Time `json:"gives_up_at,omitempty"`
	Last      string     `json:"last_attempt,omitempty"`
}

func domainOf(v *authority.DomainView) Domain {
	d := &v.Domain
	out := Domain{
		ID: d.ID, Name: d.Name.String(), Method: string(d.Method), Pending: v.Pending, Proven: some(d.Proven), Until: some(d.ProvenUntil), ProvenBy: string(d.ProofMethod), Scope: string(d.ProofScope),
		ADN: d.ProofADN.String(), NextCheck: some(d.NextCheck), GivesUpAt: some(d.GivesUp),
	}
	if v.Last != nil {
		out.Last = "/v1/attempts/" + v.Last.ID
	}
	return out
}

// some leaves out a time that is not set.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// problem turns a refusal into RFC 9457.
func problem(err error, log *slog.Logger) error {
	if err == nil {
		return nil
	}
	var e *authority.Error
	if !errors.As(err, &e) {
		log.Error("request failed", "error", err)
		return huma.Error500InternalServerError("The request could not be served; it is not your fault.")
	}
	switch e.Kind {
	case authority.NotFound:
		return huma.Error404NotFound(e.Message)
	case authority.Conflict:
		return huma.Error409Conflict(e.Message)
	case authority.Forbidden:
		return huma.Error403Forbidden(e.Message)
	}
	return huma.Error422UnprocessableEntity(e.Message)
}
