package sqlite

import (
	"strings"
	"time"

	"deed/dcv"
	"deed/store"
)

const domainColumns = `id, account_id, organization_id, name, active, method, keep_www, created, submitted,
	ov_state, ov_proven, ov_until, ev_state, ev_proven, ev_until, proven, proven_until, proof_method, proof_scope, proof_adn, proof_attempt, proof_section, proof_test,
	poll_start, next_check, gives_up, version`

// types are the validation types that have columns.
var types = [2]string{"ov", "ev"}

// states of a validation.
const (
	stateNone = iota
	statePending
	stateSettled
)

// validation is one type's columns.
type validation struct {
	state         int
	proven, until int64
}

func scanDomain(scan func(...any) error) (store.Domain, error) {
	var d store.Domain
	var v [2]validation
	err := scan(&d.ID, &d.AccountID, &d.OrganizationID, name{&d.Name}, &d.Active, &d.Method, &d.KeepWWW, at{&d.Created}, at{&d.Submitted},
		&v[0].state, &v[0].proven, &v[0].until, &v[1].state, &v[1].proven, &v[1].until,
		at{&d.Proven}, at{&d.ProvenUntil}, &d.ProofMethod, &d.ProofScope, name{&d.ProofADN}, &d.ProofAttempt, &d.ProofSection, &d.ProofTest,
		at{&d.PollStart}, at{&d.NextCheck}, at{&d.GivesUp}, &d.Version)
	for i, t := range types {
		if v[i].state != stateNone {
			d.Validations = append(d.Validations, store.Validation{Type: t, Pending: v[i].state == statePending, Proven: instant(v[i].proven), Until: instant(v[i].until)})
		}
	}
	return d, err
}

// domainArgs are the columns after id and account_id, but for version.
func domainArgs(d *store.Domain) []any {
	var v [2]validation
	for i, t := range types {
		for _, have := range d.Validations {
			if have.Type == t {
				v[i] = validation{stateSettled, micros(have.Proven), micros(have.Until)}
				if have.Pending {
					v[i].state = statePending
				}
			}
		}
	}
	return []any{d.OrganizationID, d.Name.String(), d.Active, string(d.Method), d.KeepWWW, micros(d.Created), micros(d.Submitted),
		v[0].state, v[0].proven, v[0].until, v[1].state, v[1].proven, v[1].until,
		micros(d.Proven), micros(d.ProvenUntil), string(d.ProofMethod), string(d.ProofScope), d.ProofADN.String(), d.ProofAttempt, d.ProofSection, d.ProofTest,
		micros(d.PollStart), micros(d.NextCheck), micros(d.GivesUp)}
}

func (r reader) oneDomain(where string, args ...any) (d store.Domain, err error) {
	list, err := r.manyDomains(where, args...)
	if err == nil && len(list) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return d, err
	}
	return list[0], nil
}

func (r reader) manyDomains(where string, args ...any) (list []store.Domain, err error) {
	err = r.s.rows("SELECT "+domainColumns+" FROM domains WHERE "+where, args, func(scan func(...any) error) error {
		d, err := scanDomain(scan)
		list = append(list, d)
		return err
	})
	return list, err
}

func (r reader) Domain(account, id int64) (store.Domain, error) {
	return r.oneDomain("id = ? AND account_id = ?", id, account)
}

func (r reader) DomainByName(account int64, n dcv.Name) (store.Domain, error) {
	return r.oneDomain("account_id = ? AND name = ?", account, n.String())
}

func (r reader) DomainsNamed(account int64, names []dcv.Name) ([]store.Domain, error) {
	if len(names) == 0 {
		return nil, nil
	}
	args := []any{account}
	for _, n := range names {
		args = append(args, n.String())
	}
	return r.manyDomains("account_id = ? AND name IN (?"+strings.Repeat(",?", len(names)-1)+") ORDER BY id", args...)
}

// sortable are the columns a list may be sorted by.
var sortable = map[string]string{"name": "name", "date_created": "created", "id": "id"}

func (r reader) Domains(q store.DomainQuery) (list []store.Domain, total int, err error) {
	where, args, counted := domainFilter(&q)
	if counted {
		// Filters that the counters know: the total costs nothing.
		where2, args2 := "account_id = ?", []any{q.Account}
		if q.Active != nil {
			where2, args2 = where2+" AND active = ?", append(args2, *q.Active)
		}
		if len(q.Methods) > 0 {
			where2 += " AND method IN (?" + strings.Repeat(",?", len(q.Methods)-1) + ")"
			for _, m := range q.Methods {
				args2 = append(args2, string(m))
			}
		}
		err = r.s.row("SELECT coalesce(sum(n), 0) FROM domain_counts WHERE "+where2, args2, &total)
	} else {
		err = r.s.row("SELECT count(*) FROM domains WHERE "+where, args, &total)
	}
	if err != nil {
		return nil, 0, err
	}
	list, err = r.manyDomains(where+" ORDER BY "+domainOrder(q.Sort)+" LIMIT ? OFFSET ?", append(args, q.Page.Limit, q.Page.Offset)...)
	return list, total, err
}

func domainOrder(sort []string) string {
	var by []string
	byID := false
	for _, s := range sort {
		column, ok := sortable[strings.TrimPrefix(s, "-")]
		if !ok || byID {
			continue
		}
		if strings.HasPrefix(s, "-") {
			column += " DESC"
		}
		by = append(by, column)
		byID = strings.TrimPrefix(s, "-") == "id"
	}
	if !byID {
		// The id settles ties in the direction of the last column, so that one
		// index serves the whole order.
		tie := "id"
		if len(by) > 0 && strings.HasSuffix(by[len(by)-1], " DESC") {
			tie = "id DESC"
		}
		by = append(by, tie)
	}
	return strings.Join(by, ", ")
}

// domainFilter gives the condition; counted is whether the counters can give
// its total.
func domainFilter(q *store.DomainQuery) (where string, args []any, counted bool) {
	where, args, counted = "account_id = ?", []any{q.Account}, true
	and := func(cond string, a ...any) {
		where, args = where+" AND "+cond, append(args, a...)
	}
	if q.Active != nil {
		and("active = ?", *q.Active)
	}
	if len(q.Methods) > 0 {
		list := make([]any, len(q.Methods))
		for i, m := range q.Methods {
			list[i] = string(m)
		}
		and("method IN (?"+strings.Repeat(",?", len(list)-1)+")", list...)
	}
	if q.OrganizationID != 0 {
		counted = false
		and("organization_id = ?", q.OrganizationID)
	}
	if q.Name != "" {
		counted = false
		if q.Contains {
			and("instr(name, ?) > 0", q.Name)
		} else {
			and("name = ?", q.Name)
		}
	}
	if f := q.Validation; f != nil {
		counted = false
		var conds []string
		for _, t := range types {
			if f.Type != "" && f.Type != t {
				continue
			}
			cond := t + "_state > 0"
			if f.Pending != nil {
				state := stateSettled
				if *f.Pending {
					state = statePending
				}
				cond += " AND " + t + "_state = ?"
				args = append(args, state)
			}
			if !f.From.IsZero() || !f.To.IsZero() {
				cond += " AND " + t + "_until > 0"
			}
			if !f.From.IsZero() {
				cond += " AND " + t + "_until >= ?"
				args = append(args, micros(f.From))
			}
			if !f.To.IsZero() {
				cond += " AND " + t + "_until < ?"
				args = append(args, micros(f.To))
			}
			conds = append(conds, "("+cond+")")
		}
		if len(conds) == 0 {
			conds = []string{"0"}
		}
		where += " AND (" + strings.Join(conds, " OR ") + ")"
	}
	return where, args, counted
}

func (r reader) Expirations(account int64, now time.Time, typ string) (e store.Expirations, err error) {
	until := map[string]string{"ov": "ov_until", "ev": "ev_until", "": "max(ov_until, ev_until)"}[typ]
	if until == "" {
		return e, nil
	}
	midnight := now.UTC().Truncate(24 * time.Hour)
	day := func(n int) int64 { return midnight.AddDate(0, 0, n).UnixMicro() }
	count := "count(*) FILTER (WHERE " + until + " >= ? AND " + until + " < ?)"
	err = r.s.row("SELECT "+strings.Repeat(count+", ", 5)+count+" FROM domains WHERE account_id = ? AND active = 1 AND "+until+" > 0 AND "+until+" < ?",
		[]any{
			1, micros(now), // expired
			day(-7), day(0), // in the last 7 days, today excluded
			micros(now), day(61), // soon: the next 60 days
			micros(now), day(31), // within 30
			day(31), day(61), // 31 to 60
			day(61), day(91), // 61 to 90
			account, day(91)},
		&e.Expired, &e.RecentlyExpired, &e.Soon, &e.Within30, &e.From31To60, &e.From61To90)
	return e, err
}

func (r reader) DueDomains(now time.Time, limit int) ([]store.Domain, error) {
	return r.manyDomains("next_check > 0 AND next_check <= ? ORDER BY next_check LIMIT ?", micros(now), limit)
}

func (r reader) NextDue() (t time.Time, err error) {
	err = r.s.row("SELECT coalesce(min(next_check), 0) FROM domains WHERE next_check > 0", nil, at{&t})
	return t, err
}

func (t tx) InsertDomain(d store.Domain) (int64, error) {
	args := append([]any{d.AccountID}, domainArgs(&d)...)
	return t.s.insert(`INSERT INTO domains (account_id, organization_id, name, active, method, keep_www, created, submitted,
		ov_state, ov_proven, ov_until, ev_state, ev_proven, ev_until, proven, proven_until, proof_method, proof_scope, proof_adn, proof_attempt, proof_section, proof_test,
		poll_start, next_check, gives_up, version) VALUES (?`+strings.Repeat(",?", 24)+`,1)`, args...)
}

func (t tx) UpdateDomain(d store.Domain) error {
	return t.s.change(`UPDATE domains SET organization_id = ?, name = ?, active = ?, method = ?, keep_www = ?, created = ?, submitted = ?,
		ov_state = ?, ov_proven = ?, ov_until = ?, ev_state = ?, ev_proven = ?, ev_until = ?,
		proven = ?, proven_until = ?, proof_method = ?, proof_scope = ?, proof_adn = ?, proof_attempt = ?, proof_section = ?, proof_test = ?,
		poll_start = ?, next_check = ?, gives_up = ?, version = version + 1 WHERE id = ? AND account_id = ? AND version = ?`,
		append(domainArgs(&d), d.ID, d.AccountID, d.Version)...)
}

func (t tx) DeleteDomain(account, id int64) error {
	if _, err := t.Domain(account, id); err != nil {
		return err
	}
	// The domain first: an order that names it refuses, and then nothing is gone.
	for _, q := range []string{"DELETE FROM domains WHERE id = ?", "DELETE FROM random_values WHERE domain_id = ? AND domain_id > 0", "DELETE FROM mails WHERE domain_id = ?", "DELETE FROM armed WHERE domain_id = ?"} {
		if err := t.s.exec(q, id); err != nil {
			return err
		}
	}
	return nil
}
