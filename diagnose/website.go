package diagnose

import (
	"context"

	"deed/check"
)

func (g *gatherer) website(context.Context) {}

func web(*facts) []cause { return nil }

// fileEdits put the file where it is looked for.
func (f *facts) fileEdits() []check.Edit { return nil }
