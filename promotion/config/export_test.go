package config

// The tests look at a version that acts on every key too: what is not acted on yet is parsed and described all the same.

func all(key) bool { return true }

// ParseActingOnAll is Parse for a version that acts on every key.
func ParseActingOnAll(data []byte, included ...Included) (*Config, error) {
	return parse(all, File, data, included)
}

// SchemaActingOnAll is Schema for a version that acts on every key.
func SchemaActingOnAll() []byte { return schemaOf(atTop, all) }

// IncludedSchemaActingOnAll is IncludedSchema for a version that acts on every key.
func IncludedSchemaActingOnAll() []byte { return schemaOf(atIncluded, all) }

// AllKeys returns every key that is not reserved as "where: key".
func AllKeys() []string {
	var out []string
	for _, k := range keys {
		for _, at := range k.at {
			if k.state != reserved {
				out = append(out, string(at)+": "+k.name)
			}
		}
	}
	return out
}

// NotActedOn returns every key that is not acted on as "where: key", with its neutral value.
func NotActedOn() map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		for _, at := range k.at {
			if k.state == later || k.state == gate {
				out[string(at)+": "+k.name] = k.neutral
			}
		}
	}
	return out
}
