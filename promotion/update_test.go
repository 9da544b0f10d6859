package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	announce := func(w *world, tag, digest string) {
		w.ids++
		a := promotion.Announced{Image: promotion.Image{Name: image, Tag: tag, Digest: digest}, Source: "acme/checkout", Commit: sha(77), Seq: w.ids, At: w.now}
		w.s.Announced, w.s.Sources = []promotion.Announced{a}, append(w.s.Sources, a)
	}
	first := func(t *testing.T, update config.Update, tag string) *world {
		t.Helper()
		w := newWorld(t, config.Environment{Name: "dev", Update: update})
		w.baseline(tag, "dev")
		w.wait(time.Minute)
		return w
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateNone, "1.0.0")
		announce(w, "1.1.0", "")
		w.look()
		w.wantWhy("dev", "by a commit")
	})
	t.Run("pr", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdatePR, "1.0.0")
		announce(w, "1.1.0", digest)
		w.look()
		w.proposed("dev", "1.1.0")
		if got := w.wishes["dev"]; got.Intent != promotion.IntentUpdate || got.Asker != "CI" || !strings.Contains(got.Message, "Ferry-Source: "+image+"@1.1.0 acme/checkout@"+string(sha(77))) {
			t.Fatalf("%+v", got)
		}
		w.merge("dev")
		w.look()
		w.wantWhy("dev", "nothing newer")
		w.report("dev", promotion.HealthHealthy)
		w.look()
		if got := w.status("acme/checkout", sha(77), "ferry/dev"); got.State != "success" {
			t.Fatalf("the source commit does not hear of it: %+v", got)
		}
	})
	t.Run("commit", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "main-1")
		announce(w, "main-2", "")
		plan := w.look()
		if len(plan.Pulls) != 0 || len(plan.Commits) != 1 || plan.Commits[0].Branch != "main" {
			t.Fatalf("pulls %+v, commits %+v", plan.Pulls, plan.Commits)
		}
		w.seq++
		w.stand("dev", string(plan.Commits[0].Files[0].Content), false)
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("commits again: %+v", plan.Commits)
		}
	})
	t.Run("a hold stops the commit", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "1.0.0")
		announce(w, "1.1.0", "")
		w.env("dev").Holds = []promotion.Hold{{Actor: "ann"}}
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatal("committed in spite of a hold")
		}
	})
	t.Run("a refused commit stays a wish", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "1.0.0")
		announce(w, "1.1.0", "")
		w.s.Refusals["dev"] = promotion.Refusal{Reason: "main is protected"}
		if plan := w.look(); len(plan.Commits) != 1 || w.gate("dev", "forge").Reason != "main is protected" {
			t.Fatalf("%+v", plan)
		}
	})
	t.Run("nothing older", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "2.0.0")
		announce(w, "1.1.0", "")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
	})
	t.Run("a person's commit since then stays", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "main-1")
		announce(w, "main-2", "")
		w.wait(time.Minute)
		w.commit("dev", "by-hand")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
	})
	t.Run("a person's revert is not undone", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "1.0.0")
		announce(w, "1.1.0", "")
		w.wait(time.Minute)
		w.commit("dev", "1.1.0")
		w.look()
		w.wait(time.Minute)
		w.commit("dev", "1.0.0")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
		announce(w, "1.1.1", "")
		if plan := w.look(); len(plan.Commits) != 1 {
			t.Fatal("and what CI announces next does not come")
		}
	})
}
