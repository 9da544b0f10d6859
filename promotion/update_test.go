package promotion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// announce is CI's word that it has built the image.
func (w *world) announce(tag, digest string) {
	w.announceImage(promotion.Image{Name: image, Tag: tag, Digest: digest})
}

func (w *world) announceImage(i promotion.Image) {
	w.ids++
	said := func(a promotion.Announced) bool { return a.Image.Name == i.Name && a.Image.Tag == i.Tag }
	a := promotion.Announced{Image: i, Source: "acme/checkout", Commit: sha(77), Seq: w.ids, At: w.now}
	w.s.Announced = append(slices.DeleteFunc(slices.Clone(w.s.Announced), said), a)
	w.s.Sources = append(slices.DeleteFunc(slices.Clone(w.s.Sources), said), a)
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
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
		w.announce("1.1.0", "")
		w.look()
		w.wantWhy("dev", "by a commit")
	})
	t.Run("pr", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdatePR, "1.0.0")
		w.announce("1.1.0", digest)
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
		w.announce("main-2", "")
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
		w.announce("1.1.0", "")
		w.env("dev").Holds = []promotion.Hold{{Actor: "ann"}}
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatal("committed in spite of a hold")
		}
	})
	t.Run("a refused commit stays a wish", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "1.0.0")
		w.announce("1.1.0", "")
		w.s.Refusals["dev"] = promotion.Refusal{Reason: "main is protected"}
		if plan := w.look(); len(plan.Commits) != 1 || w.gate("dev", "forge").Reason != "main is protected" {
			t.Fatalf("%+v", plan)
		}
	})
	t.Run("nothing older", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "2.0.0")
		w.announce("1.1.0", "")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
	})
	t.Run("a person's commit since then stays", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "main-1")
		w.announce("main-2", "")
		w.wait(time.Minute)
		w.commit("dev", "by-hand")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
	})
	t.Run("a person's revert is not undone", func(t *testing.T) {
		t.Parallel()
		w := first(t, config.UpdateCommit, "1.0.0")
		w.announce("1.1.0", "")
		w.wait(time.Minute)
		w.commit("dev", "1.1.0")
		w.look()
		w.wait(time.Minute)
		w.commit("dev", "1.0.0")
		if plan := w.look(); len(plan.Commits) != 0 {
			t.Fatalf("%+v", plan.Commits)
		}
		w.announce("1.1.1", "")
		if plan := w.look(); len(plan.Commits) != 1 {
			t.Fatal("and what CI announces next does not come")
		}
	})
}

// TestNewestAnnounced: what CI announced comes in the order of releases, in whatever order it was announced.
func TestNewestAnnounced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		stands    string
		announced []string
		does      func(w *world)
		wants     string
		why       string
	}{
		{name: "an older version was announced later", stands: "1.0.0", announced: []string{"1.2.0", "1.1.5"}, wants: "1.2.0"},
		{name: "no versions: the last", stands: "main-c", announced: []string{"main-b", "main-a"}, wants: "main-a"},
		{name: "no version after a version", stands: "1.0.0", announced: []string{"1.2.0", "main-a"}, wants: "main-a"},
		{name: "said again, without versions", stands: "main-c", announced: []string{"main-b", "main-a", "main-b"}, wants: "main-b"},
		{name: "said again, with versions", stands: "1.0.0", announced: []string{"1.2.0", "1.3.0", "1.2.0"}, wants: "1.3.0"},
		{name: "rejected", stands: "1.0.0", announced: []string{"1.2.0", "1.1.0", "1.3.0"}, does: func(w *world) { w.rejects("1.3.0") }, wants: "1.2.0"},
		{name: "rejected, and no versions", stands: "main-c", announced: []string{"main-b", "main-a"}, does: func(w *world) { w.rejects("main-a") }, wants: "main-b"},
		{name: "blocked", stands: "1.0.0", announced: []string{"1.2.0", "1.3.0"}, does: func(w *world) { w.blocksIn("1.3.0") }, wants: "1.2.0"},
		{name: "nobody wants any", stands: "1.0.0", announced: []string{"1.2.0", "1.3.0"},
			does: func(w *world) { w.rejects("1.3.0"); w.blocksIn("1.2.0") }, why: "dora rejected 1.3.0 by closing #7; reopening it or /unblock lifts that"},
		{name: "merged already", stands: "1.0.0", announced: []string{"1.2.0", "1.3.0"}, why: "1.3.0 was merged, and its revision is being read", does: func(w *world) {
			w.env("dev").Merged = []promotion.Promotion{{ID: 1, Number: 7, Release: release("1.3.0"), State: promotion.PromotionMerged, OpenedAt: w.now}}
		}},
		{name: "somebody went back from the newest", stands: "1.0.0", announced: []string{"1.1.0", "1.2.0"}, does: func(w *world) { w.goesBack("1.2.0", "1.0.0") }, why: "nothing newer"},
		{name: "somebody went back, and no versions", stands: "main-c", announced: []string{"main-b", "main-a"}, does: func(w *world) { w.goesBack("main-a", "main-c") }, why: "nothing newer"},
		{name: "somebody went back, and a newer one waited", stands: "1.0.0", announced: []string{"1.2.0", "1.3.0"}, does: func(w *world) { w.goesBack("1.2.0", "1.0.0") }, wants: "1.3.0"},
		{name: "a version that somebody took back is said again", stands: "1.0.0", announced: []string{"1.2.0", "1.1.0"},
			does: func(w *world) { w.goesBack("1.2.0", "1.0.0"); w.announce("1.2.0", "") }, why: "nothing newer"},
		{name: "and one that never stood", stands: "1.0.0", announced: []string{"1.2.0", "1.1.0"},
			does: func(w *world) { w.goesBack("1.2.0", "1.0.0"); w.announce("1.1.0", "") }, wants: "1.1.0"},
		{name: "somebody's own build came after it", stands: "main-c", announced: []string{"main-b"}, does: func(w *world) {
			w.wait(time.Minute)
			tag := "sha-" + string(sha(99))
			w.commit("dev", tag)
			w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.ParseImage(image + ":" + tag), Source: "acme/checkout", Commit: sha(99)})
		}, why: "nothing newer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev", Update: config.UpdatePR})
			w.baseline(c.stands, "dev")
			w.wait(time.Minute)
			for _, tag := range c.announced {
				w.announce(tag, "")
			}
			if c.does != nil {
				c.does(w)
			}
			w.look()
			if w.proposed("dev", c.wants); c.wants == "" {
				w.wantWhy("dev", c.why)
			}
		})
	}
}

// rejects says that somebody closed a pull request into dev that showed the tag.
func (w *world) rejects(tag string) {
	w.env("dev").Rejections = append(w.env("dev").Rejections, promotion.Rejection{Release: release(tag), Number: 7, Actor: "dora", At: w.now})
}

// blocksIn says that somebody blocks the tag in dev.
func (w *world) blocksIn(tag string) {
	w.env("dev").Blocks = append(w.env("dev").Blocks, promotion.Block{App: "checkout", Image: promotion.Image{Tag: tag}, Actor: "dora", Reason: "slow", At: w.now})
}

// goesBack lets the tag stand in dev, and then the one that stood before, by somebody's commit.
func (w *world) goesBack(from, to string) {
	w.wait(time.Minute)
	w.commit("dev", from)
	w.look()
	w.wait(time.Minute)
	w.commit("dev", to)
	w.wait(time.Minute)
}

// TestNewestAnnouncedOfSeveralImages: where the newest of each image are not to come together, one of them gives way.
func TestNewestAnnouncedOfSeveralImages(t *testing.T) {
	t.Parallel()
	both := func(api, web string) promotion.Release {
		return promotion.NewRelease(promotion.ParseImage("ghcr.io/acme/api:"+api), promotion.ParseImage("ghcr.io/acme/web:"+web))
	}
	for _, c := range []struct {
		name  string
		unfit func(env *promotion.Environment)
		wants promotion.Release
	}{
		{"nobody minds", func(*promotion.Environment) {}, both("1.2.0", "1.2.0")},
		{"rejected: the last gives way", func(env *promotion.Environment) {
			env.Rejections = []promotion.Rejection{{Release: both("1.2.0", "1.2.0"), Number: 7, Actor: "dora"}}
		}, both("1.2.0", "1.1.0")},
		{"one is blocked", func(env *promotion.Environment) {
			env.Blocks = []promotion.Block{{App: "checkout", Image: promotion.ParseImage("ghcr.io/acme/api:1.2.0"), Actor: "dora"}}
		}, both("1.1.0", "1.2.0")},
		{"both together are blocked", func(env *promotion.Environment) {
			env.Blocks = []promotion.Block{{App: "checkout", Image: promotion.ParseImage("ghcr.io/acme/api:1.2.0"), Rest: both("1.2.0", "1.2.0")[1:], Actor: "dora"}}
		}, both("1.2.0", "1.1.0")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev", Update: config.UpdatePR})
			w.s.App.Images = []config.Image{{Name: "ghcr.io/acme/api"}, {Name: "ghcr.io/acme/web"}}
			env := w.env("dev")
			env.History = []promotion.Deployment{{ID: 1, Release: both("1.0.0", "1.0.0"), FirstSeq: 1, FirstSHA: sha(1), Baseline: true, State: promotion.DeploymentConverged, Since: w.now}}
			w.wait(time.Minute)
			for _, tag := range []string{"1.1.0", "1.2.0"} {
				for _, i := range both(tag, tag) {
					w.announceImage(i)
				}
			}
			c.unfit(env)
			view := promotion.MakePlan(w.s, w.now).View
			if got := view.Find("dev").Proposed; !got.Same(c.wants) {
				t.Errorf("proposed is %s, want %s", got.Version(), c.wants.Version())
			}
		})
	}
}
