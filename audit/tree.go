package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of a Merkle tree while its leaves are read in order.
type edge struct {
	size  int64
	nodes [62]tlog.Hash
}

// add appends leaf n and gives the nodes that are complete now, lowest first.
// Where leaves before it are missing, those nodes are of no use and differ.
func (t *edge) add(n int64, leaf []byte) []byte {
	t.size = n
	h := tlog.RecordHash(leaf)
	out := append([]byte(nil), h[:]...)
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(t.nodes[level], h)
		out = append(out, h[:]...)
	}
	t.nodes[level] = h
	t.size++
	return out
}

func (t *edge) root() (root tlog.Hash) {
	first := true
	for level := range t.nodes {
		switch {
		case t.size>>level&1 == 0:
		case first:
			root, first = t.nodes[level], false
		default:
			root = tlog.NodeHash(t.nodes[level], root)
		}
	}
	return root
}

// rawKey takes the Ed25519 key out of the form of signed notes.
func rawKey(text string) (ed25519.PublicKey, bool) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(b) != 1+ed25519.PublicKeySize || b[0] != 1 {
		return nil, false
	}
	return b[1:], true
}
