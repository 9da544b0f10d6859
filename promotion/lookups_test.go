package promotion_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion"
)

func TestSourceRefs(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("ab", 20)
	for _, c := range []struct {
		forms, tag string
		want       []string
	}{
		{"{version}", "1.4.2", []string{"tags/v1.4.2", "tags/1.4.2"}},
		{"{version}", "v1.4.2", []string{"tags/v1.4.2", "tags/1.4.2"}},
		{"release-{version}", "release-1.4.2-rc.1", []string{"tags/v1.4.2-rc.1", "tags/1.4.2-rc.1"}},
		{"{version}", "latest", nil},
		{"{version}", "1.4.2+x", nil},
		{"sha-{commit}", "sha-" + full, []string{full}},
		{"sha-{commit}", "sha-abcdef", nil},
		{"sha-{commit}", "sha-abcdef1g", nil},
		{"sha-{commit}", "1-sha-abcdef1", nil},
		{"*-{commit}-*", "feature-x-abcdef1-20260102", []string{"abcdef1"}},
		{"*.{commit}", "mainxabcdef1", nil},
		{"*-{commit} {version}", "1.0.0", []string{"tags/v1.0.0", "tags/1.0.0"}},
		{"{commit} {version}", "1234567", []string{"1234567", "tags/v1234567", "tags/1234567"}},
		{"", "1.0.0", nil},
	} {
		if diff := cmp.Diff(c.want, promotion.SourceRefs(strings.Fields(c.forms), c.tag)); diff != "" {
			t.Errorf("%s of %s: %s", c.forms, c.tag, diff)
		}
	}
}
