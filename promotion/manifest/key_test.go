package manifest_test

import (
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

// key parses a key that is written well.
func key(tb testing.TB, s string) manifest.Key {
	tb.Helper()
	k, err := manifest.ParseKey(s)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"tag", "a.b", `"a.b".c`, `'a.b'.c`, "a[0].b", "a[name=web].b", `a[name="x]y"]`, "[1].a", "[kind=Pod].a", "größe.tag", "a[0][1]", `containers[0].image\.tag`} {
		if k := key(t, s); k.String() != s || k.IsZero() || !k.Equal(key(t, s)) || k.Equal(key(t, "x.y.z")) {
			t.Errorf("%s: %+v", s, k)
		}
	}
	if !key(t, `"a".b`).Equal(key(t, "a.b")) || key(t, `"a.b"`).Equal(key(t, "a.b")) || key(t, "a[0]").Equal(key(t, "a[1]")) {
		t.Error("equal is not what names the same place")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                             "character 1: the name of a key is missing",
		"a.":                           "character 3: the name of a key is missing",
		".a":                           "character 1: the name",
		"a..b":                         "character 3: the name",
		`a."b`:                         "character 3: a quote is not closed",
		`"".a`:                         "the name of a key is missing",
		`"a"b`:                         "character 4: a `.` or `[` is missing",
		"ö[]":                          "character 3: in brackets",
		"a[-1]":                        "in brackets",
		"a[name]":                      "in brackets",
		"a[=x]":                        "in brackets",
		"a[name=]":                     "a `]` is missing",
		"a[name=web":                   "a `]` is missing",
		`a[name="web].b`:               "a quote is not closed",
		`a[name="web".b`:               "a `]` is missing",
		"a[0]b":                        "a `.` or `[` is missing",
		strings.Repeat("a.", 64) + "a": "65 steps",
		strings.Repeat("a", 2000):      "2000 characters",
	}
	for s, want := range tests {
		if k, err := manifest.ParseKey(s); err == nil || !strings.Contains(err.Error(), want) || !k.IsZero() {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}
