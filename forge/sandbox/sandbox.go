// Package sandbox is a small real forge in one process: bare Git repositories over smart HTTP, GitHub's REST API as far
// as a promotion tool uses it, signed webhooks, and plain pages for people. It is for demonstrations, for tests
// and for trying clients of that API; what it keeps beside the Git data ends with the process, unless Config.Keep is set.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ferry/forge/sandbox/bare"
)

// Config is what a sandbox is made with.
type Config struct {
	// Dir is the folder of the repositories, which are at Dir/git/OWNER/NAME.git. It is made where it is missing.
	Dir string
	// Keep writes down in Dir, after each change, what the sandbox knows beside the Git data, with everybody's tokens, and
	// brings it back in a new sandbox with the same folder. Default: that ends with the process.
	Keep bool
	// Now is the clock of everything the sandbox writes down. Default: time.Now.
	Now func() time.Time
	// AuthNow is the clock by which App JWTs and installation tokens expire. Clients sign with the real time, so a test
	// that moves Now by days leaves this one alone. Default: Now.
	AuthNow func() time.Time
	// Logger gets one line per webhook that could not be delivered. Default: none.
	Logger *slog.Logger
	// HTTP sends the webhooks. Default: a client that waits 10 seconds, which is how long GitHub waits.
	HTTP *http.Client
}

// Sandbox is the forge. Its methods may be called from several goroutines.
type Sandbox struct {
	cfg     Config
	git     *bare.Git
	handler http.Handler
	hooks   *hooks
	faults  *Faults
	counts  *counts
	meters  *meters
	closed  chan struct{}

	mu        sync.Mutex // guards all below and the order of changes to the repositories
	base      string
	st        state
	lag       Lag
	treeLimit int
	// loading is set while nothing may be written down yet.
	loading bool
}

// New makes an empty forge. It fails where git is not installed or cfg.Dir cannot be written. Close ends it.
func New(cfg Config) (*Sandbox, error) {
	if cfg.Dir == "" {
		return nil, errors.New("sandbox: Config.Dir is empty: name a folder for the repositories")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: folder %q: %w", cfg.Dir, err)
	}
	cfg.Dir = dir
	cfg.fill()
	if err := os.MkdirAll(filepath.Join(dir, "git"), 0o755); err != nil {
		return nil, fmt.Errorf("sandbox: make its folder: %w", err)
	}
	git, err := bare.Find(dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{cfg: cfg, git: git, base: "http://127.0.0.1", st: newState(), faults: &Faults{}, counts: newCounts(), meters: newMeters(cfg.Now), closed: make(chan struct{}), treeLimit: maxTreeEntries}
	s.hooks = newHooks(cfg, s.faults)
	s.addAccount("web-flow", "User").email = webFlow(time.Time{}).Email
	s.st.byEmail[webFlow(time.Time{}).Email] = s.st.account("web-flow")
	s.handler = s.routes()
	if cfg.Keep {
		if err := s.restore(); err != nil {
			s.Close()
			return nil, fmt.Errorf("sandbox: bring back what %s holds: %w", dir, err)
		}
	}
	return s, nil
}

// restore brings back what was kept, and writes down what followed from it.
func (s *Sandbox) restore() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = true
	if err := s.load(); err != nil {
		return err
	}
	s.loading = false
	s.save()
	return nil
}

func (c *Config) fill() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.AuthNow == nil {
		c.AuthNow = c.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
}

// Handler serves everything: pages at /, Git at /OWNER/NAME.git, the API at /api/v3.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// SetURL tells the sandbox its own public address ("http://127.0.0.1:3000"), which links and clone addresses begin with.
func (s *Sandbox) SetURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = strings.TrimRight(base, "/")
}

// URL returns the public address, without a slash at its end.
func (s *Sandbox) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// Faults returns the switches for what goes wrong on purpose.
func (s *Sandbox) Faults() *Faults { return s.faults }

// Flush waits until every webhook due so far was sent, and those that were made meanwhile too. It fails with ctx's error.
func (s *Sandbox) Flush(ctx context.Context) error { return s.hooks.flush(ctx) }

// Close stops sending webhooks, waits for the one being sent, and ends the processes that read the repositories.
func (s *Sandbox) Close() {
	s.hooks.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
		close(s.closed)
	}
	s.save()
	for _, r := range s.st.repos {
		r.git.Close()
	}
}

// now is the time of the clock, to the second as GitHub writes it down.
func (s *Sandbox) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Second) }
