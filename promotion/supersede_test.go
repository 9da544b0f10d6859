package promotion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

func superseding(s config.Supersede, window time.Duration) func(staging, prod *config.Environment) {
	return func(staging, _ *config.Environment) { staging.Supersede, staging.Window = s, window }
}

// nexts fails unless these releases wait behind the proposed one, the next one first.
func (w *world) nexts(env string, tags ...string) {
	w.t.Helper()
	var got []string
	cell := w.cell(env)
	for _, r := range append([]promotion.Release{cell.Next}, cell.Queue...) {
		if r != nil {
			got = append(got, r.Version())
		}
	}
	if !slices.Equal(got, tags) {
		w.t.Errorf("next into %s are %v, want %v", env, got, tags)
	}
}

// isDue fails unless the plan may change by itself exactly then, and does not before.
func (w *world) isDue(at time.Time) {
	w.t.Helper()
	if !w.plan.DueAt.Equal(at) {
		w.t.Errorf("the plan is due at %s, want %s", w.plan.DueAt, at)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeQueue, 0), func(_, prod *config.Environment) { prod.Soak = time.Hour })
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "1.1.0") // nothing of the queue came before the baseline
	w.wait(time.Minute)
	w.arrive("dev", "1.2.0")
	w.wait(time.Minute)
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "1.1.0")
	w.nexts("staging", "1.2.0", "1.3.0")
	if body := w.wishes["staging"].Body; !strings.Contains(body, "Next, once this has converged and soaked here: `1.2.0`, `1.3.0`.") {
		t.Errorf("the body says\n%s", body)
	}
	w.merged("staging")
	w.look()
	w.proposed("staging", "")
	if g := w.gate("staging", "queue"); !strings.Contains(g.Reason, "1.1.0 comes first: it was merged, and its revision is being read") {
		t.Errorf("the gate says %+v", g)
	}
	w.stand("staging", kustomization("1.1.0"), false)
	w.look()
	w.proposed("staging", "")
	if g := w.gate("staging", "queue"); !strings.Contains(g.Reason, "1.1.0 comes first, which stands here and has not converged") {
		t.Errorf("the gate says %+v", g)
	}
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "")
	w.nexts("staging", "1.3.0")
	if g := w.gate("staging", "queue"); !strings.Contains(g.Reason, "has not soaked: 1h in staging, done at 2026-03-02 10:02:00 UTC") {
		t.Errorf("the gate says %+v", g)
	}
	w.isDue(w.now.Add(time.Hour))
	w.wait(time.Hour - time.Second)
	w.look()
	w.proposed("staging", "")
	w.wait(time.Second)
	w.look()
	w.proposed("staging", "1.2.0")
	w.proposed("prod", "1.1.0")
	w.reject("staging") // the next one does not wait for what never came
	w.look()
	w.proposed("staging", "1.3.0")
	w.report("staging", promotion.HealthDegraded)
	w.look()
	w.proposed("staging", "1.3.0") // what is open stays open
}

// TestQueuePassesOver: what upstream replaced before it was ready never becomes ready, and does not keep the others waiting for ever.
func TestQueuePassesOver(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeQueue, 0), func(staging, _ *config.Environment) { staging.Soak = time.Hour })
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "1.1.0")
	w.wait(10 * time.Minute)
	w.wait(time.Minute)
	w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
	if got := w.wishes["staging"].Superseded; len(got) != 1 || got[0].Version() != "1.1.0" {
		t.Errorf("it supersedes %v", got)
	}
	w.wait(time.Hour)
	w.wait(time.Minute)
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "1.2.0") // its soak is done
	w.nexts("staging", "1.3.0")
}

func TestWhoAsksJumpsTheQueue(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeQueue, 0))
	w.arrive("dev", "1.1.0")
	w.merge("staging")
	w.look()
	w.wait(time.Minute)
	w.arrive("dev", "1.2.0")
	w.wait(time.Minute)
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "") // 1.1.0 has not converged
	w.ask("staging", "1.3.0")
	w.look()
	w.proposed("staging", "1.3.0")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeBatch, 10*time.Minute))
	ends := w.now.Add(10 * time.Minute)
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "")
	if g := w.gate("staging", "window"); g.State != promotion.GateWaiting || !strings.Contains(g.Reason, "collects until 2026-03-02 09:10:00 UTC") {
		t.Errorf("the gate says %+v", g)
	}
	w.isDue(ends)
	w.wait(9 * time.Minute)
	w.arrive("dev", "1.2.0") // it does not make the window longer
	w.isDue(ends)
	w.wait(time.Minute)
	w.look()
	w.proposed("staging", "1.2.0")
	w.wait(time.Hour)
	w.arrive("dev", "1.3.0")
	w.wait(time.Hour)
	w.look()
	w.proposed("staging", "1.2.0") // frozen until it is merged or closed
	w.nexts("staging", "1.3.0")
	if body := w.wishes["staging"].Body; !strings.Contains(body, "Next, once this is merged or closed: `1.3.0`.") {
		t.Errorf("the body says\n%s", body)
	}
	w.merge("staging")
	w.look()
	w.proposed("staging", "1.3.0") // its window is long over
	w.arrive("dev", "1.4.0")
	w.proposed("staging", "1.3.0")
	w.ask("staging", "1.4.0")
	w.look()
	w.proposed("staging", "1.4.0")
	w.env("staging").Intent = nil
	w.arrive("dev", "1.5.0")
	w.env("staging").Blocks = []promotion.Block{{App: "checkout", Image: promotion.Image{Tag: "1.4.0"}, Actor: "ann"}}
	w.look()
	w.proposed("staging", "1.5.0") // what may not come any more is not kept
}

func TestWindowOfLatest(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeLatest, 10*time.Minute))
	w.arrive("dev", "1.1.0")
	w.proposed("staging", "")
	w.wait(10 * time.Minute)
	w.look()
	w.proposed("staging", "1.1.0")
	w.arrive("dev", "1.2.0")
	ends := w.now.Add(10 * time.Minute)
	w.wait(5 * time.Minute)
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "1.1.0")
	w.nexts("staging", "1.3.0")
	w.isDue(ends)
	if body := w.wishes["staging"].Body; !strings.Contains(body, "Next, at 2026-03-02 09:20:00 UTC: `1.3.0`.") {
		t.Errorf("the body says\n%s", body)
	}
	w.wait(5*time.Minute - time.Second)
	w.look()
	w.proposed("staging", "1.1.0")
	w.wait(time.Second)
	w.look()
	w.proposed("staging", "1.3.0")
	w.arrive("dev", "1.4.0")
	w.ask("staging", "1.4.0")
	w.look()
	w.proposed("staging", "1.4.0") // a person does not wait
}

// TestWindowAndSoak: what has soaked long ago is not collected once more; and without a window nothing waits but the soak.
func TestWindowAndSoak(t *testing.T) {
	t.Parallel()
	w := line(t, superseding(config.SupersedeLatest, 10*time.Minute), func(staging, _ *config.Environment) { staging.Soak = time.Hour })
	begin := w.now
	w.arrive("dev", "1.1.0")
	w.isDue(begin.Add(10 * time.Minute))
	w.wait(10 * time.Minute)
	w.look()
	w.proposed("staging", "1.1.0") // it is shown while it soaks
	w.arrive("dev", "1.2.0")
	w.wait(10 * time.Minute)
	w.look()
	w.proposed("staging", "1.2.0") // of two that soak the newest
	w.wait(50 * time.Minute)
	w.arrive("dev", "1.3.0")
	w.proposed("staging", "1.2.0")
	w.wait(2 * time.Hour)
	w.look()
	w.proposed("staging", "1.3.0")
}
