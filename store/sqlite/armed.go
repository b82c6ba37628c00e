package sqlite

import (
	"time"

	"deed/store"
)

func (r reader) Armed(domain int64) (list []store.Arming, err error) {
	err = r.s.rows("SELECT id, account_id, domain_id, method, token, key_authorization, account_url, created, expires, ended FROM armed WHERE domain_id = ? AND ended = 0 ORDER BY id",
		[]any{domain}, func(scan func(...any) error) error {
			var a store.Arming
			err := scan(&a.ID, &a.AccountID, &a.DomainID, &a.Method, &a.Token, &a.KeyAuthorization, &a.AccountURL, at{&a.Created}, at{&a.Expires}, at{&a.Ended})
			list = append(list, a)
			return err
		})
	return list, err
}

func (t tx) InsertArming(a store.Arming) (int64, error) {
	return t.s.insert("INSERT INTO armed (account_id, domain_id, method, token, key_authorization, account_url, created, expires, ended) VALUES (?,?,?,?,?,?,?,?,?)",
		a.AccountID, a.DomainID, string(a.Method), a.Token, a.KeyAuthorization, a.AccountURL, micros(a.Created), micros(a.Expires), micros(a.Ended))
}

func (t tx) EndArming(id int64, when time.Time) error {
	return t.s.change("UPDATE armed SET ended = ? WHERE id = ? AND ended = 0", micros(when), id)
}
