package promotion_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// history is a world that random people and agents act on. It remembers by itself what entered the first environment when.
type history struct {
	*world
	random  *rand.Rand
	entered map[string]int // by tag
	moment  int
	minor   int
	blocks  []promotion.Block
	frozen  map[string]string // what is open under a hold, by environment
	log     []string
}

// TestRandomHistories lets random things happen and checks after each that nothing is proposed that has not converged upstream, that was
// rejected, or that is older than what stands there, and that a hold lets nothing move.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := &history{world: newWorld(t,
				config.Environment{Name: "dev"},
				config.Environment{Name: "staging", From: []string{"dev"}, Soak: 10 * time.Minute},
				config.Environment{Name: "canary", From: []string{"dev"}, AutoMerge: true, Mode: config.ModeRelease},
				config.Environment{Name: "prod", From: []string{"staging", "canary"}, Soak: 20 * time.Minute, AutoMerge: true, Mode: config.ModeRelease},
				config.Environment{Name: "prod-eu", From: []string{"staging", "canary"}, FromAny: true, AutoMerge: true, Mode: config.ModeRelease,
					Freezes: windows(t, "0 * * * *", 15*time.Minute, "UTC", "the hour begins")},
			), random: rand.New(rand.NewPCG(seed, 7)), entered: map[string]int{"1.0.0": 0}, frozen: map[string]string{}}
			h.baseline("1.0.0", "dev", "staging", "canary", "prod", "prod-eu")
			for range 80 {
				h.step()
				h.look()
				h.check()
			}
		})
	}
}

func (h *history) any(names ...string) string { return names[h.random.IntN(len(names))] }

func (h *history) step() {
	h.wait(time.Duration(h.random.IntN(15*60)) * time.Second)
	env := h.any("staging", "canary", "prod", "prod-eu")
	switch n := h.random.IntN(100); {
	case n < 15:
		h.enter(h.tag())
	case n < 18 && len(h.entered) > 2: // dev goes back
		tags := make([]string, 0, len(h.entered))
		for tag := range h.entered {
			tags = append(tags, tag)
		}
		slices.Sort(tags)
		h.enter(h.any(tags...))
	case n < 60:
		h.says(h.any("dev", "dev", "staging", "canary", "prod", "prod-eu"))
	case n < 75:
		h.mergeOne(env)
	case n < 79:
		if _, open := h.wishes[env]; open {
			h.note("reject %s in %s", h.env(env).Promotion.Release.Version(), env)
			h.reject(env)
		}
	case n < 82:
		h.note("by hand into %s", env)
		h.commit(env, h.any("1.0.1", "hotfix-1", "0.9.0", "9.0.0"))
	case n < 84:
		h.note("mixed in %s", env)
		h.commit(env, "1.0.0", "mixed")
	case n < 88:
		h.env(env).Holds = []promotion.Hold{{Actor: "ann"}}
	case n < 91:
		h.env(env).Holds = nil
	case n < 93:
		h.note("freeze %s", env)
		h.env(env).Frozen = []promotion.Freeze{{Actor: "ann", Reason: "an incident", Until: h.now.Add(time.Duration(h.random.IntN(3600)) * time.Second)}}
	case n < 95:
		h.env(env).Frozen = nil
	case n < 96:
		h.block()
	default:
		up := h.env(h.env(env).From[0]).Current()
		if up.Problem == "" {
			h.note("ask for %s in %s", up.Release.Version(), env)
			h.env(env).Intent = &promotion.Intent{Release: up.Release, Actor: "ann", At: h.now}
			h.env(env).Rejections = nil
		}
	}
}

// block blocks some release somewhere, or lifts what is blocked.
func (h *history) block() {
	if len(h.blocks) > 0 && h.random.IntN(2) == 0 {
		h.blocks = nil
	} else {
		tags := slices.Sorted(maps.Keys(h.entered))
		h.blocks = append(h.blocks, promotion.Block{App: "checkout", Environment: h.any("", "dev", "staging", "canary", "prod"), Image: promotion.Image{Tag: h.any(tags...)}, Actor: "ann", Reason: "bad"})
	}
	h.note("blocked are %+v", h.blocks)
	for i := range h.s.Environments {
		e := &h.s.Environments[i]
		e.Blocks = promotion.Stops{Blocks: h.blocks}.BlocksOn("checkout", e.Name, func(name string) []string { return h.env(name).From })
	}
}

// blocked says by the words of the design whether the tag must not enter: it is blocked there, or where it comes from.
func (h *history) blocked(tag, env string) bool {
	behind := map[string][]string{"staging": {"dev"}, "canary": {"dev"}, "prod": {"dev", "staging", "canary"}, "prod-eu": {"dev", "staging", "canary"}}
	return slices.ContainsFunc(h.blocks, func(b promotion.Block) bool {
		return b.Image.Tag == tag && (b.Environment == "" || b.Environment == env || slices.Contains(behind[env], b.Environment))
	})
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf("%s %s", h.now.Format(time.TimeOnly), fmt.Sprintf(format, args...)))
}

func (h *history) tag() string {
	h.minor++
	if h.random.IntN(3) == 0 {
		return fmt.Sprintf("main-%d", h.minor)
	}
	return fmt.Sprintf("1.%d.0", h.minor)
}

func (h *history) enter(tag string) {
	h.note("dev gets %s", tag)
	h.moment++
	if _, known := h.entered[tag]; !known {
		h.entered[tag] = h.moment
	}
	h.commit("dev", tag)
}

func (h *history) says(env string) {
	health := []promotion.Health{promotion.HealthHealthy, promotion.HealthHealthy, promotion.HealthHealthy, promotion.HealthProgressing, promotion.HealthDegraded}[h.random.IntN(5)]
	h.note("%s is %s", env, health)
	h.report(env, health, func(r *promotion.Report) {
		switch h.random.IntN(6) {
		case 0:
			r.Seq = max(1, r.Seq-1)
		case 1:
			r.Every = time.Minute
		}
		r.Revision = sha(r.Seq)
	})
}

func (h *history) mergeOne(env string) {
	if _, open := h.wishes[env]; open && len(h.env(env).Holds) == 0 && !h.frozenIn(env) {
		h.note("merge %s into %s", h.wishes[env].Release.Version(), env)
		h.merge(env)
	}
}

// frozenIn says by the words of the design whether nothing may enter now: a person froze it, or it is the first quarter of an hour in prod-eu.
func (h *history) frozenIn(env string) bool {
	return slices.ContainsFunc(h.env(env).Frozen, func(f promotion.Freeze) bool { return f.Until.After(h.now) }) || env == "prod-eu" && h.now.Minute() < 15
}

func (h *history) check() {
	h.t.Helper()
	for name := range h.wishes {
		if got := h.gatesStatus(name); h.env(name).Pull != nil && h.frozenIn(name) && got.State == forge.Success {
			h.failed("%s is frozen, and its pull request has %+v", name, got)
		}
	}
	for name, wish := range h.wishes {
		e := h.env(name)
		if h.blocked(wish.Release.Version(), name) {
			h.failed("%s is proposed into %s though it is blocked", wish.Release.Version(), name)
		}
		if len(e.Holds) > 0 {
			if frozen := h.frozen[name]; frozen != "" && frozen != wish.Release.Version() {
				h.failed("the pull request into %s brings another release in spite of a hold", name)
			}
			h.frozen[name] = wish.Release.Version()
			continue
		}
		delete(h.frozen, name)
		if !h.converged(e, wish.Release) {
			h.failed("%s is proposed into %s and has not converged upstream", wish.Release.Version(), name)
		}
		for _, r := range e.Rejections {
			if r.Release.Same(wish.Release) {
				h.failed("%s is proposed into %s though it was rejected", wish.Release.Version(), name)
			}
		}
		if c := e.Current(); wish.Asker == "" && c.Problem == "" && !h.newer(wish.Release.Version(), c.Release.Version()) {
			h.failed("%s is proposed into %s, where %s stands", wish.Release.Version(), name, c.Release.Version())
		}
	}
	for _, m := range h.plan.Merges {
		if h.frozenIn(m.Environment) {
			h.failed("#%d is merged into %s, which is frozen", m.Number, m.Environment)
		}
		if g := h.cell(m.Environment).Gates; slices.ContainsFunc(g, func(g promotion.Gate) bool { return g.State != promotion.GateOpen }) {
			h.failed("#%d into %s is merged with gates %+v", m.Number, m.Environment, g)
		}
	}
}

func (h *history) converged(e *promotion.Environment, release promotion.Release) bool {
	n := 0
	for _, name := range e.From {
		if slices.ContainsFunc(h.env(name).History, func(d promotion.Deployment) bool {
			return d.Problem == "" && d.Release.Same(release) && !d.ConvergedAt.IsZero()
		}) {
			n++
		}
	}
	return n == len(e.From) || e.FromAny && n > 0
}

// newer says by the words of the design whether tag a is newer than b.
func (h *history) newer(a, b string) bool {
	va, errA := semver.StrictNewVersion(a)
	vb, errB := semver.StrictNewVersion(b)
	if errA == nil && errB == nil {
		return va.GreaterThan(vb)
	}
	ea, okA := h.entered[a]
	eb, okB := h.entered[b]
	return okA && okB && ea > eb
}

func (h *history) failed(format string, args ...any) {
	h.t.Helper()
	h.t.Fatalf("%s\nwhat happened:\n%s", fmt.Sprintf(format, args...), strings.Join(h.log, "\n"))
}
