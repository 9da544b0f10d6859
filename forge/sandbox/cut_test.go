package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// docs.github.com, "Compare two commits": up to 300 files, on the first page only, and 250 commits to a page.
func TestComparisonsAreCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	dir := t.TempDir()
	mustGit(t, "", "clone", "--quiet", w.remote(w.ann.Token), dir)
	var script strings.Builder // git fast-import makes many commits in one process
	const all = 301
	for i := range all {
		fmt.Fprintf(&script, "commit refs/heads/long\ncommitter Ann <ann@example.com> %d +0000\ndata 1\nx\n", 1_700_000_000+i)
		if i == 0 {
			script.WriteString("from refs/heads/main\n")
		}
		fmt.Fprintf(&script, "M 100644 inline many/%03d\ndata 1\nx\n\n", i)
	}
	fastImport(t, dir, script.String())
	mustGit(t, dir, "push", "--quiet", "origin", "long")
	first := w.call(token, "GET", "~/compare/main...long", "", 200).want(map[string]string{"total_commits": "301", "ahead_by": "301"})
	if c, f := first.size("commits"), first.size("files"); c != 250 || f != 300 {
		t.Errorf("the first page has %d commits and %d files, want 250 and 300", c, f)
	}
	if !strings.Contains(first.header.Get("Link"), `rel="next"`) {
		t.Errorf("Link = %q", first.header.Get("Link"))
	}
	second := w.call(token, "GET", "~/compare/main...long?page=4&per_page=100", "", 200)
	if c := second.size("commits"); c != 1 || second.get("files") != nil {
		t.Errorf("the last page has %d commits and files %v, want 1 and none", c, second.get("files"))
	}
}

// docs.github.com, "Get a tree": truncated, where the limit was exceeded; a client then reads one folder after the other.
func TestTreesAreTruncated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	whole := w.call(token, "GET", "~/git/trees/main?recursive=1", "", 200).want(map[string]string{"truncated": "false"})
	w.forge.SetTreeLimit(2)
	cut := w.call(token, "GET", "~/git/trees/main?recursive=1", "", 200).want(map[string]string{"truncated": "true"})
	if whole.size("tree") <= 2 || cut.size("tree") != 2 {
		t.Errorf("%d entries, cut to %d, want 2", whole.size("tree"), cut.size("tree"))
	}
	w.call(token, "GET", "~/git/trees/main", "", 200).want(map[string]string{"truncated": "false"})
}

// docs.github.com, "About commit signature verification", signature verification for bots: only what an App makes with its
// installation token, naming neither author nor committer.
func TestWhoseCommitsAreVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	main := w.call(w.ann.Token, "GET", "~/git/commits/"+w.call(w.ann.Token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha"), "", 200)
	const name = `{"name":"X","email":"x@example.com"}`
	for what, test := range map[string]struct{ token, more, want string }{
		"an App":                    {w.token(""), "", "true"},
		"an App, author named":      {w.token(""), `,"author":` + name, "false"},
		"an App, committer named":   {w.token(""), `,"committer":` + name, "false"},
		"a person":                  {w.ann.Token, "", "false"},
		"a person, everybody named": {w.ann.Token, `,"author":` + name + `,"committer":` + name, "false"},
	} {
		t.Run(what, func(t *testing.T) {
			body := fmt.Sprintf(`{"message":%q,"tree":%q,"parents":[%q]%s}`, what, main.str("tree.sha"), main.str("sha"), test.more)
			w.call(test.token, "POST", "~/git/commits", body, 201).want(map[string]string{"verification.verified": test.want})
		})
	}
	sha, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "by hand", Files: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	w.call(w.ann.Token, "GET", "~/git/commits/"+string(sha), "", 200).want(map[string]string{"verification.verified": "false", "verification.reason": "unsigned"})
}
