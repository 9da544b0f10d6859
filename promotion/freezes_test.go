package promotion_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/window"
)

// windows is a freeze of .ferry.yaml that denies.
func windows(t *testing.T, schedule string, length time.Duration, zone, reason string) []window.Window {
	t.Helper()
	return []window.Window{windowOf(t, window.Deny, schedule, length, zone, reason)}
}

func windowOf(t *testing.T, kind window.Kind, schedule string, length time.Duration, zone, reason string) window.Window {
	t.Helper()
	w, err := window.New(kind, schedule, length, zone, reason)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFreezeGate(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // the world's
	morning := windows(t, "0 8 * * MON", 4*time.Hour, "Europe/Helsinki", "no Monday mornings")
	always := windows(t, "* * * * *", time.Hour, "UTC", "")
	nights := []window.Window{windowOf(t, window.Allow, "0 22 * * *", 8*time.Hour, "UTC", "")}
	yearly := windows(t, "0 0 1 1 *", time.Hour, "UTC", "")
	incident := promotion.Freeze{Environment: "staging", Actor: "ann", Reason: "an incident"}
	ends := incident
	ends.Until = monday.Add(20 * time.Minute)
	over := incident
	over.Until = monday
	tests := []struct {
		name    string
		people  []promotion.Freeze
		windows []window.Window
		state   promotion.GateState
		reason  string
		due     time.Time
	}{
		{"nothing", nil, nil, promotion.GateOpen, "nothing is frozen", time.Time{}},
		{"a window is open", nil, morning, promotion.GateWaiting,
			`until 2026-03-02 10:00:00 UTC (Mon 12:00 in Europe/Helsinki): no Monday mornings; deny "0 8 * * MON" for 4h in Europe/Helsinki`, monday.Add(time.Hour)},
		{"outside of what allows", nil, nights, promotion.GateWaiting, `until 2026-03-02 22:00:00 UTC: allow "0 22 * * *" for 8h in UTC`, monday.Add(13 * time.Hour)},
		{"it will shut", nil, yearly, promotion.GateOpen, "open until 2027-01-01 00:00:00 UTC", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"a person", []promotion.Freeze{incident}, nil, promotion.GateClosed, "ann froze staging: an incident (/thaw staging lifts it)", time.Time{}},
		{"a person, for a time", []promotion.Freeze{ends}, nil, promotion.GateClosed, "ann froze staging until 2026-03-02 09:20:00 UTC: an incident (/thaw staging lifts it)", ends.Until},
		{"a time that is over", []promotion.Freeze{over}, nil, promotion.GateOpen, "nothing is frozen", time.Time{}},
		{"both", []promotion.Freeze{ends}, morning, promotion.GateClosed, "lifts it); until 2026-03-02 10:00:00 UTC", ends.Until},
		{"two people", []promotion.Freeze{incident, {Actor: "bob", Reason: "audit"}}, nil, promotion.GateClosed, "bob froze everything: audit (/thaw all lifts it)", time.Time{}},
		{"for longer than is looked ahead", nil, always, promotion.GateWaiting, "it does not open by itself", time.Time{}},
	}
	for _, test := range tests {
		w := line(t, func(staging, _ *config.Environment) { staging.Freezes = test.windows })
		w.env("staging").Frozen = test.people
		w.arrive("dev", "1.1.0")
		w.proposed("staging", "1.1.0")
		got := w.gate("staging", "freeze")
		if got.State != test.state || !strings.Contains(got.Reason, test.reason) || !test.due.IsZero() && !got.DueAt.Equal(test.due) {
			t.Errorf("%s: %+v", test.name, got)
		}
		if !test.due.IsZero() && !w.plan.DueAt.Equal(test.due) {
			t.Errorf("%s: due at %s, want %s", test.name, w.plan.DueAt, test.due)
		}
		want := map[promotion.GateState]forge.State{promotion.GateOpen: forge.Success, promotion.GateWaiting: forge.Pending, promotion.GateClosed: forge.Failure}[test.state]
		if s := w.gatesStatus("staging"); s.State != want {
			t.Errorf("%s: ferry/gates is %+v, want %s", test.name, s, want)
		}
	}
}

// TestFreezeOpensAndShutsAtItsInstant: also a promotion whose gates are all open is decided again when a window shuts it.
func TestFreezeOpensAndShutsAtItsInstant(t *testing.T) {
	t.Parallel()
	w := line(t, releases, func(staging, _ *config.Environment) {
		staging.AutoMerge = false
		staging.Freezes = windows(t, "30 9 * * *", 45*time.Minute, "UTC", "")
	})
	w.arrive("dev", "1.1.0")
	for i, want := range []forge.State{forge.Success, forge.Pending, forge.Success, forge.Pending} {
		if got := w.gatesStatus("staging"); got.State != want {
			t.Fatalf("at %s: %+v, want %s", w.now, got, want)
		}
		if i == 3 {
			break
		}
		due := w.gate("staging", "freeze").DueAt
		w.now = due.Add(-time.Second)
		w.look()
		if got := w.gatesStatus("staging"); got.State != want {
			t.Fatalf("a second too early: %+v", got)
		}
		w.now = due
		w.look()
	}
}

// TestFrozenFollowsWhatIsNewest: behind a freeze, unlike behind a hold, the pull request shows the newest release.
func TestFrozenFollowsWhatIsNewest(t *testing.T) {
	t.Parallel()
	w := line(t, releases)
	w.env("staging").Frozen = []promotion.Freeze{{Environment: "staging", Actor: "ann", Reason: "an incident"}}
	w.arrive("dev", "1.1.0")
	plan := w.arrive("dev", "1.2.0")
	w.proposed("staging", "1.2.0")
	if w.numbers != 1 || len(plan.Merges) != 0 {
		t.Fatalf("%d pull requests, merges %+v", w.numbers, plan.Merges)
	}
	w.env("staging").Frozen = nil
	if plan := w.look(); len(plan.Merges) != 1 {
		t.Fatalf("thawed, and the merges are %+v", plan.Merges)
	}
}

func TestHandMadeGatesOfFreezes(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(`apiVersion: ferry/v1
environments: [{name: dev}, {name: prod, from: [dev], freeze: [{kind: deny, schedule: "0 8 * * MON", duration: 4h, reason: Mondays}]}]
apps:
  - {name: cart, images: [cart], manifests: ["cart/{env}.yaml"]}
  - {name: checkout, images: [checkout], manifests: ["checkout/{env}.yaml"], environments: {dev: {freeze: [{kind: deny, schedule: "0 9 * * *", duration: 1h}]}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour int) time.Time { return time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name, changes string
		hour          int
		people        []promotion.Freeze
		state         forge.State
		words         string
		due           time.Time
	}{
		{"a window", `[{"App":"cart","Environment":"prod"}]`, 9, nil, forge.Pending, "it changes cart in prod; freeze: until 2026-03-02 12:00:00 UTC: Mondays", at(12)},
		{"before the window", `[{"App":"cart","Environment":"prod"}]`, 7, nil, forge.Success, "nothing stops", at(8)},
		{"another environment", `[{"App":"cart","Environment":"dev"}]`, 9, nil, forge.Success, "nothing stops", time.Time{}},
		{"the app's own window", `[{"App":"checkout","Environment":"dev"}]`, 9, nil, forge.Pending, "checkout in dev; freeze: until 2026-03-02 10:00:00 UTC", at(10)},
		{"a person", `[{"App":"cart","Environment":"dev"}]`, 9, []promotion.Freeze{{App: "cart", Actor: "ann", Reason: "audit"}}, forge.Failure, "ann froze cart: audit", time.Time{}},
		{"a window and then a person", `[{"App":"cart","Environment":"prod"},{"App":"checkout","Environment":"prod"}]`, 9,
			[]promotion.Freeze{{App: "checkout", Actor: "ann", Reason: "audit"}}, forge.Failure, "it changes checkout in prod; freeze: ann", at(12)},
		{"no release", `[]`, 9, []promotion.Freeze{{Actor: "ann", Reason: "audit"}}, forge.Success, "changes no release", time.Time{}},
	} {
		got, due, err := promotion.HandMadeGates(c, sha(5), []byte(test.changes), promotion.Stops{Freezes: test.people}, at(test.hour))
		if err != nil || got.State != test.state || !strings.Contains(got.Description, test.words) || !due.Equal(test.due) {
			t.Errorf("%s: %+v, due %s, %v", test.name, got, due, err)
		}
	}
}

func TestFreezeCommands(t *testing.T) {
	t.Parallel()
	maintainer := func(s *promotion.CommandScene) { s.Permission = forge.PermissionMaintain }
	frozen := func(s *promotion.CommandScene) {
		maintainer(s)
		s.Freezes = []promotion.Freeze{{ID: 7, Environment: "prod", Actor: "bob", Reason: "an incident"}, {ID: 8, App: "cart", Environment: "prod", Actor: "bob", Reason: "its database"}}
	}
	at := scene(t).Now
	for _, test := range []struct {
		body   string
		change func(*promotion.CommandScene)
		done   bool
		words  string
		want   []promotion.Freeze
		thawed []int64
	}{
		{"/freeze prod an incident", maintainer, true, "Frozen: ann froze prod: an incident (/thaw prod lifts it).", []promotion.Freeze{{Environment: "prod", Actor: "ann", At: at, Reason: "an incident"}}, nil},
		{"/Freeze PROD", maintainer, false, "", nil, nil},
		{"/freeze prod for 2h an incident", maintainer, true, "until 2026-03-02 11:00:00 UTC: an incident", []promotion.Freeze{{Environment: "prod", Actor: "ann", At: at, Until: at.Add(2 * time.Hour), Reason: "an incident"}}, nil},
		{"/freeze cart prod its database for 30m", maintainer, true, "cart in prod until 2026-03-02 09:30:00", []promotion.Freeze{{App: "cart", Environment: "prod", Actor: "ann", At: at, Until: at.Add(30 * time.Minute), Reason: "its database"}}, nil},
		{"/ferry freeze all the shop burns", maintainer, true, "everything: the shop burns (/thaw all", []promotion.Freeze{{Actor: "ann", At: at, Reason: "the shop burns"}}, nil},
		{"/freeze prod", maintainer, false, "`/freeze` prod why?", nil, nil},
		{"/freeze prod for 2h", maintainer, false, "why?", nil, nil},
		{"/freeze an incident", maintainer, false, "`/freeze` what? Name an app", nil, nil},
		{"/freeze prod for 0h x", maintainer, false, "not a duration", nil, nil},
		{"/freeze prod an incident", func(*promotion.CommandScene) {}, false, "it needs maintain permission in this repository, and you have write", nil, nil},
		{"/thaw prod", func(*promotion.CommandScene) {}, false, "it needs maintain", nil, nil},
		{"/thaw prod", frozen, true, "Thawed: what bob froze, prod.", nil, []int64{7, 8}},
		{"/thaw cart prod", frozen, true, "Frozen still: bob froze prod: an incident", nil, []int64{8}},
		{"/thaw all", frozen, true, "Thawed: what bob froze, cart in prod.", nil, []int64{7, 8}},
		{"/thaw staging", frozen, true, "Nobody has frozen that.", nil, nil},
		{"/thaw", frozen, false, "`/thaw` what?", nil, nil},
		{"/freeze prod a mistake\n/thaw prod", maintainer, true, "Thawed: what ann froze, prod.", nil, nil},
		{"/freeze staging words\n/status cart staging", maintainer, true, "freeze is closed: ann froze staging: words", []promotion.Freeze{{Environment: "staging", Actor: "ann", At: at, Reason: "words"}}, nil},
	} {
		out := execute(t, test.body, test.change)
		reaction := forge.ReactionRefused
		if test.done {
			reaction = forge.ReactionDone
		}
		wantAnswer(t, out, reaction, test.words)
		if !slices.EqualFunc(out.Freezes, test.want, func(a, b promotion.Freeze) bool { return reflect.DeepEqual(a, b) }) || len(out.Thawed) != len(test.thawed) {
			t.Errorf("%s: %+v, thawed %v", test.body, out.Freezes, out.Thawed)
		}
	}
}

// TestThawSaysWhatItCannotLift: a window of .ferry.yaml is nobody's to lift by a comment.
func TestThawSaysWhatItCannotLift(t *testing.T) {
	t.Parallel()
	c, err := config.Parse(config.File, []byte(strings.Replace(ferryYAML, "name: prod", "name: prod\n    freeze: [{kind: deny, schedule: \"0 8 * * MON\", duration: 4h}]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	out := execute(t, "/thaw prod\n/status cart prod", func(s *promotion.CommandScene) { s.Permission, s.Config = forge.PermissionMaintain, c })
	wantAnswer(t, out, forge.ReactionDone, "A window in `.ferry.yaml` keeps `prod` shut: until 2026-03-02 12:00:00 UTC")
	wantAnswer(t, out, forge.ReactionDone, "freeze is waiting: until 2026-03-02 12:00:00 UTC")
}
