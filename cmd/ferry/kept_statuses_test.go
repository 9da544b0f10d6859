package main

import (
	"testing"
	"time"

	"ferry/forge"
)

// TestAStatusThatComesBackIsNotPostedAgain: within the day for which a posted status is kept in mind, a plan that comes back to it finds it, also where
// meanwhile nothing spoke of it and every clean-up passed by. (A clean-up once forgot it at once, and the forge listed it twice.) A close is one status, for
// what was green does not stay so, and a reopening another one; nothing more comes of the hours between.
func TestAStatusThatComesBackIsNotPostedAgain(t *testing.T) {
	t.Parallel()
	for name, opened := range map[string]func(h *harness) pull{
		"the gates of a promotion that somebody rejected and reopens": func(h *harness) pull {
			h.arrive("1.1.0")
			return h.staging()
		},
		"the gates of a hand-made pull request that somebody closes and reopens": func(h *harness) pull {
			h.push("dora", "idea", map[string]string{"IDEAS.md": "an idea\n"})
			n, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "idea", BaseBranch: "main", Title: "an idea"})
			h.does(err)
			return h.pull(n)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			p := opened(h)
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
			posted := h.posted(p.Head.SHA, "ferry/gates")
			for round := range 3 {
				h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
				h.clock.advance(7 * time.Hour)
				h.sweep() // which cleans, and so does the next
				h.sweep()
				h.does(h.forge.Reopen(acmeEnv, p.Number, "dora"))
				if n := h.posted(p.Head.SHA, "ferry/gates"); n != posted+2*(round+1) {
					t.Fatalf("ferry/gates stands %d times on %s after %d rounds, before them it stood there %d times", n, p.Head.SHA.Short(), round+1, posted)
				}
			}
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
		})
	}
}

// posted returns how often a status of that context was posted on a commit.
func (h *harness) posted(sha forge.SHA, context string) (n int) {
	h.t.Helper()
	var list []status
	h.api("/repos/"+acmeEnv+"/commits/"+string(sha)+"/statuses?per_page=100", &list)
	for _, s := range list {
		if s.Context == context {
			n++
		}
	}
	return n
}
