package authority

import (
	"io"
	"time"

	"deed/dcv"
	"deed/rules"
	"deed/store"
)

// alphabet and length of a random value: 36^31 is more than 160 bits, counted
// on letters without case, since the DNS does not tell them apart (rule D6);
// at least 112 bits are demanded (BR 1.6.1).
const (
	alphabet    = "0123456789abcdefghijklmnopqrstuvwxyz"
	tokenLength = 32
)

// token makes a random value. That of the CNAME method starts with an
// underscore, so that it can be no host's label (rule D1).
func (a *Authority) token(method dcv.Method) (string, error) {
	out := make([]byte, 0, tokenLength)
	if method == dcv.DNSCNAME {
		out = append(out, '_')
	}
	var buf [64]byte
	for len(out) < tokenLength {
		if _, err := io.ReadFull(a.o.Random, buf[:]); err != nil {
			return "", err
		}
		for _, b := range buf {
			// 252 is the last multiple of 36: what lies above would be a bias.
			if b < 252 && len(out) < tokenLength {
				out = append(out, alphabet[b%36])
			}
		}
	}
	return string(out), nil
}

// newValue makes a value for a domain or an order; the store numbers it.
func (a *Authority) newValue(account int64, method dcv.Method, now time.Time) (Value, error) {
	rule, _ := rules.For(method)
	token, err := a.token(method)
	return Value{AccountID: account, Method: method, Token: token, Created: now, Expires: now.Add(rule.TokenLife)}, err
}

// renew ends the domain's value and puts v in its place.
func renew(t store.Tx, v *Value, domain int64) error {
	v.DomainID = domain
	if err := t.EndDomainValue(domain, v.Created); err != nil {
		return err
	}
	var err error
	v.ID, err = t.InsertValue(*v)
	return err
}

// live reports whether v may still be used at now.
func live(v *Value, method dcv.Method, now time.Time) bool {
	return v.Ended.IsZero() && v.Method == method && !now.After(v.Expires)
}
