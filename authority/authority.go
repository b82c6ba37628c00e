// Package authority is the life cycle: accounts, domains, orders, random
// values, checks and proofs. It is the only writer of state. Dialects decode a
// request, call one command here and encode its answer.
package authority
