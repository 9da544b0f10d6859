package github_test

import (
	"testing"

	"ferry/forge"
)

// TestContractLabelsAssigneesAndReviewers: what is added twice is there once; GitHub leaves out who cannot be assigned; one reviewer that may not see the repository makes GitHub ask nobody.
func TestContractLabelsAssigneesAndReviewers(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	c.bump(t, "topic", "1.1.0")
	p := c.pull(t, "topic")
	for range 2 {
		is(t, c.client.AddLabels(ctx, c.repo, p.Number, []string{"ferry", "to prod"}), nil)
	}
	is(t, c.client.AddLabels(ctx, c.repo, 999, []string{"ferry"}), forge.ErrNotFound)
	for range 2 {
		assigned, err := c.client.Assign(ctx, c.repo, p.Number, []string{"nobody", "ada"})
		same(t, []string{"ada"}, assigned, err)
	}
	_, err := c.client.Assign(ctx, c.repo, 999, []string{"ada"})
	is(t, err, forge.ErrNotFound)
	if err := c.sandbox.SetTeam(c.repo.Owner, "sre", "ada"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		is(t, c.client.RequestReviewers(ctx, c.repo, p.Number, []string{"ada"}, []string{"sre"}), nil)
	}
	is(t, c.client.RequestReviewers(ctx, c.repo, p.Number, []string{"ada", "nobody"}, nil), forge.ErrInvalid)
	is(t, c.client.RequestReviewers(ctx, c.repo, p.Number, nil, []string{"dba"}), forge.ErrInvalid)

	start := c.head(t, "main")
	second := c.bump(t, "more", "1.2.0")
	got, err := c.client.Changes(ctx, c.repo, start, second)
	if err != nil || got.Relation != forge.Ahead || got.Total != 1 || len(got.Commits) != 1 || got.Fork != start || got.Commits[0].SHA != second || got.Commits[0].Message != "checkout 1.2.0" {
		t.Errorf("%+v, %v", got, err)
	}
	back, err := c.client.Changes(ctx, c.repo, second, start)
	same(t, forge.Changes{Relation: forge.Behind, Fork: start}, back, err)
	_, err = c.client.Changes(ctx, c.repo, start, shaA)
	is(t, err, forge.ErrNotFound)
	root, err := c.client.CreateCommit(ctx, c.repo, forge.NewCommit{Message: "another history", Files: []forge.NewFile{{Path: "x", Content: []byte("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	is(t, c.client.CreateBranch(ctx, c.repo, "other", root.SHA), nil)
	unrelated, err := c.client.Changes(ctx, c.repo, start, root.SHA)
	same(t, forge.Changes{Relation: forge.Diverged}, unrelated, err)
}
