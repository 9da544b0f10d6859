package main

import (
	"strings"
	"testing"

	"ferry/forge"
)

// TestNewerReleaseUpdatesInPlace follows one pull request through three releases, once with semantic versions and once with tags that only the
// order in which they entered dev can tell apart.
func TestNewerReleaseUpdatesInPlace(t *testing.T) {
	t.Parallel()
	tests := map[string][3]string{
		"semver": {"1.1.0", "1.2.0", "1.10.0"},
		"sha tags": {"sha-ffffffffffffffffffffffffffffffffffffffff", "sha-0000000000000000000000000000000000000001",
			"sha-8888888888888888888888888888888888888888"},
	}
	for name, tags := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive(tags[0])
			first := h.staging()
			seen := map[forge.SHA]bool{first.Head.SHA: true}
			for _, tag := range tags[1:] {
				h.arrive(tag)
				p := h.staging()
				if p.Number != first.Number || seen[p.Head.SHA] || !strings.Contains(p.Title, tag) || !strings.Contains(p.Body, "`"+tag+"`") {
					t.Fatalf("after %s the promotion is %+v", tag, p)
				}
				seen[p.Head.SHA] = true
				if got := h.file(acmeEnv, "ferry/staging/checkout", checkoutPath("staging")); got != kustomization("checkout", tag) {
					t.Errorf("the branch has\n%s", got)
				}
				h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
			}
			p := h.staging()
			if !strings.Contains(p.Body, "Supersedes") || !strings.Contains(p.Body, tags[0]) || !strings.Contains(p.Body, tags[1]) {
				t.Errorf("the body lists nothing superseded:\n%s", p.Body)
			}
			if got := h.changed(p.Number); len(got) != 2 {
				t.Errorf("the diff is %q", got)
			}
		})
	}
}

func TestOlderOrUnorderedIsNotProposed(t *testing.T) {
	t.Parallel()
	t.Run("older by version", func(t *testing.T) {
		t.Parallel()
		h := newCheckout(t, "")
		h.arrive("0.9.0")
		h.noPulls()
	})
	t.Run("upstream goes back", func(t *testing.T) {
		t.Parallel()
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		h.arrive("1.0.0")
		h.noPulls()
	})
	t.Run("a hotfix downstream is newer", func(t *testing.T) {
		t.Parallel()
		h := newCheckout(t, "")
		h.deploy("staging", "1.2.0")
		h.arrive("1.1.0")
		h.noPulls()
	})
	t.Run("a direct commit that cannot be ordered", func(t *testing.T) {
		t.Parallel()
		h := newCheckout(t, "")
		h.deploy("staging", "hotfix")
		h.arrive("1.1.0")
		h.noPulls()
		if !strings.Contains(h.ask(h.board().Number, "dora", "/status checkout staging"), "cannot be ordered") {
			t.Error("/status does not say why")
		}
	})
}
