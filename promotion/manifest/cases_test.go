package manifest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ferry/promotion/manifest"
)

// spec is what a case's spec.json says.
type spec struct {
	ImageName string
	Select    struct {
		Image, HelmParameter, KustomizeImage string
		Path                                 []any
	}
	NewTag       string
	NewDigest    string
	Expect       string
	AcceptErrors []string
	WantInstead  bool `json:"wantIsAcceptedInsteadOfError"`
	Unchanged    bool
}

// target returns what the case selects.
func (s spec) target(t testing.TB) manifest.Target {
	target := manifest.Target{Name: s.ImageName}
	switch {
	case s.Select.HelmParameter != "":
		target.Keys = []manifest.Key{key(t, s.Select.HelmParameter)}
	case s.Select.Path != nil:
		target.Keys = []manifest.Key{key(t, keyOf(s.Select.Path))}
	}
	return target
}

// keyOf writes a path as a key.
func keyOf(path []any) string {
	var b strings.Builder
	for i, step := range path {
		switch name, isName := step.(string); {
		case !isName:
			fmt.Fprintf(&b, "[%v]", step)
		case i > 0:
			b.WriteString(".")
			fallthrough
		default:
			if strings.ContainsAny(name, ".[") {
				name = `"` + name + `"`
			}
			b.WriteString(name)
		}
	}
	return b.String()
}

// TestCases bumps every case in testdata and compares bytes, or the kind of the refusal.
func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/cases/*")
	if err != nil || len(dirs) < 85 {
		t.Fatalf("%d cases, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			runCase(t, dir)
		})
	}
}

func runCase(t *testing.T, dir string) {
	var s spec
	if err := json.Unmarshal(readFile(t, filepath.Join(dir, "spec.json")), &s); err != nil {
		t.Fatal(err)
	}
	in := only(t, dir, "in.*")
	content := readFile(t, in)
	edits := []manifest.Edit{{Target: s.target(t), Tag: s.NewTag, Digest: s.NewDigest}}
	got, err := manifest.Bump(in, content, edits)
	if !bytes.Equal(content, readFile(t, in)) {
		t.Error("Bump changed its input")
	}
	if err != nil {
		checkRefusal(t, err, s)
		return
	}
	if s.Expect == "error" && !s.WantInstead {
		t.Fatalf("no refusal, but %q", got)
	}
	wants, _ := filepath.Glob(filepath.Join(dir, "want*"))
	if !slices.ContainsFunc(wants, func(want string) bool { return bytes.Equal(got, readFile(t, want)) }) {
		t.Fatalf("got\n%s", got)
	}
	if s.Unchanged && !bytes.Equal(got, content) {
		t.Error("changed")
	}
	checkStands(t, in, got, edits)
	checkRewritten(t, in, content, got, edits)
}

// checkRewritten makes the same edit in other ways to write the same file.
func checkRewritten(t *testing.T, path string, before, after []byte, edits []manifest.Edit) {
	t.Helper()
	const mark = "\ufeff"
	rewrites := map[string]func(s string) string{
		"CRLF":                func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n") },
		"CR":                  func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r") },
		"BOM":                 func(s string) string { return mark + strings.TrimPrefix(s, mark) },
		"no final line break": func(s string) string { return strings.TrimRight(s, "\r\n") },
		"a comment behind":    func(s string) string { return strings.TrimRight(s, "\r\n") + "\n# größer ☕\n" },
	}
	for name, rewrite := range rewrites {
		if filepath.Ext(path) == ".json" && name == "a comment behind" {
			continue
		}
		got, err := manifest.Bump(path, []byte(rewrite(string(before))), edits)
		if want := rewrite(string(after)); err != nil || string(got) != want {
			t.Errorf("%s: %v, got\n%q, want\n%q", name, err, got, want)
		}
	}
}

// TestBumpLargeFiles edits what is too large to be kept here: values of 200 KB by key, and a line of 200 KB above the tag.
func TestBumpLargeFiles(t *testing.T) {
	t.Parallel()
	content, _ := values(200 << 10)
	tag := "      repository: ghcr.io/acme/svc-00300\n      tag: "
	content = bytes.Replace(content, []byte(tag+"1.6.0"), []byte(tag+"«1.6.0→9.9.9»"), 1)
	long := "services:\n  svc-00300:\n    dashboard: '{\"panels\":[" + strings.Repeat(`x y "z" ''q'' ☕ `, 10_000) +
		"]}'\n    image: {note: '" + strings.Repeat("é", 50_000) + "', tag: «1.4.2→9.9.9»}\n"
	for name, in := range map[string]marked{"values": marked(content), "a long line": marked(long)} {
		edits := []manifest.Edit{to(t, "9.9.9", "ghcr.io/acme/svc-00300", "services.svc-00300.image.tag")}
		got, err := manifest.Bump("values.yaml", in.before(), edits)
		if err != nil || !bytes.Equal(got, in.after()) || bytes.Equal(in.before(), in.after()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkRefusal(t *testing.T, err error, s spec) {
	r, ok := err.(*manifest.Refusal)
	switch {
	case s.Expect != "error":
		t.Fatal(err)
	case !ok || !slices.Contains(s.AcceptErrors, r.Kind):
		t.Fatalf("%v, want one of %v", err, s.AcceptErrors)
	}
}

// checkStands asserts that Find sees what Bump wrote, and that writing it again changes nothing.
func checkStands(t *testing.T, path string, content []byte, edits []manifest.Edit) {
	t.Helper()
	var targets []manifest.Target
	for _, e := range edits {
		targets = append(targets, e.Target)
	}
	images, err := manifest.Find(path, content, targets)
	if err != nil || len(images) == 0 {
		t.Fatalf("Find: %v, %v", images, err)
	}
	for _, image := range images {
		i := slices.IndexFunc(edits, func(e manifest.Edit) bool { return e.Name == image.Name })
		if image.Tag != edits[i].Tag {
			t.Errorf("Find: %+v, want the tag %q", image, edits[i].Tag)
		}
	}
	again, err := manifest.Bump(path, content, edits)
	if err != nil || !bytes.Equal(again, content) {
		t.Errorf("a second Bump: %v\n%s", err, again)
	}
}

func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(files) != 1 {
		t.Fatalf("%s: %v", dir, files)
	}
	return files[0]
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
