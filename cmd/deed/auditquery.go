package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"deed/audit"
	"deed/dcv"
	"deed/store"
	"deed/store/sqlite"
)

func auditQueryCommand() *cobra.Command {
	var account int64
	var limit int
	var count bool
	var domain, on, ending string
	facets := map[string]*string{}
	cmd := withStore(&cobra.Command{
		Use:   "query",
		Short: "Ask what an auditor asks",
		Long: "Which proofs rest on something:     deed audit query --nameserver ns1.example.net\n" +
			"Which names are hit if a method ends: deed audit query --ending email --on 2028-03-15\n" +
			"What a domain looked like on a day:   deed audit query --domain example.com --on 2026-11-24",
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string, db *sqlite.DB) error {
		name, err := nameFlag(domain)
		if err != nil {
			return err
		}
		day, err := dayFlag("on", on)
		if err != nil {
			return err
		}
		q := query{cmd: cmd, db: db, account: account, limit: limit, count: count}
		asked := 0
		for f, v := range facets {
			if *v != "" {
				asked++
				q.facet = store.Facet{Name: f, Value: *v}
			}
		}
		switch {
		case asked == 1 && domain == "" && ending == "" && on == "":
			return q.resting()
		case asked == 0 && ending != "" && domain == "" && on != "":
			return q.hit(dcv.Method(ending), day)
		case asked == 0 && domain != "" && ending == "" && on != "":
			return q.on(name, day)
		}
		return errors.New("ask one question: what proofs rest on (one of --" + strings.Join(audit.FacetNames(), ", --") + "), --ending METHOD --on DAY, or --domain NAME --on DAY")
	})
	f := cmd.Flags()
	for _, name := range audit.FacetNames() {
		facets[name] = f.String(name, "", "proofs that rest on this "+name)
	}
	f.StringVar(&ending, "ending", "", "names whose proof by this method was to be usable on the day of --on or later")
	f.StringVar(&domain, "domain", "", "what this name looked like on the day of --on")
	f.StringVar(&on, "on", "", "a day, YYYY-MM-DD (UTC)")
	f.Int64Var(&account, "account", 0, "of one account only")
	f.IntVar(&limit, "limit", 0, "at most so many lines; 0 for all")
	f.BoolVar(&count, "count", false, "print how many, not which")
	return cmd
}

type query struct {
	cmd     *cobra.Command
	db      *sqlite.DB
	account int64
	limit   int
	count   bool
	facet   store.Facet
	n       int
}

// line prints one answer, or counts it; false when there are enough.
func (q *query) line(v any, text string) (bool, error) {
	q.n++
	if !q.count {
		if asJSON, _ := q.cmd.Flags().GetBool("json"); asJSON {
			if err := json.NewEncoder(q.cmd.OutOrStdout()).Encode(v); err != nil {
				return false, err
			}
		} else if _, err := fmt.Fprintln(q.cmd.OutOrStdout(), text); err != nil {
			return false, err
		}
	}
	return q.limit == 0 || q.n < q.limit, nil
}

// done prints the count, where it was asked for.
func (q *query) done(errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return ours(err)
	}
	if !q.count {
		return nil
	}
	return output(q.cmd, map[string]int{"count": q.n}, func() string { return fmt.Sprint(q.n) })
}

func (q *query) resting() error {
	if q.count && q.account == 0 {
		err := q.db.Read(q.cmd.Context(), func(r store.Reader) (err error) { q.n, err = r.CountProofsBy(q.facet); return err })
		return q.done(err)
	}
	var failed error
	err := audit.Resting(q.cmd.Context(), q.db, q.account, q.facet, func(p store.LoggedProof) (more bool) {
		more, failed = q.line(struct {
			N       int64     `json:"n"`
			Account int64     `json:"account"`
			Domain  int64     `json:"domain_id"`
			Name    string    `json:"name"`
			Attempt string    `json:"attempt"`
			At      time.Time `json:"at"`
		}{p.N, p.AccountID, p.DomainID, p.Name, p.AttemptID, p.At}, fmt.Sprintf("%s  %s  %s", p.At.Format(time.RFC3339), p.AttemptID, p.Name))
		return more && failed == nil
	})
	return q.done(err, failed)
}

func (q *query) hit(m dcv.Method, day time.Time) error {
	var failed error
	err := audit.Hit(q.cmd.Context(), q.db, q.account, m, day, func(d store.Domain) (more bool) {
		more, failed = q.line(struct {
			Account int64     `json:"account"`
			Domain  int64     `json:"domain_id"`
			Name    dcv.Name  `json:"name"`
			Until   time.Time `json:"usable_until"`
			Attempt string    `json:"attempt"`
		}{d.AccountID, d.ID, d.Name, d.ProvenUntil, d.ProofAttempt}, fmt.Sprintf("%s  until %s  %s", d.Name, d.ProvenUntil.Format(time.DateOnly), d.ProofAttempt))
		return more && failed == nil
	})
	return q.done(err, failed)
}

func (q *query) on(name dcv.Name, day time.Time) error {
	days, err := audit.On(q.cmd.Context(), q.db, q.account, name, day)
	if err != nil {
		return ours(err)
	}
	if days == nil {
		days = []audit.Day{}
	}
	return output(q.cmd, days, func() string {
		var b strings.Builder
		for _, d := range days {
			fmt.Fprintf(&b, "%s on %s, of account %d (domain %d)\n", name, day.Format(time.DateOnly), d.Account, d.Domain)
			if d.Proof != nil {
				fmt.Fprintf(&b, "  proven by %s at %s (%s), since %s, usable until %s\n    attempt %s\n", d.Proof.Method, d.Proof.ADN, d.Proof.Scope,
					d.Proof.Proven.Format(time.DateTime), d.Proof.Until.Format(time.DateTime), d.Proof.Attempt)
			} else {
				fmt.Fprintf(&b, "  no proof in use\n")
			}
			for _, l := range d.Changes {
				fmt.Fprintf(&b, "  %s  %s by %s\n", l.At.Format(time.TimeOnly), l.Kind, l.Actor)
			}
			for _, l := range d.Attempts {
				fmt.Fprintf(&b, "  %s  looked: %s %s  attempt %s\n", l.At.Format(time.TimeOnly), l.Outcome, l.Code, l.Attempt)
			}
			if len(d.Attempts) == 0 && d.Last != nil {
				fmt.Fprintf(&b, "  last looked at %s: %s %s  attempt %s\n", d.Last.At.Format(time.DateTime), d.Last.Outcome, d.Last.Code, d.Last.Attempt)
			}
		}
		if len(days) == 0 {
			fmt.Fprintf(&b, "The log knows no domain %s.", name)
		}
		return strings.TrimSuffix(b.String(), "\n")
	})
}
