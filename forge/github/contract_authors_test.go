package github_test

import (
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestContractCommitAuthors: GitHub knows the co-authors of a commit by all addresses of theirs (docs.github.com, GraphQL, Commit.authors); a commit and a
// push name those that it hides behind an address of its own.
func TestContractCommitAuthors(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	eve, bob := c.sandbox.AddUser("eve"), c.sandbox.AddUser("bob")
	is(t, c.sandbox.AddEmail("bob", "bob@example.com"), nil)
	plain := c.head(t, "main")
	sha, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Files: map[string]string{"a": "1"},
		Message: "one\n\nCo-authored-by: Eve <" + eve.Email + ">\nCo-Authored-By: B <bob@example.com>\nCo-authored-by: X <x@example.com>"})
	is(t, err, nil)
	read, err := c.client.Commit(ctx, c.repo, sha)
	same(t, forge.Made{By: []string{"ada", "eve"}, With: []string{"eve"}, Unnamed: true}, read.Made, err)
	found, err := c.client.CommitAuthors(ctx, c.repo, []forge.SHA{plain, sha, shaA})
	same(t, map[forge.SHA][]string{plain: {"acme"}, sha: {"ada", "eve", bob.Login}}, found, err)
	_, err = c.granted(t, []string{"pull_requests:write"}).CommitAuthors(ctx, c.repo, []forge.SHA{sha})
	is(t, err, forge.ErrForbidden)
	found, err = c.granted(t, []string{"contents:read"}).CommitAuthors(ctx, c.repo, []forge.SHA{sha})
	same(t, 1, len(found), err)
}

// TestContractNewestPosted: what stands on several commits in one context, with who posted it, is one request (docs.github.com, GraphQL, Status.context).
func TestContractNewestPosted(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	plain := c.head(t, "main")
	first, second := c.bump(t, "one", "1.1.0"), c.bump(t, "two", "1.2.0")
	own := forge.Status{Context: "ferry/gates", State: forge.Failure, Description: "soak is waiting", URL: "https://ferry.example.com/"}
	is(t, c.client.SetStatus(ctx, c.repo, first, own), nil)
	is(t, c.client.SetStatus(ctx, c.repo, second, own), nil)
	is(t, c.sandbox.SetStatus("acme/environments", second, "ada", forge.Status{Context: "ferry/gates", State: forge.Success}), nil)
	is(t, c.sandbox.SetStatus("acme/environments", plain, "ada", forge.Status{Context: "ci", State: forge.Success}), nil)
	found, err := c.client.NewestPosted(ctx, c.repo, []forge.SHA{plain, first, second, shaA}, "ferry/gates")
	if err != nil || len(found) != 2 || found[first].Status != own || found[second].State != forge.Success || found[second].By.Login != "ada" {
		t.Fatalf("%+v, %v", found, err)
	}
	all, err := c.client.Statuses(ctx, c.repo, first)
	same(t, all[0].By.ID, found[first].By.ID, err)
	same(t, all[0].At, found[first].At, err)
	_, err = c.granted(t, []string{"contents:read"}).NewestPosted(ctx, c.repo, []forge.SHA{first}, "ferry/gates")
	is(t, err, forge.ErrForbidden)
}

func TestParsePushedAuthors(t *testing.T) {
	t.Parallel()
	const commit = `{"id":"` + string(shaB) + `","tree_id":"` + string(shaC) + `","author":{"username":"ada"},"committer":{"username":"web-flow"},"message":`
	for words, want := range map[string]forge.Made{
		`"x"`: {By: []string{"ada", "web-flow"}},
		`"x\n\nCo-authored-by: Bob <1+Bob@users.noreply.github.com>"`:                 {By: []string{"ada", "web-flow", "Bob"}, With: []string{"Bob"}},
		`"x\r\n\r\nco-authored-by: E <eve@users.noreply.ghe.example.com>\r\n"`:        {By: []string{"ada", "web-flow", "eve"}, With: []string{"eve"}},
		`"Co-authored-by: B <b@example.com>\nCo-authored-by: <a@users.noreply.x>"`:    {By: []string{"ada", "web-flow", "a"}, With: []string{"a"}, Unnamed: true},
		`"x\n\nCo-authored-by: d[bot] <3+d[bot]@users.noreply.github.com>"`:           {By: []string{"ada", "web-flow", "d[bot]"}, With: []string{"d[bot]"}},
		`"it says co-authored-by: nobody"`:                                            {By: []string{"ada", "web-flow"}},
		`"x\n\nCo-authored-by: Bob <bob@users.noreply.github.com.example.com> (bob)"`: {By: []string{"ada", "web-flow", "bob"}, With: []string{"bob"}},
	} {
		want := forge.Push{Branch: "feature/x", Before: shaA, After: shaB, Commits: []forge.PushedCommit{{SHA: shaB, Tree: shaC, Paths: []string{}, Made: want}}, Complete: true}
		e := hint(forge.EventPush, "")
		e.Push = &want
		check(t, "push", pushed(false, false, false, string(shaA), string(shaB), commit+words+`}`), e)
	}
}
