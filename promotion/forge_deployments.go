package promotion

import (
	"strings"

	"ferry/forge"
	"ferry/promotion/config"
)

// ForgeDeployment is what one app adds to the forge's own record that a commit of a source repository was brought to an environment.
type ForgeDeployment struct {
	Target      string // owner/name of the source repository
	SHA         forge.SHA
	Environment string
	State       forge.DeploymentState
	Description string
	URL         string // where the app runs
}

// recorded contributes to the forge's deployments: of what stands in the environment, and of what stood there before, which is active until something else
// has arrived in its place. What had not arrived itself is not active any more as soon as it is replaced.
func (p *planner) recorded(env *Environment) {
	if !env.Deployments || p.s.Off || env.Dropped || env.Mode == config.ModeObserve {
		return
	}
	current := p.standingRecords(env)
	d := env.Current()
	arrived := d == nil || d.State == DeploymentConverged
	for _, was := range env.Recorded {
		replaced := true
		for _, now := range current {
			replaced = replaced && (now.SHA != was.SHA || !strings.EqualFold(now.Target, was.Target))
		}
		if replaced && (arrived || was.State != forge.DeploymentSuccess) {
			was.State = forge.DeploymentInactive
			p.plan.ForgeDeployments = append(p.plan.ForgeDeployments, was)
		}
	}
	if i := p.index(env); d != nil && (!p.seen[i].unheard || p.seen[i].silent) { // else what stands at the forge is all that is known
		p.plan.ForgeDeployments = append(p.plan.ForgeDeployments, current...)
	}
}

// standingRecords returns the deployments of what stands in the environment, one for each commit that it was built from; none of a baseline. Their words are
// the same in every state, so that none is said again without need.
func (p *planner) standingRecords(env *Environment) (list []ForgeDeployment) {
	d := env.Current()
	if d == nil || d.Baseline {
		return nil
	}
	status, _ := p.s.deploymentWords(env, 0, p.seen[p.index(env)], p.now)
	state := map[forge.State]forge.DeploymentState{
		forge.Pending: forge.DeploymentInProgress, forge.Success: forge.DeploymentSuccess, forge.Failure: forge.DeploymentFailure, forge.Error: forge.DeploymentError,
	}[status]
	seen := map[forge.SHA]bool{}
	for _, image := range d.Release {
		if a, ok := p.s.source(image); ok && a.Commit != "" && a.Source != "" && !seen[a.Commit] {
			seen[a.Commit] = true
			list = append(list, ForgeDeployment{Target: a.Source, SHA: a.Commit, Environment: env.Name, State: state, Description: p.s.App.Name + " " + d.Release.Version(), URL: env.URL})
		}
	}
	return list
}

// FoldDeployment makes one state of what several apps contribute: of those that are active the worst counts, and where none is, it is inactive. page is where to
// read more.
func FoldDeployment(page string, byApp map[string]ForgeDeployment) forge.DeploymentStatus {
	order := []forge.DeploymentState{forge.DeploymentInactive, forge.DeploymentSuccess, forge.DeploymentInProgress, forge.DeploymentError, forge.DeploymentFailure}
	out := forge.DeploymentStatus{State: forge.DeploymentInactive, URL: page}
	var words []string
	for _, app := range sortedKeys(byApp) {
		d := byApp[app]
		if d.State == forge.DeploymentInactive {
			continue
		}
		words = append(words, d.Description)
		if indexOf(order, d.State) > indexOf(order, out.State) {
			out.State = d.State
		}
		if out.EnvironmentURL == "" {
			out.EnvironmentURL = d.URL
		}
	}
	if out.Description = StatusWords(strings.Join(words, ", ")); len(words) == 0 {
		out.Description = "it does not stand there any more"
	}
	return out
}
