package main

import (
	"strings"
	"testing"
	"time"
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
