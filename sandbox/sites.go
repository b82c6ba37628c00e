package sandbox

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Site lets a handler answer for a host, on every path that has no file.
func (n *Internet) Site(host string, h http.Handler) {
	n.web.mu.Lock()
	n.web.sites[host] = h
	n.web.mu.Unlock()
	n.zone.setDefaultAddress(host)
}

// WebServer opens another web server, at an address of its own on the port of
// HTTP. It answers for every host.
func (n *Internet) WebServer(addr netip.Addr, h http.Handler) error {
	ln, err := net.Listen("tcp", netip.AddrPortFrom(addr, n.HTTP.Port()).String())
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	n.stops = append(n.stops, func() { _ = srv.Shutdown(cancelled()) })
	return nil
}
