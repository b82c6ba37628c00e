package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// output prints v as JSON under --json, else what text says.
func output(cmd *cobra.Command, v any, text func() string) error {
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		return ours(enc.Encode(v))
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), text())
	return ours(err)
}
