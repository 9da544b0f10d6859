package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/policy"
)

// policies compiles expressions: each is a name, the expression, and a reason that may be left out.
func policies(t *testing.T, list ...[3]string) []config.Policy {
	t.Helper()
	language, err := policy.NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	var out []config.Policy
	for _, one := range list {
		rule, err := language.Compile(one[1])
		if err != nil {
			t.Fatalf("%s: %v", one[0], err)
		}
		out = append(out, config.Policy{Name: one[0], Rule: rule, Reason: one[2]})
	}
	return out
}

func TestPolicyGate(t *testing.T) {
	t.Parallel()
	small := [3]string{"small", `change != "major"`, "majors are released by the team"}
	tests := []struct {
		name   string
		list   [][3]string
		tag    string
		state  promotion.GateState
		reason string
	}{
		{"none", nil, "2.0.0", promotion.GateOpen, "none asked for"},
		{"holds", [][3]string{small}, "1.1.0", promotion.GateOpen, "small holds"},
		{"two hold", [][3]string{small, {"app", `app.name == "checkout" && environment.name == "staging"`, ""}}, "1.1.0", promotion.GateOpen, "small, app hold"},
		{"does not hold", [][3]string{small}, "2.0.0", promotion.GateClosed, "small: majors are released by the team"},
		{"without a reason", [][3]string{{"policy", "change ==\n  'patch'", ""}}, "1.1.0", promotion.GateClosed, "policy does not hold: change ==   'patch'"},
		{"the first is not all", [][3]string{{"a", "true", ""}, small, {"b", "false", "never"}}, "2.0.0", promotion.GateClosed, "small: majors are released by the team; b: never"},
		{"an error", [][3]string{{"odd", `upstream[1].healthy`, "x"}}, "1.1.0", promotion.GateWaiting, "odd cannot be evaluated: index out of bounds: 1; correct it in .ferry.yaml"},
		{"an error and one that is false", [][3]string{{"odd", `upstream[1].healthy`, "x"}, {"b", "false", "never"}}, "1.1.0", promotion.GateClosed, "correct it in .ferry.yaml; b: never"},
		{"facts of the release", [][3]string{{"r", `release.version == "1.1.0" && current.version == "1.0.0" && change == "minor" && release.images.all(i, i.name == "ghcr.io/acme/checkout" && i.tag == "1.1.0" && i.digest == "")`, ""}},
			"1.1.0", promotion.GateOpen, "r holds"},
		{"facts of the app", [][3]string{{"r", `app.source == "acme/checkout" && app.group == "" && environment.clusters == ["default"] && intent == "promotion" && asker == ""`, ""}}, "1.1.0", promotion.GateOpen, "r holds"},
		{"facts of upstream", [][3]string{{"r", `upstream.map(u, u.environment) == ["dev"] && upstream[0].converged && upstream[0].healthy && upstream[0].soaked < duration("1s")`, ""}}, "1.1.0", promotion.GateOpen, "r holds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := line(t, func(staging, _ *config.Environment) { staging.Policies = policies(t, tt.list...) })
			w.arrive("dev", tt.tag)
			w.proposed("staging", tt.tag)
			if g := w.gate("staging", "policy"); g.State != tt.state || !strings.HasSuffix(g.Reason, tt.reason) {
				t.Errorf("%+v, want %s: %s", g, tt.state, tt.reason)
			}
			want := map[promotion.GateState]forge.State{promotion.GateOpen: forge.Success, promotion.GateWaiting: forge.Pending, promotion.GateClosed: forge.Failure}[tt.state]
			if got := w.gatesStatus("staging"); got.State != want {
				t.Errorf("ferry/gates is %+v, want %s", got, want)
			}
		})
	}
}

// TestPolicyOpensWithTheSoak: a policy that asks for a soak opens at its instant, though nothing else happens then.
func TestPolicyOpensWithTheSoak(t *testing.T) {
	t.Parallel()
	for operator, extra := range map[string]time.Duration{">=": 0, ">": time.Second} {
		w := line(t, releases, func(staging, _ *config.Environment) {
			staging.Policies = policies(t, [3]string{"slow", `change != "major" || upstream.all(u, u.soaked ` + operator + ` duration("72h"))`, "majors soak for three days"})
		})
		w.arrive("dev", "2.0.0")
		start := w.now
		for w.gate("staging", "policy").State != promotion.GateOpen {
			if due := w.plan.DueAt; due.IsZero() || due.After(start.Add(72*time.Hour+extra)) {
				t.Fatalf("%s: due at %s", operator, due)
			}
			if len(w.plan.Merges) > 0 {
				t.Fatalf("%s: merged before its time", operator)
			}
			w.now = w.plan.DueAt
			w.look()
		}
		if !w.now.Equal(start.Add(72*time.Hour + extra)) {
			t.Errorf("%s: it opened after %s", operator, w.now.Sub(start))
		}
		if len(w.plan.Merges) != 1 {
			t.Errorf("%s: not merged once it opened: %+v", operator, w.plan.Merges)
		}
	}
}

// TestPolicyStopsTheSoakOfASilentAgent: where only a policy asks for a soak, promised heartbeats that stay away stop its clock all the same.
func TestPolicyStopsTheSoakOfASilentAgent(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) {
		staging.Policies = policies(t, [3]string{"slow", `upstream.all(u, u.soaked >= duration("1h"))`, ""})
	})
	w.commit("dev", "1.1.0")
	w.report("dev", promotion.HealthHealthy, func(r *promotion.Report) { r.Every = time.Minute })
	w.look()
	for end := w.now.Add(3 * time.Hour); !w.plan.DueAt.IsZero() && w.plan.DueAt.Before(end); {
		w.now = w.plan.DueAt
		w.look()
	}
	w.now = w.now.Add(3 * time.Hour)
	w.look()
	if g := w.gate("staging", "policy"); g.State != promotion.GateClosed {
		t.Errorf("%+v", g)
	}
}

func TestPolicyIsWaived(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) {
		staging.Policies = policies(t, [3]string{"never", "false", "no"})
	})
	w.env("staging").Waivers = []promotion.Waiver{{Gate: "policy", Release: release("1.1.0"), Actor: "ann", Reason: "agreed with the team"}}
	w.arrive("dev", "1.1.0")
	if g := w.gate("staging", "policy"); g.State != promotion.GateOpen || g.Reason != "overridden by ann: agreed with the team (without that: never: no)" {
		t.Errorf("%+v", g)
	}
}

// TestPolicyKnowsTheAsker: who said /promote.
func TestPolicyKnowsTheAsker(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) {
		staging.Policies = policies(t, [3]string{"asked", `asker == "ann"`, ""})
	})
	w.arrive("dev", "1.1.0")
	if g := w.gate("staging", "policy"); g.State != promotion.GateClosed {
		t.Errorf("%+v", g)
	}
	w.env("staging").Intent = &promotion.Intent{Release: release("1.1.0"), Actor: "ann", At: w.now}
	w.look()
	if g := w.gate("staging", "policy"); g.State != promotion.GateOpen {
		t.Errorf("%+v", g)
	}
}

func TestPolicyFactsChange(t *testing.T) {
	t.Parallel()
	of := func(refs string) promotion.Release {
		var images []promotion.Image
		for ref := range strings.FieldsSeq(refs) {
			images = append(images, promotion.ParseImage(ref))
		}
		return promotion.NewRelease(images...)
	}
	for pair, want := range map[[2]string]string{
		{"a:1.2.3", "a:1.2.3"}:                     "none",
		{"a:1.2.3", "a:1.2.3@sha256:01"}:           "none",
		{"a:1.2.3@sha256:02", "a:1.2.3@sha256:01"}: "digest",
		{"a:1.2.3", "a:1.2.4"}:                     "patch",
		{"a:v1.2.3", "a:1.3.0"}:                    "minor",
		{"a:1.2.3-rc.1", "a:1.2.3"}:                "patch",
		{"a:1.2.3", "a:2.0.0"}:                     "major",
		{"a:1.2.3", "a:1.2.2"}:                     "older",
		{"a:1.2.3", "a:main-12"}:                   "unordered",
		{"a:main-11", "a:main-12"}:                 "unordered",
		{"a:1.0.0 b:1.0.0", "a:1.0.1 b:1.1.0"}:     "minor",
		{"a:1.0.0 b:1.0.0", "a:1.0.0 b:1.0.0"}:     "none",
		{"a:1.0.0 b:1.0.0", "a:0.9.0 b:1.0.0"}:     "older",
		{"a:1.0.0 b:1.0.0", "a:0.9.0 b:2.0.0"}:     "unordered",
		{"a:1.0.0", "a:1.0.0 b:1.0.0"}:             "unordered",
		{"a:1.0.0 b:1.0.0", "a:1.0.1"}:             "unordered",
		{"", "a:1.0.0"}:                            "unordered",
		{"a:1.0.0@sha256:01", "a:sha-1@sha256:02"}: "unordered",
	} {
		if got := promotion.PolicyFacts(config.App{}, config.Environment{}, of(pair[0]), of(pair[1])).Change; got != want {
			t.Errorf("%s to %s is %s, want %s", pair[0], pair[1], got, want)
		}
	}
}
