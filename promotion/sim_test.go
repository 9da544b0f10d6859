package promotion_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
)

var (
	simEvents = flag.Int("events", 3_000, "how many events TestSimulation lets happen, in histories of a few hundred")
	simSeed   = flag.Uint64("seed", 0, "where the seeds of TestSimulation begin")
)

// simHistory is how many events one history has.
const simHistory = 250

// TestSimulation lets random people, agents, clocks and forges act on a few apps, and holds what Ferry plans and shows after each event against the
// words of the design. Each history is made by its seed alone. Of one that fails, the fewest events that still fail are printed: with them, it is a row
// of TestSimulationsThatFailed.
func TestSimulation(t *testing.T) {
	t.Parallel()
	histories, chunks := (*simEvents+simHistory-1)/simHistory, max(2, runtime.GOMAXPROCS(0))
	met := make([]map[string]int, chunks)
	t.Cleanup(func() { allMet(t, met) })
	for chunk := range chunks {
		t.Run(fmt.Sprint("from ", chunk), func(t *testing.T) {
			t.Parallel()
			met[chunk] = map[string]int{}
			for n := chunk; n < histories && !t.Failed(); n += chunks {
				seed := *simSeed + uint64(n)
				for what, times := range simulate(t, simWorlds()[(n+n/3)%3], seed, simEventsOf(seed)) {
					met[chunk][what] += times
				}
			}
		})
	}
}

// allMet fails where something that matters never happened: what nothing meets is not tested.
func allMet(t *testing.T, chunks []map[string]int) {
	t.Helper()
	all := map[string]int{}
	for _, met := range chunks {
		for what, times := range met {
			all[what] += times
		}
	}
	t.Logf("met: %v", all)
	want := []string{"held", "frozen", "blocked", "rejected", "asked for", "in a window", "waiting for its soak", "degraded upstream", "merged by Ferry", "merged by hand",
		"superseded", "reopened", "closed by a bot", "pushed upon", "a crash", "must come", "mixed", "rolled back",
		"waits for room", "approved", "lacks approvals", "somebody wants changes", "lacks a check", "a policy says no", "overridden", "disarmed", "a hotfix",
		"waits in a queue", "a batch stays", "a train of several", "must board"}
	if *simEvents >= 20_000 {
		want = append(want, "left the line", "merged by the forge itself", "a back-fill", "taken out of a train", "let onto a train")
	}
	for _, what := range want {
		if all[what] == 0 && !t.Failed() {
			t.Errorf("never met: %s", what)
		}
	}
}

// TestSimulationsThatFailed lets histories happen once more that were wrong at some time.
func TestSimulationsThatFailed(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]struct {
		world  simWorld
		seed   uint64
		events []uint64
	}{
		"a dropped environment gave releases an order":           {simPlain(), 31, simEventsOf(31)},
		"a rejected promotion was reopened as the next came":     {simPlain(), 76, simEventsOf(76)},
		"a revert below a promotion left it in conflict":         {simPlain(), 79, simEventsOf(79)},
		"what degraded was replaced before a plan was made":      {simPlain(), 26, simEventsOf(26)},
		"what came back and failed at once had its soak of old":  {simPlain(), 3122, simEventsOf(3122)},
		"what came back and failed later, and went, had it, too": {simPlain(), 3061, simEventsOf(3061)},
		"what was blocked stayed open where nothing else could come": {simPlain(), 1058, []uint64{0x53f9ad127101cd73, 0x4032c952f4f45afa, 0xaf93d3f0524dd6e4, 0x314a9107986418e5, 0xdca057d92e0d85dc,
			0x4af2383d552621cd, 0x6de82943d66378bb, 0x843ddf6ede12b9d6, 0x3433b5aca4975472, 0xd360fd943eb05d29, 0x6ddf980b9a908940, 0x6bebe95ab2e85f85, 0xb83ce685d607d40e, 0x2ed0a651f31d3c7}},
		"silence took back a soak that was done, unplanned":        {simPlain(), 4300162, []uint64{0xd6efdc8c80d8133c, 0x6d30c1d07a45818, 0x882943da1db9c157, 0x77646acd0f04e8d, 0x1200ba386115e843}},
		"a failure after silence was hidden by what came next":     {simPlain(), 4200302, []uint64{0xfd6dd2a734e2cbc5, 0x2b579852293ca6a4, 0x90bb721a8342400c, 0x739efcf30c727ff4, 0xa3d6ee4d44556c8e, 0xf1521c82b99b3eee}},
		"of two silent agents the one named changed by time alone": {simPlain(), 4100174, []uint64{0xb16cee41a3e6d298, 0xbe111464617ad8a0, 0xb48071bf1c05f95e, 0x56850262309c4722, 0xa819741f9f325719}},
		"a hotfix was asked for where the model knew of none": {simPlain(), 4100146, []uint64{0x2b0e9579c333b06, 0x600714a2a6107c8b, 0xdca52c6ddb372d1a, 0x37fe6a1ce1db1056, 0xdb082bb0743725dc,
			0x88ac380ae0fe133f, 0x74519e8b1d62941a}},
		"what came back failed and went before a plan was made": {simPlain(), 9100000, []uint64{0x9325e219c4d2e924, 0xc7f33c9565e02bdb, 0xa66a6f60a327b284, 0x3940da8bf3945dde, 0xc0d73f23e77b8c23, 0x34b7aafb7caad3d1,
			0x829c0d8199350c29, 0x8efd492c38fab942, 0x392d38602eecf9db, 0xdc836fd88aee5ac3, 0x2b5458c14fcf4899, 0xfe104aee8ad48a6c, 0x27e38165baa67ae1, 0xfefcef4ff4dff2d5, 0x70eb43e5827ad12, 0x3fb79d9d6f69901b,
			0xcb2ad78816fe2e18, 0x7ae3f6f97fbde0b4, 0xe0cc388806aad5b9}},
		"what a person had asked for opened a queue to something newer": {simWide(), 9100063, []uint64{0x3a69a2760ad4205b, 0xb79661e47c079b14, 0x99934af7a9969b2b, 0x187349ab6d6aed4d, 0x37005c70b03e2f18, 0xf0b67187a8a99d28,
			0x89f82e486e9c1483, 0x47749b8baaf3cf48}},
		"what went alone was reopened beside a train": {simTrains(), 880029, []uint64{0x52e976ac91067166, 0x9b263da8b1b622e7, 0xb8f21b7d2f9cf7cc, 0x9717988592bee53, 0xde02f383ffa29a89, 0xe65e96279bc2edca,
			0x657435c532b6b35, 0x11d68e067e07d8c0, 0xd36f66d6f55776d3, 0xc9ac5a777b257ae, 0xbe65ccd41ae22db2, 0x4c8e424b1e862aba, 0x1a511408db885f9e}},
		"what was let onto a train where files disagreed": {simTrains(), 4022, []uint64{0xe405a493fe6055e7, 0x6ede7c0889f8a51c, 0xb0225a46bffccdbf, 0xed1bf7ecca3596e1, 0xb03903bab45dc372, 0x96ad10a6bdb823ef}},
		"a train that somebody pushed upon was reopened beside what goes alone": {simTrains(), 4031, []uint64{0x9a97890e1f4332ce, 0xdd0fb64f2db2973f, 0x88216733942b9c3, 0xe42ee042fe0e9fbd, 0x88905fd0cad3d4dc, 0xed5cf853d40637db,
			0xc2aa6a0e0b875be7, 0x3558ab7614ddeaa6, 0xb35d81148ffc6697, 0xd305a1a9568de625, 0xa935e7e32d70c7f6}},
		"what is wanted at once came as a train took the place":        {simTrains(), 164, []uint64{0xa5cb966358629c9f, 0x45e5fef6c1a5139e, 0x3cd31736774895e3, 0xeae99daaba8c8fb7, 0xe9908a5edd9a9257, 0xeb6a7f2e7be2b348}},
		"what is wanted at once came beside what somebody pushed upon": {simTrains(), 526, simEventsOf(526)},
		"checks were asked for of what was green":                      {simTrains(), 465, []uint64{0xa1d4da654531593c, 0x6ff4bbe97c32be03, 0x81600043ecf50876, 0x7df07ccd49ed95ee, 0xe1a2477f59788388, 0x2096dd19094bd6a8, 0xd342b20766a14e6e}},
		"what came back upstream was replaced by something older": {simPlain(), 700012, []uint64{0x2904dbd95083acbe, 0x426cb3966c62086, 0xbe5052b55d9073c6, 0xcb26fb80c8f78b80, 0x6054137eff02126e, 0x966671713f39e10f,
			0x8a9bef766888b911, 0xcddaa28da3d9584c, 0x3b73a0436c390e4f, 0x20e07209338ae578, 0xdf9c8fd2d49587fd, 0x9e735452a215a39e, 0x2267c78c9dd988d8, 0x895b08fe8172c225}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, h.world, h.seed, h.events)
		})
	}
}

// simEventsOf returns the events of a seed's history. Each is a seed of its own, so that leaving some out does not change what the others draw.
func simEventsOf(seed uint64) []uint64 {
	r := rand.New(rand.NewPCG(seed, 7))
	events := make([]uint64, simHistory)
	for i := range events {
		events[i] = r.Uint64()
	}
	return events
}

// simulate lets the events happen, and returns how often what was met.
func simulate(t *testing.T, world simWorld, seed uint64, events []uint64) map[string]int {
	t.Helper()
	s, problem := simRun(t, world, seed, events)
	if problem == "" {
		return s.met
	}
	tries := 300
	for n := len(events) / 2; n > 0; n /= 2 { // leave out what is not needed, in ever smaller pieces
		for at := 0; at+n <= len(events) && tries > 0; tries-- {
			fewer := slices.Concat(events[:at], events[at+n:])
			if again, p := simRun(t, world, seed, fewer); p != "" {
				s, problem, events = again, p, fewer
				continue
			}
			at += n
		}
	}
	t.Fatalf("%s, seed %d, events %#v:\n%s\nwhat happened:\n%s", world.name, seed, events, problem, strings.Join(s.log, "\n"))
	return nil
}

// simProblem is what a simulation panics with where something is wrong.
type simProblem string

// simRun lets the events happen, and says what went wrong; "" where nothing did.
func simRun(t *testing.T, world simWorld, seed uint64, events []uint64) (s *sim, problem string) {
	t.Helper()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case simProblem:
			problem = string(p)
		default:
			panic(fmt.Sprintf("%s, seed %d, events %#v: %v\n%s", world.name, seed, events, p, strings.Join(s.log, "\n")))
		}
	}()
	s = newSim(t, world, seed)
	s.settle()
	for _, e := range events {
		s.r = rand.New(rand.NewPCG(e, seed))
		s.now = s.now.Add(time.Duration(1+s.r.IntN(15*60_000)) * time.Millisecond)
		s.event()
		if s.rested = s.prompt || s.r.IntN(3) == 0; s.rested {
			s.settle()
			s.atRest()
		} else {
			s.someWork()
		}
		s.seen()
	}
	s.settle()
	s.atRest()
	return s, ""
}

// sim is a forge, its people and agents, and a Ferry whose database is a few maps. What the forge's and the people's side is, is written by the words
// of the design and of GitHub's documentation; of Ferry's, only its pure core is the code under test.
type sim struct {
	wide    bool // see simWorlds
	r       *rand.Rand
	now     time.Time
	prompt  bool // Ferry works off every event before the next
	configs []*config.Config
	config  *config.Config
	apps    []string
	groups  []string         // that any configuration has
	saw     map[int]*simSeen // by the pull request's number
	travels map[string]string
	forge   simForge
	facts   map[string]*simFacts // by app
	people  simPeople
	agents  map[string]*simAgent // by environment/cluster
	heads   int64                // how far Ferry has observed the branch
	ids     int64
	minor   int               // how many new releases there were
	help    map[string]string // who may say which command
	log     []string
	met     map[string]int    // how often what happened
	rested  bool              // nothing is left to do
	back    map[simPlace]bool // where the plan that was just made has decided a rollback

	// What the oracles remember.
	said            []simSaid
	staysOf         map[simPlace][]simStay
	staysAt         int64           // up to which revision those are
	arrived         map[string]bool // places and tags that have converged
	observedAt      map[int64]time.Time
	everMerged      map[string]bool // environments in which merged has ever counted as arrived
	severalClusters map[string]bool // environments that have ever had several

	showed  map[forge.SHA]simShowed // by the heads that Ferry made
	checks  simChecks
	waiting map[simPlace]time.Time // since when who waits for a place
}

const simDev = `apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev], soak: 10m}
  - {name: canary, from: [dev], merge: auto, unprotected: allow}
`

const simApps = `
apps:
  - {discover: "apps/{app}/{env}/kustomization.yaml", images: ["ghcr.io/acme/{app}"]}
`

// simConfigs are what .ferry.yaml says in turn: a diamond where all are needed and where one is, merges by people and by Ferry, windows, several
// clusters, environments where nobody reports, that are only observed, or that are gone.
func simConfigs() []string {
	return []string{
		simDev + `
  - {name: prod, from: [staging, canary], soak: 20m, merge: auto, unprotected: allow}
  - {name: prod-eu, from: {any: [staging, canary]}, merge: auto, unprotected: allow, freeze: [{kind: deny, schedule: "0 * * * *", duration: 15m, reason: the hour begins}]}` + simApps,
		simDev + `
  - {name: prod, from: [staging, canary], merge: auto, unprotected: allow, clusters: [eu, us]}
  - {name: prod-eu, from: {any: [staging, canary]}, soak: 30m, converge: merge, report_timeout: 5m}` + simApps,
		simDev + `
  - {name: prod, from: [staging], soak: 1h, mode: propose, freeze: [{kind: deny, schedule: "0 * * * *", duration: 15m, reason: the hour begins}]}
  - {name: prod-eu, from: [prod], mode: observe}` + simApps,
		simDev + `
  - {name: prod, from: {any: [staging, canary]}, soak: 10m, merge: auto, unprotected: allow}` + simApps,
		strings.Replace(simDev, "merge: auto", "merge: auto, rollback: auto", 1) + `
  - {name: prod, from: [canary], soak: 10m, supersede: queue, rollback: pr}
  - {name: prod-eu, from: [canary], supersede: batch, window: 20m}` + simApps,
	}
}

func newSim(t *testing.T, world simWorld, seed uint64) *sim {
	t.Helper()
	s := &sim{wide: world.wide, r: rand.New(rand.NewPCG(seed, 11)), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), apps: world.apps, groups: world.groups, facts: map[string]*simFacts{}, saw: map[int]*simSeen{},
		agents: map[string]*simAgent{}, arrived: map[string]bool{}, observedAt: map[int64]time.Time{}, met: map[string]int{}, everMerged: map[string]bool{}, severalClusters: map[string]bool{},
		showed: map[forge.SHA]simShowed{}, checks: simChecks{posted: map[forge.SHA][]forge.Check{}, read: map[forge.SHA][]forge.Check{}}, waiting: map[simPlace]time.Time{}}
	s.forge.content = map[simPlace]string{}
	s.people.intents = map[simPlace]simIntent{}
	for _, text := range world.configs {
		c, err := config.Parse(config.File, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s.configs = append(s.configs, c)
	}
	s.configure(s.configs[seed%uint64(len(s.configs))])
	s.prompt = seed%3 == 0
	s.forge.seq = 1
	for _, app := range s.apps {
		s.facts[app] = &simFacts{}
		for _, env := range simEnvironments() {
			s.forge.commit(simPlace{app, env}, simManifest(app, "1.0.0"))
		}
	}
	for _, group := range s.groups {
		s.facts[group] = &simFacts{}
		s.facts[group].in("dev")
	}
	s.observeHead(s.forge.seq)
	return s
}

// configure lets another .ferry.yaml be in force.
func (s *sim) configure(c *config.Config) {
	s.config = c
	s.leaveLines()
	for _, e := range c.Environments {
		s.everMerged[e.Name] = s.everMerged[e.Name] || e.Converge == config.ConvergeMerge
		s.severalClusters[e.Name] = s.severalClusters[e.Name] || len(e.Clusters) > 1
	}
}

func simEnvironments() []string { return []string{"dev", "staging", "canary", "prod", "prod-eu"} }

func (s *sim) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%s %s", s.now.Format("15:04:05.000"), fmt.Sprintf(format, args...)))
}

// wrong ends the simulation.
func (s *sim) wrong(format string, args ...any) { panic(simProblem(fmt.Sprintf(format, args...))) }

func simPick[T any](s *sim, list []T) T { return list[s.r.IntN(len(list))] }
