package capsule

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// The vector of docs/capsule.md is what this program makes and reads.
func TestTheVector(t *testing.T) {
	const file = "testdata/vector.txt"
	c := sample(t)
	e, err := Seal(c, key(), false)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c)
	want := fmt.Sprintf("seed %x\npublic %x\ncapsule %x\nsha256 %x\nenvelope %x\n", key().Seed(), key().Public(), c, sum, e)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Fatalf("the encoding is another than that of the vector:\n%s", want)
	}
	_, text, _ := strings.Cut(strings.TrimSpace(string(have)), "envelope ")
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(raw)
	if err != nil || !bytes.Equal(s.Capsule, c) || !s.Verify(key().Public().(ed25519.PublicKey)) {
		t.Errorf("the envelope: %v", err)
	}
	if _, err := Decode(s.Capsule); err != nil {
		t.Error(err)
	}
}
