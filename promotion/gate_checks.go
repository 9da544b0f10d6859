package promotion

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// CheckWant is a commit whose commit statuses and check runs a release needs on its way into an environment.
type CheckWant struct {
	Environment string
	Target      string // owner/name of a source repository, in lower case; empty: the environment repository
	SHA         forge.SHA
	Deployment  int64 // upstream, whose other revisions count too; 0: this commit alone
	Names       []string
	Since       time.Time
}

// CheckedCommit is how the checks of a commit stand, as they were read last.
type CheckedCommit struct {
	Target  string // as in CheckWant
	SHA     forge.SHA
	Seq     int64 // its place among the revisions of the default branch; 0: it is none
	Names   []string
	Checks  []forge.Check // those of Names
	Problem string        // why not everything could be read
}

// checksPatience is for how long a release's checks may stay unread before Ferry says so and decides without them.
const checksPatience = time.Minute

// mostCheckedRevisions is how many revisions of one deployment are read without the forge having told of anything there: the one that began it, and
// those at which its agents reported it first.
const mostCheckedRevisions = 4

// checksGate is open once every check that the environment asks for is green on a revision at which the release stands upstream, or on a commit that
// one of its images was built from.
func checksGate(s *Snapshot, env *Environment, release Release, _ time.Time) Gate {
	gate := Gate{Name: "checks", State: GateOpen}
	if len(env.Checks) == 0 {
		gate.Reason = noneAskedFor
		return gate
	}
	commits := s.checkedCommits(env, release)
	words := map[GateState][]string{}
	for _, check := range env.Checks {
		state, why := s.checkStands(env, release, check, commits)
		words[state] = append(words[state], why)
	}
	for _, state := range []GateState{GateWaiting, GateClosed} {
		if len(words[state]) > 0 {
			gate.State = state
		}
	}
	if gate.State == GateOpen {
		gate.Reason = strings.Join(words[GateOpen], "; ")
		return gate
	}
	gate.Reason = strings.Join(append(words[GateClosed], words[GateWaiting]...), "; ")
	return gate
}

// checkStands says how one check stands: as on the first commit where it is green, else on the first where it failed, else where it is under way.
func (s *Snapshot) checkStands(env *Environment, release Release, check config.Check, commits []CheckedCommit) (GateState, string) {
	var failed, pending, problem string
	for _, c := range commits {
		state, at := judgeChecks(check, c.Checks)
		switch {
		case at == nil:
		case state == forge.Success:
			return GateOpen, fmt.Sprintf("%s is green on %s", clip(check.Name, 60), s.commitWords(c))
		case state == forge.Failure && failed == "":
			failed = fmt.Sprintf("%s failed on %s%s", clip(check.Name, 60), s.commitWords(c), checkWords(*at))
		case state == forge.Pending && pending == "":
			pending = fmt.Sprintf("%s is under way on %s%s", clip(check.Name, 60), s.commitWords(c), checkWords(forge.Check{URL: at.URL})) // how far it has come would be news all the time
		}
		if problem == "" {
			problem = c.Problem
		}
	}
	switch {
	case failed != "":
		return GateClosed, failed
	case pending != "":
		return GateWaiting, pending
	}
	return GateWaiting, s.absentWords(env, release, check, problem)
}

// judgeChecks says how the check of that name stands on a commit, where several may have posted it: failed if any did, else under way if any is. It
// returns the one that says so; nil where nobody posted it who may.
func judgeChecks(want config.Check, posted []forge.Check) (forge.State, *forge.Check) {
	var worst *forge.Check
	for i := range posted {
		c := &posted[i]
		if c.Name != want.Name || !postedBy(want, *c) {
			continue
		}
		if worst == nil || c.State == forge.Failure && worst.State != forge.Failure || c.State == forge.Pending && worst.State == forge.Success {
			worst = c
		}
	}
	if worst == nil {
		return "", nil
	}
	return worst.State, worst
}

// postedBy says whether the check was posted by who has to. An App is pinned by its slug, also as the account in whose name it posts statuses.
func postedBy(want config.Check, c forge.Check) bool {
	pinned := want.PostedBy
	if c.Run {
		pinned = strings.TrimSuffix(pinned, "[bot]")
	}
	return want.PostedBy == "" || strings.EqualFold(pinned, c.By)
}

// checkWords is what was said with a check, and where there is more of it.
func checkWords(c forge.Check) string {
	words := ""
	for _, part := range []string{c.Word, c.Description, shownURL(c.URL)} {
		if part = oneLine(part); part != "" && !strings.Contains(words, part) {
			words += ", " + clip(part, 200)
		}
	}
	return strings.Replace(words, ", ", ": ", 1)
}

// shownURL returns the address if it leads to a page, and is one that can stand in a text.
func shownURL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(address) > 200 {
		return ""
	}
	return u.String()
}

func (s *Snapshot) commitWords(c CheckedCommit) string {
	if c.Target != "" {
		return c.Target + "@" + c.SHA.Short()
	}
	return c.SHA.Short()
}

// absentWords says where a check is waited for that nobody posted.
func (s *Snapshot) absentWords(env *Environment, release Release, check config.Check, problem string) string {
	words := "nothing is posted as " + clip(check.Name, 60)
	if check.PostedBy != "" {
		words += " by " + check.PostedBy
	}
	var places []string
	for _, w := range s.checkWants(env, release) {
		place := s.commitWords(CheckedCommit{Target: w.Target, SHA: w.SHA})
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	if len(places) > 0 {
		words += " on " + strings.Join(places, " or ")
	}
	if problem != "" {
		words += " (" + problem + ")"
	}
	return words
}

// checkWants returns the commits whose checks the release needs: what its agents upstream reported first, the revision that brought it, and what its
// images were built from. What was wanted before stays.
func (s *Snapshot) checkWants(env *Environment, release Release) (wants []CheckWant) {
	if len(env.Checks) == 0 {
		return nil
	}
	add := func(target string, sha forge.SHA, deployment int64) {
		if sha != "" && !slices.ContainsFunc(wants, func(w CheckWant) bool { return w.Target == target && w.SHA == sha }) {
			wants = append(wants, CheckWant{Environment: env.Name, Target: target, SHA: sha, Deployment: deployment, Names: checkNames(env.Checks)})
		}
	}
	for _, name := range env.From {
		up := s.Find(name)
		d := up.deploymentOf(release)
		if d == nil {
			continue
		}
		for _, sha := range s.reportedRevisions(env, up, d) {
			add("", sha, d.ID)
		}
		add("", d.FirstSHA, d.ID)
	}
	for _, image := range release {
		if a, ok := s.source(image); ok && a.Source != "" {
			target := strings.ToLower(a.Source)
			if strings.EqualFold(a.Source, s.Repository.FullName()) {
				target = ""
			}
			add(target, a.Commit, 0)
		}
	}
	return wants
}

// reportedRevisions returns the revisions of the deployment at which agents reported it, as far as they are wanted: the first ones stay, so that an
// agent that follows every commit does not ask for ever more.
func (s *Snapshot) reportedRevisions(env, up *Environment, d *Deployment) (list []forge.SHA) {
	for _, w := range s.CheckWants {
		if w.Environment == env.Name && w.Deployment == d.ID && w.SHA != d.FirstSHA {
			list = append(list, w.SHA)
		}
	}
	for _, r := range up.Reports {
		if len(list) < mostCheckedRevisions-1 && r.Health == HealthHealthy && r.Revision != d.FirstSHA && up.holds(d, r.Seq) && !slices.Contains(list, r.Revision) {
			list = append(list, r.Revision)
		}
	}
	return list
}

// holds says whether the deployment stood at the revision of that place.
func (e *Environment) holds(d *Deployment, seq int64) bool {
	if seq == 0 || seq < d.FirstSeq {
		return false
	}
	for i := range e.History {
		if next := &e.History[i]; next.FirstSeq > d.FirstSeq && seq >= next.FirstSeq {
			return false
		}
	}
	return true
}

// checkedCommits returns what is known of the commits that count for the release: those that are wanted, in their order, and any other revision at
// which it stands upstream.
func (s *Snapshot) checkedCommits(env *Environment, release Release) (list []CheckedCommit) {
	for _, w := range s.checkWants(env, release) {
		if c := s.checked(w.Target, w.SHA); c != nil {
			list = append(list, *c)
		}
	}
	for _, name := range env.From {
		up := s.Find(name)
		d := up.deploymentOf(release)
		for _, c := range s.Checked {
			known := slices.ContainsFunc(list, func(x CheckedCommit) bool { return x.Target == c.Target && x.SHA == c.SHA })
			if d != nil && c.Target == "" && up.holds(d, c.Seq) && !known {
				list = append(list, c)
			}
		}
	}
	return list
}

func (s *Snapshot) checked(target string, sha forge.SHA) *CheckedCommit {
	for i := range s.Checked {
		if s.Checked[i].Target == target && s.Checked[i].SHA == sha {
			return &s.Checked[i]
		}
	}
	return nil
}

func checkNames(checks []config.Check) []string {
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unreadChecks says until when Ferry waits for the first reading of the release's checks before it decides: unknown is not absent. It is zero where
// everything was read that does not come and go, and where reading takes too long.
func (s *Snapshot) unreadChecks(env *Environment, release Release, now time.Time) time.Time {
	for _, w := range s.checkWants(env, release) {
		if d := s.deployed(env, release); w.Deployment != 0 && !slices.Contains(d, w.SHA) {
			continue // what an agent reported is read beside
		}
		if c := s.checked(w.Target, w.SHA); c != nil && !slices.ContainsFunc(w.Names, func(name string) bool { return !slices.Contains(c.Names, name) }) {
			continue
		}
		since := now
		for _, before := range s.CheckWants {
			if before.Environment == w.Environment && before.Target == w.Target && before.SHA == w.SHA && slices.Equal(before.Names, w.Names) {
				since = before.Since
			}
		}
		if until := since.Add(checksPatience); until.After(now) {
			return until
		}
	}
	return time.Time{}
}

// deployed returns the revisions that brought the release into the `from` environments.
func (s *Snapshot) deployed(env *Environment, release Release) (list []forge.SHA) {
	for _, name := range env.From {
		if d := s.Find(name).deploymentOf(release); d != nil {
			list = append(list, d.FirstSHA)
		}
	}
	return list
}

// awaitChecks asks for the checks of the release, and says whether nothing is decided of it until they were read: what is open stays as it is.
func (p *planner) awaitChecks(env *Environment, c choice, view *EnvironmentView) bool {
	if len(env.Checks) == 0 || isUrgent(c.intent) {
		return false
	}
	p.plan.CheckWants = append(p.plan.CheckWants, p.s.checkWants(env, c.release)...)
	until := p.s.unreadChecks(env, c.release, p.now)
	if until.IsZero() {
		return false
	}
	p.due(until)
	view.Proposed, view.Why = c.release, "Ferry reads the checks of "+c.release.Version()
	return true
}
