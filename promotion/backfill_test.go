package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// backfilled is runningBad with the hotfix 1.2.1 in prod, and its back-fills into staging and dev open.
func backfilled(t *testing.T, change ...func(staging, prod *config.Environment)) *world {
	t.Helper()
	w := runningBad(t, change...)
	w.tell("/hotfix prod 1.2.1 it loses orders")
	w.hotfixed()
	w.proposed("staging", "1.2.1")
	w.proposed("dev", "1.2.1")
	return w
}

func TestBackfillsEndWithTheirHotfix(t *testing.T) {
	t.Parallel()
	const blocked = "the hotfix 1.2.1 was taken back: mia blocks checkout 1.2.1 in prod"
	later := func(does func(w *world)) func(*world) {
		return func(w *world) { w.wait(time.Minute); does(w); w.look() }
	}
	for name, test := range map[string]struct {
		does func(w *world)
		why  string // empty: they stay
	}{
		"rolled back":                     {func(w *world) { w.tell("/rollback prod it is worse") }, blocked},
		"rolled back, and that is merged": {later(func(w *world) { w.tell("/rollback prod"); w.merge("prod") }), blocked},
		"reverted":                        {later(func(w *world) { w.commit("prod", "1.2.0") }), "somebody blocks checkout 1.2.1 in prod"},
		"replaced by something older":     {later(func(w *world) { w.commit("prod", "1.1.5") }), "1.1.5 took its place in prod"},
		"replaced by something newer":     {later(func(w *world) { w.commit("prod", "1.2.2") }), ""},
		"blocked":                         {later(func(w *world) { blockIn(w, bad("1.2.1", "prod")) }), "ann blocks checkout 1.2.1 in prod"},
		"an unreadable file stands there": {later(func(w *world) { w.stand("prod", "{", false) }), ""},
		"taken back from staging, where it had come": {later(func(w *world) {
			w.merge("staging")
			w.wait(time.Minute)
			w.look()
			w.commit("staging", "1.2.0")
		}), "somebody blocks checkout 1.2.1 in staging"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := backfilled(t)
			test.does(w)
			if test.why == "" {
				w.proposed("dev", "1.2.1")
				return
			}
			w.proposed("staging", "")
			w.proposed("dev", "")
			if why := w.closed["dev"]; !strings.Contains(why, test.why) || w.env("dev").Intent != nil {
				t.Errorf("it was closed because of %q, and wanted is %+v", why, w.env("dev").Intent)
			}
		})
	}
}

// TestBackfillOfAHotfixThatIsTakenBackMeanwhile: it converges, and is wanted out already.
func TestBackfillOfAHotfixThatIsTakenBackMeanwhile(t *testing.T) {
	t.Parallel()
	w := runningBad(t)
	w.tell("/hotfix prod 1.2.1 it loses orders")
	m := w.env("prod").Promotion
	w.env("prod").Hotfix = &promotion.Hotfix{Release: m.Release, Actor: "mia", At: m.OpenedAt}
	w.merge("prod")
	w.look()
	w.tell("/rollback prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
	w.proposed("staging", "")
	w.proposed("dev", "")
}

func TestTheNextHotfixReplacesTheBackfills(t *testing.T) {
	t.Parallel()
	w := backfilled(t)
	w.tell("/hotfix prod 1.2.2 that was not all")
	w.hotfixed()
	for _, env := range []string{"staging", "dev"} {
		w.proposed(env, "1.2.2")
		if w.closed[env] == "" {
			t.Errorf("into %s, one back-fill was rewritten to another", env)
		}
	}
}

func TestBackfillAndWhatIsNewer(t *testing.T) {
	t.Parallel()
	with := func(s config.Supersede) func(staging, _ *config.Environment) {
		return func(staging, _ *config.Environment) { staging.Supersede = s }
	}
	soak := func(staging, _ *config.Environment) { staging.Soak = time.Hour }
	newer := func(w *world) { w.wait(time.Minute); w.arrive("dev", "1.3.0") }
	for _, test := range []struct {
		name       string
		change     func(staging, prod *config.Environment)
		does       func(w *world)
		want, next string
	}{
		{"first seen after the hotfix", with(config.SupersedeLatest), newer, "1.3.0", ""},
		{"it has not converged", with(config.SupersedeLatest), func(w *world) { w.wait(time.Minute); w.commit("dev", "1.3.0"); w.look() }, "1.2.1", ""},
		{"it has not soaked", soak, newer, "1.2.1", "1.3.0"},
		{"it has soaked", soak, func(w *world) { newer(w); w.wait(time.Hour); w.look() }, "1.3.0", ""},
		{"in a queue", with(config.SupersedeQueue), newer, "1.2.1", "1.3.0"},
		{"in a batch", with(config.SupersedeBatch), newer, "1.2.1", "1.3.0"},
		{"first seen before the hotfix", with(config.SupersedeLatest), func(w *world) {
			w.env("prod").Hotfix.At = w.now.Add(time.Hour)
			newer(w)
		}, "1.2.1", "1.3.0"},
		{"older", with(config.SupersedeLatest), func(w *world) { w.wait(time.Minute); w.arrive("dev", "1.2.0-rc") }, "1.2.1", ""},
		{"the back-fill is closed", with(config.SupersedeQueue), func(w *world) { newer(w); w.reject("staging"); w.look() }, "1.3.0", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := backfilled(t, test.change)
			test.does(w)
			w.proposed("staging", test.want)
			cell := w.cell("staging")
			if test.next == "" && len(cell.Next) > 0 || test.next != "" && cell.Next.Version() != test.next {
				t.Errorf("next is %s", cell.Next.Version())
			}
			words := "Next, once this is merged or closed: `" + test.next + "`"
			if test.next != "" && (!strings.Contains(w.wishes["staging"].Body, words) || !strings.Contains(cell.Explain("checkout"), words)) {
				t.Errorf("it does not say why that waits:\n%s\n%s", w.wishes["staging"].Body, cell.Explain("checkout"))
			}
		})
	}
}
