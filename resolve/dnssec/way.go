package dnssec

import "context"

// Way judges the way down from the trust anchor to the zone that a name lies
// in, without any record at the name: Secure if every cut on it is signed,
// Insecure if one is proven not to be, else Bogus or Indeterminate. The error
// is the source's: what could not be asked shows nothing.
func (v *Validator) Way(ctx context.Context, w *Work, name string) (Finding, error) {
	_, f, err := v.descend(ctx, w, name)
	return f, err
}
