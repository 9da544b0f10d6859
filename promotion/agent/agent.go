// Package agent runs in an environment: it pulls the environment repository, applies what changed below its paths, and reports how that does.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

// Config is what one agent is told. What is not said to be optional is required; Config.Validate knows.
type Config struct {
	Repository string   // the environment repository, as git takes it: a URL without a password, or a folder
	Branch     string   // optional; without it the one that HEAD names there
	Paths      []string // optional; only changes below these are applied, folders or files from the repository's root. Without them every change is
	Dir        string   // the agent's own folder, for its clone; two agents cannot share one

	Server    string // Ferry's public address
	Token     string // of the environment, from `ferry token create`
	TokenFile string // instead of Token; read again for every report, so that the token can be rotated

	Environment string        // optional, for the commands and the log: reports are filed under the token's environment
	Cluster     string        // optional; the server's default is `default`
	App         string        // optional; without it the report is about every app of the environment
	Every       time.Duration // the heartbeat: how often at least it reports; 30 s where it is 0
	Poll        time.Duration // how often it looks at Git and at the health; 10 s where it is 0
	Once        bool          // look, apply, report until it is no longer progressing, and end

	Apply  func(context.Context, Checkout) error                      // makes the environment what the checkout says; it is repeated, so it must be safe to
	Health func(context.Context, Checkout) (promotion.Health, string) // optional; without it what is applied is healthy. The string is for people
	Images func(context.Context, Checkout) ([]string, error)          // optional; the image references that run

	Now    func() time.Time                     // optional
	After  func(time.Duration) <-chan time.Time // optional; time.After
	HTTP   *http.Client                         // optional
	Logger *slog.Logger                         // optional
}

// Checkout is the environment repository at one revision, as Apply, Health and Images find it.
type Checkout struct {
	Dir         string // its root
	Revision    forge.SHA
	Branch      string // as configured
	Environment string
	Cluster     string
	App         string
	Paths       []string

	secrets *secrets
}

// ErrUnreachable is the error of an agent that runs once and cannot reach the environment repository or the server.
var ErrUnreachable = errors.New("cannot be reached")

// ErrRefused is the error of an agent that runs once and whose token the server refuses.
var ErrRefused = errors.New("the server refuses this agent's token (`ferry token create --repo OWNER/NAME --environment NAME` makes one)")

// ErrUnhealthy is the error of an agent that ran once and reported anything but healthy.
var ErrUnhealthy = errors.New("the environment is not healthy")

// Run pulls, applies and reports until ctx ends, and then returns nil. What goes wrong meanwhile is logged, reported where it can be, and tried
// again. It fails where cfg is wrong or its folder cannot be used; with cfg.Once also with ErrUnreachable, ErrRefused or ErrUnhealthy.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("agent.Run: %w", err)
	}
	cfg = cfg.withDefaults()
	known, err := newSecrets(cfg.Token, cfg.TokenFile)
	if err != nil {
		return fmt.Errorf("agent.Run: %w", err)
	}
	repo, err := openClone(ctx, cfg, known)
	if err != nil {
		return fmt.Errorf("agent.Run(%s): %w", hideUserinfo(cfg.Repository), err)
	}
	defer repo.close()
	cfg.Logger.Info("the agent starts", "branch", cfg.Branch, "paths", cfg.Paths, "dir", cfg.Dir, "server", cfg.Server, "poll", cfg.Poll, "every", cfg.Every)
	a := &agent{Config: cfg, repo: repo, secrets: known, sender: newSender(cfg, known)}
	if cfg.Once {
		return a.once(ctx)
	}
	a.forever(ctx)
	return nil
}
