package main

import (
	"fmt"
	"os"
)

// What make bench prints: each figure on a line of its own, one that is held against a limit with both and what share of the limit it is.
func figure(name string, value float64, unit string) {
	fmt.Fprintf(os.Stdout, "bench: %s %s %s\n", name, number(value), unit)
}

func figureWithin(name string, value float64, unit string, limit, ratio float64) {
	fmt.Fprintf(os.Stdout, "bench: %s %s %s limit %s ratio %s\n", name, number(value), unit, number(limit), number(ratio))
}

// number writes a value with three places, where it has any.
func number(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprintf("%.3f", v)
}
