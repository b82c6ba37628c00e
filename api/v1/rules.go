package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"deed/authority"
	"deed/rules"
)

// End is when a proof stops counting, and why.
type End struct {
	At     time.Time `json:"at" doc:"First instant at which the proof counts no more"`
	Reason string    `json:"reason" enum:"age,shorter_period,method_ended,unknown_method"`
	Rule   string    `json:"rule" doc:"The rule behind it, such as BR 4.2.1"`
	Detail string    `json:"detail"`
}

// endOf is the end of a domain's proof; nil if it has none.
func endOf(a *authority.Authority, d *authority.Domain) *End {
	e, ok := a.UsableUntil(d)
	if !ok {
		return nil
	}
	return &End{At: e.At, Reason: string(e.Reason), Rule: e.Rule, Detail: e.Detail}
}

// Rules is what attempts are judged by.
type Rules struct {
	Rules      string `json:"rules" doc:"Version of the Baseline Requirements"`
	List       string `json:"public_suffix_list" doc:"Date of the public suffix list in use"`
	AccountURI string `json:"account_uri" doc:"Names your account in accounturi of CAA (RFC 8657) and of persistent records"`
	Calendar   []Date `json:"calendar" doc:"Every date at which the rules change"`
}

// Date is a day from which another rule holds.
type Date struct {
	From string `json:"from" format:"date"`
	Rule string `json:"rule"`
	What string `json:"what"`
}

// rulesOf mounts GET /v1/rules.
func rulesOf(h huma.API, o Options) {
	type answer struct{ Body Rules }
	huma.Register(h, huma.Operation{
		OperationID: "rules", Method: http.MethodGet, Path: "/v1/rules", Summary: "What attempts are judged by: versions, dates, and your account's URI",
	}, func(ctx context.Context, _ *struct{}) (*answer, error) {
		r := Rules{Rules: rules.Version, List: o.Authority.ListDate().Format(time.DateOnly), AccountURI: o.Authority.AccountURI(actorOf(ctx).Account)}
		for _, d := range rules.Calendar() {
			r.Calendar = append(r.Calendar, Date{d.At.Format(time.DateOnly), d.Rule, d.What})
		}
		return &answer{r}, nil
	})
}
