package sandbox

import (
	"net/http"
	"strings"
	"time"

	"ferry/forge/sandbox/bare"
)

// Lag lets reads of references, branches, contents, commits by name, comparisons and pull requests answer what was true
// some time ago. GitHub's reads lag behind its webhooks by up to seconds (docs.github.com, "Best practices for using the
// REST API" and "Get a pull request", whose mergeable is null at first). Webhooks, writes and what is read by its SHA
// never lag. The zero value is no lag.
type Lag struct {
	// For is how long a change stays unseen, by Config.Now. 0: by no clock.
	For time.Duration
	// Reads is how many reads of the repository answer without a change before one shows it. 0: none.
	Reads int
	// Newest bounds how many of the newest changes stay unseen. 0: all that For and Reads hide.
	Newest int
}

// SetLag changes how far reads lag. Changes made before are seen at once.
func (s *Sandbox) SetLag(lag Lag) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = lag
	for _, r := range s.st.repos {
		r.history, r.touched = nil, false
		if lag == (Lag{}) {
			continue
		}
		if err := s.remember(r, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// version is what a repository looked like from some instant on.
type version struct {
	at      time.Time
	asked   int // how many reads did not see it yet
	refs    map[string]string
	threads []*thread
}

// settle ends what changed the sandbox: it remembers what the repositories look like now, writes down what is kept, and
// gives the lock back.
func (s *Sandbox) settle() {
	defer s.mu.Unlock()
	if s.lag != (Lag{}) {
		for _, r := range s.st.repos {
			if !r.touched && r.history != nil {
				continue
			}
			if err := s.remember(r, s.cfg.Now()); err != nil {
				s.cfg.Logger.Error("a repository cannot be remembered", "repo", r.fullName(), "error", err)
			}
		}
	}
	s.save()
}

func (s *Sandbox) remember(r *repository, at time.Time) error {
	refs, err := r.refs()
	if err != nil {
		return err
	}
	v := &version{at: at, refs: refs}
	for _, t := range r.threads {
		v.threads = append(v.threads, t.snapshot())
	}
	r.history, r.touched = append(r.history, v), false
	return nil
}

// snapshot copies what a pull request shows.
func (t *thread) snapshot() *thread {
	old := *t
	if t.pull != nil {
		p := *t.pull
		old.pull = &p
	}
	return &old
}

// past returns the repository as reads see it: with lag an older version, which has its own references and pull requests.
func (s *Sandbox) past(r *repository) *repository {
	at := len(r.history) - 1
	for hidden := 0; at > 0 && s.unseen(r.history[at], hidden); hidden++ {
		r.history[at].asked++
		at--
	}
	if at < 0 || at == len(r.history)-1 {
		return r
	}
	r.history = r.history[at:] // nothing older is seen again
	old := *r
	old.past, old.threads = r.history[0].refs, r.history[0].threads
	return &old
}

// unseen says whether a change is still hidden, when so many newer ones are.
func (s *Sandbox) unseen(v *version, hidden int) bool {
	if s.lag.Newest > 0 && hidden >= s.lag.Newest {
		return false
	}
	return s.lag.For > 0 && s.cfg.Now().Sub(v.at) < s.lag.For || v.asked < s.lag.Reads
}

// lags says whether a route reads what may be old: what is found by a name that moves.
func (row route) lags() bool {
	rest, below := strings.CutPrefix(row.path, "/repos/{owner}/{repo}/")
	if row.method != http.MethodGet || !below {
		return false
	}
	for _, kind := range []string{"git/ref/", "git/matching-refs/", "branches", "contents/", "commits", "compare/", "pulls"} {
		if strings.HasPrefix(rest, kind) {
			return !strings.HasSuffix(rest, "/status") && !strings.HasSuffix(rest, "/statuses") && !strings.HasSuffix(rest, "/reviews")
		}
	}
	return false
}

// ref returns the commit that a full reference leads to, as r shows it. It fails with bare.ErrMissing where there is none.
func (r *repository) ref(name string) (string, error) {
	if r.past == nil {
		return r.git.Ref(name)
	}
	if sha := r.past[name]; sha != "" {
		return sha, nil
	}
	return "", bare.ErrMissing
}

// refList returns the references below prefix as r shows them, by name.
func (r *repository) refList(prefix string) ([]bare.Ref, error) {
	if r.past == nil {
		return r.git.Refs(prefix)
	}
	return sortedRefs(r.past, prefix), nil
}
