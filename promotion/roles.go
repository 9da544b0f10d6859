package promotion

import (
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// Person is somebody at the forge, and what the forge said of them when they were looked up.
type Person struct {
	forge.User
	Permission forge.Permission
	Teams      []string // of those that .ferry.yaml names: where they are a member
	Unknown    string   // what could not be looked up, and what to do about it; then they count as having no such right
}

// NotLookedUp begins what is Unknown of a person where asking again may tell: the forge failed, or kept it from Ferry.
const NotLookedUp = "what they may do could not be looked up: "

// plays says whether the person may do what the role is asked for: any part of it is enough.
func (p Person) plays(role config.Role) bool {
	if role.Permission != "" && p.Permission >= permissionOf(role.Permission) {
		return true
	}
	sameTeam := func(team string) bool {
		return slices.ContainsFunc(p.Teams, func(of string) bool { return strings.EqualFold(of, team) })
	}
	sameUser := func(login string) bool { return p.Login != "" && strings.EqualFold(login, p.Login) } // .ferry.yaml knows people by nothing else
	return slices.ContainsFunc(role.Teams, sameTeam) || slices.ContainsFunc(role.Users, sameUser)
}

// permissionOf returns the forge's permission of that word; nobody has one that the word does not name.
func permissionOf(word config.Permission) forge.Permission {
	for p := forge.PermissionNone; p <= forge.PermissionAdmin; p++ {
		if p.String() == string(word) {
			return p
		}
	}
	return forge.PermissionAdmin + 1
}

// roleIn returns who may give a command by the roles of an environment; where those say nothing, whoever has the permission that the command needs.
func roleIn(roles map[string]config.Role, spec CommandSpec) config.Role {
	if role, ok := roles[spec.Name]; ok {
		return role
	}
	return config.Role{Permission: config.Permission(spec.Needs.String())}
}

// roleWords names who plays the role.
func roleWords(role config.Role) string {
	var parts []string
	if role.Permission != "" {
		parts = append(parts, string(role.Permission)+" permission")
	}
	if len(role.Teams) > 0 {
		parts = append(parts, "a member of "+strings.Join(role.Teams, " or "))
	}
	if len(role.Users) > 0 {
		parts = append(parts, strings.Join(role.Users, " or "))
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, ", or ")
}

// specOf returns the command of that name, and false where this version acts on none.
func specOf(name string) (CommandSpec, bool) {
	specs := commandSpecs()
	i := slices.IndexFunc(specs, func(s CommandSpec) bool { return s.Name == name })
	if i < 0 {
		return CommandSpec{}, false
	}
	return specs[i], true
}

// approvers is who may approve what goes into the environment.
func approvers(env *Environment) config.Role {
	spec, _ := specOf(CommandApprove)
	return roleIn(env.Roles, spec)
}

// The commands that the gates know by name.
const (
	CommandApprove  = "approve"
	CommandOverride = "override"
)

// TeamsToAsk returns the teams on which it depends whether the person may give one of the commands somewhere: none where permission or login decide.
func TeamsToAsk(c *config.Config, p Person, commands ...string) (teams []string) {
	for _, env := range c.Environments {
		for _, name := range commands {
			role, ok := env.Roles[name]
			if !ok || p.plays(role) {
				continue
			}
			for _, team := range role.Teams {
				if !slices.Contains(teams, team) {
					teams = append(teams, team)
				}
			}
		}
	}
	return teams
}
