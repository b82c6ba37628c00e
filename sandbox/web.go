package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxFiles bounds the web.
const maxFiles = 1000

// file is what one path of one host answers.
type file struct {
	Host     string            `json:"host"`
	Path     string            `json:"path"`
	Status   int               `json:"status,omitempty"`
	Body     string            `json:"body"`
	Headers  map[string]string `json:"headers,omitempty"`
	Location string            `json:"location,omitempty"`
}

// web serves files by host.
type web struct {
	addressOf func(host string)
	mu        sync.RWMutex
	files     map[string]file
	sites     map[string]http.Handler // by host, for paths without a file
}

func newWeb() *web { return &web{files: map[string]file{}, sites: map[string]http.Handler{}} }

// ServeHTTP is http.Handler.
func (s *web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	s.mu.RLock()
	f, ok := s.files[strings.ToLower(host)+r.URL.Path]
	s.mu.RUnlock()
	if !ok {
		s.mu.RLock()
		site := s.sites[strings.ToLower(host)]
		s.mu.RUnlock()
		if site == nil {
			site = http.NotFoundHandler()
		}
		site.ServeHTTP(w, r)
		return
	}
	for k, v := range f.Headers {
		w.Header().Set(k, v)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}

func (s *web) control(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		s.mu.RLock()
		defer s.mu.RUnlock()
		list := []file{}
		for _, f := range s.files {
			list = append(list, f)
		}
		answer(w, http.StatusOK, map[string]any{"files": list})
		return
	}
	var f file
	if !read(w, r, &f) {
		return
	}
	f.Host = strings.ToLower(strings.TrimSuffix(f.Host, "."))
	if f.Status == 0 {
		f.Status = http.StatusOK
		if f.Location != "" {
			f.Status = http.StatusFound
		}
	}
	switch {
	case f.Host == "" || strings.ContainsAny(f.Host, "/: "):
		refuse(w, errors.New("host must be a domain name"))
		return
	case !strings.HasPrefix(f.Path, "/"):
		refuse(w, errors.New("path must start with a slash"))
		return
	case f.Status < 200 || f.Status > 599:
		refuse(w, errors.New("status must be 200 to 599"))
		return
	}
	s.mu.Lock()
	key := f.Host + f.Path
	full := false
	if r.Method == http.MethodDelete {
		delete(s.files, key)
	} else if _, have := s.files[key]; !have && len(s.files) >= maxFiles {
		full = true
	} else {
		s.files[key] = f
	}
	s.mu.Unlock()
	if full {
		refuse(w, errors.New("too many files"))
		return
	}
	if r.Method != http.MethodDelete {
		s.addressOf(f.Host)
	}
	answer(w, http.StatusOK, f)
}

// selfSigned makes the web server's certificate, which nobody trusts.
func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "deed sandbox"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0), DNSNames: []string{"sandbox.localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, nil
}
