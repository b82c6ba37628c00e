//go:build !race

package check

const raced = 1
