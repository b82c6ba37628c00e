// Command deed is the server and its tools: commands, configuration, wiring
// and signals; nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes (operator contract).
const (
	exitDone      = 0
	exitNotProven = 1
	exitUsage     = 2
	exitOurs      = 3
)

// exit is an error that names its exit code. A silent one has said all it had
// to say already.
type exit struct {
	code   int
	err    error
	silent bool
}

func (e exit) Error() string { return e.err.Error() }
func (e exit) Unwrap() error { return e.err }

// ours marks an error as our own failure, not the caller's.
func ours(err error) error {
	if err == nil {
		return nil
	}
	return exit{code: exitOurs, err: err}
}

func main() {
	// The first signal asks for an orderly end; a second one ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var e exit
	if errors.As(err, &e) {
		if !e.silent {
			fmt.Fprintln(stderr, "deed:", e.err)
		}
		return e.code
	}
	fmt.Fprintln(stderr, "deed:", err)
	return exitUsage
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "deed",
		Short:         "Does this party control this domain?",
		Long:          "Deed hands out what to publish (a DNS record, a file, an e-mail), looks for it from the outside,\nsays yes or no with the reason, keeps the proof, and knows when the proof ends.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return exit{code: exitUsage, err: errors.New("name a command"), silent: true}
		},
	}
	root.PersistentFlags().Bool("json", false, "print data as JSON")
	root.AddCommand(sandboxCommand(), serveCommand(), checkCommand(), accountCommand(), keyCommand(), clientCommand(),
		migrateCommand(), replayCommand(), auditCommand(), versionCommand())
	return root
}
