package config

import (
	"errors"
	"fmt"
	"strings"
)

const clusterMark = "{cluster}"

// maxKey is the length of the longest key into a manifest, in bytes.
const maxKey = 1024

// keyPath is a key into a manifest, taken apart so that what is filled in can't change where it points.
type keyPath struct {
	steps []keyStep
}

// keyStep is one step down: the name of a key, or what stands in brackets.
type keyStep struct {
	name string
	item string // "0" or "name=web", without the brackets
}

var (
	errKeyEmpty = errors.New(`a name is missing; write it dotted, as in "services.web.image.tag"`)
	errKeyQuote = errors.New(`a quote is not closed; a name with dots is written "a.b"`)
	errKeyItem  = errors.New(`in brackets stands an index, as in [0], or what a field says, as in [name=web]`)
	errKeyDot   = errors.New(`after a bracket or a quote comes a dot or a bracket`)
)

// parseKeyPath reads a key: dotted, a name with dots in quotes, lists as [0] or [name=web].
func parseKeyPath(s string) (keyPath, error) {
	if len(s) > maxKey {
		return keyPath{}, fmt.Errorf("it is longer than %d bytes", maxKey)
	}
	var p keyPath
	for rest, start := s, true; start || rest != ""; start = false {
		var err error
		switch {
		case strings.HasPrefix(rest, "["):
			rest, err = p.item(rest)
		case start:
			rest, err = p.name(rest)
		case rest[0] == '.':
			rest, err = p.name(rest[1:])
		default:
			err = errKeyDot
		}
		if err != nil {
			return keyPath{}, err
		}
	}
	return p, nil
}

// name reads a name, quoted or up to the next dot or bracket, and returns what follows.
func (p *keyPath) name(s string) (rest string, err error) {
	var name string
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		var closed bool
		if name, rest, closed = strings.Cut(s[1:], s[:1]); !closed {
			return "", errKeyQuote
		}
	} else {
		end := strings.IndexAny(s, ".[")
		if end < 0 {
			end = len(s)
		}
		name, rest = s[:end], s[end:]
	}
	if name == "" {
		return "", errKeyEmpty
	}
	p.steps = append(p.steps, keyStep{name: name})
	return rest, nil
}

// item reads what stands in brackets, and returns what follows.
func (p *keyPath) item(s string) (rest string, err error) {
	item, rest, closed := strings.Cut(s[1:], "]")
	field, value, isField := strings.Cut(item, "=")
	switch {
	case !closed, item == "", strings.ContainsAny(item, `["'`):
		return "", errKeyItem
	case isField && (field == "" || value == ""):
		return "", errKeyItem
	case !isField && (strings.Trim(item, "0123456789") != "" || len(item) > 6):
		return "", errKeyItem
	}
	p.steps = append(p.steps, keyStep{item: item})
	return rest, nil
}

// filledIn returns the key with every placeholder filled in, and names in quotes where they need them: one key, or one for
// each cluster where {cluster} stands in it.
func (p keyPath) filledIn(app string, e Environment) []string {
	clusters := e.Clusters[:1]
	if p.has(clusterMark) {
		clusters = e.Clusters
	}
	out := make([]string, len(clusters))
	for i, cluster := range clusters {
		out[i] = p.written(strings.NewReplacer(appMark, app, envMark, e.Dir, clusterMark, cluster))
	}
	return out
}

// has says whether a placeholder stands in the key.
func (p keyPath) has(mark string) bool {
	for _, s := range p.steps {
		if strings.Contains(s.name, mark) || strings.Contains(s.item, mark) {
			return true
		}
	}
	return false
}

// written returns the key as people write it.
func (p keyPath) written(fill *strings.Replacer) string {
	var b strings.Builder
	for i, s := range p.steps {
		if s.item != "" {
			b.WriteString("[" + fill.Replace(s.item) + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		name := fill.Replace(s.name)
		switch {
		case strings.ContainsAny(name, `.["'`) && !strings.Contains(name, `"`):
			name = `"` + name + `"`
		case strings.Contains(name, `"`):
			name = `'` + name + `'`
		}
		b.WriteString(name)
	}
	return b.String()
}

// filledIn returns a text with every placeholder filled in: once, or once for each cluster where {cluster} stands in it.
func filledIn(s, app string, e Environment) []string {
	if !strings.Contains(s, "{") {
		return []string{s}
	}
	clusters := e.Clusters[:1]
	if strings.Contains(s, clusterMark) {
		clusters = e.Clusters
	}
	out := make([]string, len(clusters))
	for i, cluster := range clusters {
		out[i] = strings.NewReplacer(appMark, app, envMark, e.Dir, clusterMark, cluster).Replace(s)
	}
	return out
}
