package worker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
)

// ask gives a pull request that was just opened its assignees and labels, and asks for reviews. What the forge does not take it returns as words: people see them, and
// the promotion goes on.
func (a *act) ask(ctx context.Context, wish promotion.PullWish, number int) (lacks string, err error) {
	words, err := a.assign(ctx, wish.Looks.Assignees, number)
	if err != nil {
		return "", err
	}
	if len(wish.Looks.Labels) > 0 {
		switch err := a.client.AddLabels(ctx, a.repo, number, wish.Looks.Labels); {
		case isRefusal(err):
			words = append(words, "its labels cannot be set: "+err.Error())
		case err != nil:
			return "", err
		}
	}
	people, teams, wrong := reviewersOf(wish.Looks.Reviewers, a.repo.Owner)
	words = append(words, wrong...)
	if len(people)+len(teams) == 0 {
		return strings.Join(words, "; "), nil
	}
	err = a.client.RequestReviewers(ctx, a.repo, number, people, teams)
	if isRefusal(err) { // all or none, so each is asked alone
		refused, err := a.askEach(ctx, number, people, teams)
		return strings.Join(append(words, refused...), "; "), err
	}
	return strings.Join(words, "; "), err
}

// assign assigns a pull request to people. A forge takes those it can be assigned to, and says nothing of the others.
func (a *act) assign(ctx context.Context, people []string, number int) (words []string, err error) {
	if len(people) == 0 {
		return nil, nil
	}
	assigned, err := a.client.Assign(ctx, a.repo, number, people)
	if isRefusal(err) {
		return []string{"it cannot be assigned to anybody: " + err.Error()}, nil
	}
	for _, login := range people {
		if err == nil && !slices.ContainsFunc(assigned, func(one string) bool { return strings.EqualFold(one, login) }) {
			words = append(words, "it cannot be assigned to "+login+": let them see the repository, or correct pull_request")
		}
	}
	return words, err
}

func (a *act) askEach(ctx context.Context, number int, people, teams []string) (words []string, err error) {
	for _, login := range people {
		switch err := a.client.RequestReviewers(ctx, a.repo, number, []string{login}, nil); {
		case isRefusal(err):
			words = append(words, login+" cannot be asked for a review: let them see the repository, or correct pull_request")
		case err != nil:
			return words, err
		}
	}
	for _, slug := range teams {
		switch err := a.client.RequestReviewers(ctx, a.repo, number, nil, []string{slug}); {
		case isRefusal(err):
			words = append(words, "the team "+slug+" cannot be asked for a review: give it access to the repository, and Ferry's App the right to read members, or correct pull_request")
		case err != nil:
			return words, err
		}
	}
	return words, nil
}

// reviewersOf tells people from teams, which are written owner/slug. A team of another owner can never be asked.
func reviewersOf(named []string, owner string) (people, teams, wrong []string) {
	for _, name := range named {
		org, slug, isTeam := strings.Cut(name, "/")
		switch {
		case !isTeam:
			people = append(people, name)
		case strings.EqualFold(org, owner):
			teams = append(teams, slug)
		default:
			wrong = append(wrong, "the team "+name+" is not one of "+owner)
		}
	}
	return people, teams, wrong
}

// isRefusal says whether the forge will answer the same again.
func isRefusal(err error) bool {
	return errors.Is(err, forge.ErrInvalid) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrNotFound)
}
