package certcentral_test

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever a caller puts into a request, the value is ours (BR 1.6.1: "specified
// by a CA"), and one of the caller's never proves.
func TestIncidentAValueChosenByTheClient(t *testing.T) {
	w := newWorld(t)
	const chosen = "chosenchosenchosenchosenchosen00"
	r := w.call(201, "POST", "/domain", fmt.Sprintf(`{"name":"chosen.example.com","organization":{"id":%d},"validations":[{"type":"ov"}],"dcv_method":"dns-txt-token",
		"token":%q,"dcv_token":{"token":%q,"value":%q,"random_value":%q},"random_value":%q}`, w.org, chosen, chosen, chosen, chosen, chosen))
	path := fmt.Sprintf("/domain/%d", r.number("id"))
	w.dns("_dnsauth.chosen.example.com", "TXT", chosen)
	w.dns("chosen.example.com", "TXT", chosen)
	for _, step := range []struct{ method, path, body string }{
		{"PUT", path + "/dcv/token", fmt.Sprintf(`{"token":%q,"dcv_token":{"token":%q}}`, chosen, chosen)},
		{"PUT", path + "/dcv/token?token=" + chosen, ""},
		{"PUT", path + "/dcv/validate-token", fmt.Sprintf(`{"token":%q,"dcv_token":{"token":%q}}`, chosen, chosen)},
		{"PUT", path + "/dcv/validate-token?token=" + chosen, ""},
	} {
		a := w.send(step.method, w.url+step.path, w.key, step.body)
		if a.status/100 == 5 || strings.Contains(string(a.body), chosen) && !strings.Contains(string(a.body), "no live random value") && !strings.Contains(string(a.body), "error") {
			t.Errorf("%s %s: %d %s", step.method, step.path, a.status, a.body)
		}
	}
	if info := w.call(200, "GET", path+"?include_dcv=true", ""); strings.Contains(string(info.body), chosen) || strings.Contains(string(info.body), "validated_until") {
		t.Errorf("%s", info.body)
	}
}
