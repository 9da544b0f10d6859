package checkout_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"ferry/promotion/checkout"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"there": "old"})
	c := open(t, dir)
	if err := c.Create("there", []byte("new"), false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if err := errors.Join(c.Create("there", []byte("new"), true), c.Create("fresh", []byte("x"), false)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"there": "new", "fresh": "x"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestTop(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"repo/apps/web/a.yaml": "", "repo/sub/.ferry.yaml": "", "alone/x/b.yaml": ""})
	git(t, filepath.Join(dir, "repo"), "init", "--quiet")
	for from, want := range map[string]string{"repo/apps/web": "repo", "repo/sub": "repo/sub", "alone/x": "alone/x"} {
		if got, err := checkout.Top(filepath.Join(dir, from)); err != nil || got != filepath.Join(dir, want) {
			t.Errorf("the top of %s is %s, %v", from, got, err)
		}
	}
	if _, err := checkout.Top(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there has a top")
	}
}
