package bare_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox/bare"
)

func newRepo(t *testing.T) *bare.Repo {
	t.Helper()
	git, err := bare.Find(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	repo, err := git.Init(t.TempDir()+"/acme/shop.git", "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repo.Close)
	return repo
}

// commit makes a commit of files on parents and returns its name. An empty content removes the file.
func commit(t *testing.T, r *bare.Repo, files map[string]string, parents ...string) string {
	t.Helper()
	var changes []bare.Change
	for path, content := range files {
		c := bare.Change{Path: path, Mode: "100644"}
		if content != "" {
			blobs, err := r.WriteBlobs([]byte(content))
			if err != nil {
				t.Fatal(err)
			}
			c.SHA = blobs[0]
		}
		changes = append(changes, c)
	}
	base := ""
	if len(parents) > 0 {
		p, err := r.Commit(parents[0])
		if err != nil {
			t.Fatal(err)
		}
		base = p.Tree
	}
	tree, err := r.WriteTree(base, changes)
	if err != nil {
		t.Fatal(err)
	}
	who := bare.Signature{Name: "Ann <x>", Email: "ann@example.com", When: time.Unix(1700000000, 0).UTC()}
	sha, err := r.WriteCommit(bare.Commit{Tree: tree, Parents: parents, Author: who, Committer: who, Message: "a change\n\nwith words"})
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func TestCommitsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := commit(t, r, map[string]string{"a": "one\n", "dir/b": "two\n"})
	second := commit(t, r, map[string]string{"dir/b": "", "c d": "three"}, first)
	got, err := r.Commit(second)
	if err != nil {
		t.Fatal(err)
	}
	if got.Message != "a change\n\nwith words" || got.Author.Name != "Ann x" || got.Author.Email != "ann@example.com" || got.Author.When.Unix() != 1700000000 || len(got.Parents) != 1 || got.Parents[0] != first {
		t.Errorf("commit = %+v", got)
	}
	entries, err := r.Tree(second, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Path != "a" || entries[0].Size != 4 || entries[1].Path != "c d" {
		t.Errorf("tree = %+v", entries)
	}
	obj, err := r.Object(second + ":c d")
	if err != nil || string(obj.Data) != "three" {
		t.Errorf("blob = %q, %v", obj.Data, err)
	}
	touched, err := r.Touched([]string{second, first})
	if err != nil {
		t.Fatal(err)
	}
	if tc := touched[second]; len(tc.Added) != 1 || len(tc.Removed) != 1 || len(touched[first].Added) != 2 {
		t.Errorf("touched = %+v", touched)
	}
}

func TestMissingObjects(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	for _, name := range []string{"", "-x", "a\nb", bare.Zero, "refs/heads/none", "main", strings.Repeat("a", 40), "no space here"} {
		if _, err := r.Object(name); !errors.Is(err, bare.ErrMissing) {
			t.Errorf("Object(%q) = %v, want ErrMissing", name, err)
		}
	}
	if _, err := r.WriteTree("", []bare.Change{{Path: "a", Mode: "100644", SHA: strings.Repeat("a", 40)}}); !errors.Is(err, bare.ErrMissing) {
		t.Errorf("WriteTree of an unknown blob = %v, want ErrMissing", err)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := commit(t, r, map[string]string{"a": "1"})
	second := commit(t, r, map[string]string{"a": "2"}, first)
	if err := r.SetRef("refs/heads/feature/x", first, bare.Zero); err != nil {
		t.Fatal(err)
	}
	if err := r.SetRef("refs/heads/feature/x", second, bare.Zero); !errors.Is(err, bare.ErrMoved) {
		t.Errorf("SetRef of an existing one = %v, want ErrMoved", err)
	}
	if err := r.SetRef("refs/heads/feature/x", second, first); err != nil {
		t.Errorf("SetRef = %v", err)
	}
	if sha, err := r.Ref("refs/heads/feature/x"); err != nil || sha != second {
		t.Errorf("Ref = %s, %v, want %s", sha, err, second)
	}
	for _, name := range []string{"refs/heads/a..b", "main", "refs/heads/x.lock", "refs/heads/-x", "refs/heads/a b"} {
		if err := r.SetRef(name, first, ""); !errors.Is(err, bare.ErrBadName) {
			t.Errorf("SetRef(%q) = %v, want ErrBadName", name, err)
		}
	}
	refs, err := r.Refs("refs/heads/")
	if err != nil || len(refs) != 1 || refs[0].Name != "refs/heads/feature/x" {
		t.Errorf("Refs = %v, %v", refs, err)
	}
	if err := r.DeleteRef("refs/heads/feature/x"); err != nil {
		t.Error(err)
	}
	if err := r.DeleteRef("refs/heads/feature/x"); !errors.Is(err, bare.ErrMissing) {
		t.Errorf("DeleteRef of a missing one = %v, want ErrMissing", err)
	}
}

func TestMergesAndPicks(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := commit(t, r, map[string]string{"a": "1\n", "b": "1\n"})
	left := commit(t, r, map[string]string{"a": "2\n"}, root)
	right := commit(t, r, map[string]string{"b": "2\n"}, root)
	clash := commit(t, r, map[string]string{"a": "3\n"}, root)
	tree, clean, err := r.MergeTrees(left, right)
	if err != nil || !clean {
		t.Fatalf("MergeTrees = %v, %v", clean, err)
	}
	for path, want := range map[string]string{"a": "2\n", "b": "2\n"} {
		if obj, err := r.Object(tree + ":" + path); err != nil || string(obj.Data) != want {
			t.Errorf("%s = %q, %v, want %q", path, obj.Data, err, want)
		}
	}
	if _, clean, err := r.MergeTrees(left, clash); err != nil || clean {
		t.Errorf("MergeTrees of a conflict = %v, %v", clean, err)
	}
	top := commit(t, r, map[string]string{"c": "1\n"}, right)
	from, _ := r.Commit(top)
	onto, _ := r.Commit(left)
	tree, clean, err = r.PickTree(from, onto)
	if err != nil || !clean {
		t.Fatalf("PickTree = %v, %v", clean, err)
	}
	if obj, err := r.Object(tree + ":b"); err != nil || string(obj.Data) != "1\n" {
		t.Errorf("a picked commit brought its parent's change along: %q, %v", obj.Data, err)
	}
	if base, err := r.MergeBase(left, top); err != nil || base != root {
		t.Errorf("MergeBase = %s, %v", base, err)
	}
	if ok, err := r.Contains(top, right); err != nil || !ok {
		t.Errorf("Contains = %v, %v", ok, err)
	}
	if ok, err := r.Contains(top, left); err != nil || ok {
		t.Errorf("Contains = %v, %v", ok, err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	long := strings.Repeat("a line that stays\n", 20)
	from := commit(t, r, map[string]string{"a": "1\n2\n", "old": long, "gone": "x\n", "bin": "a\x00b"})
	to := commit(t, r, map[string]string{"a": "1\n3\n", "old": "", "new name": long + "y\n", "gone": "", "bin": "a\x00c", "plus": "@@ not a hunk\n"}, from)
	changes, err := r.Diff(from, to)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bare.FileChange{}
	for _, c := range changes {
		got[c.Path] = c
	}
	if c := got["a"]; c.Status != 'M' || c.Additions != 1 || c.Deletions != 1 || !strings.HasPrefix(c.Patch, "@@ -1,2 +1,2 @@\n 1\n-2\n+3") {
		t.Errorf("a = %+v", c)
	}
	if c := got["new name"]; c.Status != 'R' || c.Previous != "old" || c.Additions != 1 || !strings.HasSuffix(c.Patch, "+y") {
		t.Errorf("new name = %+v", c)
	}
	if c := got["bin"]; c.Patch != "" {
		t.Errorf("bin = %+v", c)
	}
	if c := got["gone"]; c.Status != 'D' || c.SHA == bare.Zero {
		t.Errorf("gone = %+v", c)
	}
	if c := got["plus"]; c.Patch != "@@ -0,0 +1 @@\n+@@ not a hunk" {
		t.Errorf("plus = %+v", c)
	}
}

func TestTreeOfAFolder(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	first := commit(t, r, map[string]string{"x/a": "1", "x/b": "2", "y": "3"})
	folder, err := r.Object(first + ":x")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := r.WriteTree(first+"^{tree}", []bare.Change{{Path: "z", Mode: "040000", SHA: folder.SHA}, {Path: "x/b"}})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.Tree(tree, true)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range entries {
		if e.Type == "blob" {
			paths = append(paths, e.Path)
		}
	}
	if got := strings.Join(paths, " "); got != "x/a y z/a z/b" {
		t.Errorf("paths = %s", got)
	}
}
