package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"deed/caa"
	"deed/rules"
)

// setting is one row of the operator's table: a key, its environment variable
// and flag follow from it.
type setting struct {
	key    string // "dns.resolvers"
	value  string // default, as typed
	accept string // what would be accepted, for the error
	help   string
	// parse stores the value in config, or says that it makes no sense.
	parse func(c *config, v string) bool
}

func (s setting) env() string  { return "DEED_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_")) }
func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }

// config is what the settings mean.
type config struct {
	Listen       string
	PublicURL    string // "" until the listener's address is known
	Database     string
	Resolvers    []netip.AddrPort // empty: the system's
	DNSSEC       string
	TrustAnchors string
	HTTPPort     uint16
	HTTPSPort    uint16
	AllowPrivate []netip.Prefix
	CNAMETarget  string // "" follows from the public URL
	CAA          []string
	LenientCAA   bool
	SuffixList   string // "" for the list built in
	SMTP         struct{ Address, From, Username, Password, TLS string }
	RulesAsOf    time.Time
	Retention    time.Duration
	Limits       []window
	LogLevel     string
	LogFormat    string
	Metrics      string
	MetricsGiven bool // set by the operator, so that a busy port is an error

	nameServerPort uint16 // where name servers of zones are asked directly; 53 if 0; set by the sandbox
}

// window is one rolling limit of requests per API key.
type window struct {
	Requests int
	Per      time.Duration
}

// settings is the one table of what an operator may set
// (names fixed by the operator contract).
func settings() []setting {
	return []setting{
		{"listen", "127.0.0.1:8080", "host:port", "address of the API and the pages", func(c *config, v string) bool {
			c.Listen = v
			return hostPort(v)
		}},
		{"public_url", "", "http://host or https://host, without a path", "origin in links and e-mails", func(c *config, v string) bool {
			c.PublicURL = strings.TrimSuffix(v, "/")
			if v == "" {
				return true
			}
			u, err := url.Parse(c.PublicURL)
			return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.RawQuery == "" && u.User == nil && u.Fragment == ""
		}},
		{"database", "sqlite:deed.db", "sqlite:PATH", "where everything is kept", func(c *config, v string) bool {
			c.Database = v
			return strings.HasPrefix(v, "sqlite:") && len(v) > len("sqlite:")
		}},
		{"dns.resolvers", "", "comma-separated host:port with IP addresses", "resolvers for verdicts; the system's if empty", func(c *config, v string) bool {
			return list(v, func(s string) bool {
				a, err := netip.ParseAddrPort(s)
				c.Resolvers = append(c.Resolvers, a)
				return err == nil && a.Port() != 0
			})
		}},
		{"dns.dnssec", "validate", "validate, resolver or off", "who checks DNSSEC signatures", func(c *config, v string) bool {
			c.DNSSEC = v
			return v == "validate" || v == "resolver" || v == "off"
		}},
		{"dns.trust_anchors", "", "a file with DS or DNSKEY records", "trust anchors in place of the root's", func(c *config, v string) bool {
			c.TrustAnchors = v
			return true
		}},
		{"validation.http_port", "80", "1 to 65535", "port of website checks; not 80 marks verdicts test", func(c *config, v string) bool {
			return port(v, &c.HTTPPort)
		}},
		{"validation.https_port", "443", "1 to 65535", "port of website checks over TLS; not 443 marks verdicts test", func(c *config, v string) bool {
			return port(v, &c.HTTPSPort)
		}},
		{"validation.allow_private_addresses", "false", "false, or comma-separated CIDRs such as 127.0.0.0/8", "private addresses that may be dialled; marks verdicts test", func(c *config, v string) bool {
			if v == "false" {
				return true
			}
			return list(v, func(s string) bool {
				p, err := netip.ParsePrefix(s)
				c.AllowPrivate = append(c.AllowPrivate, p.Masked())
				return err == nil
			}) && len(c.AllowPrivate) > 0
		}},
		{"validation.cname_target", "", "a domain name", "target of the CNAME method's record; dcv. + host of public_url if empty", func(c *config, v string) bool {
			c.CNAMETarget = strings.ToLower(strings.TrimSuffix(v, "."))
			return v == "" || (len(v) <= 180 && !strings.ContainsAny(v, " /:@*") && strings.Contains(v, ".") && !strings.Contains(v, ".."))
		}},
		{"validation.caa_identities", "", "comma-separated issuer domain names", "issuer names whose CAA permission is enforced", func(c *config, v string) bool {
			return list(v, func(s string) bool {
				c.CAA = append(c.CAA, strings.ToLower(s))
				// As it would stand in a record: by the grammar, and nothing more.
				p, ok := caa.ParseIssue(s)
				return ok && p.Issuer == strings.ToLower(s) && len(p.Parameters) == 0 && strings.Contains(s, ".")
			})
		}},
		{"validation.caa_lenient", "false", "true or false", "a CAA look-up that fails twice in a zone proven to be unsigned counts as a permission (BR 4.2.2.1)", func(c *config, v string) bool {
			c.LenientCAA = v == "true"
			return v == "true" || v == "false"
		}},
		{"names.suffix_list", "", "a file in the format of publicsuffix.org", "public suffix list in place of the one built in; read again when it changes and on SIGHUP", func(c *config, v string) bool {
			c.SuffixList = v
			return true
		}},
		{"perspectives", "", "nothing: this version has no remote perspectives yet", "remote perspectives", func(_ *config, v string) bool { return v == "" }},
		{"quorum", "", "nothing: this version has no remote perspectives yet", "agreement among perspectives", func(_ *config, v string) bool { return v == "" }},
		{"smtp.address", "", "host:port", "SMTP server; without it the e-mail method is refused", func(c *config, v string) bool {
			c.SMTP.Address = v
			return v == "" || hostPort(v)
		}},
		{"smtp.from", "", "an e-mail address", "sender of the e-mails", func(c *config, v string) bool {
			c.SMTP.From = v
			return v == "" || (strings.Count(v, "@") == 1 && !strings.ContainsAny(v, "\r\n"))
		}},
		{"smtp.username", "", "text", "SMTP login", func(c *config, v string) bool { c.SMTP.Username = v; return true }},
		{"smtp.password", "", "text", "SMTP password", func(c *config, v string) bool { c.SMTP.Password = v; return true }},
		{"smtp.tls", "auto", "auto, starttls, tls or off", "TLS towards the SMTP server", func(c *config, v string) bool {
			c.SMTP.TLS = v
			return v == "auto" || v == "starttls" || v == "tls" || v == "off"
		}},
		{"rules.as_of", "today", "today, or YYYY-MM-DD", "judge by the rules of another day; marks verdicts test", func(c *config, v string) bool {
			if v == "today" || v == "" {
				return true
			}
			var err error
			c.RulesAsOf, err = time.Parse(time.DateOnly, v)
			return err == nil
		}},
		{"audit.retention", "730d", "off, or days such as 730d", "how long capsules are kept past their use; their hashes stay", func(c *config, v string) bool {
			if v == "off" {
				return true
			}
			n, err := strconv.ParseUint(strings.TrimSuffix(v, "d"), 10, 16)
			c.Retention = time.Duration(n) * 24 * time.Hour
			return err == nil && n > 0 && strings.HasSuffix(v, "d")
		}},
		{"limits.requests", "100/5s,1000/3m", "off, or comma-separated count/duration such as 100/5s", "requests per API key", func(c *config, v string) bool {
			if v == "off" {
				return true
			}
			return list(v, func(s string) bool {
				n, d, ok := strings.Cut(s, "/")
				count, err1 := strconv.Atoi(n)
				per, err2 := time.ParseDuration(d)
				c.Limits = append(c.Limits, window{count, per})
				return ok && err1 == nil && err2 == nil && count > 0 && count <= 100_000 && per > 0 && per <= time.Hour
			}) && len(c.Limits) > 0
		}},
		{"log.level", "info", "debug, info, warn or error", "what is logged", func(c *config, v string) bool {
			c.LogLevel = v
			return v == "debug" || v == "info" || v == "warn" || v == "error"
		}},
		{"log.format", "", "text or json", "text on a terminal, else json", func(c *config, v string) bool {
			c.LogFormat = v
			return v == "" || v == "text" || v == "json"
		}},
		{"metrics.listen", "127.0.0.1:9090", "host:port, or off", "Prometheus metrics", func(c *config, v string) bool {
			c.Metrics = v
			return v == "off" || hostPort(v)
		}},
	}
}

// badSetting is a value that makes no sense, or a key that does not exist.
type badSetting struct{ key, value, accept, from string }

func (b badSetting) Error() string {
	if b.accept == "" {
		return fmt.Sprintf("%s: there is no setting %q", b.from, b.key)
	}
	return fmt.Sprintf("%s: %s = %q makes no sense; accepted: %s", b.from, b.key, b.value, b.accept)
}

func hostPort(v string) bool {
	_, p, err := net.SplitHostPort(v)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(p, 10, 16)
	return err == nil
}

func port(v string, into *uint16) bool {
	n, err := strconv.ParseUint(v, 10, 16)
	*into = uint16(n)
	return err == nil && n > 0
}

// list calls each for every element of a comma-separated value, spaces around
// elements ignored; the empty value has none.
func list(v string, each func(string) bool) bool {
	if strings.TrimSpace(v) == "" {
		return true
	}
	for _, s := range strings.Split(v, ",") {
		if !each(strings.TrimSpace(s)) {
			return false
		}
	}
	return true
}

// check is what no single setting can see.
func (c *config) check() error {
	if c.SMTP.Address != "" && c.SMTP.From == "" {
		return badSetting{"smtp.from", "", "an e-mail address, since smtp.address is set", "configuration"}
	}
	if !c.RulesAsOf.IsZero() && c.RulesAsOf.Before(rules.Earliest()) {
		return badSetting{"rules.as_of", c.RulesAsOf.Format(time.DateOnly), "a day from " + rules.Earliest().Format(time.DateOnly), "configuration"}
	}
	return nil
}
