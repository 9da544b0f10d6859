package github_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/github"
)

// deed is something that Ferry does at the forge, with the permissions that GitHub asks for it.
type deed struct {
	name, needs string
	do          func(context.Context, *github.Client) error
}

// bearings are what the deeds work on.
type bearings struct {
	repo    forge.Repo
	main    forge.SHA
	change  forge.SHA // on the branch change, of the pull request
	pull    int
	comment int64
	issue   int
}

func (c *contract) bearings(t *testing.T) bearings {
	t.Helper()
	b := bearings{repo: c.repo, main: c.head(t, "main"), change: c.bump(t, "change", "1.1.0")}
	b.pull = c.pull(t, "change").Number
	var err error
	if b.comment, err = c.client.CreateComment(t.Context(), c.repo, b.pull, "hello"); err != nil {
		t.Fatal(err)
	}
	if b.issue, err = c.client.CreateIssue(t.Context(), c.repo, "what is where", "body"); err != nil {
		t.Fatal(err)
	}
	c.bump(t, "spare", "1.2.0")
	if err := c.client.SetStatus(t.Context(), c.repo, b.main, forge.Status{Context: "ferry/dev", State: forge.Pending}); err != nil {
		t.Fatal(err)
	}
	if err := c.sandbox.SetTeam("acme", "sre", "ada"); err != nil {
		t.Fatal(err)
	}
	return b
}

// without drops what a call returned besides its error.
func without[T any](_ T, err error) error { return err }

func (b bearings) reads() []deed {
	return []deed{
		{"the budget", "metadata:read", func(ctx context.Context, c *github.Client) error { return without(c.Budget(ctx)) }},
		{"how it may be merged", "contents:write", func(ctx context.Context, c *github.Client) error { return without(c.MergeMethods(ctx, b.repo)) }},
		{"the rules", "metadata:read contents:read", func(ctx context.Context, c *github.Client) error {
			return without(c.BranchRules(ctx, b.repo, "main"))
		}},
		{"the repository", "metadata:read", func(ctx context.Context, c *github.Client) error { return without(c.Repository(ctx, b.repo)) }},
		{"the repository by number", "metadata:read", func(ctx context.Context, c *github.Client) error { return without(c.RepositoryByID(ctx, b.repo.ID)) }},
		{"a person's permission", "metadata:read", func(ctx context.Context, c *github.Client) error { return without(c.Permission(ctx, b.repo, "ada")) }},
		{"who is in a team", "members:read", func(ctx context.Context, c *github.Client) error { return without(c.InTeam(ctx, "acme", "sre", "ada")) }},
		{"a team", "members:read", func(ctx context.Context, c *github.Client) error { return without(c.TeamExists(ctx, "acme", "sre")) }},
		{"a branch's rules", "metadata:read contents:read", func(ctx context.Context, c *github.Client) error { return without(c.Guarded(ctx, b.repo, "main")) }},
		{"a head", "contents:read", func(ctx context.Context, c *github.Client) error { return without(c.Head(ctx, b.repo, "main")) }},
		{"a tree", "contents:read", func(ctx context.Context, c *github.Client) error {
			tree, err := c.Tree(ctx, b.repo, b.main)
			if err != nil {
				return err
			}
			return without(c.Blob(ctx, b.repo, tree.Entries[0].SHA))
		}},
		{"a file", "contents:read", func(ctx context.Context, c *github.Client) error {
			return without(c.File(ctx, b.repo, "README.md", "main"))
		}},
		{"a commit", "contents:read", func(ctx context.Context, c *github.Client) error { return without(c.Commit(ctx, b.repo, b.change)) }},
		{"a commit's files", "contents:read", func(ctx context.Context, c *github.Client) error {
			_, _, err := c.CommitFiles(ctx, b.repo, b.change)
			return err
		}},
		{"what lies between", "contents:read", func(ctx context.Context, c *github.Client) error {
			return without(c.Compare(ctx, b.repo, b.main, b.change))
		}},
		{"which branch has it", "contents:read", func(ctx context.Context, c *github.Client) error { return without(c.OnBranch(ctx, b.repo, b.change)) }},
		{"a status", "statuses:read", func(ctx context.Context, c *github.Client) error {
			return without(c.Status(ctx, b.repo, b.main, "ferry/dev"))
		}},
		{"the statuses", "statuses:read", func(ctx context.Context, c *github.Client) error { return without(c.Statuses(ctx, b.repo, b.main)) }},
		{"the check runs", "checks:read", func(ctx context.Context, c *github.Client) error {
			return without(c.NewestCheckRuns(ctx, b.repo, b.main))
		}},
		{"a pull request", "pull_requests:read", func(ctx context.Context, c *github.Client) error { return without(c.PullRequest(ctx, b.repo, b.pull)) }},
		{"the pull requests", "pull_requests:read", func(ctx context.Context, c *github.Client) error {
			return without(c.OpenPullRequests(ctx, b.repo, "main"))
		}},
		{"the reviews", "pull_requests:read", func(ctx context.Context, c *github.Client) error { return without(c.Reviews(ctx, b.repo, b.pull)) }},
		{"the issues", "issues:read pull_requests:read", func(ctx context.Context, c *github.Client) error {
			return without(c.IssuesBy(ctx, b.repo, "ferry[bot]"))
		}},
		{"an issue", "issues:read pull_requests:read", func(ctx context.Context, c *github.Client) error { return without(c.Issue(ctx, b.repo, b.issue)) }},
		{"the comments", "issues:read pull_requests:read", func(ctx context.Context, c *github.Client) error { return without(c.Comments(ctx, b.repo, b.pull)) }},
		{"the new comments", "issues:read pull_requests:read", func(ctx context.Context, c *github.Client) error {
			return without(c.CommentsSince(ctx, b.repo, time.Unix(0, 0)))
		}},
	}
}

func (b bearings) writes() []deed {
	return []deed{
		{"a commit", "contents:read contents:write", func(ctx context.Context, c *github.Client) error {
			return without(c.CreateCommit(ctx, b.repo, forge.NewCommit{Parent: b.main, Message: "m", Files: []forge.NewFile{{Path: "bin", Content: []byte("\xff\x00")}}}))
		}},
		{"a branch", "contents:write", func(ctx context.Context, c *github.Client) error {
			return errors.Join(c.CreateBranch(ctx, b.repo, "new", b.main), c.MoveBranch(ctx, b.repo, "new", b.change, false), c.DeleteBranch(ctx, b.repo, "new"))
		}},
		{"a status", "statuses:write", func(ctx context.Context, c *github.Client) error {
			return c.SetStatus(ctx, b.repo, b.main, forge.Status{Context: "ferry/dev", State: forge.Success})
		}},
		{"a check run", "checks:write", func(ctx context.Context, c *github.Client) error {
			return without(c.CreateCheckRun(ctx, b.repo, forge.NewCheckRun{Name: "ferry/config", SHA: b.change, State: forge.Success, Title: "t", Summary: "s"}))
		}},
		{"a deployment", "deployments:write", func(ctx context.Context, c *github.Client) error {
			id, err := c.CreateDeployment(ctx, b.repo, forge.NewDeployment{SHA: b.main, Environment: "dev"})
			if err != nil {
				return err
			}
			_, err = c.Deployments(ctx, b.repo, b.main, "dev")
			return errors.Join(err, c.SetDeploymentStatus(ctx, b.repo, id, forge.DeploymentStatus{State: forge.DeploymentSuccess}), without(c.DeploymentStatus(ctx, b.repo, id)))
		}},
		{"an issue", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return without(c.CreateIssue(ctx, b.repo, "t", "b"))
		}},
		{"an issue's text", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error { return c.EditIssue(ctx, b.repo, b.issue, "t", "b") }},
		{"a comment", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return without(c.CreateComment(ctx, b.repo, b.pull, "again"))
		}},
		{"a comment's text", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error { return c.EditComment(ctx, b.repo, b.comment, "b") }},
		{"a reaction", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return c.React(ctx, b.repo, b.comment, forge.ReactionSeen)
		}},
		{"labels", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return c.AddLabels(ctx, b.repo, b.pull, []string{"deploy"})
		}},
		{"assignees", "issues:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return without(c.Assign(ctx, b.repo, b.pull, []string{"ada"}))
		}},
		{"reviewers", "contents:read pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return c.RequestReviewers(ctx, b.repo, b.pull, []string{"ada"}, nil)
		}},
		{"a pull request", "contents:read pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return without(c.OpenPullRequest(ctx, b.repo, forge.NewPullRequest{HeadBranch: "spare", BaseBranch: "main", Title: "t", Body: "b"}))
		}},
		{"a pull request's text", "contents:read pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return c.EditPullRequest(ctx, b.repo, b.pull, "t", "b")
		}},
		{"no merge by itself", "pull_requests:read", func(ctx context.Context, c *github.Client) error { return without(c.Disarm(ctx, b.repo, b.pull)) }},
		{"a merge", "contents:write pull_requests:write", func(ctx context.Context, c *github.Client) error {
			return without(c.Merge(ctx, b.repo, b.pull, b.change, forge.MergeCommit, "t"))
		}},
	}
}

// TestContractRights does each deed with just the permissions that it needs, and not with one of them less: then the refusal names what is missing and
// where it is given.
func TestContractRights(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	b := c.bearings(t)
	for _, d := range slices.Concat(b.reads(), b.writes()) {
		needs := strings.Fields(d.needs)
		for i, need := range needs {
			name, level, _ := strings.Cut(need, ":")
			if name == "metadata" || name == "contents" && level == "read" && slices.Contains(needs, "contents:write") {
				continue // GitHub gives it always; who may write may read
			}
			err := d.do(t.Context(), c.granted(t, slices.Delete(slices.Clone(needs), i, i+1)))
			if says := name + ": " + level; !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "/settings/installations/") {
				t.Errorf("%s without %s: %v", d.name, need, err)
			}
		}
		if err := d.do(t.Context(), c.granted(t, needs)); err != nil {
			t.Errorf("%s with %s: %v", d.name, d.needs, err)
		}
	}
	if _, err := c.forge.Repositories(t.Context(), c.number); err != nil {
		t.Error(err)
	}
	for call := range github.Calls() {
		if !c.made[call] && !strings.Contains(call, "graphql/") && !strings.Contains(call, "users/{username}") { // those have tests of their own
			t.Errorf("%s is none of the calls that Ferry makes", call)
		}
	}
}

// granted lets the installation have these permissions and signs in anew.
func (c *contract) granted(t *testing.T, needs []string) *github.Client {
	t.Helper()
	permissions := map[string]string{}
	for _, need := range needs {
		name, level, _ := strings.Cut(need, ":")
		if permissions[name] != "write" {
			permissions[name] = level
		}
	}
	if err := c.sandbox.SetPermissions(42, permissions); err != nil {
		t.Fatal(err)
	}
	c.forge.Forget(c.number)
	return c.forge.ClientFor(c.number, c.repo)
}

// TestPermissionsAreThoseOfTheCalls: the App is asked for nothing that no call needs, and for all that one does.
func TestPermissionsAreThoseOfTheCalls(t *testing.T) {
	t.Parallel()
	levels := map[string]string{}
	for _, needs := range github.Calls() {
		for _, need := range needs {
			name, level, _ := strings.Cut(need, ":")
			levels[name] = max(levels[name], level) // "read" < "write"
		}
	}
	asked := map[string]string{}
	for _, p := range github.Permissions() {
		if asked[p.Name] = p.Level; slices.Contains(github.Events(), p.Event) {
			levels[p.Name] = "read"
		}
	}
	same(t, levels, asked, nil)
}

// TestPermissionsPage: docs/github-app.md says what the table of permissions says.
func TestPermissionsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/github-app.md")
	if err != nil {
		t.Fatal(err)
	}
	var link strings.Builder
	for _, p := range github.Permissions() {
		if row := fmt.Sprintf("\n| %s | %s | %s |\n", p.Title, p.Access(), p.Use); !p.Organization && !strings.Contains(string(page), row) {
			t.Errorf("there is no row\n%s", row)
		}
		if !p.Organization {
			fmt.Fprintf(&link, "&%s=%s", p.Name, p.Level)
		}
	}
	if !strings.Contains(string(page), link.String()) {
		t.Errorf("the link does not ask for %s", &link)
	}
}

// tapped notes which tokens are used where.
type tapped struct {
	mu   sync.Mutex
	used map[string]string // "METHOD path" to the Authorization
}

func (x *tapped) RoundTrip(req *http.Request) (*http.Response, error) {
	x.mu.Lock()
	x.used[req.Method+" "+strings.TrimPrefix(req.URL.Path, "/api/v3")] = req.Header.Get("Authorization")
	x.mu.Unlock()
	return http.DefaultTransport.RoundTrip(req)
}

// TestContractTokensReachOneRepository: a token that is caught is of no use in another repository, nor for anything but what it was made for; and in a
// source repository Ferry does nothing that needs more, whoever asks for it.
func TestContractTokensReachOneRepository(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	tap := &tapped{used: map[string]string{}}
	c.tap(t, tap)
	source := c.repository(t, "acme", "checkout")
	if _, err := c.sandbox.Install(42, "acme", "acme/checkout"); err != nil {
		t.Fatal(err)
	}
	source.ID = 0 // as it is written in .ferry.yaml
	client := c.forge.ClientFor(c.number, c.repo)
	at, err := client.Head(ctx, source, "main")
	same(t, 40, len(at), err)
	is(t, client.SetStatus(ctx, source, at, forge.Status{Context: "ferry/dev", State: forge.Success}), nil)
	head, err := client.Head(ctx, c.repo, "main")
	same(t, 40, len(head), err)

	posting := tap.used["POST /repos/acme/checkout/statuses/"+string(at)]
	for path, want := range map[string]int{
		"/repos/acme/environments": 404, "/repos/acme/environments/statuses/" + string(head): 404,
		"/repos/acme/checkout/git/ref/heads/main": 403, "/repos/acme/checkout/commits/" + string(at) + "/statuses": 200,
	} {
		same(t, want, c.status(t, path, posting), nil)
	}
	same(t, 404, c.status(t, "/repos/acme/checkout/git/ref/heads/main", tap.used["GET /repos/acme/environments/git/ref/heads/main"]), nil)

	before := len(tap.used)
	for name, err := range map[string]error{
		"branch": client.CreateBranch(ctx, source, "x", at), "comment": without(client.CreateComment(ctx, source, 1, "x")),
		"pull":   without(client.OpenPullRequest(ctx, source, forge.NewPullRequest{HeadBranch: "x", BaseBranch: "main", Title: "x"})),
		"arming": without(client.Disarm(ctx, source, 1)), "check": without(client.CreateCheckRun(ctx, source, forge.NewCheckRun{Name: "x", SHA: at, State: forge.Success})),
	} {
		if !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "outside of acme/environments") {
			t.Errorf("%s: %v", name, err)
		}
	}
	same(t, before, len(tap.used), nil)
	_, err = client.Head(ctx, c.repository(t, "acme", "private"), "main") // the App is not let into it
	is(t, err, forge.ErrNotFound)
}

// status asks the API for a path with somebody's credentials and returns the answer's status.
func (c *contract) status(t *testing.T, path, authorization string) int {
	t.Helper()
	method := http.MethodGet
	if strings.Contains(path, "environments/statuses/") {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.server.URL+"/api/v3"+path, strings.NewReader(`{"state":"success"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// TestContractFewTokens: all that Ferry does with one repository takes a few tokens an hour, however often it does it: one for each kind of reading, and one for what is of no repository.
func TestContractFewTokens(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	b := c.bearings(t)
	kinds := map[string]bool{}
	for _, needs := range github.Calls() {
		kinds[strings.Join(needs, " ")] = true
	}
	if err := c.sandbox.SetPermissions(42, everything()); err != nil {
		t.Fatal(err)
	}
	c.forge.Forget(c.number)
	c.sandbox.ResetRequests()
	for range 3 {
		for _, d := range b.reads() {
			is(t, d.do(t.Context(), c.forge.ClientFor(c.number, c.repo)), nil)
		}
	}
	made := c.sandbox.Requests()["app/ferry"]["POST /app/installations/{installation_id}/access_tokens"]
	if made > 8 || len(kinds) > 14 {
		t.Errorf("reading takes %d tokens; of all kinds there are %d: %v", made, len(kinds), slices.Sorted(maps.Keys(kinds)))
	}
}

func everything() map[string]string {
	all := map[string]string{}
	for _, p := range github.Permissions() {
		all[p.Name] = p.Level
	}
	return all
}
