package resolve

import (
	"context"
	"errors"

	"deed/resolve/dnssec"
)

// Insecure reports whether name is proven to lie in an unsigned zone: somewhere
// on the way down from the trust anchor a signed zone denies the DS of the next
// (RFC 4035 section 4.3). A way that cannot be walked shows nothing: false.
// Only "validate" can tell; with another mode it is always false.
//
// It asks for no record at the name itself, so it also tells of names whose
// servers fail. The error is the context's.
func (c *Client) Insecure(ctx context.Context, name string) (bool, error) {
	if c.validator == nil {
		return false, nil
	}
	var w dnssec.Work
	f, err := c.validator.Way(ctx, &w, name)
	var theirs *Error
	if errors.As(err, &theirs) {
		return false, nil
	}
	return err == nil && f.Status == dnssec.Insecure, err
}
