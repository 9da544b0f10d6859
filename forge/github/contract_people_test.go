package github_test

import (
	"testing"
	"time"

	"ferry/forge"
)

// docs.github.com, "List reviews for a pull request": in chronological order, with what was dismissed since marked as that.
func TestContractReviews(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	head := c.bump(t, "change", "1.1.0")
	p := c.pull(t, "change")
	bob := c.sandbox.AddUser("bob")
	none, err := c.client.Reviews(ctx, c.repo, p.Number)
	same(t, 0, len(none), err)
	for _, x := range []struct{ login, event string }{{"bob", "COMMENT"}, {"bob", "APPROVE"}, {"ada", "REQUEST_CHANGES"}} {
		if _, err := c.sandbox.Review("acme/environments", p.Number, x.login, x.event, "words"); err != nil {
			t.Fatal(err)
		}
	}
	found, err := c.client.Reviews(ctx, c.repo, p.Number)
	if err != nil || len(found) != 3 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, want := range []forge.Review{{Author: forge.User{ID: bob.ID, Login: "bob"}, State: forge.ReviewCommented}, {Author: forge.User{ID: bob.ID, Login: "bob"}, State: forge.ReviewApproved},
		{Author: forge.User{ID: c.ada.ID, Login: "ada"}, State: forge.ReviewChangesRequested}} {
		got := found[i]
		want.ID, want.At, want.SHA = got.ID, got.At, head
		same(t, want, got, nil)
		if got.ID == 0 || time.Since(got.At) > time.Hour {
			t.Errorf("%+v", got)
		}
	}
	_, err = c.client.Reviews(ctx, c.repo, p.Number+100)
	is(t, err, forge.ErrNotFound)
}
