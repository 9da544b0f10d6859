package worker

import (
	"context"
	"errors"
	"strings"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// noticeMark stands in the one comment that tells of trouble with a promotion. Only in a comment of Ferry's own does it mean anything.
const noticeMark = "<!-- ferry:notice -->"

// notice brings the one comment under a promotion's pull request to its wish, in place. One that an interrupted try, or an earlier database, has made is
// found by its mark and author.
func (a *act) notice(ctx context.Context) (postgres.Applied, error) {
	var wish postgres.NoticeWish
	var last struct {
		Comment int64  `json:"comment"`
		Body    string `json:"body"`
	}
	if err := a.read(&wish, &last); err != nil {
		return postgres.Applied{}, err
	}
	body := wish.Body + "\n\n" + noticeMark
	if last.Body == body && !a.held.unsure {
		return postgres.Applied{State: last}, nil
	}
	if last.Comment == 0 || a.held.unsure {
		found, err := a.client.Comments(ctx, a.repo, wish.Number)
		if err != nil {
			return postgres.Applied{}, err
		}
		last.Comment, last.Body = 0, ""
		for _, c := range found {
			if c.Author.ID == a.self.ID && strings.Contains(c.Body, noticeMark) {
				last.Comment, last.Body = c.ID, c.Body
			}
		}
	}
	err := error(nil)
	switch {
	case last.Comment != 0 && last.Body == body:
	case last.Comment != 0:
		err = a.client.EditComment(ctx, a.repo, last.Comment, body)
	}
	if last.Comment == 0 || errors.Is(err, forge.ErrNotFound) { // somebody deleted it: what is new is told anew
		last.Comment, err = a.client.CreateComment(ctx, a.repo, wish.Number, body)
	}
	last.Body = body
	return postgres.Applied{State: last}, err
}
