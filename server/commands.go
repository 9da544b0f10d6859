package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// maxCommandBody is the largest body of a command: GitHub's comments hold 65,536 characters.
const maxCommandBody = 64 << 10

// Strangers' tokens are tried at the forge, which shuts out an address that brings it many wrong ones: so many at once, and then one in so many seconds.
const (
	wrongTokens       = 10
	secondsWrongToken = 30
)

// Person comments at the forge as the person whose own token is given, and returns where the comment stands. It fails with forge's errors.
type Person func(ctx context.Context, token string, repo forge.Repo, number int, text string) (link string, err error)

type commandBody struct {
	Repository string `json:"repository"`
	Number     int    `json:"number"`
	Command    string `json:"command"`
}

// commands writes a person's commands as that person's own comment on a pull request, or on Ferry's issue where none is named. From there on it is a
// comment as any other: who may do what, the answer and the way back after a lost database are the same, and Ferry keeps nobody's token.
func (s *server) commands(w http.ResponseWriter, r *http.Request) error {
	token := bearerOf(r)
	if token == "" || strings.HasPrefix(token, "ferry_") {
		return &problem{http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN, with your own token of the forge (such as `gh auth token` prints): Ferry obeys people, and comments in your name"}
	}
	raw, err := readBody(w, r, maxCommandBody)
	if err != nil {
		return err
	}
	var b commandBody
	if err := decodeStrictly(raw, &b); err != nil {
		return &problem{http.StatusBadRequest, err.Error()}
	}
	place, err := s.placeOf(r.Context(), b)
	if err != nil {
		return err
	}
	if s.wrong.Tokens() < 1 {
		w.Header().Set("Retry-After", fmt.Sprint(secondsWrongToken))
		return &problem{http.StatusTooManyRequests, fmt.Sprintf("many tokens that the forge does not know were sent here: try again in %d s, or comment at the forge", secondsWrongToken)}
	}
	link, err := s.Person(r.Context(), token, place.Repo, place.Issue, b.Command)
	if err != nil {
		return s.unsaid(place, err)
	}
	s.Logger.Info("command said", "repository", place.Repo.FullName(), "comment", link)
	answer(w, http.StatusAccepted, map[string]any{"comment": link})
	return nil
}

// placeOf finds where a command is to stand. It fails where the repository is not known, or where the text holds no command.
func (s *server) placeOf(ctx context.Context, b commandBody) (postgres.CommandPlace, error) {
	owner, name, _ := strings.Cut(b.Repository, "/")
	if owner == "" || name == "" || b.Number < 0 {
		return postgres.CommandPlace{}, &problem{http.StatusBadRequest, `{"repository": "OWNER/NAME", "command": "/rollback prod checkout"} is expected, and "number" for one pull request`}
	}
	place, err := s.Store.CommandPlace(ctx, forge.GitHub, forge.Repo{Owner: owner, Name: name})
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		return place, &problem{http.StatusNotFound, fmt.Sprintf("%s is no environment repository that Ferry knows", b.Repository)}
	case err != nil:
		return place, err
	case len(promotion.ParseCommands(b.Command, place.Prefix)) == 0:
		return place, &problem{http.StatusBadRequest, promotion.Prefixed(place.Prefix, "command: there is none in it; write it as in a comment, such as `/rollback prod checkout`, or `/help`")}
	}
	if b.Number != 0 {
		place.Issue = b.Number
	}
	if place.Issue == 0 {
		return place, &problem{http.StatusConflict, fmt.Sprintf("%s has no issue of Ferry's yet: name a promotion pull request as number", b.Repository)}
	}
	return place, nil
}

// unsaid is the answer where the forge did not take the comment.
func (s *server) unsaid(place postgres.CommandPlace, err error) error {
	where := fmt.Sprintf("%s#%d", place.Repo.FullName(), place.Issue)
	var limited *forge.RateLimited
	switch {
	case errors.Is(err, forge.ErrUnauthorized):
		s.wrong.Allow()
		return &problem{http.StatusUnauthorized, "the forge does not know this token, or it has expired"}
	case errors.Is(err, forge.ErrNotFound):
		return &problem{http.StatusNotFound, where + " is not there, or your token does not see it"}
	case errors.As(err, &limited):
		return &problem{http.StatusTooManyRequests, "the forge takes nothing from you until " + limited.Until.UTC().Format(http.TimeFormat)}
	case errors.Is(err, forge.ErrForbidden):
		return &problem{http.StatusForbidden, "your token may not comment on " + where + ": it needs the permission to write issues, and you are to be a person, not an App"}
	}
	s.Logger.Error("command not said", "where", where, "error", err)
	return &problem{http.StatusBadGateway, "the forge did not take the comment on " + where + "; look whether it stands there before you try again"}
}
