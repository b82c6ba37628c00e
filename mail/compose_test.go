package mail

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"
)

func message(locale string) Message {
	return Message{
		To: "admin@example.com", Domain: "bücher.example", ASCII: "xn--bcher-kva.example", Account: "Ex & <Co>", Link: "https://deed.example/approve/AbC_-9",
		Code: "0123456789abcdefghijklmnopqrstuv", Locale: locale, Expires: time.Date(2026, 12, 24, 3, 30, 0, 0, time.UTC), Date: time.Date(2026, 11, 24, 3, 30, 0, 0, time.UTC),
	}
}

func composer(t testing.TB) *Composer {
	t.Helper()
	tr, err := LoadTranslations()
	if err != nil {
		t.Fatal(err)
	}
	return NewComposer("Deed <dcv@deed.example>", tr)
}

// Each language says everything, in plain text and in HTML: who asks, for what
// domain, the link, the code, until when; the HTML escapes.
func TestMessagesInEveryLanguage(t *testing.T) {
	c := composer(t)
	subjects := map[string]bool{}
	for _, l := range languages {
		t.Run(l.String(), func(t *testing.T) {
			b, err := c.Compose(message(l.String()))
			if err != nil {
				t.Fatal(err)
			}
			env, err := enmime.ReadEnvelope(bytes.NewReader(b))
			if err != nil || len(env.Errors) > 0 {
				t.Fatalf("%v %v", err, env.Errors)
			}
			for _, part := range []string{env.Text, env.HTML} {
				for _, want := range []string{"bücher.example", "xn--bcher-kva.example", "https://deed.example/approve/AbC_-9", "0123456789abcdefghijklmnopqrstuv", "2026-12-24 03:30 UTC"} {
					if !strings.Contains(part, want) {
						t.Errorf("no %q in %s", want, part)
					}
				}
			}
			if !strings.Contains(env.Text, "Ex & <Co>") || strings.Contains(env.HTML, "<Co>") || !strings.Contains(env.HTML, "Ex &amp; &lt;Co&gt;") {
				t.Errorf("the account's name: %s", env.HTML)
			}
			if !strings.Contains(env.HTML, `lang="`+l.String()+`"`) {
				t.Error("the HTML does not name its language")
			}
			subject := env.GetHeader("Subject")
			if subjects[subject] || !strings.Contains(subject, "xn--bcher-kva.example") {
				t.Errorf("subject %q", subject)
			}
			subjects[subject] = true
			if env.GetHeader("Auto-Submitted") != "auto-generated" || env.GetHeader("To") == "" || env.GetHeader("Message-ID") == "" {
				t.Error("headers")
			}
			for _, line := range strings.Split(string(b), "\r\n") {
				if len(line) > 998 {
					t.Error("a line longer than RFC 5322 allows")
				}
			}
			for _, key := range []string{"mail_subject", "mail_asks", "mail_how", "mail_code", "mail_until", "mail_ignore", "page_title", "page_asks", "page_enter", "page_code", "page_button", "page_done", "page_wrong", "page_gone", "page_unknown"} {
				if got := c.tr.Words(l.String()).T(key, map[string]any{"Account": "a", "Domain": "d", "Until": "u"}); got == key || got == "" || strings.Contains(got, "<no value>") {
					t.Errorf("%s is not translated: %q", key, got)
				}
			}
		})
	}
}

// FuzzCompose: nothing in a message's fields makes another header, another
// recipient or a panic.
func FuzzCompose(f *testing.F) {
	f.Add("admin@example.com", "Example", "example.com", "fr")
	f.Add("admin@example.com\r\nBcc: x@y.example", "Evil\r\nBcc: x@y.example", "example.com\r\n\r\nbody", "xx\r\nBcc: x@y.example")
	f.Add("\"a b\"@example.com", "{{.Code}}", "<script>", "ja_JP")
	c := composer(f)
	f.Fuzz(func(t *testing.T, to, account, domain, locale string) {
		m := message(locale)
		m.To, m.Account, m.Domain, m.ASCII = to, account, domain, domain
		b, err := c.Compose(m)
		if err != nil {
			return
		}
		env, err := enmime.ReadEnvelope(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []string{"Bcc", "Cc"} {
			if env.GetHeader(h) != "" {
				t.Fatalf("%s: %q", h, env.GetHeader(h))
			}
		}
		if list, err := env.AddressList("To"); err != nil || len(list) != 1 {
			t.Fatalf("To: %v %v", list, err)
		}
	})
}
