package sandbox_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// docs.github.com, "About forks", "Create a pull request" (head as owner:branch), and "Comment author association".
func TestPullRequestsFromForks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	fork, err := w.forge.AddFork(repoName, "bob")
	if err != nil {
		t.Fatal(err)
	}
	commit := func(message string) string {
		t.Helper()
		sha, err := w.forge.Commit("bob/environments", sandbox.Edit{As: "bob", Branch: "idea", Message: message, Files: map[string]string{message: "1"}})
		if err != nil {
			t.Fatal(err)
		}
		return string(sha)
	}
	head := commit("first")
	w.call(w.bob.Token, "GET", "/repos/bob/environments", "", 200).want(map[string]string{"fork": "true", "id": fmt.Sprint(fork.ID)})
	w.call(token, "GET", "/repos/bob/environments", "", 404) // the installation does not cover it
	w.inbox.clear()
	w.call(w.bob.Token, "POST", "~/pulls", `{"title":"An idea","head":"bob:none","base":"main"}`, 422)
	w.call(w.bob.Token, "POST", "~/pulls", `{"title":"An idea","head":"idea","base":"main"}`, 422) // which would be acme's own branch
	n := w.call(w.bob.Token, "POST", "~/pulls", `{"title":"An idea","head":"bob:idea","base":"main"}`, 201).str("number")
	w.call(w.bob.Token, "POST", "~/pulls", `{"title":"An idea","head":"bob:idea","base":"main"}`, 422)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{
		"head.sha": head, "head.label": "bob:idea", "head.user.login": "bob", "head.repo.id": fmt.Sprint(fork.ID), "head.repo.full_name": "bob/environments",
		"base.repo.full_name": repoName, "author_association": "NONE", "commits": "1",
	})
	for query, want := range map[string]int{"head=bob:idea": 1, "head=acme:idea": 0} {
		if got := w.call(token, "GET", "~/pulls?"+query, "", 200).size(""); got != want {
			t.Errorf("%d pull requests with %s, want %d", got, query, want)
		}
	}
	w.call(token, "GET", "~/compare/main...bob:idea", "", 200).want(map[string]string{"ahead_by": "1", "commits.0.sha": head})
	w.call(token, "GET", "~/contents/first?ref="+head, "", 200) // the forge keeps a pull request's commits in its base, too

	// An outsider's comment says that it is one.
	w.call(w.bob.Token, "POST", "~/issues/"+n+"/comments", `{"body":"/promote all"}`, 201).want(map[string]string{"author_association": "NONE"})
	w.call(w.ann.Token, "POST", "~/issues/"+n+"/comments", `{"body":"no"}`, 201).want(map[string]string{"author_association": "COLLABORATOR"})

	second := commit("second")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"head.sha": second, "commits": "2"})
	w.flush()
	if got := fmt.Sprint(w.inbox.events()); got != "[pull_request.opened issue_comment.created issue_comment.created pull_request.synchronize]" {
		t.Errorf("webhooks = %s: the fork's own pushes are not acme's", got)
	}
	merged := w.call(w.ann.Token, "PUT", "~/pulls/"+n+"/merge", "", 200).str("sha")
	w.call(token, "GET", "~/git/commits/"+merged, "", 200).want(map[string]string{"message": "Merge pull request #1 from bob/idea\n\nAn idea", "parents.1.sha": second})
	w.call(w.bob.Token, "POST", "~/issues/"+n+"/comments", `{"body":"thanks"}`, 201).want(map[string]string{"author_association": "CONTRIBUTOR"})
}

// docs.github.com, "About pull requests": what came from a fork that is gone says "unknown repository", null in the API.
func TestForksThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	if _, err := w.forge.AddFork(repoName, "bob"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "clone", "--quiet", strings.Replace(w.remote(w.bob.Token), "acme/", "bob/", 1), dir)
	mustGit(t, dir, "commit", "--quiet", "--allow-empty", "-m", "x")
	mustGit(t, dir, "push", "--quiet", "origin", "main:idea", "main:other")
	w.call(w.bob.Token, "POST", "~/pulls", `{"title":"One","head":"bob:idea","base":"main"}`, 201)
	w.call(w.bob.Token, "POST", "~/pulls", `{"title":"Two","head":"bob:other","base":"main"}`, 201)
	mustGit(t, dir, "push", "--quiet", "origin", ":other") // deleting the branch closes its pull request
	w.call(token, "GET", "~/pulls/2", "", 200).want(map[string]string{"state": "closed"})
	if err := w.forge.RemoveRepository("bob/environments"); err != nil {
		t.Fatal(err)
	}
	// GitHub's description says that head.repo is never null; GitHub answers null all the same.
	validated := w.url
	w.url = plain(t, w.forge)
	for _, path := range []string{"~/pulls/1", "~/pulls/2"} {
		w.call(token, "GET", path, "", 200).want(map[string]string{"head.repo": "<nil>", "head.user.login": "bob"})
	}
	w.call(token, "GET", "~/pulls", "", 200).want(map[string]string{"0.number": "1", "0.head.repo": "<nil>"})
	w.url = validated
	w.call(w.bob.Token, "PATCH", "~/pulls/2", `{"state":"open"}`, 422).want(map[string]string{"errors.0.message": "state cannot be changed. The repository that submitted this pull request has been deleted."})
	w.call(w.ann.Token, "PUT", "~/pulls/1/merge", "", 200)
	if _, err := w.forge.AddFork("acme/none", "bob"); err == nil {
		t.Error("a repository that is not there was forked")
	}
	if err := w.forge.RemoveRepository("acme/none"); err == nil {
		t.Error("a repository that is not there was deleted")
	}
}
