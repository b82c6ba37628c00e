package authority_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"deed/authority"
	"deed/check"
	"deed/dcv"
)

// clientOf answers tls-alpn-01 for a name with a digest, as an ACME client does.
func clientOf(t *testing.T, name string, digest []byte) uint16 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: start, NotAfter: start.Add(time.Hour), DNSNames: []string{name},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}, Critical: true, Value: append([]byte{4, 32}, digest...)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	must(t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{check.ALPNProtocol}})
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			}(conn)
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

// The host methods of ACME, armed by a caller who made the challenge, and
// proven by the schedule; each proves its one host and nothing else.
func TestACMEHostMethodsFromArmedToProven(t *testing.T) {
	for _, m := range []dcv.Method{dcv.ACMEHTTP, dcv.ACMETLSALPN} {
		t.Run(string(m), func(t *testing.T) {
			w := newWorld(t)
			p := w.addArmed("www.example.com", keyed(m, acmeKey))
			id := p.Domain.Domain.ID
			w.record("www.example.com", "A", "127.0.0.1")
			w.advance(time.Minute)
			w.tick()
			if d := w.view(id).Domain; !d.Pending() {
				t.Fatalf("proven by nothing: %+v", d)
			}
			var e authority.Published
			for _, x := range p.Methods {
				if x.Method == m {
					e = x
				}
			}
			if m == dcv.ACMEHTTP {
				path, ok := strings.CutPrefix(e.URL, "http://www.example.com")
				b, err := json.Marshal(map[string]string{"host": "www.example.com", "path": path, "body": e.Content})
				must(t, err)
				req, err := http.NewRequestWithContext(t.Context(), "PUT", w.box+"/web", bytes.NewReader(b))
				must(t, err)
				resp, err := http.DefaultClient.Do(req)
				must(t, err)
				resp.Body.Close()
				if !ok || resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: %d", e.URL, resp.StatusCode)
				}
			} else {
				digest, err := hex.DecodeString(e.Content)
				must(t, err)
				o := w.options
				o.HTTPSPort = clientOf(t, "www.example.com", digest)
				w.Authority, err = authority.New(o)
				must(t, err)
			}
			w.advance(time.Hour)
			w.tick()
			d := w.view(id).Domain
			if d.Pending() || d.ProofMethod != m || d.ProofScope != dcv.ScopeHost || d.ProofADN != d.Name {
				t.Errorf("%+v", d)
			}
			for _, other := range []string{"example.com", "a.www.example.com", "*.www.example.com"} {
				if d.ProofScope.Covers(d.ProofADN, dcv.MustName(other)) {
					t.Errorf("it speaks for %s", other)
				}
			}
		})
	}
}
