package github_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestContractChecks(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	at := c.head(t, "main")
	post := func(context string, state forge.State) {
		t.Helper()
		if err := c.sandbox.SetStatus("acme/environments", at, "ada", forge.Status{Context: context, State: state, Description: "d", URL: "https://ci.example"}); err != nil {
			t.Fatal(err)
		}
	}
	post("ci", forge.Success)
	post("e2e", forge.Pending)
	post("ci", forge.Error) // the newest of a context counts
	got, err := c.client.NewestStatuses(ctx, c.repo, at)
	want := []forge.Check{
		{Name: "ci", By: "ada", State: forge.Failure, Word: "error", Description: "d", URL: "https://ci.example"},
		{Name: "e2e", By: "ada", State: forge.Pending, Description: "d", URL: "https://ci.example"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(forge.Check{}, "ID", "At")); err != nil || diff != "" || got[0].ID <= got[1].ID {
		t.Fatalf("%v %s", err, diff)
	}

	run := func(name, status, conclusion string) {
		t.Helper()
		if err := c.sandbox.SetCheckRun("acme/environments", at, "ferry", sandbox.CheckRun{Name: name, Status: status, Conclusion: conclusion, URL: "https://ci.example/" + conclusion}); err != nil {
			t.Fatal(err)
		}
	}
	for i, x := range []struct {
		conclusion string
		state      forge.State
	}{ // docs.github.com, "About protected branches": successful, skipped, or neutral
		{"success", forge.Success}, {"neutral", forge.Success}, {"skipped", forge.Success}, {"failure", forge.Failure}, {"cancelled", forge.Failure}, {"timed_out", forge.Failure}, {"action_required", forge.Failure},
	} {
		name := fmt.Sprint("run", i)
		run(name, "completed", "failure")
		run(name, "completed", x.conclusion)
		runs, err := c.client.NewestCheckRuns(ctx, c.repo, at)
		if err != nil || len(runs) != i+1 || runs[0].Name != name || runs[0].State != x.state || !runs[0].Run || runs[0].By != "ferry" || runs[0].URL != "https://ci.example/"+x.conclusion || runs[0].At.IsZero() {
			t.Fatalf("%s: %+v, %v", x.conclusion, runs, err)
		}
	}
	run("slow", "in_progress", "")
	runs, err := c.client.NewestCheckRuns(ctx, c.repo, at)
	if err != nil || runs[0].State != forge.Pending || runs[0].Word != "in_progress" || time.Since(runs[0].At) < 0 {
		t.Fatalf("%+v, %v", runs, err)
	}
	_, err = c.client.NewestCheckRuns(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.NewestCheckRuns(ctx, c.repo, "main")
	is(t, err, forge.ErrInvalid)
}
