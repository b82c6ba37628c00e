package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"deed/names"
)

func settingsOf(t *testing.T, file string, env map[string]string, args ...string) (*config, string, error) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	addFlags(fs)
	if file != "" {
		args = append(args, "--config", writeFile(t, t.TempDir(), "deed.yaml", file))
	}
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	var warnings bytes.Buffer
	c, err := load(fs, nil, &warnings)
	return c, warnings.String(), err
}

func TestSettingsOrder(t *testing.T) {
	file := "listen: 127.0.0.1:1001\ndns:\n  resolvers: [\"127.0.0.1:53\", \"[::1]:53\"]\nsmtp:\n  address: 127.0.0.1:25\n  from: dcv@ca.example\nrules:\n  as_of: 2027-03-15\n"
	c, _, err := settingsOf(t, file, map[string]string{"DEED_LISTEN": "127.0.0.1:1002", "DEED_LOG_LEVEL": "warn"}, "--log.level", "debug")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:1002" {
		t.Errorf("listen %q: the environment stands over the file", c.Listen)
	}
	if c.LogLevel != "debug" {
		t.Errorf("log.level %q: the flag stands over the environment", c.LogLevel)
	}
	if len(c.Resolvers) != 2 || c.Resolvers[1].String() != "[::1]:53" {
		t.Errorf("dns.resolvers %v", c.Resolvers)
	}
	if got := c.RulesAsOf.Format("2006-01-02"); got != "2027-03-15" {
		t.Errorf("rules.as_of %s", got)
	}
	if c.HTTPPort != 80 || c.DNSSEC != "validate" || len(c.Limits) != 2 {
		t.Errorf("defaults: %+v", c)
	}
}

// The operator contract: the error names the key, the value and what would be accepted.
func TestSettingsThatMakeNoSense(t *testing.T) {
	for _, row := range []struct{ name, file, key, value string }{
		{"an unknown key", "colour: red\n", "colour", ""},
		{"an unknown nested key", "dns:\n  resolver: 127.0.0.1:53\n", "dns.resolver", ""},
		{"a resolver that is a host name", "dns:\n  resolvers: ns1.example.com:53\n", "dns.resolvers", "ns1.example.com:53"},
		{"a resolver without a port", "dns:\n  resolvers: 127.0.0.1\n", "dns.resolvers", "127.0.0.1"},
		{"DNSSEC neither on nor off", "dns:\n  dnssec: maybe\n", "dns.dnssec", "maybe"},
		{"port 0", "validation:\n  http_port: 0\n", "validation.http_port", "0"},
		{"a port that is too large", "validation:\n  https_port: 70000\n", "validation.https_port", "70000"},
		{"true is no list of CIDRs", "validation:\n  allow_private_addresses: true\n", "validation.allow_private_addresses", "true"},
		{"a public URL with a path", "public_url: https://ca.example/deed\n", "public_url", "https://ca.example/deed"},
		{"a database nobody speaks", "database: mysql:x\n", "database", "mysql:x"},
		{"a limit without a window", "limits:\n  requests: 100\n", "limits.requests", "100"},
		{"a day that does not exist", "rules:\n  as_of: \"2027-02-30\"\n", "rules.as_of", "2027-02-30"},
		{"an SMTP server without a sender", "smtp:\n  address: 127.0.0.1:25\n", "smtp.from", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := settingsOf(t, row.file, nil)
			var bad badSetting
			if !errors.As(err, &bad) {
				t.Fatalf("error %v", err)
			}
			if bad.key != row.key || bad.value != row.value || !strings.Contains(err.Error(), row.key) {
				t.Errorf("%q names key %q and value %q", err, bad.key, bad.value)
			}
		})
	}
}

func TestSecretsAreNotShownInErrors(t *testing.T) {
	for _, s := range settings() {
		if s.key == "smtp.password" && !s.parse(&config{}, "any\ntext") {
			t.Error("a password is refused, and would be printed")
		}
	}
}

// Kubernetes injects DEED_PORT for a service named deed.
func TestUnknownEnvironmentIsAWarning(t *testing.T) {
	_, warnings, err := settingsOf(t, "", map[string]string{"DEED_PORT": "tcp://10.0.0.1:80"})
	if err != nil || !strings.Contains(warnings, "DEED_PORT") {
		t.Errorf("%v, warnings %q", err, warnings)
	}
}

// S9: the AD bit of a resolver across a network is anybody's.
func TestTheADBitOfADistantResolverIsRefused(t *testing.T) {
	n, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, resolvers, dnssec string
		refused                 bool
	}{
		{"a resolver on this host is believed", "127.0.0.1:53,[::1]:53", "resolver", false},
		{"one across the network is not", "192.0.2.53:53", "resolver", true},
		{"nor is one of two", "127.0.0.1:53,10.0.0.53:53", "resolver", true},
		{"validating here, any resolver will do", "192.0.2.53:53", "validate", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _, err := settingsOf(t, "", nil, "--dns.resolvers", row.resolvers, "--dns.dnssec", row.dnssec)
			if err != nil {
				t.Fatal(err)
			}
			_, err = engine(c, n, nil, nil)
			var bad badSetting
			if errors.As(err, &bad) != row.refused || (row.refused && bad.key != "dns.dnssec") {
				t.Errorf("%v", err)
			}
		})
	}
}
