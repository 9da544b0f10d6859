package manifest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ferry/promotion/manifest"
)

// spec is the part of a case's spec.json that the formats here need.
type spec struct {
	ImageName    string
	Select       struct{ Image string }
	NewTag       string
	NewDigest    string
	Expect       string
	AcceptErrors []string
	WantInstead  bool `json:"wantIsAcceptedInsteadOfError"`
	Unchanged    bool
}

// TestCases bumps every case in testdata and compares bytes, or the kind of the refusal.
func TestCases(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("testdata/cases/*")
	if err != nil || len(dirs) < 25 {
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
	got, err := manifest.Bump(in, content, []manifest.Edit{{Target: manifest.Target{Name: s.ImageName}, Tag: s.NewTag, Digest: s.NewDigest}})
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
	checkStands(t, in, got, s)
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
func checkStands(t *testing.T, path string, content []byte, s spec) {
	images, err := manifest.Find(path, content, byName(s.ImageName))
	if err != nil || len(images) == 0 {
		t.Fatalf("Find: %v, %v", images, err)
	}
	for _, image := range images {
		if image.Tag != s.NewTag {
			t.Errorf("Find: %+v, want the tag %q", image, s.NewTag)
		}
	}
	again, err := manifest.Bump(path, content, []manifest.Edit{{Target: manifest.Target{Name: s.ImageName}, Tag: s.NewTag, Digest: s.NewDigest}})
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
