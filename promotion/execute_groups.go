package promotion

import (
	"fmt"
	"slices"
	"strings"
)

// Dropped is what a person has taken out of a train.
type Dropped struct {
	App         string
	Environment string
	Drop
}

// groupOf returns the group that the app travels with; empty where it goes alone.
func (e *execution) groupOf(app string) string {
	for _, v := range e.Views {
		if v.App == app {
			return v.Group
		}
	}
	return ""
}

func (e *execution) isGroup(name string) bool {
	return name != "" && slices.ContainsFunc(e.Views, func(v View) bool { return v.Group == name })
}

// means says whether the name that a command gave, of an app or a group, means the app.
func (e *execution) means(name, app string) bool {
	return name == "" || name == "all" || name == app || name == e.groupOf(app)
}

// membersOf returns the apps of the group; none where it is no group.
func (e *execution) membersOf(group string) (apps []string) {
	for _, v := range e.Views {
		if group != "" && v.Group == group {
			apps = append(apps, v.App)
		}
	}
	return apps
}

// groupChoices names the apps of a group.
func (e *execution) groupChoices(group string) string {
	var names []string
	for _, app := range e.membersOf(group) {
		names = append(names, code(app))
	}
	return choices(names)
}

// drop takes an app out of a train: the release that it shows does not go with it, before a newer one comes or somebody asks for it.
func (e *execution) drop(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWords(c, rest)
		return
	}
	switch {
	case app == "" && e.isGroup(e.App):
		e.refuse("`/drop` which app? Name one of %s.", e.groupChoices(e.App))
		return
	case app == "" || app == "all" || e.isGroup(app):
		e.refuse("`/drop` which app? Name one; it leaves the pull request of its group.")
		return
	case e.groupOf(app) == "":
		e.refuse("%s goes alone: close its pull request, or say `/hold %s`.", code(app), app)
		return
	}
	if environment == "" && e.App == e.groupOf(app) {
		environment = e.Environment
	}
	dropped := 0
	for _, v := range e.Views {
		for _, cell := range v.Environments {
			if v.App != app || environment != "" && cell.Name != environment || cell.Number == 0 || cell.Proposed == nil || cell.Urgent != "" { // what is urgent goes alone
				continue
			}
			dropped++
			e.dropFrom(app, cell)
		}
	}
	if dropped == 0 {
		e.say("%s is in no open pull request of the group %s%s.", code(app), code(e.groupOf(app)), strings.TrimSuffix(" into "+code(environment), " into "))
	}
}

// dropFrom takes the release out that the train shows, where it was shown when the comment was made.
func (e *execution) dropFrom(app string, cell EnvironmentView) {
	void := e.unseen(app, cell)
	if e.Shown != nil && e.Shown.Number == cell.Number {
		void = e.Shown.Void
	}
	if void != "" {
		e.refuse("`/drop` is void: %s.", void)
		return
	}
	when := ""
	if hold := gateNamed(cell.Gates, "hold"); hold.State == GateClosed {
		when = fmt.Sprintf(" once the hold ends: what is held stays as it is (%s)", escape(hold.Reason))
	}
	e.out.Drops = append(e.out.Drops, Dropped{App: app, Environment: cell.Name, Drop: Drop{Release: cell.Proposed, Number: cell.Number, Actor: e.Login, At: e.Now}})
	e.say("%s leaves #%d%s. A newer release of it goes with a train again, and this one after `/promote %s %s`.", code(app+" "+cell.Proposed.Version()), cell.Number, when, app, cell.Name)
}

// shownWords names what the pull request brings: of a train every app, with its release.
func (e *execution) shownWords() string {
	if len(e.Shown.Cars) == 0 {
		return code(e.Shown.Release.Version())
	}
	return fmt.Sprintf("the train of %s (%s)", code(e.App), choices(carNames(e.Shown.Cars, code)))
}

// Detail is what events say of what the pull request shows: of a train every app, with its release.
func (s *Shown) Detail() string {
	if s == nil || len(s.Cars) == 0 {
		return ""
	}
	return ": " + clip(strings.Join(carNames(s.Cars, oneLine), ", "), 300)
}

func carNames(cars []Car, as func(string) string) (names []string) {
	for _, c := range cars {
		names = append(names, as(c.App+" "+c.Release.Version()))
	}
	return names
}

// uncounted says why the approval does not count, where it does not; of a train for which of its apps.
func (e *execution) uncounted() string {
	if len(e.Shown.Cars) == 0 {
		return uncountedWords("", e.Shown.Uncounted[e.App])
	}
	apps := map[string][]Car{}
	for _, c := range e.Shown.Cars {
		if why := e.Shown.Uncounted[c.App]; why != "" {
			apps[why] = append(apps[why], c)
		}
	}
	var words strings.Builder
	for _, why := range sortedKeys(apps) {
		words.WriteString(uncountedWords(" for "+choices(carNames(apps[why], code)), why))
	}
	return words.String()
}

// uncountedWords tells who approved what everybody else is told of them.
func uncountedWords(of, why string) string {
	if why == "" {
		return ""
	}
	return fmt.Sprintf(" It does not count%s: %s.", of, escape(strings.ReplaceAll(why, "they ", "you ")))
}
