package config

import (
	"encoding/json"
	"slices"
	"strings"
)

// Schema returns the JSON Schema of the configuration, indented. It is of draft 7, the newest that editors' YAML extensions
// have long read. What a schema can say, it says as Parse does; what it can't (environments that are not there, circles,
// schedules …) Parse says alone.
func Schema() []byte { return schemaOf(atTop, actsOn) }

// IncludedSchema returns the JSON Schema of a file that the configuration includes.
func IncludedSchema() []byte { return schemaOf(atIncluded, actsOn) }

// schemaOf returns the schema of a whole file, for a version that acts on some keys.
func schemaOf(root place, acts func(key) bool) []byte {
	s := schemas{acts: acts}
	out := s.mapping(root)
	out["$schema"] = "http://json-schema.org/draft-07/schema#"
	out["title"] = "Ferry: " + File
	if root == atIncluded {
		out["title"] = "Ferry: an app's settings, included by " + File
	}
	definitions := map[string]any{}
	for _, at := range places() {
		if at != atTop {
			definitions[definition(at)] = s.mapping(at)
		}
	}
	out["definitions"] = definitions
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return []byte("true") // nothing in it can fail to be written
	}
	return append(text, '\n')
}

// definition is the name under which a place stands in the schema.
func definition(at place) string {
	return strings.NewReplacer(" ", "-", "'", "").Replace(string(at))
}

// places returns every place, in the order of the reference.
func places() []place {
	return []place{
		atTop, atCommands, atEnvironment, atFrom, atCheck, atFreeze, atPolicy, atRole, atPullRequest,
		atApp, atOverride, atImage, atManifest, atAlso, atIncluded, atIncludedOverride,
	}
}

// schemas makes the parts of one schema.
type schemas struct {
	acts func(key) bool
}

// mapping returns the schema of a mapping of a place.
func (s schemas) mapping(at place) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, k := range keys {
		if !slices.Contains(k.at, at) {
			continue
		}
		properties[k.name] = s.property(k)
		if k.required || at == atTop && k.name == "apiVersion" || at == atAlso && k.name == "keys" {
			required = append(required, k.name)
		}
	}
	slices.Sort(required)
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	switch at {
	case atApp:
		out["oneOf"] = []any{needs([]string{"name"}, "discover"), needs([]string{"discover", "images"}, "name", "manifests", "was")}
	case atAlso:
		out["oneOf"] = []any{needs([]string{"value"}, "copy"), needs([]string{"copy"}, "value")}
	}
	return out
}

// needs is the schema of a mapping that has some keys and not others.
func needs(keys []string, without ...string) map[string]any {
	none := make([]any, len(without))
	for i, key := range without {
		none[i] = map[string]any{"required": []string{key}}
	}
	return map[string]any{"required": keys, "not": map[string]any{"anyOf": none}}
}

// property returns the schema of a key's value: only the neutral one, where the key is not acted on.
func (s schemas) property(k key) map[string]any {
	about := plain(k.effect)
	switch {
	case k.state == reserved:
		return map[string]any{"description": "Reserved for a later version of Ferry: " + about, "not": map[string]any{}}
	case s.acts(k):
		out := map[string]any{"description": about}
		if _, isRef := k.shape.schema["$ref"]; isRef {
			out["allOf"] = []any{k.shape.schema} // draft 7 reads nothing beside $ref
		} else {
			for keyword, value := range k.shape.schema {
				out[keyword] = value
			}
		}
		if value, ok := defaultOf(k); ok {
			out["default"] = value
		}
		return out
	}
	out := map[string]any{"description": "Not acted on yet: " + about}
	if k.neutral == "" {
		out["not"] = map[string]any{}
		return out
	}
	out["allOf"] = []any{k.shape.schema, neutralSchema(k.neutral)}
	return out
}

// neutralSchema is the schema of a neutral value.
func neutralSchema(neutral string) map[string]any {
	switch neutral {
	case "[]":
		return map[string]any{"type": "array", "maxItems": 0}
	case "{}":
		return map[string]any{"type": "object", "maxProperties": 0}
	case "0":
		return map[string]any{"enum": []any{0, "0"}}
	}
	return map[string]any{"const": neutral}
}

// defaultOf returns a key's default where it is one value.
func defaultOf(k key) (any, bool) {
	text, isValue := strings.CutPrefix(k.def, "`")
	text = strings.TrimSuffix(text, "`")
	switch {
	case !isValue || strings.ContainsAny(text, "` "):
		return nil, false
	case text == "[default]":
		return []string{DefaultCluster}, true
	case k.shape.schema["type"] == "boolean":
		return text == "true", true
	case k.shape.schema["type"] == "integer" || text == "0":
		var n int
		return n, json.Unmarshal([]byte(text), &n) == nil
	}
	return text, true
}

// plain returns a text of the reference without its marks.
func plain(text string) string { return strings.ReplaceAll(text, "`", "") }
