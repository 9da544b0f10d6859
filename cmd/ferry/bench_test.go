package main

import (
	"fmt"
	"os"
)

// figureWithin prints a figure that is held against a limit on a line of its own, with both and what share of the limit it is.
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
