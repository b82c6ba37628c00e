package authority

import (
	"context"
	"errors"
	"slices"

	"deed/dcv"
	"deed/diagnose"
	"deed/store"
)

// Recall is diagnose.Issued: which of the texts seen in the world were handed
// out here. Of a value of another account, or of another domain or order of
// this one, only that it is one; its owner is not named.
func (a *Authority) Recall(ctx context.Context, ch *dcv.Challenge, seen []string) (list []diagnose.Recollection, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		account, err := accountOf(r, ch)
		if err != nil {
			return err
		}
		found, err := r.ValuesByToken(seen)
		if err != nil {
			return err
		}
		for _, v := range found {
			rec := diagnose.Recollection{Text: v.Token}
			own, err := serves(r, account, &v, ch.Name)
			if err != nil {
				return err
			}
			if own {
				rec = diagnose.Recollection{Text: v.Token, Own: true, Method: v.Method, Created: v.Created, Ended: v.Ended, Expires: v.Expires}
			}
			list = append(list, rec)
		}
		return nil
	})
	return list, err
}

// accountOf is the account that a challenge's values were handed out to; 0 when
// it has none.
func accountOf(r store.Reader, ch *dcv.Challenge) (int64, error) {
	for i := range ch.Values {
		mine, err := r.ValuesByToken([]string{ch.Values[i].Token})
		if err != nil {
			return 0, err
		}
		for _, v := range mine {
			if v.ID == ch.Values[i].ID {
				return v.AccountID, nil
			}
		}
	}
	return 0, nil
}

// serves reports whether a value was handed out for a name in an account: for
// its domain, or for an order that holds it.
func serves(r store.Reader, account int64, v *Value, name dcv.Name) (bool, error) {
	if v.AccountID != account {
		return false, nil
	}
	if v.DomainID != 0 {
		d, err := r.Domain(account, v.DomainID)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil && d.Name == name, err
	}
	o, err := r.Order(account, v.OrderID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(o.Names, func(n OrderName) bool { return n.Name.Base() == name.Base() }), err
}
