package setup

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

const (
	codeLife    = time.Hour // of the code in the log, and then of the session that it opened: GitHub's own for the whole way
	maxAttempts = 10
)

// guard lets in whoever reads Ferry's log, once.
type guard struct {
	now func() time.Time

	mu       sync.Mutex
	code     secret
	attempts int    // that were wrong
	session  secret // of the browser that had the code
	state    secret // of the way to GitHub and back that was begun last
	done     bool   // there is an App
}

// secret is what somebody has to show before its time is over: its hash, so that comparing takes the same time whatever is shown.
type secret struct {
	hash    [sha256.Size]byte
	expires time.Time // zero: there is none
}

func (s *secret) is(shown string, now time.Time) bool {
	hash := sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(hash[:], s.hash[:]) == 1 && now.Before(s.expires)
}

func (g *guard) issue(into *secret) string {
	text := rand.Text()
	*into = secret{sha256.Sum256([]byte(text)), g.now().Add(codeLife)}
	return text
}

// enter exchanges the code for a session, once. The reason is for the person where it is refused.
func (g *guard) enter(code string) (session, refused string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.attempts >= maxAttempts:
		return "", "Too many wrong codes were given. Start Ferry again: it prints a new one."
	case !g.now().Before(g.code.expires):
		return "", "The code was used already, or is older than an hour. Start Ferry again: it prints a new one."
	case !g.code.is(code, g.now()):
		g.attempts++
		return "", "That is not the code in Ferry's log."
	}
	g.code = secret{}
	return g.issue(&g.session), ""
}

// inside says whether the browser with this session had the code.
func (g *guard) inside(session string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.session.is(session, g.now())
}

// leave begins a way to GitHub and back. One that was begun before ends.
func (g *guard) leave() (state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.issue(&g.state)
}

// back says whether the way that this state was given for ends now, which it does once. again lets it end once more.
func (g *guard) back(state string) (ok bool, again func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.state
	if g.done || !was.is(state, g.now()) {
		return false, nil
	}
	g.state = secret{}
	return true, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.state = was
	}
}

// close ends the setup: there is an App.
func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done, g.session = true, secret{}
}
