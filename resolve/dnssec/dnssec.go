// Package dnssec validates answers of the DNS from the trust anchors to the
// record (RFC 4033 to 4035, 5155, 6840, 9276). It decides, and does not reach
// out: what else it must know (DS and DNSKEY sets on the way down) it asks
// through a Source, and the time is an argument. The same answers and the same
// time give the same finding; a Memo saves work and changes nothing.
//
// Every way through it is bounded: questions, signatures and hashes are
// counted per look-up (Work), and going over ends in a finding, never in a
// "yes" or in "insecure".
package dnssec

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Status of an answer (RFC 4033 section 5).
type Status string

const (
	Secure   Status = "secure"
	Insecure Status = "insecure" // proven to be unsigned
	Bogus    Status = "bogus"    // should be signed, and is not properly
	// Indeterminate: our side cannot judge. No trust anchor covers the name, or
	// the resolver does not pass on what validation needs.
	Indeterminate Status = "indeterminate"
)

// Reason names the link of the chain that broke, or that ends it. Stable.
type Reason string

const (
	SignatureExpired  Reason = "signature_expired"
	SignatureEarly    Reason = "signature_not_yet_valid"
	SignatureMissing  Reason = "signature_missing"
	SignatureWrong    Reason = "signature_wrong"
	SignatureKey      Reason = "no_key_for_signature" // the DNSKEY set has no key with the signature's tag
	SignerWrong       Reason = "signer_is_no_zone"
	KeyForDS          Reason = "no_dnskey_for_ds"
	KeysMissing       Reason = "dnskey_missing"
	AlgorithmUnknown  Reason = "algorithm_unknown"
	DenialMissing     Reason = "denial_missing"
	DNAMEWrong        Reason = "dname_wrong"
	TooMuchWork       Reason = "too_much_work"
	NoAnchor          Reason = "no_trust_anchor"
	AnchorBroken      Reason = "trust_anchor_unmatched"
	UnsignedZone      Reason = "unsigned_delegation" // insecure: the parent proves that there is no DS
	OptOut            Reason = "opt_out"             // insecure: within an NSEC3 opt-out span
	IterationsTooMany Reason = "nsec3_iterations"    // insecure by RFC 9276 section 3.2
)

// Finding is what validation says, with the link it is about.
type Finding struct {
	Status Status
	Reason Reason // empty when Secure
	Zone   string // the zone in which the link lies; "." for the root
	Name   string // owner of the record set the link is about
	Type   string // its type
	// At is when the signature expired or begins to be valid; else zero.
	At time.Time
	// Note is more for people, such as key tags; never used to decide.
	Note string
}

// String says the finding in one phrase.
func (f Finding) String() string {
	set := f.Type + " " + f.Name
	s := ""
	switch f.Reason {
	case "":
		return string(f.Status)
	case SignatureExpired:
		s = fmt.Sprintf("the signature over %s expired on %s", set, f.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	case SignatureEarly:
		s = fmt.Sprintf("the signature over %s is not valid before %s", set, f.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	case SignatureMissing:
		s = fmt.Sprintf("%s has no signature, but the zone %s is signed", set, f.Zone)
	case SignatureWrong:
		s = fmt.Sprintf("the signature over %s does not fit the records and the key", set)
	case SignatureKey:
		s = fmt.Sprintf("the zone %s has no DNSKEY that made the signature over %s", f.Zone, set)
	case SignerWrong:
		s = fmt.Sprintf("%s is signed in the name of %s, which is no zone of its own", set, f.Zone)
	case KeyForDS:
		s = fmt.Sprintf("no DNSKEY of %s matches its DS records", f.Zone)
	case KeysMissing:
		s = fmt.Sprintf("%s has DS records, but no DNSKEY", f.Zone)
	case AlgorithmUnknown:
		if f.Status == Insecure {
			s = fmt.Sprintf("all DS records of %s use an algorithm that is not known here", f.Zone)
			break
		}
		s = fmt.Sprintf("%s is only signed with an algorithm that is not known here", set)
	case DenialMissing:
		s = fmt.Sprintf("there is no proof that %s does not exist in the signed zone %s", set, f.Zone)
	case DNAMEWrong:
		s = fmt.Sprintf("the CNAME %s does not follow from the DNAME above it", f.Name)
	case TooMuchWork:
		s = fmt.Sprintf("validating %s takes more work than any honest zone needs", set)
	case NoAnchor:
		s = fmt.Sprintf("no trust anchor covers %s", f.Name)
	case AnchorBroken:
		s = fmt.Sprintf("the DNSKEY set of %s from our resolver does not match the trust anchor", f.Zone)
	case UnsignedZone:
		s = fmt.Sprintf("%s is not signed: its parent %s proves that it has no DS", f.Name, f.Zone)
	case OptOut:
		s = fmt.Sprintf("%s lies in an opt-out span of %s", f.Name, f.Zone)
	case IterationsTooMany:
		s = fmt.Sprintf("%s denies with more NSEC3 iterations than are computed here (%d)", f.Zone, MaxIterations)
	default:
		s = string(f.Reason)
	}
	if f.Note != "" {
		s += " (" + f.Note + ")"
	}
	return s
}

// Response is the answer to a question on the way down. Msg is not changed.
type Response struct {
	Msg *dns.Msg
	Raw []byte // the message as received; equal bytes save work
	// Keep, if not nil, is called when the answer has been validated and may be
	// used again for ttl seconds.
	Keep func(ttl uint32)
}

// Source asks a question without judging the answer. Its error ends the
// validation: what could not be asked is neither bogus nor insecure.
type Source interface {
	Ask(ctx context.Context, name string, qtype uint16) (Response, error)
}

// Limits of one look-up. No honest zone comes near them.
const (
	MaxIterations = 100 // of NSEC3; more is insecure (RFC 9276 section 3.2)

	maxQuestions  = 40     // DS and DNSKEY questions
	maxSignatures = 100    // signatures computed
	maxHashes     = 50_000 // rounds of SHA-1 for NSEC3
	maxSetSigs    = 8      // signatures tried over one set
	maxSameTag    = 4      // keys of one tag and algorithm tried for one signature (KeyTrap)
	maxKeys       = 64     // keys of one zone
	maxDS         = 32     // DS records of one zone
	maxDenial     = 12     // denial records of one message
)

// Work counts what one look-up has cost so far. The zero value is a fresh
// count; it is for one look-up and one goroutine.
type Work struct{ questions, signatures, hashes int }

func (w *Work) question() bool  { w.questions++; return w.questions <= maxQuestions }
func (w *Work) signature() bool { w.signatures++; return w.signatures <= maxSignatures }
func (w *Work) spent() bool {
	return w.questions > maxQuestions || w.signatures > maxSignatures || w.hashes > maxHashes
}
