// Package fetch gets a file from a website the way a validator must: every
// address is looked up through package resolve, vetted against the
// special-purpose registries and dialled exactly; redirects follow a policy
// that is data; size and time are bounded. Every HTTP exchange goes through
// one narrow door, Door, one hop at a time.
package fetch

import (
	"context"
	"net/netip"
	"time"
)

// Hop is one GET to one vetted address. No cookies, no credentials, no proxy,
// no connection reuse, no following of redirects.
type Hop struct {
	// URL is absolute, http or https, without userinfo or fragment; its host
	// goes into the Host header and the SNI.
	URL string
	// Addr is the address to dial, already vetted. The live door vets it again
	// when dialling.
	Addr netip.AddrPort
	// MaxBody is how many decoded bytes are read at most; also the limit of
	// the bytes read from the wire for the body.
	MaxBody int
	// Deadline is the end of all; the door sets none of its own beyond Connect
	// and FirstByte.
	Deadline  time.Time
	Connect   time.Duration // zero: 5 s
	FirstByte time.Duration // zero: 10 s
}

// Fault says how a hop failed; empty means a response came.
type Fault string

const (
	FaultNone      Fault = ""
	FaultConnect   Fault = "connect"   // refused, unreachable
	FaultTimeout   Fault = "timeout"   // connect, first byte or body took too long
	FaultTLS       Fault = "tls"       // handshake failed
	FaultMalformed Fault = "malformed" // not HTTP, header too large, bad encoding
	FaultReset     Fault = "reset"     // closed before the response was whole
	FaultForbidden Fault = "forbidden" // the live door refused the address
)

// Response is what came back, as read.
type Response struct {
	Status      int
	Location    string // the Location header as sent, at most 4096 bytes
	ContentType string
	Server      string // the Server header, for diagnosis
	Header      []byte // status line and header as read, at most 16 KiB
	Body        []byte // decoded, at most Hop.MaxBody bytes
	Truncated   bool   // more body was there
	Certificate []byte // DER of the server's leaf certificate on https; not judged
	Started     time.Time
	Elapsed     time.Duration
	Fault       Fault
	// FaultDetail is for people: a sentence without addresses of ours.
	FaultDetail string
}

// Door makes one hop. It returns an error only when ctx ended or when a replay
// has no such hop; everything the network does is in Response. It is safe for
// concurrent use.
type Door interface {
	Hop(ctx context.Context, hop Hop) (Response, error)
}
