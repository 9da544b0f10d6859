package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
)

func TestIssuesAndComments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.openPull(token, "change", "a")
	n := w.call(token, "POST", "~/issues", `{"title":"Ferry: what is where","body":"a table"}`, 201).str("number")
	w.call(w.bob.Token, "POST", "~/issues", `{"title":"A question"}`, 201)
	for query, want := range map[string]int{"": 3, "?creator=ferry%5Bbot%5D": 2, "?creator=bob": 1, "?state=closed": 0, "?since=2027-01-01T00:00:00Z": 0} {
		if got := w.call(token, "GET", "~/issues"+query, "", 200).size(""); got != want {
			t.Errorf("issues%s: %d, want %d", query, got, want)
		}
	}
	w.call(token, "PATCH", "~/issues/"+n, `{"title":"Another title","body":"another table"}`, 200).want(map[string]string{"body": "another table"})
	w.call(w.bob.Token, "PATCH", "~/issues/"+n, `{"state":"closed"}`, 403)
	w.call(w.ann.Token, "PATCH", "~/issues/"+n, `{"state":"closed"}`, 200)
	w.call(token, "GET", "~/issues/"+n, "", 200).want(map[string]string{"closed_by.login": "ann"})
	w.call(token, "POST", "~/issues", `{"title":""}`, 422)
	w.call(token, "POST", "~/issues", `{"title":"`+strings.Repeat("x", 257)+`"}`, 422)

	id := w.call(w.bob.Token, "POST", "~/issues/1/comments", `{"body":"/status"}`, 201).str("id")
	w.call(token, "POST", "~/issues/1/comments", `{"body":"an answer"}`, 201)
	w.call(token, "POST", "~/issues/1/comments", `{"body":""}`, 422)
	w.call(token, "GET", "~/issues/1/comments", "", 200).want(map[string]string{"0.id": id, "0.user.login": "bob", "1.body": "an answer"})
	w.call(token, "GET", "~/issues/comments/"+id, "", 200).want(map[string]string{"body": "/status"})
	w.call(w.bob.Token, "PATCH", "~/issues/comments/"+id, `{"body":"/help"}`, 200).want(map[string]string{"body": "/help"})
	w.call(token, "POST", "~/issues/comments/"+id+"/reactions", `{"content":"eyes"}`, 201)
	w.call(token, "POST", "~/issues/comments/"+id+"/reactions", `{"content":"eyes"}`, 200)
	w.call(token, "POST", "~/issues/comments/"+id+"/reactions", `{"content":"shrug"}`, 422)
	w.call(token, "GET", "~/issues/comments/"+id+"/reactions", "", 200).want(map[string]string{"0.content": "eyes", "0.user.login": "ferry[bot]"})
	if answers := w.call(token, "GET", "~/issues/1/comments", "", 200); answers.str("1.user.login") != "ferry[bot]" {
		t.Error("the app's comment is not the app's")
	}
	other := w.call(token, "GET", "~/issues/1/comments", "", 200).str("1.id")
	w.call(w.bob.Token, "PATCH", "~/issues/comments/"+other, `{"body":"mine"}`, 403)
	w.call(w.bob.Token, "DELETE", "~/issues/comments/"+other, "", 403)
	w.call(token, "DELETE", "~/issues/comments/"+other, "", 204)
	w.call(token, "GET", "~/issues/comments/"+other, "", 404)

	// For comments on pull requests one of two permissions is enough, for issues only theirs.
	pulls := w.token(`{"permissions":{"pull_requests":"write"}}`)
	w.call(pulls, "POST", "~/issues/1/comments", `{"body":"x"}`, 201)
	w.call(pulls, "POST", "~/issues/"+n+"/comments", `{"body":"x"}`, 403)
	w.call(pulls, "POST", "~/issues", `{"title":"x"}`, 403)
}

func TestPeopleCommentAndOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.forge.OpenIssue("acme/environments", "bob", "A question", "?"); err != nil {
		t.Fatal(err)
	}
	id, err := w.forge.Comment("acme/environments", 1, "bob", "/status")
	if err != nil {
		t.Fatal(err)
	}
	w.call(w.bob.Token, "GET", fmt.Sprintf("~/issues/comments/%d", id), "", 200).want(map[string]string{"body": "/status"})
	if err := w.forge.EditThread("acme/environments", 1, "bob", "A better question", ""); err != nil {
		t.Fatal(err)
	}
	w.call(w.bob.Token, "GET", "~/issues/1", "", 200).want(map[string]string{"title": "A better question", "body": "?"})
	for name, err := range map[string]error{
		"no repository": errOf(w.forge.Comment("acme/none", 1, "bob", "x")),
		"nobody":        errOf(w.forge.Comment("acme/environments", 1, "nobody", "x")),
		"no issue":      errOf(w.forge.Comment("acme/environments", 2, "bob", "x")),
		"no words":      errOf(w.forge.Comment("acme/environments", 1, "bob", "")),
		"no pull":       errOf(w.forge.Merge("acme/environments", 1, "ann", forge.MergeCommit)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	post := func(body string, want int) result {
		t.Helper()
		return w.call(token, "POST", "~/statuses/"+sha, body, want)
	}
	w.call(token, "GET", "~/commits/"+sha+"/status", "", 200).want(map[string]string{"state": "pending", "total_count": "0"})
	post(`{"state":"pending","context":"ferry/staging","description":"waiting","target_url":"https://example.com"}`, 201).want(map[string]string{"creator.login": "ferry[bot]", "context": "ferry/staging"})
	post(`{"state":"success","context":"ci"}`, 201)
	w.call(token, "GET", "~/pulls/"+n, "", 200)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable": "true", "mergeable_state": "unstable"})
	post(`{"state":"success","context":"ferry/staging","description":"`+strings.Repeat("é", 140)+`"}`, 201)
	w.call(token, "GET", "~/commits/change/status", "", 200).want(map[string]string{"state": "success", "total_count": "2", "statuses.0.context": "ferry/staging", "statuses.0.state": "success"})
	w.call(token, "GET", "~/commits/heads/change/statuses", "", 200).want(map[string]string{"0.context": "ferry/staging", "1.context": "ci", "2.state": "pending"})
	w.call(token, "GET", "~/commits/"+sha+"/check-runs", "", 200).want(map[string]string{"total_count": "0"})
	post(`{"state":"success","description":"`+strings.Repeat("é", 141)+`"}`, 422)
	post(`{"state":"done"}`, 422)
	w.call(token, "POST", "~/statuses/"+strings.Repeat("a", 40), `{"state":"success"}`, 422)
	w.call(token, "POST", "~/statuses/main", `{"state":"success"}`, 422)
	w.call(w.bob.Token, "POST", "~/statuses/"+sha, `{"state":"success"}`, 403)
	w.call(token, "GET", "~/commits/none/status", "", 404)
}

func TestTheThousandthStatusIsTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sha := forge.SHA(w.call(w.token(""), "GET", "~/git/ref/heads/main", "", 200).str("object.sha"))
	for i := range 1000 {
		if err := w.forge.SetStatus("acme/environments", sha, "ann", forge.Status{Context: "ci", State: forge.Pending}); err != nil {
			t.Fatal(i, err)
		}
	}
	w.call(w.ann.Token, "POST", "~/statuses/"+string(sha), `{"state":"success","context":"ci"}`, 422)
	w.call(w.ann.Token, "POST", "~/statuses/"+string(sha), `{"state":"success","context":"other"}`, 201)
}
