package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

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

// WaysToMerge returns the ways to merge that a repository's settings and the rules of the branch allow: a merge commit first, a rebase last. Where GitHub
// does not tell the settings, all of them count as allowed.
func (c *Client) WaysToMerge(ctx context.Context, repo forge.Repo, branch string) ([]forge.MergeMethod, error) {
	methods, err := c.MergeMethods(ctx, repo)
	if err != nil {
		return nil, err
	}
	if len(methods) == 0 {
		methods = []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase}
	}
	rules, err := c.BranchRules(ctx, repo, branch)
	return rules.Ways(methods), err
}

// Guarded says whether anything stands between a merge and the branch. Where GitHub's server or the owner's plan knows no rules, there are none: unguarded is
// what stops a merge by Ferry.
func (c *Client) Guarded(ctx context.Context, repo forge.Repo, branch string) (bool, error) {
	rules, err := c.protection(ctx, repo, branch)
	if err != nil || rules.Guarded() {
		return err == nil, err
	}
	err = c.ruled(ctx, repo, branch, &rules)
	return rules.Guarded(), err
}

// BranchRules returns what guards a branch: of branch protection what GitHub shows to who does not administer the repository, of rulesets all.
func (c *Client) BranchRules(ctx context.Context, repo forge.Repo, branch string) (forge.BranchRules, error) {
	rules, err := c.protection(ctx, repo, branch)
	if err == nil && rules.Protected {
		err = c.updateRule(ctx, repo, branch, &rules)
	}
	if err == nil {
		err = c.ruled(ctx, repo, branch, &rules)
	}
	return rules, err
}

// protection returns whether there is branch protection, and its checks.
func (c *Client) protection(ctx context.Context, repo forge.Repo, branch string) (rules forge.BranchRules, err error) {
	call := fmt.Sprintf("reading the protection of %s of %s", branch, repo.FullName())
	if err := refused(call, checkRepo(repo), checkBranch(branch)); err != nil {
		return rules, err
	}
	var answer struct {
		Protection struct { // "protected" beside it is true with rulesets too, whatever they ask for
			Enabled bool `json:"enabled"`
			Checks  struct {
				Checks []ruleCheck `json:"checks"`
			} `json:"required_status_checks"`
		} `json:"protection"`
	}
	err = c.get(ctx, repoPath(repo, "branches/"+url.PathEscape(branch)), &answer)
	rules.Protected, rules.Checks = answer.Protection.Enabled, requiredOf(answer.Protection.Checks.Checks)
	return rules, c.failed(call, err)
}

// updateRuleQuery reads what the REST API shows to administrators alone (docs.github.com, GraphQL, RefUpdateRule: branch protection rules that are viewable by
// non-admins).
const updateRuleQuery = `query($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) { refUpdateRule { requiresLinearHistory requiresSignatures requiredApprovingReviewCount } } }
}`

// updateRule adds what branch protection asks for besides checks.
func (c *Client) updateRule(ctx context.Context, repo forge.Repo, branch string, rules *forge.BranchRules) error {
	var found struct {
		Repository struct {
			Ref struct {
				Rule *struct {
					Linear  bool `json:"requiresLinearHistory"`
					Signed  bool `json:"requiresSignatures"`
					Reviews int  `json:"requiredApprovingReviewCount"`
				} `json:"refUpdateRule"`
			} `json:"ref"`
		} `json:"repository"`
	}
	call := fmt.Sprintf("reading what the protection of %s of %s asks for", branch, repo.FullName())
	ctx = context.WithValue(ctx, queried{}, query{repo, needContents})
	err := c.graphql(ctx, call, repo, updateRuleQuery, map[string]any{"owner": repo.Owner, "name": repo.Name, "ref": "refs/heads/" + branch}, &found)
	if err != nil && !errors.Is(err, forge.ErrInvalid) && !errors.Is(err, forge.ErrForbidden) && !errors.Is(err, forge.ErrNotFound) {
		return err
	}
	rule := found.Repository.Ref.Rule
	if err != nil || rule == nil {
		rules.Hidden = true
		return nil
	}
	rules.LinearHistory, rules.Signed, rules.PullRequest, rules.Reviews = rule.Linear, rule.Signed, rule.Reviews > 0, rule.Reviews
	return nil
}

// Rulesets returns the rules of rulesets that bind a branch of that name, which need not be there (docs.github.com, "Get rules for a branch"); branch
// protection is not among them.
func (c *Client) Rulesets(ctx context.Context, repo forge.Repo, branch string) (rules forge.BranchRules, err error) {
	if err := refused("reading the rulesets for "+branch+" of "+repo.FullName(), checkRepo(repo), checkBranch(branch)); err != nil {
		return rules, err
	}
	err = c.ruled(ctx, repo, branch, &rules)
	return rules, err
}

// ruled adds the rules of rulesets that bind a branch: none where GitHub's server or the owner's plan knows no rules.
func (c *Client) ruled(ctx context.Context, repo forge.Repo, branch string, rules *forge.BranchRules) error {
	path := repoPath(repo, "rules/branches/"+url.PathEscape(branch))
	all, err := pages(func(page gh.ListOptions) (some []branchRule, resp *gh.Response, err error) {
		resp, err = c.read(ctx, fmt.Sprintf("%s?per_page=%d&page=%d", path, page.PerPage, page.Page), &some)
		return some, resp, err
	})
	err = c.failed(fmt.Sprintf("reading the rules of %s of %s", branch, repo.FullName()), err)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) {
		return nil
	}
	for _, rule := range all {
		rule.into(rules)
	}
	return err
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
	case "creation":
		rules.NoCreation = true
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
