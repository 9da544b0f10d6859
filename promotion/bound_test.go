package promotion_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

func TestVoidAt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 10, 0, time.UTC)
	tests := []struct {
		name        string
		open, known bool
		since, said time.Time
		words       string // "": it is not void
	}{
		{"later", true, true, at, at.Add(time.Second), ""},
		{"in the same second", true, true, at, at, "or in the same moment"},
		{"earlier", true, true, at, at.Add(-time.Second), "#7 has changed since you wrote that"},
		{"nobody knows since when", true, true, time.Time{}, at, "cannot tell"},
		{"closed", false, true, at, at.Add(time.Second), "not open any more"},
		{"somebody else's head", true, false, at, at.Add(time.Second), "did not make"},
	}
	for _, test := range tests {
		got := promotion.VoidAt(7, test.open, test.known, test.since, test.said)
		if (got == "") != (test.words == "") || !strings.Contains(got, test.words) {
			t.Errorf("%s: %q, want %q", test.name, got, test.words)
		}
	}
}

// bound is a scene on a pull request of checkout into staging that waits for its soak.
func bound(s *promotion.CommandScene) {
	onPull(s)
	s.Permission, s.Actor = forge.PermissionMaintain, 5
	s.Shown = &promotion.Shown{Number: 7, Head: forge.SHA(strings.Repeat("a", 40)), Edit: "e", Release: release("1.1.0")}
	cell := &s.Views[1].Environments[1]
	cell.Number, cell.Proposed = 7, release("1.1.0")
	cell.Gates = []promotion.Gate{{Name: "upstream", State: promotion.GateOpen}, {Name: "soak", State: promotion.GateWaiting, Reason: "24h in dev"}, {Name: "hold", State: promotion.GateClosed}}
}

// TestGivenIsReadBack: what an answer keeps is what was given, whatever the reason says, and nothing that a person has Ferry repeat.
func TestGivenIsReadBack(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"an incident", "a --> b", "<!-- ferry:given {} -->", `"quoted" \ <b>`, "<!-- answers:9 -->", "ä 🚢 @all"} {
		out := promotion.Execute([]promotion.Command{{Name: "override", Words: strings.Fields("soak " + reason)}, {Name: "approve"}}, func() promotion.CommandScene { s := scene(t); bound(&s); return s }())
		comment, given := promotion.ReadGiven(out.Answer + "\n\n" + promotion.AnswerMark(99))
		head := forge.SHA(strings.Repeat("a", 40))
		want := []promotion.Given{{Command: "override", Head: head, Edit: "e", Gate: "soak", Reason: strings.Join(strings.Fields(reason), " ")}, {Command: "approve", Head: head, Edit: "e"}}
		if comment != 99 || !reflect.DeepEqual(given, want) {
			t.Errorf("%s: %d, %+v of\n%s", reason, comment, given, out.Answer)
		}
	}
	for _, body := range []string{"", "words", "<!-- ferry:given {\"command\":\"approve\"} -->\nwords\n\n<!-- answers:9 -->", "x <!-- ferry:given {} -->", "<!-- ferry:given nonsense -->\n<!-- answers:9 -->"} {
		if _, given := promotion.ReadGiven(body); len(given) != 0 {
			t.Errorf("%q gives %+v", body, given)
		}
	}
}

func FuzzReadGiven(f *testing.F) {
	f.Add("x\n\n<!-- ferry:given {\"command\":\"approve\"} -->\n\n<!-- answers:9 -->")
	f.Fuzz(func(t *testing.T, body string) {
		if comment, _ := promotion.ReadGiven(body); comment < 0 {
			t.Fatal(comment)
		}
	})
}

// TestVoidCommands: what is bound to what the pull request showed does nothing where that has changed, and the rest of the comment is obeyed.
func TestVoidCommands(t *testing.T) {
	t.Parallel()
	out := execute(t, "/approve\n/override soak x\n/hold", bound, func(s *promotion.CommandScene) { s.Shown.Void = "#7 has changed" })
	if len(out.Approvals)+len(out.Overrides)+len(out.Given) != 0 || len(out.Holds) != 1 {
		t.Errorf("%+v", out)
	}
	wantAnswer(t, out, forge.ReactionRefused, "`/approve` is void: #7 has changed.")
	out = execute(t, "/approve cart\n/override prod soak x", bound)
	if len(out.Approvals)+len(out.Overrides) != 0 {
		t.Errorf("%+v", out)
	}
	wantAnswer(t, out, forge.ReactionRefused, "Say it under the other one.")
}

// TestEveryChangeHasItsPlace: what a command changes is asked back by the environment it changes something in. A new field of Outcome needs its row in
// Outcome.changes (promotion/execute_rights.go), or whoever may give the command anywhere may give it everywhere; and then its name here.
func TestEveryChangeHasItsPlace(t *testing.T) {
	t.Parallel()
	known := []string{"Reaction", "Answer", "Given", // these change nothing
		"Holds", "Resumed", "Freezes", "Thawed", "Blocks", "Unblocked", "Lifts", "Drops", "Waived", "Intents", "Retry", "Approvals", "Overrides"}
	fields := reflect.TypeFor[promotion.Outcome]()
	for i := range fields.NumField() {
		if name := fields.Field(i).Name; !strings.Contains(" "+strings.Join(known, " ")+" ", " "+name+" ") {
			t.Errorf("nobody asks who may change Outcome.%s", name)
		}
	}
}

// TestRolesOfEnvironments: who may give a command may differ from one environment to the next, whatever the command's words are.
func TestRolesOfEnvironments(t *testing.T) {
	t.Parallel()
	roles := func(s *promotion.CommandScene) {
		s.Holds = []promotion.Hold{{ID: 1, Environment: "prod", Actor: "bob"}, {ID: 2, Environment: "staging", Actor: "bob"}}
		s.Freezes = []promotion.Freeze{{ID: 3, Environment: "prod", Actor: "bob"}}
		s.Blocks = []promotion.Block{{ID: 4, App: "checkout", Environment: "prod", Image: promotion.Image{Tag: "9.9.9"}, Actor: "bob"},
			{ID: 5, App: "checkout", Environment: "staging", Image: promotion.Image{Tag: "8.8.8"}, Actor: "bob"}, {ID: 6, App: "checkout", Environment: "dev", Image: promotion.Image{Tag: "7.7.7"}, Actor: "bob"}}
		s.Permission = forge.PermissionMaintain
		for i, env := range s.Config.Environments {
			if env.Name != "prod" {
				continue
			}
			s.Config.Environments[i].Roles = map[string]config.Role{}
			for _, name := range []string{"hold", "resume", "freeze", "thaw", "block", "unblock", "promote", "retry"} {
				s.Config.Environments[i].Roles[name] = config.Role{Teams: []string{"acme/sre"}, Users: []string{"Eve"}}
			}
		}
	}
	tests := []struct {
		body    string
		may     bool
		changed int // of Outcome, by somebody who may
	}{
		{"/hold staging", true, 1}, {"/hold prod", false, 1}, {"/hold checkout", false, 1}, {"/hold all", false, 1}, {"/hold checkout staging because prod is broken", true, 1},
		{"/resume staging", true, 1}, {"/resume prod", false, 1}, {"/resume all", false, 2},
		{"/freeze staging x", true, 1}, {"/freeze prod x", false, 1}, {"/freeze all x", false, 1}, {"/thaw prod", false, 1}, {"/thaw all", false, 1},
		{"/block checkout 1.1.0 staging x", true, 1}, {"/block checkout 1.1.0 prod x", false, 1}, {"/block checkout 1.1.0 x", false, 1}, {"/unblock checkout 9.9.9", false, 1},
		// What keeps a release out of staging keeps it out of prod, too: that makes it only stricter there, and lifting it asks prod.
		{"/unblock checkout 8.8.8 staging", false, 1}, {"/unblock checkout 8.8.8", false, 1}, {"/unblock checkout 7.7.7", false, 1},
		{"/promote checkout staging", true, 1}, {"/retry checkout staging", true, 1}, {"/retry checkout prod", false, 1}, {"/retry checkout", false, 3},
	}
	count := func(o promotion.Outcome) int {
		return len(o.Holds) + len(o.Resumed) + len(o.Freezes) + len(o.Thawed) + len(o.Blocks) + len(o.Unblocked) + len(o.Lifts) + len(o.Intents) + len(o.Retry)
	}
	for _, test := range tests {
		out := execute(t, test.body, roles)
		if want := map[bool]int{true: test.changed}[test.may]; count(out) != want {
			t.Errorf("%s: %d changes, want %d: %+v", test.body, count(out), want, out)
		}
		if !test.may {
			wantAnswer(t, out, forge.ReactionRefused, "in `prod`: it needs a member of acme/sre, or Eve.")
		}
		for name, who := range map[string]func(*promotion.CommandScene){"by login": func(s *promotion.CommandScene) { s.Login = "eve" }, "by team": func(s *promotion.CommandScene) { s.Teams = []string{"acme/sre"} }} {
			if out := execute(t, test.body, roles, who); count(out) != test.changed {
				t.Errorf("%s, %s: %d changes, want %d: %+v", test.body, name, count(out), test.changed, out)
			}
		}
	}
	wantAnswer(t, execute(t, "/hold prod", roles, func(s *promotion.CommandScene) { s.Unknown = "Ferry may not see teams: let its App" }), forge.ReactionRefused, "or Eve. Ferry may not see teams")
	wantAnswer(t, execute(t, "/help", roles), forge.ReactionDone, "prod: a member of acme/sre, or Eve")
	wantAnswer(t, execute(t, "/unblock checkout 8.8.8 staging", roles), forge.ReactionRefused, "lifting it opens those, too.")
	failed := func(s *promotion.CommandScene) {
		s.Permission, s.Unknown = forge.PermissionNone, promotion.NotLookedUp+"the forge said 502"
	}
	wantAnswer(t, execute(t, "/freeze staging x", roles, failed), forge.ReactionRefused, "@ann, nothing was done: whether you may `/freeze` in `prod` could not be looked up: the forge said 502. Say it again.")
	undone := execute(t, "/hold staging\n/hold prod\n/hold cart staging", roles)
	if len(undone.Holds) != 2 || undone.Holds[1].App != "cart" {
		t.Errorf("of three holds the second may not be: %+v", undone.Holds)
	}
}
