package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

// hears fails unless the answer to the comment has each of the words.
func (h *harness) hears(number int, login, body string, words ...string) {
	h.t.Helper()
	got := h.ask(number, login, body)
	for _, w := range words {
		if !strings.Contains(got, w) {
			h.t.Errorf("%s says %q, and is answered\n%s\nwant %q in it", login, body, got, w)
		}
	}
}

// keeps fails unless the branch ferry-state has, or has not, the words.
func (h *harness) keeps(want bool, words string) {
	h.t.Helper()
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(got, words) != want {
		h.t.Errorf("the branch ferry-state says\n%s\nand %q in it is not %v", got, words, want)
	}
}

// hasEvent fails unless something happened to the app.
func (h *harness) hasEvent(kind, app, detail string) {
	h.t.Helper()
	if n := query[int](h, `select count(*) from events where kind = $1 and app = $2 and detail = $3`, kind, app, detail); n != 1 {
		h.t.Errorf("%d events say %q of %s: %q, want one", n, kind, app, detail)
	}
}

// message returns the message of a commit of the environment repository.
func (h *harness) message(sha forge.SHA) string {
	h.t.Helper()
	var c struct{ Commit struct{ Message string } }
	h.api("/repos/"+acmeEnv+"/commits/"+string(sha), &c)
	return c.Commit.Message
}

// TestOverrideInATrain: a gate of an app's own is overridden by the app's name, under the train that it stays behind, or on Ferry's issue where there is none.
func TestOverrideInATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "    soak: 1h\n")
	issue, mia := h.board().Number, h.maintainer()
	h.bump("1.1.0", "checkout")
	h.noPulls()
	h.hears(issue, mia, "/override soak checkout the shop is down", "`/override` is void: `checkout 1.1.0` is what is to come into `staging` since")
	h.later(time.Minute)
	h.hears(issue, "dora", "/override soak checkout the shop is down", "you may not `/override`")
	h.hears(issue, mia, "/override soak checkout", "why? Everybody")
	h.hears(issue, mia, "/override checks checkout please", "`checks` is open")
	h.hears(issue, mia, "/override soak search please", "No release of `search` is to come with a train.")
	h.hears(issue, mia, "/override soak mail please", "say it under one")
	h.hears(issue, "dora", "/status checkout staging", "who may not wait: `/override soak checkout staging reason`, by maintain permission")
	h.noPulls()
	h.hears(issue, mia, "/override soak checkout staging the shop is down", "Overridden: `soak` for `checkout 1.1.0` in `staging`, by mia: the shop is down.")
	p := h.brings("checkout 1.0.0 → 1.1.0")
	if !strings.Contains(p.Body, "overridden by mia: the shop is down (without that: 1h in dev, done at ") {
		t.Errorf("the body says\n%s", p.Body)
	}
	if got := h.message(p.Head.SHA); !strings.Contains(got, "Ferry-Override: soak by mia: the shop is down\n") {
		t.Errorf("the commit says\n%s", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.keeps(true, "overridden:")
	h.bump("1.1.0", "cart")
	p = h.brings("checkout 1.0.0 → 1.1.0")
	if !strings.Contains(p.Body, "### What stays behind\n\n| app | release | gate | why |\n| --- | --- | --- | --- |\n| cart | `1.1.0` | soak | 1h in dev, done at ") {
		t.Errorf("the body says\n%s", p.Body)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Minute)
	p = h.brings("checkout 1.0.0 → 1.1.0")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.hears(p.Number, mia, "/override soak", "`soak` is open: there is nothing to override.")
	h.hears(p.Number, mia, "/override freeze cart now", "`freeze` is open for `cart 1.1.0`")
	h.bump("1.2.0", "cart")
	h.hears(p.Number, mia, "/override soak cart it is the other half", "is void: `cart 1.2.0` is what is to come into `staging` since")
	h.later(time.Minute)
	h.hears(p.Number, mia, "/override soak cart it is the other half", "Overridden: `soak` for `cart 1.2.0`")
	p = h.brings("cart 1.0.0 → 1.2.0", "checkout 1.0.0 → 1.1.0")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.merge(acmeEnv, p.Number)
	h.report(acmeEnv, "staging", "healthy")
	h.keeps(false, "overridden:")
	h.hasEvent("override", "cart", "soak of 1.2.0: it is the other half")
	h.hasEvent("override ended", "checkout", "soak of 1.1.0: the shop is down")
}

// TestOverrideOfATrainStops: what stops the whole train is overridden for the whole train; a freeze of one app's own, for that app.
func TestOverrideOfATrainStops(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	issue, mia := h.board().Number, h.maintainer()
	h.person("rita", acmeEnv, forge.PermissionWrite)
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.ask(issue, mia, "/freeze checkout staging look first")
	h.brings("cart 1.0.0 → 1.1.0")
	h.later(time.Minute)
	h.ask(issue, mia, "/hold cart staging wait")
	h.hears(issue, mia, "/override hold cart now", "`/resume` lifts a hold")
	h.ask(issue, mia, "/resume cart staging")
	h.hears(p.Number, mia, "/override nothing", "`checkout 1.1.0` stays behind. What keeps it out of the train opens with `/override freeze checkout staging reason`.")
	h.hears(p.Number, mia, "/override freeze checkout looked", "Overridden: `freeze` for `checkout 1.1.0`")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.ask(issue, mia, "/freeze staging an incident")
	h.hears(p.Number, mia, "/override freeze cart now", "`freeze` shuts the whole train")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "failure", "mia froze staging: an incident")
}
