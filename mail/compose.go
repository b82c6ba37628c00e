// Package mail writes and sends the messages of the e-mail method (BR
// 3.2.2.4.4, .13, .14). It knows nothing of accounts or domains but their names.
package mail

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/wneessen/go-mail"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed locales/*.yaml
var locales embed.FS

// languages that messages are written in; the first stands for all others.
var languages = []language.Tag{language.English, language.French, language.German, language.Spanish, language.Japanese}

// Locale resolves a code such as "fr", "fr_FR" or "de-AT" to the language of a
// message. A missing or unknown code is English, and no error.
func Locale(code string) string {
	tag, err := language.Parse(strings.ReplaceAll(strings.TrimSpace(code[:min(len(code), 35)]), "_", "-"))
	if err != nil {
		return languages[0].String()
	}
	base, _ := tag.Base()
	for _, l := range languages {
		if b, _ := l.Base(); b == base {
			return l.String()
		}
	}
	return languages[0].String()
}

// Words finds the translations of a locale; also used by the page behind the
// link.
type Words struct{ localizer *i18n.Localizer }

// T is a text by its key, with data filled in. A key that is missing is a bug,
// shown as the key.
func (w Words) T(key string, data map[string]any) string {
	s, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	if err != nil {
		return key
	}
	return s
}

// Translations are the texts of all languages.
type Translations struct{ bundle *i18n.Bundle }

// LoadTranslations reads the embedded texts.
func LoadTranslations() (*Translations, error) {
	b := i18n.NewBundle(languages[0])
	b.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	for _, l := range languages {
		if _, err := b.LoadMessageFileFS(locales, "locales/"+l.String()+".yaml"); err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
	}
	return &Translations{b}, nil
}

// Words of a locale.
func (t *Translations) Words(locale string) Words {
	return Words{i18n.NewLocalizer(t.bundle, Locale(locale))}
}

// Message is what one recipient is told.
type Message struct {
	To      string
	Domain  string // as shown to people, perhaps in other letters than ASCII
	ASCII   string // the same in A-labels
	Account string // who asks
	Link    string // opens a page that asks; opening it changes nothing
	Code    string // the random value; never part of Link
	Locale  string
	Expires time.Time
	Date    time.Time
}

// Composer writes messages.
type Composer struct {
	from string
	tr   *Translations
}

// NewComposer writes messages from an address.
func NewComposer(from string, tr *Translations) *Composer { return &Composer{from, tr} }

var textBody = texttemplate.Must(texttemplate.New("text").Parse(
	`{{.Asks}}

    {{.Domain}}

{{.HowTo}}

    {{.Link}}

{{.CodeIs}}

    {{.Code}}

{{.Until}}

{{.Ignore}}
`))

var htmlBody = template.Must(template.New("html").Parse(
	`<!doctype html><html lang="{{.Lang}}"><body style="font-family:sans-serif;max-width:36em;margin:auto;padding:1em">
<p>{{.Asks}}</p><p style="font-size:1.3em"><b>{{.Domain}}</b></p><p>{{.HowTo}}</p><p><a href="{{.Link}}">{{.Link}}</a></p>
<p>{{.CodeIs}}</p><p style="font-size:1.2em"><code>{{.Code}}</code></p><p>{{.Until}}</p><p style="color:#555">{{.Ignore}}</p></body></html>
`))

// Compose gives the message as it will be sent, and sent again.
func (c *Composer) Compose(m Message) ([]byte, error) {
	w := c.tr.Words(m.Locale)
	domain := m.Domain
	if m.ASCII != "" && m.ASCII != m.Domain {
		domain += " (" + m.ASCII + ")"
	}
	data := map[string]any{
		"Lang": Locale(m.Locale), "Domain": domain, "Link": m.Link, "Code": m.Code,
		"Asks":   w.T("mail_asks", map[string]any{"Account": m.Account}),
		"HowTo":  w.T("mail_how", nil),
		"CodeIs": w.T("mail_code", nil),
		"Until":  w.T("mail_until", map[string]any{"Until": m.Expires.UTC().Format("2006-01-02 15:04") + " UTC"}),
		"Ignore": w.T("mail_ignore", nil),
	}
	msg := mail.NewMsg()
	if err := msg.From(c.from); err != nil {
		return nil, fmt.Errorf("mail: sender: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("mail: recipient: %w", err)
	}
	msg.Subject(w.T("mail_subject", map[string]any{"Domain": m.ASCII}))
	msg.SetDateWithValue(m.Date)
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if err := msg.SetBodyTextTemplate(textBody, data); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if err := msg.AddAlternativeHTMLTemplate(htmlBody, data); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return b.Bytes(), nil
}
