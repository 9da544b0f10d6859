package promotion

import (
	"fmt"
	"slices"
	"time"

	"ferry/promotion/config"
)

// assessment is what the reports say of the current deployment.
type assessment struct {
	state      DeploymentState
	message    string
	silent     bool      // nobody reported in time
	dueAt      time.Time // when silence would turn into an error
	degradedAt time.Time // the last degradation that any cluster reported
	heard      time.Time // a silent agent stops the soak: health is known up to then; zero: up to now
	saidAt     time.Time // when an agent that promised heartbeats said something last; zero: none promised any
	silentAt   time.Time // when promised heartbeats that stay away would stop the soak; zero: none are promised
	lostAt     time.Time // when that silence would be an error, though all had arrived
	unheard    bool      // read back after a loss, and no agent has spoken since: what stands at the forge is all that is known
}

// lost says whether promised heartbeats stayed away for so long that nobody can say any more that the release runs.
func (a assessment) lost(now time.Time) bool { return !a.lostAt.IsZero() && !a.lostAt.After(now) }

// noReportYet is the message of a deployment of which no agent has said anything.
const noReportYet = "waiting for the first report"

// silentAfter is how many promised heartbeats may be missing before an agent counts as silent.
const silentAfter = 3

// assess decides how far the current deployment is from the counting reports: converged where in every cluster it is healthy and the
// reported revision lies in the deployment's interval, or is unknown while the images seen contain the release. The worst cluster decides.
func assess(env config.Environment, d Deployment, reports []Report, now time.Time) assessment {
	if env.Converge == config.ConvergeMerge {
		return assessment{state: DeploymentConverged, message: "nobody reports here: merged counts as arrived"}
	}
	out, unheard := assessment{state: DeploymentConverged}, true
	for _, cluster := range env.Clusters {
		i := slices.IndexFunc(reports, func(r Report) bool { return r.Cluster == cluster })
		one := assessment{state: DeploymentPending, message: noReportYet, dueAt: d.Since.Add(env.ReportTimeout)}
		switch {
		case i >= 0:
			one = assessCluster(env, d, reports[i], now)
		case !d.Recovered.IsZero():
			one = d.remembered(env)
		}
		if len(env.Clusters) > 1 && one.message != "" && !one.unheard {
			one.message = cluster + ": " + one.message
		}
		out, unheard = worse(out, one), unheard && one.unheard
	}
	out.unheard = unheard
	if out.state != DeploymentConverged && !out.dueAt.After(now) {
		out.silent = true
	}
	return out
}

// remembered is what the forge tells of a deployment in a cluster whose agent has not spoken since the database was lost. Unknown is not absent: it
// stands as it stood, and the agent has its time to speak from the recovery on.
func (d Deployment) remembered(env config.Environment) assessment {
	out := assessment{state: d.State, message: d.Message, unheard: true}
	if out.state == DeploymentPending && out.message == "" { // a baseline, whose convergence stands nowhere
		out.message = noReportYet
	}
	if d.State != DeploymentConverged {
		out.dueAt = later(d.Since, d.Recovered).Add(env.ReportTimeout)
	}
	return out
}

func assessCluster(env config.Environment, d Deployment, r Report, now time.Time) assessment {
	heard := d.Since
	if r.ReceivedAt.After(heard) {
		heard = r.ReceivedAt
	}
	out := assessment{state: DeploymentPending, dueAt: heard.Add(env.ReportTimeout), degradedAt: r.DegradedAt}
	if r.Every > 0 {
		out.saidAt, out.silentAt = r.ReceivedAt, r.ReceivedAt.Add(silentAfter*r.Every)
		out.lostAt = later(out.silentAt, r.ReceivedAt.Add(env.ReportTimeout))
	}
	seen := imagesSeen(d.Release, r.Images)
	switch {
	case r.Revision == "" && r.ReceivedAt.Before(d.Since): // it names no revision, so its time says what it is about
		out.message = "the agent has said nothing since this release came"
		return out
	case r.Revision == "" && r.Health == HealthFailed:
		out.state, out.message = DeploymentFailed, describe("failed before it reached a revision", r)
		return out
	case r.Seq == 0 && seen != imagesContain:
		out.message = fmt.Sprintf("the agent reports revision %s, which is unknown on the branch", r.Revision.Short())
		return out
	case r.Seq != 0 && r.Seq < d.FirstSeq:
		out.message = fmt.Sprintf("the agent is still at the older revision %s", r.Revision.Short())
		return out
	case seen == imagesLack:
		out.message = "the images that run are not the release: " + imageList(r.Images)
		return out
	}
	switch r.Health {
	case HealthHealthy:
		out.state = DeploymentConverged
		if r.Every > 0 && !out.silentAt.After(now) {
			out.heard = r.ReceivedAt
			out.message = fmt.Sprintf("the agent is silent since %s", instant(r.ReceivedAt))
		}
	case HealthProgressing:
		out.state, out.message = DeploymentProgressing, describe("progressing", r)
	case HealthDegraded:
		out.state, out.message = DeploymentDegraded, describe("degraded", r)
	case HealthFailed:
		out.state, out.message = DeploymentFailed, describe("failed", r)
	default:
		out.message = describe("the agent does not know its health", r)
	}
	return out
}

// rank orders states from the best to the worst: of several clusters the worst decides.
func rank(s DeploymentState) int {
	return slices.Index([]DeploymentState{DeploymentConverged, DeploymentProgressing, DeploymentPending, DeploymentDegraded, DeploymentFailed}, s)
}

func worse(a, b assessment) assessment {
	out := a
	if rank(b.state) > rank(a.state) || a.message == "" || b.state == a.state && b.silentLonger(a) {
		out = b
	}
	out.degradedAt = later(a.degradedAt, b.degradedAt)
	out.saidAt = soonest(a.saidAt, b.saidAt)
	out.silentAt, out.lostAt = soonest(a.silentAt, b.silentAt), soonest(a.lostAt, b.lostAt)
	out.dueAt = a.dueAt
	if a.state == DeploymentConverged || b.state != DeploymentConverged && b.dueAt.Before(a.dueAt) {
		out.dueAt = b.dueAt
	}
	if out.heard = a.heard; b.silentLonger(a) {
		out.heard = b.heard
	}
	if out.state == DeploymentConverged {
		out.dueAt = time.Time{}
	}
	return out
}

// silentLonger says whether the agent of a has been silent for longer than that of b, or that is not silent at all.
func (a assessment) silentLonger(b assessment) bool {
	return !a.heard.IsZero() && (b.heard.IsZero() || a.heard.Before(b.heard))
}

type imageEvidence int

const (
	imagesSilent imageEvidence = iota // the report names none of the release's images
	imagesContain
	imagesLack
)

// imagesSeen says what the images an agent saw prove of a release. Only an image of the same repository can contradict; an equal digest is the
// same image whatever its tag is called, and a name alone proves nothing.
func imagesSeen(release Release, refs []string) imageEvidence {
	evidence := imagesSilent
	for _, want := range release {
		named, contained := false, false
		for _, ref := range refs {
			got := ParseImage(ref)
			if got.Name != want.Name {
				continue
			}
			switch {
			case got.Digest != "" && want.Digest != "":
				named, contained = true, contained || got.Digest == want.Digest
			case got.Tag != "" && want.Tag != "":
				named, contained = true, contained || got.Tag == want.Tag
			}
		}
		switch {
		case named && !contained:
			return imagesLack
		case contained:
			evidence = imagesContain
		}
	}
	return evidence
}

// advance returns d as it is after the reports, with its soak's clock brought up to date: the clock starts with convergence, stands
// still while the release is rolled out again or the deployment has ended, and is set back to nothing by degradation. What has once
// converged is only taken back by degradation: agents report progress for reasons of their own, such as another app's roll-out.
func (d Deployment) advance(env config.Environment, reports []Report, now time.Time) (Deployment, assessment) {
	if d.Ended || d.Problem != "" {
		return d, assessment{state: d.State, message: d.Problem}
	}
	a := assess(env, d, reports, now)
	arrived := !d.ConvergedAt.IsZero() && d.State == DeploymentConverged
	if a.degradedAt.After(d.CountedFrom) { // also one that another report has overtaken: what the clock shows began before it
		d = d.unsoaked()
	}
	switch {
	case a.state == DeploymentConverged:
		if d.ConvergedAt.IsZero() {
			d.ConvergedAt = now
		}
		d = d.clocked(now, a.heard)
	case a.state == DeploymentDegraded || a.state == DeploymentFailed:
		d = d.unsoaked()
	case arrived:
		d.Soaked, d.HealthyFrom = d.soakedAt(now, time.Time{}), time.Time{}
		a.state, a.silent, a.dueAt = DeploymentConverged, false, time.Time{}
	}
	d.DegradedFrom = d.degradedSince(a.state, now)
	d.State, d.Message = a.state, a.message
	return d, a
}

// clocked starts the soak's clock, or stops it where it was heard last. What a silent agent has said before counts; the silence does not, also
// when the agent comes back.
func (d Deployment) clocked(now, heard time.Time) Deployment {
	switch {
	case !heard.IsZero():
		d.Soaked, d.HealthyFrom = d.soakedAt(now, heard), time.Time{}
	case d.HealthyFrom.IsZero():
		d.HealthyFrom = now
		if d.CountedFrom.IsZero() {
			d.CountedFrom = now
		}
	}
	return d
}

// unsoaked sets the soak's clock back to nothing.
func (d Deployment) unsoaked() Deployment {
	d.HealthyFrom, d.Soaked, d.CountedFrom = time.Time{}, 0, time.Time{}
	return d
}

// soakedAt returns for how long the release has run healthily in this deployment; heard bounds it where an agent that promised
// heartbeats fell silent.
func (d Deployment) soakedAt(now, heard time.Time) time.Duration {
	total := d.Soaked
	if !d.HealthyFrom.IsZero() {
		end := now
		if !heard.IsZero() && heard.Before(end) {
			end = heard
		}
		if end.After(d.HealthyFrom) {
			total += end.Sub(d.HealthyFrom)
		}
	}
	return total
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
