package sqlite

import (
	"strings"
	"time"

	"deed/store"
)

const certificateColumns = "order_id, account_id, label, description, authority, type, auto_renew, created_by, modified, modified_by, notices, issued, expires, thumbprint, version"

func (r reader) manyCertificates(rest string, args ...any) (list []store.Certificate, err error) {
	err = r.s.rows("SELECT "+certificateColumns+" FROM certificates WHERE "+rest, args, func(scan func(...any) error) error {
		var c store.Certificate
		err := scan(&c.OrderID, &c.AccountID, &c.Label, &c.Description, &c.Authority, &c.Type, &c.AutoRenew, &c.CreatedBy, at{&c.Modified}, &c.ModifiedBy,
			&c.Notices, at{&c.Issued}, at{&c.Expires}, &c.Thumbprint, &c.Version)
		list = append(list, c)
		return err
	})
	return list, err
}

func (r reader) oneCertificate(rest string, args ...any) (store.Certificate, error) {
	list, err := r.manyCertificates(rest, args...)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Certificate{}, err
	}
	return list[0], nil
}

func (r reader) Certificate(account, order int64) (store.Certificate, error) {
	return r.oneCertificate("order_id = ? AND account_id = ?", order, account)
}

func (r reader) CertificateByLabel(account int64, label string) (store.Certificate, error) {
	return r.oneCertificate("account_id = ? AND label = ?", account, label)
}

// like is a LIKE pattern in which only "*" stands for any text.
func like(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%").Replace(pattern)
}

// certificateFields are the conditions that a query may name, and
// certificateSorts its orders.
var (
	certificateFields = map[string]string{
		"certificate_label": `label LIKE ? ESCAPE '\'`,
		"description":       `description LIKE ? ESCAPE '\'`,
		"id":                `CAST(order_id AS TEXT) LIKE ? ESCAPE '\'`,
		"domain_names":      `order_id IN (SELECT n.order_id FROM order_names n JOIN orders o ON o.id = n.order_id WHERE o.account_id = certificates.account_id AND n.name LIKE ? ESCAPE '\')`,
	}
	certificateSorts = map[string]string{"certificate_label": "label", "description": "description"}
)

func (r reader) Certificates(q store.CertificateQuery) (list []store.Certificate, total int, err error) {
	where, args := "account_id = ?", []any{q.Account}
	if cond, ok := certificateFields[q.Field]; ok {
		where, args = where+" AND "+cond, append(args, like(q.Pattern))
	}
	if err = r.s.row("SELECT count(*) FROM certificates WHERE "+where, args, &total); err != nil {
		return nil, 0, err
	}
	down := " DESC"
	if q.Ascending {
		down = ""
	}
	order := "order_id" + down
	if column, ok := certificateSorts[q.Sort]; ok {
		order = column + down + ", " + order
	}
	list, err = r.manyCertificates(where+" ORDER BY "+order+" LIMIT ? OFFSET ?", append(args, q.Page.Limit, q.Page.Offset)...)
	return list, total, err
}

func (r reader) PendingOrders(account, after int64, limit int) ([]store.Order, error) {
	return r.manyOrders("account_id = ? AND status = 'pending' AND id > ? ORDER BY id LIMIT ?", account, after, limit)
}

func (t tx) InsertCertificate(c store.Certificate) error {
	return t.s.exec("INSERT INTO certificates ("+certificateColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,1)",
		c.OrderID, c.AccountID, c.Label, c.Description, c.Authority, c.Type, c.AutoRenew, c.CreatedBy, micros(c.Modified), c.ModifiedBy, c.Notices, micros(c.Issued), micros(c.Expires), c.Thumbprint)
}

func (t tx) UpdateCertificate(c store.Certificate) error {
	return t.s.change(`UPDATE certificates SET label = ?, description = ?, auto_renew = ?, modified = ?, modified_by = ?, notices = ?, issued = ?, expires = ?, thumbprint = ?,
		version = version + 1 WHERE order_id = ? AND account_id = ? AND version = ?`,
		c.Label, c.Description, c.AutoRenew, micros(c.Modified), c.ModifiedBy, c.Notices, micros(c.Issued), micros(c.Expires), c.Thumbprint, c.OrderID, c.AccountID, c.Version)
}

func (r reader) OrganizationsNamed(account int64, phrase string, contains bool, limit int) (list []store.Organization, err error) {
	cond := "name = ?"
	if contains {
		cond = "instr(lower(name), lower(?)) > 0"
	}
	err = r.s.rows("SELECT "+organizationColumns+" FROM organizations WHERE account_id = ? AND "+cond+" ORDER BY id LIMIT ?", []any{account, phrase, limit},
		func(scan func(...any) error) error {
			var o store.Organization
			err := scan(organizationInto(&o)...)
			list = append(list, o)
			return err
		})
	return list, err
}

func (r reader) Notices(account int64) (s string, err error) {
	err = r.s.row("SELECT coalesce(max(notices), '') FROM notices WHERE account_id = ?", []any{account}, &s)
	return s, err
}

func (t tx) SetNotices(account int64, s string) error {
	return t.s.exec("INSERT INTO notices (account_id, notices) VALUES (?,?) ON CONFLICT DO UPDATE SET notices = excluded.notices", account, s)
}

func (r reader) Clients(account int64) (list []store.Client, err error) {
	err = r.s.rows("SELECT id, account_id, hash, scope, created, revoked FROM clients WHERE ? IN (0, account_id) ORDER BY created, id", []any{account},
		func(scan func(...any) error) error {
			var c store.Client
			err := scan(&c.ID, &c.AccountID, &c.Hash, &c.Scope, at{&c.Created}, at{&c.Revoked})
			list = append(list, c)
			return err
		})
	return list, err
}

func (t tx) RevokeClient(id string, when time.Time) error {
	if _, err := t.ClientByID(id); err != nil {
		return err
	}
	return t.s.change("UPDATE clients SET revoked = ? WHERE id = ? AND revoked = 0", micros(when), id)
}

func (r reader) Secret(name string) (b []byte, err error) {
	err = r.s.row("SELECT value FROM secrets WHERE name = ?", []any{name}, &b)
	return b, err
}

func (t tx) InsertSecret(name string, value []byte, when time.Time) error {
	return t.s.exec("INSERT INTO secrets (name, value, created) VALUES (?,?,?)", name, value, micros(when))
}
