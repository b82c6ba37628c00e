package capsule

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"deed/dcv"
)

// key is a key of the tests: 32 bytes of 7.
func key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

func sample(t testing.TB) []byte {
	t.Helper()
	c := Capsule{
		Format: Format, ID: "0193a0b0-0000-7000-8000-000000000001", Deed: "0.1.0", Rules: "2.3.0", PSL: "2026-03-02",
		Challenge: dcv.Challenge{
			Name: dcv.MustName("shop.example.com"), Method: dcv.DNSTXT, ADNs: []dcv.Name{dcv.MustName("shop.example.com")}, Now: time.Unix(1, 0).UTC(), DNSSEC: "off",
			Values: []dcv.Value{{Token: "0123456789abcdefghijklmnopqrstuv", Source: "domain", ID: 7, Created: time.Unix(0, 0).UTC(), Expires: time.Unix(9, 0).UTC()}},
		},
		Servers: []string{"192.0.2.53:53"}, Ended: time.Unix(2, 0).UTC(), Verdict: []byte(`{"outcome":"not_proven"}`),
		DNS: []DNS{{Server: "192.0.2.53:53", Transport: "udp", Name: "_dnsauth.shop.example.com", Type: 16, Sent: []byte{1, 2}, Fault: "timeout", Started: 5, Elapsed: 2000000}},
	}
	c.Decision = dcv.Decision{Outcome: dcv.NotProven, ADN: c.Challenge.Name, Method: dcv.DNSTXT, Code: dcv.DNSTimeout, Matched: -1}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealedPackedOrNotTheSignatureIsOnTheSameBytes(t *testing.T) {
	b, k := sample(t), key()
	public := k.Public().(ed25519.PublicKey)
	for _, packed := range []bool{false, true} {
		e, err := Seal(b, k, packed)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(e)
		if err != nil || !bytes.Equal(s.Capsule, b) || !s.Verify(public) {
			t.Fatalf("packed %v: %v", packed, err)
		}
		if packed && len(e) >= len(b) {
			t.Errorf("packing made %d bytes of %d", len(e), len(b))
		}
		other, _ := s.Encode(!packed)
		if again, err := Open(other); err != nil || !again.Verify(public) {
			t.Errorf("packed otherwise: %v", err)
		}
		stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey)
		if s.Verify(stranger) {
			t.Error("another key verifies")
		}
	}
	s, err := Open(b)
	if err != nil || s.Signed() || !bytes.Equal(s.Capsule, b) || s.Verify(public) {
		t.Errorf("unsigned: %v", err)
	}
}

// Every bit of an envelope's capsule and signature counts; what remains
// without effect on them (a bit of the packing's padding) is found by the hash
// of the stored bytes in the log.
func TestNoBitOfAnEnvelopeMayFlip(t *testing.T) {
	b, k := sample(t), key()
	public := k.Public().(ed25519.PublicKey)
	e, err := Seal(b, k, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(e) * 8 {
		bad := bytes.Clone(e)
		bad[i/8] ^= 1 << (i % 8)
		if s, err := Open(bad); err == nil && s.Verify(public) {
			t.Fatalf("bit %d of byte %d", i%8, i/8)
		}
	}
}

func TestHostileEnvelopes(t *testing.T) {
	raw := func(packing, size int, body []byte) []byte {
		b, err := encoding.Marshal(envelope{Magic: magic, Version: 1, Key: make([]byte, 8), Signature: make([]byte, 64), Packing: packing, Size: size, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	bomb, err := deflate(make([]byte, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		in   []byte
	}{
		{"a bomb: 64 MiB of zeros in 64 KiB, said to be 2 MiB", raw(deflated, MaxSize, bomb)},
		{"a bomb that says what it is", raw(deflated, 1<<30, bomb)},
		{"a size below zero", raw(deflated, -1, bomb[:10])},
		{"a size that is too small", raw(plain, 1, []byte{1, 2})},
		{"a size that is too large", raw(plain, 3, []byte{1, 2})},
		{"a packing from the future", raw(2, 2, []byte{1, 2})},
		{"packed rubbish", raw(deflated, 2, []byte{0xff, 0xff})},
		{"an array of 2^62 elements", []byte{0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0}},
		{"an array without end", []byte{0x9f, 0x00, 0xff}},
		{"deep arrays", bytes.Repeat([]byte{0x81}, 100000)},
		{"too long", make([]byte, MaxSize+2000)},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := testing.AllocsPerRun(1, func() {
				s, err := Open(row.in)
				if err == nil {
					_, err = Decode(s.Capsule)
				}
				if err == nil {
					t.Error("accepted")
				}
			})
			if before > 5000 {
				t.Errorf("%.0f allocations", before)
			}
		})
	}
}

func TestHostileCapsules(t *testing.T) {
	for _, row := range []struct {
		name string
		in   []byte
	}{
		{"deep maps", bytes.Repeat([]byte{0xa1, 0x06}, 50000)},
		{"deep arrays in a section", append([]byte{0xa1, 0x08}, bytes.Repeat([]byte{0x81}, 50000)...)},
		{"a list of 2^32 exchanges", []byte{0xa1, 0x08, 0x9a, 0xff, 0xff, 0xff, 0xff}},
		{"a text of 2^40 bytes", []byte{0xa1, 0x02, 0x7b, 0, 0, 1, 0, 0, 0, 0, 0}},
		{"more exchanges than an attempt can have", append([]byte{0xa1, 0x08, 0x99, 0x07, 0xd1}, bytes.Repeat([]byte{0xa0}, 2001)...)},
		{"a section twice", []byte{0xa2, 0x01, 0x01, 0x01, 0x01}},
		{"a section nobody knows", []byte{0xa1, 0x18, 0xc8, 0x01}},
		{"another format", []byte{0xa1, 0x01, 0x02}},
		{"nothing", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(1, func() {
				if _, err := Decode(row.in); err == nil {
					t.Error("accepted")
				}
			}); n > 5000 {
				t.Errorf("%.0f allocations", n)
			}
		})
	}
}

// What is stored was packed with this dictionary: it may never change.
func TestTheDictionaryIsFrozen(t *testing.T) {
	sum := sha256.Sum256(dictionary)
	if got := hex.EncodeToString(sum[:]); got != frozen {
		t.Errorf("the dictionary of packing 1 is %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	b := sample(f)
	f.Add(b)
	for _, packed := range []bool{false, true} {
		e, err := Seal(b, key(), packed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Open(b)
		if err != nil {
			return
		}
		if len(s.Capsule) > MaxSize+1024 {
			t.Errorf("%d bytes", len(s.Capsule))
		}
		c, err := Decode(s.Capsule)
		if err != nil {
			return
		}
		c.Facets()
		c.Play()
	})
}

func BenchmarkSeal(b *testing.B) {
	c, k := sample(b), key()
	for b.Loop() {
		if _, err := Seal(c, k, true); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	c := sample(b)
	for b.Loop() {
		if _, err := deflate(c); err != nil {
			b.Fatal(err)
		}
	}
}

const frozen = "41497f27b8a95568da742d6a306d335f5ff22d67aed8719553cd1b41aee6f990"
