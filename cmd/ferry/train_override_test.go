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
	if got := h.message(p.Head.SHA) + "\n"; !strings.Contains(got, "Ferry-Override: soak by mia: the shop is down\n") {
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

// TestDropFromAHeldTrain: a hold freezes the train, and what is taken out leaves when it ends.
func TestDropFromAHeldTrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.later(time.Minute)
	h.ask(p.Number, "dora", "/hold platform staging wait")
	h.hears(p.Number, "dora", "/drop cart", "`cart 1.1.0` leaves #", "once the hold ends: what is held stays as it is (dora holds platform in staging: wait (")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.ask(p.Number, "dora", "/resume")
	h.brings("checkout 1.0.0 → 1.1.0")
}

// TestDropIsOfWhatWasShown: taking an app out is bound to what the train showed, or what was to come, when somebody said so.
func TestDropIsOfWhatWasShown(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	issue, p := h.board().Number, h.theTrain()
	h.later(time.Minute)
	h.commit(acmeEnv, map[string]string{worldPath("cart", "dev"): kustomization("cart", "1.2.0")})
	h.report(acmeEnv, "dev", "healthy")
	h.hears(p.Number, "dora", "/drop checkout\n/drop cart", "`/drop` is void: #", "has changed since you wrote that, or in the same moment.")
	h.hears(issue, "dora", "/drop cart", "`/drop` is void: `cart 1.2.0` is what is to come into `staging` since")
	h.brings("cart 1.0.0 → 1.2.0", "checkout 1.0.0 → 1.1.0")
	h.hears(issue, "dora", "/drop checkout", "`checkout 1.1.0` leaves #")
	h.brings("cart 1.0.0 → 1.2.0")
	h.later(time.Minute)
	h.hears(p.Number, "dora", "/drop cart", "`cart 1.2.0` leaves #")
	h.noPulls()
}

// TestRetryOfWhatIsGone: a promotion that somebody pushed to, and of which nothing is left, is closed once somebody says /retry.
func TestRetryOfWhatIsGone(t *testing.T) {
	t.Parallel()
	for branch, app := range map[string]string{"ferry/staging/mail": "mail", "ferry/staging/platform": "cart"} {
		t.Run(branch, func(t *testing.T) {
			t.Parallel()
			h := train(t, "")
			h.bump("1.1.0", app)
			p := h.pullOn(acmeEnv, branch)
			head := h.push("dora", branch, map[string]string{"README.md": "mine\n"})
			h.ask(h.board().Number, "dora", "/block "+app+" 1.1.0 it leaks")
			h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "dora pushed on top, and there is nothing to promote any more (/retry closes it)")
			h.sweep()
			if got := h.pull(p.Number); got.State != "open" || got.Head.SHA != head {
				t.Fatalf("before anybody says so it is %+v", got)
			}
			h.ask(p.Number, "dora", "/retry")
			h.later(time.Minute)
			h.noPulls()
			if h.hasBranch(branch) {
				t.Error("its branch still stands")
			}
			h.bump("1.2.0", app)
			if got := h.pullOn(acmeEnv, branch); got.Number == p.Number {
				t.Errorf("%+v was opened again", got)
			}
		})
	}
}

// TestHotfixInAGroup: a hotfix goes alone, its back-fill too; what was there before it stays behind the train until somebody overrides that.
func TestHotfixInAGroup(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	issue, mia := h.board().Number, h.maintainer()
	h.reportAll("dev", "staging", "prod")
	h.bump("1.3.0", "cart", "checkout")
	h.merge(acmeEnv, h.theTrain().Number)
	h.report(acmeEnv, "staging", "healthy")
	into := func() pull { return h.pullOn(acmeEnv, "ferry/prod/platform") }
	if got := into().Title; got != "Promote platform to prod: cart 1.0.0 → 1.3.0, checkout 1.0.0 → 1.3.0" {
		t.Fatalf("open is %q", got)
	}
	h.hears(into().Number, mia, "/hotfix prod 1.0.1 it loses orders", "which app of `platform`?")
	h.hears(issue, mia, "/hotfix checkout prod 1.0.1 it loses orders", "A hotfix of `checkout` in `prod`: `1.0.0` → `1.0.1`.")
	h.later(time.Minute)
	if got := into().Title; got != "Promote platform to prod: cart 1.0.0 → 1.3.0" {
		t.Errorf("the train is %q", got)
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.merge(acmeEnv, h.pullOn(acmeEnv, "ferry/prod/checkout").Number)
	h.reportAll("prod")
	h.later(time.Minute)
	p := into()
	if !strings.Contains(p.Body, "| checkout | `1.3.0` | hotfix | 1.0.1 stands here as a hotfix of mia: it loses orders.") {
		t.Errorf("the body says\n%s", p.Body)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	h.hears(p.Number, mia, "/override hotfix checkout 1.3.0 has it too", "Overridden: `hotfix` for `checkout 1.3.0` in `prod`")
	if got := into().Title; got != "Promote platform to prod: cart 1.0.0 → 1.3.0, checkout 1.0.1 → 1.3.0" {
		t.Errorf("then the train is %q", got)
	}
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.merge(acmeEnv, into().Number)
	h.reportAll("dev", "staging", "prod")
	h.noPulls()
	h.keeps(false, "overridden:")
}
