package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// lookedBack is a scene with what stood in prod, the newest first.
func lookedBack(list ...promotion.Release) func(*promotion.CommandScene) {
	return func(s *promotion.CommandScene) {
		s.Permission = forge.PermissionMaintain
		var history []promotion.Deployment
		for i, r := range list {
			history = append(history, promotion.Deployment{Release: r, Ended: i > 0, ConvergedAt: s.Now.Add(-time.Hour), Since: s.Now.Add(-time.Hour)})
		}
		s.History = map[string]map[string][]promotion.Deployment{"checkout": {"prod": history}}
	}
}

// TestRollbackOfAMovingTag: the two releases have one tag and other digests; what is blocked is the digest.
func TestRollbackOfAMovingTag(t *testing.T) {
	t.Parallel()
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	moving := func(c string) promotion.Release {
		return promotion.NewRelease(promotion.ParseImage("ghcr.io/acme/checkout:stable@" + digest(c)))
	}
	out := execute(t, "/rollback checkout prod", lookedBack(moving("b"), moving("a")))
	wantAnswer(t, out, forge.ReactionDone, "`stable@sha256:bbbbbbbbbbb…` → `stable@sha256:aaaaaaaaaaa…`")
	if len(out.Blocks) != 1 || out.Blocks[0].Image.Digest != digest("b") {
		t.Errorf("blocked is %+v", out.Blocks)
	}
}

// TestWhatStoodBefore: what is offered can come back, and what cannot says why.
func TestWhatStoodBefore(t *testing.T) {
	t.Parallel()
	out := execute(t, "/rollback checkout prod to 9.9.9", lookedBack(release("1.3.0"), release("1.2.0"), release("1.1.0"), release("1.3.0"), release("1.0.0")),
		func(s *promotion.CommandScene) {
			s.Blocks = []promotion.Block{bad("1.2.0", "prod")}
			s.Rejections = []promotion.StandingRejection{{Place: config.Place{App: "checkout", Environment: "prod"}, Rejection: promotion.Rejection{Release: release("1.1.0"), Number: 7}}}
		})
	wantAnswer(t, out, forge.ReactionRefused, "There stood `1.1.0`, `1.0.0`. Of what stood there, `1.2.0` is blocked, `1.1.0` was rejected by closing #7, which naming it takes back.")
}

// TestPromotingOverARollback: what a person wants at once is not given up by the way.
func TestPromotingOverARollback(t *testing.T) {
	t.Parallel()
	urgent := func(permission forge.Permission) func(*promotion.CommandScene) {
		return func(s *promotion.CommandScene) {
			s.Permission = permission
			s.Views[1].Find("staging").Urgent = promotion.IntentRollback
		}
	}
	for _, test := range []struct {
		body       string
		permission forge.Permission
		words      string
		asked      bool
	}{
		{"/promote all", forge.PermissionMaintain, "`checkout` in `staging` stays as it is: a rollback is under way there. `/promote checkout staging` gives that up.", false},
		{"/promote checkout", forge.PermissionMaintain, "stays as it is", false},
		{"/promote checkout to staging", forge.PermissionWrite, "must be one who may `/rollback`", false},
		{"/promote checkout to staging", forge.PermissionMaintain, "The rollback of `checkout` in `staging` is given up.", true},
	} {
		out := execute(t, test.body, urgent(test.permission))
		wantAnswer(t, out, forge.ReactionDone, test.words)
		if _, asked := out.Intents["checkout"]["staging"]; asked != test.asked {
			t.Errorf("%s by %s: %+v", test.body, test.permission, out.Intents)
		}
	}
}

// TestRollbackThatAPolicyStops: the answer names the policy that keeps what comes back shut, where that is known already.
func TestRollbackThatAPolicyStops(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`change in ["patch", "minor"]`:                                   "The pull request follows; the gate policy keeps it shut: small: forward only.",
		`intent == "rollback" || change in ["patch", "minor"]`:           "The pull request follows.\n",
		`change == "patch" || upstream.exists(u, u.healthy)`:             "The pull request follows.\n",
		`asker != "" && current.version == "1.3.0" && change != "older"`: "The pull request follows; the gate policy keeps it shut: small: forward only.",
	} {
		out := execute(t, "/rollback checkout prod", lookedBack(release("1.3.0"), release("1.2.0")), func(s *promotion.CommandScene) {
			for i := range s.Config.Environments {
				s.Config.Environments[i].Policies = policies(t, [3]string{"small", rule, "forward only"})
			}
		})
		wantAnswer(t, out, forge.ReactionDone, want)
	}
}
