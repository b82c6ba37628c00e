package sqlite

import "deed/store"

const attemptColumns = "id, account_id, domain_id, order_id, cause, name, adn, method, started, ended, outcome, code, value_id, test, next_check, gives_up, used_until, verdict, diagnosis"

func (r reader) manyAttempts(rest string, args ...any) (list []store.Attempt, err error) {
	err = r.s.rows("SELECT "+attemptColumns+" FROM attempts WHERE "+rest, args, func(scan func(...any) error) error {
		var a store.Attempt
		err := scan(&a.ID, &a.AccountID, &a.DomainID, &a.OrderID, &a.Trigger, name{&a.Name}, name{&a.ADN}, &a.Method, at{&a.Started}, at{&a.Ended},
			&a.Outcome, &a.Code, &a.ValueID, &a.Test, at{&a.NextCheck}, at{&a.GivesUp}, at{&a.UsedUntil}, &a.Verdict, &a.Diagnosis)
		if len(a.Diagnosis) == 0 {
			a.Diagnosis = nil
		}
		list = append(list, a)
		return err
	})
	return list, err
}

func (r reader) oneAttempt(rest string, args ...any) (a store.Attempt, err error) {
	list, err := r.manyAttempts(rest, args...)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return a, err
	}
	return list[0], nil
}

func (r reader) Attempt(account int64, id string) (store.Attempt, error) {
	return r.oneAttempt("id = ? AND account_id = ?", id, account)
}

func (r reader) LastAttempt(domain int64) (store.Attempt, error) {
	return r.oneAttempt("domain_id = ? ORDER BY id DESC LIMIT 1", domain)
}

func (r reader) Attempts(account, domain int64, page store.Page) (list []store.Attempt, total int, err error) {
	if err = r.s.row("SELECT count(*) FROM attempts WHERE domain_id = ? AND account_id = ?", []any{domain, account}, &total); err != nil {
		return nil, 0, err
	}
	list, err = r.manyAttempts("domain_id = ? AND account_id = ? ORDER BY id DESC LIMIT ? OFFSET ?", domain, account, page.Limit, page.Offset)
	return list, total, err
}

func (r reader) Capsule(account int64, id string) (b []byte, err error) {
	err = r.s.row("SELECT capsule FROM attempts WHERE id = ? AND account_id = ?", []any{id, account}, &b)
	return b, err
}

func (t tx) InsertAttempt(a store.Attempt) error {
	return t.s.exec("INSERT INTO attempts ("+attemptColumns+", capsule) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		a.ID, a.AccountID, a.DomainID, a.OrderID, a.Trigger, a.Name.String(), a.ADN.String(), string(a.Method), micros(a.Started), micros(a.Ended),
		string(a.Outcome), string(a.Code), a.ValueID, a.Test, micros(a.NextCheck), micros(a.GivesUp), micros(a.UsedUntil), a.Verdict, orEmpty(a.Diagnosis), a.Capsule)
}

// orEmpty: a column that is never NULL.
func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
