// Package dcv holds the words of domain control validation: names, methods,
// random values, challenges, verdicts, problems and scopes. It decides nothing
// that needs a clock, a network or a store, and imports the standard library
// only.
//
// Terms are those of the CA/Browser Forum Baseline Requirements (BR), section
// 3.2.2.4 and 1.6.1.
package dcv
