package check

import (
	"deed/capsule"
	"deed/dcv"
)

// mailSections is the BR section that a message's proof rests on, by the
// kind of its recipient.
var mailSections = map[string]string{"constructed": "3.2.2.4.4", "caa": "3.2.2.4.13", "txt": "3.2.2.4.14"}

// Email judges what happened to one message (BR 3.2.2.4.4, .13, .14): the
// random value in it came back within its life, and the message served one of
// the permitted ADNs.
func Email(ch *dcv.Challenge, m *capsule.Mail) dcv.Verdict {
	v := verdict(ch)
	section, known := mailSections[m.Kind]
	permitted := false
	for _, adn := range ch.ADNs {
		permitted = permitted || adn == m.ADN
	}
	see(&v, "e-mail to "+m.Recipient, confirmed(m))
	switch {
	case !known || !permitted:
		v.Problem = dcv.NewProblem(dcv.MethodNotForName, "A message for %s cannot prove %s.", m.ADN, ch.Name)
	case m.Approved.IsZero():
		v.Problem = dcv.NewProblem(dcv.EmailNotConfirmed, "The message to %s has not been confirmed.", m.Recipient)
	case m.Approved.After(m.Expires) || m.Approved.Before(m.Created):
		v.Problem = dcv.NewProblem(dcv.ValueExpired, "The message to %s was valid until %s.", m.Recipient, m.Expires.Format("2006-01-02 15:04 MST"))
	default:
		v.Section = section
		proven(&v, m.ADN, -1, m.Recipient)
	}
	return v
}

func confirmed(m *capsule.Mail) string {
	if m.Approved.IsZero() {
		return "not confirmed"
	}
	return "confirmed " + m.Approved.Format("2006-01-02 15:04:05 MST")
}
