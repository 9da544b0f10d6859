package github_test

import (
	"errors"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// proposal is an edit of checkout's tag and the pull request that shows it.
func (c *contract) proposal(t *testing.T, tag string) (forge.NewCommit, forge.NewPullRequest) {
	t.Helper()
	return forge.NewCommit{
			Parent: c.head(t, "main"), Message: "checkout " + tag + "\n\nbecause\n\nFerry-Release: checkout " + tag,
			Files: []forge.NewFile{{Path: "apps/checkout/dev/kustomization.yaml", Content: []byte(strings.Replace(kustomization, "1.0.0", tag, 1))}},
		},
		forge.NewPullRequest{HeadBranch: "ferry/dev/checkout", BaseBranch: "main", Title: "checkout " + tag, Body: "body\n"}
}

func TestContractPropose(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	commit, pull := c.proposal(t, "1.1.0")
	pull.Draft = true
	made, p, err := c.client.Propose(ctx, c.repo, commit, pull)
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.client.Commit(ctx, c.repo, made.SHA)
	if err != nil || !read.Verified || read.Message != commit.Message || read.Tree != made.Tree || read.Author.ID != c.bot.ID || read.Parents[0] != commit.Parent {
		t.Errorf("the commit is %+v, %v; told was %+v", read, err, made)
	}
	same(t, made.SHA, c.head(t, pull.HeadBranch), nil)
	file, err := c.client.File(ctx, c.repo, commit.Files[0].Path, pull.HeadBranch)
	same(t, string(commit.Files[0].Content), string(file.Content), err)
	shown, err := c.client.PullRequest(ctx, c.repo, p.Number)
	same(t, shown, p, err)
	same(t, made.SHA, p.HeadSHA, nil)
}

// TestContractProposeTheFirst: where Ferry has heard nothing of the repository yet, its global id is read once.
func TestContractProposeTheFirst(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	commit, pull := c.proposal(t, "1.1.0")
	c.sandbox.ResetRequests()
	for _, tag := range []string{"1.1.0", "1.2.0"} {
		pull.HeadBranch = "ferry/dev/" + tag
		if _, _, err := c.client.Propose(t.Context(), c.repo, commit, pull); err != nil {
			t.Fatal(err)
		}
	}
	asked := map[string]int{}
	for _, routes := range c.sandbox.Requests() {
		for route, n := range routes {
			asked[route] += n
		}
	}
	if asked["POST /graphql"] != 2 || asked["GET /repositories/{id}"] != 1 {
		t.Errorf("asked was %v", asked)
	}
}

// TestContractProposeInPart: a mutation is carried out whatever became of those before it.
func TestContractProposeInPart(t *testing.T) {
	t.Parallel()
	const field = "/graphql#"
	for name, test := range map[string]struct {
		before       func(t *testing.T, c *contract)
		commit, pull bool
		want         error
	}{
		"the branch stands elsewhere": {func(t *testing.T, c *contract) { c.bump(t, "ferry/dev/checkout", "0.9.0") }, false, true, forge.ErrInvalid},
		"the branch stands there":     {func(t *testing.T, c *contract) { c.branch(t, "ferry/dev/checkout", c.head(t, "main")) }, true, true, nil},
		"one is open already": {func(t *testing.T, c *contract) {
			c.bump(t, "ferry/dev/checkout", "0.9.0")
			c.pull(t, "ferry/dev/checkout")
		}, false, false, forge.ErrInvalid},
		"no branch":       {func(_ *testing.T, c *contract) { c.failField(field+"createRef", false) }, false, false, forge.ErrUnavailable},
		"no commit":       {func(_ *testing.T, c *contract) { c.failField(field+"createCommitOnBranch", false) }, false, false, forge.ErrUnavailable},
		"no pull request": {func(_ *testing.T, c *contract) { c.failField(field+"createPullRequest", false) }, true, false, forge.ErrUnavailable},
		"nobody knows":    {func(_ *testing.T, c *contract) { c.failField(field+"createPullRequest", true) }, true, false, forge.ErrUnavailable},
		"no answer": {func(_ *testing.T, c *contract) {
			c.sandbox.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/graphql", Status: 502})
		}, false, false, forge.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newContract(t)
			test.before(t, c)
			commit, pull := c.proposal(t, "1.1.0")
			made, p, err := c.client.Propose(t.Context(), c.repo, commit, pull)
			is(t, err, test.want)
			if (made.SHA != "") != test.commit || (p.Number != 0) != test.pull {
				t.Errorf("made were %+v and %+v", made, p)
			}
		})
	}
}

func (c *contract) failField(route string, done bool) {
	c.sandbox.Faults().Fail(sandbox.Fault{Method: "POST", Route: route, Done: done})
}

func (c *contract) branch(t *testing.T, name string, at forge.SHA) {
	t.Helper()
	if err := c.client.CreateBranch(t.Context(), c.repo, name, at); err != nil {
		t.Fatal(err)
	}
}

// TestContractProposeNothing: what GitHub would change on the way is not asked for.
func TestContractProposeNothing(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	for name, spoil := range map[string]func(*forge.NewCommit){
		"executable": func(n *forge.NewCommit) { n.Files[0].Executable = true },
		"large":      func(n *forge.NewCommit) { n.Files[0].Content = make([]byte, 1<<20+1) },
		"no message": func(n *forge.NewCommit) { n.Message = "one\ntwo\n\nthree" },
		"no parent":  func(n *forge.NewCommit) { n.Parent = "" },
	} {
		commit, pull := c.proposal(t, "1.1.0")
		spoil(&commit)
		_, _, err := c.client.Propose(t.Context(), c.repo, commit, pull)
		if is(t, err, forge.ErrInvalid); err == nil {
			t.Error(name)
		}
	}
	_, err := c.client.Head(t.Context(), c.repo, "ferry/dev/checkout")
	is(t, err, forge.ErrNotFound)
}

// TestContractProposeOverTheLimit: GraphQL's limit is its own, what is over it is answered with 200, and REST goes on.
func TestContractProposeOverTheLimit(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	if _, err := c.client.RepositoryByID(t.Context(), c.repo.ID); err != nil { // its global id is known then
		t.Fatal(err)
	}
	commit, pull := c.proposal(t, "1.1.0")
	c.sandbox.SetLimits(sandbox.Limits{PerHour: 2})
	for _, limits := range []bool{false, false, true} {
		_, _, err := c.client.Propose(t.Context(), c.repo, commit, pull)
		var limited *forge.RateLimited
		if errors.As(err, &limited) != limits {
			t.Errorf("%v, want a limit: %v", err, limits)
		}
	}
	if c.head(t, "ferry/dev/checkout") == commit.Parent {
		t.Error("the branch has no commit")
	}
}
