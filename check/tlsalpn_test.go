package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"deed/dcv"
)

// certificate makes one of tls-alpn-01; change may spoil it.
func certificate(t testing.TB, change func(c *x509.Certificate)) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), DNSNames: []string{"www.example.com"}}
	c.ExtraExtensions = []pkix.Extension{identifier(keyauth)}
	parent, signer := c, key
	if change != nil {
		change(c)
	}
	if c.Subject.CommonName == "signed by another" {
		signer, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if c.Subject.CommonName == "issued by another" {
		parent = &x509.Certificate{Subject: pkix.Name{CommonName: "an issuer"}}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func identifier(keyauth string) pkix.Extension {
	d := sha256.Sum256([]byte(keyauth))
	return pkix.Extension{Id: acmeIdentifier, Critical: true, Value: append([]byte{4, 32}, d[:]...)}
}

// serveTLS stands in for an ACME client on port 443.
func serveTLS(t testing.TB, c *tls.Config) uint16 {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				s := tls.Server(conn, c)
				if s.Handshake() == nil {
					_, _ = io.Copy(io.Discard, s)
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

func alpn(t testing.TB, w *world, port uint16) dcv.Verdict {
	t.Helper()
	ch := acme(dcv.ACMETLSALPN, "www.example.com")
	ch.HTTPSPort, ch.AllowPrivate = port, []string{"127.0.0.0/8"}
	return w.attempt(ch)
}

func TestACMETLSALPN(t *testing.T) {
	d := sha256.Sum256([]byte(keyauth))
	san := func(critical bool, names ...asn1.RawValue) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			der, err := asn1.Marshal(names)
			if err != nil {
				panic(err)
			}
			c.DNSNames = nil
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: subjectAltName, Critical: critical, Value: der})
		}
	}
	dns := func(s string) asn1.RawValue { return asn1.RawValue{Class: 2, Tag: 2, Bytes: []byte(s)} }
	ext := func(critical bool, value ...byte) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: acmeIdentifier, Critical: critical, Value: value}}
		}
	}
	for _, row := range []struct {
		name   string
		change func(*x509.Certificate)
		config func(*tls.Config)
		code   dcv.Code
	}{
		{name: "the challenge's certificate"},
		{name: "TLS 1.2 at most", config: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{name: "the name in another case (RFC 8737 section 3)", change: san(false, dns("WWW.Example.com"))},
		{name: "expired long ago: dates are not judged", change: func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }},
		{name: "no ALPN", config: func(c *tls.Config) { c.NextProtos = nil }, code: dcv.TLSNoALPN},
		{name: "another protocol", config: func(c *tls.Config) { c.NextProtos = []string{"h2"} }, code: dcv.TLSNoALPN},
		{name: "TLS 1.1 at most (RFC 8737 section 3)", config: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, code: dcv.TLSNoALPN},
		{name: "another name", change: func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} }, code: dcv.TLSCertificate},
		{name: "a wildcard", change: func(c *x509.Certificate) { c.DNSNames = []string{"*.example.com"} }, code: dcv.TLSCertificate},
		{name: "a second name", change: func(c *x509.Certificate) { c.DNSNames = []string{"www.example.com", "x.example.com"} }, code: dcv.TLSCertificate},
		{name: "the name twice", change: func(c *x509.Certificate) { c.DNSNames = []string{"www.example.com", "www.example.com"} }, code: dcv.TLSCertificate},
		{name: "an address beside the name", change: func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }, code: dcv.TLSCertificate},
		{name: "a kind of name that the library does not show beside the name", change: san(false, dns("www.example.com"), asn1.RawValue{Class: 2, Tag: 8, Bytes: []byte{42, 3, 4}}), code: dcv.TLSCertificate},
		{name: "the name as an e-mail address", change: san(false, asn1.RawValue{Class: 2, Tag: 1, Bytes: []byte("www.example.com")}), code: dcv.TLSCertificate},
		{name: "the name in the subject only", change: func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "www.example.com" }, code: dcv.TLSCertificate},
		{name: "no identifier", change: func(c *x509.Certificate) { c.ExtraExtensions = nil }, code: dcv.TLSCertificate},
		{name: "an identifier that is not critical", change: ext(false, append([]byte{4, 32}, d[:]...)...), code: dcv.TLSCertificate},
		{name: "the digest of another account's key", change: func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{identifier(otherKey)} }, code: dcv.TLSCertificate},
		{name: "a digest without its OCTET STRING", change: ext(true, d[:]...), code: dcv.TLSCertificate},
		{name: "a byte behind the OCTET STRING", change: ext(true, append(append([]byte{4, 32}, d[:]...), 0)...), code: dcv.TLSCertificate},
		{name: "a length that is not DER", change: ext(true, append([]byte{4, 0x81, 32}, d[:]...)...), code: dcv.TLSCertificate},
		{name: "a digest cut short", change: ext(true, append([]byte{4, 31}, d[:31]...)...), code: dcv.TLSCertificate},
		{name: "the identifier of drafts, one arc away", change: func(c *x509.Certificate) {
			c.ExtraExtensions[0].Id = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30, 1}
		}, code: dcv.TLSCertificate},
		{name: "issued by another name", change: func(c *x509.Certificate) { c.Subject.CommonName = "issued by another" }, code: dcv.TLSCertificate},
		{name: "signed by another key", change: func(c *x509.Certificate) { c.Subject.CommonName = "signed by another" }, code: dcv.TLSCertificate},
	} {
		t.Run(row.name, func(t *testing.T) {
			der, key := certificate(t, row.change)
			c := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{ALPNProtocol}}
			if row.config != nil {
				row.config(c)
			}
			v := alpn(t, newWorld(t, "www.example.com. 60 IN A 127.0.0.1"), serveTLS(t, c))
			expect(t, v, row.code)
			if row.code == "" && (v.Section != "3.2.2.4.20" || v.Scope != dcv.ScopeHost) {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestACMETLSALPNAsksForTheNameOnly(t *testing.T) {
	der, key := certificate(t, nil)
	seen := make(chan *tls.ClientHelloInfo, 1)
	port := serveTLS(t, &tls.Config{NextProtos: []string{ALPNProtocol}, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		seen <- h
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}})
	expect(t, alpn(t, newWorld(t, "www.example.com. 60 IN A 127.0.0.1"), port), "")
	h := <-seen
	if h.ServerName != "www.example.com" || len(h.SupportedProtos) != 1 || h.SupportedProtos[0] != ALPNProtocol {
		t.Errorf("%q %q", h.ServerName, h.SupportedProtos)
	}
}

func TestACMETLSALPNNeverDialsWithoutPermission(t *testing.T) {
	for _, addr := range []string{"A 10.1.2.3", "A 169.254.169.254", "AAAA ::1", "AAAA ::ffff:8.8.8.8", "AAAA 64:ff9b::a00:1"} {
		w := newWorld(t, "www.example.com. 60 IN "+addr)
		v := w.attempt(acme(dcv.ACMETLSALPN, "www.example.com"))
		expect(t, v, dcv.AddressForbidden)
	}
}

func TestACMETLSALPNNoServer(t *testing.T) {
	w := newWorld(t, "www.example.com. 60 IN A 127.0.0.1")
	expect(t, alpn(t, w, closedPort(t)), dcv.TLSConnect)
	expect(t, newWorld(t).attempt(acme(dcv.ACMETLSALPN, "www.example.com")), dcv.AddressNone)
}

// A server that speaks something else, or floods, ends in a verdict.
func TestACMETLSALPNHostileServer(t *testing.T) {
	for _, row := range []struct{ name, says string }{
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"a record without end", "\x16\x03\x03\x40\x00" + strings.Repeat("\x0b\xff", 40<<10)},
		{"nothing", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Write([]byte(row.says))
					conn.Close()
				}
			}()
			v := alpn(t, newWorld(t, "www.example.com. 60 IN A 127.0.0.1"), netip.MustParseAddrPort(ln.Addr().String()).Port())
			if v.Outcome != dcv.NotProven {
				t.Errorf("%+v", v)
			}
		})
	}
}

func FuzzChallengeCertificate(f *testing.F) {
	der, _ := certificate(f, nil)
	f.Add(der)
	f.Add([]byte{0x30, 0x80})
	bad, _ := certificate(f, func(c *x509.Certificate) { c.DNSNames = []string{"www.example.com", "b.example.com"} })
	f.Add(bad)
	digest := sha256.Sum256([]byte(keyauth))
	f.Fuzz(func(t *testing.T, b []byte) {
		if challengeCertificate(b, dcv.MustName("www.example.com"), digest) != "" {
			return
		}
		c, err := x509.ParseCertificate(b)
		if err != nil || len(c.DNSNames) != 1 || len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) != 0 {
			t.Errorf("%x", b)
		}
	})
}
