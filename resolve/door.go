// Package resolve asks the DNS. Everything that comes from a name server comes
// in through one narrow door, Door, which exchanges one message; the client
// above it follows aliases, retries, falls back to TCP and turns answers into
// values. The client cannot tell a live door from a recording or a replay.
package resolve

import (
	"context"
	"net/netip"
	"time"
)

// Transport of one exchange.
type Transport string

const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// Ask is one question to one server. It holds no randomness: message id,
// source port and the mixed case of the name are chosen by the live door and
// stand in Reply.Sent.
type Ask struct {
	Server    netip.AddrPort
	Transport Transport
	Name      string // lower case, without final dot; underscores allowed; "." for the root
	Type      uint16
	EDNS      bool // send OPT with a UDP size of 1232
	DO        bool // ask for DNSSEC records (implies EDNS)
	CD        bool
	// Timeout bounds this exchange; zero means two seconds.
	Timeout time.Duration
}

// Fault says how an exchange failed; empty means an answer came.
type Fault string

const (
	FaultNone    Fault = ""
	FaultTimeout Fault = "timeout"
	FaultRefused Fault = "connection_refused" // ICMP or TCP reset: the server is not there
	FaultNetwork Fault = "network"            // no route, interface down, anything else of the network
	FaultBroken  Fault = "broken"             // TCP closed early or a frame of wrong length
	FaultCase    Fault = "case"               // the answer repeats the name in another case; Received is kept, not believed
)

// Reply is what came back, raw. An answer with another id, another question or
// another spelling of the name than the one sent is not a reply: the live door
// goes on reading until Timeout (RFC 5452).
type Reply struct {
	Sent     []byte // the query as sent, without the TCP length
	Received []byte // the answer, at most 65535 bytes; nil on fault
	Started  time.Time
	Elapsed  time.Duration
	Fault    Fault
}

// Door exchanges one message. It returns an error only when ctx ended or when
// a replay has no such exchange; everything the network does is in Reply.
// It is safe for concurrent use.
type Door interface {
	Exchange(ctx context.Context, ask Ask) (Reply, error)
}
