package github_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

func TestContractAccess(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	bot := forge.User{ID: c.bot.ID, Login: "ferry[bot]", Bot: true}
	who, err := c.forge.Identity(ctx)
	same(t, bot, who, err)
	installations, err := c.forge.Installations(ctx)
	same(t, []forge.Installation{{ID: c.number, Account: "acme"}}, installations, err)
	repository := forge.Repository{Repo: c.repo, DefaultBranch: "main"}
	repositories, err := c.forge.Repositories(ctx, c.number)
	same(t, []forge.Repository{repository}, repositories, err)
	byName, err := c.client.Repository(ctx, c.repo)
	same(t, repository, byName, err)
	byID, err := c.client.RepositoryByID(ctx, c.repo.ID)
	same(t, repository, byID, err)
	maintain, err := c.client.Permission(ctx, c.repo, "ada")
	same(t, forge.PermissionMaintain, maintain, err)
	guarded, err := c.client.Guarded(ctx, c.repo, "main")
	same(t, false, guarded, err)

	other := c.repository(t, "beta", "environments")
	_, err = c.client.Head(ctx, other, "main")
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Guarded(ctx, c.repo, "none")
	is(t, err, forge.ErrNotFound)
	_, err = c.forge.Client(c.number+1000).Head(ctx, c.repo, "main")
	is(t, err, forge.ErrUnauthorized)
}

func TestContractPlainToken(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	plain := open(t, github.Config{APIURL: c.server.URL + "/api/v3", Token: c.ada.Token})
	who, err := plain.Identity(ctx)
	same(t, forge.User{ID: c.ada.ID, Login: "ada"}, who, err)
	found, err := plain.Client(0).Repository(ctx, c.repo)
	same(t, forge.Repository{Repo: c.repo, DefaultBranch: "main"}, found, err)
	_, err = open(t, github.Config{APIURL: c.server.URL + "/api/v3", Token: "ghp_wrong"}).Identity(ctx)
	is(t, err, forge.ErrUnauthorized)
}

func TestContractReading(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	first := c.head(t, "main")
	second, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "new\n\nFerry-Source: x", Files: map[string]string{"new.yaml": "a: é\r\n"}})
	if err != nil {
		t.Fatal(err)
	}
	commit, err := c.client.Commit(ctx, c.repo, second)
	if err != nil || commit.SHA != second || !slices.Equal(commit.Parents, []forge.SHA{first}) || commit.Author != (forge.User{ID: c.ada.ID, Login: "ada"}) ||
		commit.Tree == "" || commit.Verified || strings.TrimSpace(commit.Message) != "new\n\nFerry-Source: x" {
		t.Fatalf("got %+v, %v", commit, err)
	}
	tree, err := c.client.Tree(ctx, c.repo, second)
	want := []forge.TreeEntry{{Path: "README.md", Mode: "100644", Size: 13}, {Path: "apps/checkout/dev/kustomization.yaml", Mode: "100644", Size: int64(len(kustomization))}, {Path: "new.yaml", Mode: "100644", Size: 7}}
	if diff := cmp.Diff(want, tree.Entries, cmpopts.IgnoreFields(forge.TreeEntry{}, "SHA")); diff != "" || err != nil || tree.SHA != commit.Tree {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	blob, err := c.client.Blob(ctx, c.repo, tree.Entries[2].SHA)
	same(t, "a: é\r\n", string(blob), err)
	file, err := c.client.File(ctx, c.repo, "new.yaml", "main")
	same(t, forge.File{Path: "new.yaml", SHA: tree.Entries[2].SHA, Content: []byte("a: é\r\n")}, file, err)

	for _, test := range []struct {
		base, head forge.SHA
		want       forge.Comparison
	}{
		{first, second, forge.Comparison{Relation: forge.Ahead, Commits: []forge.Commit{commit}, Line: []forge.SHA{second}, Paths: []string{"new.yaml"}, Complete: true}},
		{second, first, forge.Comparison{Relation: forge.Behind, Complete: true}},
		{first, first, forge.Comparison{Relation: forge.Identical, Complete: true}},
	} {
		got, err := c.client.Compare(ctx, c.repo, test.base, test.head)
		same(t, test.want, got, err)
	}
	c.readingNothing(t)
}

func (c *contract) readingNothing(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	_, err := c.client.Head(ctx, c.repo, "none")
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Commit(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Tree(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Blob(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.File(ctx, c.repo, "none", "main")
	is(t, err, forge.ErrNotFound)
	_, err = c.client.File(ctx, c.repo, "apps", "main")
	is(t, err, forge.ErrInvalid)
	_, err = c.client.Compare(ctx, c.repo, shaA, shaB)
	is(t, err, forge.ErrNotFound)
}

func TestContractBranches(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	start := c.head(t, "main")
	made := c.bump(t, "ferry/dev/checkout#1", "1.1.0")
	same(t, made, c.head(t, "ferry/dev/checkout#1"), nil)
	commit, err := c.client.Commit(ctx, c.repo, made)
	if err != nil || !commit.Verified || commit.Author.ID != c.bot.ID || !slices.Equal(commit.Parents, []forge.SHA{start}) {
		t.Fatalf("got %+v, %v", commit, err)
	}
	is(t, c.client.CreateBranch(ctx, c.repo, "ferry/dev/checkout#1", start), forge.ErrExists)
	is(t, c.client.MoveBranch(ctx, c.repo, "ferry/dev/checkout#1", start, false), forge.ErrConflict)
	is(t, c.client.MoveBranch(ctx, c.repo, "ferry/dev/checkout#1", start, true), nil)
	same(t, start, c.head(t, "ferry/dev/checkout#1"), nil)
	is(t, c.client.MoveBranch(ctx, c.repo, "none", start, true), forge.ErrNotFound)
	for range 2 {
		is(t, c.client.DeleteBranch(ctx, c.repo, "ferry/dev/checkout#1"), nil)
	}

	root, err := c.client.CreateCommit(ctx, c.repo, forge.NewCommit{Message: "state", Files: []forge.NewFile{{Path: "bin/x", Content: []byte("\xff\x00"), Executable: true}}})
	if err != nil {
		t.Fatal(err)
	}
	is(t, c.client.CreateBranch(ctx, c.repo, "ferry-state", root.SHA), nil)
	unrelated, err := c.client.Compare(ctx, c.repo, start, root.SHA)
	same(t, forge.Comparison{Relation: forge.Diverged}, unrelated, err)
	tree, err := c.client.Tree(ctx, c.repo, root.SHA)
	if err != nil || tree.SHA != root.Tree || len(tree.Entries) != 1 || tree.Entries[0].Mode != "100755" {
		t.Fatalf("got %+v, %v", tree, err)
	}
	blob, err := c.client.Blob(ctx, c.repo, tree.Entries[0].SHA)
	same(t, []byte("\xff\x00"), blob, err)
	if commit, err = c.client.Commit(ctx, c.repo, root.SHA); err != nil || len(commit.Parents) > 0 {
		t.Fatalf("the root commit: %+v, %v", commit, err)
	}
	onTree, err := c.client.CreateCommit(ctx, c.repo, forge.NewCommit{Parent: root.SHA, BaseTree: tree.SHA, Message: "more", Files: []forge.NewFile{{Path: "y", Content: []byte("y")}}})
	if err != nil {
		t.Fatal(err)
	}
	is(t, c.client.MoveBranch(ctx, c.repo, "ferry-state", onTree.SHA, false), nil)
}

func TestContractPullRequests(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	start := c.head(t, "main")
	_, err := c.client.OpenPullRequestByHead(ctx, c.repo, "ferry/dev/checkout")
	is(t, err, forge.ErrNotFound)
	made := c.bump(t, "ferry/dev/checkout", "1.1.0")
	opened := c.pull(t, "ferry/dev/checkout")
	want := forge.PullRequest{
		Number: opened.Number, Open: true, HeadBranch: "ferry/dev/checkout", HeadSHA: made, HeadRepo: c.repo.ID, BaseBranch: "main", BaseSHA: start,
		Author: forge.User{ID: c.bot.ID, Login: "ferry[bot]", Bot: true}, Title: "checkout", Body: "body",
	}
	ignored := cmpopts.IgnoreFields(forge.PullRequest{}, "URL", "CreatedAt", "UpdatedAt", "ClosedAt")
	if diff := cmp.Diff(want, opened, ignored); diff != "" || opened.URL == "" || opened.UpdatedAt.IsZero() {
		t.Fatalf("want - got +\n%s", diff)
	}
	_, err = c.client.OpenPullRequest(ctx, c.repo, forge.NewPullRequest{HeadBranch: "ferry/dev/checkout", BaseBranch: "main", Title: "again"})
	is(t, err, forge.ErrExists)
	_, err = c.client.OpenPullRequest(ctx, c.repo, forge.NewPullRequest{HeadBranch: "main", BaseBranch: "main", Title: "nothing"})
	is(t, err, forge.ErrInvalid)
	if err := c.client.EditPullRequest(ctx, c.repo, opened.Number, "checkout 1.1.0", "new body"); err != nil {
		t.Fatal(err)
	}
	want.Title, want.Body = "checkout 1.1.0", "new body"
	one, err := c.client.PullRequest(ctx, c.repo, opened.Number)
	if diff := cmp.Diff(want, one, ignored); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	byHead, err := c.client.OpenPullRequestByHead(ctx, c.repo, "ferry/dev/checkout")
	if diff := cmp.Diff(&want, byHead, ignored); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	list, err := c.client.OpenPullRequests(ctx, c.repo, "main")
	if diff := cmp.Diff([]forge.PullRequest{want}, list, ignored); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	changes, err := c.client.Changes(ctx, c.repo, opened.BaseSHA, opened.HeadSHA)
	if err != nil || changes.FilesCut || len(changes.Files) != 1 || changes.Files[0].Path != "apps/checkout/dev/kustomization.yaml" {
		t.Fatalf("%+v, %v", changes, err)
	}
	for range 2 {
		is(t, c.client.ClosePullRequest(ctx, c.repo, opened.Number), nil)
	}
	one, err = c.client.PullRequest(ctx, c.repo, opened.Number)
	if err != nil || one.Open || one.Merged || one.MergeSHA != "" || one.ClosedAt.IsZero() {
		t.Fatalf("closed: %+v, %v", one, err)
	}
	closer, err := c.client.ClosedBy(ctx, c.repo, opened.Number)
	same(t, want.Author, closer, err)
	_, err = c.client.PullRequest(ctx, c.repo, 1000)
	is(t, err, forge.ErrNotFound)
}

func TestContractMerge(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	for i, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		made := c.bump(t, "ferry/dev/checkout", "1.1."+string(rune('0'+i)))
		pull := c.pull(t, "ferry/dev/checkout")
		_, err := c.client.Merge(ctx, c.repo, pull.Number, c.head(t, "main"), method, "wrong head")
		is(t, err, forge.ErrConflict)
		merged, err := c.client.Merge(ctx, c.repo, pull.Number, made, method, "the title")
		if err != nil || merged != c.head(t, "main") {
			t.Fatalf("%s: %s, %v", method, merged, err)
		}
		after, err := c.client.PullRequest(ctx, c.repo, pull.Number)
		if err != nil || after.Open || !after.Merged || after.MergeSHA != merged || after.MergedBy.ID != c.bot.ID || after.MergedAt.IsZero() {
			t.Fatalf("%s: %+v, %v", method, after, err)
		}
		_, err = c.client.Merge(ctx, c.repo, pull.Number, made, method, "again")
		is(t, err, forge.ErrNotMergeable)
		is(t, c.client.DeleteBranch(ctx, c.repo, "ferry/dev/checkout"), nil)
	}
	c.bump(t, "ferry/dev/conflict", "2.0.0")
	pull := c.pull(t, "ferry/dev/conflict")
	if _, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "direct", Files: map[string]string{"apps/checkout/dev/kustomization.yaml": "other\n"}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.client.Merge(ctx, c.repo, pull.Number, pull.HeadSHA, forge.MergeCommit, "")
	is(t, err, forge.ErrNotMergeable)
}

func TestContractTalk(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	number, err := c.client.CreateIssue(ctx, c.repo, "Ferry: what is where", "nothing yet")
	if err != nil {
		t.Fatal(err)
	}
	is(t, c.client.EditIssue(ctx, c.repo, number, "Ferry: what is where", "a table"), nil)
	if _, err := c.sandbox.OpenIssue("acme/environments", "ada", "Ferry: what is where", "mine"); err != nil {
		t.Fatal(err)
	}
	c.bump(t, "ferry/dev/checkout", "1.1.0")
	c.pull(t, "ferry/dev/checkout")
	bot := forge.User{ID: c.bot.ID, Login: "ferry[bot]", Bot: true}
	issues, err := c.client.IssuesBy(ctx, c.repo, "ferry[bot]")
	same(t, []forge.Issue{{Number: number, Open: true, Author: bot, Title: "Ferry: what is where", Body: "a table"}}, issues, err)
	nobody, err := c.client.ClosedBy(ctx, c.repo, number)
	same(t, forge.User{}, nobody, err)

	asked, err := c.sandbox.Comment("acme/environments", number, "ada", "/status")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		is(t, c.client.React(ctx, c.repo, asked, forge.ReactionSeen), nil)
	}
	answered, err := c.client.CreateComment(ctx, c.repo, number, "all is well")
	if err != nil {
		t.Fatal(err)
	}
	is(t, c.client.EditComment(ctx, c.repo, answered, "all is very well"), nil)
	comments, err := c.client.Comments(ctx, c.repo, number)
	want := []forge.Comment{{ID: asked, Number: number, Author: forge.User{ID: c.ada.ID, Login: "ada"}, Body: "/status"}, {ID: answered, Number: number, Author: bot, Body: "all is very well"}}
	loose := cmpopts.IgnoreFields(forge.Comment{}, "CreatedAt", "Edited") // GitHub's times are whole seconds
	if diff := cmp.Diff(want, comments, loose); diff != "" || err != nil || comments[0].CreatedAt.IsZero() {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	latest, err := c.client.CommentsSince(ctx, c.repo, comments[0].CreatedAt)
	if diff := cmp.Diff(want, latest, loose); diff != "" || err != nil {
		t.Fatalf("%v, want - got +\n%s", err, diff)
	}
	if latest, err = c.client.CommentsSince(ctx, c.repo, comments[1].CreatedAt.Add(time.Hour)); len(latest) != 0 || err != nil {
		t.Fatalf("%v, %v", latest, err)
	}
	is(t, c.client.EditComment(ctx, c.repo, answered+1000, "x"), forge.ErrNotFound)
}

func TestContractStatuses(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	head := c.head(t, "main")
	for _, state := range []forge.State{forge.Pending, forge.Failure, forge.Error, forge.Success} {
		is(t, c.client.SetStatus(ctx, c.repo, head, forge.Status{Context: "ferry/dev", State: state, Description: "2 of 3", URL: "https://ferry.example/x"}), nil)
	}
	if got, err := c.client.Status(ctx, c.repo, head, "ferry/dev"); err != nil || got != (forge.Status{Context: "ferry/dev", State: forge.Success, Description: "2 of 3", URL: "https://ferry.example/x"}) {
		t.Errorf("the status is %+v %v", got, err)
	}
	_, err := c.client.Status(ctx, c.repo, head, "ferry/prod")
	is(t, err, forge.ErrNotFound)
	is(t, c.client.SetStatus(ctx, c.repo, head, forge.Status{Context: "ferry/dev", State: forge.Success}), nil)
	is(t, c.client.SetStatus(ctx, c.repo, shaA, forge.Status{Context: "ferry/dev", State: forge.Success}), forge.ErrNotFound)
	is(t, c.client.SetStatus(ctx, c.repo, head, forge.Status{Context: "ferry/dev", State: forge.Success, Description: strings.Repeat("x", 141)}), forge.ErrInvalid)
}

func TestContractComments(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	number, err := c.client.CreateIssue(ctx, c.repo, "many", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 101 {
		if _, err := c.sandbox.Comment("acme/environments", number, "ada", "x"); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.client.Comments(ctx, c.repo, number)
	if err != nil || len(all) != 101 || !slices.IsSortedFunc(all, func(a, b forge.Comment) int { return int(a.ID - b.ID) }) {
		t.Fatalf("%d comments over two pages, %v", len(all), err)
	}
}
