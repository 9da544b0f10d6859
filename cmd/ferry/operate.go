package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ferry/forge"
	"ferry/migrations"
	"ferry/promotion/postgres"
)

// withStore runs f on the database that DATABASE_URL names. The private database of `ferry serve` is reached by its URL, which serve logs.
func withStore(ctx context.Context, getenv func(string) string, f func(*postgres.Store) error) error {
	s, err := readSettings(getenv)
	if err != nil {
		return &usageError{err}
	}
	if s.secrets.databaseURL == "" {
		return &usageError{errors.New("DATABASE_URL is not set: give the database of the Ferry that runs (without one, `ferry serve` logs the URL of its private one)")}
	}
	store, err := postgres.Open(ctx, s.secrets.databaseURL, slog.New(slog.DiscardHandler))
	if err != nil {
		return unreachableIf(err)
	}
	defer store.Close()
	return f(store)
}

func newTokenCommand(getenv func(string) string, stdout io.Writer) *cobra.Command {
	token := &cobra.Command{
		Use: "token", Short: "Make tokens for agents and CI",
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var repo, environment, name string
	var ci bool
	create := &cobra.Command{
		Use:   "create --repo OWNER/NAME (--environment NAME | --ci)",
		Short: "Make a token and print it once; Ferry keeps only its hash",
		Args:  func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			kind := postgres.TokenAgent
			if ci {
				kind = postgres.TokenCI
			}
			if ci == (environment != "") {
				return &usageError{errors.New("give either --environment NAME for its agents, or --ci")}
			}
			r, err := forge.ParseFullName(repo)
			if err != nil {
				return &usageError{fmt.Errorf("--repo: %w", err)}
			}
			return withStore(c.Context(), getenv, func(s *postgres.Store) error {
				if err := knownEnvironment(c.Context(), s, r, environment); err != nil {
					return err
				}
				made, err := s.CreateToken(c.Context(), forge.GitHub, r, environment, kind, name, time.Now())
				if err == nil {
					_, err = fmt.Fprintln(stdout, made)
				}
				if err == nil && !ci {
					_, err = fmt.Fprintf(c.ErrOrStderr(), "for Argo CD: %s/webhooks/argocd/%s (docs/argocd.md)\n", publicAddress(getenv), postgres.Reporter(made))
				}
				return err
			})
		},
	}
	create.Flags().StringVar(&repo, "repo", "", "the environment repository, OWNER/NAME")
	create.Flags().StringVar(&environment, "environment", "", "the environment whose agents the token is for")
	create.Flags().BoolVar(&ci, "ci", false, "a token for CI, to announce images")
	create.Flags().StringVar(&name, "name", "", "what to call it, for yourself")
	token.AddCommand(create)
	return token
}

// publicAddress is where others reach Ferry, as far as this machine knows.
func publicAddress(getenv func(string) string) string {
	return strings.TrimRight(cmp.Or(getenv("FERRY_URL"), "https://FERRY"), "/")
}

// knownEnvironment fails where the repository's .ferry.yaml, as Ferry has read it, has no such environment: a token for a mistyped one would be
// taken and do nothing.
func knownEnvironment(ctx context.Context, s *postgres.Store, repo forge.Repo, environment string) error {
	id, err := s.RepositoryNamed(ctx, forge.GitHub, repo)
	if environment == "" || errors.Is(err, postgres.ErrNotFound) { // the latter is said when the token is made
		return nil
	}
	if err != nil {
		return err
	}
	names, err := s.Environments(ctx, id)
	if err != nil || len(names) == 0 || slices.Contains(names, environment) {
		return err
	}
	return fmt.Errorf("%s has no environment %q; it has %s", repo.FullName(), environment, strings.Join(names, ", "))
}

func newReplayCommand(getenv func(string) string, stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "replay DELIVERY",
		Short: "Work a stored webhook delivery off again",
		Args:  func(c *cobra.Command, args []string) error { return usageIf(cobra.ExactArgs(1)(c, args)) },
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), getenv, func(s *postgres.Store) error {
				err := s.Replay(c.Context(), args[0])
				if errors.Is(err, postgres.ErrNotFound) {
					return fmt.Errorf("no delivery %s is stored, or none any more: they are kept for a week", args[0])
				}
				if err == nil {
					_, err = fmt.Fprintf(stdout, "delivery %s is worked off again by the Ferry that runs\n", args[0])
				}
				return err
			})
		},
	}
}

func newMigrateCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version's schema (serve does it by itself)",
		Args:  func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := readSettings(getenv)
			if err == nil && s.secrets.databaseURL == "" {
				err = errors.New("DATABASE_URL is not set")
			}
			if err != nil {
				return &usageError{err}
			}
			store, err := postgres.Open(c.Context(), s.secrets.databaseURL, slog.New(slog.DiscardHandler)) // tells a database that is not there from one that fails
			if err != nil {
				return unreachableIf(err)
			}
			store.Close()
			if err := migrations.Up(c.Context(), s.secrets.databaseURL, newLogger(s.LogFormat, stderr)); err != nil {
				return err
			}
			version, _, err := migrations.Version(c.Context(), s.secrets.databaseURL)
			if err == nil {
				_, err = fmt.Fprintf(stdout, "the database is at version %d\n", version)
			}
			return err
		},
	}
}
