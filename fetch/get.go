package fetch

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"deed/reserve"
	"deed/resolve"
)

// Lookups is what a client needs of the DNS.
type Lookups interface {
	Lookup(ctx context.Context, name string, qtype uint16) (resolve.Answer, error)
}

// Options configure a Client. The zero values of the bounds are the defaults
// of the requirements' checklist, H1 to H14.
type Options struct {
	Door   Door
	DNS    Lookups
	Policy reserve.Policy
	// HTTPPort and HTTPSPort are the only ports used, for the first request
	// and for redirects (H4). 0 means 80 and 443.
	HTTPPort, HTTPSPort uint16
	// HostName vets and normalises the host of a redirect's target; it must
	// refuse IP literals and internal names (H6).
	HostName func(host string) (string, error)
	MaxHops  int           // redirects followed at most; 10 if 0
	MaxBody  int           // bytes; 16 KiB if 0
	Total    time.Duration // 30 s if 0
}

// Client fetches pages through a door, for one attempt: the bytes it may
// receive are limited over its whole life. For one goroutine.
type Client struct {
	o        Options
	received int
}

// NewClient makes a client.
func NewClient(o Options) *Client {
	if o.HTTPPort == 0 {
		o.HTTPPort = 80
	}
	if o.HTTPSPort == 0 {
		o.HTTPSPort = 443
	}
	if o.MaxHops == 0 {
		o.MaxHops = 10
	}
	if o.MaxBody == 0 {
		o.MaxBody = 16 << 10
	}
	if o.Total == 0 {
		o.Total = 30 * time.Second
	}
	return &Client{o: o}
}

const (
	maxReceived  = 128 << 10 // bytes kept of all hops; the next one is not made
	maxURL       = 2000      // H6
	maxAddresses = 4         // tried for one hop
)

// Reason says why a page could not be had.
type Reason string

const (
	ReasonNone        Reason = ""
	ReasonDNS         Reason = "dns"               // Page.DNS says more
	ReasonNoAddress   Reason = "no_address"        // the host has no A or AAAA
	ReasonForbidden   Reason = "forbidden_address" // every address is special-purpose
	ReasonHop         Reason = "hop"               // Page.Last().Response.Fault says more
	ReasonRedirect    Reason = "redirect"          // refused by policy; Page.Why says which
	ReasonTooMany     Reason = "too_many_redirects"
	ReasonSecretInURL Reason = "value_in_request"
)

// Visit is one hop made.
type Visit struct {
	URL      string
	Addr     netip.AddrPort
	Response Response
}

// Page is what fetching found. Visits are all hops made, in order, also the
// failed tries of other addresses.
type Page struct {
	URL    string // of the last hop, or the one that could not be made
	Visits []Visit
	Reason Reason
	Why    string         // one sentence, for ReasonRedirect and ReasonForbidden
	DNS    *resolve.Error // for ReasonDNS
}

// Last is the last hop made; nil if none.
func (p *Page) Last() *Visit {
	if len(p.Visits) == 0 {
		return nil
	}
	return &p.Visits[len(p.Visits)-1]
}

// Get fetches the path from host by scheme, following redirects as the policy
// allows. avoid lists texts that must not occur in any request (H2). The error
// is the context's; everything else is in Page.
func (c *Client) Get(ctx context.Context, scheme, host, path string, avoid []string) (Page, error) {
	deadline := time.Now().Add(c.o.Total)
	u := c.url(scheme, host, path)
	p := Page{}
	for hops := 0; ; hops++ {
		p.URL = u.String()
		for _, secret := range avoid {
			if contains(u, secret) {
				p.Reason = ReasonSecretInURL
				return p, nil
			}
		}
		if err := c.hop(ctx, u, deadline, &p); err != nil || p.Reason != ReasonNone {
			return p, err
		}
		r := p.Last().Response
		if !redirects(r.Status) || r.Location == "" {
			return p, nil
		}
		if hops >= c.o.MaxHops {
			p.Reason = ReasonTooMany
			return p, nil
		}
		next, why := c.target(u, r.Location)
		if why != "" {
			p.Reason, p.Why = ReasonRedirect, why
			return p, nil
		}
		for _, v := range p.Visits {
			if v.URL == next.String() && v.Response.Fault == FaultNone {
				p.Reason, p.Why = ReasonTooMany, "the redirects go in a circle"
				return p, nil
			}
		}
		u = next
	}
}

func (c *Client) url(scheme, host, path string) *url.URL {
	port, usual := c.o.HTTPPort, uint16(80)
	if scheme == "https" {
		port, usual = c.o.HTTPSPort, 443
	}
	if port != usual {
		host += ":" + strconv.Itoa(int(port))
	}
	return &url.URL{Scheme: scheme, Host: host, Path: path}
}

// redirects lists the only codes that count (H5).
func redirects(status int) bool {
	return status == 301 || status == 302 || status == 307 || status == 308
}

// contains looks for a secret in everything of a URL that is sent, also where
// it is percent-encoded or, in the host, in another case.
func contains(u *url.URL, secret string) bool {
	if secret == "" {
		return false
	}
	for _, s := range []string{u.RequestURI(), u.Path, u.RawQuery} {
		if strings.Contains(s, secret) {
			return true
		}
	}
	if q, err := url.QueryUnescape(u.RawQuery); err == nil && strings.Contains(q, secret) {
		return true
	}
	return strings.Contains(strings.ToLower(u.Host), strings.ToLower(secret))
}

// target vets where a redirect leads (H4, H6). why is a sentence when refused.
func (c *Client) target(from *url.URL, location string) (to *url.URL, why string) {
	if len(location) > maxURL {
		return nil, "the redirect's address is longer than 2000 bytes"
	}
	for i := range len(location) {
		if location[i] <= 0x20 || location[i] >= 0x7f {
			return nil, "the redirect's address holds characters that no URL may hold"
		}
	}
	rel, err := url.Parse(location)
	if err != nil {
		return nil, "the redirect's address is not a URL"
	}
	u := from.ResolveReference(rel)
	u.Fragment, u.RawFragment = "", ""
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "the redirect leads to the scheme " + strconv.Quote(cut(u.Scheme, 20)) + "; only http and https are followed"
	case u.User != nil:
		return nil, "the redirect's address holds a user name"
	case u.Opaque != "" || u.Host == "":
		return nil, "the redirect's address has no host"
	}
	port, usual := c.o.HTTPPort, "80"
	if u.Scheme == "https" {
		port, usual = c.o.HTTPSPort, "443"
	}
	own := strconv.Itoa(int(port))
	if p := u.Port(); p != "" && p != own {
		return nil, "the redirect leads to port " + cut(p, 10) + "; only " + own + " is allowed for " + u.Scheme
	} else if p == "" && strings.HasSuffix(u.Host, ":") {
		return nil, "the redirect's address has an empty port"
	}
	host, err := c.o.HostName(u.Hostname())
	if err != nil {
		return nil, "the redirect leads to " + strconv.Quote(cut(u.Hostname(), 100)) + ", which is not a public domain name"
	}
	u.Host = host
	if own != usual {
		u.Host += ":" + own
	}
	if len(u.String()) > maxURL {
		return nil, "the redirect's address is longer than 2000 bytes"
	}
	return u, ""
}

// hop makes one hop: looks the host up, vets its addresses, and tries them,
// IPv6 first (H13), going on to the next only when no connection came about.
func (c *Client) hop(ctx context.Context, u *url.URL, deadline time.Time, p *Page) error {
	addrs, err := c.addresses(ctx, u, p)
	if err != nil || p.Reason != ReasonNone {
		return err
	}
	for i, addr := range addrs {
		if c.received > maxReceived {
			p.Reason, p.Why = ReasonTooMany, "the answers are larger than a check may hold"
			return nil
		}
		r, err := c.o.Door.Hop(ctx, Hop{URL: u.String(), Addr: addr, MaxBody: c.o.MaxBody, Deadline: deadline})
		if err != nil {
			return err
		}
		c.received += len(r.Header) + len(r.Body) + len(r.Certificate)
		p.Visits = append(p.Visits, Visit{u.String(), addr, r})
		// Only a connection that never stood is tried elsewhere.
		reached := r.Fault != FaultConnect && (r.Fault != FaultTimeout || r.Status != 0)
		if r.Fault == FaultNone {
			return nil
		}
		if reached || i == len(addrs)-1 {
			p.Reason = ReasonHop
			return nil
		}
	}
	return nil
}

func (c *Client) addresses(ctx context.Context, u *url.URL, p *Page) ([]netip.AddrPort, error) {
	port := c.o.HTTPPort
	if u.Scheme == "https" {
		port = c.o.HTTPSPort
	}
	var found, allowed []netip.AddrPort
	var failed *resolve.Error
	for _, qtype := range [2]uint16{dns.TypeAAAA, dns.TypeA} {
		a, err := c.o.DNS.Lookup(ctx, u.Hostname(), qtype)
		if err != nil {
			var e *resolve.Error
			if !errors.As(err, &e) {
				return nil, err
			}
			if e.Ours() || e.Kind == resolve.Bogus {
				p.Reason, p.DNS = ReasonDNS, e
				return nil, nil
			}
			failed = e
			continue
		}
		for _, addr := range a.Addrs {
			ap := netip.AddrPortFrom(addr, port)
			found = append(found, ap)
			if b, ok := c.o.Policy.Permits(addr); ok {
				allowed = append(allowed, ap)
			} else if p.Why == "" {
				p.Why = u.Hostname() + " points to " + addr.String() + " (" + b.Name + ", " + b.Source + ")"
			}
		}
		if a.NXDomain {
			break // it is so for every type (RFC 8020)
		}
	}
	switch {
	case len(allowed) > 0:
		p.Why = ""
		return spread(allowed), nil
	case len(found) > 0:
		p.Reason = ReasonForbidden
	case failed != nil:
		p.Reason, p.DNS = ReasonDNS, failed
	default:
		p.Reason = ReasonNoAddress
	}
	return nil, nil
}

// spread takes at most maxAddresses: IPv6 first, but never so many that IPv4
// is not tried.
func spread(all []netip.AddrPort) []netip.AddrPort {
	if len(all) <= maxAddresses {
		return all
	}
	var six, four []netip.AddrPort
	for _, a := range all {
		if a.Addr().Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	n := min(len(six), maxAddresses/2)
	n = max(n, min(len(six), maxAddresses-len(four)))
	return append(six[:n:n], four[:min(len(four), maxAddresses-n)]...)
}
