package promotion_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// recordLine is a line whose dev gets deployments, with a source commit for each release.
func recordLine(t *testing.T) *world {
	t.Helper()
	w := line(t)
	w.env("dev").Deployments, w.env("dev").URL = true, "https://dev.example"
	for i, tag := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.Image{Name: image, Tag: tag}, Source: "acme/checkout", Commit: sha(int64(900 + i))})
	}
	return w
}

// records keeps what the plan says of deployments as the database does, and returns it by commit.
func (w *world) records() map[forge.SHA]forge.DeploymentState {
	w.t.Helper()
	w.look()
	for range 2 {
		standing := map[forge.SHA]promotion.ForgeDeployment{}
		for _, d := range w.env("dev").Recorded {
			standing[d.SHA] = d
		}
		w.env("dev").Recorded = nil
		for _, d := range w.plan.ForgeDeployments {
			if standing[d.SHA] = d; d.Environment != "dev" || d.Target != "acme/checkout" {
				w.t.Errorf("planned is %+v", d)
			}
		}
		for _, d := range standing {
			if d.State != forge.DeploymentInactive {
				w.env("dev").Recorded = append(w.env("dev").Recorded, d)
			}
		}
		w.look()
	}
	states := map[forge.SHA]forge.DeploymentState{}
	for _, d := range w.env("dev").Recorded {
		states[d.SHA] = d.State
	}
	return states
}

func TestForgeDeployments(t *testing.T) {
	t.Parallel()
	w := recordLine(t)
	want := func(what string, want map[forge.SHA]forge.DeploymentState) {
		t.Helper()
		if diff := cmp.Diff(want, w.records()); diff != "" {
			t.Errorf("%s: want - got +\n%s", what, diff)
		}
	}
	want("a baseline gets none", map[forge.SHA]forge.DeploymentState{})
	w.commit("dev", "1.1.0")
	want("on its way", map[forge.SHA]forge.DeploymentState{sha(901): forge.DeploymentInProgress})
	w.report("dev", promotion.HealthHealthy)
	want("arrived", map[forge.SHA]forge.DeploymentState{sha(901): forge.DeploymentSuccess})
	w.commit("dev", "1.2.0")
	want("active until the next runs", map[forge.SHA]forge.DeploymentState{sha(901): forge.DeploymentSuccess, sha(902): forge.DeploymentInProgress})
	w.report("dev", promotion.HealthFailed)
	want("also where that fails", map[forge.SHA]forge.DeploymentState{sha(901): forge.DeploymentSuccess, sha(902): forge.DeploymentFailure})
	w.commit("dev", "1.1.0")
	want("what failed is not active once it is replaced", map[forge.SHA]forge.DeploymentState{sha(901): forge.DeploymentInProgress})
	w.report("dev", promotion.HealthHealthy)
	w.s.Off = true
	w.look()
	if len(w.plan.ForgeDeployments) != 0 {
		t.Errorf("switched off it plans %+v", w.plan.ForgeDeployments)
	}
	w.s.Off = false
	w.env("dev").Mode = config.ModeObserve
	w.look()
	if len(w.plan.ForgeDeployments) != 0 {
		t.Errorf("observing it plans %+v", w.plan.ForgeDeployments)
	}
}

func TestFoldDeployment(t *testing.T) {
	t.Parallel()
	one := func(state forge.DeploymentState, words, url string) promotion.ForgeDeployment {
		return promotion.ForgeDeployment{State: state, Description: words, URL: url}
	}
	gone := one(forge.DeploymentInactive, "cart 1.0.0", "https://cart.example")
	for name, c := range map[string]struct {
		byApp map[string]promotion.ForgeDeployment
		want  forge.DeploymentStatus
	}{
		"one": {map[string]promotion.ForgeDeployment{"shop": one(forge.DeploymentSuccess, "shop 1.0.0", "https://shop.example")},
			forge.DeploymentStatus{State: forge.DeploymentSuccess, Description: "shop 1.0.0", EnvironmentURL: "https://shop.example"}},
		"the worst counts": {map[string]promotion.ForgeDeployment{
			"a": one(forge.DeploymentSuccess, "a 1", ""), "b": one(forge.DeploymentFailure, "b 1", "https://b.example"), "c": one(forge.DeploymentError, "c 1", "https://c.example")},
			forge.DeploymentStatus{State: forge.DeploymentFailure, Description: "a 1, b 1, c 1", EnvironmentURL: "https://b.example"}},
		"what is not active does not count": {map[string]promotion.ForgeDeployment{"cart": gone, "shop": one(forge.DeploymentInProgress, "shop 1", "")},
			forge.DeploymentStatus{State: forge.DeploymentInProgress, Description: "shop 1"}},
		"none is active": {map[string]promotion.ForgeDeployment{"cart": gone}, forge.DeploymentStatus{State: forge.DeploymentInactive, Description: "it does not stand there any more"}},
		"long": {map[string]promotion.ForgeDeployment{"a": one(forge.DeploymentSuccess, strings.Repeat("ä", 200), "")},
			forge.DeploymentStatus{State: forge.DeploymentSuccess, Description: strings.Repeat("ä", forge.MaxStatusDescription-1) + "…"}},
	} {
		c.want.URL = "https://ferry.example"
		if diff := cmp.Diff(c.want, promotion.FoldDeployment("https://ferry.example", c.byApp)); diff != "" {
			t.Errorf("%s: want - got +\n%s", name, diff)
		}
	}
}
