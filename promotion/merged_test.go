package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// TestMergedAndOverrun: several revisions were read as one, and what was merged never came to stand. That is its end, and is said on the merge.
func TestMergedAndOverrun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		then  func(w *world)
		words string
		state promotion.PromotionState
	}{
		"nothing is read yet":     {func(*world) {}, "", ""},
		"another release stands":  {func(w *world) { w.commit("staging", "1.0.5") }, "checkout 1.1.0 never ran in staging: 1.0.5 came over it before it was read", promotion.PromotionSuperseded},
		"what stood stands again": {func(w *world) { w.seq++ }, "checkout 1.1.0 never ran in staging: 1.0.0 came over it before it was read", promotion.PromotionSuperseded},
		"a mixture stands":        {func(w *world) { w.commit("staging", "1.1.0", "1.0.5") }, "", ""},
		"it stood there before": {func(w *world) {
			w.commit("staging", "1.1.0")
			w.env("staging").History[0].Since = w.now.Add(-time.Hour)
		}, "", ""},
	} {
		w := line(t)
		w.arrive("dev", "1.1.0")
		w.merged("staging")
		if test.then(w); name != "nothing is read yet" {
			w.env("staging").Merged[0].Read = true
		}
		merge, ended := w.env("staging").Merged[0].MergeSHA, promotion.PromotionChange{}
		plan := promotion.MakePlan(w.s, w.now)
		if len(plan.Promotions) > 0 {
			ended = plan.Promotions[0]
		}
		if ended.State != test.state || ended.Detail != test.words {
			t.Errorf("%s: it ends as %+v", name, ended)
		}
		w.look()
		if got := w.status("", merge, "ferry/staging"); got.Description != test.words || test.words != "" && got.State != forge.Error {
			t.Errorf("%s: on the merge stands %+v", name, got)
		}
	}
}

// TestOverrunDoesNotComeAgain: what a person's commit came over goes in again only when a person wants it; the queue goes on, and Ferry goes back again from
// what is degraded.
func TestOverrunDoesNotComeAgain(t *testing.T) {
	t.Parallel()
	w := line(t, func(staging, _ *config.Environment) {
		staging.Supersede, staging.Rollback, staging.Settle, staging.Watch = config.SupersedeQueue, config.RollbackAuto, time.Minute, time.Hour
	})
	w.arrive("dev", "1.1.0")
	w.merged("staging")
	w.commit("staging", "1.0.5")
	w.look()
	if why := w.cell("staging").Why; !strings.Contains(why, "1.1.0 was merged, and its revision is being read") {
		t.Errorf("before it is read: %q", why)
	}
	e := w.env("staging")
	e.Merged[0].Read = true
	e.Overrun = append(e.Overrun, release("1.1.0"))
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "")
	w.wait(time.Minute)
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
	w.merge("staging")
	w.report("staging", promotion.HealthDegraded)
	w.look()
	w.wait(2 * time.Minute)
	w.look()
	w.proposed("staging", "1.0.5")
}
