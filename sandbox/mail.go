package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// maxMessages bounds the mailbox; the oldest go first.
const maxMessages = 1000

// message is one delivery, read.
type message struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Link    string `json:"link,omitempty"` // the first link to the approval page
	Code    string `json:"code,omitempty"` // the random value in the text
	Raw     string `json:"raw"`
}

// mailbox takes mail for everyone.
type mailbox struct {
	mu       sync.Mutex
	messages []message
	more     chan struct{} // closed and replaced when a message comes
}

func newMailbox() *mailbox { return &mailbox{more: make(chan struct{})} }

// NewSession is smtp.Backend.
func (b *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }

type session struct {
	box  *mailbox
	from string
	to   []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = append(s.to, to); return nil }
func (s *session) Reset()                                      { s.from, s.to = "", nil }
func (s *session) Logout() error                               { return nil }

var (
	links = regexp.MustCompile(`https?://[^\s<>"]+/approve/[A-Za-z0-9_-]+`)
	codes = regexp.MustCompile(`(?m)^\s*([0-9a-z]{32})\s*$`)
)

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	env, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "this is no message"}
	}
	for _, to := range s.to {
		m := message{From: s.from, To: to, Subject: env.GetHeader("Subject"), Text: env.Text, HTML: env.HTML, Link: links.FindString(env.Text), Raw: string(raw)}
		if c := codes.FindStringSubmatch(env.Text); c != nil {
			m.Code = c[1]
		}
		s.box.add(m)
	}
	return nil
}

func (b *mailbox) add(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.messages) >= maxMessages {
		b.messages = b.messages[1:]
	}
	b.messages = append(b.messages, m)
	close(b.more)
	b.more = make(chan struct{})
}

// find gives the messages to an address, oldest first, and a channel that
// closes when another message comes.
func (b *mailbox) find(to string) ([]message, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := []message{}
	for _, m := range b.messages {
		if to == "" || strings.EqualFold(m.To, to) {
			list = append(list, m)
		}
	}
	return list, b.more
}

// control answers GET ?to=address, at once or, with ?wait=10s, when there is
// one; DELETE empties the mailbox.
func (b *mailbox) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodDelete:
		b.mu.Lock()
		b.messages = nil
		b.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet:
	default:
		w.Header().Set("Allow", "GET, DELETE")
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "mail can be read and emptied"})
		return
	}
	var wait time.Duration
	if s := r.URL.Query().Get("wait"); s != "" {
		var err error
		if wait, err = time.ParseDuration(s); err != nil || wait < 0 || wait > time.Minute {
			answer(w, http.StatusBadRequest, map[string]string{"error": "wait must be a duration up to 1m, such as 10s"})
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	for {
		list, more := b.find(r.URL.Query().Get("to"))
		if len(list) > 0 || ctx.Err() != nil {
			answer(w, http.StatusOK, map[string]any{"messages": list})
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}
