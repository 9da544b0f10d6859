package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// newQueued is newCheckout on a branch that is merged by a merge queue, once ferry/gates, and the others, are green.
func newQueued(t *testing.T, others ...string) *harness {
	t.Helper()
	h := newCheckoutWith(t, releasing)
	rules := sandbox.Rules{MergeQueue: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates"}}}
	for _, name := range others {
		rules.Checks = append(rules.Checks, sandbox.RequiredCheck{Context: name})
	}
	h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "queue", Branches: []string{"main"}, Rules: rules, Bypass: []string{"dora"}})) // whose commits come from elsewhere
	return h
}

// group is the head of the one merge group that Ferry knows, "" for none.
func (h *harness) group() forge.SHA {
	h.t.Helper()
	return forge.SHA(query[string](h, `select coalesce(max(sha), '') from merge_groups`))
}

func (h *harness) wantStaging(tag string) {
	h.t.Helper()
	if got := h.file(acmeEnv, "main", checkoutPath("staging")); got != kustomization("checkout", tag) {
		h.t.Errorf("staging has\n%s", got)
	}
}

// TestMergeQueue: Ferry adds its promotion to the queue that the branch asks for, once, and the queue merges it, because its group has ferry/gates too.
func TestMergeQueue(t *testing.T) {
	t.Parallel()
	h := newQueued(t)
	h.forge.ResetRequests()
	h.arrive("1.1.0")
	h.noPulls()
	h.wantStaging("1.1.0")
	if n := h.eventsOf("enqueued"); n != 1 {
		t.Errorf("it was enqueued %d times", n)
	}
	h.forge.ResetRequests()
	h.arrive("1.2.0") // the queue is known from then on, and no merge is tried past it
	h.wantStaging("1.2.0")
	for _, routes := range h.forge.Requests() {
		if routes["PUT "+mergingRoute] > 0 {
			t.Error("it was to be merged past the queue")
		}
	}
}

// TestMergeQueueOfPeople: a queue that asks for ferry/gates does not wait for ever for pull requests that are not Ferry's.
func TestMergeQueueOfPeople(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"words":         {"README.md": "# anew\n"},
		"a manifest":    {checkoutPath("staging"): kustomization("checkout", "1.0.5")},
		"configuration": {".ferry.yaml": checkoutFiles("")[".ferry.yaml"] + "# more\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newQueued(t)
			p, _ := h.propose("topic", files)
			h.later(time.Second)
			h.does(h.forge.Enqueue(acmeEnv, p, "dora"))
			h.later(time.Minute)
			if !h.pull(p).Merged {
				t.Error("it is not merged")
			}
		})
	}
}

// TestMergeQueueUnheard: GitHub tells of merge groups only those Apps that may read merge queues, and deliveries are lost. What is pushed to their branches tells
// it, too, and so does the next sweep.
func TestMergeQueueUnheard(t *testing.T) {
	t.Parallel()
	for name, mute := range map[string]func(h *harness){
		"without the permission": func(h *harness) {
			h.does(h.forge.SetPermissions(testAppID, map[string]string{"contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write", "checks": "write"}))
		},
		"lost": func(h *harness) { h.forge.Faults().Lose("merge_group", 1) },
		"both lost": func(h *harness) {
			h.arrive("1.1.0")
			p, _ := h.propose("words", map[string]string{"README.md": "# anew\n"})
			h.later(time.Second)
			h.forge.Faults().Lose("", 100)
			h.does(h.forge.Enqueue(acmeEnv, p, "dora"))
			h.settle()
			h.forge.Faults().Clear()
			h.sweep()
			if !h.pull(p).Merged {
				t.Error("a person's is not merged")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newQueued(t)
			mute(h)
			h.arrive("1.2.0")
			h.later(time.Minute)
			h.noPulls()
			h.wantStaging("1.2.0")
		})
	}
}

// TestMergeQueueFrozen: what a gate closes on is taken out of the queue, its group says so, and Ferry adds it again once the gate is open. Nobody makes Ferry
// forget the group by deleting a branch of their own that is named like one and stands at the same commit.
func TestMergeQueueFrozen(t *testing.T) {
	t.Parallel()
	h := newQueued(t, "ci")
	mia := h.maintainer()
	h.arrive("1.1.0")
	p := h.staging()
	h.posts(acmeEnv, p.Head.SHA, "ci", forge.Success)
	h.later(time.Hour) // it was refused for lack of it
	group := h.group()
	h.wantStatus(acmeEnv, group, "ferry/gates", "success", "nothing stops #")
	like := "gh-readonly-queue/main/pr-9-" + strings.Repeat("7", 40)
	h.push("dora", like, map[string]string{"README.md": "# anew\n"})
	h.patchRef(like, group, true)
	h.does(h.forge.DeleteBranch(acmeEnv, like, "dora"))
	h.settle()
	h.ask(h.board().Number, mia, "/freeze staging an incident")
	h.wantStatus(acmeEnv, group, "ferry/gates", "failure", "an incident")
	h.posts(acmeEnv, group, "ci", forge.Success)
	h.later(time.Minute)
	if h.pull(p.Number).Merged || h.group() != "" {
		t.Fatal("it is merged, or still in the queue")
	}
	h.ask(h.board().Number, mia, "/thaw staging")
	h.later(time.Minute)
	h.posts(acmeEnv, h.group(), "ci", forge.Success)
	h.later(time.Minute)
	h.wantStaging("1.1.0")
}

// TestMergeQueueEjects: the queue takes out what fails in it. A gate says so, and an hour later Ferry adds it again.
func TestMergeQueueEjects(t *testing.T) {
	t.Parallel()
	h := newQueued(t, "ci")
	h.arrive("1.1.0")
	p := h.staging()
	h.posts(acmeEnv, p.Head.SHA, "ci", forge.Success)
	h.later(time.Hour)
	h.posts(acmeEnv, h.group(), "ci", forge.Failure)
	h.later(time.Minute)
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "the merge queue took") || !strings.Contains(got, "ci failure") {
		t.Errorf("/status is answered by %s", got)
	}
	h.later(time.Hour)
	h.posts(acmeEnv, h.group(), "ci", forge.Success)
	h.later(time.Minute)
	h.wantStaging("1.1.0")
	if n := h.eventsOf("enqueued"); n != 2 {
		t.Errorf("it was enqueued %d times", n)
	}
}

// TestNoGroup: who may only push gets nothing past a freeze by a branch that is named like a merge group with a harmless pull request of theirs in it; neither
// would they where Ferry took it for one.
func TestNoGroup(t *testing.T) {
	t.Parallel()
	for _, believed := range []bool{false, true} {
		h := newCheckout(t, "")
		mia := h.maintainer()
		h.does(h.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "r", Branches: []string{"main"}, Rules: sandbox.Rules{PullRequest: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}}))
		harmless, _ := h.propose("words", map[string]string{"README.md": "# anew\n"})
		h.later(time.Minute)
		h.ask(h.board().Number, mia, "/freeze staging an incident")
		branch, as := fmt.Sprintf("gh-readonly-queue/main/pr-%d-%s", harmless, strings.Repeat("a", 40)), "dora"
		if believed {
			as = "github-merge-queue[bot]"
			h.person(as, acmeEnv, forge.PermissionWrite)
		}
		sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: as, Branch: branch, Message: "x", Files: map[string]string{checkoutPath("staging"): kustomization("checkout", "9.9.9")}})
		h.does(err)
		h.later(time.Minute)
		if got := h.group(); (got == sha) != believed {
			t.Errorf("the group that Ferry knows is %q", got)
		}
		n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: branch, BaseBranch: "main", Title: "evil"})
		h.does(err)
		h.later(time.Minute)
		h.push("dora", "words", map[string]string{"README.md": "# anew again\n"})
		h.later(time.Minute)
		h.sweep()
		if got := h.statuses(acmeEnv, sha)["ferry/gates"]; got.State != string(forge.Failure) && got.State != string(forge.Pending) {
			t.Errorf("believed %t: ferry/gates of a pull request to a frozen environment is %+v", believed, got)
		}
		if _, err := h.forge.Merge(acmeEnv, n, "dora", forge.MergeCommit); err == nil {
			t.Errorf("believed %t: it was merged", believed)
		}
	}
}
