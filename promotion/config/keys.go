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
	atTop              place = "top level"
	atEnvironment      place = "environment"
	atApp              place = "app"
	atOverride         place = "app's environment"
	atIncluded         place = "included file"
	atIncludedOverride place = "included file's environment"
	atImage            place = "image"
	atManifest         place = "manifest"
	atAlso             place = "also"
	atFrom             place = "from"
	atCheck            place = "check"
	atFreeze           place = "freeze"
	atPolicy           place = "policy"
	atRole             place = "role"
	atPullRequest      place = "pull_request"
	atCommands         place = "commands"
)

// state says what this version does with a key.
type state int

const (
	acted    state = iota
	later          // known, but not acted on yet: an error, because a setting that is ignored promises what nobody keeps
	gate           // the same, and ignoring it would let something through
	reserved       // for a later version of Ferry
)

// key is one key that is known at some places. One that is not acted on may still stand at its neutral value, which asks
// for nothing.
type key struct {
	at       []place
	name     string
	state    state
	neutral  string
	shape    shape
	required bool
	def      string // what holds without it, for the reference
	effect   string
}

// actsOn says which keys this version acts on.
func actsOn(k key) bool { return k.state == acted }

// keyring is the keys by where they stand.
type keyring map[place]*keysAt

// keysAt is the keys of one place.
type keysAt struct {
	byName   map[string]key
	required []key
}

// The table never changes.
var (
	keys      = keyTable()
	allPlaces = newKeyring()
)

// newKeyring returns the table as the parser looks into it.
func newKeyring() keyring {
	ring := keyring{}
	for _, k := range keys {
		for _, at := range k.at {
			if ring[at] == nil {
				ring[at] = &keysAt{byName: map[string]key{}}
			}
			ring[at].byName[k.name] = k
			if k.required {
				ring[at].required = append(ring[at].required, k)
			}
		}
	}
	return ring
}

// notYet ends the sentence about something this version knows but leaves alone.
const notYet = "is known to Ferry but this version does not act on it yet"

// known returns a key of a mapping, and false after noting that it may not stand there.
func (r *reporter) known(at place, name *yaml.Node) (key, bool) {
	k, ok := r.keys[at].byName[name.Value]
	switch {
	case !ok && name.Value == "<<":
		r.failAs(ruleMergeKey, name, `merge keys ("<<") are not read; write the keys out, or use an alias for a whole value`)
	case !ok:
		r.noteWith(ruleUnknownKey, r.pos(name), func() string { return r.unknownKey(at, name.Value) })
	case k.state == reserved:
		r.failAs(ruleReserved, name, "%q is reserved for a later version of Ferry, in which an environment may live elsewhere; remove it", k.name)
		return key{}, false
	}
	return k, ok
}

// ignored notes a key that is not acted on and asks for something.
func (r *reporter) ignored(f field) {
	k := f.known
	if r.acts(k) || k.neutral != "" && isNeutral(f.value, k.neutral) {
		return
	}
	switch {
	case k.neutral != "" && !strings.ContainsAny(k.neutral, "0[{"):
		r.failAs(ruleNotActedOn, f.name, "%q %s; remove it or write %q", k.name+": "+f.value.Value, notYet, k.neutral)
	case k.state == gate:
		r.failAs(ruleNotActedOn, f.name, "%q %s; remove it, an ignored %q would be an open gate", k.name, notYet, k.name)
	default:
		r.failAs(ruleNotActedOn, f.name, "%q %s; remove it", k.name, notYet)
	}
}

// isNeutral says whether a value asks for nothing.
func isNeutral(n *yaml.Node, neutral string) bool {
	switch n = deref(n); neutral {
	case "[]":
		return n.Kind == yaml.SequenceNode && len(n.Content) == 0
	case "{}":
		return n.Kind == yaml.MappingNode && len(n.Content) == 0
	case "0":
		return isZero(n) || n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == neutral
	}
	return n.Kind == yaml.ScalarNode && n.Value == neutral
}

// isZero says whether a value is the number 0, however it is written.
func isZero(n *yaml.Node) bool {
	number := 1
	return n.Kind == yaml.ScalarNode && n.Tag == "!!int" && n.Decode(&number) == nil && number == 0
}

// unknownKey words the error about a key that does not stand at this place: where it does stand, or which one is nearest.
func (r *reporter) unknownKey(at place, name string) string {
	var here []string
	var elsewhere place
	for _, k := range keys {
		if slices.Contains(k.at, at) {
			here = append(here, k.name)
		} else if k.name == name && elsewhere == "" {
			elsewhere = k.at[0]
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

// Near returns which of the words somebody seems to have meant, and false where the word is like none of them or is one of them.
func Near(word string, words []string) (string, bool) {
	nearest := Nearest(word, words)
	w, n := strings.ToLower(word), strings.ToLower(nearest)
	short := min(len(w), len(n))
	switch {
	case short < 3 || w == n:
		return "", false
	case strings.HasPrefix(w, n) || strings.HasPrefix(n, w):
		return nearest, true
	}
	return nearest, distance(w, n) <= max(1, short/3)
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
