package promotion

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// Whether a command may be given is found out twice, and for every command alike: before it is carried out, whether its author may give it anywhere;
// and from what it would change, whether they may there. What they may not is undone as if it had not been said.

func (e *execution) person() Person {
	return Person{User: forge.User{ID: e.Actor, Login: e.Login}, Permission: e.Permission, Teams: e.Teams, Unknown: e.Unknown}
}

// mayIn says whether the author may give the command in the environment.
func (e *execution) mayIn(spec CommandSpec, environment string) bool {
	env, _ := e.Config.Environment(environment)
	return e.person().plays(roleIn(env.Roles, spec))
}

// mayAnywhere says whether the author may give the command in some environment.
func (e *execution) mayAnywhere(spec CommandSpec) bool {
	return slices.ContainsFunc(e.Config.Environments, func(env config.Environment) bool { return e.mayIn(spec, env.Name) })
}

// carryOut carries a command out that its author may give somewhere, and undoes it where it reaches further than that.
func (e *execution) carryOut(spec CommandSpec, c Command) {
	before := *e
	before.out = e.out.clone()
	spec.execute(e, c)
	for _, environment := range e.reached(before) {
		if e.mayIn(spec, environment) {
			continue
		}
		*e = before
		e.mayNot(spec, environment)
		return
	}
}

// reached returns the environments in which the outcome changes something that it did not change before, in the configuration's order.
func (e *execution) reached(before execution) (environments []string) {
	was := before.out.changes(before.CommandScene)
	reached := map[string]bool{}
	for what, environment := range e.out.changes(before.CommandScene) { // what is lifted stands in the scene of before only
		if _, old := was[what]; !old {
			reached[environment] = true
		}
	}
	for _, env := range e.Config.Environments {
		if reached[env.Name] || reached[""] {
			environments = append(environments, env.Name)
		}
	}
	return environments
}

// changes returns the environment of everything that the outcome changes, by a name of its own; "" is every environment. What is missing here, anybody
// may do who may give the command in any environment: a test holds it against the fields of Outcome.
func (o Outcome) changes(scene CommandScene) map[string]string {
	all := map[string]string{}
	add := func(what string, x any, environment string) { all[fmt.Sprintf("%s %+v", what, x)] = environment }
	for _, h := range o.Holds {
		add("hold", h, h.Environment)
	}
	for _, f := range o.Freezes {
		add("freeze", f, f.Environment)
	}
	for _, b := range o.Blocks {
		add("block", b, b.Environment)
	}
	for _, h := range scene.Holds {
		if slices.Contains(o.Resumed, h.ID) {
			add("resume", h.ID, h.Environment)
		}
	}
	for _, f := range scene.Freezes {
		if slices.Contains(o.Thawed, f.ID) {
			add("thaw", f.ID, f.Environment)
		}
	}
	for _, b := range scene.Blocks {
		for _, environment := range b.reaches(scene.Config) {
			if slices.Contains(o.Unblocked, b.ID) {
				add("unblock "+environment, b.ID, environment)
			}
		}
	}
	for _, l := range o.Lifts {
		add("lift", l, l.Environment)
	}
	for _, x := range o.Drops {
		add("drop", x, x.Environment)
	}
	for _, w := range o.Waived {
		add("override", w, w.Environment)
	}
	for app, intents := range o.Intents {
		for environment, i := range intents {
			add("promote "+app+" "+environment, i, environment)
		}
	}
	for _, place := range o.Retry {
		add("retry", place, place[1])
	}
	for _, a := range o.Approvals {
		add("approve", a, scene.Environment)
	}
	for _, x := range o.Overrides {
		add("override", x, scene.Environment)
	}
	return all
}

// mayNot refuses the command, and names who may give it.
func (e *execution) mayNot(spec CommandSpec, environment string) {
	where := ""
	if len(e.Config.Environments) > 1 && e.rolesDiffer(spec) {
		where = " in " + code(environment)
	}
	env, _ := e.Config.Environment(environment)
	role := roleIn(env.Roles, spec)
	if why, again := strings.CutPrefix(e.Unknown, NotLookedUp); again {
		e.refuse("@%s, nothing was done: whether you may `/%s`%s could not be looked up: %s. Say it again.", e.Login, spec.Name, where, escape(strings.TrimSuffix(why, ".")))
		return
	}
	words := fmt.Sprintf("@%s, you may not `/%s`%s: it needs %s", e.Login, spec.Name, where, escape(roleWords(role)))
	if role.Permission != "" {
		words += fmt.Sprintf(" in this repository, and you have %s", e.Permission)
	}
	if e.Unknown != "" {
		words += ". " + escape(e.Unknown)
	}
	e.refuse("%s.%s", strings.TrimSuffix(words, "."), either(spec.Name == "unblock" && where != "", " A block lies on all that is promoted into from where it stands: lifting it opens those, too.", ""))
}

// rolesDiffer says whether not the same people may give the command in every environment.
func (e *execution) rolesDiffer(spec CommandSpec) bool {
	first := roleWords(roleIn(e.Config.Environments[0].Roles, spec))
	return slices.ContainsFunc(e.Config.Environments, func(env config.Environment) bool { return roleWords(roleIn(env.Roles, spec)) != first })
}

// clone returns a copy that shares nothing which carrying out another command changes in place.
func (o Outcome) clone() Outcome {
	intents := map[string]map[string]Intent{}
	for app, list := range o.Intents {
		intents[app] = maps.Clone(list)
	}
	o.Intents = intents
	o.Holds, o.Freezes, o.Blocks = slices.Clone(o.Holds), slices.Clone(o.Freezes), slices.Clone(o.Blocks)
	return o
}

// somewhere is the environment by which a refusal names who may: the pull request's, else the last one that others are promoted into.
func (e *execution) somewhere() string {
	if _, ok := e.Config.Environment(e.Environment); ok {
		return e.Environment
	}
	order := e.Config.Order()
	return order[len(order)-1].Name
}

// whoMay names who may give the command: in the pull request's environment, or in each where that differs.
func (e *execution) whoMay(spec CommandSpec) string {
	if env, ok := e.Config.Environment(e.Environment); ok || !e.rolesDiffer(spec) {
		if !ok {
			env = e.Config.Environments[0]
		}
		return roleWords(roleIn(env.Roles, spec))
	}
	var parts []string
	for _, env := range e.Config.Order() {
		parts = append(parts, env.Name+": "+roleWords(roleIn(env.Roles, spec)))
	}
	return clip(strings.Join(parts, "; "), 500)
}

// wayOver says who may let the release through where it waits at a gate that can be overridden.
func (e *execution) wayOver(app string, cell EnvironmentView) string {
	spec, _ := specOf(CommandOverride)
	env, _ := e.Config.Environment(cell.Name)
	for _, g := range cell.Gates {
		if _, ownWay := ownWayOut(g.Name); g.State == GateOpen || ownWay || cell.Number == 0 {
			if g.Name == cell.Behind && !ownWay && cell.Number == 0 {
				return fmt.Sprintf("\n- who may not wait: `/override %s %s %s reason`, by %s", g.Name, app, cell.Name, escape(roleWords(roleIn(env.Roles, spec))))
			}
			continue
		}
		return fmt.Sprintf("\n- who may not wait: `/override %s reason` on #%d, by %s", g.Name, cell.Number, escape(roleWords(roleIn(env.Roles, spec))))
	}
	return ""
}
