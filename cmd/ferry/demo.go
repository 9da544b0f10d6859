package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// demoOptions are the flags of `ferry demo`.
type demoOptions struct {
	listen  string // of Ferry
	forge   string // of the forge
	exit    bool
	keep    string
	timeout time.Duration
	repo    string // a checkout whose copy is promoted instead of the demo's own company
	app     string // of the checkout
}

func newDemoCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch an image go from dev to staging to prod, on a forge and a database of the demo's own",
		Long: `Watch an image go from dev to staging to prod by pull request. The demo starts a forge, a PostgreSQL, Ferry and an agent in each of three
environments, takes the first app all the way by itself, and leaves the rest to you. It needs git and PostgreSQL's programs (or DATABASE_URL,
on whose server it makes a database of its own for as long as it runs), no account and no network. ends all of it and leaves nothing behind.`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			if o.app != "" && o.repo == "" {
				return &usageError{errors.New("--app is one of the apps of --repo; give that too")}
			}
			if o.timeout <= 0 {
				return &usageError{errors.New("--timeout: more than 0 is expected, such as 2m")}
			}
			return runDemo(c.Context(), o, getenv, stdout, stderr)
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "where Ferry listens; port 0 is a free one")
	f.StringVar(&o.forge, "sandbox-listen", "127.0.0.1:0", "where the forge listens; everybody who reaches it may act as anybody there")
	f.BoolVar(&o.exit, "exit", false, "end once the first app runs in prod, as a git clone and the forge's API show it; status 1 if it does not")
	f.StringVar(&o.keep, "keep", "", "leave the repositories (git/), Ferry's log (ferry.log) and what was seen (seen.json) in this folder")
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long the first app may take to prod")
	f.StringVar(&o.repo, "repo", "", "a checkout of your environment repository: a copy of it is the demo's, and the checkout stays as it is")
	f.StringVar(&o.app, "app", "", "which app of --repo is promoted; without it the one that goes furthest")
	return c
}

// runDemo runs the demo until ctx ends, or with --exit until the first app runs in prod. It fails where that was not seen, or where
// something of the demo ended by itself.
func runDemo(ctx context.Context, o demoOptions, getenv func(string) string, stdout, stderr io.Writer) error {
	if _, err := exec.LookPath("git"); err != nil {
		return unreachableIf(errors.New("git is not installed, and the demo's forge keeps its repositories with it: install it (Debian, Ubuntu: apt-get install git; macOS: brew install git)"))
	}
	d, err := newDemo(o, getenv, stdout)
	if err != nil {
		return err
	}
	if o.repo != "" {
		err = d.openOwn(ctx, getenv, stderr)
	}
	if err == nil {
		err = d.play(ctx)
	}
	if leftErr := d.close(); leftErr != nil {
		fmt.Fprintln(stderr, "ferry: "+leftErr.Error())
	}
	if ctx.Err() != nil && !o.exit {
		return nil // somebody ended it, which is how it ends
	}
	return err
}

// demo is one run of `ferry demo`.
type demo struct {
	demoOptions
	postgresBin string
	databaseURL string
	out         *printer
	scene       scene
	own         *own // with --repo
	started     time.Time
	temporary   *demoFolder // removed at the end
	lasting     string      // of git/, ferry.log and seen.json: the folder of --keep, or below the temporary one
	log         *os.File
	logger      *slog.Logger
}

// newDemo makes the folders and the log.
func newDemo(o demoOptions, getenv func(string) string, stdout io.Writer) (d *demo, err error) {
	d = &demo{demoOptions: o, postgresBin: getenv("FERRY_POSTGRES_BIN"), databaseURL: getenv("DATABASE_URL"), out: newPrinter(stdout, getenv), scene: acmeScene(), started: time.Now()}
	if d.temporary, err = newDemoFolder(); err != nil {
		return nil, err
	}
	d.lasting = d.temporary.path
	if o.keep != "" {
		d.lasting, err = keepFolder(o.keep)
	}
	if err == nil {
		d.log, err = os.OpenFile(filepath.Join(d.lasting, "ferry.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	}
	if err != nil {
		return nil, errors.Join(err, d.temporary.close())
	}
	d.logger = newLogger("text", d.log)
	return d, nil
}

// keepFolder returns the folder of --keep, made where it is missing. It refuses one that has repositories of an earlier demo.
func keepFolder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("--keep: %w", err)
	}
	for _, name := range []string{"git", "ferry.log", "seen.json"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return "", &usageError{fmt.Errorf("--keep: %s is there already; give a new folder", filepath.Join(dir, name))}
		}
	}
	return dir, nil
}

// close says what was kept and removes the rest.
func (d *demo) close() error {
	err := errors.Join(d.log.Close(), d.temporary.close())
	switch {
	case d.keep != "":
		d.out.plain("kept: %s with git/OWNER/NAME.git, ferry.log and seen.json; the database is gone", d.lasting)
	case err == nil:
		d.out.plain("all of it has ended, and nothing is left behind")
	}
	return err
}
