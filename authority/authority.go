// Package authority is the life cycle: accounts, domains, orders, random
// values, checks and proofs. It is the only writer of state. Dialects decode a
// request, call one command here and encode its answer.
package authority

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"deed/audit"
	"deed/capsule"
	"deed/check"
	"deed/dcv"
	"deed/mail"
	"deed/names"
	"deed/store"
)

// Engine looks and judges.
type Engine interface {
	Attempt(ctx context.Context, ch dcv.Challenge) (check.Record, error)
	Mail(ctx context.Context, ch dcv.Challenge, m capsule.Mail) (check.Record, error)
	Contacts(ctx context.Context, adn dcv.Name) (byCAA, byTXT []string, err error)
}

// Post composes and sends messages.
type Post interface {
	Compose(mail.Message) ([]byte, error)
	Send(ctx context.Context, to string, raw []byte) error
}

// Options configure an Authority.
type Options struct {
	Store  store.Store
	Names  *names.Names
	Engine Engine
	// Post is nil where no SMTP server is set: the e-mail method is refused.
	Post      Post
	PublicURL string // origin of links
	// CNAMETarget is the verification_value of the CNAME method.
	CNAMETarget  string
	HTTPPort     uint16
	HTTPSPort    uint16
	AllowPrivate []netip.Prefix
	RulesAsOf    time.Time
	Retention    time.Duration // how long capsules are kept past their use; 0 for ever
	Permission   Permission
	Workers      int // automatic checks at once; 32 if 0
	// Patience is how long a check of a whole request keeps its caller waiting; 80 s if 0.
	Patience time.Duration
	Now      func() time.Time
	Random   io.Reader
	Log      *slog.Logger
	Watch    Watch // nil counts nothing
}

// Authority is the life cycle. Safe for concurrent use.
type Authority struct {
	o      Options
	wake   chan struct{}
	swept  time.Time // of Run: when capsules past their time were last looked for
	flight sync.WaitGroup
	// signing is the key of access tokens, once it was needed.
	signing atomic.Pointer[[]byte]
}

// New makes an authority.
func New(o Options) (*Authority, error) {
	if o.Store == nil || o.Names == nil {
		return nil, errors.New("authority: a store and a normaliser are needed")
	}
	if o.Workers == 0 {
		o.Workers = 32
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Watch == nil {
		o.Watch = unwatched{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Authority{o: o, wake: make(chan struct{}, 1)}, nil
}

// Close waits for checks and mails in flight, or for ctx.
func (a *Authority) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() { a.flight.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Authority) now() time.Time { return dcv.Stamp(a.o.Now()) }

// rulesAt is the instant whose rules judge what happens at now.
func (a *Authority) rulesAt(now time.Time) time.Time {
	if a.o.RulesAsOf.IsZero() {
		return now
	}
	return a.o.RulesAsOf
}

func (a *Authority) read(ctx context.Context, fn func(store.Reader) error) error {
	return a.o.Store.Read(ctx, fn)
}

// write runs fn once more when another was first: each fn reads the state it
// changes from.
func (a *Authority) write(ctx context.Context, fn func(store.Tx) error) error {
	for try := 0; ; try++ {
		err := a.o.Store.Write(ctx, fn)
		if try == 4 || !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func refusal(kind ErrorKind, code, field, message string, args ...any) error {
	return &Error{kind, code, field, fmt.Sprintf(message, args...)}
}

// found turns the store's "not found" into ours.
func found(err error, what string) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal(NotFound, what, "", "There is no such %s.", what)
	}
	return err
}

func (a *Authority) normalise(field, input string) (dcv.Name, error) {
	n, err := a.o.Names.Normalise(input)
	var r *names.Refusal
	if errors.As(err, &r) {
		return n, refusal(Invalid, r.Code, field, "%s", r.Error())
	}
	return n, err
}

// event writes a line of the account's history, and a leaf of the evidence log.
func (a *Authority) event(t store.Tx, actor Actor, now time.Time, kind string, domain, order int64) error {
	return a.history(t, audit.Leaf{Kind: kind, At: now, Account: actor.Account, Domain: domain, Order: order, Actor: actor.Name})
}

// note writes a line of history alone, for what bears on no proof by itself: a
// random value stands in the capsule of every attempt that looked for it.
func note(t store.Tx, actor Actor, now time.Time, kind string, domain, order int64) error {
	return t.InsertEvent(store.Event{At: now, AccountID: actor.Account, Actor: actor.Name, Kind: kind, DomainID: domain, OrderID: order, Detail: "{}"})
}

// history writes what a leaf says into the log and the account's history.
func (a *Authority) history(t store.Tx, l audit.Leaf) error {
	if _, err := audit.Append(t, l); err != nil {
		return err
	}
	return t.InsertEvent(store.Event{At: l.At, AccountID: l.Account, Actor: l.Actor, Kind: l.Kind, DomainID: l.Domain, OrderID: l.Order, Detail: "{}"})
}

// nudge wakes the scheduler: something is due earlier than it knew.
func (a *Authority) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Now is the authority's clock, for dialects that show what is expired.
func (a *Authority) Now() time.Time { return a.now() }
