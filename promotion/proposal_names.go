package promotion

import (
	"cmp"
	"maps"
	"slices"

	"ferry/promotion/config"
)

// nowCalled returns how something of the configuration in force is called in the proposed one; "" where it is gone.
func nowCalled(name string, there, will func(string) bool, renamed func(string) (string, bool)) string {
	if will(name) {
		return name
	}
	if now, ok := renamed(name); ok && !there(now) {
		return now
	}
	return ""
}

// formerly returns the environment in force that the proposed one of that name is.
func (c *comparison) formerly(name string) (config.Environment, bool) {
	for _, env := range c.was.Environments {
		if c.environmentNow(env.Name) == name {
			return env, true
		}
	}
	return config.Environment{}, false
}

func (c *comparison) environmentNow(name string) string {
	in := func(of *config.Config) func(string) bool {
		return func(env string) bool { _, ok := of.Environment(env); return ok }
	}
	return cmp.Or(nowCalled(name, in(c.was), in(c.will), c.will.RenamedEnvironment), c.heir().environments[name])
}

func (c *comparison) appNow(name string) string {
	there := func(app string) bool {
		_, stands := c.apps[app]
		return stands || slices.Contains(c.was.NamedApps(), app)
	}
	will := func(app string) bool { _, ok := c.will.App(app, c.apps[name]...); return ok }
	return cmp.Or(nowCalled(name, there, will, c.will.RenamedApp), c.heir().apps[name])
}

// heirs are the apps and environments that are new and have the manifests of those that are gone, by their names.
type heirs struct{ apps, environments map[string]string }

// heir finds out who has whose manifests, where nobody says that the one was the other.
func (c *comparison) heir() heirs {
	if c.heirs.apps != nil {
		return c.heirs
	}
	c.heirs = heirs{map[string]string{}, map[string]string{}}
	found := heirs{map[string]string{}, map[string]string{}}
	for _, app := range slices.Sorted(maps.Keys(c.apps)) {
		for _, path := range c.apps[app] {
			for _, p := range c.was.Places(path) {
				if p.App == app {
					c.inherit(found, p, c.will.Places(path))
				}
			}
		}
	}
	c.heirs = found
	return found
}

// inherit notes that what stood at the place stands at those then.
func (c *comparison) inherit(found heirs, was config.Place, then []config.Place) {
	for _, p := range then {
		if _, known := c.was.Environment(p.Environment); !known && c.environmentNow(was.Environment) == "" && found.environments[was.Environment] == "" {
			found.environments[was.Environment] = p.Environment
		}
		if _, known := c.apps[p.App]; !known && !slices.Contains(c.was.NamedApps(), p.App) && c.appNow(was.App) == "" && found.apps[was.App] == "" {
			found.apps[was.App] = p.App
		}
	}
}
