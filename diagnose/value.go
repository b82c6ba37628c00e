package diagnose

import (
	"strings"
	"unicode"

	"deed/dcv"
)

// slip is how a text differs from a value that was handed out.
type slip string

const (
	slipNone   slip = "" // it is something else altogether
	slipExact  slip = "exact"
	slipQuoted slip = "quoted"
	slipSpaced slip = "spaced"
	slipCase   slip = "case"
	slipCut    slip = "cut"
	slipExtra  slip = "extra"
)

var slips = map[slip]dcv.Code{
	slipQuoted: dcv.ValueQuoted, slipSpaced: dcv.ValueSpaced, slipCase: dcv.ValueCase, slipCut: dcv.ValueCut, slipExtra: dcv.ValueExtra,
}

const quotes = "\"'`\\“”„‟‘’‚‛«»‹›＂"

// slipOf compares a text with a value. It is pure.
func slipOf(text, token string) slip {
	if token == "" || text == "" || len(text) > 8<<10 {
		return slipNone
	}
	if text == token || strings.Trim(text, " \t\r\n") == token {
		return slipExact
	}
	bare := strings.Map(func(c rune) rune {
		if strings.ContainsRune(quotes, c) {
			return -1
		}
		return c
	}, text)
	closed := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || unicode.IsControl(c) {
			return -1
		}
		return c
	}, bare)
	switch {
	case strings.TrimSpace(bare) == token:
		return slipQuoted
	case closed == token:
		return slipSpaced
	case strings.EqualFold(closed, token):
		return slipCase
	case strings.Contains(text, token):
		return slipExtra
	}
	if n := len(closed); n >= 8 && n >= len(token)/2 && n < len(token) && (strings.HasPrefix(token, closed) || strings.HasSuffix(token, closed)) {
		return slipCut
	}
	return slipNone
}

// likeValue: the form of the values that are handed out here.
func likeValue(s string) bool {
	return len(s) >= 24 && len(s) <= 64 && strings.Trim(s, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// split: two records that together are the value.
func split(texts []string, token string) bool {
	for i, a := range texts {
		if a == "" || len(a) >= len(token) || !strings.HasPrefix(token, a) {
			continue
		}
		for j, b := range texts {
			if i != j && a+b == token {
				return true
			}
		}
	}
	return false
}

// shown bounds a stranger's text for a sentence.
func shown(s string) string {
	var b strings.Builder
	for _, c := range s {
		if b.Len() > 90 {
			b.WriteString("…")
			break
		}
		switch {
		case c == unicode.ReplacementChar:
			b.WriteByte('?')
		case !unicode.IsPrint(c):
			b.WriteString("·")
		default:
			b.WriteRune(c)
		}
	}
	return "“" + b.String() + "”"
}
