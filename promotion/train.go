package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

// A group's apps travel together: one pull request for each environment, the train, with a car for each app. Every app is planned as if it went alone, up
// to which release should come and with which gates; only who would then open a pull request boards the train instead (see planner.board). Then the train
// is coupled, environment by environment, from the cars that are ready (see coupling.riders), and is one PullWish with several releases. What is an
// app's own keeps that app out; what is the environment's, or the train's, shuts the whole train. What is urgent goes alone, on a pull request of its own.

// Group is everything that PlanGroup looks at for the apps of one group.
type Group struct {
	Apps []Snapshot // in the order of their names
	// Train is what stands of the group's own: its name is the App's, and of each Environment only what is open there, the room and the name count.
	Train Snapshot
}

// Car is one app of a train.
type Car struct {
	App        string    `json:"app"`
	Release    Release   `json:"release"`
	Intent     string    `json:"intent"`
	Asker      string    `json:"asker,omitempty"`
	Superseded []Release `json:"superseded,omitempty"`
}

// GroupPlan is what should be true for a group: for each of its apps, in their order, and for the train.
type GroupPlan struct {
	Apps  []Plan
	Train Plan
}

// DueAt returns when time alone may change the plan; zero: never.
func (p GroupPlan) DueAt() time.Time {
	at := p.Train.DueAt
	for _, app := range p.Apps {
		at = soonest(at, app.DueAt)
	}
	return at
}

// Drop is a person's word that one release of an app does not go with the train.
type Drop struct {
	Release Release
	Number  int // of the pull request that it was taken out of
	Actor   string
	At      time.Time
}

// drops says whether a person took the release out of a train, and nobody asked for it since.
func (e *Environment) drops(release Release) bool {
	if e.Drop == nil || !e.Drop.Release.Same(release) {
		return false
	}
	return e.Intent == nil || !e.Intent.Release.Same(release) || !e.Intent.At.After(e.Drop.At)
}

func (s *Snapshot) dropWords(env *Environment) string {
	return fmt.Sprintf("%s took %s out of #%d; a newer release goes, or /promote %s %s", env.Drop.Actor, env.Drop.Release.Version(), env.Drop.Number, s.App.Name, env.Name)
}

// dropDone says whether what was taken out of a train stands there by now, or something newer does.
func (s *Snapshot) dropDone(env *Environment) bool {
	current := env.Current()
	return env.Drop != nil && current != nil && current.Problem == "" && (env.runs(env.Drop.Release) || s.order(current.Release, env.Drop.Release) == Newer)
}

// PlanGroup decides what should be true for the group at now.
func PlanGroup(g Group, now time.Time) GroupPlan {
	train := planner{s: &g.Train, now: now}
	planners := make([]*planner, len(g.Apps))
	for i, s := range g.Apps {
		planners[i] = planned(s, now, &platform{})
	}
	for i := range g.Train.Environments {
		c := coupling{planner: &train, env: &g.Train.Environments[i]}
		for _, p := range planners {
			c.add(p)
		}
		c.couple()
	}
	out := GroupPlan{}
	for _, p := range planners {
		p.plan.speak(p.s.Prefix)
		out.Apps = append(out.Apps, p.plan)
	}
	train.plan.Notices = jointNotices(out.Apps)
	train.plan.speak(g.Train.Prefix)
	out.Train = train.plan
	return out
}

// platform is where the cars of one app stand, one for each environment at most.
type platform struct {
	cars   []*car
	unsure []string // environments for which it is not known yet whether the app goes
}

// unsure lets the train that the app is in be left as it is.
func (p *planner) unsure(env *Environment) {
	if p.train != nil {
		p.train.unsure = append(p.train.unsure, env.Name)
	}
}

// car is what an app would bring into an environment, for the train.
type car struct {
	p      *planner
	env    *Environment
	c      choice
	eager  choice // what it would bring if no window were waited for
	held   bool   // by a hold that is not the app's alone: the train stays as it is
	aside  Gate   // what of the app's own keeps it out of the train; none where its name is empty
	edited edit
}

// travels says whether what comes into the environment goes with the train: not where something urgent is open, or comes by a commit.
func (p *planner) travels(env *Environment, c choice) bool {
	alone := env.Promotion != nil && env.Promotion.Train == ""
	return p.train != nil && !alone && !isUrgent(c.intent) && (env.Update != config.UpdateCommit || c.intent != IntentUpdate)
}

// joins closes what is open for the app alone, from before it was in the group, and says whether something is.
func (p *planner) joins(env *Environment, view *EnvironmentView) bool {
	m := env.Promotion
	if p.train == nil || m == nil || m.Train != "" || isUrgent(m.Intent) {
		return false
	}
	view.Why = "it goes with the others of the group " + p.s.App.Group + " now"
	p.close(env, view.Why)
	return true
}

// aside closes what a person reopened of the app alone while the train that it is in is open: one of them is enough, and the train's is the newer. What is
// wanted at once goes alone in any case.
func (p *planner) aside(env *Environment) {
	o, m := env.Reopened, env.Promotion
	if o == nil || !o.Known || o.Train != "" || m == nil || m.Train == "" || env.Pull == nil || env.wanted() != nil {
		return
	}
	p.plan.Pulls = append(p.plan.Pulls, PullWish{Environment: env.Name, Branch: o.Branch, Number: o.Number, Head: o.Head,
		Reason: fmt.Sprintf("%s goes into %s with the others of the group %s now, in #%d", p.s.App.Name, env.Name, m.Train, env.Pull.Number)})
}

// yields says whether the app waits for what a person pushed upon and reopened, beside what Ferry has open for the app: that person's is not Ferry's to end, so
// what is open otherwise is closed, or goes on without the app. What is wanted at once goes alone in any case.
func (p *planner) yields(env *Environment, view *EnvironmentView) bool {
	o := env.Reopened
	if o == nil || o.Known || env.wanted() != nil || env.Promotion != nil && isUrgent(env.Promotion.Intent) {
		return false
	}
	view.Why, view.Stuck = p.s.pushedUpon(o.Number, o.Pusher), true
	p.close(env, view.Why)
	return true
}

// pushedUpon says how the app gets out of a pull request that has somebody else's commit on top.
func (s *Snapshot) pushedUpon(number int, pusher string) string {
	return fmt.Sprintf("%s is in #%d, and %s pushed on top of that: closing it rejects what it shows; then %s goes on by itself",
		s.App.Name, number, somebody(pusher), s.App.Name)
}

// leaves says whether the app has a place in a train that it is to give up before anything else is opened for it: in another group's, or in its own
// where something urgent comes.
func (p *planner) leaves(env *Environment, view *EnvironmentView, c choice) bool {
	m := env.Promotion
	if m == nil || m.Train == "" || p.train != nil && m.Train == p.s.App.Group && !isUrgent(c.intent) {
		return false
	}
	view.Proposed, view.Why = c.release, "it leaves the train of "+m.Train+" first"
	return true
}

// board puts the app's car on the platform.
func (p *planner) board(env *Environment, c choice) {
	one := &car{p: p, env: env, c: c, eager: c}
	if env.Window > 0 && c.nothing == "" {
		hasty := *env
		hasty.Window = 0
		one.eager = p.s.choose(&hasty, p.now)
	}
	var wide []Hold
	for _, h := range plainHolds(env.Holds) {
		if h.App == p.s.App.Name && !h.over(p.now) {
			one.aside = Gate{Name: "hold", State: GateClosed, Reason: h.words(), DueAt: h.Until}
		} else if h.App != p.s.App.Name {
			wide = append(wide, h)
		}
	}
	for _, f := range env.Frozen {
		if f.App == p.s.App.Name && !Hold(f).over(p.now) && env.waived(Gate{Name: "freeze"}, c.release).State != GateOpen {
			one.aside = Gate{Name: "freeze", State: GateClosed, Reason: f.words(), DueAt: f.Until}
		}
	}
	one.held = heldBy(wide, p.now).State == GateClosed
	p.train.cars = append(p.train.cars, one)
}

// view returns the cell of the car.
func (c *car) view() *EnvironmentView { return c.p.plan.View.Find(c.env.Name) }

// brings says whether the car has something to bring.
func (c *car) brings() bool { return c.c.nothing == "" && len(c.c.release) > 0 }

// aboard says whether the train that is open has the app; with, whether it has it with just this release.
func (c *car) aboard() bool { return c.env.Promotion != nil }

func (c *car) with() bool { return c.aboard() && c.env.Promotion.Release.Same(c.c.release) }

// make makes the car's edit, on top of what the others have made of the files.
func (c *car) make(done edit) {
	env := *c.env
	env.Files, env.Moved = slices.Clone(env.Files), slices.Clone(env.Moved)
	for _, f := range done.files {
		for i := range env.Files {
			if env.Files[i].Path == f.Path {
				env.Files[i].Content = f.Content
			}
		}
		for i := range env.Moved {
			if env.Moved[i].Path == f.Path {
				env.Moved[i].File.Content = f.Content
			}
		}
	}
	c.c.release = c.p.s.withDigests(c.env, c.c.release)
	var problem string
	c.edited = edit{}
	c.edited.files, c.edited.blobs, problem = c.p.s.bump(&env, c.c.release)
	if problem != "" && c.aside.Name == "" {
		c.aside = Gate{Name: "manifest", State: GateWaiting, Reason: problem}
	}
}

// join adds another edit to this one; of a file that both change, the other was made on top of this one.
func (e *edit) join(other edit) {
	for i, f := range other.files {
		if at := slices.IndexFunc(e.files, func(n forge.NewFile) bool { return n.Path == f.Path }); at >= 0 {
			e.files[at].Content = f.Content
			continue
		}
		e.files, e.blobs = append(e.files, f), append(e.blobs, other.blobs[i])
	}
}

// jointNotices takes what the apps' plans tell under pull requests, and makes one notice of all that is told under the same one.
func jointNotices(apps []Plan) (joint []Notice) {
	for i := range apps {
		for _, n := range apps[i].Notices {
			at := slices.IndexFunc(joint, func(other Notice) bool { return other.Number == n.Number })
			if at < 0 {
				joint = append(joint, n)
				continue
			}
			joint[at].Trouble, joint[at].Calm = troubles(jointLines(joint[at].Trouble, n.Trouble)), strings.Join(jointLines(joint[at].Calm, n.Calm), " ")
		}
		apps[i].Notices = nil
	}
	return joint
}

// jointLines returns the lines of both texts, each once.
func jointLines(texts ...string) (lines []string) {
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			if line = strings.TrimPrefix(line, "- "); line != "" && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
