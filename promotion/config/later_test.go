package config_test

import (
	"errors"
	"strings"
	"testing"

	"ferry/promotion/config"
)

// asking are values of keys that are not acted on yet, each of which asks for something.
var asking = map[string]string{
	"pull_request": "{draft: true}", "checks": "[e2e]", "approvals": "2",
}

// TestKeysThatAreNotActedOn holds the one table to its promise: a key that this version parses but does not act on is an
// error at its line, and never ignored.
func TestKeysThatAreNotActedOn(t *testing.T) {
	t.Parallel()
	check := newVerdict(t)
	for where, neutral := range config.NotActedOn() {
		at, key, _ := strings.Cut(where, ": ")
		value, ok := asking[key]
		if !ok {
			t.Errorf("no value is tried for %s", where)
			continue
		}
		for value, want := range map[string]int{value: 1, neutral: 0} {
			if value == "" {
				continue
			}
			text, included := held(at, key, value)
			schema, judged := check.today, text
			var files []config.Included
			if included != "" {
				if strings.HasSuffix(at, "environment") && key == "approvals" && want == 0 {
					continue // looser than what .ferry.yaml has
				}
				files, schema, judged = []config.Included{{Path: "apps/inc.yaml", Content: []byte(included)}}, check.todayIncluded, included
				text = strings.Replace(text, ", approvals: 1", "", 1)
			} else {
				text = strings.Replace(text, ", approvals: 1", "", 1)
				judged = text
			}
			_, err := config.Parse(config.File, []byte(text), files...)
			var all config.Errors
			errors.As(err, &all)
			if len(all) != want || want == 1 && (all[0].Rule != "not-acted-on" || !strings.Contains(all[0].Message, key)) {
				t.Errorf("%s: %s: Parse = %v", where, value, err)
				continue
			}
			if want == 1 {
				checkAt(t, all[0], judged, key)
			}
			check.same(t, schema, err, judged)
		}
	}
}

// checkAt holds an error to the place where a key stands.
func checkAt(t *testing.T, e config.Error, text, key string) {
	t.Helper()
	line := strings.Split(text, "\n")[e.Line-1]
	if got := string([]rune(line)[e.Column-1:]); !strings.HasPrefix(got, key+":") {
		t.Errorf("%v does not point at %s but at %s", e, key, got)
	}
}
