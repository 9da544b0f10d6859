package github

import (
	"encoding/json"
	"fmt"

	"ferry/forge"
)

type accessPayload struct {
	Action       string `json:"action"`
	Installation *struct {
		ID      int64 `json:"id"`
		Account *struct {
			Login string `json:"login"`
			Slug  string `json:"slug"` // an enterprise has no login
		} `json:"account"`
	} `json:"installation"`
	Sender       *userPart        `json:"sender"`
	Repositories []repositoryPart `json:"repositories"`
	Added        []repositoryPart `json:"repositories_added"`
	Removed      []repositoryPart `json:"repositories_removed"`
}

func parseAccess(name string, body []byte) (forge.Event, error) {
	var p accessPayload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, err
	}
	if p.Installation == nil || p.Installation.ID <= 0 {
		return forge.Event{}, missing("installation.id")
	}
	access, err := p.access(name)
	if err != nil {
		return forge.Event{}, err
	}
	return forge.Event{
		Kind: forge.EventInstallation, Action: p.Action, Installation: p.Installation.ID,
		Sender: p.Sender.user(), Access: access,
	}, nil
}

// access says what the change did. "repositories" of an installation event are those it may see, or could until it was deleted.
func (p *accessPayload) access(name string) (*forge.Access, error) {
	var access forge.Access
	if account := p.Installation.Account; account != nil {
		access.Account = account.Login
		if access.Account == "" {
			access.Account = account.Slug
		}
	}
	added, removed := p.Added, p.Removed
	addedField, removedField := "repositories_added", "repositories_removed"
	if name == "installation" {
		addedField, removedField = "repositories", "repositories"
		access.Suspended = p.Action == "suspend"
		access.Gone = access.Suspended || p.Action == "deleted"
		if added, removed = p.Repositories, nil; access.Gone {
			added, removed = nil, p.Repositories
		}
	}
	var err error
	if access.Added, err = repos(addedField, added); err != nil {
		return nil, err
	}
	if access.Removed, err = repos(removedField, removed); err != nil {
		return nil, err
	}
	return &access, nil
}

func repos(field string, parts []repositoryPart) ([]forge.Repo, error) {
	var all []forge.Repo
	for i := range parts {
		repository, err := parts[i].repository(fmt.Sprintf("%s[%d]", field, i))
		if err != nil {
			return nil, err
		}
		all = append(all, repository.Repo)
	}
	return all, nil
}
