package store

// Recall finds values that were handed out, for a diagnosis.
type Recall interface {
	// ValuesByToken gives the values with these tokens, of all accounts, ended
	// or not, oldest first; at most 32 tokens are looked up, and 64 values come
	// back.
	ValuesByToken(tokens []string) ([]Value, error)
}
