package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/spf13/cobra"

	"ferry/promotion"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/terminal"
)

func newPolicyCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Try the policies of .ferry.yaml",
		Args:  unknownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPolicyTestCommand(getenv, stdout, stderr))
	return c
}

func newPolicyTestCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	l := &offline{getenv: getenv, stdout: stdout, stderr: stderr, outputs: []string{"text", "json"}}
	c := &cobra.Command{
		Use:   "test [FILE…]",
		Short: "Hold the policies of .ferry.yaml to cases that you write down",
		Long: `Tries the policies of .ferry.yaml on cases: what stands in an environment, what
is to enter it, how it fares upstream, and whether the gate is then to be open,
closed or waiting. The cases stand in ` + policyCasesFile + ` beside .ferry.yaml, or
in the files that are named. docs/policy.md has their form.

The policies are compiled and evaluated as the server does it.`,
		Example: `  ferry policy test
  ferry policy test majors.yaml -C ~/src/environments`,
	}
	return newLocalCommand(c, l, "a case fails, there is none, or a file cannot be read", func(ctx context.Context, args []string) error {
		files, err := l.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }() // it was only read
		parsed, err := files.Config()
		if err != nil {
			return err
		}
		cases, err := readPolicyCases(files, args)
		if err != nil {
			return err
		}
		report := policyReport{Cases: []policyResult{}}
		for _, one := range cases {
			report.add(one.try(parsed))
		}
		return l.tellPolicies(report)
	})
}

// readPolicyCases reads the named files, or the one beside .ferry.yaml.
func readPolicyCases(files *checkout.Checkout, named []string) (all []policyCase, err error) {
	if len(named) == 0 {
		content, _, err := files.Read(policyCasesFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s in %s: write cases into it, as docs/policy.md shows, or name another file", policyCasesFile, files.Dir)
		}
		if err != nil {
			return nil, err
		}
		return parsePolicyCases(path.Join(pathFromHere(files.Dir), policyCasesFile), content)
	}
	for _, name := range named {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cases, err := parsePolicyCases(name, content)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// policyReport is what `ferry policy test` says. Its JSON is for other people's programs: fields are added to it, and never renamed.
type policyReport struct {
	Cases  []policyResult `json:"cases"`
	Failed int            `json:"failed"`
}

type policyResult struct {
	Name   string              `json:"name"`
	Path   string              `json:"path"`
	Line   int                 `json:"line"`
	Passed bool                `json:"passed"`
	Expect promotion.GateState `json:"expect"`
	State  promotion.GateState `json:"state"`
	Reason string              `json:"reason"`
	wrong  string              // why it fails
}

func (r *policyReport) add(one policyResult) {
	r.Cases = append(r.Cases, one)
	if !one.Passed {
		r.Failed++
	}
}

// tellPolicies prints the report, and fails where a case did.
func (l *offline) tellPolicies(r policyReport) error {
	if l.isJSON() {
		if err := l.print(r); err != nil {
			return err
		}
	} else {
		p := l.printer(l.stdout)
		for _, one := range r.Cases {
			place := terminal.Safe(fmt.Sprintf("%s:%d", one.Path, one.Line))
			if one.Passed {
				p.Printf("%s %s: %s\n", p.Paint(terminal.Good, "ok    "), place, terminal.Safe(one.Name))
				continue
			}
			p.Printf("%s %s: %s\n", p.Paint(terminal.Bad, "FAILED"), place, terminal.Safe(one.Name))
			p.Wrapped("       ", terminal.Safe(one.wrong))
		}
		p.Printf("%s, %d failed\n", plural(len(r.Cases), "case", "cases"), r.Failed)
	}
	if r.Failed > 0 {
		return &quietError{fmt.Errorf("%s", plural(r.Failed, "case failed", "cases failed"))}
	}
	return nil
}

// try holds the policies that are in force for the case's app and environment to the case.
func (c policyCase) try(parsed *config.Config) policyResult {
	out := policyResult{Name: c.Name, Path: c.path, Line: c.line, Expect: c.Expect}
	app, known := parsed.App(c.App)
	env, there := parsed.Settings(c.App, c.Environment)
	switch {
	case !known:
		out.wrong = fmt.Sprintf("%s has no app %q", config.File, c.App)
	case !there:
		out.wrong = fmt.Sprintf("%s has no environment %q", config.File, c.Environment)
	default:
		facts, err := c.facts(app, env)
		if err != nil {
			out.wrong = err.Error()
			break
		}
		gate := promotion.JudgePolicies(env.Policies, facts)
		out.State, out.Reason = gate.State, gate.Reason
		out.Passed, out.wrong = c.holds(gate)
	}
	if out.Reason == "" {
		out.Reason = out.wrong // nothing could be tried
	}
	return out
}
