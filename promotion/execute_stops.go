package promotion

import (
	"cmp"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// stoppedBy returns the words of a hold on the app in the environment and of what freezes it, with what this very comment has said. Each is empty where
// there is none.
func (e *execution) stoppedBy(app, environment string) (held, freeze string) {
	holds, freezes := e.Stops.On(app, environment, e.groupOf(app))
	for _, h := range holds {
		if !slices.Contains(e.out.Resumed, h.ID) {
			held = h.words()
			break
		}
	}
	freezes = slices.DeleteFunc(freezes, func(f Freeze) bool { return slices.Contains(e.out.Thawed, f.ID) })
	if g := frozen(freezes, windowsOn(e.Config, app, environment), e.Now); g.State != GateOpen {
		freeze = "freeze is " + string(g.State) + ": " + g.Reason
	}
	return held, freeze
}

func (e *execution) hold(c Command) {
	h, ok := e.stop(c)
	if !ok {
		return
	}
	h.ID = -int64(len(e.Holds) + 1) // its own until the database gives it one: a later command of the comment may lift it
	e.Holds, e.out.Holds = append(slices.Clone(e.Holds), h), append(e.out.Holds, h)
	e.say("Held: %s.", escape(h.words()))
}

func (e *execution) freeze(c Command) {
	h, ok := e.stop(c)
	switch {
	case !ok:
		return
	case h.Reason == "":
		e.refuse("`/freeze` %s why? Everybody who is stopped reads the reason: `/freeze %s the reason`.", escape(h.what()), h.named())
		return
	}
	f := Freeze(h)
	f.ID = -int64(len(e.Freezes) + 1)
	e.Freezes, e.out.Freezes = append(slices.Clone(e.Freezes), f), append(e.out.Freezes, f)
	e.say("Frozen: %s.", escape(f.words()))
}

// named is the app and the environment as a command names them.
func (h Hold) named() string { return strings.TrimPrefix(h.lift(""), " ") }

// stop reads what a command stops, for how long and why. It returns false after a refusal.
func (e *execution) stop(c Command) (h Hold, ok bool) {
	app, environment, rest := e.target(c.Words)
	if e.unnamed(c, app, environment, rest) || app != "all" && e.misspelt(c, environment, rest) {
		return h, false
	}
	named := []string{app, environment}
	app, environment = e.orHere(app, environment)
	if app == "" && environment == "" {
		e.whatOf(c)
		return h, false
	}
	if app == "all" {
		app = ""
	}
	reason, length := holdFor(rest)
	if e.several(c, reason, named...) {
		return h, false
	}
	if length == "" && saysLength(reason) {
		e.refuse("Nothing was done: `/%s` takes how long as `for 30m`, `for 2h` or `for 3d`, and no time of day. Without it, it lasts until somebody ends it.", c.Name)
		return h, false
	}
	h = Hold{App: app, Apps: e.membersOf(app), Environment: environment, Actor: e.Login, At: e.Now, Reason: clip(oneLine(strings.Join(reason, " ")), 300)}
	if length != "" {
		d, err := config.ParseDuration(strings.ToLower(length))
		if err != nil || d <= 0 {
			e.refuse("`/%s … for` %s: that is not a duration; write 30m, 2h or 3d.", c.Name, code(clip(length, 60)))
			return h, false
		}
		h.Until = e.Now.Add(d)
	}
	return h, true
}

func (e *execution) whatOf(c Command) {
	e.refuse("`/%s` what? Name an app (%s) or an environment (%s), or `all`.", c.Name, e.appChoices(), e.environmentChoices())
}

// holdFor splits what follows the target of /hold into the reason and what stands behind "for" before a digit, at the beginning or the end: its
// length. Elsewhere "for" is a word of the reason.
func holdFor(words []string) (reason []string, length string) {
	for _, at := range []int{len(words) - 2, 0} {
		if !saysFor(words, at) {
			continue
		}
		return slices.Concat(words[:at], words[at+2:]), strings.TrimRight(words[at+1], ",;:.")
	}
	return words, ""
}

// saysFor says whether "for" before a digit stands there.
func saysFor(words []string, at int) bool {
	return at >= 0 && at+1 < len(words) && strings.EqualFold(words[at], "for") && strings.ContainsRune("+-.0123456789", rune(words[at+1][0]))
}

// saysLength says whether a reason begins with what seems to be a length or a time: "until 18:00", "2h", "for two hours".
func saysLength(reason []string) bool {
	if len(reason) == 0 {
		return false
	}
	if _, err := config.ParseDuration(strings.ToLower(reason[0])); err == nil {
		return true
	}
	units := []string{"minute", "minutes", "hour", "hours", "day", "days", "week", "weeks"}
	return strings.EqualFold(reason[0], "until") || strings.EqualFold(reason[0], "for") && len(reason) > 2 && slices.Contains(units, strings.ToLower(strings.Trim(reason[2], ",.")))
}

func (e *execution) resume(c Command) {
	app, environment, ok := e.lifted(c, len(e.Holds))
	if !ok {
		return
	}
	inside, wider := e.within(e.Holds, e.out.Resumed, app, environment)
	inside, kept := keepRollbacks(inside, app, environment)
	for _, h := range inside {
		e.tell("holds are lifted", escape(h.what()), "Lifted: the hold of %s on %s.", escape(h.Actor), escape(h.what()))
		if h.ID > 0 {
			e.out.Resumed = append(e.out.Resumed, h.ID)
		}
		isIt := func(other Hold) bool { return other.ID == h.ID } // one of this very comment is not written down at all, and what comes after sees it lifted
		e.out.Holds, e.Holds = slices.DeleteFunc(e.out.Holds, isIt), slices.DeleteFunc(slices.Clone(e.Holds), isIt)
	}
	e.sumUp(mostTold)
	wider = append(wider, kept...)
	switch {
	case len(wider) > 0:
		e.say("Held still: %s.", someOf(phrases(wider, Hold.words)))
	case len(inside) == 0:
		e.say("Nobody holds that.")
	}
}

// keepRollbacks takes out of what is to be lifted the holds of rollbacks: such a one ends only where exactly its app and environment are named and nothing
// else holds there, so that whoever lifts a hold of their own does not let the release that was rolled back follow.
func keepRollbacks(inside []Hold, app, environment string) (lifted, kept []Hold) {
	plain := len(plainHolds(inside)) > 0
	for _, h := range inside {
		if len(h.RolledBack) > 0 && (plain || app != h.App || environment != h.Environment) {
			kept = append(kept, h)
		} else {
			lifted = append(lifted, h)
		}
	}
	return lifted, kept
}

func (e *execution) thaw(c Command) {
	app, environment, ok := e.lifted(c, len(e.Freezes))
	if !ok {
		return
	}
	all := make([]Hold, len(e.Freezes))
	for i, f := range e.Freezes {
		all[i] = Hold(f)
	}
	inside, wider := e.within(all, e.out.Thawed, app, environment)
	for _, h := range inside {
		e.tell("freezes are ended", escape(h.what()), "Thawed: what %s froze, %s.", escape(h.Actor), escape(h.what()))
		if h.ID > 0 {
			e.out.Thawed = append(e.out.Thawed, h.ID)
		}
		isIt := func(other Freeze) bool { return other.ID == h.ID }
		e.out.Freezes, e.Freezes = slices.DeleteFunc(e.out.Freezes, isIt), slices.DeleteFunc(slices.Clone(e.Freezes), isIt)
	}
	e.sumUp(mostTold)
	if len(wider) > 0 {
		e.say("Frozen still: %s.", someOf(phrases(wider, func(h Hold) string { return Freeze(h).words() })))
	}
	shut := e.shutByWindows(app, environment)
	if len(inside)+len(wider)+len(shut) == 0 {
		e.say("Nobody has frozen that.")
	}
	for _, s := range shut {
		e.say("%s", s)
	}
}

// shutByWindows says which environments the windows of .ferry.yaml keep shut now: no command lifts those.
func (e *execution) shutByWindows(app, environment string) (list []string) {
	for _, env := range e.Config.Environments {
		if environment != "" && env.Name != environment {
			continue
		}
		if g := windowGate(windowsOn(e.Config, app, env.Name), e.Now); g.State != GateOpen {
			list = append(list, "A window in `"+config.File+"` keeps "+code(env.Name)+" shut: "+escape(g.Reason)+".")
		}
	}
	return list
}

// lifted reads what a command lifts; n is how many there are that it could lift. It returns false after a refusal.
func (e *execution) lifted(c Command, n int) (app, environment string, ok bool) {
	app, environment, rest := e.stoppedTarget(c.Words)
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return "", "", false
	}
	app, environment = e.orHere(app, environment)
	if app == "" && environment == "" && n > 1 {
		e.whatOf(c)
		return "", "", false
	}
	if app == "all" {
		app = ""
	}
	return app, environment, true
}

// stoppedTarget reads what a command lifts, as target does. It also knows the groups and environments of standing stops that are no more.
func (e *execution) stoppedTarget(words []string) (app, environment string, rest []string) {
	app, environment, rest = e.target(words)
	for len(rest) > 0 {
		word := strings.Trim(rest[0], "`,:;.")
		switch {
		case app == "" && e.stopsAny(func(h Hold) bool { return strings.EqualFold(h.App, word) }):
			app = strings.ToLower(word)
		case environment == "" && e.stopsAny(func(h Hold) bool { return strings.EqualFold(h.Environment, word) }):
			environment = strings.ToLower(word)
		default:
			return app, environment, rest
		}
		more, where, left := e.target(rest[1:])
		app, environment, rest = cmp.Or(app, more), cmp.Or(environment, where), left
	}
	return app, environment, nil
}

// stopsAny says whether any standing hold or freeze is such a one.
func (e *execution) stopsAny(such func(Hold) bool) bool {
	return slices.ContainsFunc(e.Holds, such) || slices.ContainsFunc(e.Freezes, func(f Freeze) bool { return such(Hold(f)) })
}

// within returns which of the stops lie inside of what was named, and which reach further. Those that are gone count no more.
func (e *execution) within(list []Hold, gone []int64, app, environment string) (inside, wider []Hold) {
	group := e.groupOf(app)
	for _, h := range list {
		above := app != "" && (h.App == "" || h.App == group || h.App != app && slices.Contains(h.Apps, app))
		other := app != "" && !above && h.App != app && e.groupOf(h.App) != app
		switch {
		case slices.Contains(gone, h.ID) || other || environment != "" && h.Environment != "" && h.Environment != environment:
		case above || environment != "" && h.Environment == "":
			wider = append(wider, h)
		default:
			inside = append(inside, h)
		}
	}
	return inside, wider
}

func phrases(list []Hold, words func(Hold) string) (out []string) {
	for _, h := range list {
		out = append(out, escape(words(h)))
	}
	return out
}
