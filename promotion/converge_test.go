package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// wantState fails unless the deployment that stands in the environment is in the state, with a message that contains words.
func (w *world) wantState(env string, state promotion.DeploymentState, words string) {
	w.t.Helper()
	d := w.env(env).Current()
	if d.State != state || !strings.Contains(d.Message, words) {
		w.t.Fatalf("%s in %s is %s (%q), want %s (…%s…)", d.Release.Version(), env, d.State, d.Message, state, words)
	}
}

func images(refs ...string) func(*promotion.Report) {
	return func(r *promotion.Report) { r.Images = refs }
}

func unknownRevision(r *promotion.Report) { r.Revision, r.Seq = sha(9_999_999), 0 }

func noRevision(r *promotion.Report) { r.Revision, r.Seq = "", 0 }

func every(d time.Duration) func(*promotion.Report) {
	return func(r *promotion.Report) { r.Every = d }
}

func cluster(name string) func(*promotion.Report) {
	return func(r *promotion.Report) { r.Cluster = name }
}

func TestReportIsPlaced(t *testing.T) {
	t.Parallel()
	const digest, other = "@sha256:aaaa", "@sha256:bbbb"
	tests := []struct {
		name   string
		health promotion.Health
		report func(*promotion.Report)
		state  promotion.DeploymentState
		words  string
	}{
		{"same revision", promotion.HealthHealthy, nil, promotion.DeploymentConverged, ""},
		{"older revision", promotion.HealthHealthy, func(r *promotion.Report) { r.Seq, r.Revision = r.Seq-1, sha(r.Seq-1) }, promotion.DeploymentPending, "older revision"},
		{"older revision that degraded", promotion.HealthDegraded, func(r *promotion.Report) { r.Seq, r.Revision = r.Seq-1, sha(r.Seq-1) }, promotion.DeploymentPending, "older revision"},
		{"descendant with the same tag", promotion.HealthHealthy, func(r *promotion.Report) { r.Seq, r.Revision = r.Seq+5, sha(r.Seq+5) }, promotion.DeploymentConverged, ""},
		{"unknown revision, images contain the release", promotion.HealthHealthy, func(r *promotion.Report) { unknownRevision(r); images(image + ":1.1.0")(r) }, promotion.DeploymentConverged, ""},
		{"unknown revision, images lack the release", promotion.HealthHealthy, func(r *promotion.Report) { unknownRevision(r); images(image + ":1.0.0")(r) }, promotion.DeploymentPending, "unknown on the branch"},
		{"unknown revision, no images", promotion.HealthHealthy, unknownRevision, promotion.DeploymentPending, "unknown on the branch"},
		{"unknown revision, a bare name", promotion.HealthHealthy, func(r *promotion.Report) { unknownRevision(r); images(image)(r) }, promotion.DeploymentPending, "unknown on the branch"},
		{"unknown revision that degraded on the release", promotion.HealthDegraded, func(r *promotion.Report) { unknownRevision(r); images(image + ":1.1.0")(r) }, promotion.DeploymentDegraded, "degraded"},
		{"no revision, failed", promotion.HealthFailed, noRevision, promotion.DeploymentFailed, "before it reached a revision"},
		{"no revision, failed before the release came", promotion.HealthFailed, func(r *promotion.Report) { noRevision(r); r.ReceivedAt = r.ReceivedAt.Add(-time.Second) }, promotion.DeploymentPending, "nothing since"},
		{"images contradict", promotion.HealthHealthy, images(image + ":1.0.0"), promotion.DeploymentPending, "not the release"},
		{"images of others contradict nothing", promotion.HealthHealthy, images("ghcr.io/acme/cart:1.0.0", "busybox"), promotion.DeploymentConverged, ""},
		{"old and new while it rolls", promotion.HealthProgressing, images(image+":1.0.0", image+":1.1.0"), promotion.DeploymentProgressing, "progressing"},
		{"the digest is the same", promotion.HealthHealthy, images(image + digest), promotion.DeploymentConverged, ""},
		{"the digest is the same, the tag is another", promotion.HealthHealthy, images(image + ":latest" + digest), promotion.DeploymentConverged, ""},
		{"the tag is the same, the digest is another", promotion.HealthHealthy, images(image + ":1.1.0" + other), promotion.DeploymentPending, "not the release"},
		{"failed", promotion.HealthFailed, func(r *promotion.Report) { r.Message = "ImagePullBackOff\nsecond line" }, promotion.DeploymentFailed, "failed: ImagePullBackOff second line"},
		{"health unknown", promotion.HealthUnknown, nil, promotion.DeploymentPending, "does not know"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := line(t)
			w.commit("dev", "1.1.0"+digest)
			if test.report == nil {
				test.report = func(*promotion.Report) {}
			}
			w.report("dev", test.health, test.report)
			w.look()
			w.wantState("dev", test.state, test.words)
		})
	}
}

func TestDigestAloneIsNoContradiction(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.commit("dev", "1.1.0")
	w.report("dev", promotion.HealthHealthy, images(image+"@sha256:aaaa"))
	w.look()
	w.wantState("dev", promotion.DeploymentConverged, "")
}

func TestImagePulledUnderAnotherName(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.s.App.Images[0].In = map[string]string{"dev": "registry.internal:5000/checkout"}
	w.env("dev").History[0].Release = release("1.1.0")
	w.report("dev", promotion.HealthHealthy, images("registry.internal:5000/checkout:1.0.0"))
	w.env("dev").History[0].ConvergedAt, w.env("dev").History[0].State = time.Time{}, promotion.DeploymentPending
	w.plan = promotion.MakePlan(w.s, w.now)
	w.apply(w.plan)
	w.wantState("dev", promotion.DeploymentPending, "not the release")
	w.report("dev", promotion.HealthHealthy, unknownRevision, images("registry.internal:5000/checkout:1.1.0"))
	w.apply(promotion.MakePlan(w.s, w.now))
	w.wantState("dev", promotion.DeploymentConverged, "")
}

func TestEveryClusterHasToConverge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "prod", Clusters: []string{"eu", "us"}})
	w.seq++
	w.stand("prod", kustomization("1.0.0"), true)
	w.commit("prod", "1.1.0")
	w.report("prod", promotion.HealthHealthy, cluster("eu"))
	w.look()
	w.wantState("prod", promotion.DeploymentPending, "us: waiting for the first report")
	w.report("prod", promotion.HealthProgressing, cluster("us"))
	w.look()
	w.wantState("prod", promotion.DeploymentProgressing, "us: progressing")
	w.report("prod", promotion.HealthFailed, cluster("us"))
	w.look()
	w.wantState("prod", promotion.DeploymentFailed, "us: failed")
	w.report("prod", promotion.HealthHealthy, cluster("us"))
	w.look()
	w.wantState("prod", promotion.DeploymentConverged, "")
	w.report("prod", promotion.HealthHealthy, cluster("a cluster that the configuration does not name"), images(image+":0.1.0"))
	w.look()
	w.wantState("prod", promotion.DeploymentConverged, "")
}

func TestSilenceEndsInAnErrorAtItsInstant(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.wait(time.Hour)
	w.commit("dev", "1.1.0")
	plan := w.look()
	due := w.now.Add(15 * time.Minute)
	if !plan.DueAt.Equal(due) {
		t.Fatalf("the plan is due at %s, want %s", plan.DueAt, due)
	}
	w.now = due.Add(-1)
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Pending {
		t.Fatalf("just before: %+v", got)
	}
	w.now = due
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Error || !strings.Contains(got.Description, "no word from the agent since 2026-03-02 10:00:00 UTC") {
		t.Fatalf("at the instant: %+v", got)
	}
	w.report("dev", promotion.HealthProgressing)
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Pending {
		t.Fatalf("after a word: %+v", got)
	}
	w.report("dev", promotion.HealthHealthy)
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Success {
		t.Fatalf("after convergence: %+v", got)
	}
	w.wait(48 * time.Hour)
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Success {
		t.Fatalf("silence where no heartbeats were promised: %+v", got)
	}
}

func TestPromisedHeartbeatsThatStayAwayAreAnError(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.commit("dev", "1.1.0")
	w.report("dev", promotion.HealthHealthy, every(30*time.Second))
	plan := w.look()
	if due := w.now.Add(15 * time.Minute); !plan.DueAt.Equal(due) {
		t.Fatalf("the plan is due at %s, want %s", plan.DueAt, due)
	}
	w.wait(15 * time.Minute)
	plan = w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Error || !strings.Contains(got.Description, "silent since 2026-03-02 09:00:00 UTC") {
		t.Fatalf("%+v", got)
	}
	if !plan.DueAt.After(w.now) {
		t.Fatal("nobody looks whether the agent came back")
	}
	w.report("dev", promotion.HealthHealthy, every(30*time.Second))
	w.look()
	if got := w.status("", sha(w.seq), "ferry/dev"); got.State != forge.Success {
		t.Fatalf("%+v", got)
	}
}

func TestMergedCountsAsArrivedWhereNobodyReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t, config.Environment{Name: "dev", Converge: config.ConvergeMerge})
	w.seq++
	w.stand("dev", kustomization("1.0.0"), true)
	w.commit("dev", "1.1.0")
	w.look()
	w.wantState("dev", promotion.DeploymentConverged, "nobody reports here")
}

// soaking is a line in which prod asks for an hour of soak, and 1.1.0 has just converged in staging.
func soaking(t *testing.T, report ...func(*promotion.Report)) *world {
	t.Helper()
	w := line(t, func(_, prod *config.Environment) { prod.Soak = time.Hour })
	w.commit("staging", "1.1.0")
	w.report("staging", promotion.HealthHealthy, report...)
	w.look()
	return w
}

func (w *world) wantSoak(state promotion.GateState, words string) {
	w.t.Helper()
	if g := w.gate("prod", "soak"); g.State != state || !strings.Contains(g.Reason, words) {
		w.t.Fatalf("soak is %s (%s) at %s, want %s (…%s…)", g.State, g.Reason, w.now.Format(time.TimeOnly), state, words)
	}
}

func TestSoakIsDoneAtItsInstant(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	if due := w.now.Add(time.Hour); !w.plan.DueAt.Equal(due) {
		t.Fatalf("the plan is due at %s, want %s", w.plan.DueAt, due)
	}
	w.wait(time.Hour - 1)
	w.look()
	w.wantSoak(promotion.GateWaiting, "1h in staging, done at 2026-03-02 10:00:00 UTC")
	w.wait(1)
	w.look()
	w.wantSoak(promotion.GateOpen, "1h in staging are done")
}

func TestProgressKeepsConvergedAndPausesSoak(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.wait(40 * time.Minute)
	w.report("staging", promotion.HealthProgressing)
	w.look()
	w.wantState("staging", promotion.DeploymentConverged, "progressing")
	if got := w.status("", sha(w.seq), "ferry/staging"); got.State != forge.Success {
		t.Fatalf("%+v", got)
	}
	w.wait(3 * time.Hour)
	w.look()
	w.wantSoak(promotion.GateWaiting, "40m of 1h")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.wait(20 * time.Minute)
	w.look()
	w.wantSoak(promotion.GateOpen, "done")
}

func TestDegradationResetsSoak(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.wait(50 * time.Minute)
	w.report("staging", promotion.HealthDegraded, func(r *promotion.Report) { r.Message = "CrashLoopBackOff" })
	w.look()
	w.wantState("staging", promotion.DeploymentDegraded, "CrashLoopBackOff")
	if g := w.gate("prod", "upstream"); g.State != promotion.GateWaiting || !strings.Contains(g.Reason, "degraded in staging") {
		t.Fatalf("%+v", g)
	}
	w.wait(time.Minute)
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.wait(59 * time.Minute)
	w.look()
	w.wantSoak(promotion.GateWaiting, "")
	w.wait(time.Minute)
	w.look()
	w.wantSoak(promotion.GateOpen, "")
}

func TestDegradationThatNoPlanSawResetsSoak(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.wait(50 * time.Minute)
	w.report("staging", promotion.HealthDegraded)
	w.wait(time.Second)
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.wait(59 * time.Minute)
	w.look()
	w.wantSoak(promotion.GateWaiting, "")
}

func TestSilenceStopsSoak(t *testing.T) {
	t.Parallel()
	w := soaking(t, every(time.Minute))
	if due := w.now.Add(3 * time.Minute); !w.plan.DueAt.Equal(due) {
		t.Fatalf("the plan is due at %s, want %s", w.plan.DueAt, due)
	}
	w.wait(30 * time.Minute)
	w.report("staging", promotion.HealthHealthy, every(time.Minute))
	w.look()
	w.wait(3 * time.Minute)
	w.look()
	w.wantSoak(promotion.GateWaiting, "silent since 2026-03-02 09:30:00 UTC")
	w.wait(5 * time.Hour)
	w.report("staging", promotion.HealthHealthy, every(time.Minute))
	w.look()
	w.wantSoak(promotion.GateWaiting, "done at 2026-03-02 15:03:00 UTC") // the silence does not count
	for range 29 {
		w.wait(time.Minute)
		w.report("staging", promotion.HealthHealthy, every(time.Minute))
		w.look()
		w.wantSoak(promotion.GateWaiting, "done at 2026-03-02 15:03:00 UTC")
	}
	w.wait(time.Minute)
	w.look()
	w.wantSoak(promotion.GateOpen, "")
}

func TestSoakSurvivesBeingReplaced(t *testing.T) {
	t.Parallel()
	w := soaking(t)
	w.wait(40 * time.Minute)
	w.arrive("staging", "1.2.0")
	w.wait(5 * time.Minute)
	w.commit("staging", "1.1.0")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.1.0")
	w.wantSoak(promotion.GateWaiting, "done at 2026-03-02 10:05:00 UTC")
	w.wait(time.Second)
	w.report("staging", promotion.HealthDegraded)
	w.look()
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.wait(59 * time.Minute)
	w.look()
	w.wantSoak(promotion.GateWaiting, "") // neither what it soaked in its first deployment counts after a degradation
}
