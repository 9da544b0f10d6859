package sandbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestPullRequestsAreOpenedAndRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "ferry/staging/shop", "a")
	path := "~/pulls/" + n
	w.call(token, "GET", path, "", 200).want(map[string]string{
		"mergeable": "<nil>", "mergeable_state": "unknown", "merged": "false", "head.ref": "ferry/staging/shop", "head.sha": sha, "base.ref": "main",
		"head.repo.id": fmt.Sprint(w.repo.ID), "user.login": "ferry[bot]", "commits": "1", "changed_files": "1", "additions": "1", "merge_commit_sha": "<nil>",
	})
	w.call(token, "GET", path, "", 200).want(map[string]string{"mergeable": "true", "mergeable_state": "clean"})
	w.call(token, "GET", path+"/files", "", 200).want(map[string]string{"0.filename": "a", "0.status": "added"})
	w.call(token, "GET", path+"/commits", "", 200).want(map[string]string{"0.sha": sha})
	if n := w.call(token, "GET", path+"/reviews", "", 200).size(""); n != 0 {
		t.Errorf("%d reviews, want none", n)
	}
	w.call(token, "GET", path+"/merge", "", 404)
	for query, want := range map[string]int{"": 1, "?state=closed": 0, "?state=all": 1, "?head=acme:ferry/staging/shop": 1, "?head=acme:other": 0, "?base=main": 1, "?base=x": 0, "?head=rival:ferry/staging/shop": 0} {
		if got := w.call(token, "GET", "~/pulls"+query, "", 200).size(""); got != want {
			t.Errorf("pulls%s: %d, want %d", query, got, want)
		}
	}
	w.call(token, "PATCH", path, `{"title":"Another","body":"words"}`, 200).want(map[string]string{"title": "Another", "body": "words"})
	// For the issues API a pull request is an issue.
	w.call(token, "GET", "~/issues/"+n, "", 200).want(map[string]string{"title": "Another", "pull_request.merged_at": "<nil>"})
}

func TestPullRequestsThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.openPull(token, "one", "a")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	w.call(token, "POST", "~/git/refs", fmt.Sprintf(`{"ref":"refs/heads/same","sha":%q}`, main), 201)
	for name, test := range map[string]struct{ body, want string }{
		"open already": {`{"title":"x","head":"one","base":"main"}`, "A pull request already exists for acme:one."},
		"no commits":   {`{"title":"x","head":"same","base":"main"}`, "No commits between main and same"},
		"no head":      {`{"title":"x","head":"none","base":"main"}`, "head is invalid"},
		"no base":      {`{"title":"x","head":"one","base":"none"}`, "base is invalid"},
		"a fork":       {`{"title":"x","head":"rival:one","base":"main"}`, "head is invalid"},
		"no title":     {`{"title":"","head":"one","base":"main"}`, "title is missing"},
		"long body":    {`{"title":"x","head":"one","base":"main","body":"` + strings.Repeat("x", 65537) + `"}`, "body is too long (maximum is 65536 characters)"},
	} {
		t.Run(name, func(t *testing.T) {
			w.call(token, "POST", "~/pulls", test.body, 422).want(map[string]string{"errors.0.message": test.want})
		})
	}
}

func TestMergeMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.token("")
			n, head := w.openPull(token, "change", "a")
			if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "meanwhile", Files: map[string]string{"b": "1\n"}}); err != nil {
				t.Fatal(err)
			}
			main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
			w.call(token, "PUT", "~/pulls/"+n+"/merge", fmt.Sprintf(`{"sha":%q,"merge_method":%q}`, main, method), 409)
			w.flush()
			w.inbox.clear()
			merged := w.call(token, "PUT", "~/pulls/"+n+"/merge", fmt.Sprintf(`{"sha":%q,"merge_method":%q}`, head, method), 200).str("sha")
			w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "true", "state": "closed", "merge_commit_sha": merged, "merged_by.login": "ferry[bot]", "base.sha": main})
			w.call(token, "GET", "~/pulls/"+n+"/merge", "", 204)
			w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 405)
			w.call(token, "PATCH", "~/pulls/"+n, `{"state":"open"}`, 422)
			w.call(token, "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": merged})
			commit := w.call(token, "GET", "~/git/commits/"+merged, "", 200)
			wantParents := 1
			if method == "merge" {
				wantParents = 2
				commit.want(map[string]string{"message": "Merge pull request #1 from acme/change\n\nPromote change", "parents.0.sha": main, "parents.1.sha": head})
			}
			if method == "squash" {
				commit.want(map[string]string{"message": "change a (#1)", "author.name": "ferry[bot]"})
			}
			if got := commit.size("parents"); got != wantParents {
				t.Errorf("%d parents, want %d", got, wantParents)
			}
			w.call(token, "GET", "~/contents/a?ref=main", "", 200)
			w.call(token, "GET", "~/contents/b?ref=main", "", 200)
			w.flush()
			if got := fmt.Sprint(w.inbox.events()); got != "[pull_request.closed push]" {
				t.Errorf("webhooks = %v", got)
			}
			if !strings.Contains(string(w.inbox.last(t, "pull_request").raw), `"merged":true`) {
				t.Error("the webhook does not say that it was merged")
			}
		})
	}
}

func TestMergeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "README.md")
	if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "meanwhile", Files: map[string]string{"README.md": "other\n"}}); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable": "<nil>"})
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable": "false", "mergeable_state": "dirty"})
	for _, method := range []string{"merge", "squash", "rebase"} {
		w.call(token, "PUT", "~/pulls/"+n+"/merge", fmt.Sprintf(`{"merge_method":%q}`, method), 405)
	}
	w.call(token, "PUT", "~/pulls/"+n+"/merge", `{"merge_method":"octopus"}`, 422)
	w.call(w.bob.Token, "PUT", "~/pulls/"+n+"/merge", "", 403)
	w.commitOn(token, "later", "later", "1")
	draft := w.call(token, "POST", "~/pulls", `{"title":"x","head":"later","base":"main","draft":true}`, 201).str("number")
	w.call(token, "PUT", "~/pulls/"+draft+"/merge", "", 405).want(map[string]string{"message": "Pull Request is still a draft"})
	// Its statuses show in the state as well.
	if _, err := w.forge.Merge("acme/environments", 1, "bob", forge.MergeSquash); err == nil {
		t.Error("bob merged, who may only read")
	}
}

func TestPullRequestsFollowTheirBranches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	events := func(want ...string) {
		t.Helper()
		w.flush()
		if got := fmt.Sprint(w.inbox.events()); got != fmt.Sprint(want) {
			t.Errorf("webhooks = %v, want %v", got, want)
		}
		w.inbox.clear()
	}
	w.inbox.clear()
	n, head := w.openPull(token, "change", "a")
	events("push", "pull_request.opened")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")

	// Another commit on its branch.
	pushed, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: "change", Message: "more", Files: map[string]string{"more": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	events("push", "pull_request.synchronize")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"head.sha": string(pushed), "commits": "2"})

	// A branch that stands at its base has nothing to merge: the forge closes the pull request.
	w.call(token, "PATCH", "~/git/refs/heads/change", fmt.Sprintf(`{"sha":%q,"force":true}`, main), 200)
	events("push", "pull_request.closed")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"state": "closed", "merged": "false"})
	w.call(token, "PATCH", "~/pulls/"+n, `{"state":"open"}`, 422)

	// It stays closed, also when its branch comes back to its commits; another one takes its place.
	w.call(token, "PATCH", "~/git/refs/heads/change", fmt.Sprintf(`{"sha":%q,"force":true}`, head), 200)
	w.call(token, "PATCH", "~/pulls/"+n, `{"state":"open"}`, 422).want(map[string]string{"errors.0.message": "state cannot be changed. The change branch was force-pushed or recreated."})
	second := w.call(token, "POST", "~/pulls", `{"title":"Again","head":"change","base":"main"}`, 201).str("number")
	events("push", "pull_request.opened")

	// Deleting the branch closes it, by the one who deleted (docs.github.com, "Deleting and restoring branches in a pull request").
	if err := w.forge.DeleteBranch("acme/environments", "change", "ann"); err != nil {
		t.Fatal(err)
	}
	events("push", "pull_request.closed")
	w.call(token, "GET", "~/issues/"+second, "", 200).want(map[string]string{"state": "closed", "closed_by.login": "ann"})
	w.call(token, "PATCH", "~/pulls/"+second, `{"state":"open"}`, 422).want(map[string]string{"errors.0.message": "state cannot be changed. The change branch has been deleted."})

	// A branch that was made anew at another commit is not the one that was closed; at the same commit it is.
	w.call(token, "POST", "~/git/refs", fmt.Sprintf(`{"ref":"refs/heads/change","sha":%q}`, pushed), 201)
	w.call(token, "PATCH", "~/pulls/"+second, `{"state":"open"}`, 200)
	if err := w.forge.DeleteBranch("acme/environments", "change", "ann"); err != nil {
		t.Fatal(err)
	}
	other := w.commitOn(token, "change", "c", "1")
	w.call(token, "PATCH", "~/pulls/"+second, `{"state":"open"}`, 422).want(map[string]string{"errors.0.message": "state cannot be changed. The change branch was force-pushed or recreated."})
	w.call(token, "GET", "~/git/ref/heads/change", "", 200).want(map[string]string{"object.sha": other})
}

func TestPushedMergesAreMerges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, head := w.openPull(token, "change", "a")
	w.call(w.ann.Token, "PATCH", "~/git/refs/heads/main", fmt.Sprintf(`{"sha":%q}`, head), 200)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "true", "merge_commit_sha": head, "merged_by.login": "ann"})
}

func TestPeopleCloseAndReopen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, head := w.openPull(token, "change", "a")
	if err := w.forge.ClosePull("acme/environments", 1, "bob"); err == nil {
		t.Error("bob closed what is not his")
	}
	w.clock.advance(time.Minute)
	if err := w.forge.ClosePull("acme/environments", 1, "ann"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/issues/"+n, "", 200).want(map[string]string{"closed_by.login": "ann", "closed_at": "2026-03-01T12:01:00Z"})
	// A commit onto the branch of a closed one tells nobody about the pull request; the branch must not have been rewritten.
	other := w.commitOn(token, "other", "b", "1")
	w.call(token, "PATCH", "~/git/refs/heads/change", fmt.Sprintf(`{"sha":%q,"force":true}`, other), 200)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"head.sha": head})
	if err := w.forge.Reopen("acme/environments", 1, "ann"); err == nil || !strings.Contains(err.Error(), "force-pushed") {
		t.Errorf("Reopen = %v, want the refusal of a rewritten branch", err)
	}
	w.call(token, "PATCH", "~/git/refs/heads/change", fmt.Sprintf(`{"sha":%q,"force":true}`, head), 200)
	if err := w.forge.Reopen("acme/environments", 1, "ann"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "GET", "~/issues/"+n, "", 200).want(map[string]string{"state": "open", "closed_by": "<nil>"})
}

// TestBaseOfAnOpenPullRequest: github.com/github/docs/issues/431: base.sha of an open pull request is where its base stood when it was opened or its head last
// moved, whatever the base gets since. What it changes is told from where the two parted (docs.github.com, "About comparing branches in pull requests").
func TestBaseOfAnOpenPullRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a")
	opened := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	commit := func(branch, path string) string {
		t.Helper()
		sha, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: branch, Message: "more", Files: map[string]string{path: "1\n"}})
		if err != nil {
			t.Fatal(err)
		}
		return string(sha)
	}
	moved := commit("main", "b")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"base.sha": opened, "changed_files": "1"})
	w.call(token, "GET", "~/pulls?state=open", "", 200).want(map[string]string{"0.base.sha": opened})
	commit("change", "c")
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"base.sha": moved, "changed_files": "2"})
}

// TestFilesOfAnOpenPullRequest: github.com/isaacs/github/issues/750: what GitHub lists as an open pull request's files and commits stays as it was when its head
// last moved, also where its base has got some of them since; a comparison of the two is as they stand (docs.github.com, "Compare two commits").
func TestFilesOfAnOpenPullRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	commit := func(content string) {
		t.Helper()
		if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: "change", Message: "more", Files: map[string]string{"a": content}}); err != nil {
			t.Fatal(err)
		}
	}
	n, first := w.openPull(token, "change", "a")
	commit("2\n")
	w.call(token, "PATCH", "~/git/refs/heads/main", `{"sha": "`+first+`"}`, 200)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"state": "open", "commits": "2"})
	w.call(token, "GET", "~/pulls/"+n+"/commits", "", 200).want(map[string]string{"0.sha": first})
	w.call(token, "GET", "~/pulls/"+n+"/files", "", 200).want(map[string]string{"0.status": "added"})
	w.call(token, "GET", "~/compare/main...change", "", 200).want(map[string]string{"total_commits": "1", "merge_base_commit.sha": first, "files.0.status": "modified"})
}
