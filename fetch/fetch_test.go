package fetch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"deed/names"
	"deed/reserve"
	"deed/resolve"
)

const secret = "0123456789abcdefghijklmnopqrstuv"

var loopback = reserve.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

// hosts is the DNS of a test: each look-up of a name takes the next of its
// sets of addresses, and the last one again.
type hosts struct {
	mu    sync.Mutex
	sets  map[string][][]string
	asked []string
}

func (h *hosts) Lookup(_ context.Context, name string, qtype uint16) (resolve.Answer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := dns.TypeToString[qtype] + " " + name
	h.asked = append(h.asked, key)
	sets := h.sets[key]
	if len(sets) == 0 {
		return resolve.Answer{Name: name, Owner: name}, nil
	}
	if len(sets) > 1 {
		h.sets[key] = sets[1:]
	}
	a := resolve.Answer{Name: name, Owner: name}
	for _, s := range sets[0] {
		a.Addrs = append(a.Addrs, netip.MustParseAddr(s))
	}
	return a, nil
}

// at says that names have the address of a test's server.
func at(names ...string) *hosts {
	h := &hosts{sets: map[string][][]string{}}
	for _, n := range names {
		h.sets["A "+n] = [][]string{{"127.0.0.1"}}
	}
	return h
}

func hostName(t testing.TB) func(string) (string, error) {
	t.Helper()
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	return func(h string) (string, error) {
		n, err := normal.Normalise(h)
		return n.String(), err
	}
}

func portOf(s *httptest.Server) uint16 {
	return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
}

// visitor fetches from one server on loopback.
func visitor(t testing.TB, s *httptest.Server, h *hosts) *Client {
	t.Helper()
	return NewClient(Options{
		Door: NewLive(LiveOptions{Policy: loopback}), DNS: h, Policy: loopback, HTTPPort: portOf(s), HTTPSPort: portOf(s), HostName: hostName(t),
	})
}

func served(t testing.TB, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

func get(t testing.TB, c *Client, scheme string) Page {
	t.Helper()
	p, err := c.Get(t.Context(), scheme, "example.com", "/file", []string{secret})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRedirects(t *testing.T) {
	const url = "http://other.example.com:PORT/found"
	long := "http://other.example.com:PORT/" + strings.Repeat("a", maxURL)
	for _, row := range []struct {
		name     string
		status   int
		location string
		want     Reason
		found    bool // the file behind the redirect came back
	}{
		{"H5: 301 is followed", 301, url, ReasonNone, true},
		{"H5: 302 is followed", 302, url, ReasonNone, true},
		{"H5: 307 is followed", 307, url, ReasonNone, true},
		{"H5: 308 is followed", 308, url, ReasonNone, true},
		{"H5: 300 is not", 300, url, ReasonNone, false},
		{"H5: 303 is not", 303, url, ReasonNone, false},
		{"H5: 304 is not", 304, url, ReasonNone, false},
		{"H5: 305 is not", 305, url, ReasonNone, false},
		{"H5: 201 with a Location is not", 201, url, ReasonNone, false},
		{"H5: 302 without a Location leads nowhere", 302, "", ReasonNone, false},
		{"H6: a path alone stays on the host", 302, "/found", ReasonNone, true},
		{"H6: a host without a scheme keeps the scheme", 302, "//other.example.com:PORT/found", ReasonNone, true},
		{"H6: the host is folded", 302, "http://OTHER.Example.COM:PORT/found", ReasonNone, true},
		{"H6: a fragment is dropped", 302, url + "#" + secret, ReasonNone, true},
		{"H4: ftp is no scheme for this", 302, "ftp://other.example.com/found", ReasonRedirect, false},
		{"H4: nor is file", 302, "file:///etc/passwd", ReasonRedirect, false},
		{"H4: nor javascript", 302, "javascript:alert(1)", ReasonRedirect, false},
		{"H4: another port", 302, "http://other.example.com:22/found", ReasonRedirect, false},
		{"H4: an empty port", 302, "http://other.example.com:/found", ReasonRedirect, false},
		{"H6: userinfo", 302, "http://user@other.example.com:PORT/found", ReasonRedirect, false},
		{"H6: an IPv4 literal", 302, "http://127.0.0.1:PORT/found", ReasonRedirect, false},
		{"H6: an IPv4 literal as one number", 302, "http://2130706433:PORT/found", ReasonRedirect, false},
		{"H6: an IPv6 literal", 302, "http://[::1]:PORT/found", ReasonRedirect, false},
		{"H6: an internal name", 302, "http://localhost:PORT/found", ReasonRedirect, false},
		{"H6: a name of the infrastructure", 302, "http://1.0.0.127.in-addr.arpa:PORT/found", ReasonRedirect, false},
		{"H6: an address with a space", 302, "http://other.example.com:PORT/a b", ReasonRedirect, false},
		{"H6: an address that is too long", 302, long, ReasonRedirect, false},
		{"H2: the value in the path", 302, url + "/" + secret, ReasonSecretInURL, false},
		{"H2: the value in the query", 302, url + "?x=" + secret, ReasonSecretInURL, false},
		{"H2: the value percent-encoded in the path", 302, url + "/%30" + secret[1:], ReasonSecretInURL, false},
		{"H2: the value percent-encoded in the query", 302, url + "?x=%30" + secret[1:], ReasonSecretInURL, false},
		{"H2: the value in the host", 302, "http://" + secret + ".example.com:PORT/", ReasonSecretInURL, false},
		{"H2: the value in the host, in capitals", 302, "http://" + strings.ToUpper(secret) + ".example.com:PORT/", ReasonSecretInURL, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var paths []string
			s := served(t, func(w http.ResponseWriter, r *http.Request) {
				paths = append(paths, r.URL.RequestURI())
				if r.URL.Path == "/file" {
					if row.location != "" {
						_, port, _ := net.SplitHostPort(r.Host)
						w.Header()["Location"] = []string{strings.ReplaceAll(row.location, "PORT", port)}
					}
					w.Header().Set("Refresh", "0; url=/found")
					w.WriteHeader(row.status)
					_, _ = w.Write([]byte(`<meta http-equiv="refresh" content="0; url=/found">`))
					return
				}
				_, _ = w.Write([]byte("found"))
			})
			p := get(t, visitor(t, s, at("example.com", "other.example.com", secret+".example.com")), "http")
			last := p.Last().Response
			if p.Reason != row.want || (string(last.Body) == "found") != row.found {
				t.Errorf("%s %q: status %d, %q", p.Reason, p.Why, last.Status, last.Body)
			}
			if p.Reason == ReasonRedirect && p.Why == "" {
				t.Error("a refusal without a reason")
			}
			if !row.found && len(paths) != 1 {
				t.Errorf("requests: %q", paths)
			}
		})
	}
}

// H6: ten redirects, not eleven; no circle.
func TestRedirectsEnd(t *testing.T) {
	for _, row := range []struct {
		name  string
		total int // redirects before the file; a circle if negative
		want  Reason
	}{
		{"ten are followed", 10, ReasonNone},
		{"the eleventh is not", 11, ReasonTooMany},
		{"a circle is seen at once", -1, ReasonTooMany},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := 0
			s := served(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case row.total < 0:
					n++
					w.Header().Set("Location", "/file")
					w.WriteHeader(302)
				case n < row.total:
					n++
					w.Header().Set("Location", fmt.Sprintf("/%d", n))
					w.WriteHeader(302)
				default:
					_, _ = w.Write([]byte("found"))
				}
			})
			p := get(t, visitor(t, s, at("example.com")), "http")
			if p.Reason != row.want || (row.total < 0 && n != 1) {
				t.Errorf("%s %s after %d", p.Reason, p.Why, n)
			}
		})
	}
}

// H7: the certificate is not judged, but kept; the name goes into the SNI.
// A redirect from https to http is followed (H6).
func TestAnyCertificateWillDo(t *testing.T) {
	var sni []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sni = append(sni, r.TLS.ServerName)
		_, _ = w.Write([]byte("found"))
	}))
	s.StartTLS()
	defer s.Close()
	p := get(t, visitor(t, s, at("example.com")), "https")
	r := p.Last().Response
	if p.Reason != ReasonNone || string(r.Body) != "found" || len(sni) != 1 || sni[0] != "example.com" {
		t.Fatalf("%s, %+v, SNI %q", p.Reason, r, sni)
	}
	if string(r.Certificate) != string(s.Certificate().Raw) {
		t.Error("the certificate is not what the server showed")
	}
}

// H11: what is sent is the same for every check but for path and host; no
// proxy of the environment stands between.
func TestRequestIsFixed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	ln, got := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok")
	door := NewLive(LiveOptions{Policy: loopback})
	for range 2 { // and no cookie the second time
		r, err := door.Hop(t.Context(), Hop{URL: "http://example.com/x?y=z", Addr: ln, MaxBody: 100, Deadline: time.Now().Add(time.Minute)})
		if err != nil || r.Fault != FaultNone || string(r.Body) != "ok" {
			t.Fatalf("%+v, %v", r, err)
		}
		want := "GET /x?y=z HTTP/1.1\r\nHost: example.com\r\nUser-Agent: " + UserAgent + "\r\nAccept: */*\r\nAccept-Encoding: gzip, identity;q=0.5\r\nConnection: close\r\n\r\n"
		if sent := <-got; sent != want {
			t.Errorf("%q", sent)
		}
	}
}

// H1, as far as the door goes: the status is the server's own.
func TestStatusIsTheFinalOne(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		status       int
		header       string
		fault        Fault
	}{
		{"a plain answer", "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nok", 200, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2", ""},
		{"bare line feeds", "HTTP/1.0 200 OK\nA: b\n\nok", 200, "HTTP/1.0 200 OK\nA: b", ""},
		{"an interim response before it (RFC 9110 15.2)", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "HTTP/1.1 200 OK\r\nContent-Length: 2", ""},
		{"404 after an interim response is 404", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nok", 404, "HTTP/1.1 404 No\r\nContent-Length: 2", ""},
		{"101 is final, and not 2xx", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nok", 101, "HTTP/1.1 101 Switching\r\nUpgrade: x", ""},
		{"interim responses without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 50), 0, "", FaultMalformed},
		{"no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n", 0, "", FaultMalformed},
		{"closed at once", "", 0, "", FaultReset},
		{"closed in the header", "HTTP/1.1 200 OK\r\nA: ", 0, "", FaultReset},
		{"closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", 200, "HTTP/1.1 200 OK\r\nContent-Length: 10", FaultReset},
		{"an encoding that was not asked for", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nok", 200, "HTTP/1.1 200 OK\r\nContent-Encoding: br", FaultMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			ln, _ := raw(t, row.answer)
			r, err := NewLive(LiveOptions{Policy: loopback}).Hop(t.Context(), Hop{URL: "http://example.com/", Addr: ln, MaxBody: 100, Deadline: time.Now().Add(time.Minute)})
			if err != nil || r.Status != row.status || string(r.Header) != row.header || r.Fault != row.fault {
				t.Errorf("%d %q %s %s, %v", r.Status, r.Header, r.Fault, r.FaultDetail, err)
			}
		})
	}
}

// raw answers every connection with the same bytes once a request has come,
// and closes it. The requests go into the channel.
func raw(t testing.TB, answer string) (netip.AddrPort, <-chan string) {
	t.Helper()
	got := make(chan string, 16)
	return accepting(t, func(c net.Conn) {
		request := make([]byte, 0, 4096)
		for !strings.Contains(string(request), "\r\n\r\n") {
			b := make([]byte, 1024)
			n, err := c.Read(b)
			if err != nil {
				return
			}
			request = append(request, b[:n]...)
		}
		got <- string(request)
		_, _ = c.Write([]byte(answer))
	}), got
}

// accepting lets f have every connection to a port of loopback.
func accepting(t testing.TB, f func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				f(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
	return netip.MustParseAddrPort(ln.Addr().String())
}
