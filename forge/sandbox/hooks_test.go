package sandbox_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
)

// field returns a value of a webhook's body by its path.
func (h hook) field(t *testing.T, path string) string {
	t.Helper()
	return result{t: t, raw: h.raw}.str(path)
}

func TestWebhooksAreSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sha, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "A change\n\nwith words", Files: map[string]string{"new": "1", "README.md": "2"}, Delete: []string{"apps/shop/dev/kustomization.yaml"}})
	if err != nil {
		t.Fatal(err)
	}
	w.flush()
	push := w.inbox.last(t, "push")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(push.raw)
	if got, want := push.header.Get("X-Hub-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("signature = %s, want %s", got, want)
	}
	for _, name := range []string{"X-GitHub-Delivery", "X-GitHub-Hook-ID", "User-Agent"} {
		if push.header.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	for path, want := range map[string]string{
		"ref": "refs/heads/main", "after": string(sha), "created": "false", "forced": "false", "repository.id": fmt.Sprint(w.repo.ID),
		"repository.full_name": "acme/environments", "repository.default_branch": "main", "installation.id": fmt.Sprint(w.install), "sender.login": "ann",
		"commits.0.id": string(sha), "commits.0.added.0": "new", "commits.0.modified.0": "README.md", "commits.0.removed.0": "apps/shop/dev/kustomization.yaml",
		"commits.0.message": "A change\n\nwith words", "commits.0.author.username": "ann", "head_commit.id": string(sha), "pusher.name": "ann",
	} {
		if got := push.field(t, path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
}

func TestActsOfTheAppAreToldToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox.clear()
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	id := w.call(token, "POST", "~/issues/"+n+"/comments", `{"body":"one"}`, 201).str("id")
	w.call(token, "PATCH", "~/issues/comments/"+id, `{"body":"two"}`, 200)
	w.call(token, "PATCH", "~/issues/comments/"+id, `{"body":"two"}`, 200) // nothing changes: nobody is told
	w.call(token, "DELETE", "~/issues/comments/"+id, "", 204)
	w.call(token, "PATCH", "~/pulls/"+n, `{"title":"New"}`, 200)
	w.call(token, "PATCH", "~/pulls/"+n, `{"title":"New"}`, 200)
	w.call(token, "POST", "~/statuses/"+sha, `{"state":"success","context":"x"}`, 201)
	w.call(token, "PATCH", "~/pulls/"+n, `{"state":"closed"}`, 200)
	w.call(token, "POST", "~/issues", `{"title":"where"}`, 201)
	w.call(token, "PATCH", "~/issues/2", `{"body":"table"}`, 200)
	w.flush()
	want := "push pull_request.opened issue_comment.created issue_comment.edited issue_comment.deleted pull_request.edited status pull_request.closed issues.opened issues.edited"
	if got := strings.Join(w.inbox.events(), " "); got != want {
		t.Errorf("webhooks = %s\nwant       %s", got, want)
	}
	if status := w.inbox.last(t, "status"); status.field(t, "branches.0.name") != "change" || status.field(t, "sha") != sha {
		t.Errorf("status = %s", status.raw)
	}
	if comment := w.inbox.last(t, "issue_comment"); comment.field(t, "issue.pull_request.url") == "<nil>" || comment.field(t, "sender.login") != "ferry[bot]" {
		t.Errorf("comment = %s", comment.raw)
	}
}

func TestOthersRepositoriesTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox.clear()
	if _, err := w.forge.AddRepository("rival", "environments", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.Commit("rival/environments", sandbox.Edit{As: "rival", Message: "x", Files: map[string]string{"a": "1"}}); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if got := w.inbox.events(); len(got) != 0 {
		t.Errorf("webhooks = %v, want none", got)
	}
}

func TestLostDoubledAndRepeatedDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox.clear()
	w.forge.Faults().Lose("push", 1)
	w.forge.Faults().Double("", 1)
	commit := func() {
		t.Helper()
		if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Message: "x", Files: map[string]string{"a": "1"}}); err != nil {
			t.Fatal(err)
		}
		w.flush()
	}
	commit()
	if got := w.inbox.events(); len(got) != 0 {
		t.Errorf("webhooks = %v, want the first lost", got)
	}
	commit()
	if got := w.inbox.events(); len(got) != 2 {
		t.Errorf("webhooks = %v, want one twice", got)
	}
	commit()
	all := w.forge.Deliveries()
	if len(all) != 6 || all[2].Fault == "" || all[3].GUID != all[4].GUID || all[5].Status != 202 {
		t.Errorf("deliveries = %+v", all)
	}
	w.inbox.clear()
	if err := w.forge.Redeliver(all[2].ID); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if got := w.inbox.last(t, "push"); got.header.Get("X-GitHub-Delivery") != all[2].GUID {
		t.Error("a delivery that was sent again has another id")
	}
	if err := w.forge.Redeliver(99999); err == nil {
		t.Error("an unknown delivery was sent again")
	}
}

func TestAWebhookThatNobodyTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addApp(t, w.forge, sandbox.AppSpec{WebhookURL: "http://127.0.0.1:1/webhooks", Events: []string{"push"}})
	if _, err := w.forge.OpenIssue("acme/environments", "ann", "not listened to", ""); err != nil {
		t.Fatal(err)
	}
	w.flush()
	all := w.forge.Deliveries()
	last := all[len(all)-1]
	if last.Event != "ping" || last.Status != 0 || last.Fault == "" {
		t.Errorf("delivery = %+v, want a ping that failed", last)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.forge.Flush(ctx); err != nil {
		t.Errorf("Flush with nothing to wait for = %v", err)
	}
}

func TestCallsFailOnPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/issues", Times: 2})
	w.forge.Faults().Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/issues/{issue_number}/comments", Status: http.StatusServiceUnavailable, Done: true})
	w.call(token, "POST", "~/issues", `{"title":"x"}`, 502)
	w.call(token, "POST", "~/issues", `{"title":"x"}`, 502)
	w.call(token, "POST", "~/issues", `{"title":"x"}`, 201).want(map[string]string{"number": "1"})
	w.call(token, "POST", "~/issues/1/comments", `{"body":"x"}`, 503)
	if n := w.call(token, "GET", "~/issues/1/comments", "", 200).size(""); n != 1 {
		t.Errorf("%d comments, want the one whose answer was lost", n)
	}
	w.forge.Faults().Down(true)
	w.call(token, "GET", "~", "", 503)
	w.forge.Faults().Clear()
	w.call(token, "GET", "~", "", 200)
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.forge.ResetRequests()
	w.call(token, "GET", "~/git/ref/heads/main", "", 200)
	w.call(token, "GET", "~/commits/main/status", "", 200)
	w.call(token, "GET", "~/commits/main/status", "", 200)
	w.call(w.bob.Token, "GET", "~", "", 200)
	want := map[string]map[string]int{
		fmt.Sprintf("installation/%d", w.install): {"GET /repos/{owner}/{repo}/git/ref/{ref}": 1, "GET /repos/{owner}/{repo}/commits/{ref}/status": 2},
		"user/bob": {"GET /repos/{owner}/{repo}": 1},
	}
	if got := w.forge.Requests(); !reflect.DeepEqual(got, want) {
		t.Errorf("requests = %v, want %v", got, want)
	}
}

// TestWebhooksLookLikeGitHubs compares every webhook with GitHub's examples: the outermost keys are keys of the same event,
// and each other key is one that GitHub uses somewhere, with a value of the same kind.
func TestWebhooksLookLikeGitHubs(t *testing.T) {
	t.Parallel()
	top, inner := exampleKeys(t)
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	w.call(token, "POST", "~/issues/"+n+"/comments", `{"body":"one"}`, 201)
	w.call(token, "POST", "~/statuses/"+sha, `{"state":"success","context":"x","description":"d"}`, 201)
	if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: "change", Message: "more", Files: map[string]string{"more": "1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.Approve("acme/environments", 1, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.Merge("acme/environments", 1, "ann", forge.MergeSquash); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.OpenIssue("acme/environments", "bob", "x", "y"); err != nil {
		t.Fatal(err)
	}
	w.flush()
	for _, h := range w.inbox.got {
		event := h.header.Get("X-GitHub-Event")
		for key := range h.body {
			if !top[event+"."+key] {
				t.Errorf("%s: GitHub's examples have no key %s", event, key)
			}
		}
		eachKey(h.body, func(s string) {
			if !inner[s] && !notInExamples(s) {
				t.Errorf("%s: GitHub's examples have no %s", event, s)
			}
		})
	}
}

// exampleKeys returns the outermost keys of GitHub's examples with their events, and all keys with the kinds of their values.
func exampleKeys(t *testing.T) (top, inner map[string]bool) {
	t.Helper()
	examples, err := forgetest.Examples(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// What an App's webhooks have and a repository's, which the examples are of, have not.
	top, inner = map[string]bool{"push.installation": true, "status.installation": true, "issues.installation": true, "issue_comment.installation": true, "pull_request_review.installation": true, "installation.requester": true}, map[string]bool{}
	for _, e := range examples {
		var body map[string]any
		if err := json.Unmarshal(e.Payload, &body); err != nil {
			t.Fatal(err)
		}
		for key := range body {
			top[e.Event+"."+key] = true
		}
		eachKey(body, func(s string) { inner[s] = true })
	}
	return top, inner
}

// notInExamples says whether a key came to GitHub's API after the examples were recorded, or is of a merged pull request, of
// which there is none.
func notInExamples(shape string) bool {
	for _, key := range []string{"verified_at", "web_commit_signoff_required", "has_discussions", "network_count", "subscribers_count", "state_reason", "merged_at", "merged_by"} {
		if strings.HasPrefix(shape, key+"=") {
			return true
		}
	}
	return false
}

// eachKey tells every key of a value with the kind of what stands there.
func eachKey(v any, tell func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			tell(fmt.Sprintf("%s=%T", k, x))
			eachKey(x, tell)
		}
	case []any:
		for _, x := range v {
			eachKey(x, tell)
		}
	}
}
