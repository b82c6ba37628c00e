package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// server is a real SMTP server that answers as a test wants.
type server struct {
	addr       string
	roots      *x509.CertPool
	rcpt, data error // answers to RCPT and DATA

	mu   sync.Mutex
	got  []delivery
	auth []string
}

type delivery struct {
	from, to string
	raw      string
	tls      bool
}

type session struct {
	s    *server
	conn *smtp.Conn
	d    delivery
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }
func (x *session) Mail(from string, _ *smtp.MailOptions) error  { x.d.from = from; return nil }
func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error    { x.d.to = to; return x.s.rcpt }
func (x *session) Reset()                                       {}
func (x *session) Logout() error                                { return nil }
func (x *session) AuthMechanisms() []string                     { return []string{sasl.Plain} }
func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.auth = append(x.s.auth, user+":"+password)
		if password != "right" {
			return &smtp.SMTPError{Code: 535, Message: "no"}
		}
		return nil
	}), nil
}

func (x *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if x.s.data != nil {
		return x.s.data
	}
	_, secure := x.conn.TLSConnectionState()
	x.d.raw, x.d.tls = string(b), secure
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.got = append(x.s.got, x.d)
	return nil
}

// serve starts one; offer is "" for no TLS, "starttls" or "tls".
func serve(t *testing.T, offer, certFor string) *server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: certFor}, DNSNames: []string{certFor}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: ln.Addr().String(), roots: x509.NewCertPool()}
	s.roots.AddCert(cert)
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth, srv.ErrorLog = "test", true, log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	switch offer {
	case "starttls":
		srv.TLSConfig = config
	case "tls":
		ln = tls.NewListener(ln, config)
	}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return s
}

const raw = "From: dcv@deed.example\r\nTo: admin@example.com\r\nSubject: x\r\n\r\nline\r\n.hidden\r\nend\r\n"

func (s *server) send(t *testing.T, mode string, more ...func(*SMTP)) error {
	t.Helper()
	o := SMTP{Address: s.addr, From: "Deed <dcv@deed.example>", TLS: mode, Config: &tls.Config{RootCAs: s.roots, ServerName: "mx.example", MinVersion: tls.VersionTLS12}}
	for _, f := range more {
		f(&o)
	}
	sender, err := NewSender(o)
	if err != nil {
		t.Fatal(err)
	}
	return sender.Send(t.Context(), "admin@example.com", []byte(raw))
}

func TestTLSOfDelivery(t *testing.T) { // operator contract, smtp.tls
	for _, row := range []struct {
		name, offer, cert, mode string
		sent, tls               bool
	}{
		{"auto: STARTTLS when offered", "starttls", "mx.example", "auto", true, true},
		{"auto: plain where it is not offered", "", "mx.example", "auto", true, false},
		{"auto: a wrong certificate is no reason to go on in plain", "starttls", "other.example", "auto", false, false},
		{"starttls: used", "starttls", "mx.example", "starttls", true, true},
		{"starttls: required, so nothing is sent without", "", "mx.example", "starttls", false, false},
		{"starttls: a wrong certificate", "starttls", "other.example", "starttls", false, false},
		{"tls from the first byte", "tls", "mx.example", "tls", true, true},
		{"tls from the first byte: a wrong certificate", "tls", "other.example", "tls", false, false},
		{"tls from the first byte: a plain server", "", "mx.example", "tls", false, false},
		{"off: plain though TLS is offered", "starttls", "mx.example", "off", true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, row.offer, row.cert)
			err := s.send(t, row.mode)
			var e *Error
			switch {
			case row.sent && err != nil:
				t.Fatal(err)
			case row.sent:
				if len(s.got) != 1 || s.got[0].tls != row.tls || s.got[0].from != "dcv@deed.example" || s.got[0].to != "admin@example.com" || s.got[0].raw != raw {
					t.Errorf("%+v", s.got)
				}
			case !errors.As(err, &e) || e.Permanent || len(s.got) != 0:
				t.Errorf("%v %+v: our trouble is tried again", err, s.got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	answer := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	for _, row := range []struct {
		name       string
		rcpt, data error
		code       int
		permanent  bool
	}{
		{"the recipient is unknown", answer(550), nil, 550, true},
		{"the mailbox is busy", answer(450), nil, 450, false},
		{"too much mail for now", answer(452), nil, 452, false},
		{"the message is refused", nil, answer(554), 554, true},
		{"the message is not taken now", nil, answer(451), 451, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := serve(t, "", "mx.example")
			s.rcpt, s.data = row.rcpt, row.data
			var e *Error
			if err := s.send(t, "auto"); !errors.As(err, &e) || e.Code != row.code || e.Permanent != row.permanent {
				t.Errorf("%#v", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		s := serve(t, "", "mx.example")
		var e *Error
		if err := s.send(t, "auto", func(o *SMTP) { o.Address = "127.0.0.1:1" }); !errors.As(err, &e) || e.Permanent {
			t.Errorf("%v", err)
		}
	})
}

func TestPasswordsGoOverTLSOnly(t *testing.T) {
	with := func(password string) func(*SMTP) {
		return func(o *SMTP) { o.Username, o.Password = "user", password }
	}
	t.Run("right", func(t *testing.T) {
		s := serve(t, "starttls", "mx.example")
		if err := s.send(t, "starttls", with("right")); err != nil || len(s.got) != 1 {
			t.Errorf("%v %+v", err, s.got)
		}
	})
	t.Run("wrong", func(t *testing.T) {
		s := serve(t, "starttls", "mx.example")
		err := s.send(t, "starttls", with("wrong"))
		if err == nil || len(s.got) != 0 || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%v %+v", err, s.got)
		}
		var e *Error
		if !errors.As(err, &e) || e.Permanent {
			t.Errorf("%#v: a password is the operator's to mend, the message waits", err)
		}
	})
	t.Run("never in plain to another host", func(t *testing.T) {
		s := serve(t, "", "mx.example")
		// 127.0.0.1 counts as local for the library; a name of its own does not.
		sender, err := NewSender(SMTP{Address: s.addr, From: "dcv@deed.example", TLS: "off", Username: "user", Password: "right"})
		if err != nil {
			t.Fatal(err)
		}
		sender.host = "mx.example"
		if err := sender.Send(t.Context(), "a@example.com", []byte(raw)); err == nil || len(s.auth) != 0 {
			t.Errorf("%v %q", err, s.auth)
		}
	})
}

// What a hostile or broken server does ends, and is no success.
func TestBrokenServers(t *testing.T) {
	for _, row := range []struct{ name, says string }{
		{"says nothing and hangs up", ""},
		{"is no SMTP server", "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"never ends its greeting", strings.Repeat("220-x\r\n", 1000)},
		{"a line without end", "220 " + strings.Repeat("x", 1<<20)},
		{"closes after the greeting", "220 hello\r\n"},
		{"greets with no service", "554 no\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				for {
					c, err := ln.Accept()
					if err != nil {
						return
					}
					_, _ = c.Write([]byte(row.says))
					c.Close()
				}
			}()
			s := &server{addr: ln.Addr().String()}
			if err := s.send(t, "auto"); err == nil {
				t.Error("no error")
			}
		})
	}
	t.Run("a silent one ends with the caller's context", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if c, err := ln.Accept(); err == nil {
				defer c.Close()
				cancel()
				_, _ = io.Copy(io.Discard, c)
			}
		}()
		sender, err := NewSender(SMTP{Address: ln.Addr().String(), From: "dcv@deed.example", TLS: "auto"})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(ctx, "a@example.com", []byte(raw)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// A server that takes the message and is gone before QUIT has the message: a
// second one would be a second message.
func TestAcceptedIsSent(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "220 hello\r\n")
		buf := make([]byte, 4096)
		data := false
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			text := string(buf[:n])
			switch {
			case data && strings.HasSuffix(text, ".\r\n"):
				_, _ = io.WriteString(c, "250 taken\r\n")
				return
			case data:
			case strings.HasPrefix(text, "DATA"):
				data = true
				_, _ = io.WriteString(c, "354 go on\r\n")
			default:
				_, _ = io.WriteString(c, "250 ok\r\n")
			}
		}
	}()
	s := &server{addr: ln.Addr().String()}
	if err := s.send(t, "auto"); err != nil {
		t.Error(err)
	}
}

func TestSettingsAreVetted(t *testing.T) {
	for _, o := range []SMTP{{Address: "mx", From: "a@b.example"}, {Address: "mx:25", From: "nobody"}, {Address: "mx:25", From: "a@b\r\nBcc: x@y"}, {Address: "mx:25"}} {
		if _, err := NewSender(o); err == nil {
			t.Errorf("%+v", o)
		}
	}
}
