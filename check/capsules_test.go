package check

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"deed/capsule"
	"deed/dcv"
	"deed/names"
)

// Capsules of every scenario of this package's tests are kept in
// testdata/capsules: whatever this program becomes, it must judge them the same.
// go test ./check -update makes them anew; do that only when a decision was
// meant to change, and say which in the commit.
var update = flag.Bool("update", false, "write testdata/capsules anew")

const kept = "testdata/capsules"

// maxKept bounds the size of one kept capsule.
const maxKept = 16 << 10

func sealingKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)) }

// keep writes the capsule of a scenario, under -update. One with the same
// decision in the same test says nothing new.
func keep(t testing.TB, r *Record) {
	t.Helper()
	if !*update {
		return
	}
	sealed, err := capsule.Open(r.Capsule)
	if err != nil {
		t.Fatal(err)
	}
	b, err := capsule.Seal(sealed.Capsule, sealingKey(), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > maxKept {
		return
	}
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	test := sha256.Sum256(fmt.Append(nil, t.Name(), r.Verdict.Decision()))
	base, _, _ := strings.Cut(t.Name(), "/")
	if err := os.WriteFile(filepath.Join(kept, fmt.Sprintf("%s-%x.capsule", base, test[:4])), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(beCanned) != "" { // the world of the benchmarks
		if err := serveCanned(os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	flag.Parse()
	if *update {
		_ = os.RemoveAll(kept)
	}
	os.Exit(m.Run())
}

func hosts(t testing.TB) func(string) (string, error) {
	t.Helper()
	normal, err := names.New()
	if err != nil {
		t.Fatal(err)
	}
	return func(h string) (string, error) { n, err := normal.Normalise(h); return n.String(), err }
}

func TestKeptCapsulesAreJudgedTheSame(t *testing.T) {
	if *update {
		return // they are being written
	}
	files, err := filepath.Glob(kept + "/*.capsule")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d capsules are kept, %v", len(files), err)
	}
	host := hosts(t)
	public := sealingKey().Public().(ed25519.PublicKey)
	outcomes := map[dcv.Outcome]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Replay(b, ReplayOptions{HostName: host})
		if err != nil || !r.Same {
			t.Errorf("%s: %s %v. If this change was meant: go test ./check -update", f, r.Difference, err)
			continue
		}
		if !r.Sealed.Verify(public) {
			t.Errorf("%s: the signature", f)
		}
		// Read and written again it is the same to the byte: the encoding is one.
		if again, err := r.Capsule.Encode(); err != nil || !bytes.Equal(again, r.Sealed.Capsule) {
			t.Errorf("%s: the encoding is not the only one: %v", f, err)
		}
		outcomes[r.Again.Outcome]++
	}
	if outcomes[dcv.Proven] == 0 || outcomes[dcv.NotProven] == 0 || outcomes[dcv.CouldNotCheck] == 0 {
		t.Errorf("%v", outcomes)
	}
}

// Another day's rules are a question, not another program: e-mail ends.
func TestReplayAsOfAnotherDay(t *testing.T) {
	m := capsule.Mail{Kind: "constructed", Recipient: "admin@example.com", ADN: dcv.MustName("example.com"), Created: now.Add(-time.Hour), Expires: now.Add(time.Hour), Approved: now}
	w := newWorld(t)
	r, err := w.engine.Mail(t.Context(), challenge(dcv.Email, "example.com", []string{"example.com"}), m)
	if err != nil || r.Verdict.Outcome != dcv.Proven {
		t.Fatal(err, r.Verdict)
	}
	for _, row := range []struct {
		day  string
		same bool
	}{{"2028-03-14", true}, {"2028-03-15", false}} {
		day, err := time.Parse(time.DateOnly, row.day)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Replay(r.Capsule, ReplayOptions{HostName: w.engine.o.HostName, AsOf: day})
		if err != nil || again.Same != row.same {
			t.Errorf("%s: %v %s", row.day, err, again.Difference)
		}
		if !row.same && (!strings.Contains(again.Difference, "2028-03-15") || !strings.Contains(again.Difference, "BR 3.2.2.4.")) {
			t.Errorf("the rule is not named: %s", again.Difference)
		}
	}
}

// What is only said otherwise is told apart from what is decided otherwise.
func TestWordsAreNotTheDecision(t *testing.T) {
	w := newWorld(t)
	r, err := w.engine.Attempt(t.Context(), challenge(dcv.DNSTXT, "example.com", []string{"example.com"}, token))
	if err != nil {
		t.Fatal(err)
	}
	c, err := capsule.Decode(r.Capsule)
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) Replayed {
		t.Helper()
		d := *c
		d.Verdict = bytes.Replace(c.Verdict, []byte(old), []byte(new), 1)
		if bytes.Equal(d.Verdict, c.Verdict) {
			t.Fatal("nothing changed")
		}
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Replay(b, ReplayOptions{HostName: w.engine.o.HostName})
		if err != nil {
			return Replayed{Difference: err.Error()}
		}
		return again
	}
	if a := change("No TXT record was found", "There is no such TXT record"); !a.Same || !a.Words {
		t.Errorf("%+v", a)
	}
	if a := change(`"txt_not_found"`, `"txt_no_match"`); a.Same || a.Difference == "" {
		t.Errorf("a verdict that is not its decision: %+v", a)
	}
	d := *c
	d.Decision.Where = "elsewhere.example.com"
	d.Verdict = bytes.Replace(c.Verdict, []byte(`"problem"`), []byte(`"where":"elsewhere.example.com","problem"`), 1)
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if a, err := Replay(b, ReplayOptions{HostName: w.engine.o.HostName}); err != nil || a.Same {
		t.Errorf("another decision: %v %+v", err, a)
	}
}
