package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"ferry/promotion/config"
)

// verdict holds the JSON Schema and the parser to the same verdict.
type verdict struct {
	today, todayIncluded *jsonschema.Schema
	all, allIncluded     *jsonschema.Schema
	inSchema             map[string]bool
}

// compile returns a schema that is valid by draft 7's own schema.
func compile(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("ferry.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("ferry.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func newVerdict(t testing.TB) *verdict {
	t.Helper()
	v := &verdict{
		today: compile(t, config.Schema()), todayIncluded: compile(t, config.IncludedSchema()),
		all: compile(t, config.SchemaActingOnAll()), allIncluded: compile(t, config.IncludedSchemaActingOnAll()), inSchema: map[string]bool{},
	}
	for _, r := range config.Rules() {
		v.inSchema[r.ID] = r.InSchema
	}
	return v
}

// decode returns a YAML file as JSON's values, and false where it is no such file or has keys that are no text.
func decode(text string) (value any, ok bool) {
	if yaml.Unmarshal([]byte(text), &value) != nil {
		return nil, false
	}
	return plainJSON(value)
}

func plainJSON(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		for k, item := range v {
			plain, ok := plainJSON(item)
			if !ok {
				return nil, false
			}
			v[k] = plain
		}
	case map[any]any:
		return nil, false
	case []any:
		for i, item := range v {
			plain, ok := plainJSON(item)
			if !ok {
				return nil, false
			}
			v[i] = plain
		}
	case time.Time, float64:
		return map[string]any{}, true // to the parser a date is no text, and 1.0 no whole number
	}
	return value, true
}

// values holds a file to a verdict that is known, by a version that acts on every key, and the schema to the same.
func (v *verdict) values(t *testing.T, text, included string, good bool) {
	t.Helper()
	var files []config.Included
	if included != "" {
		files = []config.Included{{Path: "apps/inc.yaml", Content: []byte(included)}}
	}
	_, err := config.ParseActingOnAll([]byte(text), files...)
	if (err == nil) != good {
		t.Errorf("Parse = %v, want good: %v\n%s%s", err, good, text, included)
	}
	if included != "" {
		v.same(t, v.allIncluded, err, included)
		return
	}
	v.same(t, v.all, err, text)
}

// same holds a schema to what Parse has said.
func (v *verdict) same(t *testing.T, schema *jsonschema.Schema, err error, text string) {
	t.Helper()
	var found config.Errors
	errors.As(err, &found)
	value, ok := decode(text)
	if !ok || slices.ContainsFunc(found, func(e config.Error) bool { return e.Rule == "not-readable" || e.Rule == "merge-key" }) {
		return
	}
	want := !slices.ContainsFunc(found, func(e config.Error) bool { return v.inSchema[e.Rule] })
	if problem := schema.Validate(value); (problem == nil) != want {
		t.Errorf("the schema says %v, and Parse %s\n%s", problem, describe(found), text[:min(len(text), 600)])
	}
}

func describe(all config.Errors) string {
	out := "nothing"
	for i, e := range all {
		if i == 0 {
			out = ""
		}
		out += fmt.Sprintf("\n  %v [%s]", e, e.Rule)
	}
	return out
}

func TestSchemaSaysWhatParseSays(t *testing.T) {
	t.Parallel()
	v := newVerdict(t)
	files := []string{full, checked, manyApps(3)}
	for _, tt := range wrongFiles {
		files = append(files, tt.text)
	}
	for _, tt := range wrongSettings {
		files = append(files, "apiVersion: ferry/v1\n"+tt.text)
	}
	for _, tt := range wrongApps {
		files = append(files, "apiVersion: ferry/v1\nenvironments: [{name: dev}]\napps:\n"+tt.text)
	}
	for _, text := range files {
		_, err := config.Parse(config.File, []byte(text))
		v.same(t, v.today, err, text)
	}
}
