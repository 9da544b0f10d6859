package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// maxCommandBody is the largest body of a command: GitHub's comments hold 65,536 characters.
const maxCommandBody = 64 << 10

// A token that was not good here before is tried at the forge, which shuts out an address that brings it many wrong ones: so many at once, and then one in
// so many seconds. So many good ones are remembered.
const (
	strangers       = 10
	secondsStranger = 30
	mostGood        = 1000
)

// people speak at the forge with their own tokens. Both calls fail with forge's errors.
type people interface {
	// Knows fails with forge.ErrUnauthorized where the forge does not know the token, and with forge.ErrForbidden where it is no person's.
	Knows(ctx context.Context, token string) error
	// CommentAs comments as the person whose token it is, and returns where the comment stands.
	CommentAs(ctx context.Context, token string, repo forge.Repo, number int, text string) (link string, err error)
}

// guard lets good tokens pass, and of others only a few to the forge. It holds hashes, for as long as the process lives.
type guard struct {
	strangers *rate.Limiter
	mu        sync.Mutex
	good      map[[sha256.Size]byte]bool
}

func newGuard() *guard {
	return &guard{strangers: rate.NewLimiter(rate.Every(secondsStranger*time.Second), strangers), good: map[[sha256.Size]byte]bool{}}
}

// admits says whether a token may be brought to the forge now.
func (g *guard) admits(token string) bool {
	g.mu.Lock()
	known := g.good[sha256.Sum256([]byte(token))]
	g.mu.Unlock()
	return known || g.strangers.Allow()
}

// remember notes that a token spoke for somebody whom the forge let comment, or that it does not any more.
func (g *guard) remember(token string, good bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.good, sha256.Sum256([]byte(token)))
	if good && len(g.good) < mostGood {
		g.good[sha256.Sum256([]byte(token))] = true
	}
}

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
	b, err := readCommand(raw)
	if err != nil {
		return &problem{http.StatusBadRequest, err.Error()}
	}
	if !s.guard.admits(token) {
		w.Header().Set("Retry-After", fmt.Sprint(secondsStranger))
		return &problem{http.StatusTooManyRequests, fmt.Sprintf("many tokens that were not used here before came just now: try again in %d s, or comment at the forge", secondsStranger)}
	}
	link, err := s.say(r.Context(), token, b)
	s.guard.remember(token, err == nil)
	if err != nil {
		return s.unsaid(b, err)
	}
	s.Logger.Info("command said", "repository", b.Repository, "comment", link)
	answer(w, http.StatusAccepted, map[string]any{"comment": link})
	return nil
}

func readCommand(raw []byte) (b commandBody, err error) {
	if err := decodeStrictly(raw, &b); err != nil {
		return b, err
	}
	if owner, name, _ := strings.Cut(b.Repository, "/"); owner == "" || name == "" || b.Number < 0 {
		return b, errors.New(`{"repository": "OWNER/NAME", "command": "/rollback prod checkout"} is expected, and "number" for one pull request`)
	}
	if len(promotion.ParseCommands(b.Command, "")) == 0 {
		return b, &promotion.FieldError{Field: "command", Problem: "there is none in it; write it as in a comment, such as `/rollback prod checkout`, or `/help`"}
	}
	return b, nil
}

// say comments where Ferry takes commands. Who has no good token is told so first, and where Ferry is not, the forge's own answer is given to all others:
// nobody learns here which repositories there are.
func (s *server) say(ctx context.Context, token string, b commandBody) (link string, err error) {
	if err := s.People.Knows(ctx, token); err != nil {
		return "", err
	}
	owner, name, _ := strings.Cut(b.Repository, "/")
	place, err := s.Store.CommandPlace(ctx, forge.GitHub, forge.Repo{Owner: owner, Name: name}, b.Number)
	if errors.Is(err, postgres.ErrNotFound) {
		return "", forge.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	return s.People.CommentAs(ctx, token, place.Repo, place.Number, promotion.Prefixed(place.Prefix, b.Command))
}

// unsaid is the answer where nothing was said.
func (s *server) unsaid(b commandBody, err error) error {
	where := b.Repository
	if b.Number != 0 {
		where += fmt.Sprintf("#%d", b.Number)
	}
	var limited *forge.RateLimited
	switch {
	case errors.Is(err, forge.ErrUnauthorized):
		return &problem{http.StatusUnauthorized, "the forge does not know this token, or it has expired"}
	case errors.Is(err, forge.ErrNotFound):
		return &problem{http.StatusNotFound, where + " is not there, or it is no promotion pull request and no environment repository of Ferry's, or your token does not see it"}
	case errors.As(err, &limited):
		return &problem{http.StatusTooManyRequests, "the forge takes nothing from you until " + limited.Until.UTC().Format(http.TimeFormat)}
	case errors.Is(err, forge.ErrForbidden):
		return &problem{http.StatusForbidden, "your token may not comment on " + where + ": it needs the permission to write issues, and you are to be a person, not an App"}
	}
	s.Logger.Error("command not said", "where", where, "error", err)
	return &problem{http.StatusBadGateway, "the comment on " + where + " was not taken; look whether it stands there before you try again"}
}
