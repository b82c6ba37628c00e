package capsule

// Diagnosis is what was asked after the verdict, to find out why a check did
// not pass, and what was made of it. No verdict rests on it.
type Diagnosis struct {
	DNS  []DNS  `cbor:"1,keyasint,omitempty"`
	HTTP []HTTP `cbor:"2,keyasint,omitempty"`
	JSON []byte `cbor:"3,keyasint"` // of dcv.Diagnosis
}
