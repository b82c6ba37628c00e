package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"deed/authority"
	"deed/store"
)

// withAuthority opens the database that the settings name, which a running
// server may have open too, and runs fn.
func withAuthority(cmd *cobra.Command, fn func(ctx context.Context, a *authority.Authority) error) error {
	c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	db, err := openStore(cmd.Context(), c)
	if err != nil {
		return ours(err)
	}
	defer db.Close()
	a, err := administer(c, db)
	if err != nil {
		return ours(err)
	}
	return fn(cmd.Context(), a)
}

func accountCommand() *cobra.Command {
	create := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an account and its first API key (shown once)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				acc, org, key, err := a.CreateAccount(ctx, args[0])
				if err != nil {
					return refused(err)
				}
				v := struct {
					AccountID      int64  `json:"account_id"`
					APIKey         string `json:"api_key"`
					OrganizationID int64  `json:"organization_id"`
				}{acc.ID, key, org.ID}
				return output(cmd, v, func() string {
					return fmt.Sprintf("account %d, organization %d\nAPI key (shown this once): %s", v.AccountID, v.OrganizationID, v.APIKey)
				})
			})
		},
	}
	addFlags(create.Flags())
	cmd := &cobra.Command{Use: "account", Short: "Accounts (tenants)", Args: cobra.NoArgs, RunE: needsSubcommand}
	cmd.AddCommand(create)
	return cmd
}

func keyCommand() *cobra.Command {
	var account int64
	var name, role string
	create := &cobra.Command{
		Use:   "create --account ID",
		Short: "Create an API key (shown once)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				k, secret, err := a.CreateKey(ctx, account, name, store.Role(role))
				if err != nil {
					return refused(err)
				}
				v := struct {
					ID        int64  `json:"id"`
					AccountID int64  `json:"account_id"`
					Role      string `json:"role"`
					APIKey    string `json:"api_key"`
				}{k.ID, k.AccountID, string(k.Role), secret}
				return output(cmd, v, func() string {
					return fmt.Sprintf("key %d of account %d, role %s\nAPI key (shown this once): %s", v.ID, v.AccountID, v.Role, v.APIKey)
				})
			})
		},
	}
	create.Flags().Int64Var(&account, "account", 0, "id of the account (required)")
	create.Flags().StringVar(&name, "name", "", "what the key is for")
	create.Flags().StringVar(&role, "role", string(store.RoleFull), "full, domains or view_only")
	_ = create.MarkFlagRequired("account")

	var of int64
	list := &cobra.Command{
		Use:   "list",
		Short: "List API keys",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				keys, err := a.Keys(ctx, of)
				if err != nil {
					return refused(err)
				}
				return output(cmd, keyRows(keys), func() string { return keyTable(keys) })
			})
		},
	}
	list.Flags().Int64Var(&of, "account", 0, "only this account's")

	revoke := &cobra.Command{
		Use:   "revoke KEY_ID",
		Short: "Revoke an API key; it stops working at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id < 1 {
				return fmt.Errorf("%q is no key id; see deed key list", args[0])
			}
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				if err := a.RevokeKey(ctx, id); err != nil {
					return refused(err)
				}
				return output(cmd, map[string]any{"id": id, "revoked": true}, func() string { return fmt.Sprintf("key %d is revoked", id) })
			})
		},
	}
	cmd := &cobra.Command{Use: "key", Short: "API keys", Args: cobra.NoArgs, RunE: needsSubcommand}
	for _, c := range []*cobra.Command{create, list, revoke} {
		addFlags(c.Flags())
		cmd.AddCommand(c)
	}
	return cmd
}

// keyRow is a key as printed; the key itself is not known any more.
type keyRow struct {
	ID        int64      `json:"id"`
	AccountID int64      `json:"account_id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	Hint      string     `json:"hint"`
	Created   time.Time  `json:"created"`
	Revoked   *time.Time `json:"revoked,omitempty"`
}

func keyRows(keys []authority.Key) []keyRow {
	rows := make([]keyRow, 0, len(keys))
	for _, k := range keys {
		r := keyRow{ID: k.ID, AccountID: k.AccountID, Name: k.Name, Role: string(k.Role), Hint: k.Hint, Created: k.Created}
		if !k.Revoked.IsZero() {
			r.Revoked = &k.Revoked
		}
		rows = append(rows, r)
	}
	return rows
}

func keyTable(keys []authority.Key) string {
	var b strings.Builder
	t := table.NewWriter()
	t.SetOutputMirror(&b)
	t.AppendHeader(table.Row{"key", "account", "name", "role", "starts with", "created", "revoked"})
	for _, r := range keyRows(keys) {
		revoked := ""
		if r.Revoked != nil {
			revoked = r.Revoked.Format(time.DateTime)
		}
		t.AppendRow(table.Row{r.ID, r.AccountID, r.Name, r.Role, r.Hint, r.Created.Format(time.DateTime), revoked})
	}
	t.Render()
	return strings.TrimSuffix(b.String(), "\n")
}
