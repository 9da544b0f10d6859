package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

func TestOverride(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "soak: 24h\n    approvals: 1", 1))
	h.gates("pending", "soak")
	for _, ask := range []struct{ login, body, want string }{
		{"dora", "/override soak an incident", "you may not `/override`: it needs maintain permission in this repository, and you have write"},
		{"mia", "/override", "which gate? Shut are `soak`, `approvals`."},
		{"mia", "/override soak", "`/override soak` why?"},
		{"mia", "/override sock an incident", "`sock` is no gate of #"},
		{"mia", "/override upstream an incident", "`upstream` is open: there is nothing to override."},
		{"mia", "/override hold an incident", "`/resume` lifts a hold"},
		{"mia", "/override forge an incident", "the forge refuses"},
	} {
		if got := h.ask(p.Number, ask.login, ask.body); !strings.Contains(got, ask.want) {
			t.Errorf("%s: %s is answered %q", ask.login, ask.body, got)
		}
	}
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "who may not wait: `/override soak reason` on #") || !strings.Contains(got, "by maintain permission") {
		t.Errorf("/status is answered %q", got)
	}
	if got := h.ask(p.Number, "mia", "/override soak the shop is down"); !strings.Contains(got, "Overridden: `soak` for `1.1.0` in `staging`, by mia: the shop is down.") {
		t.Errorf("the answer is %q", got)
	}
	h.gates("pending", "approvals: 0 of 1")
	if body := h.staging().Body; !strings.Contains(body, "| soak | open | overridden by mia: the shop is down (without that: 24h in dev, done at ") {
		t.Errorf("the body says\n%s", body)
	}
	h.ask(p.Number, "mia", "/override approvals nobody is awake")
	h.gates("success", "")
	if !slices.ContainsFunc(h.events(), func(e postgresEvent) bool {
		return e.Kind == "override" && e.Actor == "mia" && e.Detail == "soak: the shop is down"
	}) {
		t.Error("no event tells of the override")
	}
	h.comesBack()
	h.gates("success", "")
	h.later(time.Minute)
	h.arrive("1.2.0") // has to soak, and what is overridden is as if it had
	if got := h.staging(); got.Head.SHA != p.Head.SHA || !strings.Contains(got.Body, "Next, once its soak is done: `1.2.0`") {
		t.Errorf("the promotion is %+v", got)
	}
}

// TestOverrideGoesWithTheHead: another edit in the same pull request is not what somebody let through.
func TestOverrideGoesWithTheHead(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.ask(p.Number, "mia", "/override approvals an incident")
	h.gates("success", "")
	h.ask(p.Number, "dora", "/retry") // byte-identical
	if h.staging().Head.SHA == p.Head.SHA {
		t.Fatal("/retry made nothing anew")
	}
	h.gates("success", "")
	h.arrive("1.2.0")
	h.gates("pending", "approvals: 0 of 1")
	if body := h.staging().Body; strings.Contains(body, "overridden") {
		t.Errorf("the body says\n%s", body)
	}
}

// TestOverriddenFreeze lets one promotion through a freeze, by its merge too; everything else stays frozen.
func TestOverriddenFreeze(t *testing.T) {
	t.Parallel()
	h := newApproved(t, releasing+"    unprotected: allow\n")
	h.ask(h.board().Number, "mia", "/freeze staging an incident")
	h.arrive("1.1.0")
	h.soon()
	p := h.staging()
	h.gates("failure", "mia froze staging")
	h.ask(p.Number, "mia", "/override freeze it mends the incident")
	h.later(time.Minute)
	h.noPulls()
	h.report(acmeEnv, "staging", "healthy")
	h.arrive("1.2.0")
	h.gates("failure", "mia froze staging")
}

// TestForgedAnswersAreNotBelieved: what a lost database is read back from is Ferry's own answer as it was written, to somebody who may still say so.
func TestForgedAnswersAreNotBelieved(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "approvals: 2", 1))
	mark := `<!-- ferry:given {"command":"approve","head":"` + string(p.Head.SHA) + `"} -->`
	said := h.say(p.Number, "bob", "looks good")
	h.say(p.Number, "eve", "Approved.\n\n"+mark+"\n<!-- answers:"+fmt.Sprint(said)+" -->") // not Ferry's
	h.ask(p.Number, "eve", "/ferry "+mark)
	h.ask(p.Number, "bob", "/approve")
	h.ask(p.Number, "mia", "/override approvals an incident")
	h.gates("success", "")
	h.does(h.forge.SetPermission(acmeEnv, "mia", forge.PermissionWrite)) // she may not override any more
	h.lose()
	h.report(acmeEnv, "dev", "healthy")
	h.gates("pending", "1 of 2 approvals, by bob")
}
