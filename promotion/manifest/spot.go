package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// spot is where a key leads: to the value that owner has under name, or to an item of the list owner.
type spot struct {
	owner   *yaml.Node
	name    string     // "" in a list
	written *yaml.Node // the value as it is written, possibly an alias
}

// value returns what stands at the spot.
func (s spot) value() *yaml.Node { return resolve(s.written) }

// spot finds where key leads in the file's documents. It refuses a key that leads nowhere, or to several places.
func (f *file) spot(key Key) (spot, *Refusal) {
	docs, steps := f.documents(key)
	var found []spot
	var missing []*miss
	for _, doc := range docs {
		s, m := follow(doc, steps)
		if m != nil {
			missing = append(missing, m)
			continue
		}
		found = append(found, s)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return spot{}, refuse(found[1].written, KindAmbiguous, "%s stands in %d documents of this file; begin the key with the document's number, as in [0], or with what it says, as in [kind=Deployment]", key, len(found))
	case len(missing) == 0:
		return spot{}, &Refusal{Kind: KindNotFound, Reason: fmt.Sprintf("there is no %s: this file has no such document", key)}
	}
	return spot{}, slices.MaxFunc(missing, func(a, b *miss) int { return a.depth - b.depth }).refusal(key)
}

// documents returns the roots in which a key is looked for, and its steps below them: a stream of several documents is a list of them to a key that
// begins with an item.
func (f *file) documents(key Key) ([]*yaml.Node, []step) {
	var roots []*yaml.Node
	for _, doc := range f.docs {
		if len(doc.Content) > 0 {
			roots = append(roots, doc.Content[0])
		}
	}
	if len(roots) < 2 || key.steps[0].name != "" {
		return roots, key.steps
	}
	first := key.steps[0]
	if first.field == "" {
		return roots[min(first.index, len(roots)):min(first.index+1, len(roots))], key.steps[1:]
	}
	return slices.DeleteFunc(roots, func(root *yaml.Node) bool { return text(lookup(resolve(root), first.field)) != first.value }), key.steps[1:]
}

// miss is where a key leads nowhere: at has no such step.
type miss struct {
	depth int
	at    *yaml.Node
	steps []step
	twice bool // several items of at fit
}

// follow goes down from root.
func follow(root *yaml.Node, steps []step) (spot, *miss) {
	at := spot{written: root}
	for depth, s := range steps {
		owner := at.value()
		fits := children(owner, s)
		if len(fits) != 1 {
			return spot{}, &miss{depth: depth, at: owner, steps: steps, twice: len(fits) > 1}
		}
		at = spot{owner: owner, name: s.name, written: fits[0]}
	}
	return at, nil
}

// children returns the values of n that a step leads to, as they are written.
func children(n *yaml.Node, s step) []*yaml.Node {
	switch {
	case n.Kind == yaml.MappingNode && s.name != "":
		if v := written(n, s.name); v != nil {
			return []*yaml.Node{v}
		}
	case n.Kind == yaml.SequenceNode && s.field != "":
		var fits []*yaml.Node
		for _, item := range n.Content {
			if v := lookup(resolve(item), s.field); v != nil && v.Kind == yaml.ScalarNode && v.Value == s.value {
				fits = append(fits, item)
			}
		}
		return fits
	case n.Kind == yaml.SequenceNode:
		index := s.index
		if s.name != "" { // `sidecars.1.image`, as other tools write it
			var err error
			if index, err = strconv.Atoi(s.name); err != nil {
				return nil
			}
		}
		if index >= 0 && index < len(n.Content) {
			return n.Content[index : index+1]
		}
	}
	return nil
}

// refusal says which step is not there, and what is nearest to it.
func (m *miss) refusal(key Key) *Refusal {
	path := pathOf(m.steps[:m.depth+1])
	at := m.at
	if at.Line == 0 {
		at = &yaml.Node{Line: 1, Column: 1}
	}
	switch {
	case m.twice:
		return refuse(at, KindAmbiguous, "several items fit %s; choose one by its index or by another field", path)
	case m.at.Kind == yaml.ScalarNode:
		return refuse(at, KindNotFound, "the key %s leads into a value: %s is no mapping or list", key, pathOf(m.steps[:m.depth]))
	}
	near := nearest(m.steps[m.depth], m.at)
	if near == "" {
		return refuse(at, KindNotFound, "there is no %s, and nothing beside it", path)
	}
	return refuse(at, KindNotFound, "there is no %s; did you mean %s?", path, joinPath(pathOf(m.steps[:m.depth]), near))
}

// pathOf writes steps as a key is written.
func pathOf(steps []step) string {
	path := ""
	for _, s := range steps {
		path = joinPath(path, s.String())
	}
	return path
}

func joinPath(path, next string) string {
	if path == "" || strings.HasPrefix(next, "[") {
		return path + next
	}
	return path + "." + next
}

// String returns the step as it is written in a key.
func (s step) String() string {
	switch {
	case s.field != "":
		return "[" + s.field + "=" + s.value + "]"
	case s.name == "":
		return "[" + strconv.Itoa(s.index) + "]"
	case strings.ContainsAny(s.name, ".["):
		return `"` + s.name + `"`
	}
	return s.name
}

// mostCandidates bounds how many keys are compared for "did you mean", and maxCandidate how long they are.
const (
	mostCandidates = 1000
	maxCandidate   = 100
)

// nearest returns the step from n that is written most like s; "" where n has none.
func nearest(s step, n *yaml.Node) string {
	best, least := "", -1
	for _, candidate := range candidates(s, n) {
		if len(candidate) > maxCandidate || len(s.String()) > maxCandidate {
			continue
		}
		if d := distance(s.String(), candidate); least < 0 || d < least {
			best, least = candidate, d
		}
	}
	return best
}

// candidates returns the steps that lead on from n.
func candidates(s step, n *yaml.Node) (steps []string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content) && i < 2*mostCandidates; i += 2 {
			if key := resolve(n.Content[i]); key.Kind == yaml.ScalarNode && !isMerge(n.Content[i]) {
				steps = append(steps, step{name: key.Value, index: -1}.String())
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content[:min(len(n.Content), mostCandidates)] {
			if value := text(lookup(resolve(item), s.field)); s.field != "" && value != "" {
				steps = append(steps, step{field: s.field, value: value}.String())
			} else {
				steps = append(steps, step{index: i}.String())
			}
		}
	}
	return steps
}

// distance is how many letters have to be changed, added or left out to come from a to b (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
