package promotion

import (
	"fmt"
	"time"
)

// Lately is what has just happened to an app in an environment, or is about to: what a command is held against that says "go back" and may mean what stood
// there a moment ago.
type Lately struct {
	Came   Arrival
	Wanted Intent // what a person wants there at once, as yet; of no kind where nobody does
	Number int    // of its pull request; 0: it is not open yet
}

// Arrival is how what stands in an environment came to stand there.
type Arrival struct {
	At     time.Time // in the forge's clock, where that is known
	Number int       // of the promotion that brought it; 0: none did
	Intent string
	Asker  string // see AskedAlso
}

// seenLate is how long after something else has come to stand people may still have before them what stood before: Ferry's issue is edited once a minute.
const seenLate = 2 * time.Minute

// rolledBackAlready answers a /rollback from a release that somebody has taken back already, or that did not stand yet when it was said: of two people who
// say it at once, the second does not take back what the first has brought. It returns false where there is nothing of the kind.
func (e *execution) rolledBackAlready(app, environment, tag string, history []Deployment) bool {
	late := e.Lately[app][environment]
	current := standing(history)
	came, now := late.Came, current.Release
	var before Release
	if len(history) > 1 && came.Intent == IntentRollback {
		before = history[1].Release
	}
	since := e.Said.Before(came.At.Truncate(time.Second))
	switch {
	case e.underWay(app, environment, tag, late, current):
		e.say("%s is being rolled back in %s already: %s%s, asked for by %s. Nothing was changed.", code(app), code(environment), arrow(late.Wanted.From, late.Wanted.Release),
			byNumber(late.Number), escape(askersWords(late.Wanted.Actor)))
	case len(before) > 0 && (since || tag == "" && e.mayMeanBefore(app, environment, came)):
		e.say("%s has been rolled back in %s already: %s%s, asked for by %s. Nothing was changed.%s", code(app), code(environment), arrow(before, now),
			byNumber(came.Number), escape(askersWords(came.Asker)), e.furtherBack(app, environment, history, e.BlocksOn(app, environment, FromOf(e.Config, app))))
	case since:
		e.refuse("Something else has come to stand in %s since you wrote that (%s). Nothing was changed: look at it, and say it again.", code(environment), code(now.Version()))
	default:
		return false
	}
	return true
}

// underWay says whether what is asked for is wanted already, with all that keeps it back: a bare /rollback goes wherever that goes.
func (e *execution) underWay(app, environment, tag string, late Lately, current *Deployment) bool {
	w := late.Wanted
	if w.Kind != IntentRollback || len(w.From) == 0 || !w.From.Same(current.Release) || !e.heldSince(app, environment, w.From) {
		return false
	}
	if tag == "" {
		return true
	}
	image, ok := parseNamed(tag)
	return ok && stoodOnce([]Deployment{{Release: w.Release}}, image) != nil
}

// mayMeanBefore says whether who said it may have had before them what stood before: it was said in the same minutes, or under a pull request that was
// opened before the rollback's.
func (e *execution) mayMeanBefore(app, environment string, came Arrival) bool {
	older := e.Shown != nil && e.Environment == environment && (e.App == app || e.groupOf(app) == e.App) && e.Shown.Number < came.Number
	return older || e.Said.Before(came.At.Add(seenLate))
}

func arrow(from, to Release) string {
	return code(from.versionBeside(to)) + " → " + code(to.versionBeside(from))
}

func byNumber(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprintf(" by #%d", number)
}
