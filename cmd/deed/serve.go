package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"deed/authority"
	"deed/store/sqlite"
)

// drainTime is how long SIGTERM waits for requests and checks in flight.
const drainTime = 40 * time.Second

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			noMigrate, _ := cmd.Flags().GetBool("no-migrate")
			db, err := openStore(cmd.Context(), c, noMigrate)
			if err != nil {
				return ours(err)
			}
			defer db.Close()
			return serve(cmd.Context(), c, db, cmd.OutOrStdout(), cmd.ErrOrStderr(), nil)
		},
	}
	cmd.Flags().Bool("no-migrate", false, "refuse to start on an older schema instead of migrating it")
	addFlags(cmd.Flags())
	return cmd
}

// addition is what sandbox puts on top of a server.
type addition struct {
	// mount adds handlers to the main listener.
	mount func(mux *http.ServeMux)
	// announce adds to the ready line, and may print for people; called once
	// the listener stands.
	announce func(ctx context.Context, a *authority.Authority, origin string, line map[string]any) error
}

// serve runs the server until ctx ends, then finishes what is in flight.
func serve(ctx context.Context, c *config, db *sqlite.DB, stdout, stderr io.Writer, add *addition) error {
	log := logger(c, stderr)
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return ours(err)
	}
	defer ln.Close()
	origin := c.PublicURL
	if origin == "" {
		origin = "http://" + ln.Addr().String()
	}
	app, err := build(c, db, origin, log)
	if err != nil {
		return ours(err)
	}

	mux := http.NewServeMux()
	app.mount(mux)
	if add != nil && add.mount != nil {
		add.mount(mux)
	}
	// Bounds on what a slow or hostile client may hold. Writes may last as
	// long as a check by hand does.
	srv := &http.Server{
		Handler:           app.wrap(mux),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	metrics, err := serveMetrics(c, app, log)
	if err != nil {
		return ours(err)
	}
	defer metrics()

	// Checks outlive the signal: work is ended by drain, not by ctx.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	background := make(chan error, 1)
	go func() { background <- app.authority.Run(ctx) }()
	if add == nil { // in a sandbox nobody gets a certificate by an old list
		app.suffixes.start(ctx)
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()

	line := map[string]any{"event": "listening", "address": ln.Addr().String(), "url": origin}
	if add != nil && add.announce != nil {
		if err := add.announce(work, app.authority, origin, line); err != nil {
			return ours(err)
		}
	}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return ours(fmt.Errorf("standard output: %w", err))
	}

	var end error
	select {
	case <-ctx.Done():
	case err := <-failed:
		end = ours(err)
	}
	log.Info("stopping: finishing what is in flight")
	app.notReady()
	drain, cancel := context.WithTimeout(work, drainTime)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		log.Warn("requests were still in flight", "error", err)
		srv.Close()
	}
	if err := app.authority.Close(drain); err != nil {
		log.Warn("checks were still in flight", "error", err)
	}
	select {
	case err := <-background:
		if err != nil && !errors.Is(err, context.Canceled) && end == nil {
			end = ours(err)
		}
	case <-drain.Done():
	}
	return end
}

// serveMetrics opens the metrics listener. A default port that is busy is a
// warning, so that two servers on one machine need no settings; a port that
// the operator named is an error.
func serveMetrics(c *config, app *app, log *slog.Logger) (func(), error) {
	if c.Metrics == "off" {
		return func() {}, nil
	}
	ln, err := net.Listen("tcp", c.Metrics)
	if err != nil {
		if c.MetricsGiven {
			return nil, fmt.Errorf("metrics.listen: %w", err)
		}
		log.Warn("no metrics: the default address is taken", "error", err)
		return func() {}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(app.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	return func() { _ = srv.Close() }, nil
}

func logger(c *config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // vetted by settings
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// openStore opens the database that the settings name, migrating it unless
// told not to.
func openStore(ctx context.Context, c *config, noMigrate ...bool) (*sqlite.DB, error) {
	path := strings.TrimPrefix(c.Database, "sqlite:")
	return sqlite.Open(ctx, path, sqlite.Options{NoMigrate: len(noMigrate) > 0 && noMigrate[0]})
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version's schema",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd.Flags(), nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			db, err := openStore(cmd.Context(), c)
			if err != nil {
				return ours(err)
			}
			defer db.Close()
			return output(cmd, map[string]any{"database": c.Database, "migrated": true}, func() string { return c.Database + " has this version's schema" })
		},
	}
	addFlags(cmd.Flags())
	return cmd
}

// needsSubcommand is the answer to a command that only groups others.
func needsSubcommand(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(os.Stderr)
	_ = cmd.Help()
	return exit{code: exitUsage, err: errors.New("name a subcommand"), silent: true}
}

// refused turns the authority's refusal into wrong usage, anything else into
// our own failure.
func refused(err error) error {
	var e *authority.Error
	if errors.As(err, &e) {
		return exit{code: exitUsage, err: errors.New(e.Message)}
	}
	return ours(err)
}
