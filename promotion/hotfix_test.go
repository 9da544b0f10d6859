package promotion_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// hotfixed merges the open hotfix into prod, as the database would know of it, and lets prod converge on it.
func (w *world) hotfixed() {
	w.t.Helper()
	m := w.env("prod").Promotion
	w.env("prod").Hotfix = &promotion.Hotfix{Release: m.Release, Actor: "mia", Reason: "it loses orders", At: m.OpenedAt}
	w.wait(time.Second)
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
}

func TestHotfix(t *testing.T) {
	t.Parallel()
	w := runningBad(t, func(_, prod *config.Environment) { prod.Soak = 24 * time.Hour })
	w.arrive("dev", "1.3.0") // before the hotfix
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.3.0")
	promoted := w.env("prod").Pull.Number
	out := w.tell("/hotfix prod 1.2.1 it loses orders")
	if !strings.Contains(out.Answer, "A hotfix of `checkout` in `prod`: `1.2.0` → `1.2.1`. The pull request follows") || !strings.Contains(out.Answer, "proposes it for `staging`, `dev` where something older stands") {
		t.Errorf("the answer is %s", out.Answer)
	}
	w.proposed("prod", "1.2.1")
	wish := w.wishes["prod"]
	if wish.Title != "Hotfix checkout in prod: 1.2.0 → 1.2.1" || w.env("prod").Pull.Number == promoted || !strings.Contains(wish.Body, "**Why**: it loses orders") {
		t.Errorf("open is #%d %s\n%s", w.env("prod").Pull.Number, wish.Title, wish.Body)
	}
	back, ok := promotion.ParseTrailers(wish.Message)
	if !ok || back.Intent != promotion.IntentHotfix || back.Reason != "it loses orders" || back.Asker != "mia" {
		t.Errorf("the trailers say %+v", back)
	}
	if s := w.gatesStatus("prod"); s.State != forge.Success {
		t.Errorf("its gates are %+v", s)
	}
	w.hotfixed()
	w.proposed("staging", "") // what stands there is newer
	w.proposed("dev", "")
	w.proposed("prod", "1.3.0")
	if g := w.gate("prod", "hotfix"); g.State != promotion.GateClosed || !strings.Contains(g.Reason, "1.2.1 stands here as a hotfix of mia: it loses orders. 1.3.0 was there before it") {
		t.Errorf("the gate hotfix is %+v", g)
	}
	w.env("prod").Waivers = []promotion.Waiver{{Gate: "hotfix", Release: release("1.3.0"), Actor: "mia", Reason: "1.3.0 has it"}}
	w.wait(48 * time.Hour)
	w.look()
	if s := w.gatesStatus("prod"); s.State != forge.Success {
		t.Errorf("overridden, its gates are %+v", s)
	}
	w.env("prod").Waivers = nil
	w.arrive("dev", "1.4.0") // after it
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.wait(48 * time.Hour)
	w.look()
	w.proposed("prod", "1.4.0")
	if g := w.gate("prod", "hotfix"); g.State != promotion.GateOpen {
		t.Errorf("the gate hotfix is %+v", g)
	}
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.arrive("dev", "1.5.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.5.0")
	if slices.ContainsFunc(w.cell("prod").Gates, func(g promotion.Gate) bool { return g.Name == "hotfix" }) {
		t.Error("where no hotfix stands, there is no gate for it")
	}
}

func TestBackfill(t *testing.T) {
	t.Parallel()
	w := runningBad(t)
	w.tell("/hotfix prod 1.2.1 it loses orders")
	w.proposed("staging", "") // not before it has converged
	w.hotfixed()
	for _, env := range []string{"staging", "dev"} {
		w.proposed(env, "1.2.1")
		if wish := w.wishes[env]; wish.Title != "Back-fill checkout in "+env+": 1.2.0 → 1.2.1" || wish.Intent != promotion.IntentBackfill || !strings.Contains(wish.Body, "the hotfix in prod: it loses orders") {
			t.Errorf("%s\n%s", wish.Title, wish.Body)
		}
		if s := w.gatesStatus(env); s.State != forge.Success {
			t.Errorf("its gates are %+v", s)
		}
	}
	w.reject("staging")
	w.merge("dev")
	w.report("dev", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "") // a person does not want it
	w.proposed("prod", "")
}

// TestHotfixOfTagsThatAreNoVersions: no order is known between the hotfix and what upstream has, but by when each was first seen.
func TestHotfixOfTagsThatAreNoVersions(t *testing.T) {
	t.Parallel()
	w := line(t)
	w.arrive("dev", "main-1")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.arrive("dev", "main-2")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.tell("/hotfix prod fix-1 it loses orders")
	w.proposed("prod", "fix-1")
	w.hotfixed()
	w.proposed("prod", "")
	w.proposed("staging", "") // nobody knows whether what stands there is older
	w.ask("prod", "main-2")
	w.look()
	w.proposed("prod", "main-2")
	if g := w.gate("prod", "hotfix"); g.State != promotion.GateClosed {
		t.Errorf("the gate hotfix is %+v", g)
	}
	w.env("prod").Intent = nil
	w.arrive("dev", "main-3")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "main-3")
	if g := w.gate("prod", "hotfix"); g.State != promotion.GateOpen {
		t.Errorf("the gate hotfix is %+v", g)
	}
}

// TestHotfixAfterARollback is let in by the hold of the rollback, and is ended by a rollback as anything else.
func TestHotfixAfterARollback(t *testing.T) {
	t.Parallel()
	w := runningBad(t)
	w.tell("/rollback prod")
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
	w.tell("/hotfix prod 1.1.1 the same, and more")
	w.proposed("prod", "1.1.1")
	if s := w.gatesStatus("prod"); s.State != forge.Success {
		t.Errorf("its gates are %+v", s)
	}
	w.hotfixed()
	w.tell("/rollback prod")
	w.proposed("prod", "1.1.0")
	if s := w.gatesStatus("prod"); s.State != forge.Success {
		t.Errorf("its gates are %+v", s)
	}
}

func TestHotfixCommand(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	api, web := promotion.ParseImage("ghcr.io/acme/api:1.0.0"), promotion.ParseImage("ghcr.io/acme/web:2.0.0")
	with := func(current promotion.Deployment) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			s.Permission = forge.PermissionMaintain
			current.Since = at
			s.History = map[string]map[string][]promotion.Deployment{"checkout": {"prod": {current}, "staging": {current}}}
		}
	}
	one, two := with(promotion.Deployment{Release: release("1.2.0")}), with(promotion.Deployment{Release: promotion.NewRelease(api, web)})
	for _, test := range []struct {
		body         string
		scene, other func(*promotion.CommandScene)
		words, want  string
	}{
		{"/hotfix checkout prod 1.2.1 it loses orders", one, nil, "`1.2.0` → `1.2.1`", image + ":1.2.1"},
		{"/hotfix prod checkout `checkout:1.2.1` it loses orders", one, nil, "`1.2.0` → `1.2.1`", image + ":1.2.1"},
		{"/hotfix checkout prod " + image + ":1.2.1@sha256:" + strings.Repeat("a", 64) + " it loses orders", one, nil, "→ `1.2.1`", image + ":1.2.1@sha256:" + strings.Repeat("a", 64)},
		{"/hotfix prod 1.2.1 it loses orders", one, onPull, "in `prod`", image + ":1.2.1"},
		{"/hotfix 1.2.1 it loses orders", one, onPull, "Nothing was done: `/hotfix` where?", ""},
		{"/hotfix live 1.2.1 it loses orders", one, onPull, "`live` is no app and no environment here.", ""},
		{"/hotfix prodd 1.2.1 it loses orders", one, onPull, "Did you mean `prod`?", ""},
		{"/hotfix checkout prod and staging 1.2.1 it loses orders", one, nil, "`staging` is another one", ""},
		{"/hotfix checkout prod api:1.0.1 it loses orders", two, nil, "→ `api:1.0.1, web:2.0.0`", "ghcr.io/acme/api:1.0.1 ghcr.io/acme/web:2.0.0"},
		{"/hotfix checkout prod 1.0.1 it loses orders", two, nil, "`1.0.1` is of which image? Write one of `ghcr.io/acme/api`, `ghcr.io/acme/web` before the tag.", ""},
		{"/hotfix checkout prod pay:1.0.1 it loses orders", two, nil, "is of which image?", ""},
		{"/hotfix checkout prod 1.2.1", one, nil, "`/hotfix checkout prod image:tag the reason`", ""},
		{"/hotfix checkout prod", one, nil, "with what, and why?", ""},
		{"/hotfix prod 1.2.1 why", one, nil, "`/hotfix` which app?", ""},
		{"/hotfix checkout 1.2.1 why", one, nil, "`/hotfix` where? `1.2.1` is no app", ""},
		{"/hotfix checkout prod <b> why", one, nil, "is no image with a tag", ""},
		{"/hotfix checkout prod sha256:" + strings.Repeat("a", 64) + " why", one, nil, "is no image with a tag", ""},
		{"/hotfix checkout dev 1.2.1 why", one, nil, "`checkout` is not in `dev`", ""},
		{"/hotfix checkout prod 1.2.1 why", with(promotion.Deployment{Problem: "the files disagree"}), nil, "before its files agree", ""},
		{"/hotfix checkout prod 1.2.1 why", one, func(s *promotion.CommandScene) { s.Blocks = []promotion.Block{bad("1.2.1", "")} }, "`1.2.1` cannot come: ann blocks", ""},
		{"/hotfix checkout prod 1.2.1 why", one, func(s *promotion.CommandScene) { s.Permission = forge.PermissionWrite }, "it needs maintain permission", ""},
	} {
		out := tried(t, test.body, test.want != "", test.words, test.scene, test.other)
		var got []string
		for _, i := range out.Intents["checkout"] {
			for _, image := range i.Release {
				got = append(got, image.String())
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q", test.body, got)
		}
	}
	out := execute(t, "/hotfix checkout prod 1.2.0 why", one)
	wantAnswer(t, out, forge.ReactionDone, "`1.2.0` stands in `prod` already.")
}
