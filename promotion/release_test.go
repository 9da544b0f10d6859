package promotion_test

import (
	"testing"

	"ferry/promotion"
	"ferry/promotion/config"
)

func TestParseImage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ref  string
		want promotion.Image
	}{
		{"nginx", promotion.Image{Name: "nginx"}},
		{"nginx:1.27", promotion.Image{Name: "nginx", Tag: "1.27"}},
		{"localhost:5000/shop/cart", promotion.Image{Name: "localhost:5000/shop/cart"}},
		{"localhost:5000/shop/cart:1.2", promotion.Image{Name: "localhost:5000/shop/cart", Tag: "1.2"}},
		{"ghcr.io/acme/cart@sha256:abc", promotion.Image{Name: "ghcr.io/acme/cart", Digest: "sha256:abc"}},
		{"ghcr.io:443/acme/cart:1.2@sha256:abc", promotion.Image{Name: "ghcr.io:443/acme/cart", Tag: "1.2", Digest: "sha256:abc"}},
		{"", promotion.Image{}},
	}
	for _, test := range tests {
		got := promotion.ParseImage(test.ref)
		if got != test.want {
			t.Errorf("ParseImage(%q) = %+v, want %+v", test.ref, got, test.want)
		}
		if got.String() != test.ref {
			t.Errorf("%q comes back as %q", test.ref, got)
		}
	}
}

func of(refs ...string) promotion.Release {
	images := make([]promotion.Image, len(refs))
	for i, ref := range refs {
		images[i] = promotion.ParseImage(ref)
	}
	return promotion.NewRelease(images...)
}

func TestSame(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		a, b promotion.Release
		want bool
	}{
		{"equal tags", of("a:1"), of("a:1"), true},
		{"other tags", of("a:1"), of("a:2"), false},
		{"one digest missing", of("a:1@sha256:x"), of("a:1"), true},
		{"equal digests", of("a:1@sha256:x"), of("a:1@sha256:x"), true},
		{"other digests", of("a:1@sha256:x"), of("a:1@sha256:y"), false},
		{"equal digests and other tags", of("a:1@sha256:x"), of("a:2@sha256:x"), false},
		{"other names", of("a:1"), of("b:1"), false},
		{"in any order", of("a:1", "b:2"), of("b:2", "a:1"), true},
		{"one more image", of("a:1"), of("a:1", "b:2"), false},
		{"one of two differs", of("a:1", "b:2"), of("a:1", "b:3"), false},
		{"nothing", nil, promotion.Release{}, true},
		{"nothing and something", nil, of("a:1"), false},
	}
	for _, test := range tests {
		if test.a.Same(test.b) != test.want || test.b.Same(test.a) != test.want {
			t.Errorf("%s: %v and %v: want %v, both ways", test.name, test.a, test.b, test.want)
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	old := of("a:1@sha256:x", "b:2")
	got := old.With(promotion.ParseImage("a:9"))
	if !got.Same(of("a:9", "b:2")) || got[0].Digest != "" {
		t.Errorf("%v: tag and digest move as a pair", got)
	}
	if !old.Same(of("a:1@sha256:x", "b:2")) {
		t.Errorf("With changed what it was called on: %v", old)
	}
	if got := old.With(promotion.ParseImage("c:1")); !got.Same(old) {
		t.Errorf("an image that is not of the release was added: %v", got)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		release promotion.Release
		want    string
	}{
		{nil, "nothing"},
		{of("ghcr.io/acme/a:1.2.0"), "1.2.0"},
		{of("ghcr.io/acme/a:1.2.0", "ghcr.io/acme/b:1.2.0"), "1.2.0"},
		{of("ghcr.io/acme/a:1.2.0", "b:1.3.0"), "b:1.3.0, a:1.2.0"},
		{of("a@sha256:0123456789abcdef0123"), "sha256:0123456789ab"},
		{of("a@sha256:01"), "sha256:01"},
		{of("a"), "no tag"},
	}
	for _, test := range tests {
		if got := test.release.Version(); got != test.want {
			t.Errorf("%v is called %q, want %q", []promotion.Image(test.release), got, test.want)
		}
	}
}

// TestOrder reads the order off what is proposed: next stands upstream, old downstream.
func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		old, next []string // tags of two images
		proposed  bool
	}{
		{"newer", []string{"1.2.0", "1.2.0"}, []string{"1.10.0", "1.3.0"}, true},
		{"one newer, one the same", []string{"1.2.0", "1.2.0"}, []string{"1.3.0", "1.2.0"}, true},
		{"with a v", []string{"v1.2.0", "v1.2.0"}, []string{"v1.3.0", "1.3.0"}, true},
		{"older", []string{"1.2.0", "1.2.0"}, []string{"1.1.0", "1.2.0"}, false},
		{"a prerelease is older", []string{"1.2.0", "1.2.0"}, []string{"1.2.0-rc.1", "1.2.0"}, false},
		{"one newer, one older: as they entered", []string{"1.2.0", "1.2.0"}, []string{"1.3.0", "1.1.0"}, true},
		{"one has no version: as they entered", []string{"1.2.0", "main-7"}, []string{"1.3.0", "main-8"}, true},
		{"two numbers are no version: as they entered", []string{"1.2", "1.2"}, []string{"1.1", "1.1"}, true},
		{"build metadata does not order: as they entered", []string{"1.2.0+a", "1.2.0"}, []string{"1.2.0+b", "1.2.0"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config.Environment{Name: "dev", Converge: config.ConvergeMerge}, config.Environment{Name: "prod", From: []string{"dev"}})
			old, next := of("a:"+test.old[0], "b:"+test.old[1]), of("a:"+test.next[0], "b:"+test.next[1])
			w.env("dev").History = []promotion.Deployment{{ID: 3, FirstSeq: 2, Release: next}, {ID: 2, FirstSeq: 1, Release: old, Baseline: true, Ended: true}}
			w.env("prod").History = []promotion.Deployment{{ID: 1, FirstSeq: 1, Release: old, Baseline: true}}
			w.plan = promotion.MakePlan(w.s, w.now)
			got := w.cell("prod").Proposed
			if (got != nil) != test.proposed {
				t.Fatalf("proposed: %v", got)
			}
		})
	}
}
