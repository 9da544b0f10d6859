package manifest_test

import (
	"regexp"
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

var mark = regexp.MustCompile(`«([^→»]*)→([^»]*)»`)

// marked is a manifest in which «old→new» says what an edit has to change.
type marked string

func (m marked) before() []byte { return []byte(mark.ReplaceAllString(string(m), "$1")) }
func (m marked) after() []byte  { return []byte(mark.ReplaceAllString(string(m), "$2")) }

// ways are how the same manifest may be written to disk, which no edit may change.
func ways(m marked) map[string]marked {
	crlf := marked(strings.ReplaceAll(string(m), "\n", "\r\n"))
	return map[string]marked{
		"as it is":             m,
		"CRLF":                 crlf,
		"BOM":                  "\ufeff" + m,
		"no final line break":  marked(strings.TrimSuffix(string(m), "\n")),
		"all three":            "\ufeff" + marked(strings.TrimSuffix(string(crlf), "\r\n")),
		"comments all around":  "# größer ☕\n\n" + m + "# end\n",
		"a document before it": "before: [1,\n  2]\n---\n" + m,
		"a document after it":  marked(strings.TrimSuffix(string(m), "\n")) + "\n---\nafter: |\n  x\n...\n",
	}
}

// bumpMarked bumps m in every way to write it.
func bumpMarked(t *testing.T, m marked, edits ...manifest.Edit) {
	t.Helper()
	for way, m := range ways(m) {
		got, err := manifest.Bump("in.yaml", m.before(), edits)
		if err != nil {
			t.Errorf("%s: %v", way, err)
			continue
		}
		if string(got) != string(m.after()) {
			t.Errorf("%s: got\n%q, want\n%q", way, got, m.after())
			continue
		}
		checkOnly(t, m.before(), got)
		checkStands(t, "in.yaml", got, edits)
	}
}

// checkOnly parses both without the package under test and asserts that no other value differs, where the text does.
func checkOnly(t *testing.T, before, after []byte) {
	t.Helper()
	a, b := valuesIn(t, before), valuesIn(t, after)
	if string(before) != string(after) && (len(b) < len(a) || len(b) > len(a)+2) {
		t.Errorf("%d values became %d", len(a), len(b))
	}
}

// to returns an edit of an image found by name, or by keys.
func to(t testing.TB, tag, name string, keys ...string) manifest.Edit {
	t.Helper()
	e := manifest.Edit{Target: manifest.Target{Name: name}}
	e.Tag, e.Digest, _ = strings.Cut(tag, "@")
	for _, k := range keys {
		e.Keys = append(e.Keys, key(t, k))
	}
	return e
}

// refusal bumps and wants a refusal of this kind in this line.
func refusal(t *testing.T, in, kind string, line int, edits ...manifest.Edit) *manifest.Refusal {
	t.Helper()
	got, err := manifest.Bump("in.yaml", []byte(in), edits)
	if got != nil {
		t.Fatalf("got bytes: %q", got)
	}
	r := wantKind(t, err, kind)
	if r.Line != line || (line > 0) != (r.Column > 0) || r.Path != "in.yaml" {
		t.Errorf("%v, want line %d", r, line)
	}
	return r
}
