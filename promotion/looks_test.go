package promotion_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ferry/promotion/config"
)

// TestTitlesByTheConfiguration: what is filled in is one line and fits, whatever the tag is; the looks go with the wish.
func TestTitlesByTheConfiguration(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"":                                   "Promote checkout to staging: 1.0.0 → 1.1.0",
		"deploy({env}): {app} {old} → {new}": "deploy(staging): checkout 1.0.0 → 1.1.0",
		"{new}{new} is {new}":                "1.1.01.1.0 is 1.1.0",
		"plain":                              "plain",
	} {
		w := line(t, func(staging, _ *config.Environment) {
			staging.PullRequest = config.PullRequest{Title: template, Labels: []string{"ferry"}, Reviewers: []string{"ann"}, Draft: true}
		})
		w.arrive("dev", "1.1.0")
		wish := w.wishes["staging"]
		if wish.Title != want || !wish.Looks.Draft || len(wish.Looks.Labels) != 1 || wish.Looks.Reviewers[0] != "ann" {
			t.Errorf("%q: %q, %+v, want %q", template, wish.Title, wish.Looks, want)
		}
	}
	w := line(t, func(staging, _ *config.Environment) { staging.PullRequest.Title = strings.Repeat("{app} ", 30) })
	w.s.App.Name = strings.Repeat("a", 63)
	w.arrive("dev", "1.1.0")
	if n := utf8.RuneCountInString(w.wishes["staging"].Title); n != 256 {
		t.Errorf("%d characters", n)
	}
}
