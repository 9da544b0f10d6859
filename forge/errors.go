package forge

import (
	"errors"
	"fmt"
	"time"
)

// The errors an adapter's calls fail with. Each is wrapped with the call and its arguments; ask with errors.Is.
var (
	ErrNotFound     = errors.New("not found at the forge, or not visible to Ferry")
	ErrUnauthorized = errors.New("the forge refused Ferry's credentials")
	ErrForbidden    = errors.New("the forge does not let Ferry do this")
	ErrExists       = errors.New("it exists already")                    // a branch, or an open pull request of that head
	ErrConflict     = errors.New("it changed meanwhile")                 // 409, or a merge whose head or base moved
	ErrNotMergeable = errors.New("the forge will not merge it now")      // 405
	ErrInvalid      = errors.New("the forge refused the content")        // any other 422 or 400
	ErrUnavailable  = errors.New("the forge cannot be reached or fails") // 5xx, time-outs, broken connections
)

// RateLimited is the error of a call that the forge put off.
type RateLimited struct {
	Until   time.Time
	Content bool // only what creates content waits: pull requests, issues, comments
	GraphQL bool // only what is asked of the forge's GraphQL API waits
}

// Error names the time at which the call may be made again.
func (e *RateLimited) Error() string {
	return fmt.Sprintf("the forge limits Ferry's requests until %s", e.Until.UTC().Format(time.RFC3339))
}
