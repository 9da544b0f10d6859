package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ferry/forge"
	"ferry/promotion/postgres"
)

var errOnNoBranch = errors.New("its default branch does not have that commit, and no branch stands at it")

// recorded is what an act on a deployment has to know of the one before.
type recorded struct {
	ID     int64                  `json:"id"`
	Status forge.DeploymentStatus `json:"status"`
}

// deployment brings the forge's own record of a deployment to its wish. One that an interrupted try, or a Ferry that has lost its database since, has made is
// found; one that is there no more is made anew.
func (a *act) deployment(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.DeploymentWish
	var last recorded
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	if last.ID != 0 && last.Status == wish.Status && !a.held.unsure {
		return postgres.Applied{State: last}, nil
	}
	source, err := a.target(ctx, wish.Target)
	if err != nil {
		return postgres.Applied{}, err
	}
	done, err := a.record(ctx, source, wish, last)
	if errors.Is(err, forge.ErrNotFound) && last.ID != 0 { // somebody deleted it
		done, err = a.record(ctx, source, wish, recorded{})
	}
	if refused := errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrNotFound); refused && last.ID == 0 && wish.Status.State == forge.DeploymentInactive {
		return postgres.Applied{State: last}, nil // where none could be made, none is active
	}
	if err != nil {
		return postgres.Applied{}, unrecorded(err, source, wish)
	}
	return postgres.Applied{State: done}, nil
}

// record finds or makes the deployment and says how it stands, where that is not said yet. What is to be inactive is not made for that.
func (a *act) record(ctx context.Context, source forge.Repo, wish postgres.DeploymentWish, last recorded) (recorded, error) {
	if last.ID == 0 {
		found, err := a.recordedBefore(ctx, source, wish)
		if err != nil {
			return recorded{}, err
		}
		if last.ID = found; found == 0 {
			if wish.Status.State == forge.DeploymentInactive {
				return recorded{}, nil
			}
			if err := a.vouched(ctx, source, wish.SHA); err != nil {
				return recorded{}, err
			}
			made := forge.NewDeployment{SHA: wish.SHA, Environment: wish.At, Description: wish.Status.Description, For: a.repo.ID}
			if last.ID, err = a.client.CreateDeployment(ctx, source, made); err != nil {
				return recorded{}, err
			}
			return recorded{last.ID, wish.Status}, a.client.SetDeploymentStatus(ctx, source, last.ID, wish.Status)
		}
	}
	if last.Status.State == "" || a.held.unsure {
		standing, err := a.client.DeploymentStatus(ctx, source, last.ID)
		if err == nil && standing == wish.Status {
			return recorded{last.ID, wish.Status}, nil
		}
		if err != nil && !errors.Is(err, forge.ErrNotFound) { // nothing was said of it yet, or it is gone
			return recorded{}, err
		}
	}
	return recorded{last.ID, wish.Status}, a.client.SetDeploymentStatus(ctx, source, last.ID, wish.Status)
}

// vouched fails where no branch of the source has the commit: who writes the environment repository names any, and workflows of it would run there, also of one
// that only a fork has.
func (a *act) vouched(ctx context.Context, source forge.Repo, at forge.SHA) error {
	on, err := a.client.OnBranch(ctx, source, at)
	if err == nil && !on {
		return errOnNoBranch
	}
	return err
}

// recordedBefore returns the newest deployment of the commit to the environment that is Ferry's own and for this environment repository; 0 where there is none.
func (a *act) recordedBefore(ctx context.Context, source forge.Repo, wish postgres.DeploymentWish) (int64, error) {
	found, err := a.client.Deployments(ctx, source, wish.SHA, wish.At)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(found, func(d forge.Deployment) bool { return d.Author.ID == a.self.ID && d.For == a.repo.ID })
	if i < 0 {
		return 0, nil
	}
	return found[i].ID, nil
}

// unrecorded says of a deployment that the forge does not take what is to be done about it.
func unrecorded(err error, source forge.Repo, wish postgres.DeploymentWish) error {
	what := fmt.Sprintf("the deployment of the commit %s of %s to %s cannot be recorded there: ", wish.SHA.Short(), source.FullName(), wish.At)
	switch {
	case errors.Is(err, errOnNoBranch):
		return &refusedError{what + errOnNoBranch.Error() + "; merge it, or let a branch stand at it"}
	case errors.Is(err, forge.ErrNotFound):
		return &refusedError{what + "the forge shows no such commit to Ferry; push it, install Ferry's App on that repository, or mend the app's source or the commit that CI announces"}
	case errors.Is(err, forge.ErrForbidden):
		return &refusedError{what + "Ferry has no right to; let its App write deployments, or take deployments: true out of .ferry.yaml"}
	case errors.Is(err, forge.ErrInvalid):
		return &refusedError{what + "the forge does not take it: " + err.Error()}
	}
	return err
}
