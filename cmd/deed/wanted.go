package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"deed/caa"
	"deed/check"
	"deed/dcv"
	"deed/names"
	"deed/rules"
)

// wanted is what a check by hand looks for, as typed.
type wanted struct {
	method           string
	tokens           []string
	keyAuthorization string
	accountURI       string
	issuers          []string
}

func (w *wanted) flags(f *pflag.FlagSet) {
	f.StringVar(&w.method, "method", string(dcv.DNSTXT), "one of "+looks())
	f.StringSliceVar(&w.tokens, "token", nil, "the random value to look for; may be given several times")
	f.StringVar(&w.keyAuthorization, "key-authorization", "", "of an ACME challenge: token, dot, thumbprint")
	f.StringVar(&w.accountURI, "account-uri", "", "the accounturi of a persistent record or of CAA, or the ACME account's URL for dns-account-01")
	f.StringSliceVar(&w.issuers, "issuer", nil, "the issuer that a persistent record names; validation.caa_identities if not given")
}

// looks lists the methods that a look can check.
func looks() string {
	var list []string
	for _, r := range rules.Methods() {
		if r.LookedAt() {
			list = append(list, string(r.Method))
		}
	}
	return strings.Join(list, ", ")
}

// oneChallenge makes a challenge without a server.
func oneChallenge(c *config, n *names.Names, domain string, w wanted) (dcv.Challenge, error) {
	name, err := n.Normalise(domain)
	if err != nil {
		return dcv.Challenge{}, fmt.Errorf("%q: %w", domain, err)
	}
	m := dcv.Method(w.method)
	rule, ok := rules.For(m)
	if !ok || !rule.LookedAt() {
		return dcv.Challenge{}, fmt.Errorf("--method %q cannot be checked from here; accepted: %s", m, looks())
	}
	if m == dcv.DNSCNAME && c.CNAMETarget == "" && c.PublicURL == "" {
		return dcv.Challenge{}, errors.New("--validation-cname-target: the method dns-cname-token needs the target that was handed out, without the random value")
	}
	now := dcv.Stamp(time.Now())
	base, _ := n.BaseDomain(name)
	ch := dcv.Challenge{
		Name: name, Method: m, ADNs: rule.ADNs(name, base), CNAMETarget: cnameTarget(c, c.PublicURL), CanaryLabel: "_" + strings.ReplaceAll(newID(), "-", "")[:31],
		HTTPPort: c.HTTPPort, HTTPSPort: c.HTTPSPort, Now: now, RulesAsOf: c.RulesAsOf,
		Issuers: c.CAA, EnforceCAA: len(c.CAA) > 0, LenientCAA: c.LenientCAA,
	}
	for _, p := range c.AllowPrivate {
		ch.AllowPrivate = append(ch.AllowPrivate, p.String())
	}
	return ch, w.into(&ch, rule)
}

// into adds what the method looks for; the error is wrong usage.
func (w *wanted) into(ch *dcv.Challenge, rule rules.Method) error {
	key, isKey := check.ParseKeyAuthorization(w.keyAuthorization)
	switch {
	case rule.ByValue && len(w.tokens) == 0:
		return fmt.Errorf("--token: the method %s needs the random value to look for", ch.Method)
	case !rule.ByValue && len(w.tokens) > 0:
		return fmt.Errorf("--token: the method %s looks for no random value", ch.Method)
	case rule.ByKey && !isKey:
		return fmt.Errorf("--key-authorization: the method %s needs one: a token of at least 22 base64url characters, a dot, and a SHA-256 thumbprint", ch.Method)
	case !rule.ByKey && w.keyAuthorization != "":
		return fmt.Errorf("--key-authorization: the method %s takes none", ch.Method)
	case w.accountURI == "" && (ch.Method == dcv.Persistent || ch.Method == dcv.ACMEDNSAccount):
		return fmt.Errorf("--account-uri: the method %s needs the account's URI", ch.Method)
	}
	if ch.Method == dcv.ACMEDNSAccount {
		ch.AccountURL = w.accountURI
	} else {
		ch.AccountURI = w.accountURI
	}
	if len(w.issuers) > 0 {
		if ch.Method != dcv.Persistent {
			return fmt.Errorf("--issuer: only %s takes it", dcv.Persistent)
		}
		ch.Issuers = nil
		for _, s := range w.issuers {
			v, ok := caa.ParseIssue(s)
			if !ok || v.Issuer == "" || len(v.Parameters) > 0 {
				return fmt.Errorf("--issuer %q is no issuer domain name", s)
			}
			ch.Issuers = append(ch.Issuers, v.Issuer)
		}
	}
	if ch.Method == dcv.Persistent && len(ch.Issuers) == 0 {
		return errors.New("--issuer: a persistent record names an issuer; give it, or set validation.caa_identities")
	}
	value := func(token string) {
		ch.Values = append(ch.Values, dcv.Value{Token: token, Source: "cli", Created: ch.Now, Expires: ch.Now.Add(rule.TokenLife)})
	}
	if rule.ByKey {
		ch.KeyAuthorization = w.keyAuthorization
		value(key.Token)
	}
	for _, t := range w.tokens {
		if len(t) < 8 || len(t) > 63 || strings.Trim(t, "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return errors.New("--token: a random value has 8 to 63 letters, digits, hyphens and underscores")
		}
		value(t)
	}
	return nil
}

// blind: nothing is looked for, so that only what stands there can be shown. A
// value that nobody has stands in for the one that is missing.
func (w *wanted) blind() bool {
	rule, ok := rules.For(dcv.Method(w.method))
	if !ok || !rule.ByValue || len(w.tokens) > 0 {
		return false
	}
	w.tokens = []string{"_" + strings.ReplaceAll(newID(), "-", "")[:31]}
	return true
}
