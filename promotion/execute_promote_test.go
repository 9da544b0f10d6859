package promotion_test

import (
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// TestPromoteLeavesOut: a word that means many takes nothing back and lifts nothing; what it leaves out is named, with what brings it. An app's own name does.
func TestPromoteLeavesOut(t *testing.T) {
	t.Parallel()
	newer := func(tag string) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) { s.Views[1].Environments[1].Release = release(tag) }
	}
	byTime := func(o promotion.Order) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			s.Views[1].Environments[0].Release, s.Views[1].Environments[1].Release = release("main-2"), release("main-3")
			s.Views[1].Environments[1].ByTime = map[string]promotion.Order{"dev": o}
		}
	}
	place := config.Place{App: "checkout", Environment: "staging"}
	rejected := func(s *promotion.CommandScene) {
		s.Rejections = []promotion.StandingRejection{{Place: place, Rejection: promotion.Rejection{Release: release("1.1.0"), Number: 3, Actor: "bob"}}}
	}
	dropped := func(s *promotion.CommandScene) {
		s.Dropped = []promotion.Dropped{{App: "checkout", Environment: "staging", Drop: promotion.Drop{Release: release("1.1.0"), Number: 3, Actor: "bob"}}}
	}
	firstLook := func(s *promotion.CommandScene) {
		byTime(promotion.Unordered)(s)
		s.Views[1].Environments[0].Baseline, s.Views[1].Environments[1].Baseline = true, true
	}
	left := func(why string) string {
		return "`checkout` is left out of `staging`: " + why + ". `/promote checkout staging` brings it all the same."
	}
	back := "`checkout` goes back to `1.1.0` in `staging` as soon as its gates are open: that is older than `1.2.0`, which stands there."
	for name, test := range map[string]struct {
		change    func(*promotion.CommandScene)
		all, own  string // the answers
		takesBack string // what is named as taken back
	}{
		"newer by version":  {newer("1.0.0"), "`checkout` goes to `1.1.0`", "`checkout` goes to `1.1.0`", ""},
		"older by version":  {newer("1.2.0"), left("`1.1.0` is older than `1.2.0`, which stands there"), back, "1.2.0"},
		"newer by when":     {byTime(promotion.Newer), "`checkout` goes to `main-2`", "`checkout` goes to `main-2`", ""},
		"older by when":     {byTime(promotion.Older), left("`main-2` is older than `main-3`, which stands there"), "`checkout` goes back to `main-2`", "main-3"},
		"in no order":       {byTime(promotion.Unordered), left("`main-2` cannot be ordered to `main-3`, which stands there"), "`checkout` goes to `main-2`", ""},
		"of the first look": {firstLook, "`checkout` goes to `main-2`", "`checkout` goes to `main-2`", ""},
		"rejected":          {rejected, left("bob rejected `1.1.0` by closing #3"), "`checkout` goes to `1.1.0`", ""},
		"dropped":           {dropped, left("bob took `1.1.0` out of #3"), "`checkout` goes to `1.1.0`", ""},
		"of another train":  {func(s *promotion.CommandScene) { dropped(s); s.Dropped[0].Environment = "prod" }, "`checkout` goes to `1.1.0`", "`checkout` goes to `1.1.0`", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mayGoBack := func(s *promotion.CommandScene) {
				s.Permission, s.Views[1].Group = forge.PermissionMaintain, "shop"
				test.change(s)
			}
			for _, wide := range []string{"/promote all staging", "/promote shop staging", "/promote staging all"} {
				tried(t, wide, true, test.all, mayGoBack)
			}
			out := tried(t, "/promote checkout staging", true, test.own, mayGoBack)
			want := ""
			if i := out.Intents["checkout"]["staging"]; len(i.From) > 0 {
				want = i.From.Version()
			}
			if want != test.takesBack {
				t.Errorf("%q is taken back, want %q", want, test.takesBack)
			}
		})
	}
}

// TestPromoteGoesBackByName: an app is taken back where nothing else can be meant, and by who may roll it back.
func TestPromoteGoesBackByName(t *testing.T) {
	t.Parallel()
	back := func(s *promotion.CommandScene) { s.Views[1].Environments[2].Release = release("1.0.5") }
	may := func(s *promotion.CommandScene) { s.Permission = forge.PermissionMaintain }
	onlyProd := func(s *promotion.CommandScene) {
		s.Views[1].Environments[1].Release = release("1.1.0")
		s.Views[1].Environments[2].Release = release("1.2.0")
	}
	left := "`checkout` is left out of `prod`: `1.0.0` is older than `1.0.5`, which stands there. `/promote checkout prod` brings it all the same."
	if out := tried(t, "/promote checkout", true, left, back, may); len(out.Intents["checkout"]) != 1 || out.Intents["checkout"]["staging"].Release == nil {
		t.Errorf("asked for is %+v", out.Intents)
	}
	tried(t, "/promote checkout prod", true, "`checkout` goes back to `1.0.0` in `prod`", back, may)
	tried(t, "/promote checkout", true, "`checkout` goes back to `1.1.0` in `prod`", onlyProd, may)
	for _, words := range []string{"`checkout` in `prod` stays as it is: `1.0.0` in `staging` is older than `1.0.5`, and who takes an app back must be one who may `/rollback`. Let one of them say `/promote checkout prod`.",
		"@ann, you may not `/rollback`: it needs maintain permission in this repository, and you have write."} {
		if out := tried(t, "/promote checkout prod", false, words, back); len(out.Intents) != 0 {
			t.Errorf("asked for is %+v", out.Intents)
		}
	}
}

// TestPromoteFromSeveral: of several upstreams the one counts that has something newer.
func TestPromoteFromSeveral(t *testing.T) {
	t.Parallel()
	out := tried(t, "/promote all", true, "`checkout` goes to `1.3.0` in `prod`", func(s *promotion.CommandScene) {
		s.Config.Environments[2].From, s.Config.Environments[2].FromAny = []string{"staging", "dev"}, true
		for i, tag := range []string{"1.3.0", "1.0.0", "1.2.0"} {
			s.Views[1].Environments[i].Release = release(tag)
		}
	})
	if got := out.Intents["checkout"]["prod"].Release.Version(); got != "1.3.0" {
		t.Errorf("asked for is %s", got)
	}
}
