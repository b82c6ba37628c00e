// Package sandbox is an Internet in a box, on loopback: a name server, a web
// server and a mailbox, with a control API to set what they say. It serves
// deed sandbox and the tests.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/miekg/dns"
)

// Internet is the box.
type Internet struct {
	DNS   netip.AddrPort // UDP and TCP
	HTTP  netip.AddrPort
	HTTPS netip.AddrPort
	SMTP  netip.AddrPort

	zone  *zone
	web   *web
	box   *mailbox
	stops []func()

	servers int        // addresses of loopback tried for further name servers
	opening sync.Mutex // one at a time through the control API
	opened  int
}

// Start opens all servers on free ports of 127.0.0.1.
func Start() (*Internet, error) {
	n := &Internet{zone: newZone(), web: newWeb(), box: newMailbox()}
	n.web.addressOf = n.zone.setDefaultAddress
	for _, open := range []func() error{n.startDNS, n.startWeb, n.startSMTP} {
		if err := open(); err != nil {
			n.Close()
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	return n, nil
}

// Close ends all servers.
func (n *Internet) Close() {
	for _, stop := range n.stops {
		stop()
	}
	n.stops = nil
}

func (n *Internet) startDNS() error {
	// The same port for both; another process may hold one of them.
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		ln, err := net.Listen("tcp", pc.LocalAddr().String())
		if err != nil {
			pc.Close()
			continue
		}
		for _, s := range []*dns.Server{{PacketConn: pc, Handler: n.zone}, {Listener: ln, Handler: n.zone}} {
			ready := make(chan struct{})
			s.NotifyStartedFunc = func() { close(ready) }
			go func() { _ = s.ActivateAndServe() }()
			<-ready
			n.stops = append(n.stops, func() { _ = s.Shutdown() })
		}
		n.DNS = netip.MustParseAddrPort(pc.LocalAddr().String())
		return nil
	}
	return errors.New("no port is free on both UDP and TCP")
}

func (n *Internet) startWeb() error {
	config, err := selfSigned()
	if err != nil {
		return err
	}
	for _, secure := range []bool{false, true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: n.web, ReadHeaderTimeout: 10 * time.Second, TLSConfig: config.Clone()}
		if secure {
			n.HTTPS = netip.MustParseAddrPort(ln.Addr().String())
			go func() { _ = srv.ServeTLS(ln, "", "") }()
		} else {
			n.HTTP = netip.MustParseAddrPort(ln.Addr().String())
			go func() { _ = srv.Serve(ln) }()
		}
		n.stops = append(n.stops, func() { _ = srv.Shutdown(cancelled()) })
	}
	return nil
}

func (n *Internet) startSMTP() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n.SMTP = netip.MustParseAddrPort(ln.Addr().String())
	srv := smtp.NewServer(n.box)
	srv.Domain, srv.MaxMessageBytes, srv.MaxRecipients = "sandbox.localhost", 1<<20, 100
	srv.ReadTimeout, srv.WriteTimeout = 30*time.Second, 30*time.Second
	go func() { _ = srv.Serve(ln) }()
	n.stops = append(n.stops, func() { _ = srv.Close() })
	return nil
}

// cancelled ends a server without waiting for idle connections.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
