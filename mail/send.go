package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// sendTimeout bounds one delivery to the SMTP server.
const sendTimeout = 30 * time.Second

// Error is a delivery that failed.
type Error struct {
	// Permanent: the server refused this recipient or this message for good
	// (5xx); trying again is no use. A 5xx to anything else, such as the
	// password, is the operator's to mend, and the message waits.
	Permanent bool
	Code      int // SMTP reply code; 0 if there was none
	Err       error
}

func (e *Error) Error() string { return "mail: " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// SMTP configures a Sender (operator contract, smtp.*).
type SMTP struct {
	Address            string // host:port
	From               string
	Username, Password string
	TLS                string      // "auto", "starttls", "tls", "off"
	Config             *tls.Config // for tests; nil verifies against the system's roots
}

// Sender hands messages to an SMTP server.
type Sender struct {
	o        SMTP
	host     string
	envelope string
}

// NewSender vets the settings.
func NewSender(o SMTP) (*Sender, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("mail: sender %q: %w", o.From, err)
	}
	return &Sender{o, host, from.Address}, nil
}

// errNoTLS: the server offers no STARTTLS though it is required.
var errNoTLS = errors.New("the SMTP server does not offer STARTTLS, which smtp.tls requires")

// Send delivers raw, unchanged, to one recipient. The error is *Error, or the
// context's.
func (s *Sender) Send(ctx context.Context, to string, raw []byte) error {
	if err := s.send(ctx, to, raw); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e := &Error{Err: err}
		var reply *textproto.Error
		if errors.As(err, &reply) {
			e.Code = reply.Code
			e.Permanent = reply.Code >= 500 && errors.As(err, new(*refused))
		}
		return e
	}
	return nil
}

// refused is the server's answer to a recipient or a message.
type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

func (s *Sender) send(ctx context.Context, to string, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	config := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	if s.o.Config != nil {
		config = s.o.Config.Clone()
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.o.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if s.o.TLS == "tls" {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return err
	}
	defer c.Close()
	if s.o.TLS == "auto" || s.o.TLS == "starttls" {
		if ok, _ := c.Extension("STARTTLS"); ok {
			if err := c.StartTLS(config); err != nil {
				return err
			}
		} else if s.o.TLS == "starttls" {
			return errNoTLS
		}
	}
	if s.o.Username != "" {
		if err := c.Auth(smtp.PlainAuth("", s.o.Username, s.o.Password, s.host, false)); err != nil {
			return err
		}
	}
	if err := c.Mail(s.envelope); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return &refused{err}
	}
	w, err := c.Data()
	if err != nil {
		return &refused{err}
	}
	if _, err := w.Write(bytes.TrimSuffix(raw, []byte("\r\n.\r\n"))); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return &refused{err}
	}
	// The message is the server's from here on: how it says goodbye does not
	// make it unsent.
	_ = c.Quit()
	return nil
}

// Office composes and sends: what the authority calls its post.
type Office struct {
	*Composer
	*Sender
}
