package capsule

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

var encoding = must(cbor.EncOptions{
	Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloat16, IndefLength: cbor.IndefLengthForbidden,
	Time: cbor.TimeRFC3339NanoUTC, TextMarshaler: cbor.TextMarshalerTextString,
}.EncMode())

var decoding = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 8,
	MaxArrayElements: maxEvents, MaxMapPairs: 64, TagsMd: cbor.TagsForbidden,
	TextUnmarshaler: cbor.TextUnmarshalerTextString, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // a constant of this file is wrong
	}
	return v
}

// Encode gives the one encoding of a capsule.
func (c *Capsule) Encode() ([]byte, error) {
	b, err := encoding.Marshal(c)
	if err == nil && len(b) > MaxSize {
		err = errors.New("larger than 2 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("capsule: %w", err)
	}
	return b, nil
}

// Decode reads a capsule, hostile or not, in bounded time and memory.
func Decode(b []byte) (*Capsule, error) {
	if len(b) > MaxSize {
		return nil, errors.New("capsule: larger than 2 MiB")
	}
	c := &Capsule{}
	if err := decoding.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("capsule: %w", err)
	}
	if c.Format != Format {
		return nil, fmt.Errorf("capsule: format %d is not known to this version", c.Format)
	}
	return c, nil
}
