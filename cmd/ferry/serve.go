package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"ferry/promotion/postgres/local"
)

func newServeCommand(getenv func(string) string, _, stderr io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run Ferry: take webhooks and reports, open and follow promotions",
		Long: `Run Ferry. It is configured by the environment: FERRY_LISTEN, FERRY_URL, DATABASE_URL, FERRY_GITHUB_APP_ID, FERRY_GITHUB_APP_KEY[_FILE],
FERRY_GITHUB_WEBHOOK_SECRET[_FILE], FERRY_SECRET_KEY[_FILE], FERRY_SECRET_KEY_OLD[_FILE], FERRY_GITHUB_TOKEN, FERRY_GITHUB_URL, FERRY_TOKENS_FILE, FERRY_REGISTRY, FERRY_REGISTRY_AUTH_FILE, FERRY_POSTGRES_BIN, FERRY_LOG. docs/installation.md explains each.
Without an App it serves /setup below FERRY_URL, where GitHub registers one. Without DATABASE_URL it starts a private PostgreSQL from the installed binaries.`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := readSettings(getenv)
			if err := errors.Join(err, s.needsForge()); err != nil {
				return &usageError{err}
			}
			svc := newService(s, nil, time.Now, newLogger(s.LogFormat, stderr))
			if err := svc.readRegistries(); err != nil {
				return &usageError{err}
			}
			return svc.serve(c.Context(), getenv)
		},
	}
}

// serve listens, finds or starts the database, and runs the service until ctx ends.
func (svc *service) serve(ctx context.Context, getenv func(string) string) error {
	s, logger := svc.settings, svc.logger
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listening on FERRY_LISTEN: %w", err)
	}
	var private *local.Server
	err = svc.run(ctx, listener, func(ctx context.Context) error {
		url := s.secrets.databaseURL
		if url == "" {
			if private, err = startPrivate(ctx, s, getenv, logger); err != nil {
				return err
			}
			url = private.URL()
			logger.Info("private PostgreSQL runs", "DATABASE_URL", url) // it holds no secret: the socket's folder is what guards it
		}
		return svc.open(ctx, url)
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // somebody stopped it before it was ready
	}
	svc.close()
	if private != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopJobs)
		defer cancel()
		if stopErr := private.Stop(stop); err == nil {
			err = stopErr
		}
	}
	return err
}

// startPrivate starts the private PostgreSQL of an installation without DATABASE_URL.
func startPrivate(ctx context.Context, s settings, getenv func(string) string, logger *slog.Logger) (*local.Server, error) {
	dir, err := stateDir(getenv)
	if err != nil {
		return nil, err
	}
	return local.Start(ctx, local.Options{Dir: dir, Bin: s.PostgresBin, Logger: logger})
}
