package authority

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"deed/store"
)

// Notice is one setting of notifications. Deed keeps and shows the settings;
// it sends none of these messages.
type Notice struct {
	Type    string   `json:"type"`
	Enabled bool     `json:"enabled"`
	Emails  []string `json:"emails"`
}

// NoticeTypes are the kinds of notifications, in the order in which they are shown.
var NoticeTypes = []string{"CertificateRenewal", "CertificateExpiring", "PendingValidations"}

// maxRecipients bounds the addresses of one notification.
const maxRecipients = 50

// noticesOf reads stored settings; each type is there once.
func noticesOf(text string) ([]Notice, error) {
	var stored []Notice
	if text != "" {
		if err := json.Unmarshal([]byte(text), &stored); err != nil {
			return nil, err
		}
	}
	list := make([]Notice, 0, len(NoticeTypes))
	for _, t := range NoticeTypes {
		n := Notice{Type: t, Emails: []string{}}
		if i := slices.IndexFunc(stored, func(n Notice) bool { return n.Type == t }); i >= 0 {
			n = stored[i]
		}
		list = append(list, n)
	}
	return list, nil
}

// merge puts changes over settings; types that are not named stay.
func merge(list []Notice, changes []Notice) error {
	for i, c := range changes {
		at := slices.IndexFunc(list, func(n Notice) bool { return n.Type == c.Type })
		if at < 0 {
			return refusal(Invalid, "notification_type", strconv.Itoa(i)+"/notification_type", "The notification_type must be one of %s.", strings.Join(NoticeTypes, ", "))
		}
		if slices.ContainsFunc(changes[:i], func(n Notice) bool { return n.Type == c.Type }) {
			return refusal(Invalid, "notification_type", strconv.Itoa(i)+"/notification_type", "The notification_type %s is named twice.", c.Type)
		}
		if len(c.Emails) > maxRecipients {
			return refusal(Invalid, "emails", strconv.Itoa(i)+"/emails", "A notification may have at most %d addresses.", maxRecipients)
		}
		if c.Enabled && len(c.Emails) == 0 {
			return refusal(Invalid, "emails", strconv.Itoa(i)+"/emails", "A notification that is enabled needs an address.")
		}
		for _, e := range c.Emails {
			if !address(e) {
				return refusal(Invalid, "emails", strconv.Itoa(i)+"/emails", "%q is no e-mail address.", e)
			}
		}
		if c.Emails == nil {
			c.Emails = []string{}
		}
		list[at] = c
	}
	return nil
}

func encodeNotices(list []Notice) (string, error) {
	b, err := json.Marshal(list)
	return string(b), err
}

// AccountNotices are the account's settings, which requests without their own
// follow.
func (a *Authority) AccountNotices(ctx context.Context, actor Actor) (list []Notice, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		text, err := r.Notices(actor.Account)
		if err == nil {
			list, err = noticesOf(text)
		}
		return err
	})
	return list, err
}

// SetAccountNotices changes the account's settings.
func (a *Authority) SetAccountNotices(ctx context.Context, actor Actor, changes []Notice) (list []Notice, err error) {
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		text, err := t.Notices(actor.Account)
		if err != nil {
			return err
		}
		if list, err = noticesOf(text); err != nil {
			return err
		}
		if err := merge(list, changes); err != nil {
			return err
		}
		if text, err = encodeNotices(list); err != nil {
			return err
		}
		if err := t.SetNotices(actor.Account, text); err != nil {
			return err
		}
		return a.event(t, actor, now, "account.notices_changed", 0, 0)
	})
	return list, err
}

func certificateNotices(r store.Reader, c *Certificate) ([]Notice, error) {
	text := c.Notices
	if text == "" {
		var err error
		if text, err = r.Notices(c.AccountID); err != nil {
			return nil, err
		}
	}
	return noticesOf(text)
}

// CertificateNotices are a request's settings: its own, or the account's.
func (a *Authority) CertificateNotices(ctx context.Context, actor Actor, id int64) (list []Notice, err error) {
	err = a.read(ctx, func(r store.Reader) error {
		c, err := r.Certificate(actor.Account, id)
		if err != nil {
			return found(err, "certificate")
		}
		list, err = certificateNotices(r, &c)
		return err
	})
	return list, err
}

// SetCertificateNotices gives a request settings of its own, over those that
// it followed.
func (a *Authority) SetCertificateNotices(ctx context.Context, actor Actor, id int64, changes []Notice) (list []Notice, err error) {
	now := a.now()
	err = a.write(ctx, func(t store.Tx) error {
		c, err := t.Certificate(actor.Account, id)
		if err != nil {
			return found(err, "certificate")
		}
		if list, err = certificateNotices(t, &c); err != nil {
			return err
		}
		if err := merge(list, changes); err != nil {
			return err
		}
		if c.Notices, err = encodeNotices(list); err != nil {
			return err
		}
		if err := touch(t, c, actor, now); err != nil {
			return err
		}
		return a.event(t, actor, now, "certificate.notices_changed", 0, id)
	})
	return list, err
}
