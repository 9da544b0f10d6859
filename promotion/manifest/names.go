package manifest

import "strings"

// names are the images that are looked for: from how they may be written to how they were asked for.
type names map[string]string

func newNames(targets []Target) names {
	all := make(names, len(targets))
	for _, t := range targets {
		all[t.Name] = t.Name
	}
	for _, t := range targets {
		if n := normalName(t.Name); all[n] == "" {
			all[n] = t.Name
		}
	}
	return all
}

// everyName returns names that match whatever is written.
func everyName() names { return names{anyName: anyName} }

const anyName = "*"

// match returns how the image that is written so was asked for, "" where it was not. One image may be written in several ways where its registry is
// Docker Hub's.
func (ns names) match(written string) string {
	if ns[anyName] != "" {
		return written
	}
	if asked := ns[written]; asked != "" {
		return asked
	}
	if normal := normalName(written); normal != written {
		return ns[normal]
	}
	return ""
}

// normalName returns the shortest way to write a name: docker.io/library/postgres is postgres (distribution reference, "familiar name").
func normalName(name string) string {
	for _, registry := range []string{"docker.io/", "index.docker.io/"} {
		if rest, ok := strings.CutPrefix(name, registry); ok {
			name = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(name, "library/"); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return name
}
