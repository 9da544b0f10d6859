package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/promotion/config"
)

// StandingRejection is a rejection that nobody has lifted, and where it stands.
type StandingRejection struct {
	config.Place
	Rejection
}

// Lift is a rejection that somebody took back by /unblock.
type Lift struct {
	config.Place
	Number int // of the pull request whose close rejected
	Actor  string
	At     time.Time
}

// Detail names the rejection that was taken back, for an event.
func (l Lift) Detail() string { return fmt.Sprintf("the rejection of #%d", l.Number) }

func (e *execution) block(c Command) {
	b, rest, ok := e.named(c)
	if !ok {
		return
	}
	if e.several(c, rest, b.App, b.Environment) {
		return
	}
	if b.Reason = clip(oneLine(strings.Join(rest, " ")), 300); b.Reason == "" {
		e.refuse("`/block` %s why? Everybody who is stopped reads the reason.", escape(b.what()))
		return
	}
	b.Actor, b.At = e.Login, e.Now
	b.ID = -int64(len(e.Blocks) + 1) // its own until the database gives it one
	e.Blocks, e.out.Blocks = append(slices.Clone(e.Blocks), b), append(e.out.Blocks, b)
	where := e.seenIn(b)
	if where == "" {
		where = "Ferry has not seen that release anywhere yet."
	}
	e.say("Blocked: %s. %s", escape(b.words()), where)
}

// seenIn says where the blocked release stands, or is on its way to: there nothing is taken back.
func (e *execution) seenIn(b Block) string {
	var stands, comes []string
	for _, v := range e.Views {
		for _, cell := range v.Environments {
			switch {
			case v.App != b.App:
			case b.matches(cell.Release):
				stands = append(stands, code(cell.Name))
			case b.matches(cell.Proposed) || b.matches(cell.Next):
				comes = append(comes, code(cell.Name))
			}
		}
	}
	var words []string
	if len(stands) > 0 {
		words = append(words, "It stands in "+choices(stands)+", and stays there.")
	}
	if len(comes) > 0 {
		words = append(words, "It was on its way into "+choices(comes)+".")
	}
	return strings.Join(words, " ")
}

func (e *execution) unblock(c Command) {
	b, rest, ok := e.named(c)
	if !ok {
		return
	}
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return
	}
	var wider []string
	lifted := 0
	for _, other := range e.Blocks {
		switch {
		case other.App != b.App || slices.Contains(e.out.Unblocked, other.ID) || !b.Image.meant(other.Image) && !other.Image.meant(b.Image):
		case b.Environment != "" && other.Environment == "":
			wider = append(wider, escape(other.words()))
		case b.Environment == "" || b.Environment == other.Environment:
			e.liftBlock(other)
			lifted++
		}
	}
	for _, r := range e.Rejections {
		if r.App != b.App || b.Environment != "" && r.Environment != b.Environment || !b.matches(r.Release) {
			continue
		}
		lifted++
		e.out.Lifts = append(e.out.Lifts, Lift{Place: r.Place, Number: r.Number, Actor: e.Login, At: e.Now})
		e.Rejections = slices.DeleteFunc(slices.Clone(e.Rejections), func(o StandingRejection) bool { return o.Place == r.Place && o.Number == r.Number })
		e.say("Taken back: %s rejected %s in %s by closing #%d.", escape(r.Actor), code(r.Release.Version()), code(r.Environment), r.Number)
	}
	switch {
	case len(wider) > 0:
		e.say("Blocked still: %s.", strings.Join(wider, "; "))
	case lifted == 0:
		e.say("Nobody has blocked or rejected %s.", escape(b.what()))
	}
}

// liftBlock ends a block; one of this very comment is not written down at all.
func (e *execution) liftBlock(b Block) {
	e.say("Lifted: %s blocked %s.", escape(b.Actor), escape(b.what()))
	if b.ID > 0 {
		e.out.Unblocked = append(e.out.Unblocked, b.ID)
	}
	isIt := func(other Block) bool { return other.ID == b.ID } // what comes after in the comment sees it lifted
	e.out.Blocks, e.Blocks = slices.DeleteFunc(e.out.Blocks, isIt), slices.DeleteFunc(slices.Clone(e.Blocks), isIt)
}

// named reads which release a command means, and where: app and environment may stand before or behind it, and are the pull request's where neither is
// named; `all` is everywhere. It returns what is left of the words, and false after a refusal.
func (e *execution) named(c Command) (b Block, rest []string, ok bool) {
	app, environment, rest := e.target(c.Words)
	if len(rest) == 0 {
		e.refuse("`/%s` which release? Name its tag: `/%s 1.4.2`, or with its app.", c.Name, c.Name)
		return b, nil, false
	}
	word := strings.Trim(rest[0], "`,")
	image, ok := parseNamed(word)
	if !ok {
		e.refuse("%s is no tag, digest or image.", code(clip(word, 60)))
		return b, nil, false
	}
	app2, environment2, rest := e.target(rest[1:])
	if app == "" || app == "all" && app2 != "" {
		app, app2 = app2, app
	}
	if environment == "" {
		environment = environment2
	}
	everywhere := app == "all" || app2 == "all"
	if app == "all" {
		app = ""
	}
	if app == "" && environment == "" {
		app, environment = e.App, e.Environment
	}
	if e.isGroup(app) { // releases are an app's
		app = ""
	}
	if everywhere {
		environment = ""
	}
	b = Block{App: app, Environment: environment, Image: image}
	if b.App == "" {
		b.App, ok = e.appOf(b)
	}
	if !ok {
		e.refuse("`/%s` %s of which app? Name one of %s.", c.Name, code(word), e.appChoices())
	}
	return b, rest, ok
}

// appOf returns the one app that shows the release, or the only app there is.
func (e *execution) appOf(b Block) (app string, ok bool) {
	if e.App != "" && !e.isGroup(e.App) {
		return e.App, true
	}
	var found []string
	for _, v := range e.Views {
		b.App = v.App
		shows := e.seenIn(b) != "" || slices.ContainsFunc(e.Blocks, func(o Block) bool { return o.App == v.App && b.Image.meant(o.Image) }) ||
			slices.ContainsFunc(e.Rejections, func(r StandingRejection) bool { return r.App == v.App && b.matches(r.Release) })
		if shows || len(e.Views) == 1 {
			found = append(found, v.App)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}
