package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// TestReopenedBesideAnother: people reopen what they once rejected, while its app is in an open pull request of another name, for it travels with other apps
// by now, or with none. No app is in two open ones: what was reopened is closed, and says why.
func TestReopenedBesideAnother(t *testing.T) {
	t.Parallel()
	const group = "    group: platform\n"
	for name, c := range map[string]struct{ before, after, was, is string }{
		"what went alone": {"", group, "cart", "platform"},
		"a train":         {group, "", "platform", "cart"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.environments(acmeEnv, trainFiles("", c.before))
			h.report(acmeEnv, "dev", "healthy")
			h.bump("1.1.0", "cart")
			first := h.pullOn(acmeEnv, "ferry/staging/"+c.was)
			h.does(h.forge.ClosePull(acmeEnv, first.Number, "dora"))
			h.later(time.Minute)
			h.commit(acmeEnv, map[string]string{".ferry.yaml": trainConfig("", c.after)})
			h.bump("1.2.0", "cart")
			h.later(time.Minute)
			second := h.pullOn(acmeEnv, "ferry/staging/"+c.is)
			h.does(h.forge.Reopen(acmeEnv, first.Number, "dora"))
			h.later(time.Minute)
			if got := h.pull(first.Number); got.State != "closed" {
				t.Errorf("#%d is %s beside #%d", first.Number, got.State, second.Number)
			}
			if got := h.pull(second.Number); got.State != "open" || got.Head.SHA != second.Head.SHA {
				t.Errorf("#%d has become %+v", second.Number, got)
			}
			if said := h.remarks(first.Number); !slices.ContainsFunc(said, func(r remark) bool { return r.User.Login == h.bot.Login }) {
				t.Errorf("nothing says why: %+v", said)
			}
			h.quiet("once it is closed", func() { h.later(time.Minute) })
		})
	}
}

// TestReopenedWithSomebodysCommits: a train with somebody's commit on top is closed, and reopened when one of its apps has a pull request alone. Nobody's commits
// are Ferry's to end: its own is closed, and people read how the app goes on.
func TestReopenedWithSomebodysCommits(t *testing.T) {
	t.Parallel()
	const group, cart = "    group: platform\n", "    manifests: [\"apps/cart/{env}/kustomization.yaml\"]\n"
	h := newHarness(t)
	h.environments(acmeEnv, trainFiles("", group))
	h.report(acmeEnv, "dev", "healthy")
	h.bump("1.1.0", "cart", "search")
	train := h.theTrain()
	_, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: train.Head.Ref, Message: "on top", Files: map[string]string{"NOTES.md": "mine"}})
	h.does(err)
	h.does(h.forge.ClosePull(acmeEnv, train.Number, "dora"))
	h.later(time.Minute)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": strings.Replace(trainConfig("", group), cart+group, cart, 1)})
	h.bump("1.2.0", "cart")
	h.later(time.Minute)
	h.pullOn(acmeEnv, "ferry/staging/cart")
	h.does(h.forge.Reopen(acmeEnv, train.Number, "dora"))
	h.later(time.Minute)
	if open := h.openPulls(acmeEnv); len(open) != 1 || open[train.Head.Ref].Number != train.Number {
		t.Errorf("open are %+v", open)
	}
	if said := h.ask(train.Number, "dora", "/status cart staging"); !strings.Contains(said, "closing it rejects what it shows") {
		t.Errorf("nothing says how cart goes on: %s", said)
	}
	h.quiet("while it is somebody's", func() { h.later(time.Minute) })
	h.does(h.forge.ClosePull(acmeEnv, train.Number, "dora"))
	h.later(time.Minute)
	if p := h.pullOn(acmeEnv, "ferry/staging/cart"); !strings.Contains(p.Title, "1.2.0") {
		t.Errorf("cart goes on in %+v", p)
	}
}
