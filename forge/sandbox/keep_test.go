package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// keptWorld is a world whose sandbox writes down what it knows.
func keptWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, inbox: &inbox{code: http.StatusAccepted}}
	w.open(dir)
	return w
}

// hooks starts a server for the webhooks and returns its address.
func (w *world) hooks() string {
	server := httptest.NewServer(w.inbox)
	w.t.Cleanup(server.Close)
	return server.URL
}

// open starts a sandbox in a folder, at the world's own address.
func (w *world) open(dir string) {
	w.t.Helper()
	var err error
	if w.forge, err = sandbox.New(sandbox.Config{Dir: dir, Keep: true, Now: w.clock.Now}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.forge.Close)
	w.url = serve(w.t, w.forge)
	w.forge.SetURL("http://forge.test")
}

// seen is everything that GETs answer, always asked in this order: the first look at a pull request asks for the try to merge.
func (w *world) seen(token string) map[string]any {
	w.t.Helper()
	all := map[string]any{}
	for _, path := range []string{
		"~", "~/pulls?state=all", "~/issues?state=all", "~/pulls/1", "~/pulls/1/reviews", "~/issues/comments", "~/branches", "~/rules/branches/main",
		"~/commits/change/statuses", "~/git/ref/heads/main", "/installation/repositories", "/users/ann", "/repos/acme/environments/pulls/3",
		"~/collaborators/ann/permission", "~/commits/main",
	} {
		all[path] = w.call(token, "GET", path, "", 200).get("")
	}
	return all
}

func TestASandboxComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := keptWorld(t, dir)
	w.furnish(w.hooks())
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	comment := w.call(token, "POST", "~/issues/"+n+"/comments", `{"body":"words"}`, 201).str("id")
	w.call(token, "POST", "~/issues/comments/"+comment+"/reactions", `{"content":"eyes"}`, 201)
	w.call(token, "POST", "~/statuses/"+sha, `{"state":"success","context":"ferry/gates"}`, 201)
	w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"APPROVE"}`, 200)
	w.openPull(token, "other", "b")
	if err := w.forge.ClosePull(repoName, 2, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.AddFork(repoName, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.Commit("bob/environments", sandbox.Edit{As: "bob", Branch: "idea", Message: "x", Files: map[string]string{"c": "1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.OpenPull(repoName, "bob", forge.NewPullRequest{HeadBranch: "bob:idea", BaseBranch: "main", Title: "from a fork"}); err != nil {
		t.Fatal(err)
	}
	w.protect(sandbox.Protection{Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: appID}}}})
	w.rule(sandbox.Rules{Reviews: 1})
	if err := w.forge.SetTeam("acme", "sre", "ann"); err != nil {
		t.Fatal(err)
	}
	w.flush()
	w.call(token, "GET", "~/pulls/1", "", 200) // asks for the try to merge
	w.call(token, "GET", "~/pulls/3", "", 200)
	before := w.seen(token)
	w.forge.Close()

	info, err := os.Stat(filepath.Join(dir, "sandbox.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("sandbox.json: %v, %v, want a file that nobody else may read", info, err)
	}
	w.inbox.clear()
	w.open(dir)
	w.call(token, "GET", "~/pulls/1", "", 200)
	w.call(token, "GET", "~/pulls/3", "", 200)
	if diff := cmp.Diff(before, w.seen(token)); diff != "" {
		t.Errorf("another answer after than before:\n%s", diff)
	}
	w.call(w.ann.Token, "GET", "/orgs/acme/teams/sre/memberships/ann", "", 200)
	w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 200) // the pinned status and the review count as before
	w.flush()
	if got := fmt.Sprint(w.inbox.events()); got != "[pull_request.closed push]" {
		t.Errorf("webhooks = %s", got)
	}
	if again := w.forge.AddUser("ann"); again.Token != w.ann.Token {
		t.Error("ann has another token")
	}
}

func TestWebhooksThatWereNotSentYetAreSentLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := keptWorld(t, dir)
	w.furnish(w.hooks())
	w.flush()
	w.inbox.clear()
	w.forge.Faults().Hold("issues", 1)
	if _, err := w.forge.OpenIssue(repoName, "ann", "late", ""); err != nil {
		t.Fatal(err)
	}
	guid := w.forge.Held()[0].GUID
	w.forge.Close()
	w.open(dir)
	w.flush()
	if got := w.inbox.last(t, "issues"); got.header.Get("X-GitHub-Delivery") != guid {
		t.Errorf("delivery = %v, want %s", got.header, guid)
	}
}

// A killed process may have moved a branch and not written down what followed.
func TestASandboxCatchesUpWithItsRepositories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := keptWorld(t, dir)
	w.furnish("")
	token := w.token("")
	_, first := w.openPull(token, "one", "a")
	w.openPull(token, "two", "b")
	w.openPull(token, "three", "c")
	w.forge.Close()
	bare := filepath.Join(dir, "git", "acme", "environments.git")
	mustGit(t, bare, "update-ref", "refs/heads/main", first)
	mustGit(t, bare, "update-ref", "refs/heads/two", first)
	mustGit(t, bare, "update-ref", "-d", "refs/heads/three")
	w.open(dir)
	w.call(token, "GET", "~/pulls/1", "", 200).want(map[string]string{"merged": "true"})
	w.call(token, "GET", "~/pulls/2", "", 200).want(map[string]string{"state": "closed", "merged": "false"})
	w.call(token, "GET", "~/pulls/3", "", 200).want(map[string]string{"state": "closed", "merged": "false"})
}

func TestADamagedSandboxSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := keptWorld(t, dir)
	w.furnish("")
	w.forge.Close()
	name := filepath.Join(dir, "sandbox.json")
	for what, damage := range map[string]func() error{
		"cut":               func() error { return os.Truncate(name, 10) },
		"without Git's own": func() error { return os.RemoveAll(filepath.Join(dir, "git", "acme")) },
	} {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		kept, _ := os.ReadFile(name)
		if _, err := sandbox.New(sandbox.Config{Dir: dir, Keep: true}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want an error that names the folder", what, err)
		}
		if after, _ := os.ReadFile(name); string(after) != string(kept) {
			t.Errorf("%s: the damaged file was written over", what)
		}
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
