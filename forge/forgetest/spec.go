package forgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// partName names the kept part of the description; a change of what part keeps has to change it too.
const partName = "api.github.com.part8.json"

// shared is the description as this process loaded it: it is read-only, and loading it takes most of a second.
var shared = sync.OnceValues(func() (*openapi3.T, error) { return load(context.Background()) })

// Spec returns GitHub's description of its REST API, without what no promotion tool calls and without prose. It is loaded
// once per process. It fails where the npm package can be neither found in the user's cache nor fetched.
func Spec() (*openapi3.T, error) { return shared() }

func load(ctx context.Context) (*openapi3.T, error) {
	data, err := fetchPart(ctx)
	if err != nil {
		return nil, fmt.Errorf("GitHub's OpenAPI description: %w", err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("load GitHub's OpenAPI description: %w", err)
	}
	return spec, nil
}

// fetchPart returns the kept part of the description. It stands in the cache beside the whole, for each of many test
// processes would take seconds to read all 13 MB.
func fetchPart(ctx context.Context) ([]byte, error) {
	whole, err := cacheName(openAPIPackage, openAPIFile)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(filepath.Dir(whole), partName)
	if data, err := os.ReadFile(name); err == nil {
		return data, nil
	}
	data, err := fetch(ctx, openAPIPackage, openAPIFile)
	if err != nil {
		return nil, err
	}
	if data, err = part(data); err != nil {
		return nil, err
	}
	return data, store(filepath.Dir(name), name, data)
}

// part cuts the description down to the paths below repositories, Apps and accounts, and to the schemas they refer to.
func part(data []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	paths, _ := doc["paths"].(map[string]any)
	for path := range maps.Clone(paths) {
		if !kept(path) {
			delete(paths, path)
		}
	}
	all, _ := doc["components"].(map[string]any)
	used := map[string]any{}
	slim, _ := withoutProse(paths, false).(map[string]any)
	correct(slim)
	collect(slim, all, used)
	return json.Marshal(map[string]any{"openapi": doc["openapi"], "info": doc["info"], "servers": doc["servers"], "paths": slim, "components": used})
}

// correct repairs what the description gets wrong. In the list of installations alone it says that the account is a user
// and an enterprise at once, where the schema of a single installation says one of both. And where it gives two schemas for
// a failure, each GitHub error fits both, so "exactly one" never holds.
func correct(paths map[string]any) {
	for _, item := range paths {
		operations, _ := item.(map[string]any)
		for _, op := range operations {
			for status, response := range within(op, "responses") {
				if schema := within(response, "content", "application/json", "schema"); status >= "400" {
					rename(schema, "oneOf", "anyOf")
				}
			}
		}
	}
	list := within(paths["/app/installations"], "get", "responses", "200", "content", "application/json", "schema", "items", "properties", "account")
	rename(list, "allOf", "anyOf")
}

// within returns the object at a path of keys, and nil where there is none.
func within(x any, keys ...string) map[string]any {
	o, _ := x.(map[string]any)
	for _, key := range keys {
		o, _ = o[key].(map[string]any)
	}
	return o
}

func rename(o map[string]any, from, to string) {
	if v, ok := o[from]; ok {
		o[to] = v
		delete(o, from)
	}
}

func kept(path string) bool {
	switch path {
	case "/user", "/user/repos", "/users/{username}", "/rate_limit", "/orgs/{org}/teams/{team_slug}":
		return true
	}
	for _, prefix := range []string{"/orgs/{org}/teams/{team_slug}/memberships", "/repos/{owner}/{repo}", "/app", "/installation"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// withoutProse drops what validation never looks at. Below "properties" the keys are names of properties, not words of
// OpenAPI, and all stay.
func withoutProse(x any, properties bool) any {
	switch x := x.(type) {
	case map[string]any:
		slim := map[string]any{}
		for k, v := range x {
			if properties || !prose(k) {
				slim[k] = withoutProse(v, k == "properties" && !properties)
			}
		}
		return slim
	case []any:
		slim := make([]any, len(x))
		for i, v := range x {
			slim[i] = withoutProse(v, false)
		}
		return slim
	}
	return x
}

func prose(key string) bool {
	switch key {
	case "description", "summary", "example", "examples", "externalDocs", "tags", "x-github", "x-webhooks":
		return true
	}
	return false
}

// collect copies every component that x refers to from all to used.
func collect(x any, all, used map[string]any) {
	switch x := x.(type) {
	case map[string]any:
		if ref, ok := x["$ref"].(string); ok {
			collectRef(ref, all, used)
		}
		for _, v := range x {
			collect(v, all, used)
		}
	case []any:
		for _, v := range x {
			collect(v, all, used)
		}
	}
}

func collectRef(ref string, all, used map[string]any) {
	kind, name, ok := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	group, _ := all[kind].(map[string]any)
	if !ok || group[name] == nil {
		return
	}
	have, _ := used[kind].(map[string]any)
	if have == nil {
		have = map[string]any{}
		used[kind] = have
	}
	if have[name] != nil {
		return
	}
	have[name] = withoutProse(group[name], false)
	collect(have[name], all, used)
}
