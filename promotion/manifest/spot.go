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
	name    string       // "" in a list
	written *yaml.Node   // the value as it is written, possibly an alias
	route   []*yaml.Node // the way there, as it is written, from below the document's root
	home    *file        // the text in which the spot lies, nil where it lies in the file itself
	block   *yaml.Node   // the scalar that holds the text, as it is written
	pulled  string       // see Image
}

// value returns what stands at the spot.
func (s spot) value() *yaml.Node { return resolve(s.written) }

// translate returns a refusal that names a place in the spot's text as one of the file.
func (s spot) translate(r *Refusal) *Refusal {
	if s.home == nil {
		return r
	}
	return s.home.translate(r)
}

// spot finds where key leads in the file's documents. It refuses a key that leads nowhere, or to several places: unless one alone of them is where the
// image called name stands, if there is a name.
func (f *file) spot(key Key, name string) (spot, *Refusal) {
	if key.IsZero() {
		return spot{}, &Refusal{Kind: KindInvalid, Reason: "a key names no place"}
	}
	docs, steps := f.documents(key)
	var found []spot
	var missing []*miss
	for _, doc := range docs {
		spots, m := f.spotsIn(doc, key, steps)
		found = append(found, spots...)
		if m != nil {
			missing = append(missing, m)
		}
	}
	if len(found) > 1 {
		return f.choose(key, found, name, len(docs) > 1)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(missing) == 0:
		return spot{}, &Refusal{Kind: KindNotFound, Reason: fmt.Sprintf("there is no %s: this file has no such document", key)}
	}
	return spot{}, slices.MaxFunc(missing, func(a, b *miss) int { return a.depth - b.depth }).refusal(key)
}

// choose returns the one of several places to which a key leads where the image stands.
func (f *file) choose(key Key, found []spot, name string, several bool) (spot, *Refusal) {
	var named []site
	if name != "" {
		named, _ = f.sites(newNames([]Target{{Name: name}}))
	}
	isNamed := func(s spot) bool {
		return slices.ContainsFunc(named, func(at site) bool { return slices.Contains(at.stands, s.written) })
	}
	if i := slices.IndexFunc(found, isNamed); i >= 0 && !slices.ContainsFunc(found[i+1:], isNamed) {
		return found[i], nil
	}
	advice := "count the key from the top of the document, as in spec.sources[0]"
	if several {
		advice = "begin the key with the number of a document, as in [0], or with what it says, as in [kind=Deployment]"
	}
	return spot{}, found[1].translate(refuse(found[1].written, KindAmbiguous, "%s stands in %d places of this file; %s", key, len(found), advice))
}

// spotsIn returns where key leads in one document: from where keys of its format count, else from its root. m is set where it leads nowhere.
func (f *file) spotsIn(doc *yaml.Node, key Key, steps []step) (found []spot, m *miss) {
	root := start{node: resolve(doc)}
	var starts []start
	if format := f.formatOf(root.node); format.roots != nil {
		starts = format.roots(f, root.node)
		root.intoTexts = f
	}
	rank := 0
	for _, from := range append(starts, root) {
		if from.node == nil || len(found) > 0 && from.rank() != rank {
			continue
		}
		at, missed := from.follow(key, steps)
		switch {
		case missed == nil:
			found, rank = append(found, at), from.rank()
		case m == nil || missed.depth > m.depth:
			m = missed
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, m
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
	if len(roots) < 2 || len(key.steps) < 2 || key.steps[0].name != "" {
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
	home  *file
	steps []step
	twice bool     // several items of at fit
	names []string // instead of at's, the keys that are there
}

// refusal says which step is not there, and what is nearest to it.
func (m *miss) refusal(key Key) *Refusal {
	r := m.reason(key)
	if m.home != nil {
		return m.home.translate(r)
	}
	return r
}

func (m *miss) reason(key Key) *Refusal {
	path := pathOf(m.steps[:m.depth+1])
	at := m.at
	switch {
	case m.twice && m.names != nil:
		return refuse(at, KindAmbiguous, "several parameters are called %s; keep one", key)
	case m.twice:
		return refuse(at, KindAmbiguous, "several items fit %s; choose one by its index or by another field", path)
	case m.at.Kind == yaml.ScalarNode && m.depth == 0:
		return refuse(at, KindNotFound, "the key %s leads nowhere: at the top stands one value, no mapping or list", key)
	case m.at.Kind == yaml.ScalarNode:
		return refuse(at, KindNotFound, "the key %s leads into a value: %s is no mapping or list", key, pathOf(m.steps[:m.depth]))
	}
	if m.names != nil {
		return refuse(at, KindNotFound, "there is no parameter %s; did you mean %s?", key, nearest(key.source, m.names))
	}
	near := nearest(m.steps[m.depth].String(), candidates(m.steps[m.depth], m.at))
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

// nearest returns the one of candidates that is written most like name; "" where there are none.
func nearest(name string, candidates []string) string {
	best, least := "", -1
	for _, candidate := range candidates {
		if len(candidate) > maxCandidate || len(name) > maxCandidate {
			continue
		}
		if d := distance(name, candidate); least < 0 || d < least {
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
