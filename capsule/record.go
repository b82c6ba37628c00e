package capsule

import (
	"context"
	"sync"
	"time"

	"deed/fetch"
	"deed/resolve"
)

// Recorder stands before live doors and keeps what comes through.
type Recorder struct {
	dns   resolve.Door
	http  fetch.Door
	start time.Time

	mu    sync.Mutex
	asked []DNS
	hops  []HTTP
	shook []TLS
}

// Record makes a recorder; start is the challenge's Now.
func Record(dns resolve.Door, http fetch.Door, start time.Time) *Recorder {
	return &Recorder{dns: dns, http: http, start: start}
}

// Into moves the recording into a capsule.
func (r *Recorder) Into(c *Capsule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.DNS, c.HTTP, c.TLS = r.asked, r.hops, r.shook
}

// Exchange is resolve.Door.
func (r *Recorder) Exchange(ctx context.Context, ask resolve.Ask) (resolve.Reply, error) {
	reply, err := r.dns.Exchange(ctx, ask)
	if err != nil {
		return reply, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, DNS{
		Server: ask.Server.String(), Transport: string(ask.Transport), Name: ask.Name, Type: ask.Type, Flags: flags(ask),
		Sent: reply.Sent, Received: reply.Received, Started: reply.Started.Sub(r.start).Microseconds(),
		Elapsed: reply.Elapsed.Microseconds(), Fault: string(reply.Fault),
	})
	return reply, nil
}

func flags(ask resolve.Ask) uint8 {
	var f uint8
	for i, on := range []bool{ask.EDNS || ask.DO, ask.DO, ask.CD} {
		if on {
			f |= 1 << i
		}
	}
	return f
}

// Hop is fetch.Door.
func (r *Recorder) Hop(ctx context.Context, hop fetch.Hop) (fetch.Response, error) {
	resp, err := r.http.Hop(ctx, hop)
	if err != nil {
		return resp, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hops = append(r.hops, HTTP{
		URL: hop.URL, Addr: hop.Addr.String(), Status: resp.Status, Header: resp.Header, Location: resp.Location,
		ContentType: resp.ContentType, Server: resp.Server, Body: resp.Body, Truncated: resp.Truncated, Certificate: resp.Certificate,
		Started: resp.Started.Sub(r.start).Microseconds(), Elapsed: resp.Elapsed.Microseconds(),
		Fault: string(resp.Fault), FaultDetail: resp.FaultDetail,
	})
	return resp, nil
}
