package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// maxDuration bounds every duration of the file: longer is a slip of the pen, and far from what a time.Duration holds.
const maxDuration = 366 * 24 * time.Hour

// durationForm is what ParseDuration reads, but for its length.
var durationForm = regexp.MustCompile(`^(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))+)$`)

var (
	errDuration = errors.New("a duration is numbers with units, such as 90s, 15m, 1h30m or 2d")
	errTooLong  = errors.New("at most 366d")
)

// ParseDuration reads a duration as Go writes them, with "d" for days of 24 hours added: "15m", "1h30m", "2d", "1d12h", "0".
// It fails on anything else, on a negative one, and above 366 days.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	var total time.Duration
	for rest := s; rest != "" || s == ""; {
		var term string
		term, rest = cutTerm(rest)
		d, err := parseTerm(term)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", quoted(s), err)
		}
		if total += d; total > maxDuration {
			return 0, fmt.Errorf("%s is too long: %w", quoted(s), errTooLong)
		}
	}
	return total, nil
}

// cutTerm splits "1d12h" into "1d" and "12h".
func cutTerm(s string) (term, rest string) {
	unit := len(s) - len(strings.TrimLeft(s, "0123456789."))
	end := strings.IndexAny(s[unit:], "0123456789.")
	if end < 0 {
		return s, ""
	}
	return s[:unit+end], s[unit+end:]
}

// parseTerm reads one number with its unit. What is too long comes out just above maxDuration, so that sums do not overflow.
func parseTerm(term string) (time.Duration, error) {
	factor := time.Duration(1)
	if number, ok := strings.CutSuffix(term, "d"); ok {
		term, factor = number+"h", 24
	}
	d, err := time.ParseDuration(term)
	if err != nil || strings.Trim(term, "0") == "" { // which Go takes without a unit
		return 0, errDuration
	}
	if d > maxDuration {
		return maxDuration + 1, nil
	}
	return min(d*factor, maxDuration+1), nil
}
