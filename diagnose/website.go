package diagnose

import (
	"context"

	"deed/check"
)

// siteFacts is what the website said to the diagnosis.
type siteFacts struct{}

func (g *gatherer) website(context.Context) {}

func web(*facts) []cause { return nil }

// fileEdits put the file where it is looked for.
func (f *facts) fileEdits() []check.Edit { return nil }
