package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"deed/audit"
	"deed/check"
	"deed/dcv"
	"deed/names"
	"deed/store"
	"deed/store/sqlite"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "The evidence log: verify, prove, export, ask", Args: cobra.NoArgs, RunE: needsSubcommand}
	cmd.AddCommand(auditVerifyCommand(), auditProveCommand(), auditCheckCommand(), auditExportCommand(), auditQueryCommand(), auditKeyCommand(), auditRotateCommand())
	return cmd
}

// withStore gives a command the settings' flags and an open database.
func withStore(cmd *cobra.Command, fn func(cmd *cobra.Command, args []string, db *sqlite.DB) error) *cobra.Command {
	addFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		db, err := openStore(cmd.Context(), c)
		if err != nil {
			return ours(err)
		}
		defer db.Close()
		return fn(cmd, args, db)
	}
	return cmd
}

// publicKey is the key as given, or the last one in the file that is named: deed
// audit key prints the one in use last.
func publicKey(given string) string {
	b, err := readFile(given, 1<<16)
	if given == "" || err != nil {
		return strings.TrimSpace(given)
	}
	lines := strings.Fields(string(b))
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

func auditVerifyCommand() *cobra.Command {
	var o audit.VerifyOptions
	var file string
	cmd := withStore(&cobra.Command{
		Use:   "verify",
		Short: "Check the evidence log from first entry to last",
		Long: "Checks every leaf, checkpoint, key, attempt, capsule and proof against the log, and names the place of what is not as it was written.\n" +
			"Give --key or --checkpoint, kept elsewhere, to find also a log that was rewritten as a whole.\nExit code 0: sound, 1: faults, 3: the database cannot be read.",
		Args: cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string, db *sqlite.DB) error {
		if file != "" {
			b, err := readFile(file, 1<<16)
			if err != nil {
				return err
			}
			o.Head = string(b)
		}
		o.Key = publicKey(o.Key)
		r, err := audit.Verify(cmd.Context(), db, o)
		if err != nil {
			return ours(err)
		}
		err = output(cmd, r, func() string {
			var b strings.Builder
			for _, f := range r.Faults {
				fmt.Fprintf(&b, "FAULT  %s: %s\n", f.Place, f.What)
			}
			if more := r.FaultCount - len(r.Faults); more > 0 {
				fmt.Fprintf(&b, "and %d more\n", more)
			}
			fmt.Fprintf(&b, "%d entries, %d attempts, %d checkpoints, %d keys, %d proofs in use; %d capsules removed after their time\n", r.Entries, r.Attempts, r.Checkpoints, r.Keys, r.Proofs, r.Removed)
			if r.FaultCount > 0 {
				fmt.Fprintf(&b, "NOT SOUND: %d faults", r.FaultCount)
			} else {
				fmt.Fprintf(&b, "SOUND\n\nThe log's head; keep it elsewhere, and give it to --checkpoint next time:\n\n%s", r.Head)
			}
			return b.String()
		})
		if err == nil && r.FaultCount > 0 {
			err = exit{code: exitNotProven, err: errors.New("faults"), silent: true}
		}
		return err
	})
	cmd.Flags().StringVar(&o.Key, "key", "", "a public key of the log, kept elsewhere, or a file that holds it")
	cmd.Flags().StringVar(&file, "checkpoint", "", "a file with a checkpoint, kept elsewhere")
	return cmd
}

func auditProveCommand() *cobra.Command {
	return withStore(&cobra.Command{
		Use:   "prove ATTEMPT",
		Short: "Write one file that a stranger verifies with the public key alone",
		Args:  cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, args []string, db *sqlite.DB) error {
		p, err := audit.Prove(cmd.Context(), db, args[0], time.Now())
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the log knows no attempt %q", args[0])
		}
		if err != nil {
			return ours(err)
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		return ours(enc.Encode(p))
	})
}

func auditCheckCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Verify a proof file, offline, with the log's public key alone",
		Long:  "Exit code 0: the file shows what it says, 1: it does not, 2: wrong usage.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key = publicKey(key)
			raw, err := readFile(args[0], audit.MaxProof+1)
			if err != nil {
				return err
			}
			c, err := audit.CheckProof(raw, key)
			if err != nil {
				return exit{code: exitNotProven, err: err}
			}
			v := struct {
				Log     string        `json:"log"`
				Size    int64         `json:"size"`
				Attempt audit.Leaf    `json:"attempt"`
				Proof   *audit.Leaf   `json:"proof,omitempty"`
				Capsule bool          `json:"capsule"`
				Again   *dcv.Decision `json:"judged_again,omitempty"`
			}{c.Origin, c.Size, c.Attempt, c.Proof, c.Capsule != nil, nil}
			again := ""
			if c.Capsule != nil {
				o, err := replayOptions("")
				if err != nil {
					return err
				}
				b, err := c.Capsule.Encode()
				if err != nil {
					return ours(err)
				}
				r, err := check.Replay(b, o)
				if err != nil {
					return exit{code: exitNotProven, err: err}
				}
				d := r.Again.Decision()
				v.Again = &d
				again = "Judged again by this program, the capsule comes to the same decision.\n"
				if !r.Same {
					again = "Judged again by this program, the capsule comes to another decision: " + r.Difference + "\n"
				}
			}
			return output(cmd, v, func() string {
				a := &c.Attempt
				s := fmt.Sprintf("VERIFIED  in the log %s, under its signed head of %d entries\n\n  attempt %s\n  %s by %s: %s, on %s UTC\n", c.Origin, c.Size, a.Attempt, a.Name, a.Method, a.Outcome, a.Ended.Format(time.DateTime))
				if c.Proof != nil {
					s += fmt.Sprintf("  it proved %s (%s), usable until %s UTC\n", c.Proof.ADN, c.Proof.Scope, c.Proof.Until.Format(time.DateTime))
				}
				if c.Capsule == nil {
					again = "The file holds no capsule; the log holds its hash.\n"
				}
				return s + "\n" + again
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's public key, or a file that holds it")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	return b, ours(err)
}

func auditExportCommand() *cobra.Command {
	var o audit.ExportOptions
	var format, name, outcome, since, until string
	cmd := withStore(&cobra.Command{
		Use:   "export",
		Short: "Write the log as JSON lines or CSV; live values are never in it",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string, db *sqlite.DB) (err error) {
		if format != "jsonl" && format != "csv" {
			return fmt.Errorf("--format %q makes no sense; accepted: jsonl, csv", format)
		}
		o.CSV, o.Now, o.Filter.Outcome = format == "csv", time.Now(), dcv.Outcome(outcome)
		if o.Filter.Name, err = nameFlag(name); err != nil {
			return err
		}
		if o.Filter.Since, err = dayFlag("since", since); err != nil {
			return err
		}
		if o.Filter.Until, err = dayFlag("until", until); err != nil {
			return err
		}
		_, err = audit.Export(cmd.Context(), db, cmd.OutOrStdout(), o)
		return ours(err)
	})
	f := cmd.Flags()
	f.StringVar(&format, "format", "jsonl", "jsonl or csv")
	f.Int64Var(&o.Filter.Account, "account", 0, "entries of one account only")
	f.StringVar(&name, "domain", "", "entries of one domain only")
	f.StringVar(&o.Filter.Kind, "kind", "", "entries of one kind only, such as attempt or domain.proven")
	f.StringVar(&outcome, "outcome", "", "attempts with one outcome only")
	f.StringVar(&since, "since", "", "from this day on, YYYY-MM-DD")
	f.StringVar(&until, "until", "", "before this day, YYYY-MM-DD")
	f.BoolVar(&o.Personal, "personal", false, "leave e-mail addresses of recipients in")
	return cmd
}

func nameFlag(s string) (dcv.Name, error) {
	if s == "" {
		return dcv.Name{}, nil
	}
	n, err := names.New()
	if err != nil {
		return dcv.Name{}, ours(err)
	}
	name, err := n.Normalise(s)
	if err != nil {
		return name, fmt.Errorf("%q: %w", s, err)
	}
	return name, nil
}

func dayFlag(flag, s string) (t time.Time, err error) {
	if s == "" {
		return t, nil
	}
	if t, err = time.Parse(time.DateOnly, s); err != nil {
		err = fmt.Errorf("--%s %q makes no sense; accepted: YYYY-MM-DD", flag, s)
	}
	return t, err
}

func auditKeyCommand() *cobra.Command {
	return withStore(&cobra.Command{
		Use:   "key",
		Short: "Print the log's public keys, the one in use last",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string, db *sqlite.DB) error {
		// At first start the key is made here too, so that it can be given
		// away before anything happens.
		if _, err := audit.OpenSigner(cmd.Context(), db, dcv.Stamp(time.Now()), rand.Reader); err != nil {
			return ours(err)
		}
		var keys []store.LogKey
		if err := db.Read(cmd.Context(), func(r store.Reader) (err error) { keys, err = r.LogKeys(); return err }); err != nil {
			return ours(err)
		}
		type shown struct {
			ID      string     `json:"id"`
			Key     string     `json:"key"`
			Created time.Time  `json:"created"`
			Retired *time.Time `json:"retired,omitempty"`
		}
		list := []shown{}
		var b bytes.Buffer
		for i := range keys {
			k := &keys[i]
			s := shown{ID: hex.EncodeToString(k.ID), Key: audit.PublicKey(k), Created: k.Created}
			if !k.Retired.IsZero() {
				s.Retired = &k.Retired
			}
			list = append(list, s)
			fmt.Fprintln(&b, s.Key)
		}
		return output(cmd, list, func() string { return strings.TrimSuffix(b.String(), "\n") })
	})
}

func auditRotateCommand() *cobra.Command {
	return withStore(&cobra.Command{
		Use:   "rotate-key",
		Short: "Sign with a new key from now on; the old private key is wiped",
		Long:  "The old public key is kept, and what it signed stays valid; it vouches for the new one, so that who holds only the old one can go on.\nA running server signs with the new key from its next commit on.",
		Args:  cobra.NoArgs,
	}, func(cmd *cobra.Command, _ []string, db *sqlite.DB) error {
		now := dcv.Stamp(time.Now())
		if _, err := audit.OpenSigner(cmd.Context(), db, now, rand.Reader); err != nil {
			return ours(err)
		}
		k, err := audit.Rotate(cmd.Context(), db, now, rand.Reader)
		if err != nil {
			return ours(err)
		}
		text := audit.PublicKey(&k)
		return output(cmd, map[string]string{"key": text}, func() string { return text })
	})
}
