package promotion_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// tell carries out what a comment of mia's says, as the database would.
func (w *world) tell(body string) promotion.Outcome {
	w.t.Helper()
	w.wait(time.Second)
	c, err := config.Parse(config.File, []byte(ferryYAML))
	if err != nil {
		w.t.Fatal(err)
	}
	w.plan.View.App = "checkout"
	history := map[string][]promotion.Deployment{}
	var stops promotion.Stops
	for _, e := range w.s.Environments {
		history[e.Name] = e.History
		stops.Holds = append(stops.Holds, e.Holds...)
	}
	stops.Blocks = w.blocks
	out := promotion.Execute(promotion.ParseCommands(body, ""), promotion.CommandScene{Config: c, Login: "mia", Permission: forge.PermissionMaintain, Now: w.now,
		Views: []promotion.View{w.plan.View}, Stops: stops, History: map[string]map[string][]promotion.Deployment{"checkout": history}})
	w.carryOut(out)
	w.look()
	return out
}

func (w *world) carryOut(out promotion.Outcome) {
	for i := range w.s.Environments {
		e := &w.s.Environments[i]
		for _, h := range out.Holds {
			if h.Environment == e.Name {
				w.ids++
				h.ID = w.ids
				e.Holds = append(e.Holds, h)
			}
		}
		if intent, ok := out.Intents["checkout"][e.Name]; ok {
			e.Intent = &intent
		}
	}
	w.blocks = append(w.blocks, out.Blocks...)
	blockIn(w, w.blocks...)
}

// rolledBack writes a rollback down that the plan has decided.
func (w *world) rolledBack(r promotion.RolledBack) {
	w.ids++
	r.Hold.ID = w.ids
	e := w.env(r.Environment)
	e.Holds = append(e.Holds, r.Hold)
	if r.Intent.Kind != "" {
		e.Intent = &r.Intent
	}
	w.blocks = append(w.blocks, *r.Block)
	blockIn(w, w.blocks...)
}

// badAndNewer is runningBad with 1.3.0 on its way into prod.
func badAndNewer(t *testing.T) *world {
	t.Helper()
	w := runningBad(t)
	w.arrive("dev", "1.3.0")
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	return w
}

// runningBad is a line with 1.0.0, 1.1.0 and 1.2.0 one after the other everywhere; in prod, 1.2.0 turned out to be bad.
func runningBad(t *testing.T, change ...func(staging, prod *config.Environment)) *world {
	t.Helper()
	w := line(t, change...)
	for _, tag := range []string{"1.1.0", "1.2.0"} {
		w.wait(time.Hour)
		w.arrive("dev", tag)
		w.wait(48 * time.Hour)
		w.look()
		w.merge("staging")
		w.report("staging", promotion.HealthHealthy)
		w.look()
		w.wait(48 * time.Hour)
		w.look()
		w.merge("prod")
		w.report("prod", promotion.HealthHealthy)
		w.look()
	}
	return w
}

func TestRollback(t *testing.T) {
	t.Parallel()
	w := runningBad(t, func(_, prod *config.Environment) { prod.Soak = 24 * time.Hour })
	out := w.tell("/rollback prod it loses orders")
	if !strings.Contains(out.Answer, "Rolling `checkout` back in `prod`: `1.2.0` → `1.1.0`. The pull request follows.") ||
		!strings.Contains(out.Answer, "`/resume checkout prod` ends that") || !strings.Contains(out.Answer, "`/unblock checkout 1.2.0 prod` ends that") {
		t.Errorf("the answer is %s", out.Answer)
	}
	w.proposed("prod", "1.1.0")
	wish := w.wishes["prod"]
	if wish.Title != "Roll back checkout in prod: 1.2.0 → 1.1.0" || wish.Intent != promotion.IntentRollback || wish.Asker != "mia" {
		t.Errorf("the pull request is %+v", wish)
	}
	for _, words := range []string{"**Why**: it loses orders", "`/resume checkout prod`", "`/unblock checkout 1.2.0 prod`"} {
		if !strings.Contains(wish.Body, words) {
			t.Errorf("the body lacks %q:\n%s", words, wish.Body)
		}
	}
	back, ok := promotion.ParseTrailers(wish.Message)
	if !ok || back.Intent != promotion.IntentRollback || back.Asker != "mia" || back.Reason != "it loses orders" {
		t.Errorf("the trailers say %+v", back)
	}
	if s := w.gatesStatus("prod"); s.State != forge.Success {
		t.Errorf("its gates are %+v", s)
	}
	w.merge("prod")
	w.look()
	w.proposed("prod", "")
	if w.env("prod").Intent != nil {
		t.Error("it is asked for still")
	}
	if why := w.cell("prod").Why; !strings.Contains(why, "mia blocks checkout 1.2.0 in prod: rolled back to 1.1.0: it loses orders") {
		t.Errorf("nothing comes because %q", why)
	}
}

// TestRollbackSticks is the thread that every promotion tool has: production went back, and the robot brings the bad release again.
func TestRollbackSticks(t *testing.T) {
	t.Parallel()
	w := runningBad(t, func(_, prod *config.Environment) { prod.AutoMerge, prod.Mode = true, config.ModeRelease })
	w.tell("/rollback prod to 1.0.0")
	w.proposed("prod", "1.0.0")
	if len(w.plan.Merges) != 1 {
		t.Errorf("merge: auto merges it: %+v", w.plan.Merges)
	}
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "") // neither 1.2.0, which is blocked, nor 1.1.0, which the hold stops
	w.commit("dev", "1.2.0@sha256:"+strings.Repeat("b", 64))
	w.report("dev", promotion.HealthHealthy)
	w.commit("staging", "1.2.0@sha256:"+strings.Repeat("b", 64))
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "") // built again
	w.arrive("dev", "1.3.0@sha256:"+strings.Repeat("c", 64))
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	w.look()
	w.proposed("prod", "1.3.0")
	if len(w.plan.Merges) != 0 {
		t.Error("what follows a rollback is merged without a person")
	}
	if g := w.gate("prod", "hold"); g.State != promotion.GateOpen || !strings.Contains(g.Reason, "a person merges it") {
		t.Errorf("the gate hold says %+v", g)
	}
	w.merge("prod")
	w.report("prod", promotion.HealthHealthy)
	w.look()
	if len(w.env("prod").Holds) != 0 {
		t.Errorf("the hold has not ended: %+v", w.env("prod").Holds)
	}
	w.arrive("dev", "1.4.0@sha256:"+strings.Repeat("d", 64))
	w.merge("staging")
	w.report("staging", promotion.HealthHealthy)
	if p := w.look(); len(p.Merges) != 1 {
		t.Error("after that, merge: auto merges again")
	}
}

func TestRollbackGivesNoOpenPromotionAnotherMeaning(t *testing.T) {
	t.Parallel()
	w := badAndNewer(t)
	w.proposed("prod", "1.3.0")
	open := w.env("prod").Pull.Number
	w.wait(time.Second)
	w.env("prod").Intent = &promotion.Intent{Kind: promotion.IntentRollback, Release: release("1.1.0"), From: release("1.2.0"), Actor: "mia", At: w.now}
	p := promotion.MakePlan(w.s, w.now)
	if len(p.Pulls) != 1 || p.Pulls[0].Open || p.Pulls[0].Number != open || p.Pulls[0].Reason != "Roll back checkout in prod: 1.2.0 → 1.1.0: mia" {
		t.Fatalf("first it is closed: %+v", p.Pulls)
	}
	w.look()
	w.proposed("prod", "1.1.0")
	if w.env("prod").Pull.Number == open {
		t.Error("the promotion was rewritten")
	}
	rollback := w.env("prod").Pull.Number
	w.env("prod").Intent = &promotion.Intent{Kind: promotion.IntentRollback, Release: release("1.0.0"), From: release("1.2.0"), Actor: "mia", At: w.now}
	w.look()
	w.proposed("prod", "1.0.0")
	if w.env("prod").Pull.Number == rollback {
		t.Error("the rollback was rewritten")
	}
	rollback = w.env("prod").Pull.Number
	w.ask("prod", "1.3.0")
	w.look()
	w.proposed("prod", "1.3.0")
	if w.env("prod").Pull.Number == rollback {
		t.Error("the rollback was rewritten by a promotion")
	}
}

func TestRollbackEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world){
		"by a person's close":               func(w *world) { w.reject("prod") },
		"when something else came to stand": func(w *world) { w.commit("prod", "1.2.1") },
		"when it stands, by whomever":       func(w *world) { w.commit("prod", "1.1.0") },
		"when what it brings is blocked":    func(w *world) { w.blocks = append(w.blocks, bad("1.1.0", "prod")); blockIn(w, w.blocks...) },
	} {
		w := runningBad(t)
		w.tell("/rollback prod")
		w.proposed("prod", "1.1.0")
		end(w)
		w.look()
		w.proposed("prod", "")
		if w.env("prod").Intent != nil {
			t.Errorf("%s: it is asked for still", name)
		}
	}
}

func TestRollbackGates(t *testing.T) {
	t.Parallel()
	denied := parsed(t, "apiVersion: ferry/v1\nenvironments:\n  - {name: prod, freeze: [{kind: deny, schedule: '* * * * *', duration: 1h}]}\napps: []\n").Environments[0].Freezes
	for _, test := range []struct {
		name string
		stop func(e *promotion.Environment, now time.Time)
		want forge.State
	}{
		{"nothing", func(*promotion.Environment, time.Time) {}, forge.Success},
		{"a window", func(e *promotion.Environment, _ time.Time) { e.Freezes = denied }, forge.Success},
		{"a person's freeze", func(e *promotion.Environment, now time.Time) {
			e.Frozen = []promotion.Freeze{{Environment: "prod", Actor: "bob", Reason: "no", At: now}}
		}, forge.Failure},
		{"a person's hold", func(e *promotion.Environment, now time.Time) {
			e.Holds = append(e.Holds, promotion.Hold{Environment: "prod", Actor: "bob", At: now})
		}, forge.Failure},
		{"silence and sickness upstream", func(e *promotion.Environment, _ time.Time) { e.Soak = 999 * time.Hour }, forge.Success},
	} {
		w := runningBad(t)
		test.stop(w.env("prod"), w.now)
		w.report("staging", promotion.HealthDegraded)
		w.look()
		if out := w.tell("/rollback prod"); out.Reaction != forge.ReactionDone {
			t.Fatalf("%s: %s", test.name, out.Answer)
		}
		w.proposed("prod", "1.1.0") // it is open whatever stops the merge
		if s := w.gatesStatus("prod"); s.State != test.want {
			t.Errorf("%s: %+v", test.name, s)
		}
	}
}

func TestRollbackIsOnlyObserved(t *testing.T) {
	t.Parallel()
	w := runningBad(t)
	w.env("prod").Mode = config.ModeObserve
	w.tell("/rollback prod")
	w.proposed("prod", "")
	if cell := w.cell("prod"); cell.Proposed.Version() != "1.1.0" {
		t.Errorf("the view says %+v", cell)
	}
}

func TestRollbackCommand(t *testing.T) {
	t.Parallel()
	stood := func(tags ...string) (list []promotion.Deployment) {
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		for i, tag := range tags {
			list = append(list, promotion.Deployment{Release: release(tag), Ended: i > 0, ConvergedAt: at, Since: at})
		}
		return list
	}
	history := func(list []promotion.Deployment) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			s.Permission = forge.PermissionMaintain
			s.History = map[string]map[string][]promotion.Deployment{"checkout": {"prod": list, "staging": list}}
		}
	}
	usual := stood("1.2.0", "1.1.0", "1.0.0")
	never := stood("1.2.0", "1.1.0")
	never[1].ConvergedAt = time.Time{}
	mixed := stood("1.2.0", "1.1.0")
	mixed[0].Problem, mixed[0].Release = "the files disagree", nil
	for _, test := range []struct {
		body   string
		list   []promotion.Deployment
		change func(*promotion.CommandScene)
		words  string
		to     string
		block  string
	}{
		{"/rollback checkout prod", usual, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback prod checkout because it loses orders", usual, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout prod to 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback to 1.0.0 checkout prod it hurts", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout to prod", usual, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout prod all orders are lost", usual, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback Checkout PROD", usual, nil, "back in `prod`: `1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout in prod to 1.0.0", usual, onPull, "back in `prod`: `1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod: to 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod TO 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod to=1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod from 1.2.0 to 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod it is bad, to 1.0.0", usual, nil, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback to 1.0.0", usual, onPull, "back in `staging`: `1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback back to 1.0.0", usual, onPull, "`/rollback` where? `back` is no app and no environment here. Name an environment before everything else: `dev`, `staging`, `prod`.", "", ""},
		{"/rollback live it loses orders", usual, onPull, "`live` is no app and no environment here.", "", ""},
		{"/rollback to 1.0.0 live loses orders", usual, onPull, "`live` is no app and no environment here.", "", ""},
		{"/rollback checkout live it loses orders", usual, onPull, "`live` is no app and no environment here.", "", ""},
		{"/rollback checkout staging prod", usual, nil, "takes one place, and `prod` is another one", "", ""},
		{"/rollback checkout prod, back to 9.9.9", usual, nil, "`9.9.9` has not stood in `prod`", "", ""},
		{"/rollback prd it hurts", usual, onPull, "`prd` is no app and no environment here. Did you mean `prod`?", "", ""},
		{"/rollback production to 1.1.0", usual, onPull, "`production` is no app and no environment here. Did you mean `prod`?", "", ""},
		{"/rollback checkout in prodd", usual, onPull, "`prodd` is no app and no environment here.", "", ""},
		{"/unblock checkout 1.1.0 prod\n/rollback checkout prod", usual, func(s *promotion.CommandScene) { s.Blocks = []promotion.Block{bad("1.1.0", "prod")} }, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout prod it has to go", usual, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback", usual, onPull, "back in `staging`: `1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback prod", usual, onPull, "back in `prod`: `1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout prod", usual, func(s *promotion.CommandScene) { s.Blocks = []promotion.Block{bad("1.1.0", "prod")} }, "`1.2.0` → `1.0.0`", "1.0.0", "1.2.0"},
		{"/rollback checkout prod", usual, func(s *promotion.CommandScene) {
			s.Freezes = []promotion.Freeze{{Environment: "prod", Actor: "bob", Reason: "no"}}
		}, "bob froze prod: no", "1.1.0", "1.2.0"},
		{"/rollback checkout prod", usual, func(s *promotion.CommandScene) { s.Holds = []promotion.Hold{{Environment: "prod", Actor: "bob"}} }, "it cannot be merged before bob holds prod", "1.1.0", "1.2.0"},
		{"/rollback checkout prod", mixed, nil, "Nothing is held or blocked", "1.1.0", ""},
		{"/rollback checkout prod", never, nil, "No other release has converged in `prod` before", "", ""},
		{"/rollback checkout prod to 1.1.0", never, nil, "`1.2.0` → `1.1.0`", "1.1.0", "1.2.0"},
		{"/rollback checkout prod", stood("1.2.0"), nil, "Nothing else has stood there since Ferry's first look.", "", ""},
		{"/rollback checkout prod to 1.2.0", usual, nil, "`1.2.0` stands in `prod` already", "", ""},
		{"/rollback checkout prod to 9.9.9", usual, nil, "`9.9.9` has not stood in `prod`. There stood `1.1.0`, `1.0.0`.", "", ""},
		{"/rollback checkout prod to 1.1.0", usual, func(s *promotion.CommandScene) { s.Blocks = []promotion.Block{bad("1.1.0", "prod")} }, "`1.1.0` cannot come back: ann blocks", "", ""},
		{"/rollback prod", usual, nil, "`/rollback` which app? Name one of `cart`, `checkout`.", "", ""},
		{"/rollback all prod", usual, nil, "Nothing was done: `/rollback` where?", "", ""},
		{"/rollback checkout", usual, nil, "`/rollback` `checkout` where? Name an environment: `dev`, `staging`, `prod`.", "", ""},
		{"/rollback cart prod", usual, nil, "`cart` is not in `prod`", "", ""},
		{"/rollback checkout prod", usual, func(s *promotion.CommandScene) { s.Permission = forge.PermissionWrite }, "it needs maintain permission", "", ""},
	} {
		out := tried(t, test.body, test.to != "", test.words, history(test.list), test.change)
		got, blocked := "", ""
		for _, i := range out.Intents["checkout"] {
			got = i.Release.Version()
		}
		if len(out.Blocks) == 1 && len(out.Holds) == 1 && out.Holds[0].RolledBack.Version() == out.Blocks[0].Image.Tag {
			blocked = out.Blocks[0].Image.Tag
		}
		if got != test.to || blocked != test.block {
			t.Errorf("%s: to %q, blocked %q: %+v", test.body, got, blocked, out)
		}
	}
}

// TestRollbackOfSeveralImages blocks exactly the release that stood: one with a newer image beside an old one comes.
func TestRollbackOfSeveralImages(t *testing.T) {
	t.Parallel()
	two := func(a, b string) promotion.Release {
		return promotion.NewRelease(promotion.ParseImage("ghcr.io/acme/api:"+a), promotion.ParseImage("ghcr.io/acme/web:"+b))
	}
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	list := []promotion.Deployment{{Release: two("2", "2"), Since: at, ConvergedAt: at}, {Release: two("1", "2"), Ended: true, Since: at, ConvergedAt: at}}
	out := execute(t, "/rollback checkout prod", func(s *promotion.CommandScene) {
		s.Permission = forge.PermissionMaintain
		s.History = map[string]map[string][]promotion.Deployment{"checkout": {"prod": list}}
	})
	if len(out.Blocks) != 1 {
		t.Fatal(out.Answer)
	}
	d := promotion.Decisions{Stops: promotion.Stops{Blocks: out.Blocks, Holds: out.Holds},
		Asked: []promotion.Asked{{App: "checkout", Environment: "prod", Intent: out.Intents["checkout"]["prod"]}}}
	raw, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := promotion.ParseDecisions(raw)
	if err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%v: wrote %+v\nread  %+v\n%s", err, d, back, raw)
	}
	for _, test := range []struct {
		release promotion.Release
		want    bool
	}{{two("2", "2"), true}, {two("3", "2"), false}, {two("2", "3"), false}, {two("1", "2"), false}} {
		c := parsed(t, ferryYAML)
		changes := `[{"App":"checkout","Environment":"prod","Images":` + marshalled(t, test.release) + `}]`
		got, _, err := promotion.HandMadeGates(c, sha(5), []byte(changes), promotion.Stops{Blocks: back.Blocks, Holds: back.Holds}, at)
		if err != nil || (got.State == forge.Failure) != test.want {
			t.Errorf("%s: %+v, %v", test.release.Version(), got, err)
		}
	}
}

func parsed(t *testing.T, yaml string) *config.Config {
	t.Helper()
	c, err := config.Parse(config.File, []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func marshalled(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestResumeOfSeveralRollbacks: back from 1.3.0, and then from 1.2.0 as well; one command ends both holds, after those that people made beside them.
func TestResumeOfSeveralRollbacks(t *testing.T) {
	t.Parallel()
	held := func(id int64, from string) promotion.Hold {
		h := promotion.Hold{ID: id, App: "checkout", Environment: "prod", Actor: "bob"}
		if from != "" {
			h.RolledBack = release(from)
		}
		return h
	}
	for _, test := range []struct {
		body  string
		holds []promotion.Hold
		want  []int64
	}{
		{"/resume checkout prod", []promotion.Hold{held(1, "1.3.0"), held(2, "1.2.0")}, []int64{1, 2}},
		{"/resume checkout prod", []promotion.Hold{held(1, "1.3.0"), held(2, "")}, []int64{2}},
		{"/resume prod", []promotion.Hold{held(1, "1.3.0"), held(2, "1.2.0")}, nil},
	} {
		out := execute(t, test.body, func(s *promotion.CommandScene) { s.Holds = test.holds })
		if !slices.Equal(out.Resumed, test.want) {
			t.Errorf("%s lifts %v: %s", test.body, out.Resumed, out.Answer)
		}
	}
}

// TestRollbackWaitsForAForeignCommit: what somebody pushed upon is closed by a person, and everything says so until then.
func TestRollbackWaitsForAForeignCommit(t *testing.T) {
	t.Parallel()
	w := badAndNewer(t)
	pull := w.env("prod").Pull
	pull.Known, pull.Pusher, pull.HeadSHA = false, "mallory", sha(666)
	w.env("prod").Intent = &promotion.Intent{Kind: promotion.IntentRollback, Release: release("1.1.0"), From: release("1.2.0"), Actor: "mia", At: w.now}
	w.look()
	cell := w.cell("prod")
	if words := "mallory pushed on top of #"; !strings.HasPrefix(cell.Why, words) || cell.Proposed.Version() != "1.3.0" || cell.Next.Version() != "1.1.0" ||
		len(cell.Gates) != 1 || cell.Gates[0].State != promotion.GateClosed || !strings.HasSuffix(cell.Gates[0].Reason, "close it, and 1.1.0 is opened") {
		t.Errorf("%+v", cell)
	}
	if got := w.gatesStatus("prod"); got.State != forge.Failure || !strings.Contains(got.Description, "close it, and 1.1.0 is opened") {
		t.Errorf("%+v", got)
	}
}
