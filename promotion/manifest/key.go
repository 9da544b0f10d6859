package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// The longest key and the most steps in one: beyond them it is no key of a manifest.
const (
	maxKeyBytes = 1024
	maxKeySteps = 64
)

// Key is a place in a manifest, as the configuration names it: keys of mappings and items of lists, from the top down. The zero Key is no place.
type Key struct {
	source string
	steps  []step
}

// step is one step down: into the value of a mapping's key; or into the item of a list, by its index or by what one of its fields says.
type step struct {
	name         string // of a key of a mapping; "" in a step into a list
	index        int    // of an item; -1 where it is chosen by a field
	field, value string
}

// ParseKey reads a key as it is written in the configuration: `image.tag`; `"a.b".tag` where a key has dots; `sidecars[0].tag` and
// `sidecars[name=web].tag` in lists. It fails, naming the place, where s is written otherwise.
func ParseKey(s string) (Key, error) {
	if len(s) > maxKeyBytes {
		return Key{}, fmt.Errorf("the key has %d characters, %d are allowed", len(s), maxKeyBytes)
	}
	p := keyParser{rest: s, whole: s}
	steps, err := p.steps()
	if err != nil {
		return Key{}, err
	}
	if len(steps) > maxKeySteps {
		return Key{}, fmt.Errorf("the key %q has %d steps, %d are allowed", s, len(steps), maxKeySteps)
	}
	return Key{source: s, steps: steps}, nil
}

// String returns the key as it was written.
func (k Key) String() string { return k.source }

// IsZero tells whether k names no place.
func (k Key) IsZero() bool { return len(k.steps) == 0 }

// Equal tells whether k and other name the same place.
func (k Key) Equal(other Key) bool {
	if len(k.steps) != len(other.steps) {
		return false
	}
	for i, s := range k.steps {
		if s != other.steps[i] {
			return false
		}
	}
	return true
}

// keyParser reads one key from the left.
type keyParser struct{ rest, whole string }

func (p *keyParser) steps() ([]step, error) {
	var steps []step
	for first := true; ; first = false {
		if !strings.HasPrefix(p.rest, "[") || !first {
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{name: name, index: -1})
		}
		for strings.HasPrefix(p.rest, "[") {
			item, err := p.item()
			if err != nil {
				return nil, err
			}
			steps = append(steps, item)
		}
		if p.rest == "" {
			return steps, nil
		}
		if p.rest[0] != '.' {
			return nil, p.fail("a `.` or `[` is missing")
		}
		p.rest = p.rest[1:]
	}
}

// name reads the name of a mapping's key: in quotes, or up to the next dot or bracket.
func (p *keyParser) name() (string, error) {
	if p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\'') {
		return p.quoted()
	}
	end := strings.IndexAny(p.rest, ".[")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	if name == "" {
		return "", p.fail("the name of a key is missing")
	}
	p.rest = p.rest[end:]
	return name, nil
}

func (p *keyParser) quoted() (string, error) {
	quote := p.rest[:1]
	name, rest, closed := strings.Cut(p.rest[1:], quote)
	if !closed {
		return "", p.fail("a quote is not closed")
	}
	if name == "" {
		return "", p.fail("the name of a key is missing")
	}
	p.rest = rest
	return name, nil
}

// item reads `[0]` or `[name=web]`.
func (p *keyParser) item() (step, error) {
	p.rest = p.rest[1:]
	if end := strings.IndexByte(p.rest, ']'); end > 0 {
		if n, err := strconv.Atoi(p.rest[:end]); err == nil && n >= 0 && p.rest[0] != '+' {
			p.rest = p.rest[end+1:]
			return step{index: n}, nil
		}
	}
	field, rest, found := strings.Cut(p.rest, "=")
	if !found || field == "" || strings.ContainsAny(field, "[]") {
		return step{}, p.fail("in brackets stands the index of an item, as in [0], or what one of its fields says, as in [name=web]")
	}
	p.rest = rest
	value, err := p.value()
	if err != nil {
		return step{}, err
	}
	return step{index: -1, field: field, value: value}, nil
}

// value reads what stands between `=` and `]`.
func (p *keyParser) value() (value string, err error) {
	if p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\'') {
		if value, err = p.quoted(); err != nil {
			return "", err
		}
		if !strings.HasPrefix(p.rest, "]") {
			return "", p.fail("a `]` is missing")
		}
		p.rest = p.rest[1:]
		return value, nil
	}
	value, rest, found := strings.Cut(p.rest, "]")
	if !found || value == "" {
		return "", p.fail("a `]` is missing, or nothing stands before it")
	}
	p.rest = rest
	return value, nil
}

func (p *keyParser) fail(reason string) error {
	return fmt.Errorf("the key %q cannot be read at character %d: %s", p.whole, len([]rune(p.whole))-len([]rune(p.rest))+1, reason)
}
