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

// TestWordsThatReachFurther: what would stop less than its author wrote does nothing at all, and says how to write it.
func TestWordsThatReachFurther(t *testing.T) {
	t.Parallel()
	another, everything := "takes one place, and `prod` is another one. Say it once for each place", "Nothing was done: write `/"
	for body, words := range map[string]string{
		"/freeze staging prod an incident":        another,
		"/freeze staging Prod an incident":        another,
		"/freeze staging and prod an incident":    another,
		"/freeze staging, prod: an incident":      another,
		"/freeze staging , prod an incident":      another,
		"/freeze staging & prod an incident":      another,
		"/freeze staging and in prod an incident": another,
		"/freeze dev staging,prod an incident":    "`staging` is another one",
		"/freeze dev cart/prod an incident":       "cart",
		"/hold dev prod":                          another,
		"/hold checkout dev prod":                 another,
		"/hold checkout cart staging":             "`cart` is another one",
		"/hold all dev prod":                      another,
		"/hold dev for 2h prod":                   another,
		"/hold for 2h dev prod money":             another,
		"/block checkout 1.1.0 staging prod bad":  another,
		"/resume dev prod":                        another,
		"/thaw dev and prod":                      another,
		"/status dev prod":                        another,
		"/promote checkout staging and prod":      another,
		"/retry dev prod":                         another,
		"/freeze everything money":                everything + "freeze all`",
		"/hold everything":                        everything,
		"/hold Everywhere, money":                 everything,
		"/freeze all apps money":                  everything,
		"/freeze every app money":                 everything,
	} {
		out := tried(t, body, false, words, onPull, func(s *promotion.CommandScene) { s.Permission = forge.PermissionMaintain })
		if out.Decides() || len(out.Retry) > 0 || len(out.Holds)+len(out.Freezes) > 0 {
			t.Errorf("%s: %+v", body, out)
		}
	}
	for body, words := range map[string]string{
		"/freeze for 2h prod money":                           "Frozen: ann froze prod until 2026-03-02 11:00:00 UTC: money",
		"/freeze FOR 2h checkout prod money":                  "Frozen: ann froze checkout in prod until 2026-03-02 11:00:00 UTC: money",
		"/freeze for 2h all money":                            "Frozen: ann froze everything until",
		"/freeze prod and that is that":                       "Frozen: ann froze prod: and that is that",
		"/freeze prod all apps are down":                      "Frozen: ann froze prod: apps are down",
		"/freeze prod the staging tests fail":                 "Frozen: ann froze prod: the staging tests fail",
		"/freeze prod prod is down":                           "Frozen: ann froze prod: prod is down",
		"/freeze prod for 2h: prod is down":                   "Frozen: ann froze prod until 2026-03-02 11:00:00 UTC: prod is down",
		"/hold checkout prod checkout leaks":                  "checkout leaks",
		"/freeze all all hands on deck":                       "Frozen: ann froze everything",
		"/block checkout 1.1.0 prod checkout crashes in prod": "ann blocks checkout 1.1.0 in prod: crashes in prod",
	} {
		tried(t, body, true, words, onPull, func(s *promotion.CommandScene) { s.Permission = forge.PermissionMaintain })
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
