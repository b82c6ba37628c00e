package storetest

import (
	"strings"
	"testing"

	"deed/dcv"
	"deed/store"
)

// recall: a value can be found by its token, by whomever it was handed out to
// and however it ended, and one that was not handed out is not found.
func recall(t *testing.T, w world) {
	a, b := w.account(t), w.account(t)
	da, db := w.domain(t, a, "recall.example.com", nil), w.domain(t, b, "recall.example.com", nil)
	token := "recall" + unique()
	var ids []int64
	w.write(t, func(tx store.Tx) error {
		for _, v := range []store.Value{
			{AccountID: a, DomainID: da.ID, Method: dcv.DNSTXT, Token: token + "1", Created: noon, Expires: hour(9)},
			{AccountID: b, DomainID: db.ID, Method: dcv.HTTP, Token: token + "2", Created: noon, Expires: hour(9)},
		} {
			id, err := tx.InsertValue(v)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return tx.EndDomainValue(da.ID, hour(1))
	})
	w.read(t, func(r store.Reader) error {
		list, err := r.ValuesByToken([]string{token + "2", token + "1", token + "3", strings.ToUpper(token) + "1", ""})
		if len(list) != 2 || list[0].ID != ids[0] || list[1].ID != ids[1] || list[0].Ended != hour(1) || list[1].AccountID != b {
			t.Errorf("found %+v", list)
		}
		none, err2 := r.ValuesByToken(nil)
		if len(none) != 0 {
			t.Errorf("nothing finds %+v", none)
		}
		return first(err, err2)
	})
}
