package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The auditor's commands, on the database of a server that goes on working.
func TestAuditBesideARunningServer(t *testing.T) {
	p := sandboxProcess(t)
	dir := t.TempDir()
	db := p.field("database")
	run := func(want int, args ...string) string {
		t.Helper()
		out, errs, code := tool(t, dir, args...)
		if code != want {
			t.Fatalf("deed %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
		}
		return out
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	prove := func(name string) string {
		t.Helper()
		path, a := p.add(name, "dns-txt-token")
		p.api(400, "PUT", path+"/dcv/validate-token", "") // a "no" is evidence too
		p.world("PUT", "/sandbox/dns", map[string]any{"name": "_dnsauth." + name, "type": "TXT", "value": dig(t, a.body, "dcv_token", "token")})
		return dig(t, p.attempt(p.api(200, "PUT", path+"/dcv/validate-token", "")), "id").(string)
	}

	first := prove("shop.example.com")
	write("key.txt", run(0, "audit", "key", "--database", db))
	write("proof.json", run(0, "audit", "prove", first, "--database", db))
	if out := run(0, "audit", "check", "proof.json", "--key", "key.txt"); !strings.Contains(out, "VERIFIED") || !strings.Contains(out, "shop.example.com") {
		t.Errorf("check says:\n%s", out)
	}
	proof, err := os.ReadFile(filepath.Join(dir, "proof.json"))
	if err != nil {
		t.Fatal(err)
	}
	write("forged.json", strings.Replace(string(proof), `\"usable_until\":\"20`, `\"usable_until\":\"21`, 1))
	run(1, "audit", "check", "forged.json", "--key", "key.txt")
	run(2, "audit", "check", "nothing.json", "--key", "key.txt")

	// A new key while the server runs: it signs with the new one from then on,
	// and who has the old one still verifies.
	run(0, "audit", "rotate-key", "--database", db)
	second := prove("shop.example.net")
	if out := run(0, "audit", "verify", "--database", db); !strings.Contains(out, "SOUND") || strings.Contains(out, "NOT SOUND") {
		t.Errorf("verify says:\n%s", out)
	}
	run(0, "audit", "verify", "--database", db, "--key", "key.txt")
	write("proof2.json", run(0, "audit", "prove", second, "--database", db))
	run(0, "audit", "check", "proof2.json", "--key", "key.txt")

	// Another log's key opens nothing.
	other := sandboxProcess(t)
	write("other.txt", run(0, "audit", "key", "--database", other.field("database")))
	run(1, "audit", "check", "proof.json", "--key", "other.txt")
	run(1, "audit", "verify", "--database", db, "--key", "other.txt")

	// A live value is in no export.
	_, open := p.add("open.example.org", "dns-txt-token")
	p.world("PUT", "/sandbox/dns", map[string]any{"name": "open.example.org", "type": "TXT", "value": "not-" + dig(t, open.body, "dcv_token", "token").(string)})
	p.api(400, "PUT", "/domain/3/dcv/validate-token", "")
	for _, format := range []string{"jsonl", "csv"} {
		out := run(0, "audit", "export", "--format", format, "--database", db)
		if !strings.Contains(out, "open.example.org") || strings.Contains(out, dig(t, open.body, "dcv_token", "token").(string)) {
			t.Errorf("%s:\n%s", format, out)
		}
	}
	if out := run(0, "audit", "query", "--method", "dns-txt-token", "--count", "--database", db); !strings.Contains(out, "2") {
		t.Errorf("query says %q", out)
	}
	if out := run(0, "replay", "--all", "--database", db); !strings.Contains(out, "0 different") {
		t.Errorf("replay says %q", out)
	}

	info, err := os.Stat(strings.TrimPrefix(db, "sqlite:"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database holds the private key, and has mode %v, %v", info.Mode(), err)
	}
}
