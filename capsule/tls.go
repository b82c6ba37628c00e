package capsule

import (
	"context"
	"fmt"
	"time"

	"deed/fetch"
)

// TLS is one handshake.
type TLS struct {
	Name        string `cbor:"1,keyasint"` // in the server name indication
	Addr        string `cbor:"2,keyasint"`
	Protocol    string `cbor:"3,keyasint"` // offered by ALPN
	Negotiated  string `cbor:"4,keyasint,omitempty"`
	Version     uint16 `cbor:"5,keyasint,omitempty"`
	Certificate []byte `cbor:"6,keyasint,omitempty"` // DER of the leaf
	Started     int64  `cbor:"7,keyasint"`           // microseconds since the challenge's Now
	Elapsed     int64  `cbor:"8,keyasint"`           // microseconds
	Fault       string `cbor:"9,keyasint,omitempty"`
	FaultDetail string `cbor:"10,keyasint,omitempty"`
}

func tlsKey(name, addr, protocol string) string { return name + " " + addr + " " + protocol }

// Shake is fetch.TLSDoor. The door that was given must be one.
func (r *Recorder) Shake(ctx context.Context, s fetch.Shake) (fetch.Shaken, error) {
	door, ok := r.http.(fetch.TLSDoor)
	if !ok {
		return fetch.Shaken{}, fmt.Errorf("capsule: the web's door %T makes no handshakes", r.http)
	}
	got, err := door.Shake(ctx, s)
	if err != nil {
		return got, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shook = append(r.shook, TLS{
		Name: s.Name, Addr: s.Addr.String(), Protocol: s.Protocol, Negotiated: got.Protocol, Version: got.Version, Certificate: got.Certificate,
		Started: got.Started.Sub(r.start).Microseconds(), Elapsed: got.Elapsed.Microseconds(), Fault: string(got.Fault), FaultDetail: got.FaultDetail,
	})
	return got, nil
}

// Shake is fetch.TLSDoor.
func (p *Player) Shake(_ context.Context, s fetch.Shake) (fetch.Shaken, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := tlsKey(s.Name, s.Addr.String(), s.Protocol)
	if len(p.tls[k]) == 0 {
		return fetch.Shaken{}, p.end
	}
	e := p.tls[k][0]
	p.tls[k] = p.tls[k][1:]
	return fetch.Shaken{
		Protocol: e.Negotiated, Version: e.Version, Certificate: e.Certificate, Started: p.start.Add(time.Duration(e.Started) * time.Microsecond),
		Elapsed: time.Duration(e.Elapsed) * time.Microsecond, Fault: fetch.Fault(e.Fault), FaultDetail: e.FaultDetail,
	}, nil
}
