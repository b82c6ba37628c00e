package sandbox

import (
	"errors"
	"net/http"
	"slices"

	"github.com/miekg/dns"
)

// nameServer is what the control API says of a name server beside the
// resolver: what it serves, and what is wrong with it. It is found by NS and A
// records, which are set at /sandbox/dns.
type nameServer struct {
	Zone    string   `json:"zone"`
	Records []string `json:"records"` // zone file lines, an SOA among them
	// Fault: lame, silent, no_tcp, drop_case, lower_case, truncate or no_txt.
	Fault   string `json:"fault,omitempty"`
	Address string `json:"address,omitempty"` // in the answer
}

var nameServerFaults = map[string]NameServerOptions{
	"": {}, "lame": {Lame: true}, "silent": {Silent: true}, "no_tcp": {Truncate: true, NoTCP: true}, "drop_case": {DropCase: true}, "lower_case": {LowerCase: true},
	"truncate": {Truncate: true}, "no_txt": {RefuseTypes: []uint16{dns.TypeTXT}},
}

// maxNameServers bounds what the control API opens.
const maxNameServers = 50

func (n *Internet) controlServers(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		answer(w, http.StatusMethodNotAllowed, map[string]string{"error": "the method must be POST or PUT"})
		return
	}
	var s nameServer
	if !read(w, r, &s) {
		return
	}
	o, known := nameServerFaults[s.Fault]
	_, name := dns.IsDomainName(s.Zone)
	switch {
	case !known:
		refuse(w, errors.New("fault must be lame, silent, no_tcp, drop_case, lower_case, truncate or no_txt"))
		return
	case !name || s.Zone == "":
		refuse(w, errors.New("zone must be a domain name"))
		return
	case len(s.Records) > 1000 || !slices.ContainsFunc(s.Records, soaLine):
		refuse(w, errors.New("records must be at most 1000 zone file lines, with an SOA among them"))
		return
	}
	n.opening.Lock()
	defer n.opening.Unlock()
	if n.opened >= maxNameServers {
		refuse(w, errors.New("too many name servers"))
		return
	}
	// Read the lines before a server is opened for them.
	if err := (&NameServer{zones: map[string]*zone{}}).Serve(s.Zone, s.Records...); err != nil {
		refuse(w, err)
		return
	}
	opened, err := n.NameServer(o)
	if err == nil {
		err = opened.Serve(s.Zone, s.Records...)
	}
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	n.opened++
	s.Address = opened.Addr.String()
	answer(w, http.StatusOK, s)
}

func soaLine(line string) bool {
	rr, err := dns.NewRR(line)
	return err == nil && rr != nil && rr.Header().Rrtype == dns.TypeSOA
}
