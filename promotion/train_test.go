package promotion_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// trainWorld is a group of apps in dev and staging, each a world of its own, and the train that they share.
type trainWorld struct {
	t     *testing.T
	apps  []*world
	train promotion.Snapshot
	wish  *promotion.PullWish
	plan  promotion.GroupPlan
	heads int64
}

func newTrain(t *testing.T, names []string, change ...func(staging, prod *config.Environment)) *trainWorld {
	t.Helper()
	tw := &trainWorld{t: t}
	for _, name := range names {
		w := line(t, change...)
		w.s.App.Name, w.s.App.Group = name, "platform"
		tw.apps = append(tw.apps, w)
	}
	tw.train = promotion.Snapshot{DefaultBranch: "main", App: config.App{Name: "platform"}, Refusals: map[string]promotion.Refusal{},
		Environments: []promotion.Environment{{Environment: tw.apps[0].env("staging").Environment}}}
	return tw
}

// look plans the group and shows at the forge what is wished, until nothing moves.
func (tw *trainWorld) look() {
	tw.t.Helper()
	for range 5 {
		g := promotion.Group{Train: tw.train}
		for _, w := range tw.apps {
			w.now = tw.apps[0].now
			for i := range w.s.Environments {
				for j := range w.s.Environments[i].Files { // each has files of its own
					f := &w.s.Environments[i].Files[j]
					f.Path = strings.Replace(f.Path, "/checkout/", "/"+w.s.App.Name+"/", 1)
				}
			}
			g.Apps = append(g.Apps, w.s)
		}
		before := tw.plan
		tw.plan = promotion.PlanGroup(g, tw.apps[0].now)
		for i, w := range tw.apps {
			for _, d := range tw.plan.Apps[i].Deployments {
				for j := range w.s.Environments {
					for k := range w.s.Environments[j].History {
						if w.s.Environments[j].History[k].ID == d.ID {
							w.s.Environments[j].History[k] = d
						}
					}
				}
			}
			if len(tw.plan.Apps[i].Pulls) > 0 {
				tw.t.Fatalf("%s wishes a pull request of its own: %+v", w.s.App.Name, tw.plan.Apps[i].Pulls)
			}
		}
		if reflect.DeepEqual(before, tw.plan) {
			return
		}
		tw.show()
	}
	tw.t.Fatal("planning again and again never comes to rest")
}

// show lets the forge show what the train is wished to be.
func (tw *trainWorld) show() {
	env := &tw.train.Environments[0]
	for _, wish := range tw.plan.Train.Pulls {
		for _, w := range tw.apps {
			w.env("staging").Promotion, w.env("staging").Pull = nil, nil
		}
		if !wish.Open {
			tw.wish, env.Cars, env.Promotion, env.Pull = nil, nil, nil, nil
			continue
		}
		if tw.wish == nil || tw.wish.Edit != wish.Edit {
			tw.heads++
		}
		tw.wish, env.Cars = &wish, wish.Cars
		env.Promotion = &promotion.Promotion{Number: 7, State: promotion.PromotionOpen}
		env.Pull = &promotion.Pull{Number: 7, HeadSHA: sha(9_000_000 + tw.heads), Known: true, Edit: wish.Edit}
		for _, c := range wish.Cars {
			e := tw.app(c.App).env("staging")
			e.Promotion = &promotion.Promotion{ID: 1, Number: 7, Release: c.Release, Intent: c.Intent, Asker: c.Asker, Superseded: c.Superseded, State: promotion.PromotionOpen, Train: "platform"}
			e.Pull = env.Pull
		}
	}
}

func (tw *trainWorld) app(name string) *world {
	tw.t.Helper()
	for _, w := range tw.apps {
		if w.s.App.Name == name {
			return w
		}
	}
	tw.t.Fatalf("there is no app %s", name)
	return nil
}

func (tw *trainWorld) arrive(name, tag string) {
	tw.t.Helper()
	w := tw.app(name)
	w.now = tw.apps[0].now
	w.commit("dev", tag)
	w.report("dev", promotion.HealthHealthy)
	tw.look()
}

// rides fails unless the train has exactly these cars.
func (tw *trainWorld) rides(cars ...string) {
	tw.t.Helper()
	tw.look()
	var got []string
	if tw.wish != nil {
		for _, c := range tw.wish.Cars {
			got = append(got, c.App+" "+c.Release.Version())
		}
	}
	if !slices.Equal(got, cars) {
		tw.t.Errorf("the train has %q, want %q", got, cars)
	}
}

func (tw *trainWorld) wait(d time.Duration) { tw.apps[0].now = tw.apps[0].now.Add(d) }

// cell is what the plan says of an app in staging.
func (tw *trainWorld) cell(name string) promotion.EnvironmentView {
	tw.t.Helper()
	for i, w := range tw.apps {
		if w.s.App.Name == name {
			return *tw.plan.Apps[i].View.Find("staging")
		}
	}
	return promotion.EnvironmentView{}
}

// gates returns the status of the train's head.
func (tw *trainWorld) gates() (state forge.State, words string) {
	tw.t.Helper()
	if n := len(tw.plan.Train.Contributions); n != 1 {
		tw.t.Fatalf("%d statuses are posted: %+v", n, tw.plan.Train.Contributions)
	}
	return tw.plan.Train.Contributions[0].State, tw.plan.Train.Contributions[0].Description
}

func TestWhoRides(t *testing.T) {
	t.Parallel()
	soaking := func(staging, _ *config.Environment) { staging.Soak = time.Hour }
	hold := func(app string) promotion.Hold { return promotion.Hold{ID: 1, App: app, Actor: "ann"} }
	for name, c := range map[string]struct {
		change []func(staging, prod *config.Environment)
		do     func(tw *trainWorld)
	}{
		"nothing new": {nil, func(tw *trainWorld) { tw.rides() }},
		"in the order of their names, however they come": {nil, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.rides("mail 1.1.0")
			tw.arrive("cart", "1.2.0")
			tw.rides("cart 1.2.0", "mail 1.1.0")
		}},
		"who is not ready does not stop the others": {[]func(_, _ *config.Environment){soaking}, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.rides()
			tw.wait(30 * time.Minute)
			tw.arrive("cart", "1.1.0")
			tw.wait(30 * time.Minute)
			tw.rides("mail 1.1.0")
			if g := tw.cell("cart").Gates; !slices.ContainsFunc(g, func(g promotion.Gate) bool { return g.Name == "soak" && g.State == promotion.GateWaiting }) {
				tw.t.Errorf("cart waits for %+v", g)
			}
			if due := tw.plan.DueAt(); !due.Equal(tw.apps[0].now.Add(30 * time.Minute)) {
				tw.t.Errorf("it is due at %s", due)
			}
			tw.wait(30 * time.Minute)
			tw.rides("cart 1.1.0", "mail 1.1.0")
		}},
		"who degrades leaves, and the last one stays": {nil, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.arrive("cart", "1.1.0")
			tw.rides("cart 1.1.0", "mail 1.1.0")
			tw.app("cart").report("dev", promotion.HealthDegraded)
			tw.rides("mail 1.1.0")
			tw.app("mail").report("dev", promotion.HealthDegraded)
			tw.rides("mail 1.1.0")
			if state, words := tw.gates(); state != forge.Pending || !strings.Contains(words, "upstream: mail: degraded in dev") {
				tw.t.Errorf("the gates are %s %q", state, words)
			}
		}},
		"a hold on one app, on the group, on all": {nil, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.arrive("cart", "1.1.0")
			tw.rides("cart 1.1.0", "mail 1.1.0")
			tw.app("cart").env("staging").Holds = []promotion.Hold{hold("cart")}
			tw.rides("mail 1.1.0")
			tw.app("cart").env("staging").Holds = nil
			for _, app := range []string{"platform", ""} {
				tw.rides("cart 1.1.0", "mail 1.1.0")
				for _, w := range tw.apps {
					w.env("staging").Holds = []promotion.Hold{hold(app)}
				}
				tw.arrive("news", "1.1.0")
				tw.rides("cart 1.1.0", "mail 1.1.0")
				if state, words := tw.gates(); state != forge.Failure || !strings.HasPrefix(words, "hold: ann holds") {
					tw.t.Errorf("the gates are %s %q", state, words)
				}
				tw.app("news").commit("dev", "1.0.0")
				for _, w := range tw.apps {
					w.env("staging").Holds = nil
				}
				tw.look()
			}
		}},
		"what was taken out, and is newer or asked for": {nil, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.arrive("cart", "1.1.0")
			e := tw.app("mail").env("staging")
			e.Drop = &promotion.Drop{Release: release("1.1.0"), Number: 7, Actor: "ann"}
			tw.rides("cart 1.1.0")
			e.Intent = &promotion.Intent{Release: release("1.1.0"), Actor: "bob", At: tw.apps[0].now}
			tw.rides("cart 1.1.0", "mail 1.1.0")
			e.Drop.At = tw.apps[0].now // in the moment in which it was asked for: who asks after that ends the drop
			tw.rides("cart 1.1.0")
			if done := tw.plan.Apps[slices.Index(tw.apps, tw.app("mail"))].IntentsDone; !slices.Equal(done, []string{"staging"}) {
				tw.t.Errorf("what was asked for is over in %q", done)
			}
			e.Intent = nil
			tw.rides("cart 1.1.0")
			tw.arrive("mail", "1.2.0")
			tw.rides("cart 1.1.0", "mail 1.2.0")
		}},
		"what somebody takes back is called older": {nil, func(tw *trainWorld) {
			tw.arrive("mail", "1.1.0")
			tw.arrive("cart", "1.1.0")
			tw.app("cart").commit("staging", "2.0.0")
			tw.rides("mail 1.1.0")
			tw.app("cart").env("staging").Intent = &promotion.Intent{Release: release("1.1.0"), From: release("2.0.0"), Actor: "bob", At: tw.apps[0].now}
			tw.rides("cart 1.1.0", "mail 1.1.0")
			if !strings.HasSuffix(tw.wish.Title, ": cart 2.0.0 → 1.1.0 (older), mail 1.0.0 → 1.1.0") || !strings.Contains(tw.wish.Body, "| `1.1.0` (older) | bob |") {
				tw.t.Errorf("the train is %q\n%s", tw.wish.Title, tw.wish.Body)
			}
		}},
		"what was taken out of a queue is passed over": {[]func(_, _ *config.Environment){superseding(config.SupersedeQueue, 0)}, func(tw *trainWorld) {
			tw.app("mail").env("staging").Drop = &promotion.Drop{Release: release("1.1.0"), Number: 7, Actor: "ann"}
			tw.arrive("mail", "1.1.0")
			tw.rides()
			tw.wait(time.Minute)
			tw.arrive("mail", "1.2.0")
			tw.rides("mail 1.2.0")
		}},
		"observe": {nil, func(tw *trainWorld) {
			tw.app("mail").env("staging").Mode = config.ModeObserve
			tw.arrive("mail", "1.1.0")
			tw.arrive("cart", "1.1.0")
			tw.rides("cart 1.1.0")
			if why := tw.cell("mail").Why; why != "observe: Ferry would open this promotion" {
				tw.t.Errorf("mail: %q", why)
			}
		}},
		"somebody pushed on top": {nil, func(tw *trainWorld) {
			tw.arrive("cart", "1.1.0")
			tw.rides("cart 1.1.0")
			tw.train.Environments[0].Pull.Known, tw.train.Environments[0].Pull.Pusher = false, "eve"
			tw.arrive("mail", "1.1.0")
			tw.rides("cart 1.1.0")
			if state, words := tw.gates(); state != forge.Failure || !strings.Contains(words, "eve pushed") {
				tw.t.Errorf("the gates are %s %q", state, words)
			}
		}},
		"the window is the first one's": {[]func(_, _ *config.Environment){superseding(config.SupersedeLatest, 10*time.Minute)}, func(tw *trainWorld) {
			tw.arrive("cart", "1.1.0")
			tw.wait(9 * time.Minute)
			tw.arrive("mail", "1.1.0")
			tw.rides()
			tw.wait(time.Minute)
			tw.rides("cart 1.1.0", "mail 1.1.0")
			tw.wait(time.Hour)
			tw.arrive("cart", "1.2.0")
			tw.wait(5 * time.Minute)
			tw.arrive("mail", "1.2.0")
			tw.rides("cart 1.1.0", "mail 1.1.0")
			tw.wait(5 * time.Minute)
			tw.rides("cart 1.2.0", "mail 1.2.0")
		}},
		"no room": {[]func(_, _ *config.Environment){func(staging, _ *config.Environment) { staging.MaxOpen = 1 }}, func(tw *trainWorld) {
			tw.train.Environments[0].Room.Taken = 1
			tw.arrive("cart", "1.1.0")
			tw.arrive("mail", "1.1.0")
			tw.rides()
			if len(tw.plan.Train.Rooms) != 1 || tw.cell("cart").RoomSince.IsZero() {
				tw.t.Errorf("it waits for %+v", tw.plan.Train.Rooms)
			}
			tw.train.Environments[0].Room.Taken = 0
			tw.rides("cart 1.1.0", "mail 1.1.0")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.do(newTrain(t, []string{"cart", "mail", "news"}, c.change...))
		})
	}
}

// TestTrainsTellWhatTheyBring: from the commit of a train a lost database reads back what each of its cars is.
func TestTrainsTellWhatTheyBring(t *testing.T) {
	t.Parallel()
	tw := newTrain(t, []string{"cart", "mail"})
	tw.arrive("cart", "1.1.0")
	tw.arrive("mail", "1.2.0")
	tw.app("mail").env("staging").Intent = &promotion.Intent{Release: release("1.2.0"), Actor: "bob", At: tw.apps[0].now}
	tw.rides("cart 1.1.0", "mail 1.2.0")
	group, cars := promotion.ParseCars(tw.wish.Message)
	var got []string
	for _, c := range cars {
		got = append(got, fmt.Sprint(c.Place.App, c.Place.Environment, c.Release.Version(), c.Intent, c.Asker))
	}
	if want := []string{"cart staging 1.1.0 promotion ", "mail staging 1.2.0 promotion bob"}; group != "platform" || !slices.Equal(strings.Fields(strings.Join(got, " ")), strings.Fields(strings.Join(want, " "))) && len(cars) != 2 {
		t.Errorf("the message tells of %q: %q", group, got)
	}
	alone := line(t)
	alone.arrive("dev", "1.1.0")
	if group, cars := promotion.ParseCars(alone.wishes["staging"].Message); group != "" || len(cars) != 1 || cars[0].Place.App != "checkout" {
		t.Errorf("who goes alone is read as %q %+v", group, cars)
	}
	if group, cars := promotion.ParseCars("words\n\nFerry-Group: x\nFerry-App: a\n"); group != "x" || len(cars) != 0 {
		t.Errorf("half a message tells of %q %+v", group, cars)
	}
}
