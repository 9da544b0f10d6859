package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// deploymentPayload is what Ferry's deployments carry, so that they are found again.
type deploymentPayload struct {
	Ferry struct {
		Environments int64 `json:"environments"` // the number of the environment repository
	} `json:"ferry"`
}

// Deployments returns the deployments of a commit to an environment, the newest first. The environment's name is the forge's.
func (c *Client) Deployments(ctx context.Context, repo forge.Repo, at forge.SHA, environment string) ([]forge.Deployment, error) {
	call := fmt.Sprintf("listing the deployments of %s of %s to %s", at, repo.FullName(), environment)
	if err := refused(call, checkRepo(repo), checkSHA(at)); err != nil {
		return nil, err
	}
	all, err := pages(func(page gh.ListOptions) ([]*gh.Deployment, *gh.Response, error) {
		return c.api.Repositories.ListDeployments(ctx, repo.Owner, repo.Name, &gh.DeploymentsListOptions{SHA: string(at), Environment: environment, ListOptions: page})
	})
	if err != nil {
		return nil, c.failed(call, err)
	}
	found := make([]forge.Deployment, 0, len(all))
	for _, d := range all {
		var payload deploymentPayload
		_ = json.Unmarshal(d.Payload, &payload) // anybody's may hold anything
		found = append(found, forge.Deployment{ID: d.GetID(), Author: user(d.GetCreator()), For: payload.Ferry.Environments})
	}
	return found, nil
}

// CreateDeployment records a deployment and returns its number: of exactly that commit, whatever the commit's statuses say. It fails with forge.ErrNotFound
// where the repository has no such commit, and with forge.ErrForbidden where the App may not write deployments.
func (c *Client) CreateDeployment(ctx context.Context, repo forge.Repo, n forge.NewDeployment) (int64, error) {
	call := fmt.Sprintf("recording the deployment of %s of %s to %s", n.SHA, repo.FullName(), n.Environment)
	if err := refused(call, checkRepo(repo), checkSHA(n.SHA)); err != nil {
		return 0, err
	}
	payload := deploymentPayload{}
	payload.Ferry.Environments = n.For
	made, _, err := c.api.Repositories.CreateDeployment(ctx, repo.Owner, repo.Name, &gh.DeploymentRequest{
		Ref: gh.String(string(n.SHA)), Environment: &n.Environment, Description: &n.Description, Payload: payload,
		AutoMerge: gh.Bool(false), RequiredContexts: &[]string{}, // of what Ferry reports, Git has decided
	})
	return made.GetID(), c.failed(call, err)
}

// DeploymentStatus returns what was said of a deployment last. It fails with forge.ErrNotFound where nothing was, or where there is no such deployment.
func (c *Client) DeploymentStatus(ctx context.Context, repo forge.Repo, deployment int64) (forge.DeploymentStatus, error) {
	call := fmt.Sprintf("reading the state of deployment %d of %s", deployment, repo.FullName())
	if err := refused(call, checkRepo(repo)); err != nil {
		return forge.DeploymentStatus{}, err
	}
	list, _, err := c.api.Repositories.ListDeploymentStatuses(ctx, repo.Owner, repo.Name, deployment, &gh.ListOptions{PerPage: perPage})
	if err != nil {
		return forge.DeploymentStatus{}, c.failed(call, err)
	}
	if len(list) == 0 {
		return forge.DeploymentStatus{}, fmt.Errorf("%s: %w", call, forge.ErrNotFound)
	}
	newest := slices.MaxFunc(list, func(a, b *gh.DeploymentStatus) int { return cmp.Compare(a.GetID(), b.GetID()) }) // GitHub states no order, and shows the newest page
	return forge.DeploymentStatus{State: forge.DeploymentState(newest.GetState()), Description: newest.GetDescription(), URL: newest.GetLogURL(), EnvironmentURL: newest.GetEnvironmentURL()}, nil
}

// SetDeploymentStatus says how a deployment stands. No other deployment becomes inactive by it: which one does is said, too. It fails with
// forge.ErrNotFound where there is no such deployment.
func (c *Client) SetDeploymentStatus(ctx context.Context, repo forge.Repo, deployment int64, s forge.DeploymentStatus) error {
	call := fmt.Sprintf("saying that deployment %d of %s is %s", deployment, repo.FullName(), s.State)
	if err := refused(call, checkRepo(repo)); err != nil {
		return err
	}
	request := &gh.DeploymentStatusRequest{State: gh.String(string(s.State)), Description: &s.Description, AutoInactive: gh.Bool(false)}
	if s.URL != "" {
		request.LogURL = &s.URL
	}
	if s.EnvironmentURL != "" {
		request.EnvironmentURL = &s.EnvironmentURL
	}
	_, _, err := c.api.Repositories.CreateDeploymentStatus(ctx, repo.Owner, repo.Name, deployment, request)
	return c.failed(call, err)
}
