package github

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// own is the client that speaks as the App itself, or with the plain token.
func (f *Forge) own() *Client {
	f.shared = f.budgetOf(0)
	if f.key == nil {
		return &Client{forge: f, api: f.api(&budgeted{base: &conditional{f.carrier, f.kept}, budget: f.shared}).WithAuthToken(f.secret)}
	}
	transport := ghinstallation.NewAppsTransportFromPrivateKey(f.carrier, f.appID, f.key)
	return &Client{forge: f, api: f.api(&budgeted{base: transport, budget: f.shared})}
}

// Client returns the client for the repositories of an installation, always the same one for the same number. With a plain
// token there is one client for everything. It calls nobody: an installation that is gone shows in the calls, as
// forge.ErrUnauthorized.
func (f *Forge) Client(installation int64) *Client { return f.ClientFor(installation, forge.Repo{}) }

// ClientFor is Client for one environment repository of the installation: in all other repositories it does no more than a source repository needs,
// and fails with forge.ErrForbidden before it asks GitHub for more.
func (f *Forge) ClientFor(installation int64, environment forge.Repo) *Client {
	if f.key == nil {
		return f.app
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.signedInAs(installation)
	client, ok := in.clients[environment]
	if !ok {
		signed := &scoped{tokens: in.tokens, environment: environment, routes: newRoutes(f.base.Path)}
		client = &Client{forge: f, scope: signed, api: f.api(&budgeted{base: signed, budget: in.budget})}
		in.clients[environment] = client
	}
	return client
}

// signedIn is what this process has of one installation.
type signedIn struct {
	budget  *budget
	tokens  *tokens
	clients map[forge.Repo]*Client
}

// signedInAs returns what this process has of an installation. The lock is held.
func (f *Forge) signedInAs(installation int64) *signedIn {
	in, ok := f.installations[installation]
	if !ok {
		in = &signedIn{budget: f.budgetOf(installation), tokens: &tokens{forge: f, installation: installation, made: map[order]*conditional{}, numbers: map[string]int64{}}, clients: map[forge.Repo]*Client{}}
		f.installations[installation] = in
	}
	return in
}

// Hold lets nothing be sent for an installation until then, or nothing be asked of GraphQL alone: GitHub said so to another process with the same credentials.
func (f *Forge) Hold(installation int64, until time.Time, graphql bool) {
	if f.key == nil {
		f.shared.close(until, graphql)
		return
	}
	f.mu.Lock()
	in := f.signedInAs(installation)
	f.mu.Unlock()
	in.budget.close(until, graphql)
}

func (f *Forge) budgetOf(installation int64) *budget {
	return newBudget(f.now, f.pace, func(left int, until time.Time) {
		if left >= 0 {
			f.budget(installation, left)
			return
		}
		f.throttled(installation, until)
	})
}

// Forget drops the tokens of an installation, so that the next client signs in anew: a token carries no more than the permissions that the
// installation had when it was made.
func (f *Forge) Forget(installation int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.installations[installation]; in != nil { // what GitHub grants it stays as it is
		in.tokens = &tokens{forge: f, installation: installation, made: map[order]*conditional{}, numbers: map[string]int64{}}
		in.clients = map[forge.Repo]*Client{}
	}
}

// Identity returns the account under which Ferry acts at the forge: the App's bot, or the token's owner. What it found once it
// returns from then on without a call. It fails with forge.ErrUnauthorized where the credentials are refused.
func (f *Forge) Identity(ctx context.Context) (forge.User, error) {
	f.mu.Lock()
	known := f.identity
	f.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	found, err := f.identify(ctx)
	if err != nil {
		return forge.User{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.identity = &found
	return found, nil
}

func (f *Forge) identify(ctx context.Context) (forge.User, error) {
	if f.key == nil {
		owner, _, err := f.app.api.Users.Get(ctx, "")
		if err != nil {
			return forge.User{}, f.app.failed("asking GitHub whose token it was given", err)
		}
		return user(owner), nil
	}
	app, _, err := f.app.api.Apps.Get(ctx, "")
	if err != nil {
		return forge.User{}, f.app.failed(fmt.Sprintf("reading App %d", f.appID), err)
	}
	reader, err := f.reader(ctx)
	if err != nil {
		return forge.User{}, err
	}
	return reader.user(ctx, app.GetSlug()+"[bot]")
}

// reader is a client that may read accounts, which the App's own credentials may not: any installation's, or an anonymous
// one while the App is installed nowhere.
func (f *Forge) reader(ctx context.Context) (*Client, error) {
	all, err := f.Installations(ctx)
	if err != nil {
		return nil, err
	}
	for _, installation := range all {
		if !installation.Suspended {
			return f.Client(installation.ID), nil
		}
	}
	return &Client{forge: f, api: f.api(&budgeted{base: f.carrier, budget: f.budgetOf(0)})}, nil
}

func (c *Client) user(ctx context.Context, login string) (forge.User, error) {
	var found gh.User
	if err := c.get(ctx, "users/"+url.PathEscape(login), &found); err != nil {
		return forge.User{}, c.failed("reading the account "+login, err)
	}
	return user(&found), nil
}

// Installations returns every installation of the App. For a plain token it returns one with the number 0 and the token
// owner's name.
func (f *Forge) Installations(ctx context.Context) ([]forge.Installation, error) {
	if f.key == nil {
		owner, err := f.Identity(ctx)
		if err != nil {
			return nil, err
		}
		return []forge.Installation{{Account: owner.Login}}, nil
	}
	all, err := pages(func(page gh.ListOptions) ([]*gh.Installation, *gh.Response, error) {
		return f.app.api.Apps.ListInstallations(ctx, &page)
	})
	if err != nil {
		return nil, f.app.failed(fmt.Sprintf("listing the installations of App %d", f.appID), err)
	}
	found := make([]forge.Installation, 0, len(all))
	for _, i := range all {
		found = append(found, forge.Installation{ID: i.GetID(), Account: i.GetAccount().GetLogin(), Suspended: i.SuspendedAt != nil})
	}
	return found, nil
}

// Repositories returns every repository that an installation may see, with a plain token every one that its owner may see.
func (f *Forge) Repositories(ctx context.Context, installation int64) ([]forge.Repository, error) {
	client := f.Client(installation)
	all, err := pages(func(page gh.ListOptions) ([]*gh.Repository, *gh.Response, error) {
		if f.key == nil {
			return client.api.Repositories.ListByAuthenticatedUser(ctx, &gh.RepositoryListByAuthenticatedUserOptions{ListOptions: page})
		}
		list, resp, err := client.api.Apps.ListRepos(ctx, &page)
		if err != nil {
			return nil, resp, err
		}
		return list.Repositories, resp, nil
	})
	if err != nil {
		return nil, client.failed(fmt.Sprintf("listing the repositories of installation %d", installation), err)
	}
	found := make([]forge.Repository, 0, len(all))
	for _, r := range all {
		found = append(found, f.repository(r))
	}
	return found, nil
}
