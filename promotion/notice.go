package promotion

import (
	"fmt"

	"strings"

	"ferry/promotion/config"
)

// Notice is what one comment under a promotion's pull request tells its people, because an edit of the body would tell nobody. There is none before the
// first trouble; after that it says when all is well again.
type Notice struct {
	Number  int
	Trouble string // in markdown; empty: there is none
	Calm    string // what is said after trouble, once there is none; empty: not known yet
}

// stoodDown is said once what stood in a pull request's way does not any more.
const stoodDown = "Nothing of that stands in its way any more."

// notices tells of trouble with the open pull request into the environment, and with what the last merged one has brought.
func (p *planner) notices(env *Environment) {
	if p.s.Off || env.Dropped || env.Mode == config.ModeObserve {
		return
	}
	if env.Pull != nil && env.Promotion != nil {
		p.notice(Notice{Number: env.Pull.Number, Trouble: p.openTrouble(env), Calm: stoodDown})
	}
	current := env.Current()
	if env.Brought == nil || current == nil || env.broughtBy(*env.Brought) == nil || env.broughtBy(*env.Brought).ID != current.ID {
		return
	}
	n := Notice{Number: env.Brought.Number, Trouble: p.arrivedTrouble(env, *current)}
	if current.State == DeploymentConverged {
		n.Calm = fmt.Sprintf("All is well again: %s runs in %s, converged at %s.", code(current.Release.Version()), escape(env.Name), instant(current.ConvergedAt))
	}
	p.notice(n)
}

func (p *planner) notice(n Notice) {
	if n.Trouble != "" || n.Calm != "" {
		p.plan.Notices = append(p.plan.Notices, n)
	}
}

// openTrouble says what people did, or the forge refuses, since the pull request was opened.
func (p *planner) openTrouble(env *Environment) string {
	var lines []string
	if !env.Pull.Known {
		lines = append(lines, fmt.Sprintf("%s pushed %s on top. Ferry neither merges nor overwrites it; `/retry` makes it anew.", escape(env.Pull.who()), code(env.Pull.HeadSHA.Short())))
	}
	opened := env.Promotion.OpenedAt
	for _, h := range env.Holds {
		if h.At.After(opened) && !h.over(p.now) && len(h.RolledBack) == 0 {
			lines = append(lines, "Held: "+escape(h.words())+".")
		}
	}
	for _, f := range env.Frozen {
		if f.At.After(opened) && !Hold(f).over(p.now) {
			lines = append(lines, "Frozen: "+escape(f.words())+".")
		}
	}
	if words := env.Pull.Armed.disarmedWords(); words != "" {
		lines = append(lines, words)
	}
	if r, ok := p.s.Refusals[env.Name]; ok && r.Reason != "" {
		lines = append(lines, "The forge refuses: "+escape(clip(r.Reason, mostReason))+".")
	}
	return troubles(lines)
}

// arrivedTrouble says what went wrong with what was merged. What agents say in words, and for how long, stands in the status: here it would be written
// anew with every report.
func (p *planner) arrivedTrouble(env *Environment, d Deployment) string {
	seen := assessment{}
	if i := p.index(env); i >= 0 {
		seen = p.seen[i]
	}
	var lines []string
	switch {
	case d.degraded():
		line := fmt.Sprintf("%s is %s in %s", code(d.Release.Version()), d.State, escape(env.Name))
		if !d.DegradedFrom.IsZero() {
			line += " since " + instant(d.DegradedFrom)
		}
		lines = append(lines, line+"; the status on the merge says more.")
	case seen.silent:
		lines = append(lines, fmt.Sprintf("Nobody has reported from %s that %s runs there, until %s.", escape(env.Name), code(d.Release.Version()), instant(seen.dueAt)))
	}
	if o := p.offers[env.Name]; o.to != nil && len(lines) > 0 {
		lines = append(lines, fmt.Sprintf("`%s` brings %s back.", o.command(p.s.App.Name, env.Name), code(o.to.Version())))
	}
	return troubles(lines)
}

func troubles(lines []string) string {
	if len(lines) < 2 {
		return strings.Join(lines, "")
	}
	return "- " + strings.Join(lines, "\n- ")
}
