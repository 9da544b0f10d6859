package promotion

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// Plan is what should be true for one app: wishes, not acts. It is a pure function of a snapshot and a time; planning again right after
// it was written down yields the same.
type Plan struct {
	Deployments      []Deployment // those whose state or soak changed
	Promotions       []PromotionChange
	Pulls            []PullWish
	Commits          []CommitWish
	Merges           []MergeWish
	Contributions    []Contribution
	ForgeDeployments []ForgeDeployment
	CheckWants       []CheckWant
	Disarms          []Disarm
	Notices          []Notice
	Reads            []ChangeKey // what is to be read of the source
	Lookups          []Lookup    // whose source commit is to be looked up
	IntentsDone      []string    // environments whose intent is fulfilled or refused
	Rooms            []RoomWish
	HoldsEnded       []int64 // of rollbacks, because something newer stands there
	RolledBack       []RolledBack
	Intents          []IntentWish
	DropsDone        []string // environments where what was taken out of a train, or something newer, stands
	WaivedEnded      []Waived // of another change than what is to come now
	View             View
	DueAt            time.Time // when time alone may change the plan; zero: never
}

// PromotionChange says that a merged promotion has come to its end.
type PromotionChange struct {
	ID     int64
	State  PromotionState
	Detail string // what happened to it, where nothing else tells
}

// PullWish is the pull request that should be open for the app in one environment; or, where Open is false, that none should.
type PullWish struct {
	Environment string          `json:"environment"`
	Branch      string          `json:"branch"`
	Open        bool            `json:"open"`
	Merged      bool            `json:"merged,omitempty"` // it was merged: only its branch is left to be removed
	Release     Release         `json:"release,omitempty"`
	Intent      string          `json:"intent,omitempty"`
	Asker       string          `json:"asker,omitempty"`
	Superseded  []Release       `json:"superseded,omitempty"`
	Base        string          `json:"base,omitempty"`
	Title       string          `json:"title,omitempty"`
	Body        string          `json:"body,omitempty"`
	Message     string          `json:"message,omitempty"`
	Files       []forge.NewFile `json:"files,omitempty"`
	Blobs       []forge.SHA     `json:"blobs,omitempty"` // what the edit was made on, one for each file
	Edit        string          `json:"edit,omitempty"`  // names the exact edit: another one makes a new commit
	Looks       PullLooks       `json:"looks,omitzero"`
	Reading     bool            `json:"reading,omitempty"` // what changed in the source is being read: the words alone may wait for that
	Reason      string          `json:"reason,omitempty"`  // why an open one is to be closed
	Asked       string          `json:"asked,omitempty"`   // why a person wanted it
	Group       string          `json:"group,omitempty"`   // whose train it is; then Cars are what it brings, and not Release
	Cars        []Car           `json:"cars,omitempty"`
	Number      int             `json:"number,omitempty"` // of the one to be closed, and the head at which that was decided
	Head        forge.SHA       `json:"head,omitempty"`
}

// CommitWish is a commit to be made on the default branch itself (`update: commit`).
type CommitWish struct {
	Environment string          `json:"environment"`
	Branch      string          `json:"branch"`
	Release     Release         `json:"release"`
	Message     string          `json:"message"`
	Files       []forge.NewFile `json:"files"`
	Blobs       []forge.SHA     `json:"blobs"` // what the edit was made on, one for each file
	Edit        string          `json:"edit"`
}

// MergeWish is a pull request that Ferry should merge, with the head it was judged at.
type MergeWish struct {
	Environment      string    `json:"environment"`
	Number           int       `json:"number"`
	Head             forge.SHA `json:"head"`
	Base             string    `json:"base"`
	Title            string    `json:"title"`
	AllowUnprotected bool      `json:"allow_unprotected,omitempty"`
	Group            string    `json:"group,omitempty"` // whose train it is
}

// Contribution is what one app adds to a commit status; the worst of all apps is posted.
type Contribution struct {
	Target      string // owner/name of the repository the commit is in; empty: the environment repository
	SHA         forge.SHA
	Context     string
	State       forge.State
	Description string
}

// PromotionBranch returns the branch of the promotion pull request of app into environment.
func PromotionBranch(environment, app string) string { return "ferry/" + environment + "/" + app }

// MakePlan decides what should be true for the app of the snapshot at now.
func MakePlan(s Snapshot, now time.Time) Plan {
	p := planned(s, now, nil)
	p.plan.speak(p.s.Prefix)
	return p.plan
}

// planned plans the app; its words name commands without the prefix yet. Where it travels with others, train is where its cars stand.
func planned(s Snapshot, now time.Time, train *platform) *planner {
	s.Environments = slices.Clone(s.Environments) // the caller compares the plan with what was before
	p := &planner{s: &s, now: now, train: train, offers: map[string]offer{}}
	p.advance()
	p.endBackfills()
	p.readSteps()
	p.lookUp()
	for i := range s.Environments {
		p.waive(&s.Environments[i])
		p.environment(&s.Environments[i])
	}
	return p
}

type planner struct {
	s     *Snapshot
	now   time.Time
	plan  Plan
	seen  []assessment
	train *platform // of an app that travels with others; nil where it goes alone

	offers map[string]offer // by environment
}

// advance brings every deployment up to date before anything is decided from it.
func (p *planner) advance() {
	p.seen = make([]assessment, len(p.s.Environments))
	for i := range p.s.Environments {
		env := &p.s.Environments[i]
		env.History, env.Reports = slices.Clone(env.History), calledAsConfigured(p.s.App, env)
		for j := range env.History {
			before := env.History[j]
			after, seen := before.advance(env.Environment, env.Reports, p.now)
			if !after.Ended {
				p.seen[i] = seen
				p.listen(env, after, seen)
			}
			if j > 0 && env.degradedAgain(after.Release) {
				after.Soaked = 0
			}
			env.History[j] = after
			after.Settled = after.Ended // its last status is said by this plan
			if j == 0 && !after.Ended && !after.Judged {
				p.judge(env, after)
				after.Judged = true
			}
			if j == 0 && !after.Ended && !seen.unheard {
				after = p.watched(env, after)
			}
			if !reflect.DeepEqual(after, before) {
				p.plan.Deployments = append(p.plan.Deployments, after)
			}
		}
		p.endRollbacks(env)
		for _, h := range env.Holds {
			p.due(h.Until)
		}
		for _, f := range env.Frozen {
			p.due(f.Until)
		}
	}
}

// listen notes when silence alone may change how the deployment stands. An agent that fell silent is looked after again at times: coming back
// with what it said last is no news to anybody else.
func (p *planner) listen(env *Environment, d Deployment, seen assessment) {
	p.due(seen.dueAt)
	if d.State == DeploymentConverged {
		p.due(seen.lostAt)
	}
	if p.soaking(env, d, seen.saidAt) {
		p.due(seen.silentAt)
	}
	if seen.silent || seen.lost(p.now) || !seen.heard.IsZero() {
		p.due(p.now.Add(env.ReportTimeout))
	}
}

// soaking says whether a promotion out of the environment may still wait for the soak of what stands there, or would again if the agent, which spoke last
// then, had been silent since.
func (p *planner) soaking(env *Environment, d Deployment, saidAt time.Time) bool {
	return slices.ContainsFunc(p.s.Environments, func(down Environment) bool {
		return slices.Contains(down.From, env.Name) && d.soakedAt(p.now, saidAt) < down.longestSoak()
	})
}

// calledAsConfigured returns the environment's reports with the images under the names that the configuration gives them, also where the environment
// pulls them under others.
func calledAsConfigured(app config.App, env *Environment) []Report {
	out := slices.Clone(env.Reports)
	for i := range out {
		out[i].Images = slices.Clone(out[i].Images)
		for j, ref := range out[i].Images {
			image := ParseImage(ref)
			for _, configured := range app.Images {
				if configured.NameIn(env.Name) == image.Name {
					image.Name = configured.Name
					out[i].Images[j] = image.String()
					break
				}
			}
		}
	}
	return out
}

// environment decides one environment: the statuses of what stands there, and the promotion into it.
func (p *planner) environment(env *Environment) {
	p.deployed(env)
	p.recorded(env)
	for _, m := range env.Merged {
		p.merged(env, m)
	}
	view := EnvironmentView{Name: env.Name, Mode: env.Mode}
	view.standing(env)
	view.ByTime = p.s.byTime(env)
	if o := p.offers[env.Name]; o.to != nil {
		view.Offer = o.words(p.s.App.Name, env)
	}
	view.Unposted = p.s.unposted(env)
	if env.Pull != nil {
		view.Lacks = p.s.Lacks[env.Name]
	}
	if p.s.dropDone(env) {
		p.plan.DropsDone = append(p.plan.DropsDone, env.Name)
	}
	if p.s.Off || env.Dropped {
		view.Why = "Ferry is switched off here: .ferry.yaml does not name it any more"
		p.close(env, view.Why)
		p.outgrown(env, &view)
		if env.Pull != nil {
			p.plan.View.Environments = append(p.plan.View.Environments, view)
		}
		return
	}
	p.promotion(env, &view)
	p.notices(env)
	p.plan.View.Environments = append(p.plan.View.Environments, view)
}

// promotion decides what pull request should be open into the environment, and with which gates.
func (p *planner) promotion(env *Environment, view *EnvironmentView) {
	if len(env.Outgrown) > 0 {
		p.outgrown(env, view)
		return
	}
	if p.joins(env, view) || p.yields(env, view) {
		return
	}
	p.aside(env)
	c := p.s.choose(env, p.now)
	if env.Intent != nil && c.asker == "" && !c.pending {
		p.plan.IntentsDone = append(p.plan.IntentsDone, env.Name)
	}
	p.due(c.due)
	held := heldBy(plainHolds(env.Holds), p.now).State == GateClosed && !isUrgent(c.intent)
	switch shown := env.Promotion != nil && env.Pull != nil; {
	case held && shown && env.blocked(env.Promotion.Release) != nil:
		c = choice{nothing: env.blocked(env.Promotion.Release).words()}
	case held && shown:
		// a hold freezes what is open; only its words say so
		c = choice{release: env.Promotion.Release, intent: env.Promotion.Intent, asker: env.Promotion.Asker, superseded: env.Promotion.Superseded}
		c.gates = p.s.evaluate(env, c.release, p.now)
	}
	if c.nothing != "" {
		c.nothing = p.s.whyOver(env, c.nothing)
		view.Why, view.Stuck = c.nothing, p.s.stuck(env)
		p.close(env, c.nothing)
		return
	}
	if p.awaitChecks(env, c, view) {
		p.unsure(env)
		return
	}
	view.Proposed, view.Gates = c.release, c.gates
	if len(c.next) > 0 {
		view.Next, view.Queue, view.Then = c.next[0], c.next[1:], c.then
	}
	travels := p.travels(env, c)
	if p.leaves(env, view, c) || !travels && p.givesWay(env, view, c) {
		return
	}
	for _, g := range c.gates {
		p.due(g.DueAt)
	}
	if travels {
		p.board(env, c)
		return
	}
	c.release = p.s.withDigests(env, c.release)
	view.Proposed = c.release
	files, blobs, problem := p.s.bump(env, c.release)
	if problem != "" {
		c.gates = append(c.gates, Gate{Name: "manifest", State: GateWaiting, Reason: problem})
		view.Gates = c.gates
	}
	p.propose(env, view, c, files, blobs, held)
}

// propose wishes the pull request or the commit. What the forge refused is the gate forge: the page, the issue and /status say it, but neither
// ferry/gates, which the forge itself may require, nor a wish: one that changes by its own refusal is tried again at once, and for ever.
func (p *planner) propose(env *Environment, view *EnvironmentView, c choice, files []forge.NewFile, blobs []forge.SHA, held bool) {
	if env.Pull != nil && !env.Pull.Known {
		c.gates = append(c.gates, Gate{Name: "foreign", State: GateClosed, Reason: fmt.Sprintf("%s pushed %s on top; Ferry neither merges nor overwrites it (/retry makes it anew)", env.Pull.who(), env.Pull.HeadSHA.Short())})
	}
	view.Gates = c.gates
	if r, ok := p.s.Refusals[env.Name]; ok && r.Reason != "" {
		view.Gates = append(slices.Clone(c.gates), Gate{Name: "forge", State: GateWaiting, Reason: r.Reason})
	}
	if env.Mode == config.ModeObserve {
		view.Why = "observe: Ferry would open this promotion"
		return
	}
	shown := env.Pull != nil && env.Promotion != nil && env.Promotion.Release.Same(c.release)
	switch {
	case shown:
		p.gates(env, c.gates)
		p.merge(env, c)
	case env.Pull != nil:
		p.gates(env, append(slices.Clone(c.gates), Gate{Name: "edit", State: GateWaiting, Reason: "Ferry is about to show " + c.release.Version() + " here"}))
	}
	if env.Pull != nil && !env.Pull.Known && env.Promotion != nil && !shown {
		view.Proposed, view.Next, view.Then = env.Promotion.Release, c.release, ""
	}
	stopped := held || gateNamed(c.gates, "hold").State == GateClosed && !isUrgent(c.intent)
	frozen := stopped && !shown || env.Pull != nil && !env.Pull.Known
	if len(files) == 0 || frozen {
		p.closeBlocked(env)
		return
	}
	if env.Update == config.UpdateCommit && c.intent == IntentUpdate && env.rolledBack() == nil && !NeedsReviews(env.Environment) { // a commit shows nobody anything to approve
		if state, _ := verdict(c.gates); state == GateOpen {
			p.plan.Commits = append(p.plan.Commits, CommitWish{Environment: env.Name, Branch: p.s.DefaultBranch, Release: c.release,
				Message: p.s.commitMessage(env, c), Files: files, Blobs: blobs, Edit: editName(files, c.release)})
		}
		return
	}
	if p.waits(env, view, c) {
		return
	}
	p.plan.Pulls = append(p.plan.Pulls, PullWish{Environment: env.Name, Branch: PromotionBranch(env.Name, p.s.App.Name), Open: true, Release: c.release,
		Intent: c.intent, Asker: c.asker, Superseded: c.superseded, Base: p.s.DefaultBranch, Title: p.s.title(env, c), Body: p.s.body(env, c),
		Message: p.s.commitMessage(env, c), Files: files, Blobs: blobs, Edit: editName(files, c.release), Asked: c.reason, Reading: p.readFor(env, c.release), Looks: looksOf(env)})
}

// gates posts the gates on the head of the living pull request. They are those of the release that its head shows.
func (p *planner) gates(env *Environment, gates []Gate) {
	state, shut := verdict(gates)
	p.plan.Contributions = append(p.plan.Contributions, Contribution{SHA: env.Pull.HeadSHA, Context: GatesContext, State: state.status(), Description: gatesWords(shut)})
	if env.Pull.Armed.is() && stops(state, shut) {
		p.plan.Disarms = append(p.plan.Disarms, Disarm{Environment: env.Name, Number: env.Pull.Number, Armed: env.Pull.Armed, Reason: gatesWords(shut)})
	}
}

// merge wishes the merge of the living pull request where the environment merges by itself and every gate is open.
func (p *planner) merge(env *Environment, c choice) {
	if state, _ := verdict(c.gates); !p.mergesItself(env, c) || env.Mode != config.ModeRelease || state != GateOpen || !env.Pull.Known {
		return
	}
	p.plan.Merges = append(p.plan.Merges, MergeWish{Environment: env.Name, Number: env.Pull.Number, Head: env.Pull.HeadSHA, Base: p.s.DefaultBranch,
		Title: p.s.title(env, c), AllowUnprotected: env.AllowUnprotected})
}

// close wishes that no promotion be open into the environment. One with somebody else's commit on top is left to
// that person, until somebody says /retry.
func (p *planner) close(env *Environment, reason string) {
	if env.Promotion != nil && env.Promotion.Train != "" { // the train goes on without it
		return
	}
	if env.Pull != nil && !env.Pull.Known && !env.Pull.Anew {
		p.gates(env, []Gate{{Name: "foreign", State: GateClosed, Reason: env.Pull.who() + " pushed on top, and there is nothing to promote any more (/retry closes it): " + reason}})
		return
	}
	if env.Pull == nil && env.Promotion == nil {
		return
	}
	wish := PullWish{Environment: env.Name, Branch: PromotionBranch(env.Name, p.s.App.Name), Reason: reason}
	if env.Pull != nil {
		wish.Number, wish.Head = env.Pull.Number, env.Pull.HeadSHA
	}
	p.plan.Pulls = append(p.plan.Pulls, wish)
}

// closeBlocked wishes that the open promotion be closed where somebody blocks what it shows, though nothing can take its place now.
func (p *planner) closeBlocked(env *Environment) {
	if env.Promotion == nil || env.Pull == nil || !env.Pull.Known {
		return
	}
	if b := env.blocked(env.Promotion.Release); b != nil {
		p.close(env, b.words())
	}
}

// outgrown wishes that what is open under a name of before be closed; nothing is opened beside it. One with somebody else's commit on top is left to
// that person.
func (p *planner) outgrown(env *Environment, view *EnvironmentView) {
	for _, o := range env.Outgrown {
		now := PromotionBranch(env.Name, p.s.App.Name)
		view.Why = fmt.Sprintf("#%d on %s is from before the rename; it is closed, and the promotion opened anew on %s", o.Number, o.Branch, now)
		if !o.Known {
			view.Why, view.Stuck = fmt.Sprintf("#%d on %s is from before the rename, and somebody pushed on top; close it, and the promotion is opened anew on %s", o.Number, o.Branch, now), true
			continue
		}
		p.plan.Pulls = append(p.plan.Pulls, PullWish{Environment: env.Name, Branch: o.Branch, Number: o.Number, Head: o.Head,
			Reason: fmt.Sprintf("this is %s in %s now, and the promotion is opened anew on %s", p.s.App.Name, env.Name, now)})
	}
}

func (p *planner) due(at time.Time) {
	if at.After(p.now) {
		p.plan.DueAt = soonest(p.plan.DueAt, at)
	}
}

func (p *Pull) who() string { return somebody(p.Pusher) }

// somebody names who pushed, where that is known.
func somebody(pusher string) string {
	if pusher == "" {
		return "somebody"
	}
	return pusher
}
