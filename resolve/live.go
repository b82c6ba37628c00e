package resolve

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// defaultTimeout bounds one exchange that names no timeout.
const defaultTimeout = 2 * time.Second

// udpSize is the EDNS payload size offered (DNS flag day 2020).
const udpSize = 1232

// Live is the door to the real network. Each UDP question goes out from a new
// socket, so with a new port of the kernel's choice, with a random id and the
// letters of the name in random case (draft-vixie-dnsext-dns0x20).
type Live struct {
	now     func() time.Time
	random  io.Reader
	buffers sync.Pool
}

// LiveOptions configure a live door; the zero value is for production.
type LiveOptions struct {
	Now    func() time.Time
	Random io.Reader // crypto/rand if nil
}

// NewLive makes a live door.
func NewLive(o LiveOptions) *Live {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Live{now: o.Now, random: o.Random, buffers: sync.Pool{New: func() any { b := make([]byte, 4096); return &b }}}
}

// Exchange sends one question and waits for its answer.
func (l *Live) Exchange(ctx context.Context, ask Ask) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	r := Reply{Started: l.now()}
	sent, err := l.query(ask)
	if err != nil {
		return Reply{}, err
	}
	r.Sent = sent
	timeout := ask.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	start := time.Now()
	deadline := start.Add(timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	conn, err := dial(ctx, ask, deadline)
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		_ = conn.SetDeadline(deadline)
		if ask.Transport == TCP {
			r.Received, err = exchangeTCP(conn, sent)
		} else {
			r.Received, r.Fault, err = l.exchangeUDP(conn, sent)
		}
		stop()
		conn.Close()
	}
	r.Elapsed = time.Since(start)
	if ctxErr := ctx.Err(); ctxErr != nil && err != nil && !errors.Is(ctxErr, context.DeadlineExceeded) {
		return Reply{}, ctxErr
	}
	if err != nil {
		r.Fault = fault(err)
		r.Received = nil
	}
	return r, nil
}

// dial opens a socket that speaks with the server only. For UDP nothing is
// waited for.
func dial(ctx context.Context, ask Ask, deadline time.Time) (net.Conn, error) {
	if ask.Transport == TCP {
		d := net.Dialer{Deadline: deadline}
		return d.DialContext(ctx, "tcp", ask.Server.String())
	}
	var d net.Dialer
	conn, err := d.DialUDP(ctx, "udp", netip.AddrPort{}, ask.Server)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// pack writes the question as a message (RFC 1035 section 4.1, RFC 6891
// section 6.1.2), the id left zero.
func pack(ask Ask) ([]byte, error) {
	wire := make([]byte, 12+len(ask.Name)+2+4+11)
	wire[2] = 1 // recursion desired
	if ask.CD {
		wire[3] = 1 << 4
	}
	wire[5] = 1 // one question
	end, err := dns.PackDomainName(dns.Fqdn(ask.Name), wire, 12, nil, false)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint16(wire[end:], ask.Type)
	wire[end+3] = dns.ClassINET
	end += 4
	if ask.EDNS || ask.DO {
		wire[11] = 1 // an OPT record: root name, type, payload size, flags, no options
		binary.BigEndian.PutUint16(wire[end+1:], dns.TypeOPT)
		binary.BigEndian.PutUint16(wire[end+3:], udpSize)
		if ask.DO {
			wire[end+7] = 1 << 7
		}
		end += 11
	}
	return wire[:end], nil
}

// query packs the question with its randomness.
func (l *Live) query(ask Ask) ([]byte, error) {
	wire, err := pack(ask)
	if err != nil {
		return nil, err
	}
	var random [2 + 32]byte // id, and a bit of case for each octet of the name
	if _, err := io.ReadFull(l.random, random[:]); err != nil {
		return nil, err
	}
	wire[0], wire[1] = random[0], random[1]
	if ask.Transport == UDP {
		for i := 12; i < len(wire) && wire[i] != 0; {
			end := i + 1 + int(wire[i])
			for j := i + 1; j < end; j++ {
				if c := wire[j]; c >= 'a' && c <= 'z' && random[2+j/8%32]>>(j%8)&1 == 1 {
					wire[j] = c - 'a' + 'A'
				}
			}
			i = end
		}
	}
	return wire, nil
}

func (l *Live) exchangeUDP(conn net.Conn, sent []byte) ([]byte, Fault, error) {
	if _, err := conn.Write(sent); err != nil {
		return nil, FaultNone, err
	}
	buf := l.buffers.Get().(*[]byte)
	defer l.buffers.Put(buf)
	for {
		n, err := conn.Read(*buf)
		if err != nil {
			return nil, FaultNone, err
		}
		switch got := (*buf)[:n]; match(sent, got) {
		case exact:
			return bytes.Clone(got), FaultNone, nil
		case folded:
			// Some servers answer in lower case. Asked again over TCP, where
			// nothing can be slipped in.
			return bytes.Clone(got), FaultCase, nil
		}
	}
}

func exchangeTCP(conn net.Conn, sent []byte) ([]byte, error) {
	frame := make([]byte, 2, 2+len(sent))
	binary.BigEndian.PutUint16(frame, uint16(len(sent)))
	if _, err := conn.Write(append(frame, sent...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	got := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, got); err != nil {
		return nil, err
	}
	if match(sent, got) == foreign {
		return nil, io.ErrUnexpectedEOF
	}
	return got, nil
}

// likeness of an answer to the question asked.
type likeness int

const (
	foreign likeness = iota
	folded           // the same but for the case of letters
	exact
)

// match compares id, direction and question (RFC 5452 section 9): the DNS
// library does not. An error reply without a question is taken by its id.
func match(sent, got []byte) likeness {
	if len(got) < 12 || len(sent) < 12 || got[0] != sent[0] || got[1] != sent[1] || got[2]&0x80 == 0 || got[2]&0x78 != sent[2]&0x78 {
		return foreign
	}
	end := 12
	for end < len(sent) && sent[end] != 0 {
		end += 1 + int(sent[end])
	}
	end += 5 // root label, type, class
	if end > len(sent) {
		return foreign
	}
	count := binary.BigEndian.Uint16(got[4:6])
	if count == 0 && got[3]&0x0f != 0 {
		return exact
	}
	if count != 1 || len(got) < end {
		return foreign
	}
	switch q := got[12:end]; {
	case bytes.Equal(q, sent[12:end]):
		return exact
	case bytes.EqualFold(q, sent[12:end]):
		return folded
	}
	return foreign
}

func fault(err error) Fault {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return FaultTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return FaultRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return FaultBroken
	}
	return FaultNetwork
}

// ParseServers reads host:port pairs of IP addresses.
func ParseServers(list []string) ([]netip.AddrPort, error) {
	servers := make([]netip.AddrPort, len(list))
	for i, s := range list {
		a, err := netip.ParseAddrPort(s)
		if err != nil {
			return nil, err
		}
		servers[i] = a
	}
	return servers, nil
}

// SystemServers are the resolvers of /etc/resolv.conf.
func SystemServers() ([]netip.AddrPort, error) {
	conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	list := make([]string, len(conf.Servers))
	for i, s := range conf.Servers {
		list[i] = net.JoinHostPort(s, conf.Port)
	}
	return ParseServers(list)
}
