package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ferry/promotion/checkout"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.yaml": "1", "sub/b.yaml": "1"})
	if err := os.Chmod(filepath.Join(dir, "sub/b.yaml"), 0o777); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	both := []checkout.Change{{Path: "a.yaml", Before: []byte("1"), After: []byte("2")}, {Path: "sub/b.yaml", Before: []byte("1"), After: []byte("3")}}
	if err := c.Replace(both); err != nil {
		t.Fatal(err)
	}
	stands(t, dir, "2", "3")
	info, err := os.Stat(filepath.Join(dir, "sub/b.yaml"))
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestReplaceNothing fails in each of the ways it can, at the second of two files: the first stays as it was.
func TestReplaceNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"changed in the meantime", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "sub/b.yaml"), []byte("other"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "nothing was written: sub/b.yaml: it was changed in the meantime"},
		{"gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "sub/b.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "nothing was written: sub/b.yaml"},
		{"a symbolic link", func(t *testing.T, dir string) {
			name := filepath.Join(dir, "sub/b.yaml")
			if err := errors.Join(os.Remove(name), os.Symlink("../a.yaml", name)); err != nil {
				t.Fatal(err)
			}
		}, "is a symbolic link"},
		{"its folder a symbolic link", func(t *testing.T, dir string) {
			if err := errors.Join(os.Rename(filepath.Join(dir, "sub"), filepath.Join(dir, "moved")), os.Symlink("moved", filepath.Join(dir, "sub"))); err != nil {
				t.Fatal(err)
			}
		}, "sub is a symbolic link"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"a.yaml": "1", "sub/b.yaml": "1"})
			c := open(t, dir)
			test.prepare(t, dir)
			err := c.Replace([]checkout.Change{{Path: "a.yaml", Before: []byte("1"), After: []byte("2")}, {Path: "sub/b.yaml", Before: []byte("1"), After: []byte("3")}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			stands(t, dir, "1", "")
		})
	}
}

// TestReplaceTakesBack lets the second rename fail, when the first is done.
func TestReplaceTakesBack(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.yaml": "1", "sub/b.yaml": "1"})
	c := open(t, dir)
	staging := []checkout.Change{{Path: "a.yaml", Before: []byte("1"), After: []byte("2")}, {Path: "sub/b.yaml", Before: []byte("1"), After: []byte("3")}}
	c.BeforeRename(func(path string) {
		if path == "sub/b.yaml" { // a folder in its place, which no file is renamed over
			name := filepath.Join(dir, "sub/b.yaml")
			if err := errors.Join(os.Remove(name), os.MkdirAll(filepath.Join(name, "x"), 0o755)); err != nil {
				t.Error(err)
			}
		}
	})
	if err := c.Replace(staging); err == nil || !strings.Contains(err.Error(), "nothing was written: sub/b.yaml") {
		t.Errorf("%v", err)
	}
	stands(t, dir, "1", "")
}

// stands checks both files, and that nothing else was left behind. An empty content is not looked at.
func stands(t *testing.T, dir, a, b string) {
	t.Helper()
	for path, want := range map[string]string{"a.yaml": a, "sub/b.yaml": b} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); want != "" && (err != nil || string(got) != want) {
			t.Errorf("%s is %q, %v; want %q", path, got, err, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".*ferry*"))
	more, _ := filepath.Glob(filepath.Join(dir, ".*ferry-*"))
	if err != nil || len(left)+len(more) > 0 {
		t.Errorf("left behind: %v %v %v", left, more, err)
	}
}
