package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// place is a mapping of the file in which keys stand.
type place string

const (
	atTop         place = "top level"
	atEnvironment place = "environment"
	atApp         place = "app"
	atImage       place = "image"
	atFrom        place = "from"
)

// kind says what this version does with a key.
type kind int

const (
	acted    kind = iota
	later         // known, but not acted on yet: an error, because a setting that is ignored promises what nobody keeps
	gate          // the same, and ignoring it would let something through
	reserved      // for a later version of Ferry
)

// key is one key that is known at a place. A key that is not acted on may still stand at its neutral value, the one that
// asks for nothing; values are all it can have, where that is a short list.
type key struct {
	at      place
	name    string
	kind    kind
	neutral string
	values  []string
}

// keys are all keys Ferry knows, with those of versions to come.
var keys = []key{
	{at: atTop, name: "apiVersion"},
	{at: atTop, name: "mode"},
	{at: atTop, name: "environments"},
	{at: atTop, name: "apps"},
	{at: atTop, name: "include", kind: later},
	{at: atTop, name: "pull_request", kind: later},
	{at: atTop, name: "commands", kind: later},
	{at: atTop, name: "roles", kind: gate},
	{at: atTop, name: "policy", kind: gate},

	{at: atEnvironment, name: "name"},
	{at: atEnvironment, name: "dir"},
	{at: atEnvironment, name: "mode"},
	{at: atEnvironment, name: "from"},
	{at: atEnvironment, name: "soak"},
	{at: atEnvironment, name: "clusters"},
	{at: atEnvironment, name: "merge"},
	{at: atEnvironment, name: "unprotected"},
	{at: atEnvironment, name: "update"},
	{at: atEnvironment, name: "converge"},
	{at: atEnvironment, name: "report_timeout"},
	{at: atEnvironment, name: "supersede", kind: later, neutral: "latest", values: []string{"latest", "queue", "batch"}},
	{at: atEnvironment, name: "rollback", kind: later, neutral: "manual", values: []string{"manual", "pr", "auto"}},
	{at: atEnvironment, name: "approvals", kind: gate, neutral: "0"},
	{at: atEnvironment, name: "checks", kind: gate, neutral: "[]"},
	{at: atEnvironment, name: "freeze", kind: gate, neutral: "[]"},
	{at: atEnvironment, name: "policy", kind: gate},
	{at: atEnvironment, name: "digest", kind: later, neutral: "false"},
	{at: atEnvironment, name: "max_open", kind: later},
	{at: atEnvironment, name: "watch", kind: later},
	{at: atEnvironment, name: "settle", kind: later},
	{at: atEnvironment, name: "window", kind: later},
	{at: atEnvironment, name: "was", kind: later},
	{at: atEnvironment, name: "pull_request", kind: later},
	{at: atEnvironment, name: "branch", kind: reserved},
	{at: atEnvironment, name: "repository", kind: reserved},

	{at: atFrom, name: "any"},

	{at: atApp, name: "name"},
	{at: atApp, name: "discover"},
	{at: atApp, name: "except"},
	{at: atApp, name: "mode"},
	{at: atApp, name: "source"},
	{at: atApp, name: "images"},
	{at: atApp, name: "manifests"},
	{at: atApp, name: "also", kind: later, neutral: "[]"},
	{at: atApp, name: "group", kind: later},
	{at: atApp, name: "was", kind: later},
	{at: atApp, name: "include", kind: later},
	{at: atApp, name: "environments", kind: gate},
	{at: atApp, name: "soak", kind: gate, neutral: "0"},
	{at: atApp, name: "approvals", kind: gate, neutral: "0"},
	{at: atApp, name: "checks", kind: gate, neutral: "[]"},
	{at: atApp, name: "freeze", kind: gate, neutral: "[]"},
	{at: atApp, name: "policy", kind: gate},
	{at: atApp, name: "digest", kind: later, neutral: "false"},
	{at: atApp, name: "pull_request", kind: later},

	{at: atImage, name: "name"},
	{at: atImage, name: "in"},
	{at: atImage, name: "digest", kind: later, neutral: "false"},
}

// notYet ends the sentence about something this version knows but leaves alone.
const notYet = "is known to Ferry but this version does not act on it yet"

// check says whether a key of a mapping is acted on, and notes an error where it may not stand there.
func (r *reporter) check(at place, name, value *yaml.Node) bool {
	i := slices.IndexFunc(keys, func(k key) bool { return k.at == at && k.name == name.Value })
	if i < 0 {
		r.failWith(name, func() string { return unknownKey(at, name.Value) })
		return false
	}
	k := keys[i]
	switch {
	case k.kind == acted:
		return true
	case k.kind == reserved:
		r.fail(name, "%q is reserved for a later version of Ferry, in which an environment may live elsewhere; remove it", k.name)
	case k.neutral != "" && isNeutral(value, k.neutral):
	case k.values != nil:
		r.checkLater(k, name, value)
	case k.kind == gate:
		r.fail(name, "%q %s; remove it, an ignored %q would be an open gate", k.name, notYet, k.name)
	default:
		r.fail(name, "%q %s; remove it", k.name, notYet)
	}
	return false
}

// checkLater notes what is wrong with a value other than the neutral one.
func (r *reporter) checkLater(k key, name, value *yaml.Node) {
	value = deref(value)
	if value.Kind != yaml.ScalarNode || !slices.Contains(k.values, value.Value) {
		r.fail(value, "%s must be one of %s", k.name, strings.Join(k.values, ", "))
		return
	}
	r.fail(name, "%q %s; remove it or write %q", k.name+": "+value.Value, notYet, k.neutral)
}

// isNeutral says whether a value asks for nothing.
func isNeutral(n *yaml.Node, neutral string) bool {
	n = deref(n)
	if neutral == "[]" {
		return n.Kind == yaml.SequenceNode && len(n.Content) == 0
	}
	return n.Kind == yaml.ScalarNode && n.Value == neutral
}

// unknownKey words the error about a key that does not stand at this place: where it does stand, or which one is nearest.
func unknownKey(at place, name string) string {
	if name == "<<" {
		return `merge keys ("<<") are not read; write the keys out, or use an alias for a whole value`
	}
	var here []string
	var elsewhere place
	for _, k := range keys {
		if k.at == at {
			here = append(here, k.name)
		} else if k.name == name && elsewhere == "" {
			elsewhere = k.at
		}
	}
	if elsewhere != "" {
		return fmt.Sprintf("%q does not belong here (%s) but under %s", name, at, elsewhere)
	}
	return fmt.Sprintf("unknown key %s; did you mean %q?", quoted(name), Nearest(name, here))
}

// Nearest returns the one of words that is written most like word, for "did you mean": the first with the fewest changed
// letters, small and capital ones alike. It is empty where words is.
func Nearest(word string, words []string) string {
	word = strings.ToLower(word[:min(len(word), maxQuoted)])
	best, least := "", -1
	for _, w := range words {
		if d := distance(word, strings.ToLower(w)); least < 0 || d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is Levenshtein's, over bytes: every key is ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
