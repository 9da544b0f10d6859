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
