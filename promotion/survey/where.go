package survey

import (
	"cmp"
	"slices"
	"strings"
)

// spot is a place in a path that may be the name of an environment: from byte start of segment first to byte end of segment last.
type spot struct {
	first, last int
	start, end  int
	value       string // what {env} would stand for
	stage       stage
	places      []string // what tells it from others of its stage, such as eu
	preview     bool
	whole       bool // nothing else stands in its segments
	held        bool // it stands in a folder of environments
}

const envMark, appMark = "{env}", "{app}"

// template returns the path with {env} for the spot.
func (s spot) template(segments []string) string {
	parts := append(slices.Clone(segments[:s.first]), segments[s.first][:s.start]+envMark+segments[s.last][s.end:])
	return strings.Join(append(parts, segments[s.last+1:]...), "/")
}

// spots returns what may be the environment in a path.
func spots(segments []string) []spot {
	var found []spot
	for i, segment := range segments {
		isFile := i == len(segments)-1
		name := segment
		if isFile {
			name = stem(segment)
		}
		s, ok := spotIn(name)
		s.first, s.last = i, i
		s.held = i > 0 && holdsEnvironments(segments[i-1])
		switch {
		case isShared(name):
			continue
		case s.held && !isFile:
			s.start, s.end, s.value, s.whole = 0, len(name), name, true
			s.preview = isPreview(texts(tokens(name)))
			ok = !strings.ContainsAny(name, "*{}") && !isGeneric(name)
		}
		if !ok {
			continue
		}
		found = append(found, s)
		if i+2 < len(segments) && s.whole && isRegion(segments[i+1]) {
			found = append(found, s.with(segments, i+1))
		}
	}
	return found
}

// with returns the spot that takes in a region's folder below the environment's.
func (s spot) with(segments []string, last int) spot {
	region := segments[last]
	s.value += "/" + region
	s.last, s.end = last, len(region)
	s.places = append(slices.Clone(s.places), texts(tokens(region))...)
	return s
}

// isRegion tells folders that are called after regions only.
func isRegion(name string) bool {
	list := tokens(name)
	lettered := false
	for _, t := range list {
		if !isPlace(t.text) {
			return false
		}
		lettered = lettered || len(t.text) > 1 && !isNumber(t.text) && strings.ToLower(t.text) != "env"
	}
	return lettered
}

// stem returns a file's name without what it is written in.
func stem(file string) string {
	for _, ext := range []string{".yaml", ".yml", ".json"} {
		if rest, ok := strings.CutSuffix(file, ext); ok && rest != "" {
			return rest
		}
	}
	return file
}

// spotIn finds the words of an environment in one segment, with the regions and numbers beside them.
func spotIn(name string) (spot, bool) {
	list := tokens(name)
	if isPreview(texts(list)) {
		return spot{end: len(name), value: name, preview: true, whole: true}, len(list) <= 3
	}
	at, width, found := -1, 1, unknownStage
	for i := len(list) - 1; i >= 0; i-- {
		if s, n := stageAt(list, i); s != unknownStage {
			at, width, found = i, n, s
		}
		if at >= 0 && i < at && !isPlace(list[i].text) {
			break
		}
	}
	if at < 0 {
		return spot{}, false
	}
	from, to := at, at+width
	for from > 0 && isPlace(list[from-1].text) {
		from--
	}
	for to < len(list) && isPlace(list[to].text) {
		to++
	}
	s := spot{start: list[from].start, end: list[to-1].end, stage: found, whole: from == 0 && to == len(list)}
	if s.whole {
		s.start, s.end = 0, len(name)
	}
	s.value = name[s.start:s.end]
	for i, t := range list[from:to] {
		if i+from < at || i+from >= at+width {
			s.places = append(s.places, strings.ToLower(t.text))
		}
	}
	if isNumber(list[from].text) && len(s.places) > 0 && s.places[0] == list[from].text {
		s.places = s.places[1:] // 01-dev: the number orders folders
	}
	return s, true
}

// stageAt reads the stage at one word, or at two that make one: pre-prod.
func stageAt(list []token, i int) (found stage, width int) {
	word := strings.ToLower(list[i].text)
	if i+1 < len(list) && (word == "pre" || word == "non") && stageOf(list[i+1].text) == prodStage {
		if word == "pre" {
			return preprodStage, 2
		}
		return stagingStage, 2
	}
	if i > 0 && stageOf(word) == prodStage {
		if before := strings.ToLower(list[i-1].text); before == "pre" || before == "non" {
			return unknownStage, 1 // the second half
		}
	}
	return stageOf(word), 1
}

// located is a file with its environment.
type located struct {
	File
	segments []string
	spot     spot
	template string
}

// locate says of each file which environment it is of. A path that could be read in two ways is read in the way in which more
// environments have the same file.
func locate(files []File) (in []located, without []File) {
	seen := map[string]map[string]bool{} // the environments of a template
	options := make([][]located, len(files))
	for i, f := range files {
		segments := strings.Split(f.Path, "/")
		for _, s := range spots(segments) {
			l := located{f, segments, s, s.template(segments)}
			if seen[l.template] == nil {
				seen[l.template] = map[string]bool{}
			}
			if !s.preview {
				seen[l.template][s.value] = true
			}
			options[i] = append(options[i], l)
		}
	}
	for i, list := range options {
		list = slices.DeleteFunc(list, func(l located) bool { return !l.spot.whole && !l.spot.preview && len(seen[l.template]) < 2 })
		if len(list) == 0 {
			without = append(without, files[i])
			continue
		}
		in = append(in, slices.MinFunc(list, func(a, b located) int {
			return cmp.Or(cmp.Compare(len(seen[b.template]), len(seen[a.template])), cmp.Compare(b.spot.rank(), a.spot.rank()), cmp.Compare(a.spot.first, b.spot.first),
				cmp.Compare(b.spot.last, a.spot.last))
		}))
	}
	return in, without
}

// rank says how sure it is that the spot is an environment.
func (s spot) rank() int {
	switch {
	case s.whole && s.held && s.stage != unknownStage:
		return 3
	case s.whole && s.stage != unknownStage:
		return 2
	case s.whole && s.held:
		return 1
	}
	return 0
}
