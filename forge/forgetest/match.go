package forgetest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// template is one path of the description.
type template struct {
	path     string
	item     *openapi3.PathItem
	segments []string
	literals int
}

// manySegments says whether GitHub takes slashes in a parameter, which OpenAPI cannot say: a reference, a branch and a
// path have them.
func manySegments(name string) bool {
	switch name {
	case "ref", "branch", "path", "basehead":
		return true
	}
	return false
}

func templates(spec *openapi3.T) []template {
	var all []template
	for path, item := range spec.Paths.Map() {
		if strings.Contains(path, "}...{") {
			continue // the older spelling of the route of comparisons; {basehead} is the other
		}
		t := template{path: path, item: item, segments: strings.Split(strings.Trim(path, "/"), "/")}
		for _, s := range t.segments {
			if !strings.HasPrefix(s, "{") {
				t.literals++
			}
		}
		all = append(all, t)
	}
	return all
}

// find returns the operation a request belongs to, and its path parameters: of several that fit, the one that says most
// of the path itself. It is nil where the description has none.
func (v *Validator) find(method, escapedPath string) (*routers.Route, map[string]string) {
	segments := strings.Split(strings.Trim(escapedPath, "/"), "/")
	// GET /repositories/{id} is what GitHub's own redirects after a rename lead to; it answers like the named
	// repository and is missing in the description.
	if method == http.MethodGet && len(segments) == 2 && segments[0] == "repositories" {
		segments = []string{"repos", "by-id", segments[1]}
	}
	var best template
	var params map[string]string
	for _, t := range v.templates {
		if best.item != nil && t.literals <= best.literals {
			continue
		}
		if found, ok := fit(t.segments, segments); ok {
			best, params = t, found
		}
	}
	if best.item == nil {
		return nil, nil
	}
	op := best.item.GetOperation(method)
	if op == nil {
		return nil, nil
	}
	return &routers.Route{Spec: v.spec, Path: best.path, PathItem: best.item, Method: method, Operation: op}, params
}

// fit lays a path over a template and returns what its parameters take.
func fit(want, have []string) (map[string]string, bool) {
	if len(want) == 0 {
		return map[string]string{}, len(have) == 0
	}
	if len(have) == 0 {
		return nil, false
	}
	name, isParam := strings.CutPrefix(want[0], "{")
	if !isParam {
		if want[0] != have[0] {
			return nil, false
		}
		return fit(want[1:], have[1:])
	}
	name = strings.TrimSuffix(name, "}")
	most := 1
	if manySegments(name) {
		most = len(have)
	}
	for n := most; n > 0; n-- {
		if params, ok := fit(want[1:], have[n:]); ok {
			params[name] = unescape(strings.Join(have[:n], "/"))
			return params, true
		}
	}
	return nil, false
}

func unescape(s string) string {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return plain
}
