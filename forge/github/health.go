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

// AppFacts returns what GitHub says of the App. A plain token has none: then it fails with forge.ErrForbidden. Where GitHub refuses to tell, its clock is
// in what is returned.
func (f *Forge) AppFacts(ctx context.Context) (forge.AppFacts, error) {
	if f.key == nil {
		return forge.AppFacts{}, fmt.Errorf("reading the App: %w (a token was given instead of an App)", forge.ErrForbidden)
	}
	var app struct {
		gh.App
		Permissions map[string]string `json:"permissions"` // go-github 60 knows none that is younger than itself
	}
	resp, err := f.app.read(ctx, "app", &app)
	facts := forge.AppFacts{ID: f.appID, Permissions: app.Permissions, Events: app.Events, Settings: settingsPage(&app.App), Ours: f.now()}
	if resp != nil {
		facts.Clock, _ = http.ParseTime(resp.Header.Get("Date")) // no time where there is none
	}
	if err != nil {
		return facts, f.app.failed(fmt.Sprintf("reading App %d", f.appID), err)
	}
	hook, _, err := f.app.api.Apps.GetHookConfig(ctx)
	if err = f.app.failed("reading where the App's webhook goes", err); err != nil && !errors.Is(err, forge.ErrNotFound) { // an App without a webhook
		return facts, err
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

// Budget returns what GitHub still grants; asking costs nothing (docs.github.com, "Get rate limit status for the authenticated user"). On a GitHub Enterprise Server
// whose owner has not switched limits on it is the zero value.
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
	err := c.failed("reading the budget of requests", c.get(ctx, "rate_limit", &answer))
	if errors.Is(err, forge.ErrNotFound) {
		return forge.Budget{}, nil
	}
	if err != nil {
		return forge.Budget{}, err
	}
	core := answer.Resources.Core
	return forge.Budget{Limit: core.Limit, Left: core.Remaining, Reset: time.Unix(core.Reset, 0).UTC()}, nil
}
