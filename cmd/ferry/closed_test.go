package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

func TestPersonsCloseRejects(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, first.Number, "dora"))
	h.later(2 * time.Minute)
	h.noPulls()
	if body := h.board().Body; !strings.Contains(body, "rejected") || !strings.Contains(body, "dora") {
		t.Errorf("the issue does not say who rejected it:\n%s", body)
	}
	h.report(acmeEnv, "dev", "progressing")
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()

	h.arrive("1.2.0")
	second := h.staging()
	if second.Number == first.Number || !strings.Contains(second.Title, "1.2.0") {
		t.Errorf("the newer release came as %+v", second)
	}
	h.merge(acmeEnv, second.Number)
	if !slices.Contains(h.eventKinds("staging"), "rejected") {
		t.Errorf("the events are %q", h.eventKinds("staging"))
	}
}

func TestReopeningLiftsTheRejection(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, first.Number, "dora"))
	h.noPulls()
	h.does(h.forge.Reopen(acmeEnv, first.Number, "dora"))
	again := h.staging()
	if again.Number != first.Number {
		t.Fatalf("open is %+v", again)
	}
	h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
	h.arrive("1.2.0")
	if p := h.staging(); p.Number != first.Number || !strings.Contains(p.Title, "1.2.0") {
		t.Errorf("the newer release came as %+v", p)
	}
	if i := slices.IndexFunc(h.events(), func(e postgresEvent) bool { return e.Kind == "reopened" }); i < 0 || h.events()[i].Actor != "dora" {
		t.Errorf("nobody is named for the reopening: %+v", h.events())
	}
}

func TestOtherClosesAreRepaired(t *testing.T) {
	t.Parallel()
	tests := map[string]func(h *harness, p pull) error{
		"the branch was deleted": func(h *harness, p pull) error { return h.forge.DeleteBranch(acmeEnv, p.Head.Ref, "dora") },
		"a bot": func(h *harness, p pull) error {
			bot := h.anotherBot("stale", acmeEnv)
			return h.forge.ClosePull(acmeEnv, p.Number, bot)
		},
		"Ferry's own account": func(h *harness, p pull) error { return h.forge.ClosePull(acmeEnv, p.Number, h.bot.Login) },
	}
	for name, closeIt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			first := h.staging()
			if err := closeIt(h, first); err != nil {
				t.Fatal(err)
			}
			h.settle()
			h.sweep()
			second := h.staging()
			if second.Number == first.Number || !strings.Contains(second.Title, "1.1.0") {
				t.Errorf("the repair is %+v", second)
			}
			h.wantStatus(acmeEnv, second.Head.SHA, "ferry/gates", "success", "")
			h.merge(acmeEnv, second.Number)
			h.noPulls()
		})
	}
}

func TestClosingAndThenDeletingTheBranchRejects(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	if err := h.forge.ClosePull(acmeEnv, p.Number, "dora"); err != nil {
		t.Fatal(err)
	}
	h.does(h.forge.DeleteBranch(acmeEnv, p.Head.Ref, "dora"))
	h.noPulls()
	h.arrive("1.2.0")
	h.staging()
}

func TestEveryWayToMerge(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			h.commit(acmeEnv, map[string]string{"README.md": "so that the base has moved\n"})
			p := h.staging()
			merged, err := h.forge.Merge(acmeEnv, p.Number, "dora", method)
			h.does(err)
			h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "checkout 1.1.0")
			h.report(acmeEnv, "staging", "healthy")
			h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "runs in staging")
			h.pullOn(acmeEnv, "ferry/prod/checkout")
			h.later(tidied)
			if h.hasBranch(p.Head.Ref) {
				t.Error("the merged branch still stands")
			}
			for _, want := range []string{"promotion waiting", "promotion open", "merged", "deployed", "converged", "promotion converged"} {
				if !slices.Contains(h.eventKinds("staging"), want) {
					t.Errorf("no event %q in %q", want, h.eventKinds("staging"))
				}
			}
		})
	}
}

// TestMergedBeforeThePushIsKnown: the push of a merge is lost, or late; the merged release must not be proposed again.
func TestMergedBeforeThePushIsKnown(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.forge.Faults().Lose("push", 1)
	merged := h.merge(acmeEnv, p.Number)
	h.noPulls()
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "checkout 1.1.0")
}

// TestForgeDeletesTheBranchItself: repositories may delete a merged branch by themselves.
func TestForgeDeletesTheBranchItself(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	if _, err := h.forge.Merge(acmeEnv, p.Number, "dora", forge.MergeCommit); err != nil {
		t.Fatal(err)
	}
	h.does(h.forge.DeleteBranch(acmeEnv, p.Head.Ref, "dora"))
	h.report(acmeEnv, "staging", "healthy")
	h.arrive("1.2.0")
	if again := h.staging(); again.Number == p.Number {
		t.Errorf("open is %+v", again)
	}
}

// TestReopenedThoughItIsNotToCome: upstream went back meanwhile; the reopened promotion is closed by Ferry, and that rejects nothing.
func TestReopenedThoughItIsNotToCome(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.arrive("1.0.0")
	h.does(h.forge.Reopen(acmeEnv, p.Number, "dora"))
	h.noPulls()
	h.arrive("1.1.0")
	if again := h.staging(); again.Number == p.Number {
		t.Errorf("open is %+v", again)
	}
}
