package v1

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"deed/authority"
)

// WaitingOrder is an order whose names are all proven: what an issuer may act on.
type WaitingOrder struct {
	ID         int64         `json:"id"`
	Product    string        `json:"product"`
	CommonName string        `json:"common_name"`
	Names      []WaitingName `json:"names"`
	Until      time.Time     `json:"usable_until" doc:"The first instant at which one of the proofs may not be used any more"`
}

// WaitingName is a name with the proof that it rests on.
type WaitingName struct {
	Name     string    `json:"name"`
	DomainID int64     `json:"domain_id"`
	Until    time.Time `json:"usable_until"`
	Attempt  string    `json:"attempt,omitempty" doc:"The attempt that proved it, with its capsule"`
}

func waitingOf(s *authority.OrderState) WaitingOrder {
	out := WaitingOrder{ID: s.Order.ID, Product: s.Order.Product, CommonName: s.Order.CommonName.String(), Names: []WaitingName{}}
	for _, n := range s.Names {
		w := WaitingName{Name: n.Name.String(), DomainID: n.Domain.ID, Until: n.Until}
		if n.Proof != "" {
			w.Attempt = "/v1/attempts/" + n.Proof
		}
		if out.Until.IsZero() || n.Until.Before(out.Until) {
			out.Until = n.Until
		}
		out.Names = append(out.Names, w)
	}
	return out
}

// mountIssuer adds the hook between Deed and who issues: what waits, and the
// report that it was issued. Deed issues nothing itself.
func mountIssuer(h huma.API, a *authority.Authority, log *slog.Logger) {
	type waitingIn struct {
		After int64 `query:"after" minimum:"0" doc:"Only orders with an id above this one"`
	}
	type waitingOut struct {
		Body struct {
			Orders []WaitingOrder `json:"orders"`
			Next   string         `json:"next,omitempty" doc:"Where to go on; absent at the end"`
		}
	}
	huma.Register(h, huma.Operation{OperationID: "waiting-orders", Method: http.MethodGet, Path: "/v1/orders/waiting", Summary: "Orders and certificate requests whose names are all proven, which wait for an issuer"},
		func(ctx context.Context, in *waitingIn) (*waitingOut, error) {
			list, next, err := a.Awaiting(ctx, actorOf(ctx), in.After)
			if err != nil {
				return nil, problem(err, log)
			}
			out := &waitingOut{}
			out.Body.Orders = []WaitingOrder{}
			for i := range list {
				out.Body.Orders = append(out.Body.Orders, waitingOf(&list[i]))
			}
			if next != 0 {
				out.Body.Next = "/v1/orders/waiting?after=" + strconv.FormatInt(next, 10)
			}
			return out, nil
		})

	type issuedIn struct {
		ID   int64 `path:"id" minimum:"1"`
		Body struct {
			Expires    time.Time `json:"expires_at" doc:"The certificate's notAfter"`
			Thumbprint string    `json:"thumbprint" minLength:"40" maxLength:"128" doc:"The certificate's fingerprint, hexadecimal"`
		}
	}
	huma.Register(h, huma.Operation{OperationID: "issued", Method: http.MethodPut, Path: "/v1/orders/{id}/issued", DefaultStatus: http.StatusNoContent,
		Summary: "An issuer's report that a certificate request was issued; takes an API key of the role full, and is refused unless every name is proven now"},
		func(ctx context.Context, in *issuedIn) (*struct{}, error) {
			return nil, problem(a.CertificateIssued(ctx, actorOf(ctx), in.ID, authority.Issued{Expires: in.Body.Expires, Thumbprint: in.Body.Thumbprint}), log)
		})
}
