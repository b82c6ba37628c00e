package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"deed/sandbox"
)

// checked runs deed check against a box.
func checked(t *testing.T, box *sandbox.Internet, args ...string) (string, int) {
	t.Helper()
	var out, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"check", "--resolver", box.DNS.String(), "--dns-dnssec", "off"}, args...), &out, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("on standard error: %s", &stderr)
	}
	return out.String(), code
}

func TestWhatASiteOwnerReads(t *testing.T) {
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	if err := box.Records("example.com. 5 IN A 127.0.0.1", `_dnsauth.example.com.example.com. 5 IN TXT "`+someToken+`"`); err != nil {
		t.Fatal(err)
	}
	out, code := checked(t, box, "example.com", "--token", someToken)
	line := `_dnsauth.example.com. TXT "` + someToken + `"`
	for _, s := range []string{"NOT PROVEN  example.com by dns-txt-token\n", "[record_zone_doubled]", "What to do", `type only "_dnsauth"`, "\n      " + line + "\n", "with this change the check passes", "Look again after", "What was seen"} {
		if !strings.Contains(out, s) {
			t.Errorf("does not say %q", s)
		}
	}
	if strings.Count(out, line) != 1 || code != exitNotProven {
		t.Errorf("exit code %d, the record is there %d times", code, strings.Count(out, line))
	}
	for l := range strings.Lines(out) {
		if len([]rune(strings.TrimSpace(l))) > 80 {
			t.Errorf("wider than a terminal: %q", l)
		}
	}
	t.Log("\n" + out)

	var a struct {
		Outcome string
		Problem struct {
			Code, Detail, Fix, Help, Whose string
			FixProven                      bool `json:"fix_proven"`
			Publish                        []string
		}
		Causes []struct{ Code, Help string }
	}
	out, code = checked(t, box, "example.com", "--token", someToken, "--json")
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != exitNotProven {
		t.Fatalf("%v, exit code %d: %s", err, code, out)
	}
	p := a.Problem
	if a.Outcome != "not_proven" || p.Code != "record_zone_doubled" || !p.FixProven || p.Whose != "record" || p.Help != "/help/problems/record_zone_doubled" || len(p.Publish) != 1 || p.Publish[0] != line {
		t.Errorf("%s", out)
	}
	if len(a.Causes) == 0 || a.Causes[0].Code != "txt_not_found" || a.Causes[0].Help == "" {
		t.Errorf("causes: %+v", a.Causes)
	}
}

// Without a value nothing can be proven; what stands there is shown.
func TestCheckWithoutAValueShowsWhatIsThere(t *testing.T) {
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	if err := box.Records(`example.com. 5 IN TXT "v=spf1 -all"`); err != nil {
		t.Fatal(err)
	}
	out, code := checked(t, box, "example.com")
	if code != exitNotProven || !strings.Contains(out, "NOTHING WAS CHECKED") || !strings.Contains(out, "v=spf1 -all") || strings.Contains(out, "Publish this record") {
		t.Errorf("exit code %d: %s", code, out)
	}
	out, code = checked(t, box, "example.com", "--json")
	var s surveyed
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != exitNotProven || s.Checked || len(s.Seen) == 0 || len(s.Problems) != 0 {
		t.Errorf("%v, exit code %d: %s", err, code, out)
	}
}
