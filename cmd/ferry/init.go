package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/survey"
)

func newInitCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	l := &offline{getenv: getenv, stdout: stdout, stderr: stderr, outputs: []string{"text", "json"}}
	var force, dryRun bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a .ferry.yaml from what the folders and files of a checkout say",
		Long: `Looks at the layout of a checkout and at the images in its files, recognises environments, their order and apps, and writes a commented
.ferry.yaml at its root. It says what it recognised, what it guessed, and what it left out and why. Nothing else is changed, and nothing
is asked.`,
		Example: `  ferry init
  ferry init -C ~/src/environments --dry-run
  ferry init --force                               # writes an existing .ferry.yaml anew
  ferry init --dry-run --output json | jq '.apps[].name'`,
		Args:              func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().BoolVar(&force, "force", false, "replace a .ferry.yaml that is there")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be written, and write nothing")
	return newLocalCommand(c, l, "nothing is recognised, or a .ferry.yaml is there already", func(ctx context.Context, _ []string) error {
		return l.initialise(ctx, force, dryRun)
	})
}

// initialise surveys the checkout and writes its configuration.
func (l *offline) initialise(ctx context.Context, force, dryRun bool) error {
	top, err := checkout.Top(l.dir)
	if err != nil {
		return err
	}
	l.dir = top
	files, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer files.Close() //nolint:errcheck // what was written was closed by itself
	if _, err := files.Stat(config.File); err == nil && !force && !dryRun {
		return fmt.Errorf("there is a %s already, in %s: check it with `ferry lint`; --dry-run shows what would be written, --force replaces it", config.File, files.Dir)
	}
	found, looked, err := l.survey(ctx, files, filepath.Base(files.Dir))
	if err != nil {
		return err
	}
	report := &initReport{Survey: found, Dir: files.Dir, Files: looked, Configuration: found.Configuration()}
	if len(found.Apps) == 0 {
		return l.tellNothing(report)
	}
	if !dryRun {
		if err := files.Create(config.File, []byte(report.Configuration), force); err != nil {
			return err
		}
		report.Written = true
	}
	if l.isJSON() {
		return l.print(report)
	}
	report.tell(l.printer(l.stdout))
	return nil
}

// survey reads the files of a checkout and recognises what they are. name is the repository's. It returns how many files it looked at.
func (l *offline) survey(ctx context.Context, c *checkout.Checkout, name string) (*survey.Survey, int, error) {
	var wanted []string
	for _, path := range c.Paths {
		if survey.Wanted(path) {
			wanted = append(wanted, path)
		}
	}
	bar := l.printer(l.stderr).Progress("looking at files", time.Now)
	defer bar.Done()
	files := make([]survey.File, len(wanted))
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range wanted {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			files[i] = surveyFile(c, path)
			mu.Lock()
			defer mu.Unlock()
			done++
			bar.Step(done, len(wanted))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	return survey.Recognise(name, files), len(wanted), nil
}

// surveyFile reads one file; what cannot be read is said by the survey where it matters.
func surveyFile(c *checkout.Checkout, path string) survey.File {
	content, _, err := c.Read(path)
	if err != nil {
		return survey.File{Path: path, Problem: err.Error()}
	}
	return survey.Read(path, content)
}

// errNothing is the error of `ferry init` where no app is recognised.
var errNothing = errors.New("no app that could be promoted is recognised")
