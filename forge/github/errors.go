package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// defaultPause is how long to wait where GitHub limits Ferry without saying for how long (docs.github.com, "Rate limits for the
// REST API", exceeding the rate limit).
const defaultPause = time.Minute

// maxReason bounds, in bytes, what is quoted of an answer.
const maxReason = 300

// secretForms are what credentials look like wherever they stand: GitHub's tokens, which may hold a JSON Web Token or any other text for addresses,
// JSON Web Tokens, and whatever follows the words that introduce one.
var secretForms = regexp.MustCompile(`gh[a-z]_[A-Za-z0-9_.-]+|github_pat_[A-Za-z0-9_.-]+|v[0-9]+\.[0-9a-f]{40}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*` +
	`|(?i:(access_token|client_secret|authorization|bearer)("?\s*[:=]\s*"?|\s+)((bearer|token|basic)\s+)?)[^\s"&,]+`)

// failed returns the error of a call, nil for none, with one of forge's errors inside, found by the answer's status and by no
// more of its text than has to be. go-github's own error values are left behind: they hold the request with its credentials.
func (c *Client) failed(call string, err error) error {
	if err == nil {
		return nil
	}
	var token *tokenError
	if errors.As(err, &token) {
		return c.wrap(call, token.sentinel(c.forge.now()), "signing in as the installation failed: "+token.Error())
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", call, context.Canceled)
	}
	var unsent *withheld
	if errors.As(err, &unsent) {
		return c.wrap(call, forge.ErrForbidden, unsent.Error())
	}
	if errors.Is(err, errTooLarge) {
		return c.wrap(call, forge.ErrInvalid, errTooLarge.Error())
	}
	var wait *paused
	if errors.As(err, &wait) {
		return c.wrap(call, &forge.RateLimited{Until: wait.until, Content: wait.content, GraphQL: wait.graphql}, wait.Error())
	}
	var otp *gh.TwoFactorAuthError
	if errors.As(err, &otp) {
		return c.wrap(call, forge.ErrUnauthorized, "the account wants a second factor, which a token must not need")
	}
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return c.answered(call, answer)
	}
	return c.wrap(call, forge.ErrUnavailable, err.Error())
}

func (c *Client) answered(call string, answer *gh.ErrorResponse) error {
	status, header := answer.Response.StatusCode, answer.Response.Header
	text := reasons(answer)
	sentinel := sentinelOf(status, header, text, c.forge.now())
	detail := fmt.Sprintf("GitHub answered %d: %s", status, text)
	switch {
	case status == http.StatusUnauthorized:
		detail += "; " + c.forge.credentialHint()
	case status == http.StatusForbidden && header.Get("X-Accepted-GitHub-Permissions") != "":
		detail += "; the call needs the permission " + header.Get("X-Accepted-GitHub-Permissions")
	}
	return c.wrap(call, sentinel, detail)
}

// wrap makes an error of one line without credentials.
func (c *Client) wrap(call string, sentinel error, detail string) error {
	return fmt.Errorf("%s: %w (%s)", call, sentinel, c.forge.redact(detail))
}

func (f *Forge) redact(text string) string {
	if f.secret != "" {
		text = strings.ReplaceAll(text, f.secret, "[redacted]")
	}
	text = secretForms.ReplaceAllString(text, "[redacted]")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

func (f *Forge) credentialHint() string {
	if f.key == nil {
		return "check FERRY_GITHUB_TOKEN: it may have expired or been revoked"
	}
	return "check FERRY_GITHUB_APP_ID, FERRY_GITHUB_APP_KEY and this machine's clock"
}

// reasons joins everything that an error answer says; GitHub puts the point into either place.
func reasons(answer *gh.ErrorResponse) string {
	parts := []string{answer.Message}
	for _, e := range answer.Errors {
		switch {
		case e.Message != "":
			parts = append(parts, e.Message)
		case e.Code != "":
			parts = append(parts, strings.TrimSpace(e.Resource+" "+e.Field+" "+e.Code))
		}
	}
	if text := strings.Join(parts, "; "); text != "" {
		return text
	}
	return http.StatusText(answer.Response.StatusCode)
}

func sentinelOf(status int, header http.Header, text string, now time.Time) error {
	text = strings.ToLower(text)
	switch status {
	case http.StatusUnauthorized:
		return forge.ErrUnauthorized
	case http.StatusForbidden, http.StatusTooManyRequests:
		return forbidden(status, header, text, now)
	case http.StatusNotFound:
		return forge.ErrNotFound
	case http.StatusGone: // a deleted issue, or a repository whose issues are switched off
		if strings.Contains(text, "disabled") {
			return forge.ErrForbidden
		}
		return forge.ErrNotFound
	case http.StatusUnavailableForLegalReasons, http.StatusLocked:
		return forge.ErrForbidden
	case http.StatusMethodNotAllowed:
		if strings.Contains(text, "branch was modified") { // the same 405 as for what needs a person, but gone on the next try
			return forge.ErrConflict
		}
		return forge.ErrNotMergeable
	case http.StatusConflict:
		if strings.Contains(text, "repository is empty") {
			return forge.ErrNotFound
		}
		return forge.ErrConflict
	case http.StatusUnprocessableEntity:
		return unprocessable(text)
	}
	if status >= 400 && status < 500 && status != http.StatusRequestTimeout {
		return forge.ErrInvalid
	}
	return forge.ErrUnavailable
}

// forbidden tells a limit from a refusal (docs.github.com, "Rate limits for the REST API").
func forbidden(status int, header http.Header, text string, now time.Time) error {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds >= 0 {
		return &forge.RateLimited{Until: now.Add(time.Duration(max(seconds, 1)) * time.Second)}
	}
	if header.Get("X-RateLimit-Remaining") == "0" {
		until := now.Add(defaultPause)
		if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil && time.Unix(reset, 0).After(now) {
			until = time.Unix(reset, 0)
		}
		return &forge.RateLimited{Until: until}
	}
	if status == http.StatusTooManyRequests || strings.Contains(text, "secondary rate limit") {
		return &forge.RateLimited{Until: now.Add(defaultPause)}
	}
	return forge.ErrForbidden
}

// unprocessable reads the text, because GitHub answers the same 422 to all of these.
func unprocessable(text string) error {
	for _, known := range []struct {
		words    string
		sentinel error
	}{
		{"already exists", forge.ErrExists},
		{"already_exists", forge.ErrExists},
		{"not a fast forward", forge.ErrConflict},
		{"reference does not exist", forge.ErrNotFound},
		{"no commit found", forge.ErrNotFound},
		{"no ref found", forge.ErrNotFound},
		{"rule violations", forge.ErrForbidden},
		{"protected branch", forge.ErrForbidden},
	} {
		if strings.Contains(text, known.words) {
			return known.sentinel
		}
	}
	return forge.ErrInvalid
}

// tokenError is a failed request for an installation's token. A 404 there says that the installation is gone and a 403 that it
// is suspended, which must not be taken for a missing branch or for one forbidden act. With a 422 GitHub refuses what was ordered.
type tokenError struct {
	status int
	header http.Header
	text   string
}

func (e *tokenError) Error() string {
	return fmt.Sprintf("GitHub answered %d: %s", e.status, e.text)
}

func (e *tokenError) sentinel(now time.Time) error {
	if text := strings.ToLower(e.text); e.status == http.StatusUnprocessableEntity {
		switch {
		case strings.Contains(text, "repository"):
			return forge.ErrNotFound
		case strings.Contains(text, "not granted"):
			return forge.ErrForbidden
		}
	}
	found := sentinelOf(e.status, e.header, e.text, now)
	if errors.Is(found, forge.ErrNotFound) || errors.Is(found, forge.ErrForbidden) {
		return forge.ErrUnauthorized
	}
	return found
}

// tokenFailure takes from ghinstallation's error what may be shown, and closes the answer that it leaves open. Any other error
// is the request's own.
func tokenFailure(err error) error {
	var failure *ghinstallation.HTTPError
	if !errors.As(err, &failure) || failure.Response == nil {
		return err
	}
	defer func() { _ = failure.Response.Body.Close() }()
	var answer struct {
		Message string `json:"message"`
	}
	_ = json.NewDecoder(io.LimitReader(failure.Response.Body, 1<<16)).Decode(&answer) // without a message the status says enough
	if answer.Message == "" {
		answer.Message = http.StatusText(failure.Response.StatusCode)
	}
	return &tokenError{status: failure.Response.StatusCode, header: failure.Response.Header, text: answer.Message}
}
