// Command ferry carries container images from one environment to the next by pull request, and says on the commit when they have arrived.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ferry/forge"
	"ferry/promotion/postgres/local"
	"ferry/terminal"
)

// The exit statuses.
const (
	exitGood        = 0
	exitFailed      = 1 // the thing itself failed
	exitUsage       = 2 // wrong use
	exitUnreachable = 3 // forge or database cannot be reached
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run runs one command and returns its exit status.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	root := newRoot(getenv, stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitGood
	}
	if !isQuiet(err) {
		for line := range strings.SplitSeq(err.Error(), "\n") { // which may quote a repository's files
			_, _ = fmt.Fprintln(stderr, "ferry: "+terminal.Safe(line))
		}
	}
	return exitStatus(err)
}

func newRoot(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:                        "ferry",
		Short:                      "Ferry carries container images from dev to staging to prod by pull request",
		Version:                    version(),
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		Args:                       unknownCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.CompletionOptions.DisableDefaultCmd = true // Ferry has its own
	root.AddGroup(&cobra.Group{ID: groupLocal, Title: "On a checkout, offline:"}, &cobra.Group{ID: groupServer, Title: "Around the server:"})
	add(root, groupServer, newServeCommand(getenv, stdout, stderr), newTokenCommand(getenv, stdout), newReplayCommand(getenv, stdout), newDoctorCommand(getenv, stdout, stderr), newMigrateCommand(getenv, stdout, stderr),
		newAgentCommand(getenv, stdout, stderr), newDemoCommand(getenv, stdout, stderr), newSandboxCommand(getenv, stdout, stderr))
	add(root, groupLocal, newInitCommand(getenv, stdout, stderr), newLintCommand(getenv, stdout, stderr), newPlanCommand(getenv, stdout, stderr), newBumpCommand(getenv, stdout, stderr), newPolicyCommand(getenv, stdout, stderr), newSchemaCommand(stdout))
	root.AddCommand(newCompletionCommand(stdout), newManCommand(stdout))
	return root
}

// unknownCommand refuses what is no command, and names the one that may be meant.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var meant string
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		meant = "; did you mean " + orList(near) + "?"
	}
	return &usageError{fmt.Errorf("there is no command %q%s", args[0], meant)}
}

// The groups in which the help lists the commands.
const (
	groupLocal  = "local"
	groupServer = "server"
)

// add adds commands to a group of the help.
func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// version returns what Go wrote into the binary: the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return s.Value
		}
	}
	return info.Main.Version
}

// usageError is the error of somebody who called a command wrongly.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (see --help)" }
func (e *usageError) Unwrap() error { return e.err }

func usageIf(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// unreachableError is the error of a forge or database that does not answer.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

func unreachableIf(err error) error {
	if err == nil {
		return nil
	}
	return &unreachableError{err}
}

func exitStatus(err error) int {
	var usage *usageError
	var unreachable *unreachableError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &unreachable), errors.Is(err, forge.ErrUnavailable), errors.Is(err, local.ErrNotInstalled):
		return exitUnreachable
	}
	return exitFailed
}
