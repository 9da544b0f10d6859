package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs the git client and returns what it wrote.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(t, dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// remote is the address of the world's repository with a person's credentials.
func (w *world) remote(token string) string {
	u, err := url.Parse(w.url + "/acme/environments.git")
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		u.User = url.UserPassword("x-access-token", token)
	}
	return u.String()
}

func TestCloneAndPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox.clear()
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "clone", "--quiet", w.remote(w.ann.Token), dir)
	// More than 1 MiB: git sends it in chunks.
	if err := os.WriteFile(filepath.Join(dir, "big"), noise(3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	mustGit(t, dir, "add", ".")
	mustGit(t, dir, "commit", "--quiet", "-m", "big")
	mustGit(t, dir, "push", "--quiet", "origin", "main")
	sha := mustGit(t, dir, "rev-parse", "HEAD")
	w.flush()
	push := w.inbox.last(t, "push")
	if push.field(t, "after") != sha || push.field(t, "commits.0.added.0") != "big" || push.field(t, "sender.login") != "ann" {
		t.Errorf("push = %.500s", push.raw)
	}
	w.call(w.token(""), "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": sha})

	w.inbox.clear()
	mustGit(t, dir, "push", "--quiet", "origin", "main:refs/heads/feature", "main:refs/tags/v1")
	mustGit(t, dir, "push", "--quiet", "origin", ":refs/heads/feature")
	w.flush()
	if got := fmt.Sprint(w.inbox.events()); got != "[push push push]" {
		t.Errorf("webhooks = %s", got)
	}
	if last := w.inbox.last(t, "push"); last.field(t, "deleted") != "true" || last.field(t, "head_commit") != "<nil>" {
		t.Errorf("push = %s", last.raw)
	}
	w.inbox.clear()
	mustGit(t, dir, "push", "--quiet", "origin", "main")
	if got := w.inbox.events(); len(got) != 0 {
		t.Errorf("a push of nothing told %v", got)
	}
}

// noise is content that does not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestWhoMayPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "clone", "--quiet", w.remote(""), dir)
	mustGit(t, dir, "commit", "--quiet", "--allow-empty", "-m", "x")
	for name, token := range map[string]string{
		"nobody": "", "a reader": w.bob.Token, "a wrong token": "ghp_wrong", "a token that reads": w.token(`{"permissions":{"contents":"read"}}`), "an app": w.jwt(0, 0),
	} {
		if out, err := git(t, dir, "push", w.remote(token), "main"); err == nil {
			t.Errorf("%s pushed: %s", name, out)
		}
	}
	mustGit(t, dir, "push", "--quiet", w.remote(w.token("")), "main")
	if out, err := git(t, "", "clone", strings.Replace(w.remote(""), "environments", "none", 1), t.TempDir()); err == nil {
		t.Errorf("a repository that is not there was cloned: %s", out)
	}
	res, err := http.Get(w.url + "/acme/environments.git/info/refs?service=git-receive-pack")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a push by nobody = %d, want 401 that asks for credentials", res.StatusCode)
	}
}

func TestPushedBranchesMovePullRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a")
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "clone", "--quiet", "--branch", "change", w.remote(w.ann.Token), dir)
	mustGit(t, dir, "commit", "--quiet", "--allow-empty", "-m", "on top")
	mustGit(t, dir, "push", "--quiet")
	sha := mustGit(t, dir, "rev-parse", "HEAD")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"head.sha": sha, "commits": "2"})
	mustGit(t, dir, "checkout", "--quiet", "main")
	mustGit(t, dir, "merge", "--quiet", "--no-ff", "-m", "by hand", "change")
	mustGit(t, dir, "push", "--quiet", "origin", "main", ":change")
	merge := mustGit(t, dir, "rev-parse", "HEAD")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "true", "merge_commit_sha": merge, "merged_by.login": "ann"})
}

// fastImport feeds a script to git fast-import in a clone.
func fastImport(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v: %s", err, out)
	}
}
