package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// TestUnpostedStatusIsTold: where the forge does not take a status on the source commit, /status, Ferry's issue and the page say so and what to do, until it
// is taken.
func TestUnpostedStatusIsTold(t *testing.T) {
	t.Parallel()
	unknown := forge.SHA(strings.Repeat("ab", 20))
	for name, c := range map[string]struct {
		installed bool
		commit    func(*harness) forge.SHA
		says      string
		mend      func(*harness)
	}{
		"the commit is unknown": {true, func(*harness) forge.SHA { return unknown }, "push it", nil},
		"the App is not there": {false, func(h *harness) forge.SHA { return h.head("acme/checkout", "main") }, "install Ferry's App", func(h *harness) {
			if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
				h.t.Fatal(err)
			}
		}},
		"the App may not": {true, func(h *harness) forge.SHA {
			if err := h.forge.SetPermissions(testAppID, withoutStatuses()); err != nil {
				h.t.Fatal(err)
			}
			h.settle()
			return h.head("acme/checkout", "main")
		}, "let its App write commit statuses", func(h *harness) {
			rights := withoutStatuses()
			rights["statuses"] = "write"
			if err := h.forge.SetPermissions(testAppID, rights); err != nil {
				h.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
				t.Fatal(err)
			}
			h.environments(acmeEnv, checkoutFiles(""))
			if c.installed {
				if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
					t.Fatal(err)
				}
				h.settle()
			}
			source := c.commit(h)
			h.announce(h.token(acmeEnv, ""), "1.1.0", source)
			h.deploy("dev", "1.1.0")
			h.later(2 * time.Minute) // the issue is edited at most once a minute
			want := "ferry/dev cannot be posted on the commit " + source.Short() + " of acme/checkout"
			told := func() []string {
				return []string{h.ask(h.board().Number, "dora", "/status checkout dev"), h.board().Body, h.page("/")}
			}
			for _, text := range told() {
				if !strings.Contains(text, want) || !strings.Contains(strings.ReplaceAll(text, "&#39;", "'"), c.says) {
					t.Errorf("nothing tells %q with %q:\n%s", want, c.says, text)
				}
			}
			if c.mend == nil {
				return
			}
			c.mend(h)
			h.settle()
			h.later(2 * time.Hour)
			if _, ok := h.statuses("acme/checkout", source)["ferry/dev"]; !ok {
				t.Error("the status was not posted after it was mended")
			}
			for _, text := range told() {
				if strings.Contains(text, want) {
					t.Errorf("it is still told after it was mended:\n%s", text)
				}
			}
		})
	}
}

func withoutStatuses() map[string]string {
	return map[string]string{"contents": "write", "pull_requests": "write", "issues": "write", "checks": "read"}
}
