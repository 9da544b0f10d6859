package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// AppFacts returns what GitHub says of the App. A plain token has none: then it fails with forge.ErrForbidden.
func (f *Forge) AppFacts(ctx context.Context) (forge.AppFacts, error) {
	if f.key == nil {
		return forge.AppFacts{}, fmt.Errorf("reading the App: %w (a token was given instead of an App)", forge.ErrForbidden)
	}
	var app struct {
		gh.App
		Permissions map[string]string `json:"permissions"` // go-github 60 knows none that is younger than itself
	}
	resp, err := f.app.read(ctx, "app", &app)
	if err != nil {
		return forge.AppFacts{}, f.app.failed(fmt.Sprintf("reading App %d", f.appID), err)
	}
	facts := forge.AppFacts{ID: app.GetID(), Permissions: app.Permissions, Events: app.Events, Settings: settingsPage(&app.App), Ours: f.now()}
	if facts.Clock, err = http.ParseTime(resp.Header.Get("Date")); err != nil {
		facts.Clock = time.Time{}
	}
	hook, _, err := f.app.api.Apps.GetHookConfig(ctx)
	if err = f.app.failed("reading where the App's webhook goes", err); err != nil && !errors.Is(err, forge.ErrNotFound) { // an App without a webhook
		return forge.AppFacts{}, err
	}
	facts.Hook, facts.HookUnproven = hook.GetURL(), hook.GetInsecureSSL() == "1"
	return facts, nil
}

// settingsPage is where the App's owner changes it: below the pages of the organization or of the person.
func settingsPage(app *gh.App) string {
	page, err := url.Parse(app.GetHTMLURL())
	if err != nil {
		return app.GetHTMLURL()
	}
	page.Path = "/settings/apps/" + app.GetSlug()
	if app.GetOwner().GetType() == "Organization" {
		page.Path = "/organizations/" + app.GetOwner().GetLogin() + page.Path
	}
	return page.String()
}

// InstallationFacts returns what GitHub says of each installation of the App.
func (f *Forge) InstallationFacts(ctx context.Context) ([]forge.InstallationFacts, error) {
	if f.key == nil {
		return nil, fmt.Errorf("listing the installations: %w (a token was given instead of an App)", forge.ErrForbidden)
	}
	type installation struct {
		gh.Installation
		Permissions map[string]string `json:"permissions"`
	}
	all, err := pages(func(page gh.ListOptions) (some []*installation, resp *gh.Response, err error) {
		resp, err = f.app.read(ctx, fmt.Sprintf("app/installations?per_page=%d&page=%d", page.PerPage, page.Page), &some)
		return some, resp, err
	})
	if err != nil {
		return nil, f.app.failed(fmt.Sprintf("listing the installations of App %d", f.appID), err)
	}
	found := make([]forge.InstallationFacts, 0, len(all))
	for _, i := range all {
		found = append(found, forge.InstallationFacts{ID: i.GetID(), Account: i.GetAccount().GetLogin(), Page: i.GetHTMLURL(), Suspended: i.SuspendedAt != nil, Permissions: i.Permissions, Events: i.Events})
	}
	return found, nil
}

// Budget returns what GitHub still grants; asking costs nothing (docs.github.com, "Get rate limit status for the authenticated user").
func (c *Client) Budget(ctx context.Context) (forge.Budget, error) {
	var answer struct {
		Resources struct {
			Core struct {
				Limit     int   `json:"limit"`
				Remaining int   `json:"remaining"`
				Reset     int64 `json:"reset"`
			} `json:"core"`
		} `json:"resources"`
	}
	if err := c.get(ctx, "rate_limit", &answer); err != nil {
		return forge.Budget{}, c.failed("reading the budget of requests", err)
	}
	core := answer.Resources.Core
	return forge.Budget{Limit: core.Limit, Left: core.Remaining, Reset: time.Unix(core.Reset, 0).UTC()}, nil
}

// MergeMethods returns the ways to merge that a repository allows; none where GitHub does not tell.
func (c *Client) MergeMethods(ctx context.Context, repo forge.Repo) ([]forge.MergeMethod, error) {
	call := "reading how pull requests of " + repo.FullName() + " may be merged"
	if err := refused(call, checkRepo(repo)); err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, queried{}, query{repo, needCommits}) // GitHub shows it to who may write only
	found, _, err := c.api.Repositories.Get(ctx, repo.Owner, repo.Name)
	if err != nil {
		return nil, c.failed(call, err)
	}
	var allowed []forge.MergeMethod
	for _, m := range []struct {
		method forge.MergeMethod
		on     bool
	}{{forge.MergeCommit, found.GetAllowMergeCommit()}, {forge.MergeSquash, found.GetAllowSquashMerge()}, {forge.MergeRebase, found.GetAllowRebaseMerge()}} {
		if m.on {
			allowed = append(allowed, m.method)
		}
	}
	return allowed, nil
}

// WaysToMerge returns the ways to merge that a repository's settings and the rulesets of the branch allow: a merge commit first, a rebase last. Where GitHub
// does not tell the settings, all of them count as allowed.
func (c *Client) WaysToMerge(ctx context.Context, repo forge.Repo, branch string) ([]forge.MergeMethod, error) {
	call := fmt.Sprintf("reading how to merge into %s of %s", branch, repo.FullName())
	if err := refused(call, checkBranch(branch)); err != nil {
		return nil, err
	}
	methods, err := c.MergeMethods(ctx, repo)
	if err != nil {
		return nil, err
	}
	if len(methods) == 0 {
		methods = []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase}
	}
	rules, err := c.rules(ctx, repo, branch)
	if err != nil {
		return nil, c.failed(call, err)
	}
	return rules.Ways(methods), nil
}

// BranchRules returns what guards a branch, as far as everybody may see it: of branch protection whether there is any and its checks, of rulesets all.
func (c *Client) BranchRules(ctx context.Context, repo forge.Repo, branch string) (forge.BranchRules, error) {
	call := fmt.Sprintf("reading the rules of %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return forge.BranchRules{}, err
	}
	var answer struct {
		Protection struct { // "protected" beside it is true with rulesets too
			Enabled bool `json:"enabled"`
			Checks  struct {
				Checks []ruleCheck `json:"checks"`
			} `json:"required_status_checks"`
		} `json:"protection"`
	}
	if err := c.get(ctx, repoPath(repo, "branches/"+url.PathEscape(branch)), &answer); err != nil {
		return forge.BranchRules{}, c.failed(call, err)
	}
	rules, err := c.rules(ctx, repo, branch)
	if err != nil {
		return forge.BranchRules{}, c.failed(call, err)
	}
	rules.Protected, rules.Checks = answer.Protection.Enabled, append(requiredOf(answer.Protection.Checks.Checks), rules.Checks...)
	return rules, nil
}

// rules returns the rules of rulesets that bind a branch: none where GitHub's server or the owner's plan knows no rules.
func (c *Client) rules(ctx context.Context, repo forge.Repo, branch string) (rules forge.BranchRules, err error) {
	path := repoPath(repo, "rules/branches/"+url.PathEscape(branch))
	all, err := pages(func(page gh.ListOptions) (some []branchRule, resp *gh.Response, err error) {
		resp, err = c.read(ctx, fmt.Sprintf("%s?per_page=%d&page=%d", path, page.PerPage, page.Page), &some)
		return some, resp, err
	})
	if known := c.failed(path, err); errors.Is(known, forge.ErrNotFound) || errors.Is(known, forge.ErrForbidden) {
		return rules, nil
	}
	for _, rule := range all {
		rule.into(&rules)
	}
	return rules, err
}

// branchRule is one rule of a ruleset; go-github 60 fails on every kind that is younger than itself.
type branchRule struct {
	Type       string `json:"type"`
	Parameters struct {
		Dismiss bool                `json:"dismiss_stale_reviews_on_push"`
		Reviews int                 `json:"required_approving_review_count"`
		Checks  []ruleCheck         `json:"required_status_checks"`
		Methods []forge.MergeMethod `json:"allowed_merge_methods"`
	} `json:"parameters"`
}

// ruleCheck is a required check: branch protection and rulesets call the App differently.
type ruleCheck struct {
	Context     string `json:"context"`
	App         int64  `json:"app_id"`
	Integration int64  `json:"integration_id"`
}

func requiredOf(checks []ruleCheck) (found []forge.RequiredCheck) {
	for _, c := range checks {
		found = append(found, forge.RequiredCheck{Name: c.Context, App: max(c.App, c.Integration, 0)}) // branch protection says -1 for any App
	}
	return found
}

func (r branchRule) into(rules *forge.BranchRules) {
	switch r.Type {
	case "pull_request":
		rules.PullRequest = true
		rules.Reviews = max(rules.Reviews, r.Parameters.Reviews)
		rules.DismissStale = rules.DismissStale || r.Parameters.Dismiss
		if len(r.Parameters.Methods) > 0 {
			rules.Methods = append(rules.Methods, r.Parameters.Methods)
		}
	case "required_status_checks":
		rules.Verified = true
		rules.Checks = append(rules.Checks, requiredOf(r.Parameters.Checks)...)
	case "update":
		rules.Restricted = true
	case "required_signatures":
		rules.Signed = true
	case "merge_queue":
		rules.MergeQueue = true
	case "workflows":
		rules.Verified = true
	case "required_linear_history":
		rules.LinearHistory = true
	}
}
