package manifest_test

import (
	"testing"

	"ferry/promotion/manifest"
)

func TestSet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in    marked
		key   string
		value string
	}{
		"plain":                       {"labels:\n  version: «v1→v2» # moves\n", "labels.version", "v2"},
		"quotes stay":                 {"a: {b: '«1.9→1.10»'}\n", "a.b", "1.10"},
		"a text gets quotes":          {"version: «v1→\"1.10\"»\n", "version", "1.10"},
		"a float gets quotes":         {"version: «1.9→\"1.10\"»\n", "version", "1.10"},
		"a number stays a number":     {"replicas: «3→12»\n", "replicas", "12"},
		"a number that is no number":  {"replicas: «3→\"012\"»\n", "replicas", "012"},
		"true stays what it is":       {"enabled: «true→false»\n", "enabled", "false"},
		"a text that looks like it":   {"enabled: \"«x→false»\"\nother: x\n", "enabled", "false"},
		"null becomes a text":         {"version:«→ \"7\"»\n", "version", "7"},
		"words":                       {"note: «x→\"Checkout 1.4.2: new\"»\n", "note", "Checkout 1.4.2: new"},
		"an apostrophe in quotes":     {"note: '«x→it''s»'\n", "note", "it's"},
		"quotes in quotes":            {"note: \"«x→a \\\"b\\\" \\\\»\"\n", "note", `a "b" \`},
		"what begins like a comment":  {"note: «x→\"# 1\"»\n", "note", "# 1"},
		"an empty text":               {"note: «x→\"\"»\nz: 1\n", "note", ""},
		"a block of one line":         {"note: |-\n  «x→y # z»\nz: 1\n", "note", "y # z"},
		"an anchor of the key's own":  {"a: &a «v1→v2»\n", "a", "v2"},
		"kept below x-":               {"x-v: &v «v1→v2»\nlabels: {version: *v}\n", "labels.version", "v2"},
		"in values as text":           {application + "  source:\n    helm:\n      values: |\n        labels: {version: «v1→v2»}\n", "labels.version", "v2"},
		"a Chart.yaml":                {"apiVersion: v2\nname: checkout\nversion: 0.1.0\nappVersion: \"«1.4.2→1.5.0»\"\n", "appVersion", "1.5.0"},
		"in flow":                     {"{a: «v1→\"x, y\"», b: v1}\n", "a", "x, y"},
		"a colon at its end":          {"a: «v1→\"v2:\"»\n", "a", "v2:"},
		"what YAML 1.1 takes for yes": {"a: «v1→\"on\"»\n", "a", "on"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, m := range ways(tt.in) {
				settings := []manifest.Setting{{Key: key(t, tt.key), Value: tt.value}}
				got, err := manifest.Set("a.yaml", m.before(), settings)
				if err != nil || string(got) != string(m.after()) {
					t.Errorf("%s: %v, got\n%q, want\n%q", way, err, got, m.after())
					continue
				}
				if value, err := manifest.Value("a.yaml", got, settings[0].Key); err != nil || value != tt.value {
					t.Errorf("%s: Value: %q, %v", way, value, err)
				}
				if again, err := manifest.Set("a.yaml", got, settings); err != nil || string(again) != string(got) {
					t.Errorf("%s: again: %v\n%q", way, err, again)
				}
			}
		})
	}
}

func TestSetSeveral(t *testing.T) {
	t.Parallel()
	in := marked("a: «v1→v2»\nb: {c: '«x→y»'}\nd: z\n")
	settings := []manifest.Setting{{key(t, "b.c"), "y"}, {key(t, "a"), "v2"}, {key(t, "d"), "z"}}
	got, err := manifest.Set("a.yaml", in.before(), settings)
	if err != nil || string(got) != string(in.after()) {
		t.Errorf("%v\n%s", err, got)
	}
	settings = append(settings, manifest.Setting{Key: key(t, "a"), Value: "v3"})
	_, err = manifest.Set("a.yaml", in.before(), settings)
	wantKind(t, err, manifest.KindSharedAnchor)
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in, key, value, kind string
		line                 int
	}{
		"no such key":         {"labels: {version: v1}\n", "labels.versoin", "v2", manifest.KindNotFound, 1},
		"a mapping":           {"a:\n  b: c\n", "a", "v2", manifest.KindNotScalar, 2},
		"lines":               {"a: b\n", "a", "v\n2", manifest.KindInvalid, 1},
		"what is no text":     {"a: b\n", "a", "v\x002", manifest.KindInvalid, 1},
		"not UTF-8":           {"a: b\n", "a", "v\xff", manifest.KindInvalid, 1},
		"a template":          {"a: '{{ .x }}'\n", "a", "v2", manifest.KindTemplated, 1},
		"several lines":       {"a: |\n  b\n  c\n", "a", "v2", manifest.KindNotScalar, 1},
		"blanks in a block":   {"a: |\n  b\n", "a", " v2", manifest.KindNotScalar, 1},
		"shared":              {"a: {b: &x v1}\nc: *x\n", "a.b", "v2", manifest.KindSharedAnchor, 2},
		"another type":        {"a: !v v1\n", "a", "v2", manifest.KindNotScalar, 1},
		"escapes for emoji":   {`{"a": "\ud83d\ude00"}`, "a", "v2", manifest.KindNotScalar, 1},
		"an image's own text": {"a: [\n", "a", "v2", manifest.KindInvalid, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.Set("a.yaml", []byte(tt.in), []manifest.Setting{{Key: key(t, tt.key), Value: tt.value}})
			if r := wantKind(t, err, tt.kind); r.Line != tt.line || got != nil {
				t.Errorf("%v, want line %d", r, tt.line)
			}
		})
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	in := "a: 'x y'\nb: {c: 7, d: , e: null}\nf: |\n  g\nh: &h 1.10\ni: *h\nj: [k]\n"
	for k, want := range map[string]string{"a": "x y", "b.c": "7", "b.d": "", "b.e": "", "f": "g", "i": "1.10", "j[0]": "k"} {
		if got, err := manifest.Value("a.yaml", []byte(in), key(t, k)); err != nil || got != want {
			t.Errorf("%s: %q, %v", k, got, err)
		}
	}
	for k, kind := range map[string]string{"b": manifest.KindNotScalar, "z": manifest.KindNotFound} {
		_, err := manifest.Value("a.yaml", []byte(in), key(t, k))
		wantKind(t, err, kind)
	}
	_, err := manifest.Value("a.yaml", []byte(in), manifest.Key{})
	wantKind(t, err, manifest.KindInvalid)
}
