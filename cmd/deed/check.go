package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	v1 "deed/api/v1"
	"deed/audit"
	"deed/authority"
	"deed/check"
	"deed/dcv"
	"deed/names"
	"deed/resolve"
	"deed/rules"
)

func checkCommand() *cobra.Command {
	var resolver, asOf string
	var w wanted
	cmd := &cobra.Command{
		Use:   "check DOMAIN",
		Short: "Look from here, now, and explain what was seen",
		Long:  "Runs one check from this machine, without a server or an account.\nWithout --token it shows what stands where the value would be looked for, and how the name servers are.\nExit code 0: proven, 1: not proven, 2: wrong usage, 3: could not check.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if resolver != "" {
				if c.Resolvers, err = resolve.ParseServers(strings.Split(resolver, ",")); err != nil {
					return fmt.Errorf("--resolver: %w; accepted: host:port with an IP address", err)
				}
			}
			if asOf != "" {
				c.RulesAsOf, err = time.Parse(time.DateOnly, asOf)
				if err != nil || c.RulesAsOf.Before(rules.Earliest()) {
					return fmt.Errorf("--as-of %q makes no sense; accepted: YYYY-MM-DD, a day from %s", asOf, rules.Earliest().Format(time.DateOnly))
				}
			}
			n, _, err := normaliser(c)
			if err != nil {
				return err
			}
			blind := w.blind()
			ch, err := oneChallenge(c, n, args[0], w)
			if err != nil {
				return err
			}
			e, err := engine(c, n, nil, nil)
			if err != nil {
				return ours(err)
			}
			rec, err := e.Attempt(cmd.Context(), ch)
			if err != nil {
				return ours(err)
			}
			if file, _ := cmd.Flags().GetString("capsule"); file != "" {
				if err := os.WriteFile(file, rec.Capsule, 0o600); err != nil {
					return ours(err)
				}
			}
			if blind && rec.Verdict.Outcome == dcv.NotProven {
				if err := output(cmd, surveyOf(&ch, &rec.Verdict, rec.Diagnosis), func() string { return survey(&ch, &rec.Verdict, rec.Diagnosis) }); err != nil {
					return err
				}
				return exit{code: exitNotProven, err: errors.New("nothing was checked"), silent: true}
			}
			shown, err := v1.Of(&authority.Attempt{
				ID: rec.ID, Name: ch.Name, ADN: rec.Verdict.ADN, Method: ch.Method, Trigger: "manual", Started: rec.Started, Ended: rec.Ended,
				Outcome: rec.Verdict.Outcome, Test: rec.Verdict.Test, Verdict: rec.JSON, Diagnosis: rec.DiagnosisJSON,
			})
			if err != nil {
				return ours(err)
			}
			shown.Capsule = "" // it is in a file, if anywhere
			if err := output(cmd, shown, func() string { return explain(&ch, &rec.Verdict, rec.Diagnosis) }); err != nil {
				return err
			}
			return byOutcome(rec.Verdict.Outcome)
		},
	}
	f := cmd.Flags()
	addFlags(f)
	w.flags(f)
	f.StringVar(&resolver, "resolver", "", "resolvers to ask, host:port; in place of dns.resolvers")
	f.StringVar(&asOf, "as-of", "", "judge by the rules of another day, YYYY-MM-DD")
	f.String("capsule", "", "write the evidence to this file, for deed replay")
	return cmd
}

func byOutcome(o dcv.Outcome) error {
	switch o {
	case dcv.Proven:
		return nil
	case dcv.CouldNotCheck:
		return exit{code: exitOurs, err: errors.New("could not check"), silent: true}
	}
	return exit{code: exitNotProven, err: errors.New("not proven"), silent: true}
}

func replayCommand() *cobra.Command {
	var asOf string
	var all bool
	cmd := &cobra.Command{
		Use:   "replay CAPSULE | --all",
		Short: "Judge recorded attempts again",
		Long: "Reads a capsule (GET /v1/attempts/{id}/capsule) and judges it with this version's rules, without any network.\n" +
			"Exit code 0: proven, 1: not proven, 2: no capsule, 3: could not check.\n\n" +
			"With --all it judges every capsule in the database. Exit code 0: no difference, 1: some.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return errors.New("name one capsule, or --all")
			}
			o, err := replayOptions(asOf)
			if err != nil {
				return err
			}
			if all {
				return replayAll(cmd, o)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			raw, err := io.ReadAll(io.LimitReader(f, 4<<20))
			if err != nil {
				return ours(err)
			}
			return replay(cmd, raw, o)
		},
	}
	addFlags(cmd.Flags())
	cmd.Flags().StringVar(&asOf, "as-of", "", "judge by the rules of another day, YYYY-MM-DD")
	cmd.Flags().BoolVar(&all, "all", false, "judge every capsule in the database, and report differences")
	return cmd
}

func replayOptions(asOf string) (o check.ReplayOptions, err error) {
	n, err := names.New()
	if err != nil {
		return o, ours(err)
	}
	o.HostName = hostName(n)
	if asOf != "" {
		if o.AsOf, err = time.Parse(time.DateOnly, asOf); err != nil || o.AsOf.Before(rules.Earliest()) {
			return o, fmt.Errorf("--as-of %q makes no sense; accepted: YYYY-MM-DD, from %s on", asOf, rules.Earliest().Format(time.DateOnly))
		}
	}
	return o, nil
}

// replayAll judges everything stored.
func replayAll(cmd *cobra.Command, o check.ReplayOptions) error {
	c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	db, err := openStore(cmd.Context(), c)
	if err != nil {
		return ours(err)
	}
	defer db.Close()
	list := []audit.Difference{}
	start := time.Now()
	n, err := audit.ReplayAll(cmd.Context(), db, o, func(d audit.Difference) {
		if len(list) < 1000 {
			list = append(list, d)
		}
	})
	if err != nil {
		return ours(err)
	}
	v := struct {
		audit.Replays
		Seconds     float64            `json:"seconds"`
		Differences []audit.Difference `json:"differences"`
	}{n, time.Since(start).Seconds(), list}
	err = output(cmd, v, func() string {
		var b strings.Builder
		for _, d := range list {
			fmt.Fprintf(&b, "%s  %s: %s\n", d.Attempt, d.Domain, d.What)
		}
		fmt.Fprintf(&b, "%d capsules judged again in %.1f s: %d the same, %d different, %d unreadable; %d were removed after their time", n.Capsules, v.Seconds, n.Same, n.Different, n.Unread, n.Removed)
		if n.Words > 0 {
			fmt.Fprintf(&b, "\n%d of the same decisions are said in other words by this version", n.Words)
		}
		return b.String()
	})
	if err == nil && n.Different+n.Unread > 0 {
		err = exit{code: exitNotProven, err: errors.New("differences"), silent: true}
	}
	return err
}

func replay(cmd *cobra.Command, raw []byte, o check.ReplayOptions) error {
	r, err := check.Replay(raw, o)
	if err != nil {
		return err
	}
	signedBy := ""
	if r.Sealed.Signed() {
		signedBy = r.Sealed.Key.String()
	}
	v := struct {
		ID         string      `json:"id"`
		Domain     string      `json:"domain"`
		Outcome    dcv.Outcome `json:"outcome"`
		Recorded   dcv.Outcome `json:"recorded_outcome"`
		Same       bool        `json:"same"`
		Difference string      `json:"difference,omitempty"`
		Words      bool        `json:"other_words,omitempty"`
		SignedBy   string      `json:"signed_by,omitempty"`
		Verdict    dcv.Verdict `json:"verdict"`
	}{r.Capsule.ID, r.Capsule.Challenge.Name.String(), r.Again.Outcome, r.Recorded.Outcome, r.Same, r.Difference, r.Words, signedBy, r.Again}
	err = output(cmd, v, func() string {
		head := "The same verdict as recorded on " + r.Capsule.Ended.Format(time.DateTime) + " UTC, bit for bit.\n\n"
		if r.Words {
			head += "The decision is the same to the bit; this version words it otherwise.\n\n"
		}
		if !r.Same {
			head = "DIFFERENT: " + r.Difference + "\n\n"
		}
		return head + explain(&r.Capsule.Challenge, &r.Again, r.Diagnosis())
	})
	if err != nil {
		return err
	}
	return byOutcome(r.Again.Outcome)
}

// newID is random enough for a label that nobody could have published.
func newID() string { return uuid.NewString() }
