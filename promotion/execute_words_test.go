package promotion_test

import (
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
)

// TestWordsThatAreNearlyNames: where the pull request's own place would stand in for a name that is written wrongly, nothing is done.
func TestWordsThatAreNearlyNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body, answer, held string
	}{
		{"/hold Prod", "", "prod"},
		{"/hold in prod because", "", "prod"},
		{"/hold prodd", "Did you mean `prod`?", ""},
		{"/hold in prodd", "Did you mean `prod`?", ""},
		{"/hold Chekcout for 2h", "Did you mean `checkout`?", ""},
		{"/hold in case it fails", "", "checkout in staging"},
		{"/hold the release is bad", "", "checkout in staging"},
		{"/hold prod product asked for it", "", "prod"},
		{"/hold all", "", "everything"},
		{"/hold prod until 18:00", "no time of day", ""},
		{"/hold prod 2h for the audit", "takes how long as `for 30m`", ""},
		{"/hold prod for two hours", "takes how long as", ""},
		{"/hold prod for the holidays", "", "prod"},
	} {
		out := execute(t, test.body, onPull)
		held := ""
		if len(out.Holds) == 1 {
			held = whatOf(out.Holds[0])
		}
		if reaction := out.Reaction; held != test.held || (reaction == forge.ReactionDone) != (test.answer == "") {
			t.Errorf("%s: held %q, %s %s", test.body, held, reaction, out.Answer)
		}
		wantAnswer(t, out, out.Reaction, test.answer)
	}
}

func whatOf(h promotion.Hold) string {
	switch {
	case h.App != "" && h.Environment != "":
		return h.App + " in " + h.Environment
	case h.App+h.Environment == "":
		return "everything"
	}
	return h.App + h.Environment
}

// TestLateCommands: what comes late has no word against what was said after it.
func TestLateCommands(t *testing.T) {
	t.Parallel()
	since := func(body, app, environment string) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			s.Permission = forge.PermissionMaintain
			s.Since = []promotion.Said{{Commands: promotion.ParseCommands(body, ""), App: app, Environment: environment}}
		}
	}
	for _, test := range []struct {
		body, since string
		void        bool
	}{
		{"/hold prod", "/resume prod", true},
		{"/hold prod", "/resume all", true},
		{"/hold checkout prod", "/resume prod", true},
		{"/hold prod", "/resume dev", false},
		{"/hold prod", "/thaw prod", false},
		{"/hold prod", "/status prod", false},
		{"/freeze prod an incident", "/thaw prod", true},
		{"/promote checkout to prod", "/rollback checkout prod", true},
		{"/promote checkout to staging", "/rollback cart staging", false},
		{"/status", "/hold prod", false},
		{"/hold", "/resume", true}, // both under the same pull request
	} {
		out := execute(t, test.body, onPull, since(test.since, "checkout", "staging"))
		if changed := out.Decides(); test.void == changed && test.body != "/status" {
			t.Errorf("%s after %s: %s", test.body, test.since, out.Answer)
		}
		if test.void {
			wantAnswer(t, out, forge.ReactionRefused, "reached Ferry late")
		}
	}
}

// TestResumeKeepsTheHoldOfARollback: it ends only where exactly it is named.
func TestResumeKeepsTheHoldOfARollback(t *testing.T) {
	t.Parallel()
	held := func(holds ...promotion.Hold) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) { s.Holds = holds }
	}
	rolledBack := promotion.Hold{ID: 1, App: "checkout", Environment: "prod", Actor: "mia", RolledBack: release("1.2.0")}
	plain := promotion.Hold{ID: 2, Environment: "prod", Actor: "bob"}
	own := promotion.Hold{ID: 3, App: "checkout", Environment: "prod", Actor: "bob"}
	for _, test := range []struct {
		body    string
		holds   []promotion.Hold
		resumed []int64
		words   string
	}{
		{"/resume prod", []promotion.Hold{rolledBack, plain}, []int64{2}, "Held still: mia holds checkout in prod since the rollback"},
		{"/resume checkout", []promotion.Hold{rolledBack}, nil, "Held still: mia holds checkout in prod since the rollback"},
		{"/resume all", []promotion.Hold{rolledBack, plain}, []int64{2}, "Held still"},
		{"/resume checkout prod", []promotion.Hold{rolledBack}, []int64{1}, "Lifted"},
		{"/resume checkout prod", []promotion.Hold{rolledBack, own}, []int64{3}, "Held still: mia holds"},
		{"/resume checkout prod\n/resume checkout prod", []promotion.Hold{rolledBack, own}, []int64{3, 1}, "Lifted: the hold of mia"},
	} {
		out := execute(t, test.body, held(test.holds...))
		if len(out.Resumed) != len(test.resumed) {
			t.Errorf("%s lifts %v, want %v: %s", test.body, out.Resumed, test.resumed, out.Answer)
		}
		for i, id := range test.resumed {
			if i < len(out.Resumed) && out.Resumed[i] != id {
				t.Errorf("%s lifts %v, want %v", test.body, out.Resumed, test.resumed)
			}
		}
		wantAnswer(t, out, out.Reaction, test.words)
	}
}

// TestStatusAfterAnOverride: a freeze that somebody has overridden for just this is not named as what stops it.
func TestStatusAfterAnOverride(t *testing.T) {
	t.Parallel()
	out := execute(t, "/status", onPull, func(s *promotion.CommandScene) {
		s.Freezes = []promotion.Freeze{{Environment: "staging", Actor: "mia", Reason: "an audit"}}
		cell := s.Views[1].Find("staging")
		cell.Proposed, cell.Number = release("1.1.0"), 4
		cell.Gates = []promotion.Gate{{Name: "freeze", State: promotion.GateOpen, Reason: "overridden by eve: an incident (without that: mia froze staging: an audit)"}}
	})
	wantAnswer(t, out, forge.ReactionDone, "every gate is open")
	if strings.Contains(out.Answer, "freeze is closed") {
		t.Error(out.Answer)
	}
}
