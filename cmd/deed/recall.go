package main

import (
	"context"

	"deed/authority"
	"deed/dcv"
	"deed/diagnose"
)

// issued is what the authority remembers, for the diagnosis: the engine is
// made before the authority that uses it.
type issued struct{ by *authority.Authority }

func (i *issued) Recall(ctx context.Context, ch *dcv.Challenge, seen []string) ([]diagnose.Recollection, error) {
	if i.by == nil {
		return nil, nil
	}
	return i.by.Recall(ctx, ch, seen)
}
