package store

import (
	"time"

	"deed/dcv"
)

// Arming is a method that is tried for a domain beside the domain's own, or
// with a key authorization that the caller supplied. The first method to pass
// proves the domain and ends all of them.
type Arming struct {
	ID        int64
	AccountID int64
	DomainID  int64
	Method    dcv.Method
	// Token is the random value of a method that publishes one, and the ACME
	// token of one that takes a key authorization; "" for others. It proves by
	// this method only (rule T7).
	Token            string
	KeyAuthorization string // RFC 8555 section 8.1; "" for methods that take none
	AccountURL       string // the ACME account's, as the caller named it; "" if none was given
	Created          time.Time
	Expires          time.Time // last instant at which Token counts; zero if nothing expires
	Ended            time.Time // disarmed, superseded or proven; zero while armed
}

// ArmedReader reads armed methods.
type ArmedReader interface {
	// Armed lists a domain's armed methods that have not ended (they may have
	// expired), oldest first.
	Armed(domain int64) ([]Arming, error)
}

// ArmedTx writes them.
type ArmedTx interface {
	InsertArming(Arming) (int64, error) // ErrConflict: the domain has that method armed
	// EndArming ends one: ErrConflict when it has ended, or there is none.
	EndArming(id int64, at time.Time) error
}
