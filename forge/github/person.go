package github

import (
	"context"
	"fmt"
	"strings"

	"ferry/forge"
)

// CommentAs comments on a pull request or an issue as the person whose own token it is, which is kept nowhere, and returns the comment's id. A token
// that GitHub does not know is forge.ErrUnauthorized, one that may not comment forge.ErrForbidden, and so is an App's: what an App says is no person's.
func (f *Forge) CommentAs(ctx context.Context, token string, repo forge.Repo, number int, body string) (int64, error) {
	if strings.HasPrefix(token, "ghs_") || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return 0, fmt.Errorf("commenting on %s#%d as a person: %w (the token is an App's, or none)", repo.FullName(), number, forge.ErrForbidden)
	}
	person := newForge(Config{Token: token, Timeout: f.timeout, Now: f.now, Pace: f.pace}, f.base)
	person.carrier = f.carrier
	return person.own().CreateComment(ctx, repo, number, body)
}
