package github_test

import (
	"testing"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// TestContractDeployments: what Ferry records is found again by its commit, environment, author and the environment repository that it is for.
func TestContractDeployments(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	source := c.repository(t, "acme", "checkout")
	if _, err := c.sandbox.Install(42, "acme", "acme/checkout"); err != nil {
		t.Fatal(err)
	}
	client := c.forge.ClientFor(c.number, c.repo)
	at, err := client.Head(ctx, source, "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.sandbox.SetPermission("acme/checkout", "ada", forge.PermissionWrite); err != nil {
		t.Fatal(err)
	}
	if err := c.sandbox.SetStatus("acme/checkout", at, "ada", forge.Status{Context: "ci", State: forge.Failure}); err != nil { // holds no deployment up
		t.Fatal(err)
	}
	onBranch(t, c, client, source, at)
	none, err := client.Deployments(ctx, source, at, "prod")
	same(t, []forge.Deployment{}, none, err)
	wanted := forge.NewDeployment{SHA: at, Environment: "prod", Description: "checkout 1.1.0", For: c.repo.ID}
	first, err := client.CreateDeployment(ctx, source, wanted)
	is(t, err, nil)
	second, err := client.CreateDeployment(ctx, source, wanted)
	is(t, err, nil)
	found, err := client.Deployments(ctx, source, at, "prod")
	bot := forge.User{ID: c.bot.ID, Login: "ferry[bot]", Bot: true}
	same(t, []forge.Deployment{{ID: second, Author: bot, For: c.repo.ID}, {ID: first, Author: bot, For: c.repo.ID}}, found, err)
	none, err = client.Deployments(ctx, source, at, "staging")
	same(t, []forge.Deployment{}, none, err)

	_, err = client.DeploymentStatus(ctx, source, first)
	is(t, err, forge.ErrNotFound)
	for _, id := range []int64{first, second} { // neither makes the other inactive
		runs := forge.DeploymentStatus{State: forge.DeploymentSuccess, Description: "runs", URL: "https://ferry.example", EnvironmentURL: "https://shop.example"}
		is(t, client.SetDeploymentStatus(ctx, source, id, forge.DeploymentStatus{State: forge.DeploymentInProgress}), nil)
		is(t, client.SetDeploymentStatus(ctx, source, id, runs), nil)
		got, err := client.DeploymentStatus(ctx, source, first)
		same(t, runs, got, err)
	}

	_, err = client.CreateDeployment(ctx, source, forge.NewDeployment{SHA: shaA, Environment: "prod"})
	is(t, err, forge.ErrNotFound)
	is(t, client.SetDeploymentStatus(ctx, source, 1, forge.DeploymentStatus{State: forge.DeploymentSuccess}), forge.ErrNotFound)
	is(t, client.SetDeploymentStatus(ctx, source, first, forge.DeploymentStatus{State: "done"}), forge.ErrInvalid)
	_, err = client.Deployments(ctx, source, "main", "prod")
	is(t, err, forge.ErrInvalid)
	_, err = client.DeploymentStatus(ctx, forge.Repo{Owner: "..", Name: "x"}, first)
	is(t, err, forge.ErrInvalid)
}

// onBranch has the default branch move on from a commit that it has, and looks at one on another branch, and at one that no branch has any more.
func onBranch(t *testing.T, c *contract, client *github.Client, source forge.Repo, at forge.SHA) {
	t.Helper()
	looked := func(at forge.SHA, want bool) {
		t.Helper()
		on, err := client.OnBranch(t.Context(), source, at)
		same(t, want, on, err)
	}
	commit := func(branch string) forge.SHA {
		t.Helper()
		made, err := c.sandbox.Commit(source.FullName(), sandbox.Edit{As: "acme", Branch: branch, Message: "x", Files: map[string]string{branch: "x\n"}})
		is(t, err, nil)
		return made
	}
	looked(at, true)
	other := commit("release/1")
	looked(other, true)
	looked(commit("main"), true)
	looked(at, true)
	looked(other, true)
	is(t, c.sandbox.DeleteBranch(source.FullName(), "release/1", "acme"), nil)
	looked(other, false)
	_, err := client.OnBranch(t.Context(), source, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = client.OnBranch(t.Context(), source, "main")
	is(t, err, forge.ErrInvalid)
}
