package fetch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"deed/reserve"
)

// Defaults and bounds of one hop (H8, H9).
const (
	defaultConnect   = 5 * time.Second
	defaultFirstByte = 10 * time.Second
	maxHeader        = 16 << 10
	maxLocation      = 4096
	// wireSlack is what may be read beyond the body's own bound: chunk sizes
	// and one buffer.
	wireSlack = 8 << 10
	// tlsSlack is what a handshake and the framing of records may take.
	tlsSlack   = 96 << 10
	maxInterim = 5 // 1xx responses passed over
	// A redirect's body is read by nobody; some of it is kept for people.
	maxRedirectBody = 512
)

// UserAgent is fixed: nothing of the request tells one check from another.
const UserAgent = "Deed-DCV/1"

// Live is the door to the real network.
type Live struct{ o LiveOptions }

// LiveOptions configure a live door.
type LiveOptions struct {
	// Policy vets every address once more at the moment of dialling.
	Policy reserve.Policy
	Now    func() time.Time // time.Now if nil
}

// NewLive makes a live door.
func NewLive(o LiveOptions) *Live {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Live{o}
}

// errForbidden is a dial that the policy refused.
type errForbidden struct{ block reserve.Block }

func (e errForbidden) Error() string { return "fetch: address is " + e.block.Name }

// Hop makes one request on a connection of its own.
func (l *Live) Hop(ctx context.Context, hop Hop) (Response, error) {
	if err := ctx.Err(); err != nil {
		return Response{}, err
	}
	u, err := url.Parse(hop.URL)
	if err != nil {
		return Response{}, fmt.Errorf("fetch: %w", err)
	}
	start := time.Now()
	r := Response{Started: l.o.Now()}
	err = l.exchange(ctx, hop, u, &r)
	r.Elapsed = time.Since(start)
	// A cancelled caller is no observation; a deadline that the caller set as
	// the end of the whole attempt is.
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(ctxErr, context.DeadlineExceeded) {
		return Response{}, ctxErr
	}
	if err != nil {
		r.Fault, r.FaultDetail = fault(err)
	}
	return r, nil
}

func (l *Live) exchange(ctx context.Context, hop Hop, u *url.URL, r *Response) error {
	end := hop.Deadline
	if end.IsZero() {
		end = time.Now().Add(30 * time.Second)
	}
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	conn, err := l.dial(ctx, hop, end)
	if err != nil {
		return stage{FaultConnect, err}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(earlier(end, time.Now().Add(or(hop.FirstByte, defaultFirstByte))))

	limited := &limitedConn{Conn: conn, left: maxHeader + wireSlack}
	var rw net.Conn = limited
	if u.Scheme == "https" {
		under := &limitedConn{Conn: conn, left: int64(2*(maxHeader+wireSlack+hop.MaxBody)) + tlsSlack}
		// Not judged: this check is what issues the first certificate (H7).
		t := tls.Client(under, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) //nolint:gosec // H7
		if err := t.HandshakeContext(ctx); err != nil {
			return stage{FaultTLS, err}
		}
		if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 && len(certs[0].Raw) <= maxCertificate {
			r.Certificate = certs[0].Raw
		}
		limited.Conn = t
	}

	if _, err := rw.Write(request(u)); err != nil {
		return err
	}
	head := &recorder{}
	br := bufio.NewReaderSize(io.TeeReader(rw, head), 4<<10)
	var resp *http.Response
	interim := 0
	for {
		if resp, err = http.ReadResponse(br, nil); err != nil {
			// A line that broke off is called malformed; what broke it off says more.
			if limited.failed != nil {
				err = limited.failed
			}
			return malformed(err)
		}
		// Interim responses come before the final one (RFC 9110 section 15.2).
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if interim++; interim > maxInterim {
			return stage{FaultMalformed, errors.New("one interim response after another")}
		}
	}
	// The body is not closed: that would read what is left of it. The connection is.
	header, ok := head.header(interim)
	if !ok {
		return stage{FaultMalformed, errors.New("the header is larger than 16 KiB")}
	}
	r.Status = resp.StatusCode
	r.Location = cut(resp.Header.Get("Location"), maxLocation)
	r.ContentType = cut(resp.Header.Get("Content-Type"), 256)
	r.Server = cut(resp.Header.Get("Server"), 256)
	r.Header = header
	_ = conn.SetDeadline(end)
	limited.left += int64(hop.MaxBody)
	limit := hop.MaxBody
	if r.Status/100 == 3 {
		limit = min(limit, maxRedirectBody)
	}
	return body(resp, limit, r)
}

func (l *Live) dial(ctx context.Context, hop Hop, end time.Time) (net.Conn, error) {
	if b, ok := l.o.Policy.Permits(hop.Addr.Addr()); !ok {
		return nil, errForbidden{b}
	}
	d := net.Dialer{
		Deadline: earlier(end, time.Now().Add(or(hop.Connect, defaultConnect))),
		// The address is checked where it is used; nothing can come between.
		Control: func(_, address string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if a != hop.Addr {
				return errForbidden{reserve.Block{Name: "not the address that was vetted"}}
			}
			if b, ok := l.o.Policy.Permits(a.Addr()); !ok {
				return errForbidden{b}
			}
			return nil
		},
	}
	network := "tcp4"
	if hop.Addr.Addr().Is6() {
		network = "tcp6"
	}
	return d.DialContext(ctx, network, hop.Addr.String())
}

// request is the same bytes for every check but for path and host (H2, H11).
func request(u *url.URL) []byte {
	var b bytes.Buffer
	b.Grow(256)
	b.WriteString("GET ")
	b.WriteString(u.RequestURI())
	b.WriteString(" HTTP/1.1\r\nHost: ")
	b.WriteString(u.Host)
	b.WriteString("\r\nUser-Agent: " + UserAgent + "\r\nAccept: */*\r\nAccept-Encoding: gzip, identity;q=0.5\r\nConnection: close\r\n\r\n")
	return b.Bytes()
}

// body reads at most limit decoded bytes. What the wire may carry for them is
// bounded by the connection.
func body(resp *http.Response, limit int, r *Response) error {
	var src io.Reader = resp.Body
	switch strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))) {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(resp.Body)
		if errors.Is(err, io.EOF) {
			return nil // no body at all
		}
		if err != nil {
			return malformed(err)
		}
		src = z
	default:
		return stage{FaultMalformed, errors.New("the body has a content encoding that was not asked for")}
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(limit+1, 1024)))
	_, err := io.CopyN(buf, src, int64(limit)+1)
	r.Body = buf.Bytes()
	if len(r.Body) > limit {
		r.Body, r.Truncated = r.Body[:limit], true
		return nil
	}
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case errors.Is(err, errWire):
		r.Truncated = true
		return nil
	case err != nil && timedOut(err):
		return stage{FaultTimeout, err}
	case err != nil && errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return stage{FaultReset, err}
	case err != nil:
		return malformed(err)
	}
	return nil
}

var errWire = errors.New("fetch: more bytes than a hop may read")

// limitedConn bounds the bytes that one hop reads.
type limitedConn struct {
	net.Conn
	left   int64
	failed error // the last error of reading
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.failed = errWire
		return 0, errWire
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= int64(n)
	c.failed = err
	return n, err
}

// recorder keeps the first bytes read: the header among them.
type recorder struct{ b []byte }

func (w *recorder) Write(p []byte) (int, error) {
	if room := maxHeader + 4 - len(w.b); room > 0 {
		w.b = append(w.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// header gives status line and header of the response after some others,
// without the empty line that ends it; false if that lies too far.
func (w *recorder) header(after int) ([]byte, bool) {
	rest := w.b
	for {
		i := bytes.Index(rest, []byte("\n\r\n"))
		end := i + 3
		if j := bytes.Index(rest, []byte("\n\n")); j >= 0 && (i < 0 || j < i) {
			i, end = j, j+2
		}
		if i < 0 {
			return nil, false
		}
		if after == 0 {
			return bytes.Clone(bytes.TrimSuffix(rest[:i], []byte("\r"))), true
		}
		after--
		rest = rest[end:]
	}
}

// stage is an error whose fault is known from where it happened.
type stage struct {
	fault Fault
	err   error
}

func (s stage) Error() string { return s.err.Error() }
func (s stage) Unwrap() error { return s.err }

func malformed(err error) error {
	if timedOut(err) {
		return stage{FaultTimeout, err}
	}
	if errors.Is(err, errWire) {
		return stage{FaultMalformed, errors.New("the header is larger than 16 KiB")}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return stage{FaultReset, err}
	}
	return stage{FaultMalformed, err}
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &t) && t.Timeout())
}

// fault turns an error into what is recorded. The text is for people only.
func fault(err error) (Fault, string) {
	var forbidden errForbidden
	var s stage
	switch {
	case errors.As(err, &forbidden):
		return FaultForbidden, "the address is " + forbidden.block.Name
	case timedOut(err) || errors.Is(err, context.DeadlineExceeded):
		return FaultTimeout, "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return FaultConnect, "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return FaultConnect, "no route to the address"
	case errors.As(err, &s) && s.fault == FaultTLS:
		return FaultTLS, "the TLS handshake failed: " + printable(s.err.Error())
	case errors.As(err, &s) && s.fault == FaultMalformed:
		return FaultMalformed, printable(s.err.Error())
	case errors.As(err, &s) && s.fault == FaultConnect:
		return FaultConnect, "the connection could not be made"
	}
	return FaultReset, "the connection ended before the answer was whole"
}

// printable bounds text that may hold bytes of a stranger.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f || c == 0xfffd {
			return '.'
		}
		return c
	}, s)
	return cut(s, 200)
}

func cut(s string, n int) string { return s[:min(n, len(s))] }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
