package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const looking = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    pull_request: {title: \"chore(deploy): {app} {old} → {new} in {env}\", labels: [ferry, to staging], assignees: [rita], reviewers: [rita, acme/sre], draft: true}\n"

// looks is how a pull request looks at the forge.
type looks struct {
	Title     string
	Draft     bool
	Labels    []struct{ Name string }
	Assignees []struct{ Login string }
	Reviewers []struct{ Login string } `json:"requested_reviewers"`
	Teams     []struct{ Slug string }  `json:"requested_teams"`
}

func (h *harness) looks(number int) (l looks) {
	h.t.Helper()
	h.api("/repos/"+acmeEnv+"/pulls/"+strconv.Itoa(number), &l)
	return l
}

// newLooking is the checkout app where promotions into staging look by the configuration.
func newLooking(t *testing.T, head string) *harness {
	t.Helper()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + head + checkoutApp
	h.environments(acmeEnv, files)
	h.person("rita", acmeEnv, forge.PermissionRead)
	if err := h.forge.SetTeam("acme", "sre", "rita"); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPullRequestsLookAsConfigured from their opening on; another title counts for open ones, once.
func TestPullRequestsLookAsConfigured(t *testing.T) {
	t.Parallel()
	h := newLooking(t, looking)
	h.arrive("1.1.0")
	p := h.staging()
	l := h.looks(p.Number)
	if l.Title != "chore(deploy): checkout 1.0.0 → 1.1.0 in staging" || !l.Draft || len(l.Labels) != 2 || l.Labels[1].Name != "to staging" || len(l.Assignees) != 1 || l.Assignees[0].Login != "rita" || len(l.Reviewers) != 1 || l.Reviewers[0].Login != "rita" || len(l.Teams) != 1 || l.Teams[0].Slug != "sre" {
		t.Errorf("%+v", l)
	}
	h.forge.ResetRequests()
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(looking, "chore(deploy): {app}", "{app}:", 1) + checkoutApp})
	h.settle()
	if got := h.looks(p.Number).Title; got != "checkout: 1.0.0 → 1.1.0 in staging" {
		t.Errorf("the title is %q", got)
	}
	if w := h.writes(); w["PATCH /repos/{owner}/{repo}/pulls/{pull_number}"] != 1 {
		t.Errorf("for a new title Ferry wrote %v", w)
	}
	h.quiet("nothing new", func() { h.settle() })
}

// TestARefusedReviewerStopsNothing: the others are asked, and people are told who could not be.
func TestARefusedReviewerStopsNothing(t *testing.T) {
	t.Parallel()
	h := newLooking(t, strings.NewReplacer("assignees: [rita]", "assignees: [Rita, nobody]", "[rita, acme/sre]", "[nobody, rita, acme/dba, other/sre]", ", draft: true", "").Replace(looking))
	h.arrive("1.1.0")
	p := h.staging()
	if l := h.looks(p.Number); len(l.Reviewers) != 1 || l.Reviewers[0].Login != "rita" || len(l.Labels) != 2 || len(l.Assignees) != 1 {
		t.Errorf("%+v", l)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.later(2 * time.Minute)
	mustContain(t, h.board().Body, "### What pull requests lack", "checkout in staging, #"+strconv.Itoa(p.Number)+": it cannot be assigned to nobody: let them see the repository", "the team other/sre is not one of acme; nobody cannot be asked for a review", "the team dba cannot be asked")
	h.merge(acmeEnv, p.Number)
	h.later(2 * time.Minute)
	if strings.Contains(h.board().Body, "What pull requests lack") {
		t.Error("it is still said after the merge")
	}
}

// TestReviewersAreAskedOnceThoughTheForgeFails: a forge that fails between the opening and the labels makes no second pull request.
func TestReviewersAreAskedOnceThoughTheForgeFails(t *testing.T) {
	t.Parallel()
	h := newLooking(t, looking)
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/issues/{issue_number}/labels", Status: 502})
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", Status: 502, Done: true})
	h.arrive("1.1.0")
	for range 4 {
		h.later(tidied)
	}
	p := h.staging()
	if l := h.looks(p.Number); len(h.openPulls(acmeEnv)) != 1 || len(l.Labels) != 2 || len(l.Reviewers) != 1 {
		t.Errorf("%+v in %+v", l, h.openPulls(acmeEnv))
	}
}
