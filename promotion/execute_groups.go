package promotion

import (
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

// groupChoices names the apps of a group.
func (e *execution) groupChoices(group string) string {
	var names []string
	for _, v := range e.Views {
		if v.Group == group {
			names = append(names, code(v.App))
		}
	}
	return choices(names)
}

// drop takes an app out of a train: the release that it shows does not go with it, before a newer one comes or somebody asks for it.
func (e *execution) drop(c Command) {
	app, environment, rest := e.target(c.Words)
	if len(rest) > 0 {
		e.unknownWord(rest[0])
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
			e.out.Drops = append(e.out.Drops, Dropped{App: app, Environment: cell.Name, Drop: Drop{Release: cell.Proposed, Number: cell.Number, Actor: e.Login, At: e.Now}})
			e.say("%s leaves #%d. A newer release of it goes with a train again, and this one after `/promote %s %s`.", code(app+" "+cell.Proposed.Version()), cell.Number, app, cell.Name)
		}
	}
	if dropped == 0 {
		e.say("%s is in no open pull request of the group %s%s.", code(app), code(e.groupOf(app)), strings.TrimSuffix(" into "+code(environment), " into "))
	}
}
