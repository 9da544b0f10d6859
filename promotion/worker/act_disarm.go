package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// armingHint notes that somebody told the forge to merge a pull request by itself, or took that back. What Ferry takes back itself it knows.
func (l *look) armingHint(e forge.Event) {
	if e.Sender.ID != l.self.ID && e.Pull.BaseBranch == l.repo.DefaultBranch {
		l.out.Armings = append(l.out.Armings, promotion.ArmingFacts{Number: e.Pull.Number, Arming: *e.Pull.Arming})
	}
}

// disarm takes back that the forge merges a pull request by itself, and says so there once.
func (a *act) disarm(ctx context.Context) (postgres.Applied, error) {
	var wish promotion.Disarm
	if err := a.read(&wish, nil); err != nil {
		return postgres.Applied{}, err
	}
	was, err := a.client.Disarm(ctx, a.repo, wish.Number)
	if errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid) {
		err = &refusedError{fmt.Sprintf("the forge may merge #%d by itself, and does not let Ferry take that back: disable auto-merge there by hand, or remove it from the merge queue (%s)", wish.Number, firstLine(err))}
	}
	if err != nil {
		return postgres.Applied{}, err
	}
	if was.AutoMerge == "" && was.Queue == "" {
		if !a.held.unsure || !was.Open { // somebody else has done so, or it is merged
			return postgres.Applied{Done: true}, nil
		}
		was.AutoMerge, was.Queue = wish.Armed.AutoMerge, wish.Armed.Queue // an interrupted try did, and may not have said so
	}
	words := promotion.DisarmedWords(was)
	mark := fmt.Sprintf("<!-- disarmed:%d:%d -->", wish.Number, wish.Armed.At.UnixMicro())
	comments, err := a.client.Comments(ctx, a.repo, wish.Number)
	if err != nil {
		return postgres.Applied{}, err
	}
	for _, c := range comments {
		if c.Author.ID == a.self.ID && strings.Contains(c.Body, mark) {
			return postgres.Applied{Done: true, Disarmed: words}, nil
		}
	}
	_, err = a.client.CreateComment(ctx, a.repo, wish.Number, promotion.DisarmedComment(words, wish.Reason)+"\n\n"+mark)
	return postgres.Applied{Done: err == nil, Disarmed: words}, err
}
