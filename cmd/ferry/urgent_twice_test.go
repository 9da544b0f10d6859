package main

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// effects is what commands have made: in the database, and at the forge.
func (h *harness) effects() string {
	h.t.Helper()
	var b strings.Builder
	for _, table := range []string{"holds where lifted_at is null", "freezes where lifted_at is null", "blocks where lifted_at is null", "intents", "overrides", "reviews", "drops"} {
		fmt.Fprintf(&b, "%s: %d\n", table, query[int](h, `select count(*) from `+table))
	}
	var all []pull
	h.api("/repos/"+acmeEnv+"/pulls?state=all&per_page=100", &all)
	for _, p := range all {
		fmt.Fprintf(&b, "#%d %s %s %s\n", p.Number, p.State, p.Title, h.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State)
	}
	return b.String() + h.file(acmeEnv, "ferry-state", "decisions.yaml")
}

// TestSaidOnceObeyedOnce: a comment that is delivered again, was edited since, or comes again after the database was lost has the effect that it had, and
// one answer.
func TestSaidOnceObeyedOnce(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"/rollback checkout prod it loses orders", "/hotfix checkout prod 1.2.1 it loses orders", "/approve", "/override approvals it burns", "/drop checkout"} {
		t.Run(strings.Fields(body)[0][1:], func(t *testing.T) {
			t.Parallel()
			h, at, mia := beforeIt(t, body)
			id := h.say(at, mia, body)
			said := h.lastDelivery("issue_comment")
			for _, d := range h.forge.Deliveries() {
				if d.Event == "issue_comment" && strings.Contains(string(d.Body), fmt.Sprintf(`"id":%d`, id)) && strings.Contains(string(d.Body), `"created"`) {
					said = d
				}
			}
			h.patiently()
			want := h.effects()
			same := func(what string) {
				t.Helper()
				if got := h.effects(); got != want {
					t.Errorf("%s it was\n%s\nand is\n%s", what, want, got)
				}
				if answers := h.answersTo(at, id); len(answers) != 1 {
					t.Errorf("%s it has the answers %q", what, answers)
				}
			}
			h.hook("issue_comment", "again", said.Body, nil)
			h.settle()
			same("delivered again")
			h.edit(id, mia, body+" indeed")
			h.settle()
			h.sweep()
			same("edited")
			h.loseQuietly()
			h.reportAll("dev", "staging", "prod")
			h.hook("issue_comment", "late", said.Body, nil)
			h.settle()
			h.sweep()
			h.patiently()
			same("after the loss")
		})
	}
}

// beforeIt is a harness with a pull request under which mia may say the command: a train for /drop, else a promotion of 1.3.0 into prod where 1.2.0 stands.
func beforeIt(t *testing.T, command string) (h *harness, at int, mia string) {
	t.Helper()
	if strings.HasPrefix(command, "/drop") {
		h = train(t, "")
		mia = h.maintainer()
		h.bump("1.1.0", "cart", "checkout")
		return h, h.theTrain().Number, mia
	}
	h = newCheckout(t, "")
	mia = h.maintainer()
	h.through("1.1.0")
	h.through("1.2.0")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": checkoutFiles("    approvals: 1\n")[".ferry.yaml"]})
	h.arrive("1.3.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	return h, h.prod().Number, mia
}

// TestEmergenciesThroughTrouble: whatever the forge does not carry out, or does not answer, the end is the same.
func TestEmergenciesThroughTrouble(t *testing.T) {
	t.Parallel()
	for i, route := range []struct{ method, path string }{
		{"POST", "/git/commits"}, {"POST", "/git/refs"}, {"PATCH", "/git/refs/{ref}"}, {"POST", "/pulls"}, {"POST", "/statuses/{sha}"},
	} {
		for j, name := range []string{"a hotfix", "a rollback that Ferry decides"} {
			e, done := emergencies()[name], (i+j)%2 == 0
			t.Run(fmt.Sprint(name, " ", route.method, strings.ReplaceAll(route.path, "/", "."), done), func(t *testing.T) {
				t.Parallel()
				h, mia := e.begin(t)
				h.byStep()
				h.forge.Faults().Fail(sandbox.Fault{Method: route.method, Route: "/repos/{owner}/{repo}" + route.path, Status: 500, Done: done, Times: 2})
				e.does(h, mia)
				h.patiently()
				h.sweep()
				p := e.wantOpen(h)
				h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
			})
		}
	}
}
