package promotion

import (
	"fmt"
	"slices"

	"ferry/promotion/config"
)

// judge decides whether somebody went back with what has come to stand in the environment: by a commit, or a pull request made by hand, that brings a
// release back which stood there before the one it replaces. That is as good as a rollback. In a first environment it is not: there releases come by
// commits, and one that was taken back goes no further as long as it does not stand there.
func (p *planner) judge(env *Environment, d Deployment) {
	if d.Baseline || d.Problem != "" || len(env.From) == 0 || env.Mode == config.ModeObserve || p.s.Off || env.Dropped || env.byFerry(d) {
		return
	}
	bad := p.s.wentBack(env, d)
	if bad == nil {
		return
	}
	actor := d.BroughtBy
	if actor == "" {
		actor = "somebody"
	}
	reason := fmt.Sprintf("%s brought %s back", d.FirstSHA.Short(), d.Release.Version())
	r := RolledBack{Environment: env.Name, Cause: "revision " + d.FirstSHA.Short(), Intent: Intent{Release: d.Release, From: bad.Release, Actor: actor, At: p.now},
		Hold:  Hold{App: p.s.App.Name, Environment: env.Name, Actor: actor, Reason: reason, At: p.now, RolledBack: bad.Release},
		Block: blockOf(p.s.App.Name, env.Name, bad.Release, d.Release, actor, p.now)}
	r.Block.Reason = reason
	p.rollBack(env, r)
}

// wentBack returns the deployment that another one which stood there before it has replaced, and nil where that is no step back.
func (s *Snapshot) wentBack(env *Environment, d Deployment) *Deployment {
	whole := func(x Deployment) bool { return x.Problem == "" }
	i := slices.IndexFunc(env.History[1:], whole) + 1
	if i == 0 || env.History[i].Release.Same(d.Release) || s.order(d.Release, env.History[i].Release) == Newer {
		return nil
	}
	stood := slices.ContainsFunc(env.History[i+1:], func(x Deployment) bool { return whole(x) && x.Release.Same(d.Release) })
	if !stood {
		return nil
	}
	return &env.History[i]
}

// byFerry says whether a pull request of Ferry's brought the deployment, or one that shows its release was open: it may be merged, and not read yet.
func (e *Environment) byFerry(d Deployment) bool {
	if e.Promotion != nil && e.Promotion.Release.Same(d.Release) || e.Intent != nil && isUrgent(e.Intent.Kind) && e.Intent.Release.Same(d.Release) {
		return true
	}
	return slices.ContainsFunc(e.Merged, func(m Promotion) bool { return m.Release.Same(d.Release) })
}

// rollBack decides a rollback without a command: it is written down, and holds at once.
func (p *planner) rollBack(env *Environment, r RolledBack) {
	p.plan.RolledBack = append(p.plan.RolledBack, r)
	env.Holds = append(slices.Clone(env.Holds), r.Hold)
	from := func(name string) []string {
		if e := p.s.Find(name); e != nil {
			return e.From
		}
		return nil
	}
	for i := range p.s.Environments {
		e := &p.s.Environments[i]
		e.Blocks = append(slices.Clone(e.Blocks), Stops{Blocks: []Block{*r.Block}}.BlocksOn(p.s.App.Name, e.Name, from)...)
	}
}
