//go:build race

package check

// raced: under the race detector pools forget and everything is larger.
const raced = 2
