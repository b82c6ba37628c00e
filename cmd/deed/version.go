package main

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"deed/rules"
)

// release is this version of Deed; it stands in every capsule.
const release = "0.1.0"

// commit is the source revision, where the build knows it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of Deed, its rules and its lists",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Settings that make no sense are no reason not to say the version.
			c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
			if err != nil {
				c = &config{}
			}
			n, _, err := normaliser(c)
			if err != nil {
				return err
			}
			v := struct {
				Version string `json:"version"`
				Commit  string `json:"commit"`
				Rules   string `json:"rules"`
				PSL     string `json:"public_suffix_list"`
			}{release, commit(), rules.Version, n.ListDate().Format(time.DateOnly)}
			return output(cmd, v, func() string {
				return fmt.Sprintf("deed %s (commit %s)\nBaseline Requirements %s\nPublic Suffix List of %s", v.Version, v.Commit, v.Rules, v.PSL)
			})
		},
	}
	addFlags(cmd.Flags())
	return cmd
}
