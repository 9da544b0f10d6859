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

// docs.github.com, "Get team membership for a user" and "Permissions required for GitHub Apps".
func TestContractTeams(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	if err := c.sandbox.SetTeam("acme", "sre", "ada"); err != nil {
		t.Fatal(err)
	}
	_, err := c.client.InTeam(ctx, "acme", "sre", "ada")
	is(t, err, forge.ErrForbidden)
	if err := c.sandbox.SetPermissions(42, map[string]string{"contents": "write", "members": "read"}); err != nil {
		t.Fatal(err)
	}
	c.forge.Forget(c.number)
	c.client = c.forge.Client(c.number)
	for login, want := range map[string]bool{"ada": true, "acme": false, "nobody": false} {
		got, err := c.client.InTeam(ctx, "acme", "sre", login)
		same(t, want, got, err)
	}
	for slug, want := range map[string]bool{"sre": true, "dba": false} {
		got, err := c.client.TeamExists(ctx, "acme", slug)
		same(t, want, got, err)
	}
	_, err = c.client.TeamExists(ctx, "beta", "sre")
	is(t, err, forge.ErrForbidden)
	for _, slug := range []string{"", "The SREs", "../../user", "a/b"} {
		_, err := c.client.InTeam(ctx, "acme", slug, "ada")
		is(t, err, forge.ErrInvalid)
	}
}
