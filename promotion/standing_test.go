package promotion_test

import (
	"strings"
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	file := func(path string, refs ...string) promotion.File {
		return promotion.File{Path: path, Images: of(refs...)}
	}
	app := config.App{Name: "shop", Images: []config.Image{{Name: "b"}, {Name: "a"}}}
	tests := []struct {
		name    string
		files   []promotion.File
		want    string
		problem string
	}{
		{"no files", nil, "", ""},
		{"one file", []promotion.File{file("x", "a:1", "b:2")}, "a:1 b:2", ""},
		{"two files with one image each", []promotion.File{file("x", "a:1"), file("y", "b:2")}, "a:1 b:2", ""},
		{"two files that agree", []promotion.File{file("x", "a:1", "b:2"), file("y", "a:1")}, "a:1 b:2", ""},
		{"a digest in one only", []promotion.File{file("x", "a:1", "b:2"), file("y", "a:1@sha256:x"), file("z", "a:1")}, "a:1@sha256:x b:2", ""},
		{"images of others", []promotion.File{file("x", "a:1", "b:2", "c:3")}, "a:1 b:2", ""},
		{"other tags", []promotion.File{file("x", "a:1", "b:2"), file("y", "a:9")}, "", "mixed: a is 1 in one place and 9 in another (y)"},
		{"other digests", []promotion.File{file("x", "a:1@sha256:x", "b:2"), file("y", "a:1@sha256:y")}, "", "mixed: a is 1"},
		{"other digests, one missing between", []promotion.File{file("x", "a:1@sha256:x", "b:2"), file("y", "a:1"), file("z", "a:1@sha256:y")}, "", "mixed"},
		{"twice in one file", []promotion.File{{Path: "x", Images: promotion.Release{{Name: "a", Tag: "1"}, {Name: "b", Tag: "2"}, {Name: "a", Tag: "3"}}}}, "", "mixed"},
		{"an image nowhere", []promotion.File{file("y", "a:1"), file("x")}, "", "b stands in none of x, y"},
		{"a file that cannot be read", []promotion.File{file("x", "a:1", "b:2"), {Path: "y", Problem: "y:3:1: no"}}, "", "y:3:1: no"},
	}
	for _, test := range tests {
		release, problem := promotion.Standing(app, test.files)
		parts := make([]string, 0, len(release))
		for _, i := range release {
			parts = append(parts, i.String())
		}
		if got := strings.Join(parts, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if !strings.Contains(problem, test.problem) || (problem == "") != (test.problem == "") {
			t.Errorf("%s: problem %q, want %q", test.name, problem, test.problem)
		}
	}
}
