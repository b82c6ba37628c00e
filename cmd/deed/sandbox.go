package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"deed/authority"
	"deed/sandbox"
)

func sandboxCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Everything on loopback: API, DNS, web server and mailbox, with a ready key",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			world, err := sandbox.Start()
			if err != nil {
				return ours(err)
			}
			defer world.Close()
			dir, err := os.MkdirTemp("", "deed-sandbox-")
			if err != nil {
				return ours(err)
			}
			defer os.RemoveAll(dir)
			port := func(p uint16) string { return strconv.Itoa(int(p)) }
			c, err := load(cmd.Flags(), map[string]string{
				"database": "sqlite:" + filepath.Join(dir, "deed.db"), "dns.resolvers": world.DNS.String(), "dns.dnssec": "off",
				"validation.http_port": port(world.HTTP.Port()), "validation.https_port": port(world.HTTPS.Port()),
				"validation.allow_private_addresses": "127.0.0.0/8", "validation.cname_target": "dcv.deed.example",
				"smtp.address": world.SMTP.String(), "smtp.from": "dcv@deed.example", "smtp.tls": "off", "log.level": "warn",
			}, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			c.nameServerPort = world.DNS.Port()
			db, err := openStore(cmd.Context(), c)
			if err != nil {
				return ours(err)
			}
			defer db.Close()
			return serve(cmd.Context(), c, db, cmd.OutOrStdout(), cmd.ErrOrStderr(), &addition{
				mount: func(mux *http.ServeMux) { world.Mount(mux) },
				announce: func(ctx context.Context, a *authority.Authority, origin string, line map[string]any) error {
					acc, org, key, err := a.CreateAccount(ctx, "Sandbox")
					if err != nil {
						return err
					}
					id, secret, err := a.CreateClient(ctx, acc.ID)
					if err != nil {
						return err
					}
					line["account_id"], line["organization_id"], line["api_key"], line["client_id"], line["client_secret"] = acc.ID, org.ID, key, id, secret
					line["database"] = c.Database
					line["dns"], line["http"], line["https"], line["smtp"] = world.DNS.String(), world.HTTP.String(), world.HTTPS.String(), world.SMTP.String()
					tell(cmd.ErrOrStderr(), world, "$ORIGIN", origin, "$SECRET", key, "$CLIENT", id, "$PASSWORD", secret, "$DATABASE", c.Database)
					return nil
				},
			})
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

// tell prints lines that work as they stand.
func tell(w io.Writer, world *sandbox.Internet, words ...string) {
	fmt.Fprintf(w, `
Deed's sandbox is up. Nothing leaves this machine; results say "test".

  API    %s
  DNS    %s     web %s and %s     mailbox %s

Paste into another terminal: add a domain, publish its random value, check.

%s
`, words[1], world.DNS, world.HTTP, world.HTTPS, world.SMTP, strings.NewReplacer(words...).Replace(tour))
}

// tour is the main job in a handful of lines. They name the address, the key and
// the OAuth2 client once, under the names that the README goes on with.
const tour = `export DEED=$ORIGIN KEY=$SECRET CLIENT_ID=$CLIENT CLIENT_SECRET=$PASSWORD DB=$DATABASE
DOMAIN=$(curl -s $DEED/services/v2/domain -H "X-DC-DEVKEY: $KEY" -d '{"name":"example.com","organization":{"id":1},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token"}'); echo "$DOMAIN"
ID=$(echo "$DOMAIN" | sed 's/{"id":\([0-9]*\).*/\1/'); TOKEN=$(echo "$DOMAIN" | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -s -X PUT $DEED/sandbox/dns -d '{"name":"_dnsauth.example.com","type":"TXT","value":"'$TOKEN'"}'
curl -s -X PUT $DEED/services/v2/domain/$ID/dcv/validate-token -H "X-DC-DEVKEY: $KEY"; echo
`
