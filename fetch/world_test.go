package fetch

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"deed/reserve"
	"deed/resolve"
)

// pretend is the world behind a client: what the DNS and the websites say, and
// all that was asked of them.
type pretend struct {
	addrs  map[string][]string    // host → addresses, in any order
	answer func(hop Hop) Response // a website; nil for an empty 200
	hops   []Hop
}

// Lookup is Lookups.
func (w *pretend) Lookup(_ context.Context, name string, qtype uint16) (resolve.Answer, error) {
	a := resolve.Answer{Name: name, Owner: name}
	for _, s := range w.addrs[name] {
		if addr := netip.MustParseAddr(s); addr.Is4() == (qtype == dns.TypeA) {
			a.Addrs = append(a.Addrs, addr)
		}
	}
	return a, nil
}

// Hop is Door.
func (w *pretend) Hop(_ context.Context, hop Hop) (Response, error) {
	w.hops = append(w.hops, hop)
	if w.answer == nil {
		return Response{Status: 200}, nil
	}
	return w.answer(hop), nil
}

// public refuses what names would: enough of it for these tests.
func public(host string) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || host == "" || host == "printer.local" {
		return "", errors.New("not a public domain name")
	}
	return host, nil
}

func (w *pretend) client(change ...func(*Options)) *Client {
	o := Options{Door: w, DNS: w, Policy: reserve.Policy{}, HostName: public}
	for _, c := range change {
		c(&o)
	}
	return NewClient(o)
}

// get fetches the file of a domain.
func (w *pretend) get(t *testing.T, avoid ...string) Page {
	t.Helper()
	p, err := w.client().Get(t.Context(), "http", "example.com", "/.well-known/pki-validation/fileauth.txt", avoid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// to is a redirect.
func to(status int, location string) Response { return Response{Status: status, Location: location} }
