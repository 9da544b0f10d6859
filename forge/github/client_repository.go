package github

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"ferry/forge"
)

// Repository returns what GitHub says of a repository, under its present name where it was renamed.
func (c *Client) Repository(ctx context.Context, repo forge.Repo) (forge.Repository, error) {
	call := "reading the repository " + repo.FullName()
	if err := refused(call, checkRepo(repo)); err != nil {
		return forge.Repository{}, err
	}
	found, _, err := c.api.Repositories.Get(ctx, repo.Owner, repo.Name)
	if err != nil {
		return forge.Repository{}, c.failed(call, err)
	}
	return c.forge.repository(found), nil
}

// RepositoryByID returns what GitHub says of the repository with that number, whatever it is called today.
func (c *Client) RepositoryByID(ctx context.Context, id int64) (forge.Repository, error) {
	found, _, err := c.api.Repositories.GetByID(ctx, id)
	if err != nil {
		return forge.Repository{}, c.failed(fmt.Sprintf("reading the repository %d", id), err)
	}
	known := c.forge.repository(found)
	if c.scope != nil {
		c.scope.learn(known.Repo)
	}
	return known, nil
}

// Permission returns what an account may do in a repository. A custom role counts as the role it was made from. An account
// that GitHub does not know is forge.ErrNotFound.
func (c *Client) Permission(ctx context.Context, repo forge.Repo, login string) (forge.Permission, error) {
	call := fmt.Sprintf("reading the permission of %s in %s", login, repo.FullName())
	if err := refused(call, checkRepo(repo), checkLogin(login)); err != nil {
		return forge.PermissionNone, err
	}
	var answer permissionAnswer
	if err := c.get(ctx, repoPath(repo, "collaborators/"+url.PathEscape(login)+"/permission"), &answer); err != nil {
		return forge.PermissionNone, c.failed(call, err)
	}
	return answer.permission(), nil
}

// permissionAnswer is go-github's without role_name missing: "permission" alone knows no maintain and no triage.
type permissionAnswer struct {
	Permission string `json:"permission"`
	RoleName   string `json:"role_name"`
	User       *struct {
		Permissions map[string]bool `json:"permissions"`
	} `json:"user"`
}

func (a *permissionAnswer) permission() forge.Permission {
	if known, ok := permissionOf(a.RoleName); ok {
		return known
	}
	best, _ := permissionOf(a.Permission)
	if a.User != nil {
		for word, granted := range a.User.Permissions {
			if known, ok := permissionOf(word); ok && granted {
				best = max(best, known)
			}
		}
	}
	return best
}

// permissionOf knows the words of roles and those of Git, which mean the same.
func permissionOf(word string) (forge.Permission, bool) {
	switch word {
	case "admin":
		return forge.PermissionAdmin, true
	case "maintain":
		return forge.PermissionMaintain, true
	case "write", "push":
		return forge.PermissionWrite, true
	case "triage":
		return forge.PermissionTriage, true
	case "read", "pull":
		return forge.PermissionRead, true
	case "none":
		return forge.PermissionNone, true
	}
	return forge.PermissionNone, false
}

// InTeam says whether an account is a member of a team, or of one below it; who is only invited is not. A team is named as ORG/SLUG. It fails with
// forge.ErrForbidden where Ferry may not see teams. GitHub says "not found" of a team that is not there as of a person who is not in it.
func (c *Client) InTeam(ctx context.Context, org, slug, login string) (bool, error) {
	call := fmt.Sprintf("reading whether %s is in the team %s/%s", login, org, slug)
	if err := refused(call, checkLogin(org), checkLogin(login), checkSlug(slug)); err != nil {
		return false, err
	}
	var answer struct {
		State string `json:"state"`
	}
	err := c.failed(call, c.get(ctx, "orgs/"+url.PathEscape(org)+"/teams/"+url.PathEscape(slug)+"/memberships/"+url.PathEscape(login), &answer))
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil && answer.State == "active", err
}

// TeamExists says whether there is a team of that name that Ferry can see. It fails with forge.ErrForbidden where Ferry may not see teams.
func (c *Client) TeamExists(ctx context.Context, org, slug string) (bool, error) {
	call := fmt.Sprintf("reading the team %s/%s", org, slug)
	if err := refused(call, checkLogin(org), checkSlug(slug)); err != nil {
		return false, err
	}
	var answer struct{}
	err := c.failed(call, c.get(ctx, "orgs/"+url.PathEscape(org)+"/teams/"+url.PathEscape(slug), &answer))
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
