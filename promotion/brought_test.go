package promotion_test

import (
	"strings"
	"testing"

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
		w.bobApproves()
		if reason := w.approvals().Reason; !strings.Contains(reason, test.words) {
			t.Errorf("%+v: %q", test, reason)
		}
	}
}
