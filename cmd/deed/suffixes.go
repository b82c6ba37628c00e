package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"deed/names"
	"deed/rules"
)

// listLook is how often the file of the public suffix list is looked at.
const listLook = time.Minute

// normaliser is what names are read by: with the list that the settings name,
// or the one built in.
func normaliser(c *config) (*names.Names, *names.File, error) {
	n, err := names.New()
	if err != nil || c.SuffixList == "" {
		return n, nil, err
	}
	f, err := n.NewFile(c.SuffixList)
	if err != nil {
		return nil, nil, badSetting{"names.suffix_list", c.SuffixList, "a file in the format of publicsuffix.org (" + err.Error() + ")", "configuration"}
	}
	return n, f, nil
}

// suffixes watches the public suffix list of a server: its file, and its age.
type suffixes struct {
	names *names.Names
	file  *names.File // nil: the list built in
	log   *slog.Logger
	now   func() time.Time
}

// start reloads the file when it changes and on SIGHUP, and speaks of the
// list's age once a day, until ctx ends. Once it returns, SIGHUP ends the
// process no more.
func (s *suffixes) start(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go s.run(ctx, hup)
}

func (s *suffixes) run(ctx context.Context, hup chan os.Signal) {
	defer signal.Stop(hup)
	tick := time.NewTicker(listLook)
	defer tick.Stop()
	var spoke time.Time
	for {
		if now := s.now(); now.Sub(spoke) >= 24*time.Hour {
			s.speak(now)
			spoke = now
		}
		select {
		case <-ctx.Done():
			return
		case <-hup:
			s.refresh(true)
		case <-tick.C:
			s.refresh(false)
		}
	}
}

func (s *suffixes) refresh(force bool) {
	if s.file == nil {
		return
	}
	changed, err := s.file.Refresh(force)
	switch {
	case err != nil:
		s.log.Error("the public suffix list was not reloaded; the one in use stays", "error", err, "date", s.names.ListDate().Format(time.DateOnly))
	case changed:
		s.log.Info("the public suffix list was reloaded", "date", s.names.ListDate().Format(time.DateOnly))
	}
}

// speak says that the list is old (BR 3.2.2.6 wants it fresh). It is no reason
// not to serve: a build would end by itself one month after its list.
func (s *suffixes) speak(now time.Time) {
	age, limit := s.names.Age(now), rules.Ours()
	args := []any{"date", s.names.ListDate().Format(time.DateOnly), "days", int(age.Hours() / 24)}
	switch {
	case age > limit.ListAlarm:
		s.log.Error("the public suffix list is too old; name a fresh file in names.suffix_list", args...)
	case age > limit.ListWarn:
		s.log.Warn("the public suffix list is getting old; name a fresh file in names.suffix_list", args...)
	}
}

// state is a line for /readyz.
func (s *suffixes) state() string {
	age, limit := s.names.Age(s.now()), rules.Ours()
	word := "ok"
	switch {
	case age > limit.ListAlarm:
		word = "too old"
	case age > limit.ListWarn:
		word = "getting old"
	}
	return fmt.Sprintf("public suffix list of %s: %s", s.names.ListDate().Format(time.DateOnly), word)
}

func (s *suffixes) metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "deed_public_suffix_list_date_seconds", Help: "Date of the public suffix list in use, in Unix seconds.",
	}, func() float64 { return float64(s.names.ListDate().Unix()) })
}
