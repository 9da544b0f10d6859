package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// watching is runningBad with a prod that is watched for half an hour, and in which degradation counts after a minute.
func watching(t *testing.T, how config.Rollback) *world {
	t.Helper()
	return runningBad(t, func(_, prod *config.Environment) {
		prod.Watch, prod.Settle, prod.Rollback, prod.Mode = 30*time.Minute, time.Minute, how, config.ModeRelease
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		how   config.Rollback
		does  func(w *world)
		offer bool
		goes  bool // a rollback is opened
		merge bool
	}{
		{"offered", config.RollbackManual, func(w *world) { w.sick(time.Minute) }, true, false, false},
		{"opened", config.RollbackPR, func(w *world) { w.sick(time.Minute) }, false, true, false},
		{"merged", config.RollbackAuto, func(w *world) { w.sick(time.Minute) }, false, true, true},
		{"merged only in mode release", config.RollbackAuto, func(w *world) { w.env("prod").Mode = config.ModePropose; w.sick(time.Minute) }, false, true, false},
		{"only offered in mode observe", config.RollbackAuto, func(w *world) { w.env("prod").Mode = config.ModeObserve; w.sick(time.Minute) }, true, false, false},
		{"not before it has settled", config.RollbackAuto, func(w *world) { w.sick(time.Minute - 1) }, false, false, false},
		{"not what flaps", config.RollbackAuto, func(w *world) {
			for range 5 {
				w.sick(50 * time.Second)
				w.well()
			}
			w.sick(50 * time.Second)
		}, false, false, false},
		{"at the end of the watch", config.RollbackPR, func(w *world) { w.wait(30 * time.Minute); w.sick(time.Minute) }, false, true, false},
		{"after the watch", config.RollbackAuto, func(w *world) { w.wait(30*time.Minute + 1); w.sick(time.Hour) }, false, false, false},
		{"before it has converged", config.RollbackPR, func(w *world) {
			w.commit("prod", "1.3.0")
			w.wait(10 * time.Hour)
			w.sick(time.Minute)
		}, false, true, false},
		{"what stood there first", config.RollbackAuto, func(w *world) { w.env("prod").History = w.env("prod").History[:1]; w.sick(time.Minute) }, false, false, false},
		{"not on from a rollback", config.RollbackAuto, func(w *world) {
			w.tell("/rollback prod")
			w.merge("prod")
			w.well()
			w.sick(time.Minute)
		}, true, false, false},
		{"past what a person rejected, it is only offered", config.RollbackAuto, func(w *world) {
			w.env("prod").Rejections = []promotion.Rejection{{Release: release("1.1.0"), Number: 7, Actor: "dora"}}
			w.sick(time.Minute)
			if offer := w.cell("prod").Offer; !strings.Contains(offer, "/rollback checkout prod to 1.0.0 brings 1.0.0 back") {
				w.t.Errorf("offered is %q", offer)
			}
		}, true, false, false},
		{"by what was read back, it is only offered", config.RollbackAuto, func(w *world) {
			w.env("prod").History[0].Recovered = w.now
			w.sick(time.Minute)
		}, true, false, false},
		{"only offered while something newer was merged that is not read yet", config.RollbackAuto, func(w *world) {
			w.newerUpstream()
			w.merged("prod")
			w.sick(time.Minute)
		}, true, false, false},
		{"the open promotion of something newer gives way", config.RollbackAuto, func(w *world) { w.newerUpstream(); w.sick(time.Minute) }, false, true, true},
		{"one of two clusters", config.RollbackAuto, func(w *world) { w.twoClusters(); w.sick(time.Minute, in("us")) }, false, true, true},
		{"one of two clusters, and it recovers before that counts", config.RollbackAuto, func(w *world) {
			w.twoClusters()
			w.sick(50*time.Second, in("us"))
			w.report("prod", promotion.HealthHealthy, in("us"))
			w.look()
			w.sick(50*time.Second, in("eu"))
		}, false, false, false},
		{"degraded before the watch ends, and for long enough after it", config.RollbackPR, func(w *world) {
			w.wait(29*time.Minute + 30*time.Second)
			w.sick(time.Minute)
		}, false, true, false},
		{"degraded before the watch ends, well within settle, and degraded after it", config.RollbackAuto, func(w *world) {
			w.wait(29*time.Minute + 30*time.Second)
			w.sick(50 * time.Second)
			w.well()
			w.sick(time.Hour)
		}, false, false, false},
		{"by another app's commit, after the watch", config.RollbackAuto, func(w *world) {
			w.wait(31 * time.Minute)
			w.seq++ // the head moved on
			w.sick(time.Hour)
		}, false, false, false},
		{"at the revision before it", config.RollbackAuto, func(w *world) {
			w.sick(time.Hour, func(r *promotion.Report) { r.Seq, r.Revision = 1, sha(1) })
		}, false, false, false},
	} {
		w := watching(t, test.how)
		test.does(w)
		wish, open := w.wishes["prod"]
		if offer := w.cell("prod").Offer; (offer != "") != test.offer || open != test.goes || (len(w.plan.Merges) > 0) != test.merge {
			t.Errorf("%s: offered is %q, open %s, merges %+v", test.name, offer, wish.Title, w.plan.Merges)
		}
		if open && (wish.Intent != promotion.IntentRollback || wish.Asker != "ferry" || !strings.Contains(wish.Body, "**Why**: degraded since") || len(w.env("prod").Holds) != 1 || len(w.blocks) != 1) {
			t.Errorf("%s: %+v, held %+v, blocked %+v", test.name, wish, w.env("prod").Holds, w.blocks)
		}
	}
}

// newerUpstream lets 1.3.0 come so far that its promotion into prod is open.
func (w *world) newerUpstream() {
	w.t.Helper()
	w.arrive("dev", "1.3.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.3.0")
}

// twoClusters lets prod consist of eu and us, where all is well.
func (w *world) twoClusters() {
	w.t.Helper()
	w.env("prod").Clusters, w.env("prod").Reports = []string{"eu", "us"}, nil
	w.report("prod", promotion.HealthHealthy, in("eu"))
	w.report("prod", promotion.HealthHealthy, in("us"))
	w.look()
}

func in(cluster string) func(*promotion.Report) {
	return func(r *promotion.Report) { r.Cluster = cluster }
}

// sick lets prod be degraded for so long, looking when Ferry says that it must look.
func (w *world) sick(long time.Duration, change ...func(*promotion.Report)) {
	w.t.Helper()
	until := w.now.Add(long)
	w.report("prod", promotion.HealthDegraded, change...)
	for p := w.look(); !p.DueAt.IsZero() && !p.DueAt.After(until); p = w.look() {
		w.now = p.DueAt
	}
	w.now = until
	w.look()
}

func (w *world) well() {
	w.t.Helper()
	w.report("prod", promotion.HealthHealthy)
	w.look()
}

func TestOfferSaysWhatToType(t *testing.T) {
	t.Parallel()
	w := watching(t, config.RollbackManual)
	from := w.now
	w.report("prod", promotion.HealthDegraded, func(r *promotion.Report) { r.Message = strings.Repeat("out of memory ", 20) })
	w.look()
	w.wait(time.Minute)
	w.look()
	want := "degraded since " + from.Format("2006-01-02 15:04:05") + " UTC, while that is blamed on 1.2.0: /rollback checkout prod brings 1.1.0 back"
	if got := w.cell("prod"); got.Offer != want || !strings.Contains(got.Explain("checkout"), "/rollback checkout prod brings 1.1.0 back") {
		t.Errorf("offered is %q", got.Offer)
	}
	d := w.env("prod").Current()
	if s := w.status("", d.FirstSHA, "ferry/prod"); s.State != "failure" || !strings.HasSuffix(s.Description, "(/rollback checkout prod brings 1.1.0 back)") || len(s.Description) > 140 {
		t.Errorf("the status is %+v", s)
	}
	w.well()
	if got := w.cell("prod"); got.Offer != "" {
		t.Errorf("offered though it is healthy: %q", got.Offer)
	}
}

// TestAnAutomaticRollbackAfterRecovery stays open, for a person to decide; and what a person has closed is not opened again.
func TestAnAutomaticRollbackAfterRecovery(t *testing.T) {
	t.Parallel()
	w := watching(t, config.RollbackAuto)
	w.env("prod").Frozen = []promotion.Freeze{{Environment: "prod", Actor: "bob", Reason: "no", At: w.now}}
	w.sick(time.Minute)
	w.proposed("prod", "1.1.0")
	if len(w.plan.Merges) != 0 {
		t.Error("a person's freeze stops it")
	}
	w.well()
	w.env("prod").Frozen = nil
	w.look()
	w.proposed("prod", "1.1.0")
	if len(w.plan.Merges) != 0 {
		t.Error("merged though it is healthy again")
	}
	w.reject("prod")
	w.look()
	w.env("prod").Holds = nil
	w.unblock()
	w.sick(10 * time.Minute)
	w.proposed("prod", "")
}
