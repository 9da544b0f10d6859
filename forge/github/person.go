package github

import (
	"context"
	"fmt"
	"strings"

	"ferry/forge"
)

// Person is somebody who speaks with a token of their own, which is kept nowhere else.
type Person struct{ client *Client }

// Person returns who speaks with a token, without asking GitHub.
func (f *Forge) Person(token string) *Person {
	person := newForge(Config{Token: token, Timeout: f.timeout, Now: f.now, Pace: f.pace}, f.base)
	person.carrier = f.carrier
	return &Person{person.own()}
}

// Knows asks whether GitHub knows the token as a person's. It fails with forge.ErrUnauthorized where it does not know it, and with forge.ErrForbidden
// where it is an App's: what an App says is no person's.
func (p *Person) Knows(ctx context.Context) error {
	const call = "asking whose token it is"
	if token := p.client.forge.secret; strings.HasPrefix(token, "ghs_") || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s: %w (an App's, or none)", call, forge.ErrForbidden)
	}
	_, _, err := p.client.api.Users.Get(ctx, "")
	return p.client.failed(call, err)
}

// Comment comments on a pull request or an issue, and returns the comment's id. One who may not is forge.ErrForbidden.
func (p *Person) Comment(ctx context.Context, repo forge.Repo, number int, body string) (int64, error) {
	return p.client.CreateComment(ctx, repo, number, body)
}
