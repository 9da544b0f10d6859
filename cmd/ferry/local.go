package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/terminal"
)

// offline is what the commands on a checkout share: no network, no database, no token.
type offline struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	dir            string
	output         string
	color          string
	outputs        []string // what --output may be, the default first
	printed        bool     // JSON went to stdout
}

// Explained in the help of each local command.
const localExits = `
Exit codes: 0 done, 1 %s, 2 wrong use.
No network, no database and no token is used.`

// newLocalCommand returns a command with the flags that every local command has. run is what it does.
func newLocalCommand(c *cobra.Command, l *offline, failed string, run func(ctx context.Context, args []string) error) *cobra.Command {
	c.Long = strings.TrimSpace(c.Long) + "\n" + fmt.Sprintf(localExits, failed)
	c.Flags().StringVarP(&l.dir, "dir", "C", ".", "the checkout, or a folder in it")
	c.Flags().StringVarP(&l.output, "output", "o", l.outputs[0], "what to print: "+orList(l.outputs))
	c.Flags().StringVar(&l.color, "color", string(terminal.Auto), "colours: auto (on a terminal, unless NO_COLOR is set), always or never")
	complete(c, "output", l.outputs)
	complete(c, "color", []string{string(terminal.Auto), string(terminal.Always), string(terminal.Never)})
	if err := c.MarkFlagDirname("dir"); err != nil {
		panic(err) // the flag stands three lines above
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(l.outputs, l.output) {
			return &usageError{fmt.Errorf("--output %q: write %s", l.output, orList(l.outputs))}
		}
		if _, err := terminal.ParseWhen(l.color); err != nil {
			return &usageError{err}
		}
		out := terminal.Watch(l.stdout)
		l.stdout = out
		return withOutput(l.tellError(run(c.Context(), args)), out.Err())
	}
	return c
}

// withOutput returns err with what kept the output from being written, which a program that reads it has to learn. What a command said already it did
// not say then.
func withOutput(err, output error) error {
	if output == nil {
		return err
	}
	output = fmt.Errorf("the output could not be written: %w", output)
	if err == nil || isQuiet(err) || errors.Is(err, errors.Unwrap(output)) {
		return output
	}
	return errors.Join(err, output)
}

// complete lets the shell complete the values of a flag.
func complete(c *cobra.Command, flag string, values []string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // a flag that the caller has just defined
	}
}

// printer returns the printer of an output.
func (l *offline) printer(w io.Writer) *terminal.Printer {
	return terminal.New(w, terminal.When(l.color), l.getenv)
}

// isJSON says whether the output is for a program.
func (l *offline) isJSON() bool { return l.output == "json" }

// open opens the checkout and says on stderr what is to be known of it.
func (l *offline) open(ctx context.Context) (*checkout.Checkout, error) {
	done := l.printer(l.stderr).Waiting("listing files")
	c, err := checkout.Open(ctx, l.dir)
	done()
	if err != nil {
		return nil, err
	}
	for _, note := range c.Notes {
		l.printer(l.stderr).Printf("ferry: note: %s\n", terminal.Safe(note))
	}
	return c, nil
}

// desired reads what the files of the checkout desire, with a progress bar where that takes long.
func (l *offline) desired(ctx context.Context, c *checkout.Checkout) (*checkout.Desired, error) {
	bar := l.printer(l.stderr).Progress("reading manifests", time.Now)
	defer bar.Done()
	return c.Desired(ctx, bar.Step)
}

// tellError writes why a command ended before it had anything to print, where a program reads: it gets one JSON document in any case.
// It returns err.
func (l *offline) tellError(err error) error {
	if err == nil || !l.isJSON() || l.printed {
		return err
	}
	return errors.Join(err, l.print(struct {
		Error *errorReport `json:"error"`
	}{reportOf(err)}))
}

// print writes v as JSON, for programs.
func (l *offline) print(v any) error {
	l.printed = true
	encoder := json.NewEncoder(l.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// unknownApp says that there is no such app, and which one may be meant.
func unknownApp(d *checkout.Desired, name string) error {
	names := make([]string, len(d.Apps))
	for i, app := range d.Apps {
		names[i] = app.Name
	}
	return &usageError{fmt.Errorf("%s has no app %q%s", config.File, name, meant(name, names))}
}

// unknownEnvironment says that there is no such environment, and which one may be meant.
func unknownEnvironment(c *config.Config, name string) error {
	var names []string
	for _, env := range c.Environments {
		names = append(names, env.Name)
	}
	return &usageError{fmt.Errorf("%s has no environment %q%s", config.File, name, meant(name, names))}
}

// meant names the nearest of the names, and all where they are few.
func meant(name string, names []string) string {
	switch {
	case len(names) == 0:
		return "; it has none that a file stands for"
	case len(names) <= 12:
		return fmt.Sprintf("; did you mean %s? It has %s", config.Nearest(name, names), strings.Join(names, ", "))
	}
	return fmt.Sprintf("; did you mean %s?", config.Nearest(name, names))
}

// orList writes words as a choice: a, b or c.
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// plural writes a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// quietError fails a command that has said already why.
type quietError struct{ err error }

func (e *quietError) Error() string { return e.err.Error() }
func (e *quietError) Unwrap() error { return e.err }

// isQuiet says whether the reason of a failure was printed already.
func isQuiet(err error) bool {
	var quiet *quietError
	return errors.As(err, &quiet)
}

// place is how a reason names what it is about: file:line:column, or the file alone.
var place = regexp.MustCompile(`^([^:\n]+):(?:(\d+):(\d+):)? `)

// reportOf takes a reason apart that begins with its place.
func reportOf(err error) *errorReport {
	report := &errorReport{Message: err.Error()}
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		report.Message = usage.err.Error()
	}
	if m := place.FindStringSubmatch(report.Message); m != nil && m[2] != "" {
		report.Path, report.Message = m[1], report.Message[len(m[0]):]
		report.Line, _ = strconv.Atoi(m[2])
		report.Column, _ = strconv.Atoi(m[3])
	}
	return report
}
