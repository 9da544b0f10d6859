package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/promotion/lint"
	"ferry/terminal"
)

func newLintCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	l := &offline{getenv: getenv, stdout: stdout, stderr: stderr, outputs: []string{"text", "json", "sarif", "github"}}
	var strict bool
	c := &cobra.Command{
		Use:   "lint",
		Short: "Check .ferry.yaml and the manifests of a checkout, as the server would",
		Long: `Says everything about a checkout that the server would complain about: errors
and warnings of the configuration, apps that nothing is found of, files that
two apps claim, images that no manifest has, manifests that cannot be read or
edited safely, files of one environment that disagree. Each finding has a
rule, the place, and what to do.

Warnings fail only with --strict. Paths are relative to the current folder.`,
		Example: `  ferry lint
  ferry lint -C ~/src/environments --strict
  ferry lint --output github                       # annotations, in GitHub Actions
  ferry lint --output sarif > ferry.sarif          # for code scanning`,
		Args:              func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().BoolVar(&strict, "strict", false, "count warnings as errors")
	return newLocalCommand(c, l, "there are errors", func(ctx context.Context, _ []string) error {
		files, err := l.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }() // it was only read
		report, err := l.lint(ctx, files)
		if err != nil {
			return err
		}
		if strict {
			for i := range report.Findings {
				report.Findings[i].Severity = config.SeverityError
			}
		}
		if err := l.tellLint(report); err != nil {
			return err
		}
		if errs, _ := report.count(); errs > 0 {
			return &quietError{fmt.Errorf("%s", plural(errs, "error", "errors"))}
		}
		return nil
	})
}

// lintReport is what `ferry lint` says.
type lintReport struct {
	Findings                      []config.Finding
	Apps, Environments, Manifests int
}

// lint checks a checkout. What is wrong with it is in the report; it fails where it cannot be read at all.
func (l *offline) lint(ctx context.Context, files *checkout.Checkout) (*lintReport, error) {
	report := &lintReport{}
	desired, err := l.desired(ctx, files)
	var problems config.Errors
	var unreadable *checkout.UnreadableError
	switch {
	case errors.As(err, &problems):
		report.Findings = problems.Findings()
	case errors.As(err, &unreadable):
		report.Findings = []config.Finding{lint.Unreadable(unreadable.Path, unreadable.Reason)}
	case err != nil:
		return nil, err
	default:
		done := l.printer(l.stderr).Waiting("trying promotions")
		report.Findings = lint.Check(desired)
		done()
		report.Apps, report.Environments = len(desired.Apps), len(desired.Config.Environments)
		for _, app := range desired.Apps {
			for _, env := range app.Environments {
				report.Manifests += len(env.Files)
			}
		}
	}
	prefix := pathFromHere(files.Dir)
	for i := range report.Findings {
		report.Findings[i].File = path.Join(prefix, report.Findings[i].File)
	}
	return report, nil
}

// pathFromHere returns the way from the current folder down to another; nothing where it is not below.
func pathFromHere(dir string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return ""
	}
	way, err := filepath.Rel(here, dir)
	if err != nil || !filepath.IsLocal(way) {
		return ""
	}
	return filepath.ToSlash(way)
}

func (r *lintReport) count() (errs, warnings int) {
	for _, f := range r.Findings {
		if f.Severity == config.SeverityError {
			errs++
		} else {
			warnings++
		}
	}
	return errs, warnings
}

// lintJSON is the report for other people's programs: fields are added to it, and never renamed.
type lintJSON struct {
	Errors       int           `json:"errors"`
	Warnings     int           `json:"warnings"`
	Apps         int           `json:"apps"`
	Environments int           `json:"environments"`
	Manifests    int           `json:"manifests"`
	Findings     []findingJSON `json:"findings"`
}

type findingJSON struct {
	Path     string          `json:"path"`
	Line     int             `json:"line,omitempty"`
	Column   int             `json:"column,omitempty"`
	Severity config.Severity `json:"severity"`
	Rule     string          `json:"rule"`
	Message  string          `json:"message"`
	Do       string          `json:"do,omitempty"`
}

// tellLint prints the report. It fails where the output does.
func (l *offline) tellLint(r *lintReport) error {
	errs, warnings := r.count()
	switch l.output {
	case "json":
		out := lintJSON{Errors: errs, Warnings: warnings, Apps: r.Apps, Environments: r.Environments, Manifests: r.Manifests, Findings: []findingJSON{}}
		for _, f := range r.Findings {
			out.Findings = append(out.Findings, findingJSON{f.File, f.Line, f.Column, f.Severity, f.Rule, f.Message, f.Do})
		}
		return l.print(out)
	case "sarif":
		return lint.WriteSARIF(l.stdout, version(), r.Findings)
	case "github":
		if err := lint.WriteGitHub(l.stdout, r.Findings); err != nil {
			return err
		}
		r.summary(l.printer(l.stdout))
		return nil
	}
	p := l.printer(l.stdout)
	for _, f := range r.Findings {
		tellFinding(p, f)
	}
	r.summary(p)
	return nil
}

// tellFinding writes one finding in the form that editors and terminals make a link of.
func tellFinding(p *terminal.Printer, f config.Finding) {
	place := terminal.Safe(f.File)
	if f.Line > 0 {
		place += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	style := terminal.Bad
	if f.Severity != config.SeverityError {
		style = terminal.Careful
	}
	p.Printf("%s: %s: ", p.Paint(terminal.Strong, place), p.Paint(style, string(f.Severity)))
	message := terminal.Safe(f.Message) + " " + p.Paint(terminal.Faint, "["+f.Rule+"]")
	if p.IsTerminal { // elsewhere one finding is one line, as grep and editors want it
		p.Printf("\n")
		p.Wrapped("    ", message)
	} else {
		p.Printf("%s\n", message)
	}
	if f.Do != "" {
		p.Wrapped("    "+p.Paint(terminal.Place, "→ "), p.Paint(terminal.Place, terminal.Safe(f.Do)))
	}
}

func (r *lintReport) summary(p *terminal.Printer) {
	looked := ""
	if r.Environments > 0 {
		looked = fmt.Sprintf(" in %s of %s in %s", plural(r.Manifests, "manifest", "manifests"), plural(r.Apps, "app", "apps"), plural(r.Environments, "environment", "environments"))
	}
	errs, warnings := r.count()
	if errs+warnings == 0 {
		p.Printf("%s\n", p.Paint(terminal.Good, "No problems"+looked+"."))
		return
	}
	var parts []string
	if errs > 0 {
		parts = append(parts, p.Paint(terminal.Bad, plural(errs, "error", "errors")))
	}
	if warnings > 0 {
		parts = append(parts, p.Paint(terminal.Careful, plural(warnings, "warning", "warnings")))
	}
	p.Printf("%s%s.\n", strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " and "), looked)
}
