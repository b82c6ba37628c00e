package check

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"deed/dcv"
	"deed/fetch"
)

// ALPNProtocol is offered, and must be chosen (RFC 8737 section 6.2).
const ALPNProtocol = "acme-tls/1"

var (
	// acmeIdentifier is id-pe-acmeIdentifier (RFC 8737 section 6.1).
	acmeIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}
	subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// Greetings is what judging needs of TLS.
type Greetings interface {
	Shake(ctx context.Context, host, protocol string) (fetch.Met, error)
}

// ACMETLSALPN checks tls-alpn-01 (RFC 8737, BR 3.2.2.4.20): a handshake with
// exactly the name, under acme-tls/1, shows the certificate of this challenge.
func ACMETLSALPN(ctx context.Context, ch *dcv.Challenge, web Greetings) (dcv.Verdict, error) {
	v := verdict(ch)
	key, problem := keyOf(ch)
	if problem == nil {
		problem = hostOnly(ch)
	}
	if problem != nil {
		v.Problem = problem
		return v, nil
	}
	met, err := web.Shake(ctx, ch.Name.String(), ALPNProtocol)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return v, err
	}
	asked := "TLS " + ch.Name.String() + " " + ALPNProtocol
	for _, t := range met.Tried {
		see(&v, asked, fmt.Sprintf("%s, %s", t.Addr, t.Response.FaultDetail))
	}
	s := &met.Shaken
	switch {
	case err != nil:
		see(&v, asked, "no answer")
		v.Problem = dcv.NewProblem(dcv.TLSConnect, "The time for the whole check ended while connecting to %s.", ch.Name)
		return v, nil
	case met.Reason == fetch.ReasonDNS && met.DNS.Ours():
		ours(&v, met.DNS)
		return v, nil
	case met.Reason != fetch.ReasonNone:
		see(&v, asked, or(s.FaultDetail, "not made: "+string(met.Reason)))
		v.Problem = shakeProblem(ch, &met)
		return v, nil
	case s.Protocol != ALPNProtocol:
		see(&v, asked, fmt.Sprintf("%s, no protocol chosen", met.Addr))
		v.Problem = dcv.NewProblem(dcv.TLSNoALPN, "The server at %s shakes hands, but does not choose the protocol %s.", met.Addr, ALPNProtocol)
		return v, nil
	}
	digest := key.Digest()
	if why := challengeCertificate(s.Certificate, ch.Name, digest); why != "" {
		see(&v, asked, fmt.Sprintf("%s, another certificate", met.Addr))
		v.Problem = dcv.NewProblem(dcv.TLSCertificate, "The certificate of %s at %s %s.", ch.Name, met.Addr, why)
		return v, nil
	}
	see(&v, asked, fmt.Sprintf("%s, the challenge's certificate", met.Addr))
	proven(&v, ch.Name, 0, fmt.Sprintf("tls://%s (%s)", ch.Name, ALPNProtocol))
	return v, nil
}

func shakeProblem(ch *dcv.Challenge, met *fetch.Met) *dcv.Problem {
	switch met.Reason {
	case fetch.ReasonDNS:
		return failed(met.DNS)
	case fetch.ReasonNoAddress:
		q := dcv.NewProblem(dcv.AddressNone, "%s has neither an A nor an AAAA record.", ch.Name)
		q.Fix = "Publish an A or AAAA record for " + ch.Name.String() + ", or use a DNS method."
		return q
	case fetch.ReasonForbidden:
		return dcv.NewProblem(dcv.AddressForbidden, "%s.", met.Why)
	}
	detail := met.Shaken.FaultDetail
	switch met.Shaken.Fault {
	case fetch.FaultTLS:
		return dcv.NewProblem(dcv.TLSNoALPN, "%s at %s: %s.", ch.Name, met.Addr, detail)
	case fetch.FaultMalformed:
		return dcv.NewProblem(dcv.TLSCertificate, "%s at %s: %s.", ch.Name, met.Addr, detail)
	case fetch.FaultForbidden:
		return dcv.NewProblem(dcv.AddressForbidden, "%s: %s.", ch.Name, detail)
	}
	return dcv.NewProblem(dcv.TLSConnect, "No TLS connection to %s at %s: %s.", ch.Name, met.Addr, detail)
}

// challengeCertificate judges a certificate by RFC 8737 section 3. why goes on
// after "the certificate"; "" if it is the one.
func challengeCertificate(der []byte, name dcv.Name, digest [sha256.Size]byte) (why string) {
	if len(der) == 0 {
		return "was not shown"
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "cannot be read"
	}
	if !bytes.Equal(c.RawIssuer, c.RawSubject) || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
		return "is not signed by itself"
	}
	var san, id []byte
	critical := false
	for _, e := range c.Extensions { // the parser refuses one that is there twice
		switch {
		case e.Id.Equal(subjectAltName):
			san = e.Value
		case e.Id.Equal(acmeIdentifier):
			id, critical = e.Value, e.Critical
		}
	}
	switch {
	case !onlyName(san, name.String()):
		return "does not name exactly " + name.String() + " and nothing else"
	case id == nil:
		return "has no acmeIdentifier extension (RFC 8737 section 3)"
	case !critical:
		return "has an acmeIdentifier extension that is not critical (RFC 8737 section 3)"
	case !octets(id, digest[:]):
		return "has an acmeIdentifier extension that is not the digest of this challenge's key authorization"
	}
	return ""
}

// onlyName reports whether a subjectAltName holds one dNSName, this one, and
// nothing else; letters in any case.
func onlyName(der []byte, name string) bool {
	var list []asn1.RawValue
	rest, err := asn1.Unmarshal(der, &list)
	if err != nil || len(rest) > 0 || len(list) != 1 {
		return false
	}
	n := list[0]
	const dNSName = 2
	return n.Class == asn1.ClassContextSpecific && n.Tag == dNSName && !n.IsCompound && equalFold(string(n.Bytes), name)
}

// octets reports whether der is the DER of an OCTET STRING of exactly want,
// shorter than 128 bytes, with nothing behind it. There is one such encoding,
// so it is compared, not parsed.
func octets(der, want []byte) bool {
	exact := append([]byte{asn1.TagOctetString, byte(len(want))}, want...)
	return subtle.ConstantTimeCompare(der, exact) == 1
}
