package sqlite

import (
	"time"

	"deed/store"
)

const mailColumns = "id, account_id, domain_id, order_id, kind, recipient, adn, locale, link_hash, code_hash, created, expires, ended, approved, tries, send_after, sends, fails, send_error"

func (r reader) manyMails(columns, rest string, args ...any) (list []store.Mail, err error) {
	err = r.s.rows("SELECT "+mailColumns+", "+columns+" FROM mails WHERE "+rest, args, func(scan func(...any) error) error {
		var m store.Mail
		err := scan(&m.ID, &m.AccountID, &m.DomainID, &m.OrderID, &m.Kind, &m.Recipient, name{&m.ADN}, &m.Locale, &m.LinkHash, &m.CodeHash,
			at{&m.Created}, at{&m.Expires}, at{&m.Ended}, at{&m.Approved}, &m.Tries, at{&m.SendAfter}, &m.Sends, &m.Fails, &m.SendError, &m.Body)
		list = append(list, m)
		return err
	})
	return list, err
}

func (r reader) MailByLink(hash []byte) (m store.Mail, err error) {
	list, err := r.manyMails("body", "link_hash = ?", hash)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return m, err
	}
	return list[0], nil
}

func (r reader) MailsOfDomain(domain int64) ([]store.Mail, error) {
	return r.manyMails("x'' AS body", "domain_id = ? AND ended = 0 ORDER BY id", domain)
}

func (r reader) DueMails(now time.Time, limit int) ([]store.Mail, error) {
	return r.manyMails("body", "send_after > 0 AND send_after <= ? ORDER BY send_after LIMIT ?", micros(now), limit)
}

func (r reader) NextMail() (t time.Time, err error) {
	err = r.s.row("SELECT coalesce(min(send_after), 0) FROM mails WHERE send_after > 0", nil, at{&t})
	return t, err
}

// bytesOf keeps an empty body from becoming NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (t tx) InsertMail(m store.Mail) (int64, error) {
	return t.s.insert(`INSERT INTO mails (account_id, domain_id, order_id, kind, recipient, adn, locale, link_hash, code_hash, created, expires, ended, approved, tries,
		send_after, sends, fails, send_error, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		m.AccountID, m.DomainID, m.OrderID, m.Kind, m.Recipient, m.ADN.String(), m.Locale, m.LinkHash, m.CodeHash, micros(m.Created), micros(m.Expires),
		micros(m.Ended), micros(m.Approved), m.Tries, micros(m.SendAfter), m.Sends, m.Fails, m.SendError, bytesOf(m.Body))
}

func (t tx) UpdateMail(old, m store.Mail) error {
	return t.s.change(`UPDATE mails SET ended = ?, approved = ?, tries = ?, body = ?, send_after = ?, sends = ?, fails = ?, send_error = ?
		WHERE id = ? AND ended = 0 AND sends = ? AND fails = ? AND tries = ?`,
		micros(m.Ended), micros(m.Approved), m.Tries, bytesOf(m.Body), micros(m.SendAfter), m.Sends, m.Fails, m.SendError, old.ID, old.Sends, old.Fails, old.Tries)
}

func (t tx) EndMails(domain int64, when time.Time) error {
	return t.s.exec("UPDATE mails SET ended = ?, body = x'', send_after = 0 WHERE domain_id = ? AND ended = 0", micros(when), domain)
}
