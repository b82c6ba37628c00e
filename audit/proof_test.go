package audit_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"deed/audit"
)

var update = flag.Bool("update", false, "write testdata anew")

func (h *house) proof(id string) []byte {
	h.t.Helper()
	p, err := audit.Prove(h.t.Context(), h.db, id, h.clock())
	if err != nil {
		h.t.Fatal(err)
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		h.t.Fatal(err)
	}
	return append(b, '\n')
}

func TestAStrangerVerifiesAProof(t *testing.T) {
	h := newHouse(t)
	h.many(3)
	r := h.prove("shop.example.com")
	h.many(0)
	h.prove("later.example.com")
	key := audit.PublicKey(&h.keys()[0])
	file := h.proof(r.Attempt.ID)
	if *update {
		if err := os.WriteFile("testdata/proof.json", file, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/key.txt", []byte(key+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := audit.CheckProof(file, key)
	if err != nil || c.Attempt.Name.String() != "shop.example.com" || c.Proof == nil || c.Capsule == nil || !c.Proof.Until.Equal(r.Domain.ProvenUntil) {
		t.Fatalf("%+v %v", c, err)
	}

	// After a rotation the old key still opens old and new files, through the
	// key that it vouched for; the new key opens both too.
	if _, err := audit.Rotate(t.Context(), h.db, h.clock(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	after := h.prove("after.example.com")
	fresh := audit.PublicKey(&h.keys()[1])
	for _, id := range []string{r.Attempt.ID, after.Attempt.ID} {
		for _, k := range []string{key, fresh} {
			if _, err := audit.CheckProof(h.proof(id), k); err != nil {
				t.Errorf("%s: %v", k, err)
			}
		}
	}
	if _, err := audit.CheckProof(file, fresh); err == nil {
		t.Error("the newer key opens a file that it knows nothing of")
	}
	stranger := newHouse(t)
	if _, err := audit.CheckProof(file, audit.PublicKey(&stranger.keys()[0])); err == nil {
		t.Error("another log's key verifies")
	}
}

// What is changed in a proof file in the smallest way shows nothing.
func TestAChangedProofShowsNothing(t *testing.T) {
	file, err := os.ReadFile("testdata/proof.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/key.txt")
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(raw))
	good, err := audit.CheckProof(file, key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 7)
		c, err := audit.CheckProof(bad, key)
		if err != nil {
			continue
		}
		// A flip that leaves the meaning as it was, such as in white space, or
		// in base64's unused bits, or that takes something away.
		if c.Attempt.Capsule != good.Attempt.Capsule || c.Attempt.Name != good.Attempt.Name || c.Attempt.Outcome != good.Attempt.Outcome || c.Size != good.Size ||
			(c.Proof != nil && !c.Proof.Until.Equal(good.Proof.Until)) {
			t.Fatalf("byte %d changes what is shown: %+v", i, c)
		}
	}
}

func TestAProofTellsNoSecret(t *testing.T) {
	h := newHouse(t)
	d := h.add("example.com")
	r := h.check(d.Domain.ID)
	b := h.proof(r.Attempt.ID)
	if strings.Contains(string(b), d.Value.Token) || strings.Contains(string(b), `"capsule": "`) || !strings.Contains(string(b), "still live") {
		t.Errorf("%s", b)
	}
	if _, err := audit.CheckProof(b, audit.PublicKey(&h.keys()[0])); err != nil {
		t.Error(err)
	}
	h.pass(31 * 24 * time.Hour)
	var p audit.Proof
	if err := json.Unmarshal(h.proof(r.Attempt.ID), &p); err != nil || len(p.Capsule) == 0 {
		t.Error("an expired value is no secret")
	}
}

func FuzzCheckProof(f *testing.F) {
	file, err := os.ReadFile("testdata/proof.json")
	if err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/key.txt")
	if err != nil {
		f.Fatal(err)
	}
	key := strings.TrimSpace(string(raw))
	f.Add(file, key)
	f.Fuzz(func(_ *testing.T, b []byte, k string) {
		_, _ = audit.CheckProof(b, k)
		_, _ = audit.CheckProof(b, key)
	})
}
