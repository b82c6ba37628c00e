package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A verifier of proof files that uses nothing of this program: docs/audit.md
// in a few lines. It must accept the sample, and refuse it when it is changed.
func TestTheSampleProofByAnIndependentVerifier(t *testing.T) {
	file, err := os.ReadFile("testdata/proof.json")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile("testdata/key.txt")
	if err != nil {
		t.Fatal(err)
	}
	k := strings.TrimSpace(string(key))
	if name := independent(file, k); name != "shop.example.com" {
		t.Fatalf("it shows %q", name)
	}
	for _, change := range [][2]string{
		{`shop.example.com`, `bank.example.com`},
		{`"index": `, `"index": 1`},
		{`\"kind\":\"attempt\"`, `\"kind\":\"attempx\"`},
	} {
		bad := strings.ReplaceAll(string(file), change[0], change[1])
		if bad == string(file) {
			t.Fatal("the sample has no", change[0])
		}
		if name := independent([]byte(bad), k); name != "" {
			t.Errorf("with %s it shows %q", change[1], name)
		}
	}
}

// independent gives the name that a file shows to be proven; "" if none.
func independent(file []byte, key string) string {
	var p struct {
		Attempt, Checkpoint string
		Entries             []struct {
			Index int64
			Leaf  string
			Path  [][]byte
		}
		Capsule, Signature []byte
		SignedBy           string `json:"signed_by"`
	}
	if json.Unmarshal(file, &p) != nil {
		return ""
	}
	// The key: name+hash+base64(1, 32 bytes).
	parts := strings.SplitN(key, "+", 3)
	raw, _ := base64.StdEncoding.DecodeString(parts[2])
	public := ed25519.PublicKey(raw[1:])

	// The checkpoint: text, an empty line, "— name base64(4 bytes of key hash, signature)".
	text, signatures, _ := strings.Cut(p.Checkpoint, "\n\n")
	text += "\n"
	signature, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(signatures[strings.LastIndex(signatures, " "):]))
	lines := strings.Split(text, "\n")
	if len(signature) != 68 || !ed25519.Verify(public, []byte(text), signature[4:]) || lines[0] != parts[0] {
		return ""
	}
	size, _ := strconv.ParseInt(lines[1], 10, 64)
	root, _ := base64.StdEncoding.DecodeString(lines[2])

	name, capsule := "", ""
	for _, e := range p.Entries {
		if !bytes.Equal(climb(e.Index, size, leafHash(e.Leaf), e.Path), root) {
			return ""
		}
		var l struct{ Kind, Attempt, Name, Outcome, Capsule string }
		if json.Unmarshal([]byte(e.Leaf), &l) == nil && l.Kind == "attempt" && l.Attempt == p.Attempt && l.Outcome == "proven" {
			name, capsule = l.Name, l.Capsule
		}
	}
	sum := sha256.Sum256(p.Capsule)
	if hex.EncodeToString(sum[:]) != capsule || p.SignedBy != key || !ed25519.Verify(public, append([]byte("deed capsule 1\x00"), p.Capsule...), p.Signature) {
		return ""
	}
	return name
}

func leafHash(leaf string) []byte {
	h := sha256.Sum256(append([]byte{0}, leaf...))
	return h[:]
}

// climb is RFC 9162 section 2.1.3.2: from a leaf by its path to the root.
func climb(index, size int64, h []byte, path [][]byte) []byte {
	fn, sn := index, size-1
	for _, p := range path {
		if sn == 0 {
			return nil
		}
		pair := append([]byte{1}, h...)
		pair = append(pair, p...)
		if fn&1 == 1 || fn == sn {
			pair = append(append([]byte{1}, p...), h...)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		}
		s := sha256.Sum256(pair)
		h, fn, sn = s[:], fn>>1, sn>>1
	}
	if sn != 0 {
		return nil
	}
	return h
}
