package promotion_test

import (
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// TestWhoBroughtItApproves: where nobody knows the source commit, who pushed the release into the first environment does not approve it.
func TestWhoBroughtItApproves(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		by    string
		known bool
		words string
	}{
		{"Bob", false, "bob's does not count: they brought it"},
		{"Bob", true, "1 of 1 approval, by bob"},
		{"eve", false, "1 of 1 approval, by bob"},
		{"", false, "1 of 1 approval, by bob"},
	} {
		w := line(t, func(staging, _ *config.Environment) { staging.Approvals = 1 })
		if test.known {
			w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.Image{Name: image, Tag: "1.1.0"}, Source: "acme/checkout", Commit: sha(70)})
		}
		w.arrive("dev", "1.1.0")
		w.env("dev").History[0].BroughtBy = test.by
		e := w.env("staging")
		e.Pull.HeadSHA = "a"
		e.Reviews = []promotion.Review{{Person: promotion.Person{User: forge.User{ID: 2, Login: "bob"}, Permission: forge.PermissionWrite}, Verdict: promotion.VerdictApproved, SHA: "a", At: w.now}}
		var reason string
		plan := promotion.MakePlan(w.s, w.now)
		for _, g := range plan.View.Find("staging").Gates {
			if g.Name == "approvals" {
				reason = g.Reason
			}
		}
		if !strings.Contains(reason, test.words) {
			t.Errorf("%+v: %q", test, reason)
		}
	}
}
