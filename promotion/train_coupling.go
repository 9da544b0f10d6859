package promotion

import (
	"fmt"
	"slices"
	"strings"

	"ferry/promotion/config"
)

// coupling makes the train of one environment from the cars that could go there.
type coupling struct {
	*planner // of the train
	env      *Environment
	members  []*planner
	cars     []*car
	unsure   bool // what is known of an app in the train does not suffice: it stays as it is
}

// add adds what an app would bring.
func (t *coupling) add(p *planner) {
	t.members = append(t.members, p)
	if env := p.s.Find(t.env.Name); env != nil && env.Promotion != nil && slices.Contains(p.train.unsure, t.env.Name) {
		t.unsure = true
	}
	for _, c := range p.train.cars {
		if c.env.Name == t.env.Name {
			t.cars = append(t.cars, c)
		}
	}
}

// couple wishes the train's pull request, or that none be open.
func (t *coupling) couple() {
	switch {
	case len(t.env.Outgrown) > 0:
		t.outgrownTrain()
		return
	case t.unsure:
		return
	}
	for _, c := range t.cars {
		c.make(edit{})
	}
	riders := t.riders()
	var done edit
	for i, c := range riders { // of a file that several change, each changes what the others left
		if i > 0 {
			c.make(done)
		}
		done.join(c.edited)
	}
	riders = slices.DeleteFunc(riders, func(c *car) bool { return c.aside.Name == "manifest" })
	t.say(riders)
	if len(riders) == 0 {
		t.closeTrain()
		return
	}
	t.wish(riders, done)
}

// closeTrain wishes that none be open: none of its apps goes.
func (t *coupling) closeTrain() {
	var why []string
	for _, was := range t.env.Cars {
		words := "it is not in the group " + t.s.App.Name + " any more"
		for _, p := range t.members {
			if p.s.App.Name != was.App {
				continue
			}
			words = "it is not there any more"
			if v := p.plan.View.Find(t.env.Name); v != nil && v.Why != "" {
				words = v.Why
			} else if v != nil {
				_, shut := verdict(v.Gates)
				words = gatesWords(shut)
			}
		}
		why = append(why, was.App+": "+words)
	}
	before := len(t.plan.Pulls)
	t.close(t.env, clip(strings.Join(why, "; "), 1000))
	for i := before; i < len(t.plan.Pulls); i++ {
		t.plan.Pulls[i].Group = t.s.App.Name
	}
}

// outgrownTrain closes what is open under a name that the environment had before.
func (t *coupling) outgrownTrain() {
	var view EnvironmentView
	t.outgrown(t.env, &view)
	for _, c := range t.cars {
		if v := c.view(); v != nil {
			v.Why, v.Stuck = view.Why, view.Stuck
		}
	}
}

// whole are the gates that shut the train where they are shut for one of its cars. All others are an app's own, and keep only that app out.
func whole(gate string) bool {
	return slices.Contains([]string{"freeze", "hold", "approvals"}, gate)
}

// notReady returns what keeps the car out of the train; none where its name is empty.
func (c *car) notReady() Gate {
	if c.aside.Name != "" {
		return c.aside
	}
	if c.env.drops(c.c.release) {
		return Gate{Name: "train", State: GateClosed, Reason: c.p.s.dropWords(c.env)}
	}
	for _, g := range c.c.gates {
		approvable := g.Name == "policy" && awaitsApproval(c.p.s, c.env, c.c.release, c.p.now)
		if g.State != GateOpen && !whole(g.Name) && !approvable {
			return g
		}
	}
	return Gate{}
}

// riders returns the cars of the train, in the order of the apps' names.
func (t *coupling) riders() (riders []*car) {
	stands := t.env.Promotion != nil
	bringing := slices.DeleteFunc(slices.Clone(t.cars), func(c *car) bool { return !c.brings() || c.env.Mode == config.ModeObserve })
	if slices.ContainsFunc(bringing, func(c *car) bool { return c.held }) { // a hold freezes what is open
		return slices.DeleteFunc(bringing, func(c *car) bool { return !c.with() || c.aside.Name != "" })
	}
	ready := slices.DeleteFunc(slices.Clone(bringing), func(c *car) bool { return c.notReady().Name != "" })
	switch policy := t.supersede(); {
	case stands && policy != config.SupersedeLatest:
		riders = slices.DeleteFunc(ready, func(c *car) bool { return !c.aboard() && c.c.asker == "" })
	case policy == config.SupersedeQueue && t.turns():
		riders = slices.DeleteFunc(ready, func(c *car) bool { return c.c.asker == "" })
	default:
		riders = t.collected(ready)
	}
	if len(riders) == 0 { // the last ones wait where they are, and do not close it
		riders = slices.DeleteFunc(bringing, func(c *car) bool { return !c.with() || c.aside.Name == "manifest" || c.notReady().Name == "train" })
	}
	return riders
}

// supersede returns what a newer release does to the train: what is the strictest for any of its apps.
func (t *coupling) supersede() config.Supersede {
	for _, policy := range []config.Supersede{config.SupersedeQueue, config.SupersedeBatch} {
		if slices.ContainsFunc(t.cars, func(c *car) bool { return c.env.Supersede == policy }) {
			return policy
		}
	}
	return config.SupersedeLatest
}

// turns says whether the train before is still on its way: one of the apps has to converge and soak first. The plan is due when that may end.
func (t *coupling) turns() (waits bool) {
	for _, p := range t.members {
		env := p.s.Find(t.env.Name)
		if env == nil {
			continue
		}
		if g := p.s.turn(env, t.now); g.Name != "" {
			t.due(g.DueAt)
			waits = true
		}
	}
	return waits
}

// collected returns the ready cars whose window is over, with all others that are ready by then; those that are aboard stay.
func (t *coupling) collected(ready []*car) (riders []*car) {
	fresh := func(c *car) bool { return !c.with() && c.c.asker == "" && c.c.wait.Name == "" }
	goes := slices.ContainsFunc(ready, fresh)
	for _, c := range ready {
		switch {
		case goes && c.c.asker == "" && !c.eager.release.Same(c.c.release):
			c.c = c.eager
			c.make(edit{})
			if c.notReady().Name != "" {
				continue
			}
			riders = append(riders, c)
		case goes || c.with() || c.c.asker != "":
			riders = append(riders, c)
		}
	}
	return riders
}

// say writes into the cells of the apps what the train does with them.
func (t *coupling) say(riders []*car) {
	for _, c := range t.cars {
		v := c.view()
		if v == nil || !c.brings() {
			continue
		}
		v.Proposed, v.Gates = c.c.release, slices.Clone(c.c.gates)
		rides, g := slices.Contains(riders, c), c.notReady()
		v.Train, v.Behind = t.s.App.Name, g.Name
		switch {
		case c.env.Mode == config.ModeObserve:
			v.Why = "observe: Ferry would open this promotion"
			continue
		case g.Name != "" && gateNamed(v.Gates, g.Name).State == "":
			v.Gates = append(v.Gates, g)
			t.due(g.DueAt)
		case rides || g.Name != "":
		case c.c.wait.Name != "":
			v.Gates = append(v.Gates, c.c.wait)
			t.due(c.c.wait.DueAt)
		case t.env.Promotion != nil:
			v.Gates = append(v.Gates, Gate{Name: "train", State: GateWaiting, Reason: "it goes with the next train: the open one is not changed any more"})
		default:
			v.Gates = append(v.Gates, Gate{Name: "train", State: GateWaiting, Reason: "the train before has to converge and soak here first"})
		}
		if r, ok := t.s.Refusals[t.env.Name]; ok && rides && r.Reason != "" {
			v.Gates = append(v.Gates, Gate{Name: "forge", State: GateWaiting, Reason: r.Reason})
		}
		if v.Number = 0; t.env.Pull != nil && (rides || c.aboard()) {
			v.Number = t.env.Pull.Number
		}
	}
}

// wish wishes the pull request, posts its gates, and merges it where it merges by itself.
func (t *coupling) wish(riders []*car, done edit) {
	gates := jointGates(riders)
	pull := t.env.Pull
	if pull != nil && !pull.Known {
		gates = append(gates, Gate{Name: "foreign", State: GateClosed, Reason: fmt.Sprintf("%s pushed %s on top; Ferry neither merges nor overwrites it (/retry makes it anew)", pull.who(), pull.HeadSHA.Short())})
		for _, c := range riders {
			c.view().Gates = append(c.view().Gates, gates[len(gates)-1])
		}
	}
	cars := t.carsOf(riders)
	shown := pull != nil && slices.EqualFunc(cars, t.env.Cars, func(a, b Car) bool { return a.App == b.App && a.Release.Same(b.Release) })
	switch {
	case shown:
		t.gates(t.env, gates)
		t.mergeTrain(riders, gates)
	case pull != nil:
		t.gates(t.env, append(slices.Clone(gates), Gate{Name: "edit", State: GateWaiting, Reason: "Ferry is about to change the train"}))
	}
	if len(done.files) == 0 || pull != nil && !pull.Known || t.waitsForTrain(riders) {
		return
	}
	reading := false
	for _, c := range riders {
		reading = c.p.readFor(c.env, c.c.release) || reading
	}
	w := PullWish{Environment: t.env.Name, Branch: PromotionBranch(t.env.Name, t.s.App.Name), Open: true, Reading: reading, Looks: looksOf(riders[0].env), Intent: IntentPromotion, Group: t.s.App.Name, Cars: cars, Base: t.s.DefaultBranch,
		Title: t.trainTitle(riders), Body: t.trainBody(riders, gates), Message: t.trainMessage(riders), Files: done.files, Blobs: done.blobs, Edit: editName(done.files, releasesOf(cars))}
	t.plan.Pulls = append(t.plan.Pulls, w)
}

// waitsForTrain says whether the train, which is to be opened, waits for a place in the environment.
func (t *coupling) waitsForTrain(riders []*car) bool {
	if t.env.Promotion != nil {
		return false
	}
	since := t.env.Room.Since
	for _, c := range riders {
		if t.env.Room.Since.IsZero() {
			since = soonest(since, c.p.s.since(c.env, c.c, t.now))
		}
	}
	var view EnvironmentView
	if !t.full(t.env, &view, since) {
		return false
	}
	for _, c := range riders {
		v := c.view()
		v.RoomSince, v.MaxOpen, v.Gates = view.RoomSince, view.MaxOpen, append(v.Gates, view.Gates...)
	}
	return true
}

func (t *coupling) carsOf(riders []*car) (cars []Car) {
	for _, c := range riders {
		cars = append(cars, Car{App: c.p.s.App.Name, Release: c.c.release, Intent: c.c.intent, Asker: c.c.asker, Superseded: c.c.superseded})
	}
	return cars
}

func releasesOf(cars []Car) (all Release) {
	for _, c := range cars {
		all = append(all, c.Release...)
	}
	return all
}

// mergeTrain wishes the merge where every car's environment merges by itself and every gate is open.
func (t *coupling) mergeTrain(riders []*car, gates []Gate) {
	unprotected := true
	for _, c := range riders {
		if !c.p.mergesItself(c.env, c.c) || c.env.Mode != config.ModeRelease {
			return
		}
		unprotected = unprotected && c.env.AllowUnprotected
	}
	if state, _ := verdict(gates); state != GateOpen || !t.env.Pull.Known {
		return
	}
	t.plan.Merges = append(t.plan.Merges, MergeWish{Environment: t.env.Name, Number: t.env.Pull.Number, Head: t.env.Pull.HeadSHA, Base: t.s.DefaultBranch,
		Title: t.trainTitle(riders), AllowUnprotected: unprotected, Group: t.s.App.Name})
}

// jointGates are the gates of all cars, each with the app before its reason; what is said of all alike is said once.
func jointGates(riders []*car) (gates []Gate) {
	for i, c := range riders {
		for _, g := range c.c.gates {
			alike := len(riders) > 1 && !slices.ContainsFunc(riders, func(other *car) bool { return gateNamed(other.c.gates, g.Name) != g })
			switch {
			case alike && i > 0:
				continue
			case !alike:
				g.Reason = c.p.s.App.Name + ": " + g.Reason
			}
			gates = append(gates, g)
		}
	}
	return gates
}

// trainTitle names what moves from where to where.
func (t *coupling) trainTitle(riders []*car) string {
	var moves []string
	for _, c := range riders {
		move := c.p.s.App.Name + " "
		if current := c.env.Current(); current != nil && current.Problem == "" {
			move += current.Release.Version() + " → "
		}
		moves = append(moves, move+c.c.release.Version()+c.p.s.olderWords(c.env, c.c))
	}
	return clip(oneLine(fmt.Sprintf("Promote %s to %s: %s", t.s.App.Name, t.env.Name, strings.Join(moves, ", "))), 200)
}

// trainBody is the part of the pull request's body that is Ferry's.
func (t *coupling) trainBody(riders []*car, gates []Gate) string {
	var b strings.Builder
	fmt.Fprintln(&b, bodyBegin)
	fmt.Fprintf(&b, "Merging this moves **%d %s** of the group **%s** in **%s**.\n\n", len(riders), plural(len(riders), "app", "apps"), escape(t.s.App.Name), escape(t.env.Name))
	b.WriteString("| app | image | from | to | asked for by |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range riders {
		for _, image := range c.c.release {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", escape(c.p.s.App.Name), code(image.Name), c.p.s.standingWords(c.env, image.Name), imageWords(image)+c.p.s.olderWords(c.env, c.c), escape(askersWords(c.c.asker)))
		}
	}
	b.WriteString(t.env.disarmedWords())
	gatesTable(&b, gates)
	t.stayBehind(&b, riders)
	for _, c := range riders {
		fmt.Fprintf(&b, "\n## %s\n", escape(c.p.s.App.Name))
		c.p.s.sourceWords(&b, c.env, c.c)
		c.p.s.runsWords(&b, c.env, c.c.release)
		if len(c.c.superseded) > 0 {
			fmt.Fprintf(&b, "\nSupersedes %s.\n", releaseNames(c.c.superseded))
		}
		if len(c.c.next) > 0 {
			fmt.Fprintf(&b, "\nNext, %s: %s.\n", c.c.then, releaseNames(c.c.next))
		}
	}
	fmt.Fprintf(&b, "\n`/drop APP` takes an app out of this train. Closing this pull request rejects each of these releases for %s; reopening lifts that until something else is opened from its branch, and `/promote APP %s` after that.\n", escape(t.env.Name), t.env.Name)
	b.WriteString("\n<details><summary>Commands</summary>\n\n" + commandTable(func(c CommandSpec) string { return roleWords(roleIn(riders[0].env.Roles, c)) }) + "\n</details>\n")
	return closed(b.String(), maxPart)
}

// trainMessage names in trailers what each app brings, from where a lost database reads it back.
func (t *coupling) trainMessage(riders []*car) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Promote %s in %s: %s\n\nFerry-Group: %s\n", t.s.App.Name, t.env.Name, clip(strings.Join(namesOf(riders), ", "), 200), t.s.App.Name)
	for _, c := range riders {
		c.p.s.trailers(&b, c.env, c.c)
	}
	return b.String()
}

func namesOf(riders []*car) (names []string) {
	for _, c := range riders {
		names = append(names, c.p.s.App.Name)
	}
	return names
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
