package main

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge/sandbox"
	"ferry/promotion"
)

func TestDamagedDecisions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(good string) sandbox.Edit
		words  []string
	}{
		{"no YAML", func(good string) sandbox.Edit { return edited(good + "hold: [\n") }, []string{"decisions.yaml on the branch ferry-state", "mend the file"}},
		{"an unknown key", func(good string) sandbox.Edit { return edited(good + "hodls: []\n") }, []string{"decisions.yaml on the branch ferry-state", "hodls", "mend the file"}},
		{"a revision that is none", func(good string) sandbox.Edit { return edited(strings.Replace(good, "revision: ", "revision: x", 1)) }, []string{"the baseline of checkout in dev", "is not a commit"}},
		{"another version", func(good string) sandbox.Edit { return edited(strings.Replace(good, "ferry/v1", "ferry/v9", 1)) }, []string{"ferry/v9"}},
		{"no file", func(string) sandbox.Edit {
			return sandbox.Edit{Delete: []string{"decisions.yaml"}, Files: map[string]string{"notes.txt": "mine"}}
		}, []string{"stands without decisions.yaml", "put the file back"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			h.say(h.staging().Number, "dora", "/hold prod")
			h.later(2 * time.Minute)
			good := h.file(acmeEnv, "ferry-state", "decisions.yaml")
			h.editState(test.damage(good))
			before, board := h.openPulls(acmeEnv), h.board().Body
			h.loseQuietly()
			if diff := cmp.Diff(before, h.openPulls(acmeEnv)); diff != "" {
				t.Error(diff)
			}
			page := html.UnescapeString(h.page("/"))
			for _, words := range test.words {
				if !strings.Contains(page, words) {
					t.Errorf("the page does not say %q:\n%s", words, page)
				}
			}
			h.editState(edited(good))
			h.later(10 * time.Minute)
			if got := h.gists()["checkout in prod"].Held; !strings.Contains(got, "dora holds prod") {
				t.Errorf("held: %q", got)
			}
			if got := h.writes(); len(got) != 0 {
				t.Errorf("Ferry wrote %v\n%s", got, cmp.Diff(board, h.board().Body))
			}
		})
	}
}

func edited(content string) sandbox.Edit {
	return sandbox.Edit{Files: map[string]string{"decisions.yaml": content}}
}

// editState commits to the branch ferry-state as dora.
func (h *harness) editState(e sandbox.Edit) {
	h.t.Helper()
	e.As, e.Branch, e.Message = "dora", promotion.StateBranch, "by hand"
	_, err := h.forge.Commit(acmeEnv, e)
	h.does(err)
}

// TestDecisionsEditedByHand: what somebody else writes on ferry-state while Ferry has its database is not in force, and Ferry says so when it writes again.
func TestDecisionsEditedByHand(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.say(h.staging().Number, "dora", "/hold prod")
	h.later(2 * time.Minute)
	h.editState(edited(strings.Replace(h.file(acmeEnv, "ferry-state", "decisions.yaml"), "environment: prod", "environment: staging", 1)))
	h.say(h.staging().Number, "dora", "/hold dev")
	h.later(2 * time.Minute)
	got := h.file(acmeEnv, "ferry-state", "decisions.yaml")
	for _, words := range []string{"environment: prod", "environment: dev"} {
		if !strings.Contains(got, words) {
			t.Errorf("the branch does not say %q:\n%s", words, got)
		}
	}
	if page := html.UnescapeString(h.page("/")); !strings.Contains(page, "decisions overwritten") {
		t.Errorf("the page does not say it:\n%s", page)
	}
}
