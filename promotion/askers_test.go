package promotion_test

import (
	"testing"

	"ferry/promotion"
)

func TestAskedAlso(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, login, want string }{
		{"", "ann", "ann"},
		{"ann", "bob", "ann, bob"},
		{"ann, bob", "cleo", "ann, bob, cleo"},
		{"ann, bob", "Ann", "bob, Ann"},
		{"ann", "ann", "ann"},
		{"joann", "ann", "joann, ann"},
	} {
		if got := promotion.AskedAlso(test.before, test.login); got != test.want {
			t.Errorf("%q, and then %q: %q, want %q", test.before, test.login, got, test.want)
		}
	}
}
