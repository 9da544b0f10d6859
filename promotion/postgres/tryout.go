package postgres

import (
	"slices"
	"time"

	"ferry/promotion"
	"ferry/promotion/config"
)

// tryout is what a simulation tries on the facts: the configuration of a decision that is not in force, and manifests that stand at a pull request's head.
// It changes snapshots while they are read, and nothing in the database. Without one, snapshots are read as the facts are.
type tryout struct {
	promotion.Proposal
	config       *config.Config
	environments map[string]string // how those of now are called that it calls otherwise
	landings     []promotion.Landing
}

// try returns the decision as it would be with the configuration and the manifests of the proposal.
func (d *decision) try(will *config.Config, p promotion.Proposal) decision {
	t := tryout{Proposal: p, config: will, environments: map[string]string{}}
	for was, now := range will.FormerEnvironments() {
		_, stands := d.config.Environment(was)
		if _, taken := d.config.Environment(now); stands && !taken {
			t.environments[was] = now
		}
	}
	then := *d
	then.config, then.tried = will, &t
	return then
}

// calling is how an app is called under whose former name its facts stand, how its environments are, and in which of those another manifest is tried.
type calling struct {
	was, app     string
	environments map[string]string
	changed      map[string]bool
}

// called returns how the app and its environments are called by the configuration that is tried.
func (t *tryout) called(app string, files map[string][]appFile) calling {
	c := calling{was: app, app: app}
	if t == nil {
		return c
	}
	c.environments, c.changed = t.environments, map[string]bool{}
	for _, list := range files {
		for _, f := range list {
			if slices.ContainsFunc(t.config.Places(f.Path), func(p config.Place) bool { return p.App == app }) {
				return c // discover finds that name again: it is another app then
			}
		}
	}
	c.app = t.config.Current(config.Place{App: app}).App
	return c
}

// rename moves what stands under former names of environments to where it belongs now. What stands under the new name already wins.
func rename[T any](c calling, facts map[string]T) {
	for was, now := range c.environments {
		if list, ok := facts[was]; ok {
			if _, taken := facts[now]; !taken {
				facts[now] = list
			}
			delete(facts, was)
		}
	}
}

// files lets the manifests be as they stand at the pull request's head, under the names of now.
func (t *tryout) files(c calling, all map[string][]appFile) {
	if t == nil {
		return
	}
	rename(c, all)
	for _, f := range t.Files {
		for environment, list := range all {
			all[environment] = slices.DeleteFunc(list, func(old appFile) bool { return old.Path == f.Path && !old.also })
			c.changed[environment] = c.changed[environment] || len(all[environment]) < len(list)
		}
		for _, place := range t.config.Places(f.Path) {
			if place.App == c.app && !f.Gone {
				all[place.Environment], c.changed[place.Environment] = append(all[place.Environment], t.file(f, place)), true
			}
		}
	}
}

func (t *tryout) file(f promotion.ProposedFile, place config.Place) appFile {
	one := appFile{File: promotion.File{Path: f.Path, Content: f.Content}}
	one.Images, one.Problem = promotion.ImagesIn(t.config, one.File, place)
	return one
}

// environment returns how the environment is called that is called otherwise.
func (t *tryout) environment(was string) (now string, renamed bool) {
	if t == nil {
		return was, false
	}
	now, renamed = t.environments[was]
	return now, renamed
}

// formerly gives the snapshot the names under which its facts stand.
func (c calling) formerly(s *promotion.Snapshot) {
	s.App.Name = c.was
	for was, now := range c.environments {
		if env := s.Find(now); env != nil {
			env.Name = was
		}
	}
}

// now gives the snapshot the names of now. What is open under another one is to be closed.
func (c calling) now(s *promotion.Snapshot) {
	for i := range s.Environments {
		env := &s.Environments[i]
		was := env.Name
		if now, renamed := c.environments[was]; renamed {
			env.Name = now
		}
		if env.Name == was && c.app == c.was {
			continue
		}
		if env.Pull != nil && env.Promotion.Train == "" {
			env.Outgrown = append(env.Outgrown, promotion.Outgrown{Branch: promotion.PromotionBranch(was, c.was), Number: env.Pull.Number, Head: env.Pull.HeadSHA, Known: env.Pull.Known})
		}
		env.Promotion, env.Pull = nil, nil
	}
	s.App.Name = c.app
}

// land lets the releases stand that the manifests bring.
func (t *tryout) land(s *promotion.Snapshot, c calling, now time.Time) {
	for _, env := range s.Environments {
		if !c.changed[env.Name] || env.Dropped {
			continue
		}
		if l, changed := s.Land(env.Name, t.Head, now); changed {
			t.landings = append(t.landings, l)
		}
	}
}

// stops returns what is stopped, under the names of now.
func (t *tryout) stops(s promotion.Stops) promotion.Stops {
	if t == nil {
		return s
	}
	return promotion.Decisions{Stops: s}.Renamed(t.config).Stops
}
