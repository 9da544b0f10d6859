package config

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// images reads the images of an app.
func (r *reporter) images(f field) []image {
	items, ok := r.list(f.value, "images")
	if ok && len(items) == 0 {
		r.fail(f.value, "images is empty; list at least one")
	}
	out := make([]image, 0, len(items))
	lines := make(map[string]int, len(items))
	for _, item := range items {
		i, ok := r.image(item)
		if !ok {
			continue
		}
		if line, twice := lines[i.Name]; twice {
			r.failAs(ruleDuplicate, item, "the image %s stands here already in line %d", quoted(i.Name), line)
			continue
		}
		lines[i.Name] = item.Line
		out = append(out, i)
	}
	return out
}

// image reads one image: its name, or a mapping with the names other environments know it by.
func (r *reporter) image(n *yaml.Node) (image, bool) {
	i := image{at: r.pos(n)}
	if n.Kind != yaml.MappingNode {
		i.Name = r.imageName(n, "an image")
		return i, i.Name != ""
	}
	r.mapping(atImage, n, func(f field) {
		switch f.key {
		case "name":
			i.Name = r.imageName(f.value, "name")
		case "in":
			i.In, i.inAt = r.imageIn(f.value)
		case "digest":
			i.Digest = r.flag(f)
		}
	})
	return i, i.Name != ""
}

// imageIn reads by environment under which other name an image is pulled. Whether the environments exist is checked once all are read.
func (r *reporter) imageIn(n *yaml.Node) (names map[string]string, at map[string]position) {
	if !r.is(n, yaml.MappingNode, "!!map", "in", "environments with image names") {
		return nil, nil
	}
	names, at = make(map[string]string, len(n.Content)/2), make(map[string]position, len(n.Content)/2)
	for f := range r.pairs(n) {
		r.checkName(f.name, f.key)
		if s := r.imageName(f.value, "an image"); s != "" {
			names[f.key], at[f.key] = s, r.pos(f.name)
		}
	}
	return names, at
}

// imageForm is the name of a repository as the OCI distribution specification has it, after the registry's host: its first
// part is a host where it has a dot or a port, as for Docker. {app} may stand for letters of it.
var imageForm = regexp.MustCompile(`^(` + hostPart + `((\.` + hostPart + `)+(:[0-9]{1,5})?|:[0-9]{1,5})/)?` + repositoryPart + `(/` + repositoryPart + `)*$`)

const (
	hostPart       = `([A-Za-z0-9-]|\{app\})+`
	letters        = `([a-z0-9]|\{app\})+`
	repositoryPart = letters + `(([._]|__|-+)` + letters + `)*`
)

// imageName reads the name of an image, which is its reference without tag and digest.
func (r *reporter) imageName(n *yaml.Node, what string) string {
	s, ok := r.text(n, what)
	if !ok {
		return ""
	}
	plain := strings.ReplaceAll(s, appMark, "app")
	last := plain[strings.LastIndex(plain, "/")+1:]
	switch {
	case strings.ContainsAny(last, ":@"):
		r.fail(n, "%s: leave out tag and digest, they are what is promoted", quoted(s))
	case strings.Contains(plain, "{"):
		r.fail(n, "%s: only {app} is filled in in images; a name that differs by environment stands under in", quoted(s))
	case !imageForm.MatchString(s):
		r.fail(n, "%s is not the name of an image: it is written registry/repository, the repository in lower case", quoted(s))
	case len(s) > 255:
		r.failAs(ruleLimit, n, "%s is longer than the 255 characters of an image's name", quoted(s))
	default:
		return s
	}
	return ""
}
