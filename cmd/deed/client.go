package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"deed/authority"
)

func clientCommand() *cobra.Command {
	var account int64
	create := &cobra.Command{
		Use:   "create --account ID",
		Short: "Create an OAuth2 client id and secret (shown once)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				id, secret, err := a.CreateClient(ctx, account)
				if err != nil {
					return refused(err)
				}
				v := struct {
					ID     string `json:"client_id"`
					Secret string `json:"client_secret"`
				}{id, secret}
				return output(cmd, v, func() string {
					return fmt.Sprintf("client id:     %s\nclient secret: %s (shown this once)", v.ID, v.Secret)
				})
			})
		},
	}
	create.Flags().Int64Var(&account, "account", 0, "id of the account (required)")
	_ = create.MarkFlagRequired("account")

	var of int64
	list := &cobra.Command{
		Use:   "list",
		Short: "List OAuth2 clients",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				clients, err := a.Clients(ctx, of)
				if err != nil {
					return refused(err)
				}
				rows := clientRows(clients)
				return output(cmd, rows, func() string { return clientTable(rows) })
			})
		},
	}
	list.Flags().Int64Var(&of, "account", 0, "only this account's")

	revoke := &cobra.Command{
		Use:   "revoke CLIENT_ID",
		Short: "Revoke an OAuth2 client; it and the tokens it holds stop working at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAuthority(cmd, func(ctx context.Context, a *authority.Authority) error {
				if err := a.RevokeClient(ctx, args[0]); err != nil {
					return refused(err)
				}
				return output(cmd, map[string]any{"client_id": args[0], "revoked": true}, func() string { return "client " + args[0] + " is revoked" })
			})
		},
	}
	cmd := &cobra.Command{Use: "client", Short: "OAuth2 clients of the CPS API", Args: cobra.NoArgs, RunE: needsSubcommand}
	for _, c := range []*cobra.Command{create, list, revoke} {
		addFlags(c.Flags())
		cmd.AddCommand(c)
	}
	return cmd
}

// clientRow is a client as printed; its secret is not known any more.
type clientRow struct {
	ID        string     `json:"client_id"`
	AccountID int64      `json:"account_id"`
	Scope     string     `json:"scope"`
	Created   time.Time  `json:"created"`
	Revoked   *time.Time `json:"revoked,omitempty"`
}

func clientRows(clients []authority.Client) []clientRow {
	rows := make([]clientRow, 0, len(clients))
	for _, c := range clients {
		r := clientRow{ID: c.ID, AccountID: c.AccountID, Scope: c.Scope, Created: c.Created}
		if !c.Revoked.IsZero() {
			r.Revoked = &c.Revoked
		}
		rows = append(rows, r)
	}
	return rows
}

func clientTable(rows []clientRow) string {
	var b strings.Builder
	t := table.NewWriter()
	t.SetOutputMirror(&b)
	t.AppendHeader(table.Row{"client", "account", "scope", "created", "revoked"})
	for _, r := range rows {
		revoked := ""
		if r.Revoked != nil {
			revoked = r.Revoked.Format(time.DateTime)
		}
		t.AppendRow(table.Row{r.ID, r.AccountID, r.Scope, r.Created.Format(time.DateTime), revoked})
	}
	t.Render()
	return strings.TrimSuffix(b.String(), "\n")
}
