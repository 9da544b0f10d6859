package promotion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

func TestParseTrailers(t *testing.T) {
	t.Parallel()
	const source = "0123456789012345678901234567890123456789"
	message := "Promote checkout in staging to 1.1.0\n\nFerry-App: checkout\nFerry-Environment: staging\nFerry-Release: registry:5000/acme/checkout:1.1.0@sha256:aaaa\n" +
		"Ferry-Intent: promotion\nFerry-Asker: dora\nFerry-Source: registry:5000/acme/checkout@1.1.0 acme/checkout@" + source + "\n"
	image := promotion.Image{Name: "registry:5000/acme/checkout", Tag: "1.1.0", Digest: "sha256:aaaa"}
	want := promotion.Trailers{Place: config.Place{App: "checkout", Environment: "staging"}, Release: promotion.Release{image}, Intent: promotion.IntentPromotion, Asker: "dora",
		Sources: []promotion.Announced{{Image: image, Source: "acme/checkout", Commit: source}}}
	got, ok := promotion.ParseTrailers(message)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Fatalf("%v, want - got +\n%s", ok, diff)
	}
	for _, message := range []string{"", "a person's commit", "x\n\nFerry-App: checkout\nFerry-Release: a:1\n", "x\n\nFerry-App: a\nFerry-Environment: dev\n"} {
		if got, ok := promotion.ParseTrailers(message); ok {
			t.Errorf("%q is %+v", message, got)
		}
	}
	for _, source := range []string{"a@1", "a@1 b", "a@1 acme/b@1234", "a 1", "a@1 b@" + source, " @"} {
		got, ok := promotion.ParseTrailers("x\n\nFerry-App: a\nFerry-Environment: dev\nFerry-Release: a:1\nFerry-Source: " + source)
		if !ok || len(got.Sources) != 0 {
			t.Errorf("%q is %+v", source, got.Sources)
		}
	}
}

func TestReadBack(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	posted := func(minutes int, state forge.State, words string) forge.PostedStatus {
		return forge.PostedStatus{Status: forge.Status{Context: "ferry/dev", State: state, Description: words}, At: at(minutes)}
	}
	runs := "checkout 1.1.0 runs in dev since 2026-01-02 10:04:30 UTC"
	converged := at(4).Add(30 * time.Second)
	pending := posted(0, forge.Pending, "checkout 1.1.0: waiting for the first report")
	arrived := posted(5, forge.Success, runs)
	degraded := posted(10, forge.Failure, "checkout 1.1.0: degraded: OOM")
	tests := []struct {
		name   string
		posted []forge.PostedStatus
		want   promotion.Deployment
		state  forge.State
	}{
		{"pending", []forge.PostedStatus{pending}, promotion.Deployment{State: promotion.DeploymentPending, Message: "waiting for the first report"}, forge.Pending},
		{"converged, since when the words say", []forge.PostedStatus{pending, arrived},
			promotion.Deployment{State: promotion.DeploymentConverged, ConvergedAt: converged, HealthyFrom: converged}, forge.Success},
		{"words of the future are not believed", []forge.PostedStatus{pending, posted(5, forge.Success, "checkout 1.1.0 runs in dev since 2036-01-02 10:04:30 UTC")},
			promotion.Deployment{State: promotion.DeploymentConverged, ConvergedAt: at(5), HealthyFrom: at(5)}, forge.Success},
		{"degraded: the soak is gone, convergence is not", []forge.PostedStatus{pending, arrived, degraded},
			promotion.Deployment{State: promotion.DeploymentDegraded, Message: "degraded: OOM", ConvergedAt: converged, DegradedFrom: at(10)}, forge.Failure},
		{"degraded still: since the first time", []forge.PostedStatus{pending, arrived, degraded, posted(12, forge.Failure, "checkout 1.1.0: degraded: OOM (/rollback checkout dev brings 1.0.0 back)")},
			promotion.Deployment{State: promotion.DeploymentDegraded, Message: "degraded: OOM", ConvergedAt: converged, DegradedFrom: at(10)}, forge.Failure},
		{"failed", []forge.PostedStatus{pending, posted(3, forge.Failure, "checkout 1.1.0: failed: no such image")},
			promotion.Deployment{State: promotion.DeploymentFailed, Message: "failed: no such image", DegradedFrom: at(3)}, forge.Failure},
		{"healthy again: the soak starts anew", []forge.PostedStatus{pending, arrived, degraded, posted(20, forge.Success, runs)},
			promotion.Deployment{State: promotion.DeploymentConverged, ConvergedAt: converged, HealthyFrom: at(20)}, forge.Success},
		{"silence before convergence", []forge.PostedStatus{pending, posted(15, forge.Error, "checkout 1.1.0: no word from the agent since 2026-01-02 10:00:00 UTC; last: waiting for the first report")},
			promotion.Deployment{State: promotion.DeploymentPending, Message: "waiting for the first report"}, forge.Error},
		{"silence after it stops the soak", []forge.PostedStatus{pending, arrived, posted(15, forge.Error, "checkout 1.1.0 converged in dev, but its agent has stopped reporting: x")},
			promotion.Deployment{State: promotion.DeploymentConverged, ConvergedAt: converged, Soaked: at(15).Sub(converged)}, forge.Error},
		{"of several apps this one arrived", []forge.PostedStatus{posted(0, forge.Pending, "0 of 2 apps, waiting for cart, checkout"), posted(7, forge.Pending, "1 of 2 apps, waiting for cart")},
			promotion.Deployment{State: promotion.DeploymentConverged, ConvergedAt: at(7), HealthyFrom: at(7)}, forge.Success},
		{"of several apps this one is waited for", []forge.PostedStatus{posted(7, forge.Pending, "1 of 2 apps, waiting for checkout")},
			promotion.Deployment{State: promotion.DeploymentPending, Message: "as the statuses say"}, forge.Pending},
		{"of very many nobody knows", []forge.PostedStatus{posted(7, forge.Pending, "1 of 99 apps, waiting for a, b, che…")},
			promotion.Deployment{State: promotion.DeploymentPending, Message: "as the statuses say"}, forge.Pending},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			release := promotion.NewRelease(promotion.Image{Name: "ghcr.io/acme/checkout", Tag: "1.1.0"})
			d := promotion.Deployment{Release: release, State: promotion.DeploymentPending}
			c, ok := d.ReadBack("checkout", test.posted)
			if !ok || c.App != "checkout" || c.State != test.state || c.Description != test.posted[len(test.posted)-1].Description {
				t.Errorf("contributed was %+v, %v", c, ok)
			}
			test.want.Release, test.want.Since, test.want.Recovered = release, test.posted[0].At, test.posted[0].At
			if diff := cmp.Diff(test.want, d); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestPastBegins(t *testing.T) {
	t.Parallel()
	of := func(tag string) promotion.Release {
		return promotion.NewRelease(promotion.Image{Name: "a", Tag: tag})
	}
	stood := func() promotion.Past {
		var p promotion.Past
		for i, tag := range []string{"1", "1", "2", "3"} {
			p.Stand(int64(i+1), forge.SHA("r"+tag), time.Time{}, of(tag), "")
		}
		return p
	}
	tests := []struct {
		name     string
		baseline *promotion.Baseline
		seq      int64
		want     []string // version, first sequence number, baseline
	}{
		{"nothing is known", nil, 0, []string{"3 4 true"}},
		{"its revision is not known", &promotion.Baseline{Release: of("2")}, 0, []string{"2 3 true", "3 4 false"}},
		{"at the first revision", &promotion.Baseline{Release: of("1"), Revision: "r1"}, 1, []string{"1 1 true", "2 3 false", "3 4 false"}},
		{"later", &promotion.Baseline{Release: of("2"), Revision: "x"}, 3, []string{"2 3 true", "3 4 false"}},
		{"within one", &promotion.Baseline{Release: of("1"), Revision: "x"}, 2, []string{"1 2 true", "2 3 false", "3 4 false"}},
		{"longer ago", &promotion.Baseline{Release: of("0"), Revision: "x"}, 0, []string{"0 0 true", "1 1 false", "2 3 false", "3 4 false"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := stood()
			p.Begin(test.baseline, test.seq)
			p.Seen()
			var got []string
			for _, d := range p.Deployments {
				got = append(got, fmt.Sprintf("%s %d %t", d.Release.Version(), d.FirstSeq, d.Baseline))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

func TestPastOfWhatIsNotListed(t *testing.T) {
	t.Parallel()
	var p promotion.Past
	p.Stand(1, "r1", time.Time{}, promotion.NewRelease(promotion.Image{Name: "a", Tag: "1"}), "")
	p.Stand(2, "r2", time.Time{}, nil, "mixed")
	p.Stand(3, "r3", time.Time{}, promotion.NewRelease(promotion.Image{Name: "a", Tag: "2"}), "")
	p.Begin(nil, 0)
	p.Deployments[2].ReadBack("a", []forge.PostedStatus{{Status: forge.Status{State: forge.Success}, At: time.Unix(1, 0)}})
	p.Seen()
	if len(p.Deployments) != 2 || !p.Deployments[0].Baseline || p.Deployments[0].Problem != "mixed" || p.Deployments[1].Baseline {
		t.Errorf("got %+v", p.Deployments)
	}
}

func TestRejectionsSettle(t *testing.T) {
	t.Parallel()
	place, elsewhere := config.Place{App: "a", Environment: "staging"}, config.Place{App: "a", Environment: "prod"}
	of := func(place config.Place, tag, asker string, rejected bool) promotion.PastPromotion {
		p := promotion.PastPromotion{Place: place, Release: promotion.NewRelease(promotion.Image{Name: "a", Tag: tag}), Intent: promotion.IntentPromotion, Asker: asker, State: promotion.PromotionOpen}
		if rejected {
			p.State, p.Rejected = promotion.PromotionRejected, true
		}
		return p
	}
	tests := []struct {
		name  string
		later []promotion.PastPromotion
		want  bool
	}{
		{"it stands", nil, true},
		{"another release came", []promotion.PastPromotion{of(place, "2", "", false)}, true},
		{"a person asked", []promotion.PastPromotion{of(place, "2", "dora", false)}, false},
		{"a person asked elsewhere", []promotion.PastPromotion{of(elsewhere, "1", "dora", false)}, true},
		{"Ferry proposed it again", []promotion.PastPromotion{of(place, "1", "", false)}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := promotion.Recovery{Promotions: append([]promotion.PastPromotion{of(place, "1", "", true)}, test.later...)}
			r.Settle()
			if r.Promotions[0].Rejected != test.want || (r.Promotions[0].State == promotion.PromotionRejected) != test.want {
				t.Errorf("got %+v", r.Promotions[0])
			}
		})
	}
}
