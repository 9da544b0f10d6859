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
// where Ferry may make none, as with a plain token. A check run that says something else than before is made anew: notes can only be added to one. What
// an interrupted try said, or a Ferry that has lost its database since, is not said again.
func (a *act) configCheck(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.ConfigCheck
	var last struct{ Head forge.SHA }
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	done := postgres.Applied{State: map[string]any{"head": wish.Head}}
	status := forge.Status{Context: promotion.ConfigContext, State: wish.State, Description: promotion.StatusWords(wish.Title), URL: a.URL}
	if last.Head != wish.Head || a.held.unsure {
		if said, err := a.saidBefore(ctx, wish, status); err != nil || said {
			return done, err
		}
	}
	_, err := a.client.CreateCheckRun(ctx, a.repo, forge.NewCheckRun{Name: promotion.ConfigContext, SHA: wish.Head, State: wish.State, Title: wish.Title, Summary: wish.Summary,
		URL: a.URL, Annotations: wish.Annotations})
	if errors.Is(err, forge.ErrForbidden) {
		err = a.client.SetStatus(ctx, a.repo, wish.Head, status)
	}
	return done, err
}

// saidBefore says whether the head has the check already, as a check run or as a status.
func (a *act) saidBefore(ctx context.Context, wish promotion.ConfigCheck, status forge.Status) (bool, error) {
	runs, err := a.client.NewestCheckRuns(ctx, a.repo, wish.Head)
	if err == nil && len(runs) > 0 {
		i := slices.IndexFunc(runs, func(c forge.Check) bool { return c.Name == promotion.ConfigContext })
		if i >= 0 {
			return runs[i].State == wish.State && runs[i].Description == wish.Title, nil
		}
	}
	if err != nil && !errors.Is(err, forge.ErrForbidden) && !errors.Is(err, forge.ErrNotFound) {
		return false, err
	}
	standing, err := a.client.Status(ctx, a.repo, wish.Head, status.Context)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil && standing == status, err
}
