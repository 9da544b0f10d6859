package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestCheckRuns: docs.github.com, REST, "Check runs": Apps alone write them, each its own; a conclusion completes a run; at most 50 annotations a request,
// which add up; the summary has at most 65,535 characters.
func TestCheckRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	_, sha := w.openPull(token, "change", "a")
	made := w.call(token, "POST", "~/check-runs", `{"name":"lint","head_sha":"`+sha+`"}`, 201)
	made.want(map[string]string{"status": "queued", "conclusion": "<nil>", "app.slug": "ferry", "completed_at": "<nil>"})
	run := "~/check-runs/" + made.str("id")
	annotation := `{"path":"a","start_line":1,"end_line":1,"annotation_level":"failure","message":"wrong"}`
	many := func(n int) string {
		return `{"conclusion":"failure","output":{"title":"t","summary":"s","annotations":[` + strings.TrimSuffix(strings.Repeat(annotation+",", n), ",") + `]}}`
	}
	w.call(token, "PATCH", run, many(50), 200).want(map[string]string{"status": "completed", "conclusion": "failure", "output.annotations_count": "50", "output.title": "t"})
	w.call(token, "PATCH", run, many(50), 200).want(map[string]string{"output.annotations_count": "100"})
	w.call(token, "GET", run+"/annotations?per_page=100", "", 200).want(map[string]string{"99.message": "wrong", "99.path": "a"})
	w.forge.ResetRequests()
	for body, want := range map[string]int{
		`{"status":"completed"}`: 422, `{"output":{"title":"t","summary":"` + strings.Repeat("x", 65536) + `"}}`: 422, `{"name":"renamed"}`: 200,
	} {
		w.call(token, "PATCH", run, body, want)
	}
	w.call(w.ann.Token, "POST", "~/check-runs", `{"name":"lint","head_sha":"`+sha+`"}`, 403)
	w.call(token, "POST", "~/check-runs", `{"name":"lint","head_sha":"`+strings.Repeat("a", 40)+`"}`, 422)
	reader := w.token(`{"permissions":{"checks":"read"}}`)
	w.call(reader, "GET", run, "", 200).want(map[string]string{"name": "renamed"})
	w.call(reader, "PATCH", run, `{"status":"queued"}`, 403)
	w.call(token, "GET", "~/check-runs/1", "", 404)
}

// TestLatestCheckRuns: docs.github.com, REST, "List check runs for a Git reference": filter=latest is the default.
func TestLatestCheckRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	_, sha := w.openPull(token, "change", "a")
	for _, conclusion := range []string{"failure", "success"} {
		if err := w.forge.SetCheckRun("acme/environments", forge.SHA(sha), "ferry", sandbox.CheckRun{Name: "e2e", Conclusion: conclusion}); err != nil {
			t.Fatal(err)
		}
	}
	w.call(token, "GET", "~/commits/change/check-runs", "", 200).want(map[string]string{"total_count": "1", "check_runs.0.conclusion": "success"})
	w.call(token, "GET", "~/commits/change/check-runs?filter=all", "", 200).want(map[string]string{"total_count": "2", "check_runs.1.conclusion": "failure"})
	w.call(token, "GET", "~/commits/change/check-runs?check_name=unit", "", 200).want(map[string]string{"total_count": "0"})
}

// TestCheckRunWebhooks: docs.github.com, "Webhook events and payloads", check_run: created, then completed.
func TestCheckRunWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	_, sha := w.openPull(token, "change", "a")
	w.flush()
	w.inbox.clear()
	made := w.call(token, "POST", "~/check-runs", `{"name":"lint","head_sha":"`+sha+`","status":"in_progress"}`, 201)
	w.call(token, "PATCH", "~/check-runs/"+made.str("id"), `{"conclusion":"success"}`, 200)
	w.flush()
	if got := w.inbox.events(); !slices.Equal(got, []string{"check_run.created", "check_run.completed"}) {
		t.Fatalf("sent were %v", got)
	}
	run := w.inbox.last(t, "check_run").body["check_run"].(map[string]any)
	if run["head_sha"] != sha || run["status"] != "completed" || fmt.Sprint(run["app"].(map[string]any)["slug"]) != "ferry" {
		t.Fatalf("sent was %v", run)
	}
}

// TestRequiredCheckRun: docs.github.com, "Troubleshooting required status checks": a check run of that name counts, too.
func TestRequiredCheckRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "change", "a")
	if err := w.forge.Protect("acme/environments", sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "e2e"}}}}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		conclusion string
		want       int
	}{{"failure", 405}, {"neutral", 200}} {
		if err := w.forge.SetCheckRun("acme/environments", forge.SHA(sha), "ferry", sandbox.CheckRun{Name: "e2e", Conclusion: step.conclusion}); err != nil {
			t.Fatal(err)
		}
		w.call(w.ann.Token, "PUT", "~/pulls/"+n+"/merge", `{}`, step.want)
	}
}
