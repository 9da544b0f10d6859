package promotion

import (
	"fmt"
	"time"

	"ferry/forge"
)

// Throttle is a limit of the forge's that Ferry waits for.
type Throttle struct {
	Forge   forge.Kind
	Until   time.Time
	Content bool // only new pull requests, issues and comments wait
	GraphQL bool // only what Ferry asks of the forge's GraphQL API waits
}

// String says until when what waits, in words that stay true afterwards.
func (t Throttle) String() string {
	if t.Content {
		return fmt.Sprintf("%s's limit on pull requests, issues and comments until %s: more of them are not written before that", t.Forge.Name(), instant(t.Until))
	}
	if t.GraphQL {
		return fmt.Sprintf("%s's limit on GraphQL until %s: no new pull request is opened before that, and the rest goes on", t.Forge.Name(), instant(t.Until))
	}
	return fmt.Sprintf("%s's rate limit until %s: nothing is read or written there before that", t.Forge.Name(), instant(t.Until))
}

// limits says which of the forge's limits has kept what was said, or keeps what is due.
func (e *execution) limits() {
	for _, t := range e.Throttles {
		e.say("%s.", t)
	}
}
