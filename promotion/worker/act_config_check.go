package worker

import (
	"context"
	"errors"
	"slices"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// configCheck says on the head of somebody's pull request what its configuration would do: by a check run, whose notes stand at the lines; by a commit status
// where Ferry may make none, as with a plain token. A check run that says something else than before is made anew: notes can only be added to one.
func (a *act) configCheck(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.ConfigCheck
	if err := a.read(&wish, nil); err != nil {
		return postgres.Applied{}, err
	}
	done := postgres.Applied{State: map[string]any{"head": wish.Head}}
	if a.held.unsure {
		runs, err := a.client.NewestCheckRuns(ctx, a.repo, wish.Head)
		made := slices.ContainsFunc(runs, func(c forge.Check) bool {
			return c.Name == promotion.ConfigContext && c.State == wish.State && c.Description == wish.Title
		})
		if err == nil && made {
			return done, nil
		}
		if err != nil && !errors.Is(err, forge.ErrForbidden) && !errors.Is(err, forge.ErrNotFound) {
			return postgres.Applied{}, err
		}
	}
	_, err := a.client.CreateCheckRun(ctx, a.repo, forge.NewCheckRun{Name: promotion.ConfigContext, SHA: wish.Head, State: wish.State, Title: wish.Title, Summary: wish.Summary,
		URL: a.URL, Annotations: wish.Annotations})
	if !errors.Is(err, forge.ErrForbidden) {
		return done, err
	}
	status := forge.Status{Context: promotion.ConfigContext, State: wish.State, Description: promotion.StatusWords(wish.Title), URL: a.URL}
	if standing, err := a.postedBefore(ctx, a.repo, postgres.StatusWish{SHA: wish.Head, Status: status}); err != nil || standing {
		return done, err
	}
	return done, a.client.SetStatus(ctx, a.repo, wish.Head, status)
}
