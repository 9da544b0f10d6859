package promotion

import (
	"slices"
	"strings"

	"ferry/promotion/config"
)

// hotfix asks for a release that upstream never had.
func (e *execution) hotfix(c Command) {
	app, environment, rest := e.target(c.Words)
	if e.misspelt(c, environment, rest) || e.several(c, rest, app, environment) || e.nowhere(c, environment, rest) {
		return
	}
	if app, environment, ok := e.onePlace(c, app, environment); ok {
		e.hotfixOf(app, environment, rest)
	}
}

func (e *execution) hotfixOf(app, environment string, words []string) {
	current := standing(e.History[app][environment])
	switch {
	case current == nil:
		e.refuse("%s is not in %s: there is nothing to mend.", code(app), code(environment))
		return
	case current.Problem != "":
		e.refuse("%s in %s cannot be mended before its files agree: %s.", code(app), code(environment), escape(current.Problem))
		return
	case len(words) < 2:
		e.refuse("`/hotfix` with what, and why? `/hotfix %s %s image:tag the reason`.", app, environment)
		return
	}
	image, ok := e.hotfixImage(current.Release, words[0])
	if !ok {
		return
	}
	release := current.Release.With(image)
	if release.Same(current.Release) {
		e.say("%s stands in %s already.", code(release.Version()), code(environment))
		return
	}
	if g := blockedBy(e.BlocksOn(app, environment, FromOf(e.Config, app)), release); g.State != GateOpen {
		e.refuse("%s cannot come: %s.", code(release.Version()), escape(g.Reason))
		return
	}
	unsure, ok := e.inRegistry(image)
	if !ok {
		return
	}
	e.mend(app, environment, unsure, Intent{Kind: IntentHotfix, Release: release, From: current.Release, Actor: e.Login, At: e.Now,
		Reason: clip(oneLine(strings.Join(words[1:], " ")), 300)})
}

// hotfixImage returns the image that the word names, as one of the release's: a tag alone where that has but one. It returns false after a refusal.
func (e *execution) hotfixImage(release Release, word string) (Image, bool) {
	image, ok := namedImage(word)
	word = strings.Trim(word, "`,")
	if !ok || image.Tag == "" {
		e.refuse("%s is no image with a tag.", code(clip(word, 60)))
		return image, false
	}
	var names []string
	for _, i := range release {
		names = append(names, code(i.Name))
	}
	fit := image.fitting(release)
	if len(fit) != 1 {
		e.refuse("%s is of which image? Write one of %s before the tag.", code(clip(word, 60)), choices(names))
		return image, false
	}
	image.Name = fit[0]
	return image, true
}

// mend writes the hotfix down, and says what follows, and what is not sure of it.
func (e *execution) mend(app, environment, unsure string, i Intent) {
	if e.out.Intents[app] == nil {
		e.out.Intents[app] = map[string]Intent{}
	}
	e.out.Intents[app][environment] = i
	e.instead(app, environment)
	if x := e.rejectedHere(app, environment, i.Release); x != nil {
		e.out.Lifts = append(e.out.Lifts, Lift{Place: x.Place, Number: x.Number, Actor: e.Login, At: e.Now})
	}
	e.say("A hotfix of %s in %s: %s → %s. %s It skips upstream, soak and checks, and nothing else. Nothing that was there before it goes over it without `/override hotfix`.%s%s",
		code(app), code(environment), code(i.From.Version()), code(i.Release.Version()), e.urgentFollows(app, environment, i, windowsOn(e.Config, app, environment)), e.backfillWords(app, environment), unsure)
}

// instead notes that the next answer is of something urgent there, and says of one that the same comment asked for before that no pull request comes of it.
func (e *execution) instead(app, environment string) {
	place := config.Place{App: app, Environment: environment}
	if before, ok := e.urgent[place]; ok {
		e.answers[before] += " **No pull request comes of this**: what the same comment asks for further down takes its place. What it says is held or blocked stays so."
	}
	e.urgent[place] = len(e.answers)
}

// backfillWords names where the hotfix goes from there.
func (e *execution) backfillWords(app, environment string) string {
	from := FromOf(e.Config, app)
	var names []string
	for places := from(environment); len(places) > 0; places = places[1:] {
		if !slices.Contains(names, code(places[0])) {
			names = append(names, code(places[0]))
			places = append(slices.Clone(places), from(places[0])...)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " Once it has converged, Ferry proposes it for " + strings.Join(names, ", ") + " where something older stands."
}
