package config

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// manifest is one of an app's manifests as it is written.
type manifest struct {
	*pattern
	keys  []keyPath
	image string
	at    position // of image, or of the whole
}

// also is one of an app's also as it is written.
type also struct {
	manifest
	value string
	copy  bool
	entry int // its place in the list
}

// manifests reads the files of a named app.
func (r *reporter) manifests(f field) []manifest {
	items, ok := r.list(f.value, "manifests")
	if ok && len(items) == 0 {
		r.fail(f.value, "manifests is empty; list the files in which the images stand")
	}
	seen := make(map[string]bool, len(items))
	out := make([]manifest, 0, len(items))
	for _, item := range items {
		m := manifest{at: r.pos(item)}
		if item.Kind == yaml.MappingNode {
			m = r.manifest(item)
		} else if s, ok := r.text(item, "a manifest"); ok {
			if seen[s] {
				r.failAs(ruleDuplicate, item, "%s stands twice in manifests", quoted(s))
				continue
			}
			seen[s] = true
			m.pattern = r.pattern(item, s, false, nil)
		}
		if m.pattern != nil {
			out = append(out, m)
		}
	}
	return out
}

// manifest reads a file with the keys where tag and digest stand.
func (r *reporter) manifest(n *yaml.Node) manifest {
	m := manifest{at: r.pos(n)}
	var path field
	r.mapping(atManifest, n, func(f field) { r.fileField(&m, &path, f) })
	m.pattern = r.filePattern(path, m.keys)
	return m
}

// fileField reads a key of a manifest or also.
func (r *reporter) fileField(m *manifest, path *field, f field) {
	switch f.key {
	case "path":
		*path = f
	case "keys":
		m.keys = r.keyPaths(f)
	case "image":
		m.at = r.pos(f.value)
		m.image = r.imageName(f.value, "image")
	}
}

// filePattern reads the path of a manifest or also, once its keys are known: {env} stands in it or in each of them.
func (r *reporter) filePattern(path field, keys []keyPath) *pattern {
	if path.value == nil {
		return nil
	}
	s, ok := r.text(path.value, "path")
	if !ok {
		return nil
	}
	return r.pattern(path.value, s, false, keys)
}

// keyPaths reads keys into a manifest.
func (r *reporter) keyPaths(f field) []keyPath {
	texts, nodes := r.texts(f.value, "keys")
	if f.value.Kind == yaml.SequenceNode && len(f.value.Content) == 0 {
		r.fail(f.value, "keys is empty; list where tag and digest stand, or write the path alone")
	}
	texts = bounded(r, f, texts, maxListed)
	out := make([]keyPath, 0, len(texts))
	for i, s := range texts {
		p, err := parseKeyPath(s)
		if err != nil {
			r.failAs(ruleInvalidKeys, nodes[i], "the key %s: %v", quoted(s), err)
			continue
		}
		r.placeholders(nodes[i], "the key", s, appMark, envMark, clusterMark)
		out = append(out, p)
	}
	return out
}

// also reads what moves with a release.
func (r *reporter) also(f field) []also {
	items, _ := r.list(f.value, "also")
	out := make([]also, 0, len(items))
	for i, item := range bounded(r, f, items, maxListed) {
		a := also{entry: i, manifest: manifest{at: r.pos(item)}}
		var path, value, copied field
		r.mapping(atAlso, item, func(f field) {
			switch f.key {
			case "value":
				value = f
				a.value, _ = r.text(f.value, "value")
				r.placeholders(f.value, "value", a.value, "{tag}", "{digest}", appMark, envMark, clusterMark)
			case "copy":
				copied = f
				a.copy = r.flag(f)
			default:
				r.fileField(&a.manifest, &path, f)
			}
		})
		if item.Kind != yaml.MappingNode {
			continue
		}
		r.checkAlso(item, &a, value, copied)
		a.pattern = r.filePattern(path, a.keys)
		if a.pattern != nil && strings.Contains(strings.Join(a.segments, "/"), "*") {
			r.failAs(ruleInvalidPattern, path.value, "the path %s: also names one file for each environment, without *", quoted(path.value.Value))
			a.pattern = nil
		}
		if a.pattern != nil && strings.Contains(a.value, clusterMark) && !a.names(clusterMark) {
			r.failAs(rulePlaceholder, value.value, "value: %s: {cluster} does not stand in the path, and the file is that of all clusters", quoted(a.value))
		}
		if a.pattern != nil {
			out = append(out, a)
		}
	}
	return out
}

// checkAlso notes what is missing, and what contradicts itself.
func (r *reporter) checkAlso(n *yaml.Node, a *also, value, copied field) {
	if !hasKey(n, "keys") {
		r.failAs(ruleMissingKey, n, "keys is missing: where the value stands")
	}
	switch {
	case value.value == nil && copied.value == nil:
		r.failAs(ruleMissingKey, n, `value is missing: what is written, such as "{tag}" (or copy: true)`)
	case value.value != nil && copied.value != nil:
		r.fail(copied.name, "either value or copy: the one writes a text, the other what stands upstream")
	case value.value == nil && !a.copy && copied.value.Tag == "!!bool":
		r.fail(copied.value, "copy: false writes nothing; remove it, or write true")
	}
}

// hasKey says whether a key stands in a mapping, right or wrong: what is wrong with it is noted where it stands.
func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}
