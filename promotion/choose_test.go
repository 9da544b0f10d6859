package promotion_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// wantWhy fails unless the view says why nothing is on its way into the environment.
func (w *world) wantWhy(env, words string) {
	w.t.Helper()
	w.proposed(env, "")
	if why := w.cell(env).Why; !strings.Contains(why, words) {
		w.t.Fatalf("nothing goes into %s because %q, want …%s…", env, why, words)
	}
}

// ask is /promote of what stands upstream, by somebody who knows what it replaces.
func (w *world) ask(env, tag string) {
	w.t.Helper()
	w.env(env).Intent = &promotion.Intent{Release: release(tag), Actor: "ann", At: w.now}
	if current := w.env(env).Current(); current != nil {
		w.env(env).Intent.From = current.Release
	}
}

func TestWhatArrivesUpstreamFlows(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.commit("dev", "1.1.0")
	w.look()
	w.wantWhy("staging", "1.1.0 has not converged in dev yet: the agent is still at the older revision")
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "1.1.0")
	w.wantWhy("prod", "nothing new upstream")
	w.merge("staging")
	w.look()
	w.wantWhy("staging", "nothing new upstream")
	w.proposed("prod", "")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.1.0")
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
	w.wantState("prod", promotion.DeploymentConverged, "")
	if len(w.env("prod").Merged) != 0 {
		t.Fatalf("the promotion has not come to its end: %+v", w.env("prod").Merged)
	}
}

func TestBaselineIsProposedToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}})
	w.baseline("1.1.0", "dev")
	w.baseline("1.0.0", "staging")
	w.wantWhy("staging", "1.1.0 has stood in dev since Ferry's first look; /promote checkout staging")
	w.ask("staging", "1.1.0")
	w.look()
	w.proposed("staging", "1.1.0")
	if got := w.wishes["staging"].Asker; got != "ann" {
		t.Fatalf("asked for by %q", got)
	}
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	if w.env("staging").Intent != nil {
		t.Fatal("the intent outlives what was asked for")
	}
}

func TestAskedForWaitsForConvergenceUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}})
	w.seq++
	w.stand("dev", kustomization("1.1.0"), true)
	w.stand("staging", kustomization("1.0.0"), true)
	w.ask("staging", "1.1.0")
	w.look()
	w.proposed("staging", "")
	if w.env("staging").Intent == nil {
		t.Fatal("the intent is forgotten before its release could converge")
	}
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "1.1.0")
}

// askedFor is a line in which a person has asked for 1.1.0 in staging.
func askedFor(t *testing.T) *world {
	t.Helper()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.ask("staging", "1.1.0")
	w.look()
	return w
}

func TestAskedForEnds(t *testing.T) {
	t.Parallel()
	t.Run("when upstream replaced it before it converged", func(t *testing.T) {
		t.Parallel()
		w := line(t)
		w.commit("dev", "1.1.0")
		w.ask("staging", "1.1.0")
		w.look()
		w.commit("dev", "1.2.0")
		w.look()
		w.proposed("staging", "")
		if w.env("staging").Intent != nil {
			t.Fatal("it waits for ever")
		}
	})
	t.Run("when somebody rejects it", func(t *testing.T) {
		t.Parallel()
		w := askedFor(t)
		w.reject("staging")
		w.look()
		w.wantWhy("staging", "ann rejected 1.1.0 by closing #1")
		if w.env("staging").Intent != nil {
			t.Fatal("it is asked for still")
		}
	})
	t.Run("when a newer one supersedes it", func(t *testing.T) {
		t.Parallel()
		w := askedFor(t)
		w.arrive("dev", "1.2.0")
		w.proposed("staging", "1.2.0")
		if w.env("staging").Intent != nil {
			t.Fatal("it is asked for still")
		}
	})
}

func TestAskedForMayBeOlder(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.commit("staging", "2.0.0")
	w.look()
	w.wantWhy("staging", "1.1.0 in dev is older than what stands here")
	w.ask("staging", "1.1.0")
	w.look()
	w.proposed("staging", "1.1.0")
	if got := w.wishes["staging"].Title; got != "Promote checkout to staging: 2.0.0 → 1.1.0 (older)" {
		t.Errorf("the title is %q", got)
	}
	w.commit("staging", "2.1.0") // not what they took back
	w.look()
	w.wantWhy("staging", "1.1.0 in dev is older than what stands here")
}

// TestAskedForIsOutrun: what somebody asked for when it was newer does not go over what is newer by now.
func TestAskedForIsOutrun(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string][3]string{"by version": {"1.0.0", "1.1.0", "1.2.0"}, "by when they came": {"main-1", "main-2", "main-3"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}})
			w.baseline(tags[0], "dev", "staging")
			w.arrive("dev", tags[1])
			w.ask("staging", tags[1])
			w.look()
			w.proposed("staging", tags[1])
			w.arrive("dev", tags[2])
			w.commit("staging", tags[2])
			w.commit("dev", tags[1])
			w.look()
			w.proposed("staging", "")
			if w.env("staging").Intent != nil {
				t.Error("it is still asked for")
			}
		})
	}
}

func TestNothingOlderOrUnordered(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, first, direct, next, why string }{
		{"older by version", "1.0.0", "1.5.0", "1.1.0", "older than what stands here"},
		{"a hotfix that never entered dev", "main-1", "hotfix-7", "main-2", "cannot be ordered"},
		{"a version against a name", "1.0.0", "hotfix-7", "1.1.0", "cannot be ordered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "prod", From: []string{"dev"}, AutoMerge: true, Mode: config.ModeRelease})
			w.baseline(test.first, "dev", "prod")
			w.commit("prod", test.direct)
			w.arrive("dev", test.next)
			w.wantWhy("prod", test.why)
			if len(w.plan.Merges) != 0 {
				t.Fatal("and yet it is merged")
			}
		})
	}
}

func TestCommitOrderDecidesWhereNoVersionDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}})
	w.baseline("main-zz", "dev", "staging")
	w.arrive("dev", "main-mm")
	w.proposed("staging", "main-mm")
	w.arrive("dev", "main-aa")
	w.proposed("staging", "main-aa")
	w.arrive("dev", "main-mm") // dev went back: what entered first stays older
	w.proposed("staging", "main-mm")
	w.merge("staging")
	w.look()
	w.wantWhy("staging", "nothing new upstream")
}

func TestNewerSupersedesInPlace(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.arrive("dev", "1.2.0")
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "1.3.0")
	wish := w.wishes["staging"]
	if got := fmt.Sprint(wish.Superseded); got != fmt.Sprint([]promotion.Release{release("1.2.0"), release("1.1.0")}) {
		t.Fatalf("superseded: %s", got)
	}
	if w.numbers != 1 {
		t.Fatalf("%d pull requests were opened", w.numbers)
	}
	if !strings.Contains(wish.Body, "Supersedes `1.2.0`, `1.1.0`.") {
		t.Fatalf("the body does not say so:\n%s", wish.Body)
	}
}

func TestSoakedIsNotReplacedByUnsoaked(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.wait(time.Hour)
	w.look()
	w.arrive("staging", "1.2.0")
	w.proposed("prod", "1.1.0")
	if next := w.cell("prod").Next.Version(); next != "1.2.0" {
		t.Fatalf("next is %s", next)
	}
	if body := w.wishes["prod"].Body; !strings.Contains(body, "Next, once its soak is done: `1.2.0`.") {
		t.Fatalf("the body does not name the next:\n%s", body)
	}
	if due := w.now.Add(time.Hour); !w.plan.DueAt.Equal(due) {
		t.Fatalf("the plan is due at %s, want %s, when the next has soaked", w.plan.DueAt, due)
	}
	w.wait(time.Hour)
	w.look()
	w.proposed("prod", "1.2.0")
}

func TestUnsoakedIsReplacedByUnsoaked(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.arrive("staging", "1.2.0")
	w.proposed("prod", "1.2.0")
}

func TestRejectedIsNotProposedAgain(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.reject("staging")
	w.look()
	w.wantWhy("staging", "ann rejected 1.1.0 by closing #1; reopening it, /promote or /unblock lifts that")
	w.wait(time.Hour)
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "")
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
	if got := w.wishes["staging"].Superseded; len(got) != 0 {
		t.Fatalf("the rejected one is superseded: %v", got)
	}
}

func TestRejectedStaysRejectedWithADigest(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.reject("staging")
	w.commit("dev", "1.2.0")
	w.arrive("dev", "1.1.0@sha256:"+strings.Repeat("a", 64))
	w.proposed("staging", "")
}

func TestUpstreamWentBack(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "1.1.0")
	w.arrive("dev", "1.0.0")
	w.wantWhy("staging", "nothing new upstream")
}

func TestOneOfSeveralUpstreamWentBack(t *testing.T) {
	t.Parallel()
	for _, any := range []bool{false, true} {
		t.Run(fmt.Sprintf("any=%v", any), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "a"}, config.Environment{Name: "b"}, config.Environment{Name: "prod", From: []string{"a", "b"}, FromAny: any})
			w.baseline("1.0.0", "a", "b", "prod")
			w.arrive("a", "1.1.0")
			w.proposed("prod", map[bool]string{true: "1.1.0"}[any])
			w.arrive("b", "1.1.0")
			w.proposed("prod", "1.1.0")
			w.arrive("b", "1.0.0")
			w.proposed("prod", map[bool]string{true: "1.1.0"}[any])
		})
	}
}

// TestWaitsForTheOthers: where a release is to have converged in several environments, it is told for which of them it waits, and why.
func TestWaitsForTheOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, words string
		does        func(w *world)
	}{
		{"it is open there", "1.1.0 waits for perf, where #2 brings it", func(*world) {}},
		{"it was rejected there", "1.1.0 waits for perf, where ann rejected 1.1.0 by closing #2", func(w *world) { w.reject("perf") }},
		{"it is blocked there", "1.1.0 waits for perf, where dora blocks checkout 1.1.0 in perf: slow", func(w *world) {
			w.env("perf").Blocks = []promotion.Block{{App: "checkout", Environment: "perf", Image: promotion.Image{Tag: "1.1.0"}, Actor: "dora", Reason: "slow"}}
		}},
		{"it has not converged there", "1.1.0 waits for perf, where it has not converged yet: ", func(w *world) { w.merge("perf") }},
		{"something else stands there", "1.1.0 waits for perf, where by-hand stands", func(w *world) { w.arrive("perf", "by-hand") }},
		{"its manifests disagree", "1.1.0 waits for perf, from where nothing is promoted: mixed", func(w *world) { w.commit("perf", "1.0.0", "0.9.0") }},
		{"it is in none of them", "1.1.0 waits for perf, where the app is not", func(w *world) { w.env("perf").History[0].Ended = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}}, config.Environment{Name: "perf", From: []string{"dev"}},
				config.Environment{Name: "prod", From: []string{"staging", "perf"}})
			w.baseline("1.0.0", "dev", "staging", "perf", "prod")
			w.arrive("dev", "1.1.0")
			w.merge("staging")
			w.report("staging", promotion.HealthHealthy)
			w.look()
			c.does(w)
			w.look()
			if w.wantWhy("prod", c.words); !w.cell("prod").Stuck {
				t.Error("the issue does not list it")
			}
		})
	}
}

func TestMixed(t *testing.T) {
	t.Parallel()
	t.Run("upstream promotes nobody", func(t *testing.T) {
		t.Parallel()
		w := line(t)
		w.arrive("dev", "1.1.0")
		w.commit("dev", "1.1.0", "1.2.0")
		w.report("dev", promotion.HealthHealthy)
		w.look()
		w.wantWhy("staging", "nothing is promoted from dev: mixed")
		if got := w.status("", sha(w.seq), "ferry/dev"); got.State != "error" || !strings.Contains(got.Description, "mixed") {
			t.Fatalf("%+v", got)
		}
	})
	t.Run("target is made whole", func(t *testing.T) {
		t.Parallel()
		w := line(t)
		w.commit("staging", "1.0.0", "0.9.0")
		w.arrive("dev", "1.1.0")
		w.proposed("staging", "1.1.0")
		if body := w.wishes["staging"].Body; !strings.Contains(body, "`1.0.0`, `0.9.0`") {
			t.Fatalf("the body does not say what stands there:\n%s", body)
		}
		w.merge("staging")
		w.look()
		if d := w.env("staging").Current(); d.Problem != "" || d.Release.Version() != "1.1.0" {
			t.Fatalf("%+v", d)
		}
	})
}

func TestAPersonsRevertIsNotUndone(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) { staging.AutoMerge, staging.Mode = true, config.ModeRelease })
	w.arrive("dev", "1.1.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.commit("staging", "1.0.0")
	w.look()
	w.wantWhy("staging", "somebody blocks checkout 1.1.0 in staging: "+sha(w.seq).Short()+" brought 1.0.0 back (/unblock checkout 1.1.0 staging lifts it)")
	w.unblock()
	w.wantWhy("staging", "somebody holds checkout in staging since the rollback from 1.1.0")
	w.env("staging").Holds = nil
	w.look()
	w.wantWhy("staging", "1.1.0 stood here until somebody replaced it; /promote checkout staging")
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
}

func TestMergedIsNotProposedAgainBeforeItsRevisionIsRead(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	wish := w.merged("staging")
	w.look()
	w.wantWhy("staging", "1.1.0 was merged")
	w.stand("staging", string(wish.Files[0].Content), false)
	w.report("staging", promotion.HealthHealthy)
	w.look()
	if w.numbers != 2 { // #2 is the one into prod
		t.Fatalf("%d pull requests were opened", w.numbers)
	}
}

func TestPromotionsEndDoesNotComeFromAnEarlierDeployment(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.commit("staging", "1.0.0")
	w.look()
	w.unblock()
	w.env("staging").Holds = nil
	w.wait(time.Minute)
	w.ask("staging", "1.1.0")
	w.look()
	w.proposed("staging", "1.1.0")
	w.merged("staging")
	w.look()
	if len(w.env("staging").Merged) != 1 {
		t.Fatal("the promotion has ended before its revision was read")
	}
}

// TestADroppedEnvironmentOrdersNothing: what somebody committed to an environment that .ferry.yaml has dropped since did not enter the first one.
func TestADroppedEnvironmentOrdersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}}, config.Environment{Name: "qa", From: []string{"dev"}})
	w.baseline("1.0.0", "dev", "staging", "qa")
	w.commit("qa", "hotfix")
	w.commit("staging", "hotfix")
	w.arrive("dev", "main-7")
	w.proposed("staging", "")
	w.env("qa").Dropped, w.env("qa").From = true, nil
	w.look()
	w.proposed("staging", "")
}
