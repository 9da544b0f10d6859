package promotion_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// waiting lets checkout travel with the group shop, and stay behind its trains with the gates.
func waiting(environments ...string) func(*promotion.CommandScene) {
	return func(s *promotion.CommandScene) {
		s.Permission, s.Login, s.Said = forge.PermissionMaintain, "mia", s.Now
		for i := range s.Views {
			s.Views[i].Group = "shop"
		}
		for _, name := range environments {
			cell := s.Views[1].Find(name)
			cell.Train, cell.Behind, cell.Proposed, cell.ProposedSince = "shop", "soak", release("1.1.0"), s.Now.Add(-time.Hour)
			cell.Gates = []promotion.Gate{{Name: "soak", State: promotion.GateWaiting, Reason: "24h"}, {Name: "freeze", State: promotion.GateClosed, Reason: "frozen"},
				{Name: "checks", State: promotion.GateOpen}, {Name: "window", State: promotion.GateWaiting, Reason: "collects"}}
		}
	}
}

func TestOverrideOfWhatStaysBehind(t *testing.T) {
	t.Parallel()
	both, one := waiting("staging", "prod"), waiting("staging")
	since := func(at time.Duration) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			if s.Views[1].Find("staging").ProposedSince = s.Now.Add(at); at == 0 {
				s.Views[1].Find("staging").ProposedSince = time.Time{}
			}
		}
	}
	nothing := func(*promotion.CommandScene) {}
	tests := []struct {
		body   string
		place  func(*promotion.CommandScene)
		change func(*promotion.CommandScene)
		want   string
		done   bool
	}{
		{"/override soak checkout the shop is down", one, nothing, "Overridden: `soak` for `checkout 1.1.0` in `staging`, by mia: the shop is down.", true},
		{"/override checkout staging soak the shop is down", one, nothing, "Overridden: `soak` for `checkout 1.1.0` in `staging`, by mia: the shop is down.", true},
		{"/override SOAK Checkout in prod it burns", both, nothing, "in `prod`, by mia: it burns.", true},
		{"/override soak checkout it burns", both, nothing, "`/override soak checkout` where? Name one of `staging`, `prod`.", false},
		{"/override soak checkout", one, nothing, "why? Everybody who looks at it reads the reason: `/override soak checkout staging the reason`.", false},
		{"/override soak cart it burns", one, nothing, "No release of `cart` is to come with a train. `/status cart` says what is.", false},
		{"/override soak checkout prod it burns", one, nothing, "No release of `checkout` is to come with a train into `prod`.", false},
		{"/override freeze checkout it burns", one, nothing, "`freeze` shuts the whole train", false},
		{"/override checks checkout it burns", one, nothing, "`checks` is open for `checkout 1.1.0` in `staging`", false},
		{"/override soka checkout it burns", one, nothing, "`soka` is no gate of `checkout` in `staging`. What keeps it out of the train opens with `/override soak checkout staging reason`.", false},
		{"/override window checkout it burns", one, nothing, "`window` is not overridden: `/promote` of the app by its name goes ahead of the window.", false},
		{"/override hold checkout it burns", one, nothing, "`/resume` lifts a hold", false},
		{"/override checkout", one, nothing, "`/override` which gate of `checkout`?", false},
		{"/override soak checkout it burns", one, since(-4 * time.Second), "`/override` is void: `checkout 1.1.0` is what is to come into `staging` since", false},
		{"/override soak checkout it burns", one, since(time.Minute), "`/override` is void", false},
		{"/override soak checkout it burns", one, since(0), "`/override` is void: Ferry cannot tell", false},
		{"/override soak checkout it burns", one, func(s *promotion.CommandScene) { s.Permission = forge.PermissionWrite }, "you may not `/override`", false},
		{"/override soak shop it burns", one, nothing, "say it under one", false},
		{"/override soak it burns", one, nothing, "say it under one", false},
	}
	for _, test := range tests {
		out := execute(t, test.body, test.place, test.change)
		if !strings.Contains(out.Answer, test.want) || len(out.Waived) == 1 != test.done || out.Decides() != test.done {
			t.Errorf("%s: %+v is answered by %q, want %q", test.body, out.Waived, out.Answer, test.want)
		}
	}
	w := execute(t, tests[0].body, one).Waived[0]
	if !w.From.Same(release("1.0.0")) || !w.Release.Same(release("1.1.0")) || w.App != "checkout" || w.Environment != "staging" || w.Gate != "soak" {
		t.Errorf("%+v", w)
	}
	file, err := promotion.Decisions{Waived: []promotion.Waived{w}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := promotion.ParseDecisions(file)
	if diff := cmp.Diff([]promotion.Waived{w}, back.Waived); err != nil || diff != "" {
		t.Errorf("%v: written and read back it differs\n%s", err, diff)
	}
	if _, err := promotion.ParseDecisions([]byte("apiVersion: ferry/v1\noverridden: [{app: a, environment: prod, gate: soak, reason: x, by: mia}]\n")); err == nil {
		t.Error("an override of no release is read")
	}
}

// TestWaived: an override that no pull request holds is of one release in the place of one other, and ends with anything else.
func TestWaived(t *testing.T) {
	t.Parallel()
	tw := newTrain(t, []string{"cart", "mail"}, func(staging, _ *config.Environment) { staging.Soak = time.Hour })
	tw.arrive("mail", "1.1.0")
	tw.rides()
	waived := func(from, to string) promotion.Waived {
		return promotion.Waived{App: "mail", Environment: "staging", From: release(from), Waiver: promotion.Waiver{Gate: "soak", Release: release(to), Actor: "mia", Reason: "now"}}
	}
	for _, test := range []struct {
		waived promotion.Waived
		rides  []string
		ended  int
	}{
		{waived("1.0.0", "1.2.0"), nil, 0},
		{waived("0.9.0", "1.1.0"), nil, 1},
		{waived("1.0.0", "1.1.0"), []string{"mail 1.1.0"}, 0},
	} {
		tw.app("mail").env("staging").Waived = []promotion.Waived{test.waived}
		tw.rides(test.rides...)
		if ended := len(tw.plan.Apps[1].WaivedEnded); ended != test.ended {
			t.Errorf("of %s %d end, want %d", test.waived.Detail(), ended, test.ended)
		}
	}
}
