package sqlite

import (
	"time"

	"deed/dcv"
	"deed/store"
)

// reader is store.Reader over a session; tx adds the writing.
type reader struct{ s *session }
type tx struct{ reader }

var (
	_ store.Reader = reader{}
	_ store.Tx     = tx{}
)

// micros and instant are how times are kept.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// at scans into a time.
type at struct{ t *time.Time }

func (a at) Scan(v any) error {
	us, _ := v.(int64)
	*a.t = instant(us)
	return nil
}

// name scans into a dcv.Name.
type name struct{ n *dcv.Name }

func (n name) Scan(v any) error {
	s, _ := v.(string)
	return n.n.UnmarshalText([]byte(s))
}

const valueColumns = "id, account_id, domain_id, order_id, method, token, created, expires, ended, used"

func valueInto(v *store.Value) []any {
	return []any{&v.ID, &v.AccountID, &v.DomainID, &v.OrderID, &v.Method, &v.Token, at{&v.Created}, at{&v.Expires}, at{&v.Ended}, at{&v.Used}}
}

func (r reader) DomainValue(domain int64) (v store.Value, err error) {
	err = r.s.row("SELECT "+valueColumns+" FROM random_values WHERE domain_id = ? AND domain_id > 0 AND ended = 0", []any{domain}, valueInto(&v)...)
	return v, err
}

func (r reader) OrderValue(order int64) (v store.Value, err error) {
	err = r.s.row("SELECT "+valueColumns+" FROM random_values WHERE order_id = ? AND order_id > 0 AND ended = 0", []any{order}, valueInto(&v)...)
	return v, err
}

// maxLive bounds the values of one check.
const maxLive = 32

func (r reader) LiveValues(domain int64, method dcv.Method, now time.Time) (list []store.Value, err error) {
	add := func(scan func(...any) error) error {
		var v store.Value
		err := scan(valueInto(&v)...)
		list = append(list, v)
		return err
	}
	err = r.s.rows("SELECT "+valueColumns+" FROM random_values WHERE domain_id = ? AND domain_id > 0 AND ended = 0 AND method = ? AND expires >= ?",
		[]any{domain, string(method), micros(now)}, add)
	if err != nil {
		return nil, err
	}
	err = r.s.rows(`SELECT v.id, v.account_id, v.domain_id, v.order_id, v.method, v.token, v.created, v.expires, v.ended, v.used
		FROM random_values v JOIN orders o ON o.id = v.order_id
		WHERE v.order_id IN (SELECT order_id FROM order_names WHERE domain_id = ?) AND v.order_id > 0 AND v.ended = 0 AND v.method = ? AND v.expires >= ? AND o.status <> 'canceled'
		ORDER BY v.id DESC LIMIT ?`, []any{domain, string(method), micros(now), maxLive - len(list)}, add)
	return list, err
}

func (t tx) InsertValue(v store.Value) (int64, error) {
	return t.s.insert("INSERT INTO random_values (account_id, domain_id, order_id, method, token, created, expires, ended, used) VALUES (?,?,?,?,?,?,?,?,?)",
		v.AccountID, v.DomainID, v.OrderID, string(v.Method), v.Token, micros(v.Created), micros(v.Expires), micros(v.Ended), micros(v.Used))
}

func (t tx) EndDomainValue(domain int64, when time.Time) error {
	return t.s.exec("UPDATE random_values SET ended = ? WHERE domain_id = ? AND domain_id > 0 AND ended = 0", micros(when), domain)
}

func (t tx) EndOrderValue(order int64, when time.Time) error {
	return t.s.exec("UPDATE random_values SET ended = ? WHERE order_id = ? AND order_id > 0 AND ended = 0", micros(when), order)
}

func (t tx) UseValue(id int64, when time.Time) error {
	return t.s.exec("UPDATE random_values SET used = ? WHERE id = ? AND used = 0", micros(when), id)
}
