package github_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestContractHistory(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	start := c.head(t, "main")
	made := c.bump(t, "ferry/dev/checkout", "1.1.0")
	opened := c.pull(t, "ferry/dev/checkout")
	merged, err := c.sandbox.Merge("acme/environments", opened.Number, "ada", forge.MergeCommit)
	if err != nil {
		t.Fatal(err)
	}

	list, err := c.client.Commits(ctx, c.repo, merged, "", 10)
	if err != nil || len(list) != 3 || list[0].SHA != merged || !slices.Equal(list[0].Parents, []forge.SHA{start, made}) || list[0].At.IsZero() {
		t.Fatalf("got %+v, %v", list, err)
	}
	i := slices.IndexFunc(list, func(x forge.Commit) bool { return x.SHA == made })
	if own := list[i]; own.Author.ID != c.bot.ID || own.Committer.Login != "web-flow" || !own.Verified {
		t.Fatalf("got %+v", own)
	}
	list, err = c.client.Commits(ctx, c.repo, merged, "apps/checkout/dev/kustomization.yaml", 1)
	if err != nil || len(list) != 1 || list[0].SHA != made {
		t.Fatalf("got %+v, %v", list, err)
	}
	files, complete, err := c.client.CommitFiles(ctx, c.repo, merged) // against its first parent
	tree, treeErr := c.client.Tree(ctx, c.repo, merged)
	if err != nil || treeErr != nil || !complete || len(files) != 1 || files[0].Path != "apps/checkout/dev/kustomization.yaml" || files[0].Removed ||
		!slices.ContainsFunc(tree.Entries, func(e forge.TreeEntry) bool { return e.Path == files[0].Path && e.SHA == files[0].SHA }) {
		t.Fatalf("got %+v, %v, %v", files, complete, err)
	}
	removed, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "gone", Delete: []string{"README.md"}})
	if err != nil {
		t.Fatal(err)
	}
	files, _, err = c.client.CommitFiles(ctx, c.repo, removed)
	if err != nil || len(files) != 1 || files[0].Path != "README.md" || !files[0].Removed {
		t.Fatalf("got %+v, %v", files, err)
	}
	_, err = c.client.Commits(ctx, c.repo, shaA, "", 10)
	is(t, err, forge.ErrNotFound)
	_, _, err = c.client.CommitFiles(ctx, c.repo, "main")
	is(t, err, forge.ErrInvalid)
}

func TestContractPullRequestsBy(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	c.bump(t, "ferry/dev/checkout", "1.1.0")
	first := c.pull(t, "ferry/dev/checkout")
	if err := c.sandbox.ClosePull("acme/environments", first.Number, "ada"); err != nil {
		t.Fatal(err)
	}
	c.bump(t, "ferry/staging/checkout", "1.2.0")
	second := c.pull(t, "ferry/staging/checkout")
	for _, test := range []struct {
		author   int64
		most     int
		want     []int
		complete bool
	}{
		{c.bot.ID, 100, []int{second.Number, first.Number}, true},
		{c.bot.ID, 2, []int{second.Number, first.Number}, true},
		{c.bot.ID, 1, []int{second.Number}, false},
		{c.ada.ID, 100, nil, true},
	} {
		list, complete, err := c.client.PullRequestsBy(ctx, c.repo, test.author, test.most)
		var got []int
		for _, p := range list {
			got = append(got, p.Number)
		}
		if err != nil || !slices.Equal(got, test.want) || complete != test.complete {
			t.Errorf("%+v: got %v, %v, %v", test, got, complete, err)
		}
	}
}

func TestContractStatusHistory(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	head := c.head(t, "main")
	for _, s := range []forge.Status{
		{Context: "ferry/dev", State: forge.Pending, Description: "soon", URL: "https://ferry.example.com"},
		{Context: "ferry/config", State: forge.Success, Description: "in force"},
		{Context: "ferry/dev", State: forge.Success, Description: "there"},
	} {
		if err := c.client.SetStatus(ctx, c.repo, head, s); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.client.Statuses(ctx, c.repo, head)
	if err != nil || len(list) != 3 || list[0].Description != "there" || list[2].Status != (forge.Status{Context: "ferry/dev", State: forge.Pending, Description: "soon", URL: "https://ferry.example.com"}) ||
		list[1].By.ID != c.bot.ID || list[1].At.IsZero() {
		t.Fatalf("got %+v, %v", list, err)
	}
	_, err = c.client.Statuses(ctx, c.repo, shaA)
	if err == nil {
		t.Error("a commit that is not there has statuses")
	}
}

// TestContractCommitAt finds a commit by what names it: in short, a branch, a tag.
func TestContractCommitAt(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	head := c.head(t, "main")
	for _, ref := range []string{string(head), string(head[:8]), "heads/main"} {
		if sha, err := c.client.CommitAt(ctx, c.repo, ref); sha != head || err != nil {
			t.Errorf("%s is %s, %v; want %s", ref, sha, err, head)
		}
	}
	for _, ref := range []string{"tags/v1.0.0", "0123456", strings.Repeat("ab", 20)} {
		_, err := c.client.CommitAt(ctx, c.repo, ref)
		if !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrInvalid) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	_, err := c.client.CommitAt(ctx, c.repo, "../x")
	is(t, err, forge.ErrInvalid)
}
