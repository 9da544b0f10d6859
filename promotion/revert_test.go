package promotion_test

import (
	"strings"
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
)

// unblock lifts every block.
func (w *world) unblock() {
	w.t.Helper()
	w.blocks = nil
	blockIn(w)
	w.look()
}

func TestWhatIsARevert(t *testing.T) {
	t.Parallel()
	by := func(login string) func(w *world) {
		return func(w *world) { w.env("prod").History[0].BroughtBy = login }
	}
	for _, test := range []struct {
		name string
		does func(w *world)
		bad  string // what is blocked then
	}{
		{"back to what stood before", func(w *world) { w.commit("prod", "1.1.0"); by("dora")(w) }, "1.2.0"},
		{"back to what stood long ago", func(w *world) { w.commit("prod", "1.0.0"); by("dora")(w) }, "1.2.0"},
		{"in two commits", func(w *world) {
			w.commit("prod", "1.1.0", "1.2.0")
			w.look()
			w.commit("prod", "1.1.0")
			by("dora")(w)
		}, "1.2.0"},
		{"to something older that never stood there", func(w *world) { w.commit("prod", "0.9.0"); by("dora")(w) }, ""},
		{"to something newer", func(w *world) { w.commit("prod", "1.3.0"); by("dora")(w) }, ""},
		{"a bot's, or Ferry's own", func(w *world) { w.commit("prod", "1.1.0"); w.env("prod").History[0].Judged = true }, ""},
		{"a first environment", func(w *world) { w.commit("dev", "1.1.0"); w.env("dev").History[0].BroughtBy = "dora" }, ""},
		{"a merged pull request of Ferry's", func(w *world) {
			w.commit("staging", "1.1.0")
			w.env("staging").History[0].Judged = true
			w.report("staging", promotion.HealthHealthy)
			w.ask("prod", "1.1.0")
			w.look()
			w.merge("prod")
		}, ""},
		{"a rollback's", func(w *world) { w.tell("/rollback prod"); w.blocks = nil; w.env("prod").Holds = nil; w.merge("prod") }, ""},
		{"only observed", func(w *world) { w.env("prod").Mode = config.ModeObserve; w.commit("prod", "1.1.0") }, ""},
	} {
		w := runningBad(t)
		test.does(w)
		w.look()
		got := ""
		if len(w.blocks) == 1 && len(w.env("prod").Holds) == 1 && w.env("prod").Holds[0].RolledBack.Version() == w.blocks[0].Image.Tag {
			got = w.blocks[0].Image.Tag
		}
		if got != test.bad || test.bad == "" && len(w.blocks) != 0 {
			t.Errorf("%s: blocked are %+v, held %+v", test.name, w.blocks, w.env("prod").Holds)
		}
		if test.bad != "" && (w.blocks[0].Actor != "dora" || !strings.Contains(w.blocks[0].Reason, "back")) {
			t.Errorf("%s: %+v", test.name, w.blocks[0])
		}
	}
}

// TestARevertIsJudgedOnce: who lifts the hold and the block that came of it is not overruled.
func TestARevertIsJudgedOnce(t *testing.T) {
	t.Parallel()
	w := runningBad(t)
	w.commit("prod", "1.1.0")
	w.look()
	w.env("prod").Holds = nil
	w.unblock()
	w.report("prod", promotion.HealthHealthy)
	w.look()
	if len(w.blocks)+len(w.env("prod").Holds) != 0 {
		t.Errorf("blocked again: %+v", w.blocks)
	}
	w.commit("prod", "1.2.0") // the revert of the revert is none
	w.look()
	if len(w.blocks)+len(w.env("prod").Holds) != 0 {
		t.Errorf("going on was taken for going back: %+v", w.blocks)
	}
}

// TestARevertHoldsAtOnce: in the very plan that finds it, nothing is opened that it stops.
func TestARevertHoldsAtOnce(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "1.1.0") // older than what is reverted, and newer than what comes back
	w.arrive("dev", "1.2.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.commit("staging", "1.0.0")
	p := promotion.MakePlan(w.s, w.now)
	if len(p.RolledBack) != 1 || len(p.Pulls) != 1 || p.Pulls[0].Open || p.Pulls[0].Environment != "prod" {
		t.Errorf("%+v", p.Pulls)
	}
}
