package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
)

const policed = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    policy:\n" +
	"      - {name: majors, rule: 'change in [\"digest\", \"patch\", \"minor\"] || upstream.all(u, u.soaked >= duration(\"1h\"))', reason: majors soak for an hour}\n"

// TestPolicyStopsAndOpens: a policy closes ferry/gates with its reason, opens to the second where it asks for a soak, and a change of the expression
// counts at once.
func TestPolicyStopsAndOpens(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + policed + checkoutApp
	h.environments(acmeEnv, files)
	h.arrive("1.1.0")
	minor := h.staging()
	h.wantStatus(acmeEnv, minor.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.arrive("2.0.0")
	major := h.staging()
	if major.Number != minor.Number || !strings.Contains(major.Body, "| policy | closed | majors: majors soak for an hour |") {
		t.Errorf("#%d after #%d says\n%s", major.Number, minor.Number, major.Body)
	}
	h.wantStatus(acmeEnv, major.Head.SHA, "ferry/gates", "failure", "policy: majors: majors soak for an hour")
	h.later(time.Hour)
	h.wantStatus(acmeEnv, major.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.push("dora", "main", map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(policed, `duration("1h")`, `duration("9h")`, 1) + checkoutApp})
	h.settle()
	h.wantStatus(acmeEnv, major.Head.SHA, "ferry/gates", "failure", "policy: majors: majors soak for an hour")
	wrong := h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(policed, "u.soaked", "u.soacked", 1) + checkoutApp})
	h.settle()
	h.wantStatus(acmeEnv, wrong, "ferry/config", "failure", ".ferry.yaml:7:")
	h.wantStatus(acmeEnv, major.Head.SHA, "ferry/gates", "failure", "policy: majors: majors soak for an hour") // the last good one stays in force
}

// approvedBy is a configuration in which staging asks for one person's approval of what is more than a patch.
func approvedBy(login string) string {
	return "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    policy: 'change == \"patch\" || \"" + login + "\" in approvals'\n"
}

// TestPolicyOfApprovals: what a policy knows of approvals are those that count, for what is shown; the pull request opens and waits for them.
func TestPolicyOfApprovals(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approvedBy("bob"))
	h.gates("failure", "policy: policy does not hold")
	h.review(p.Number, "rita", "APPROVE")
	h.review(p.Number, "eve", "APPROVE")
	h.gates("failure", "policy: policy does not hold")
	if answer := h.ask(p.Number, "bob", "/approve"); strings.Contains(answer, "No approval is asked for") {
		t.Errorf("the answer is %q", answer)
	}
	h.gates("success", "every gate is open")
	h.comesBack()
	h.gates("success", "every gate is open")
	h.arrive("1.2.0")
	h.gates("failure", "policy: policy does not hold")
	h.review(p.Number, "bob", "APPROVE")
	h.gates("success", "every gate is open")
}

// TestPolicyOfApprovalsInATrain: the train opens and waits, for nobody can approve what no pull request shows.
func TestPolicyOfApprovalsInATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "    policy: '\"bob\" in approvals'\n")
	h.person("bob", acmeEnv, forge.PermissionWrite)
	h.bump("1.1.0", "cart", "checkout")
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "policy does not hold")
	h.later(time.Minute)
	h.review(p.Number, "bob", "APPROVE")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
}

// TestPolicyOverridden: an override opens the gate of all policies for what is shown, says what they say, and comes back after a loss; not for another release.
func TestPolicyOverridden(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approvedBy("bob"))
	h.gates("failure", "policy: policy does not hold")
	h.hears(p.Number, "mia", "/override policy agreed with the team", "Overridden: `policy` for `1.1.0` in `staging`, by mia: agreed with the team.")
	h.gates("success", "every gate is open")
	if body := h.staging().Body; !strings.Contains(body, "| policy | open | overridden by mia: agreed with the team (without that: policy does not hold") {
		t.Errorf("the body says\n%s", body)
	}
	h.comesBack()
	h.gates("success", "every gate is open")
	h.later(time.Minute)
	h.arrive("1.2.0")
	h.gates("failure", "policy: policy does not hold")
}

// TestPolicyOverriddenInATrain: a policy that keeps one app behind is overridden for that app's release, and for no other of its own or of the train's.
func TestPolicyOverriddenInATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "    policy: 'change != \"major\"'\n")
	issue, mia := h.board().Number, h.maintainer()
	h.bump("2.0.0", "cart", "checkout")
	h.noPulls()
	h.later(time.Minute)
	h.hears(issue, mia, "/override policy cart staging agreed with the team", "Overridden: `policy` for `cart 2.0.0` in `staging`, by mia: agreed with the team.")
	h.wantStatus(acmeEnv, h.brings("cart 1.0.0 → 2.0.0").Head.SHA, "ferry/gates", "success", "every gate is open")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.brings("cart 1.0.0 → 2.0.0")
	h.bump("3.0.0", "cart")
	h.noPullOf("ferry/staging/platform")
}
