package sqlite

import (
	"time"

	"deed/store"
)

func (r reader) Account(id int64) (a store.Account, err error) {
	err = r.s.row("SELECT id, name, created FROM accounts WHERE id = ?", []any{id}, &a.ID, &a.Name, at{&a.Created})
	return a, err
}

func (t tx) InsertAccount(a store.Account) (int64, error) {
	return t.s.insert("INSERT INTO accounts (name, created) VALUES (?,?)", a.Name, micros(a.Created))
}

const keyColumns = "id, account_id, name, role, hint, hash, created, revoked"

func keyInto(k *store.Key) []any {
	return []any{&k.ID, &k.AccountID, &k.Name, &k.Role, &k.Hint, &k.Hash, at{&k.Created}, at{&k.Revoked}}
}

func (r reader) KeyByHash(hash []byte) (k store.Key, err error) {
	err = r.s.row("SELECT "+keyColumns+" FROM api_keys WHERE hash = ?", []any{hash}, keyInto(&k)...)
	return k, err
}

func (r reader) Keys(account int64) (list []store.Key, err error) {
	err = r.s.rows("SELECT "+keyColumns+" FROM api_keys WHERE ? IN (0, account_id) ORDER BY id", []any{account}, func(scan func(...any) error) error {
		var k store.Key
		err := scan(keyInto(&k)...)
		list = append(list, k)
		return err
	})
	return list, err
}

func (t tx) InsertKey(k store.Key) (int64, error) {
	return t.s.insert("INSERT INTO api_keys (account_id, name, role, hint, hash, created, revoked) VALUES (?,?,?,?,?,?,?)",
		k.AccountID, k.Name, string(k.Role), k.Hint, k.Hash, micros(k.Created), micros(k.Revoked))
}

func (t tx) RevokeKey(id int64, when time.Time) error {
	var revoked int64
	if err := t.s.row("SELECT revoked FROM api_keys WHERE id = ?", []any{id}, &revoked); err != nil {
		return err
	}
	return t.s.change("UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked = 0", micros(when), id)
}

func (r reader) ClientByID(id string) (c store.Client, err error) {
	err = r.s.row("SELECT id, account_id, hash, scope, created, revoked FROM clients WHERE id = ?", []any{id},
		&c.ID, &c.AccountID, &c.Hash, &c.Scope, at{&c.Created}, at{&c.Revoked})
	return c, err
}

func (t tx) InsertClient(c store.Client) error {
	return t.s.exec("INSERT INTO clients (id, account_id, hash, scope, created, revoked) VALUES (?,?,?,?,?,?)",
		c.ID, c.AccountID, c.Hash, c.Scope, micros(c.Created), micros(c.Revoked))
}

const organizationColumns = "id, account_id, name, assumed_name, active, created, details"

func organizationInto(o *store.Organization) []any {
	return []any{&o.ID, &o.AccountID, &o.Name, &o.AssumedName, &o.Active, at{&o.Created}, &o.Details}
}

func (r reader) Organization(account, id int64) (o store.Organization, err error) {
	err = r.s.row("SELECT "+organizationColumns+" FROM organizations WHERE id = ? AND account_id = ?", []any{id, account}, organizationInto(&o)...)
	return o, err
}

func (r reader) Organizations(account int64, page store.Page) (list []store.Organization, total int, err error) {
	if err = r.s.row("SELECT count(*) FROM organizations WHERE account_id = ?", []any{account}, &total); err != nil {
		return nil, 0, err
	}
	err = r.s.rows("SELECT "+organizationColumns+" FROM organizations WHERE account_id = ? ORDER BY id LIMIT ? OFFSET ?", []any{account, page.Limit, page.Offset},
		func(scan func(...any) error) error {
			var o store.Organization
			err := scan(organizationInto(&o)...)
			list = append(list, o)
			return err
		})
	return list, total, err
}

func (t tx) InsertOrganization(o store.Organization) (int64, error) {
	return t.s.insert("INSERT INTO organizations (account_id, name, assumed_name, active, created, details) VALUES (?,?,?,?,?,?)",
		o.AccountID, o.Name, o.AssumedName, o.Active, micros(o.Created), o.Details)
}

func (t tx) UpdateOrganization(o store.Organization) error {
	return t.s.change("UPDATE organizations SET name = ?, assumed_name = ?, active = ?, details = ? WHERE id = ? AND account_id = ?",
		o.Name, o.AssumedName, o.Active, o.Details, o.ID, o.AccountID)
}

func (r reader) Events(account int64, page store.Page) (list []store.Event, total int, err error) {
	if err = r.s.row("SELECT count(*) FROM events WHERE account_id = ?", []any{account}, &total); err != nil {
		return nil, 0, err
	}
	err = r.s.rows("SELECT id, at, account_id, actor, kind, domain_id, order_id, detail FROM events WHERE account_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
		[]any{account, page.Limit, page.Offset}, func(scan func(...any) error) error {
			var e store.Event
			err := scan(&e.ID, at{&e.At}, &e.AccountID, &e.Actor, &e.Kind, &e.DomainID, &e.OrderID, &e.Detail)
			list = append(list, e)
			return err
		})
	return list, total, err
}

func (t tx) InsertEvent(e store.Event) error {
	return t.s.exec("INSERT INTO events (at, account_id, actor, kind, domain_id, order_id, detail) VALUES (?,?,?,?,?,?,?)",
		micros(e.At), e.AccountID, e.Actor, e.Kind, e.DomainID, e.OrderID, e.Detail)
}
