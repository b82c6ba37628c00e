package diagnose

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"deed/check"
	"deed/dcv"
	"deed/fetch"
)

// hop is one answer of a web server: to the attempt, or to the diagnosis.
type hop struct {
	url  *url.URL
	addr netip.AddrPort
	r    fetch.Response
}

func (h *hop) at() string { return h.url.String() + " at " + h.addr.Addr().String() }

// siteFacts is what the website said to the diagnosis.
type siteFacts struct {
	visits []hop // by the attempt
	again  []hop // the same addresses of the web, asked at all IP addresses
	random *hop  // a path that cannot exist
	astray []hop // places where people put the file by mistake
	mended []hop // where a redirect leads when it is mended
	inDNS  string
}

// website asks more of the site: at each of its addresses, at a path that
// cannot exist, and where the file may have gone.
func (g *gatherer) website(ctx context.Context) {
	s := &g.f.site
	for i := range g.f.visited {
		v := &g.f.visited[i]
		u, err := url.Parse(v.URL)
		addr, err2 := netip.ParseAddrPort(v.Addr)
		if err != nil || err2 != nil {
			continue
		}
		s.visits = append(s.visits, hop{u, addr, fetch.Response{
			Status: v.Status, Location: v.Location, ContentType: v.ContentType, Server: v.Server, Header: v.Header, Body: v.Body, Truncated: v.Truncated,
			Fault: fetch.Fault(v.Fault), FaultDetail: v.FaultDetail,
		}})
	}
	name := g.f.ch.Name.String()
	for _, n := range []string{check.Prefix + "." + name, name} {
		if t := g.look(ctx, n, dns.TypeTXT); t.ok() && slices.ContainsFunc(t.txt, func(x string) bool { return slipOf(x, g.f.file) == slipExact }) {
			s.inDNS = n
		}
	}
	if len(s.visits) == 0 {
		return
	}
	var fns []func()
	var found []hop
	ask := func(into *[]hop, u *url.URL, addr netip.AddrPort) {
		fns = append(fns, func() {
			if h := g.get(ctx, u, addr); h != nil {
				g.mu.Lock()
				*into = append(*into, *h)
				g.mu.Unlock()
			}
		})
	}
	last := &s.visits[len(s.visits)-1]
	if plain := g.f.ending("http"); plain != nil {
		last = plain
	}
	for _, a := range g.hosts(ctx, last) {
		if !slices.ContainsFunc(s.visits, func(v hop) bool { return v.addr == a && v.url.String() == last.url.String() }) {
			ask(&s.again, last.url, a)
		}
	}
	first := &s.visits[0]
	switch {
	case redirected(last.r.Status):
		if u, _ := mend(last); u != nil {
			if n, err := g.k.HostName(u.Hostname()); err == nil && n == u.Hostname() {
				p := port(u, g.f.ch)
				if u.Host = u.Hostname(); p != 80 && p != 443 {
					u.Host = fmt.Sprintf("%s:%d", u.Host, p)
				}
				for _, a := range g.hosts(ctx, &hop{url: u, addr: netip.AddrPortFrom(last.addr.Addr(), p)}) {
					ask(&s.mended, u, a)
					break
				}
			}
		}
	case last.r.Fault == fetch.FaultNone:
		if last.r.Status/100 == 2 {
			h := sha256.Sum256([]byte(g.f.canary))
			ask(&found, with(last.url, fmt.Sprintf("%s/%x", path.Dir(g.f.path), h[:10])), last.addr)
		}
		for _, p := range []string{"/" + path.Base(g.f.path), "/.well-known/" + path.Base(g.f.path), g.f.path + ".txt"} {
			ask(&s.astray, with(first.url, p), first.addr)
		}
		if _, err := g.k.HostName("www." + name); err == nil && !strings.HasPrefix(name, "www.") {
			u := *first.url
			u.Host = "www." + u.Host
			for _, a := range g.hosts(ctx, &hop{url: &u, addr: first.addr}) {
				ask(&s.astray, &u, a)
				break
			}
		}
	}
	all(fns)
	if len(found) > 0 {
		s.random = &found[0]
	}
	for _, list := range [][]hop{s.again, s.mended, s.astray} {
		for i := range list {
			g.see("GET "+list[i].at(), list[i].state())
		}
	}
}

func (h *hop) state() string {
	if h.r.Fault != fetch.FaultNone {
		return or(h.r.FaultDetail, string(h.r.Fault))
	}
	return fmt.Sprintf("status %d", h.r.Status)
}

func redirected(status int) bool { return status/100 == 3 }

func with(u *url.URL, p string) *url.URL {
	c := *u
	c.Path, c.RawQuery = p, ""
	return &c
}

// port is the one that a URL's scheme is asked on.
func port(u *url.URL, ch *dcv.Challenge) uint16 {
	switch {
	case u.Scheme == "https" && ch.HTTPSPort != 0:
		return ch.HTTPSPort
	case u.Scheme == "https":
		return 443
	case ch.HTTPPort != 0:
		return ch.HTTPPort
	}
	return 80
}

// hosts are the addresses of a URL's host that may be dialled; at most four.
func (g *gatherer) hosts(ctx context.Context, h *hop) []netip.AddrPort {
	policy := g.policy()
	var list []netip.AddrPort
	for _, qtype := range []uint16{dns.TypeAAAA, dns.TypeA} {
		s := g.look(ctx, h.url.Hostname(), qtype)
		if !s.ok() {
			continue
		}
		for _, a := range s.addrs {
			if _, ok := policy.Permits(a); ok && len(list) < 4 {
				list = append(list, netip.AddrPortFrom(a, h.addr.Port()))
			}
		}
	}
	return list
}

// get makes one hop, quicker to give up than a check is.
func (g *gatherer) get(ctx context.Context, u *url.URL, addr netip.AddrPort) *hop {
	r, err := g.k.HTTP.Hop(ctx, fetch.Hop{URL: u.String(), Addr: addr, MaxBody: 16 << 10, Deadline: time.Now().Add(3 * time.Second), Connect: time.Second, FirstByte: 2 * time.Second})
	if err != nil {
		return nil
	}
	return &hop{u, addr, r}
}

// ending is the last hop of the chain that began with a scheme; the check goes
// over http first, and then over https from the start.
func (f *facts) ending(scheme string) *hop {
	visits := f.site.visits
	if len(visits) == 0 || visits[0].url.Scheme != scheme {
		return nil
	}
	for i := 1; i < len(visits); i++ {
		if fresh(&visits[i-1], &visits[i]) {
			return &visits[i-1]
		}
	}
	return &visits[len(visits)-1]
}

// fresh: b does not follow from a: neither another address of the same URL,
// nor where a redirects to.
func fresh(a, b *hop) bool {
	if a.url.String() == b.url.String() {
		return false
	}
	to, err := url.Parse(a.r.Location)
	return !redirected(a.r.Status) || err != nil || a.url.ResolveReference(to).Path != b.url.Path
}

// mend guesses where a redirect was meant to lead, and names what is wrong
// with it.
func mend(h *hop) (*url.URL, dcv.Code) {
	rel, err := url.Parse(h.r.Location)
	if err != nil || h.r.Location == "" {
		return nil, ""
	}
	u := *h.url.ResolveReference(rel)
	host, glued, ok := strings.Cut(u.Hostname(), ".well-known")
	switch {
	case ok && glued == "" && host != "" && u.Hostname() != h.url.Hostname():
		u.Host, u.Path = strings.TrimSuffix(host, "."), "/.well-known"+u.Path
		return &u, dcv.HTTPRedirectSlash
	case strings.HasSuffix(u.Hostname(), "well-known") && strings.HasPrefix(u.Path, "/pki-validation"):
		return nil, dcv.HTTPRedirectSlash
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		u.Host = h.url.Host
		return &u, dcv.HTTPRedirectIP
	}
	if p := u.Port(); p != "" && p != h.url.Port() && p != "80" && p != "443" {
		u.Host = u.Hostname()
		if own := h.url.Port(); own != "" && u.Scheme == h.url.Scheme {
			u.Host += ":" + own
		}
		return &u, dcv.HTTPRedirectPort
	}
	return nil, ""
}
