package config

import (
	"maps"
	"slices"
	"time"

	"ferry/promotion/window"
)

// optional is a setting with where it stands, if it does.
type optional[T any] struct {
	value T
	at    position
	set   bool
}

// given returns a setting that stands somewhere.
func given[T any](value T, at position) optional[T] {
	return optional[T]{value: value, at: at, set: true}
}

// or returns the setting, or the other one where it is not set.
func (o optional[T]) or(other optional[T]) optional[T] {
	if o.set {
		return o
	}
	return other
}

// into writes the setting where it is set.
func (o optional[T]) into(target *T) {
	if o.set {
		*target = o.value
	}
}

// upstream is a from as it is written.
type upstream struct {
	names []string
	at    []position // beside names
	any   bool
	none  bool // an empty list, which is not the same as something wrong
}

// pullRequest is a PullRequest as it is written.
type pullRequest struct {
	title     optional[string]
	labels    optional[[]string]
	assignees optional[[]string]
	reviewers optional[[]string]
	draft     optional[bool]
}

func (p pullRequest) into(target *PullRequest) {
	p.title.into(&target.Title)
	p.labels.into(&target.Labels)
	p.assignees.into(&target.Assignees)
	p.reviewers.into(&target.Reviewers)
	p.draft.into(&target.Draft)
}

func (p pullRequest) or(other pullRequest) pullRequest {
	return pullRequest{
		title: p.title.or(other.title), labels: p.labels.or(other.labels), assignees: p.assignees.or(other.assignees), reviewers: p.reviewers.or(other.reviewers), draft: p.draft.or(other.draft),
	}
}

// settings are what an environment says, an app for all its environments, or an app for one of them.
type settings struct {
	at            position
	mode          optional[Mode]
	from          optional[upstream]
	soak          optional[time.Duration]
	checks        optional[[]Check]
	approvals     optional[int]
	freezes       optional[[]window.Window]
	policies      optional[[]Policy]
	autoMerge     optional[bool]
	unprotected   optional[bool]
	supersede     optional[Supersede]
	window        optional[time.Duration]
	rollback      optional[Rollback]
	watch         optional[time.Duration]
	settle        optional[time.Duration]
	update        optional[Update]
	converge      optional[Converge]
	reportTimeout optional[time.Duration]
	digest        optional[bool]
	pullRequest   optional[pullRequest]
	deployments   optional[bool]
	url           optional[string]
}

// over returns the settings, with those of base where they have none. The freezes and policies of both count.
func (s settings) over(base settings) settings {
	out := settings{
		at: s.at, mode: s.mode.or(base.mode), from: s.from.or(base.from), soak: s.soak.or(base.soak), checks: s.checks.or(base.checks),
		approvals: s.approvals.or(base.approvals), freezes: s.freezes.or(base.freezes), policies: s.policies.or(base.policies),
		autoMerge: s.autoMerge.or(base.autoMerge), unprotected: s.unprotected.or(base.unprotected), supersede: s.supersede.or(base.supersede),
		window: s.window.or(base.window), rollback: s.rollback.or(base.rollback), watch: s.watch.or(base.watch), settle: s.settle.or(base.settle),
		update: s.update.or(base.update), converge: s.converge.or(base.converge), reportTimeout: s.reportTimeout.or(base.reportTimeout),
		digest: s.digest.or(base.digest), pullRequest: s.pullRequest.or(base.pullRequest), deployments: s.deployments.or(base.deployments), url: s.url.or(base.url),
	}
	if s.freezes.set && base.freezes.set {
		out.freezes.value = slices.Concat(base.freezes.value, s.freezes.value)
	}
	if s.policies.set && base.policies.set {
		out.policies.value = slices.Concat(base.policies.value, s.policies.value)
	}
	if s.pullRequest.set && base.pullRequest.set {
		out.pullRequest.value = s.pullRequest.value.or(base.pullRequest.value)
	}
	return out
}

// into writes what is set into an environment, but for the mode, of which the strictest counts.
func (s settings) into(e *Environment) {
	if s.from.set {
		e.From, e.FromAny = s.from.value.names, s.from.value.any
	}
	s.soak.into(&e.Soak)
	s.checks.into(&e.Checks)
	s.approvals.into(&e.Approvals)
	e.Freezes = slices.Concat(e.Freezes, s.freezes.value)
	e.Policies = slices.Concat(e.Policies, s.policies.value)
	s.autoMerge.into(&e.AutoMerge)
	s.unprotected.into(&e.AllowUnprotected)
	s.supersede.into(&e.Supersede)
	s.window.into(&e.Window)
	s.rollback.into(&e.Rollback)
	s.watch.into(&e.Watch)
	s.settle.into(&e.Settle)
	s.update.into(&e.Update)
	s.converge.into(&e.Converge)
	s.reportTimeout.into(&e.ReportTimeout)
	s.digest.into(&e.Digest)
	s.pullRequest.value.into(&e.PullRequest)
	s.deployments.into(&e.Deployments)
	s.url.into(&e.URL)
}

// tighten adds the settings of an included file to an environment: whatever they say, it does not become looser.
func (s settings) tighten(e *Environment) {
	e.Soak = max(e.Soak, s.soak.value)
	e.Approvals = max(e.Approvals, s.approvals.value)
	e.Checks = slices.Clip(e.Checks)
	for _, c := range s.checks.value {
		if !slices.Contains(e.Checks, c) {
			e.Checks = append(e.Checks, c)
		}
	}
	e.Freezes = slices.Concat(e.Freezes, s.freezes.value)
	s.digest.into(&e.Digest)
}

// overrides are what an app says beside its files: for all its environments, and for single ones.
type overrides struct {
	said bool // anything at all
	all  settings
	in   map[string]settings
}

// get returns the overrides; nil says nothing.
func (o *overrides) get() overrides {
	if o == nil {
		return overrides{}
	}
	return *o
}

// over returns the overrides, with those of base where they have none.
func (o *overrides) over(base *overrides) *overrides {
	switch {
	case base == nil:
		return o
	case o == nil:
		return base
	}
	out := &overrides{said: true, all: o.all.over(base.all), in: make(map[string]settings, len(o.in)+len(base.in))}
	maps.Copy(out.in, base.in)
	for env, s := range o.in {
		out.in[env] = s.over(base.in[env])
	}
	return out
}

// modes returns the modes that are set for an environment.
func (o *overrides) modes(env string) []Mode {
	return []Mode{o.all.mode.value, o.in[env].mode.value}
}

// Settings returns an environment as it is for one app: with what the app says about all its environments and about this
// one, and every placeholder filled in. It returns false where the file knows no such environment, or no such app: then
// nothing may be done. Paths are as in App.
func (c *Config) Settings(app, env string, paths ...string) (Environment, bool) {
	e, ok := c.settings(app, paths)
	i, known := c.byName[env]
	if !ok || !known {
		return Environment{}, false
	}
	return c.settingsOf(e, app, i), true
}

// settingsOf is Settings for an entry that is put together already.
func (c *Config) settingsOf(e entry, app string, at int) Environment {
	out := c.Environments[at]
	if e.own != nil {
		e.own.all.into(&out)
		e.own.in[out.Name].into(&out)
		out.Mode = strictest(append(e.own.modes(out.Name), c.fileMode, c.envModes[out.Name])...)
	}
	if e.added != nil {
		e.added.all.tighten(&out)
		e.added.in[out.Name].tighten(&out)
		out.Mode = strictest(append(e.added.modes(out.Name), out.Mode)...)
	}
	if len(out.From) == 0 {
		out.Soak = 0 // nothing is upstream of a first environment
	} else {
		out.Update = UpdateNone // also where the app is promoted into what is a first environment for others
	}
	out.Checks, out.URL = c.filledChecks(out.Checks, app, out), filledIn(out.URL, app, out)[0]
	return out
}

// EnvironmentsOf returns every environment as Settings has it for one app, so that each stands after those the app is
// promoted into it from; otherwise as in the file. It returns none where the file knows no such app. Paths are as in App.
func (c *Config) EnvironmentsOf(app string, paths ...string) []Environment {
	e, ok := c.settings(app, paths)
	if !ok {
		return nil
	}
	out := make([]Environment, len(c.Environments))
	moved, own := false, e.own.get()
	for i := range c.Environments {
		out[i] = c.settingsOf(e, app, i)
		moved = moved || own.in[out[i].Name].from.set
	}
	places := c.order
	if moved {
		places = order(out, c.byName)
	}
	sorted := make([]Environment, len(out))
	for i, at := range places {
		sorted[i] = out[at]
	}
	return sorted
}

// ModeOf returns the strictest of the modes of the file, the environment and the app, not counting those that are not
// set, and ModePropose where none is. An app or environment that the file does not know is only observed. Paths are as in App.
func (c *Config) ModeOf(app, env string, paths ...string) Mode {
	e, ok := c.Settings(app, env, paths...)
	if !ok {
		return ModeObserve
	}
	return e.Mode
}

// filledChecks returns checks with their placeholders filled in: one for each cluster where {cluster} stands.
func (c *Config) filledChecks(checks []Check, app string, e Environment) []Check {
	if len(checks) == 0 {
		return nil
	}
	out := make([]Check, 0, len(checks))
	for _, check := range checks {
		for _, name := range filledIn(check.Name, app, e) {
			out = append(out, Check{Name: name, PostedBy: check.PostedBy})
		}
	}
	return out
}
