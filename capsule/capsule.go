// Package capsule holds the evidence of one attempt: the challenge, the
// versions, every DNS message and every HTTP hop as they came through the
// doors, what was done by mail, and the verdict. docs/capsule.md specifies the
// encoding.
package capsule

import (
	"net/netip"
	"time"

	"deed/dcv"
	"deed/resolve"
)

// Format is the version of the encoding.
const Format = 1

// Limits of a capsule that is read.
const (
	MaxSize   = 2 << 20 // bytes, unpacked
	maxEvents = 2000    // DNS exchanges, and HTTP hops
)

// Capsule is the whole of what an attempt saw.
type Capsule struct {
	Format    int           `cbor:"1,keyasint"`
	ID        string        `cbor:"2,keyasint"` // UUIDv7
	Deed      string        `cbor:"3,keyasint"` // version of the program
	Rules     string        `cbor:"4,keyasint"` // version of the Baseline Requirements
	PSL       string        `cbor:"5,keyasint"` // date of the public suffix list
	Challenge dcv.Challenge `cbor:"6,keyasint"`
	Servers   []string      `cbor:"7,keyasint"` // the resolvers asked
	DNS       []DNS         `cbor:"8,keyasint,omitempty"`
	HTTP      []HTTP        `cbor:"9,keyasint,omitempty"`
	Mail      *Mail         `cbor:"10,keyasint,omitempty"`
	// Cut: the attempt's own deadline ended it; what is missing was not asked.
	Cut     bool      `cbor:"11,keyasint,omitempty"`
	Ended   time.Time `cbor:"12,keyasint"`
	Verdict []byte    `cbor:"13,keyasint"` // JSON of dcv.Verdict: the decision and its words
	// Decision is the part of the verdict that a replay must reach again, bit
	// for bit, whatever the words of later versions are.
	Decision dcv.Decision `cbor:"14,keyasint"`
	TLS      []TLS        `cbor:"15,keyasint,omitempty"`
	// Diagnosis is apart from all that the verdict rests on.
	Diagnosis *Diagnosis `cbor:"16,keyasint,omitempty"`
}

// DNS is one exchange.
type DNS struct {
	Server    string `cbor:"1,keyasint"`
	Transport string `cbor:"2,keyasint"`
	Name      string `cbor:"3,keyasint"`
	Type      uint16 `cbor:"4,keyasint"`
	Flags     uint8  `cbor:"5,keyasint,omitempty"` // 1 EDNS, 2 DO, 4 CD
	Sent      []byte `cbor:"6,keyasint"`
	Received  []byte `cbor:"7,keyasint,omitempty"`
	Started   int64  `cbor:"8,keyasint"` // microseconds since the challenge's Now
	Elapsed   int64  `cbor:"9,keyasint"` // microseconds
	Fault     string `cbor:"10,keyasint,omitempty"`
}

// HTTP is one hop.
type HTTP struct {
	URL         string `cbor:"1,keyasint"`
	Addr        string `cbor:"2,keyasint"`
	Status      int    `cbor:"3,keyasint,omitempty"`
	Header      []byte `cbor:"4,keyasint,omitempty"`
	Location    string `cbor:"5,keyasint,omitempty"`
	ContentType string `cbor:"6,keyasint,omitempty"`
	Server      string `cbor:"7,keyasint,omitempty"`
	Body        []byte `cbor:"8,keyasint,omitempty"`
	Truncated   bool   `cbor:"9,keyasint,omitempty"`
	Certificate []byte `cbor:"10,keyasint,omitempty"`
	Started     int64  `cbor:"11,keyasint"`
	Elapsed     int64  `cbor:"12,keyasint"`
	Fault       string `cbor:"13,keyasint,omitempty"`
	FaultDetail string `cbor:"14,keyasint,omitempty"`
}

// Mail is what happened to one message of the e-mail method.
type Mail struct {
	Kind      string    `cbor:"1,keyasint"` // "constructed", "caa", "txt"
	Recipient string    `cbor:"2,keyasint"`
	ADN       dcv.Name  `cbor:"3,keyasint"`
	Created   time.Time `cbor:"4,keyasint"`
	Expires   time.Time `cbor:"5,keyasint"`
	Approved  time.Time `cbor:"6,keyasint,omitzero"` // when the right code was entered
	CodeHash  []byte    `cbor:"7,keyasint"`          // SHA-256 of the random value
}

// Resolvers reads the servers back; an entry that is no address is an error of
// the capsule.
func (c *Capsule) Resolvers() ([]netip.AddrPort, error) { return resolve.ParseServers(c.Servers) }
