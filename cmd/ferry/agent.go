package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ferry/promotion/agent"
)

// agentFlags is what `ferry agent` takes beside agent.Config.
type agentFlags struct {
	agent.Config
	apply, health, images     string
	applyLimit, commandsLimit time.Duration
}

func newAgentCommand(getenv func(string) string, _, stderr io.Writer) *cobra.Command {
	var f agentFlags
	c := &cobra.Command{
		Use:   "agent --repository URL --server URL --apply COMMAND",
		Short: "Run in an environment without Kubernetes: pull, apply, report",
		Long: `Run in an environment without Kubernetes: pull the environment repository, run the apply command when something below its
paths changed, run the health command, and report to Ferry.

The environment's token comes from FERRY_AGENT_TOKEN or --token-file, never from a flag. Git finds its own credentials: a
credential helper, GIT_ASKPASS or ssh.

The commands are run by sh at the root of the checkout, with FERRY_REVISION, FERRY_BRANCH, FERRY_ENVIRONMENT, FERRY_CLUSTER,
FERRY_APP and FERRY_PATHS in their environment. The health command says by its exit status how things are: 0 healthy,
1 progressing, 2 degraded, anything else unknown.`,
		Example: `  ferry agent --repository https://github.com/acme/environments.git --path apps/checkout/staging \
    --server https://ferry.example.com --token-file /etc/ferry/token \
    --apply 'docker compose -f apps/checkout/staging/compose.yaml up -d' \
    --health 'curl -fsS http://localhost:8081/healthz || exit 2'`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.config(getenv, stderr)
			if err != nil {
				return usageIf(err)
			}
			err = agent.Run(c.Context(), cfg)
			if errors.Is(err, agent.ErrUnreachable) {
				return unreachableIf(err)
			}
			return err
		},
	}
	f.register(c)
	return c
}

func (f *agentFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.Repository, "repository", "", "the environment repository, as `URL` for git")
	flags.StringVar(&f.Branch, "branch", "", "its branch (default: the one HEAD names there)")
	flags.StringSliceVar(&f.Paths, "path", nil, "a `folder` or file of it; may be given several times. Only changes below these are applied (default: every change)")
	flags.StringVar(&f.Dir, "dir", "", "the agent's own `folder`, for its clone (default: one below $XDG_CACHE_HOME or ~/.cache)")
	flags.StringVar(&f.apply, "apply", "", "the `command` that makes the environment what the checkout says; it is repeated, so it must be safe to repeat")
	flags.StringVar(&f.health, "health", "", "the `command` that says how the environment is (default: what is applied is healthy)")
	flags.StringVar(&f.images, "images", "", "a `command` that prints the images that run, one reference on a line")
	flags.DurationVar(&f.applyLimit, "apply-timeout", 15*time.Minute, "how long the apply command may take")
	flags.DurationVar(&f.commandsLimit, "health-timeout", 30*time.Second, "how long the health command and the images command may each take")
	flags.StringVar(&f.Server, "server", "", "Ferry's public address, as `URL`")
	flags.StringVar(&f.TokenFile, "token-file", "", "the `file` with the environment's token, read again for every report (default: the token is in FERRY_AGENT_TOKEN)")
	flags.StringVar(&f.Environment, "environment", "", "the environment's name, for the commands and the log; reports are filed under the token's")
	flags.StringVar(&f.Cluster, "cluster", "", "the `name` of the cluster to report for (the server takes none for \"default\")")
	flags.StringVar(&f.App, "app", "", "the app to report for (default: every app of the environment)")
	flags.DurationVar(&f.Every, "every", agent.DefaultEvery, "the heartbeat: how often at least to report")
	flags.DurationVar(&f.Poll, "poll", agent.DefaultPoll, "how often to look at Git and at the health")
	flags.BoolVar(&f.Once, "once", false, "look, apply, report until it is no longer progressing, and end; exit status 0 means healthy")
}

// config returns what the flags and the environment say together.
func (f *agentFlags) config(getenv func(string) string, stderr io.Writer) (agent.Config, error) {
	cfg := f.Config
	if cfg.TokenFile == "" {
		cfg.Token = strings.TrimSpace(getenv("FERRY_AGENT_TOKEN"))
	}
	if cfg.Token == "" && cfg.TokenFile == "" {
		return cfg, errors.New("FERRY_AGENT_TOKEN is not set: put the token from `ferry token create --repo OWNER/NAME --environment NAME` there, or name its file with --token-file")
	}
	if f.apply != "" {
		cfg.Apply = agent.Shell{Command: f.apply, Timeout: f.applyLimit}.Apply
	}
	if f.health != "" {
		cfg.Health = agent.Shell{Command: f.health, Timeout: f.commandsLimit}.Health
	}
	if f.images != "" {
		cfg.Images = agent.Shell{Command: f.images, Timeout: f.commandsLimit}.Images
	}
	if cfg.Dir == "" {
		cfg.Dir = agentDir(getenv, cfg)
	}
	format := or(getenv("FERRY_LOG"), "text")
	if format != "json" && format != "text" {
		return cfg, errors.New("FERRY_LOG: json or text is expected")
	}
	cfg.Logger = newLogger(format, stderr)
	return cfg, cfg.Validate()
}

// agentDir returns a folder that is another one for every agent of a user, or nothing where the user has no place for it.
func agentDir(getenv func(string) string, cfg agent.Config) string {
	cache := getenv("XDG_CACHE_HOME")
	if cache == "" {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		cache = filepath.Join(home, ".cache")
	}
	what := fmt.Sprintf("%q", []string{cfg.Repository, cfg.Branch, strings.Join(cfg.Paths, "\n"), cfg.Server, cfg.Environment, cfg.Cluster, cfg.App})
	sum := sha256.Sum256([]byte(what))
	return filepath.Join(cache, "ferry-agent", hex.EncodeToString(sum[:8]))
}
