package authority

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"deed/dcv"
	"deed/store"
)

// Permission is what the settings say of CAA (BR 4.2.2.1).
type Permission struct {
	// Issuers are our issuer domain names, in lower case. Not empty: CAA is
	// enforced.
	Issuers []string
	// Lenient is dcv.Challenge.LenientCAA.
	Lenient bool
}

func (p Permission) enforced() bool { return len(p.Issuers) > 0 }

// AccountURI names an account to the world: in the accounturi of CAA (RFC 8657
// section 3) and of persistent records (BR 3.2.2.4.22). It is "acct:", the
// account's id, "@" and the host of the public URL (RFC 7565), and never
// changes while that host does not.
func (a *Authority) AccountURI(account int64) string {
	host := "localhost"
	if u, err := url.Parse(a.o.PublicURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return "acct:" + strconv.FormatInt(account, 10) + "@" + host
}

// permit puts into a challenge what CAA is judged by.
func (a *Authority) permit(ch *dcv.Challenge, account int64) {
	ch.AccountURI = a.AccountURI(account)
	ch.Issuers, ch.EnforceCAA, ch.LenientCAA = a.o.Permission.Issuers, a.o.Permission.enforced(), a.o.Permission.Lenient
}

// ownName is the name of the domain that an order's name has for its own. CAA
// is asked for each name, wildcards with a question of their own: where it is
// enforced, no name rests on the look at another.
func (a *Authority) ownName(n dcv.Name) dcv.Name {
	if a.o.Permission.enforced() {
		return n
	}
	return n.Base()
}

// reopen gives a message back that was confirmed, when it was not the domain
// that failed but CAA or ourselves: its code can be entered again once that is
// mended.
func (a *Authority) reopen(ctx context.Context, used, before store.Mail, v *dcv.Verdict) error {
	if v.Outcome == dcv.Proven || v.Problem == nil {
		return nil
	}
	if v.Outcome != dcv.CouldNotCheck && v.Problem.Code != dcv.CAADenied && v.Problem.Code != dcv.CAALookupFailed {
		return nil
	}
	err := a.write(ctx, func(t store.Tx) error { return t.UpdateMail(used, before) })
	if errors.Is(err, store.ErrConflict) {
		return nil // ended meanwhile
	}
	return err
}
