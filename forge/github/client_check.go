package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// maxRunPages bounds how many check runs of a commit are read: GitHub shows those of the newest 1,000 suites (docs.github.com, REST, "List check runs
// for a Git reference").
const maxRunPages = 10

// NewestStatuses returns the newest status of each context on a commit, with who posted it.
func (c *Client) NewestStatuses(ctx context.Context, repo forge.Repo, at forge.SHA) ([]forge.Check, error) {
	all, err := c.Statuses(ctx, repo, at)
	if err != nil {
		return nil, err
	}
	var list []forge.Check
	seen := map[string]bool{}
	for _, s := range all {
		if seen[s.Context] {
			continue
		}
		seen[s.Context] = true
		check := forge.Check{ID: s.ID, Name: s.Context, By: s.By.Login, State: s.State, Description: s.Description, URL: s.URL, At: s.At}
		if s.State == forge.Error {
			check.State, check.Word = forge.Failure, string(forge.Error)
		}
		list = append(list, check)
	}
	return list, nil
}

// NewestCheckRuns returns the newest check run of each App and name on a commit. It fails with forge.ErrForbidden where the App may not read checks.
func (c *Client) NewestCheckRuns(ctx context.Context, repo forge.Repo, at forge.SHA) ([]forge.Check, error) {
	call := fmt.Sprintf("listing the check runs of %s of %s", at, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(at)); err != nil {
		return nil, err
	}
	found, _, err := pagesUpTo(maxRunPages*perPage, func(page gh.ListOptions) ([]*gh.CheckRun, *gh.Response, error) {
		runs, resp, err := c.api.Checks.ListCheckRunsForRef(ctx, repo.Owner, repo.Name, string(at), &gh.ListCheckRunsOptions{Filter: gh.String("latest"), ListOptions: page})
		if err != nil {
			return nil, resp, err
		}
		return runs.CheckRuns, resp, nil
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	// The newest of each suite are the latest for GitHub; an App may have several suites on one commit.
	slices.SortStableFunc(found, func(a, b *gh.CheckRun) int { return int(b.GetID() - a.GetID()) })
	var list []forge.Check
	seen := map[[2]string]bool{}
	for _, r := range found {
		key := [2]string{r.GetApp().GetSlug(), r.GetName()}
		if seen[key] {
			continue
		}
		seen[key] = true
		list = append(list, checkOf(r))
	}
	return list, nil
}

// checkOf reads a check run. As for a required status, neutral and skipped count as success (docs.github.com, "About protected branches").
func checkOf(r *gh.CheckRun) forge.Check {
	check := forge.Check{ID: r.GetID(), Name: r.GetName(), Run: true, By: r.GetApp().GetSlug(), State: forge.Pending, Word: r.GetStatus(), Description: r.GetOutput().GetTitle(),
		URL: r.GetDetailsURL(), At: r.GetStartedAt().UTC()}
	if r.GetStatus() != "completed" {
		return check
	}
	check.At, check.Word, check.State = r.GetCompletedAt().UTC(), strings.ReplaceAll(r.GetConclusion(), "_", " "), forge.Failure
	switch r.GetConclusion() {
	case "success", "neutral", "skipped":
		check.State = forge.Success
	}
	return check
}

// CreateCheckRun makes a completed check run, and returns its number. It fails with forge.ErrForbidden where the App may not write checks, and with a plain
// token, for only Apps may.
func (c *Client) CreateCheckRun(ctx context.Context, repo forge.Repo, n forge.NewCheckRun) (int64, error) {
	call := fmt.Sprintf("making the check run %s on %s of %s", n.Name, n.SHA, repo.FullName())
	if err := refused(call, checkRepo(repo), checkSHA(n.SHA)); err != nil {
		return 0, err
	}
	options := gh.CreateCheckRunOptions{Name: n.Name, HeadSHA: string(n.SHA), Status: gh.String("completed"), Conclusion: gh.String(string(n.State)),
		Output: &gh.CheckRunOutput{Title: &n.Title, Summary: &n.Summary}}
	if n.URL != "" {
		options.DetailsURL = &n.URL
	}
	for _, a := range n.Annotations {
		level := "warning"
		if a.Failure {
			level = "failure"
		}
		options.Output.Annotations = append(options.Output.Annotations, &gh.CheckRunAnnotation{Path: gh.String(a.Path), StartLine: gh.Int(a.Line), EndLine: gh.Int(a.Line),
			AnnotationLevel: &level, Title: gh.String(a.Title), Message: gh.String(a.Message)})
	}
	made, _, err := c.api.Checks.CreateCheckRun(ctx, repo.Owner, repo.Name, options)
	return made.GetID(), c.failed(call, err)
}
