package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/window"
)

// AppsLookedBack returns the apps of which the commands need to know what stood where.
func (s CommandScene) AppsLookedBack(commands []Command) (apps []string) {
	e := execution{CommandScene: s}
	add := func(word string) {
		if name := e.placeOf(word); e.isApp(name) && !slices.Contains(apps, name) {
			apps = append(apps, name)
		}
	}
	for _, c := range commands {
		if c.Name != "rollback" && c.Name != "hotfix" {
			continue
		}
		add(s.App)
		for _, word := range c.Words {
			add(word)
		}
		if len(s.Views) == 1 {
			add(s.Views[0].App)
		}
	}
	return apps
}

// rollback asks for what ran in the environment before, and writes down what keeps the release out that stands there now.
func (e *execution) rollback(c Command) {
	app, environment, tag, rest, ok := e.rollbackWords(c)
	if !ok {
		return
	}
	history := e.History[app][environment]
	if standing(history) == nil {
		e.refuse("%s is not in %s: there is nothing to roll back.", code(app), code(environment))
		return
	}
	if e.rolledBackAlready(app, environment, tag, history) {
		return
	}
	var to Release
	var skipped string
	blocks := e.BlocksOn(app, environment, FromOf(e.Config, app))
	if tag != "" {
		to, ok = e.namedBefore(app, environment, tag, history, blocks)
	} else {
		to, skipped, ok = e.nearestBefore(app, environment, history, blocks)
	}
	if !ok {
		return
	}
	e.rollBack(rollback(app, environment, history, to, e.Login, clip(oneLine(strings.Join(rest, " ")), 300), e.Now), skipped)
}

// nearestBefore returns the last other release that converged in the environment and that nobody blocks, and says which nearer ones are left out for that.
// It returns false after a refusal: one that a person has rejected is neither brought nor passed over without a word.
func (e *execution) nearestBefore(app, environment string, history []Deployment, blocks []Block) (to Release, skipped string, ok bool) {
	var out []string
	blocked := func(r Release) bool {
		g := blockedBy(blocks, r)
		if name := code(r.Version()) + ", for " + escape(g.Reason); g.State != GateOpen && !slices.Contains(out, name) {
			out = append(out, name)
		}
		return g.State != GateOpen
	}
	to = lastGood(history, blocked)
	if to == nil {
		e.refuse("No other release has converged in %s before that could come back. Name one that stood there: `/rollback %s %s to TAG`. %s", code(environment), app, environment, e.stoodWords(app, environment, history, blocks))
		return nil, "", false
	}
	if x := e.rejectedHere(app, environment, to); x != nil {
		e.refuse("Nothing was done: %s ran there before, but %s rejected it by closing #%d. `/rollback %s %s to %s` brings it all the same.%s",
			code(to.Version()), escape(x.Actor), x.Number, app, environment, to.Version(), e.furtherBack(app, environment, history, blocks))
		return nil, "", false
	}
	if len(out) > 0 {
		skipped = " Nearer, and left out: " + someOf(out) + "."
	}
	return to, skipped, true
}

// furtherBack offers what ran there before everything that nobody wants back.
func (e *execution) furtherBack(app, environment string, history []Deployment, blocks []Block) string {
	to := lastGood(history, func(r Release) bool {
		return blockedBy(blocks, r).State != GateOpen || e.rejectedHere(app, environment, r) != nil
	})
	if to == nil {
		return ""
	}
	return fmt.Sprintf(" `/rollback %s %s to %s` goes further back.", app, environment, to.Version())
}

// rollbackWords reads what is to be rolled back, to which tag, and why. It returns false after a refusal.
func (e *execution) rollbackWords(c Command) (app, environment, tag string, rest []string, ok bool) {
	words, named := c.Words, false
	if i := indexFold(words, "to"); i >= 0 && i+1 < len(words) && !e.isPlace(words[i+1]) {
		if _, _, other := e.target(words[:i]); len(other) == 0 {
			named, tag = true, strings.Trim(words[i+1], "`,")
			words = slices.Concat(words[:i], words[i+2:])
		}
	}
	all := slices.Index(words, "all") // a word of the reason: nothing is rolled back everywhere
	if all < 0 {
		all = len(words)
	}
	app, environment, rest = e.target(words[:all])
	rest = slices.Concat(rest, words[all:])
	if e.misspelt(c, environment, rest) || e.several(c, rest, app, environment) || e.nowhere(c, environment, rest) {
		return "", "", "", nil, false
	}
	app, environment, ok = e.onePlace(c, app, environment)
	if ok && !named {
		tag, rest = tagAmong(rest, e.History[app][environment])
	}
	return app, environment, tag, rest, ok
}

// nowhere refuses a command that says something and names no environment: a word that is no place may be what they call one elsewhere, and the pull
// request's own would be taken for it. It returns true after that.
func (e *execution) nowhere(c Command, environment string, rest []string) bool {
	if environment != "" || len(rest) == 0 {
		return false
	}
	e.refuse("Nothing was done: `/%s` where? %s is no app and no environment here. Name an environment before everything else: %s.", c.Name, code(clip(rest[0], 60)), e.environmentChoices())
	return true
}

// tagAmong finds the release that is named among the words of a reason: behind a "to", or where the first of them stood in the environment.
func tagAmong(words []string, history []Deployment) (tag string, rest []string) {
	stood := func(word string) bool {
		image, ok := parseNamed(strings.Trim(word, "`,"))
		return ok && stoodOnce(history, image) != nil
	}
	for i, word := range words {
		after, glued := strings.CutPrefix(strings.ToLower(word), "to=")
		switch {
		case glued:
			return strings.Trim(word[len(word)-len(after):], "`,"), slices.Concat(words[:i], words[i+1:])
		case strings.EqualFold(word, "to") && i+1 < len(words) && (stood(words[i+1]) || strings.ContainsAny(words[i+1], "0123456789")):
			return strings.Trim(words[i+1], "`,"), slices.Concat(words[:i], words[i+2:])
		}
	}
	if len(words) > 0 && stood(words[0]) {
		return strings.Trim(words[0], "`,"), words[1:]
	}
	return "", words
}

func indexFold(words []string, word string) int {
	return slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, word) })
}

// onePlace fills in the app and the environment that a command leaves out, where the pull request or the repository leaves no choice. It returns false
// after a refusal.
func (e *execution) onePlace(c Command, app, environment string) (string, string, bool) {
	if app == "" {
		app = e.App
	}
	if app == "" && len(e.Views) == 1 {
		app = e.Views[0].App
	}
	if environment == "" && app == e.App {
		environment = e.Environment
	}
	switch {
	case e.isGroup(app):
		e.refuse("`/%s` which app of %s? Name one of %s.", c.Name, code(app), e.groupChoices(app))
	case app == "" || app == "all":
		e.refuse("`/%s` which app? Name one of %s.", c.Name, e.appChoices())
	case environment == "":
		e.refuse("`/%s` %s where? Name an environment: %s.", c.Name, code(app), e.environmentChoices())
	default:
		return app, environment, true
	}
	return "", "", false
}

// namedBefore returns the release that the tag names, of those that stood in the environment. It returns false after a refusal.
func (e *execution) namedBefore(app, environment, tag string, history []Deployment, blocks []Block) (Release, bool) {
	image, isImage := parseNamed(tag)
	to := stoodOnce(history, image)
	switch {
	case !isImage || to == nil:
		e.refuse("%s has not stood in %s. %s", code(clip(tag, 60)), code(environment), e.stoodWords(app, environment, history, blocks))
	case !history[0].Ended && history[0].Problem == "" && to.Same(history[0].Release):
		e.refuse("%s stands in %s already.", code(to.Version()), code(environment))
	case blockedBy(blocks, to).State != GateOpen:
		e.refuse("%s cannot come back: %s.", code(to.Version()), escape(blockedBy(blocks, to).Reason))
	default:
		return to, true
	}
	return nil, false
}

// stoodWords lists what stood in an environment and may be named, and beside it what was taken back and why.
func (e *execution) stoodWords(app, environment string, history []Deployment, blocks []Block) string {
	var names, shut []string
	current := standing(history)
	for i := range history {
		d := &history[i]
		if d.Problem != "" || len(d.Release) == 0 || current != nil && current.Release.Same(d.Release) {
			continue
		}
		name := code(d.Release.Version())
		if current != nil {
			name = code(d.Release.versionBeside(current.Release))
		}
		switch x := e.rejectedHere(app, environment, d.Release); {
		case slices.Contains(names, name) || slices.ContainsFunc(shut, func(s string) bool { return strings.HasPrefix(s, name+" ") }):
		case blockedBy(blocks, d.Release).State != GateOpen:
			shut = append(shut, name+" is blocked")
		case x != nil:
			names = append(names, name)
			shut = append(shut, fmt.Sprintf("%s was rejected by closing #%d, which naming it takes back", name, x.Number))
		default:
			names = append(names, name)
		}
	}
	words := "Nothing else has stood there since Ferry's first look."
	if len(names) > 0 {
		words = "There stood " + choices(names) + "."
	}
	if len(shut) > 0 {
		words += " Of what stood there, " + choices(shut) + "."
	}
	return words
}

func (e *execution) rejectedHere(app, environment string, r Release) *StandingRejection {
	for i := range e.Rejections {
		if x := &e.Rejections[i]; x.App == app && x.Environment == environment && x.Release.Same(r) {
			return x
		}
	}
	return nil
}

// rollBack writes a rollback down, and says what follows, and which releases are skipped.
func (e *execution) rollBack(r RolledBack, skipped string) {
	app, environment := r.Hold.App, r.Environment
	if e.out.Intents[app] == nil {
		e.out.Intents[app] = map[string]Intent{}
	}
	e.out.Intents[app][environment] = r.Intent
	e.instead(app, environment)
	if x := e.rejectedHere(app, environment, r.Intent.Release); x != nil {
		e.out.Lifts = append(e.out.Lifts, Lift{Place: x.Place, Number: x.Number, Actor: e.Login, At: e.Now})
	}
	from := "what stands there"
	if len(r.Intent.From) > 0 {
		from = code(r.Intent.From.versionBeside(r.Intent.Release))
	}
	e.say("Rolling %s back in %s: %s → %s.%s %s", code(app), code(environment), from, code(r.Intent.Release.versionBeside(r.Intent.From)), skipped, e.urgentFollows(app, environment, r.Intent, nil))
	if r.Block == nil {
		e.say("Nothing is held or blocked: no one release stood there.")
		return
	}
	if !e.heldSince(app, environment, r.Hold.RolledBack) {
		r.Hold.ID = -int64(len(e.Holds) + 1)
		e.Holds, e.out.Holds = append(slices.Clone(e.Holds), r.Hold), append(e.out.Holds, r.Hold)
	}
	if !slices.ContainsFunc(e.Blocks, func(b Block) bool { return b.App == app && b.Environment == environment && b.matches(r.Intent.From) }) {
		r.Block.ID = -int64(len(e.Blocks) + 1)
		e.Blocks, e.out.Blocks = append(slices.Clone(e.Blocks), *r.Block), append(e.out.Blocks, *r.Block)
	}
	e.say("Held until something newer comes, which a person merges (`%s` ends that before). Blocked: %s (`%s` ends that).", r.Hold.lift("/resume"), code(r.Intent.From.versionBeside(r.Intent.Release)), r.Block.lift())
}

// heldSince says whether the hold of a rollback from the release stands there.
func (e *execution) heldSince(app, environment string, from Release) bool {
	return slices.ContainsFunc(e.Holds, func(h Hold) bool {
		return h.App == app && h.Environment == environment && len(h.RolledBack) > 0 && h.RolledBack.Same(from)
	})
}

// urgentFollows says what comes of a rollback or a hotfix, and what is in its way. The windows are those that stop it.
func (e *execution) urgentFollows(app, environment string, i Intent, windows []window.Window) string {
	mode := config.ModePropose
	env, ok := e.Config.Settings(app, environment)
	if ok {
		mode = env.Mode
	}
	words := "The pull request follows"
	if mode == config.ModeObserve {
		words = "`mode: observe` keeps Ferry from opening the pull request: make the change by hand"
	}
	for _, v := range e.Views {
		if cell := v.Find(environment); v.App == app && cell != nil && cell.Number > 0 && mode != config.ModeObserve {
			words += fmt.Sprintf("; #%d gives way to it, unless it is this already", cell.Number)
		}
	}
	holds, freezes := e.On(app, environment, e.groupOf(app))
	if g := heldBy(plainHolds(holds), e.Now); g.State != GateOpen {
		words += "; it cannot be merged before " + escape(g.Reason)
	}
	if g := frozen(freezes, windows, e.Now); g.State != GateOpen {
		words += "; " + escape(g.Reason)
	}
	if g := e.foreseenPolicies(app, env, i); g.State != GateOpen {
		words += "; the gate policy keeps it shut: " + escape(g.Reason)
	}
	return words + "."
}
