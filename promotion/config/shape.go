package config

import (
	"regexp"
	"strings"
)

// shape is what a value may be. It words the type in the reference and is the value's part of the JSON Schema.
type shape struct {
	words  string
	schema map[string]any
}

// named returns the shape with words of its own.
func (s shape) named(words string) shape {
	s.words = words
	return s
}

// only returns the shape for one value that is no text.
func (s shape) only(value any) shape {
	s.schema = map[string]any{"const": value}
	return s
}

// like returns the shape with examples that editors offer.
func (s shape) like(examples ...any) shape {
	s.schema = with(s.schema, "examples", examples)
	return s
}

// with returns a copy of a schema with one more keyword.
func with(schema map[string]any, keyword string, value any) map[string]any {
	out := map[string]any{keyword: value}
	for k, v := range schema {
		if k != keyword {
			out[k] = v
		}
	}
	return out
}

// anyText is a text that is not empty and does not begin or end with a space.
func anyText() shape {
	return shape{"text", map[string]any{"type": "string", "pattern": `^\S([\s\S]*\S)?$`}}
}

// textOf is a text of a form, and of none of the others.
func textOf(words string, form *regexp.Regexp, none ...*regexp.Regexp) shape {
	schema := map[string]any{"type": "string", "pattern": form.String()}
	if len(none) > 0 {
		schema["not"] = map[string]any{"pattern": alternatives(none)}
	}
	return shape{words, schema}
}

// alternatives is the form of what has any of the forms.
func alternatives(forms []*regexp.Regexp) string {
	texts := make([]string, len(forms))
	for i, form := range forms {
		texts[i] = form.String()
	}
	return strings.Join(texts, "|")
}

// wordOf is one of a few words.
func wordOf[T ~string](words ...T) shape {
	quoted := make([]string, len(words))
	enum := make([]any, len(words))
	for i, w := range words {
		quoted[i], enum[i] = "`"+string(w)+"`", string(w)
	}
	return shape{strings.Join(quoted, ", "), map[string]any{"enum": enum}}
}

// flag is true or false.
func flag() shape { return shape{"`true`, `false`", map[string]any{"type": "boolean"}} }

// count is a whole number.
func count(least, most int) shape {
	return shape{"number", map[string]any{"type": "integer", "minimum": least, "maximum": most}}
}

// period is a duration.
func period() shape {
	return shape{"duration", map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "pattern": durationForm.String()}, map[string]any{"const": 0},
	}}}.like("15m", "24h", "2d")
}

// keysOf is a mapping with the keys of a place.
func keysOf(at place) shape {
	return shape{string(at), map[string]any{"$ref": "#/definitions/" + definition(at)}}
}

// listOf is a list.
func listOf(item shape) shape {
	return shape{"list of " + plural(item.words), map[string]any{"type": "array", "items": item.schema}}
}

// plural words several of something: names are not in backquotes.
func plural(words string) string {
	parts := strings.Split(words, ", or ")
	for i, part := range parts {
		switch {
		case strings.HasSuffix(part, "cy"):
			parts[i] = strings.TrimSuffix(part, "y") + "ies"
		case !strings.HasSuffix(part, "`") && !strings.HasSuffix(part, "also"):
			parts[i] = part + "s"
		}
	}
	return strings.Join(parts, " or ")
}

// sized bounds how many values a list has.
func (s shape) sized(least, most int) shape {
	if least > 0 {
		s.schema = with(s.schema, "minItems", least)
	}
	if most > 0 {
		s.schema = with(s.schema, "maxItems", most)
	}
	return s
}

// mapOf is a mapping from names of a shape to values of another.
func mapOf(name, value shape) shape {
	return shape{"mapping of " + name.words + " to " + value.words,
		map[string]any{"type": "object", "propertyNames": name.schema, "additionalProperties": value.schema}}
}

// either is one of several shapes.
func either(shapes ...shape) shape {
	words := make([]string, len(shapes))
	all := make([]any, len(shapes))
	for i, s := range shapes {
		words[i], all[i] = s.words, s.schema
	}
	return shape{strings.Join(words, ", or "), map[string]any{"anyOf": all}}
}
