package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/checkout"
	"ferry/promotion/config"
	"ferry/terminal"
)

func newPlanCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	l := &offline{getenv: getenv, stdout: stdout, stderr: stderr, outputs: []string{"text", "json"}}
	var noDiff bool
	c := &cobra.Command{
		Use:   "plan [APP…]",
		Short: "Show what is where in a checkout, and which promotions Ferry would open",
		Long: `Reads .ferry.yaml and the manifests of a checkout, and shows which release
stands in which environment and which promotion pull requests Ferry would
open, with their exact diffs: the plan and the edits are the server's own.

Files alone do not say everything. It is supposed that what stands in an
environment has converged and soaked there, that nobody holds, has frozen,
blocked or rejected anything, and that Ferry saw every release arrive: at its first look the
server proposes none of the differences that exist already, until somebody
comments /promote.`,
		Example: `  ferry plan
  ferry plan checkout cart -C ~/src/environments
  ferry plan --no-diff
  ferry plan --output json | jq '.promotions[] | {app, environment, title}'`,
		ValidArgsFunction: l.completeApps,
	}
	c.Flags().BoolVar(&noDiff, "no-diff", false, "leave the diffs out")
	return newLocalCommand(c, l, "the configuration cannot be read", func(ctx context.Context, args []string) error {
		files, err := l.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = files.Close() }() // it was only read
		desired, err := l.desired(ctx, files)
		if err != nil {
			return err
		}
		plan, err := makeLocalPlan(desired, args, !noDiff)
		if err != nil {
			return err
		}
		if l.isJSON() {
			return l.print(plan)
		}
		plan.print(l.printer(l.stdout), !noDiff)
		return nil
	})
}

// localPlan is what `ferry plan` says. Its JSON is for other people's programs: fields are added to it, and never renamed.
type localPlan struct {
	Environments []string         `json:"environments"`
	Apps         []plannedApp     `json:"apps"`
	Promotions   []localPromotion `json:"promotions"`
	NotPromoted  []notPromoted    `json:"not_promoted"`
	Misnamed     []notPromoted    `json:"misnamed"`
	Supposed     []string         `json:"supposed"`
}

type plannedApp struct {
	App          string               `json:"app"`
	Environments []plannedEnvironment `json:"environments"`
}

type plannedEnvironment struct {
	Environment string            `json:"environment"`
	Release     promotion.Release `json:"release,omitempty"`
	Version     string            `json:"version,omitempty"`
	Problem     string            `json:"problem,omitempty"`
	Files       []string          `json:"files"`
	behind      bool              // something newer is on its way
}

type localPromotion struct {
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	From        []string          `json:"from"`
	Old         promotion.Release `json:"old,omitempty"`
	New         promotion.Release `json:"new"`
	Title       string            `json:"title"`
	Branch      string            `json:"branch"`
	Mode        config.Mode       `json:"mode"`
	WaitsFor    []string          `json:"waits_for"`
	Files       []fileDiff        `json:"files"`
}

type fileDiff struct {
	Path string `json:"path"`
	Diff string `json:"diff,omitempty"`
}

type notPromoted struct {
	App         string `json:"app,omitempty"`
	Environment string `json:"environment,omitempty"`
	Path        string `json:"path,omitempty"`
	Reason      string `json:"reason"`
}

// supposedOffline is what a plan from files alone takes for granted.
func supposedOffline() []string {
	return []string{
		"what stands in an environment has converged and soaked there; only agents' reports tell",
		"nobody holds or has frozen an app or an environment, and nobody has blocked or rejected a release",
		"Ferry saw every release arrive: at its first look it proposes none of the differences that exist already, until somebody comments /promote",
		"where tags are no versions, what stands upstream is the newer one",
	}
}

// makeLocalPlan plans the named apps, or all. It fails where there is no such app.
func makeLocalPlan(d *checkout.Desired, names []string, diffs bool) (*localPlan, error) {
	plan := &localPlan{Environments: []string{}, Apps: []plannedApp{}, Promotions: []localPromotion{}, NotPromoted: []notPromoted{}, Misnamed: []notPromoted{}, Supposed: supposedOffline()}
	for _, name := range names {
		if d.App(name) == nil {
			return nil, unknownApp(d, name)
		}
	}
	for _, env := range d.Config.Order() {
		plan.Environments = append(plan.Environments, env.Name)
	}
	now := time.Now()
	for i := range d.Apps {
		if app := &d.Apps[i]; len(names) == 0 || slices.Contains(names, app.Name) {
			plan.add(app, now, diffs)
		}
	}
	if len(names) == 0 {
		for _, m := range d.Misnamed {
			plan.Misnamed = append(plan.Misnamed, notPromoted{Path: m.Path, Reason: fmt.Sprintf("no app can be called %q: %s", m.Name, m.Reason)})
		}
	}
	return plan, nil
}

// add plans one app.
func (plan *localPlan) add(app *checkout.App, now time.Time, diffs bool) {
	one := plannedApp{App: app.Name, Environments: []plannedEnvironment{}}
	environments := make([]promotion.Environment, len(app.Environments))
	for i, env := range app.Environments {
		environments[i] = env.Environment
		stands := plannedEnvironment{Environment: env.Name, Release: env.Release, Problem: env.Problem, Files: []string{}}
		if env.Problem == "" {
			stands.Version = env.Release.Version()
		}
		for _, f := range env.Files {
			stands.Files = append(stands.Files, f.Path)
		}
		one.Environments = append(one.Environments, stands)
	}
	if len(environments) == 0 {
		plan.NotPromoted = append(plan.NotPromoted, notPromoted{App: app.Name, Reason: "no file of the checkout is a manifest of it"})
	}
	for _, p := range promotion.Prospects(app.App, forge.Repo{}, environments, now) {
		plan.addProspect(app, one.Environments, p, diffs)
	}
	plan.Apps = append(plan.Apps, one)
}

// addProspect notes what would be promoted into one environment, or why nothing would.
func (plan *localPlan) addProspect(app *checkout.App, stands []plannedEnvironment, p promotion.Prospect, diffs bool) {
	switch {
	case p.New == nil && p.Stuck:
		plan.NotPromoted = append(plan.NotPromoted, notPromoted{App: app.Name, Environment: p.Environment, Reason: p.Why})
		return
	case p.New == nil:
		return
	case p.Refused != "":
		plan.NotPromoted = append(plan.NotPromoted, notPromoted{App: app.Name, Environment: p.Environment, Reason: p.New.Version() + " cannot be written: " + p.Refused})
		return
	}
	for i := range stands {
		stands[i].behind = stands[i].behind || stands[i].Environment == p.Environment
	}
	one := localPromotion{App: app.Name, Environment: p.Environment, From: p.From, Old: p.Old, New: p.New, Title: p.Title, Branch: p.Branch, Mode: p.Mode,
		WaitsFor: append([]string{}, p.Waits...), Files: fileDiffs(app.Find(p.Environment).AllFiles(), p.Files, diffs)}
	plan.Promotions = append(plan.Promotions, one)
}

// fileDiffs returns how files change.
func fileDiffs(before []promotion.File, after []forge.NewFile, diffs bool) []fileDiff {
	out := []fileDiff{}
	for _, f := range after {
		one := fileDiff{Path: f.Path}
		i := slices.IndexFunc(before, func(old promotion.File) bool { return old.Path == f.Path })
		if diffs && i >= 0 {
			one.Diff = terminal.Diff(f.Path, before[i].Content, f.Content)
		}
		out = append(out, one)
	}
	return out
}

// print writes the plan for a person.
func (plan *localPlan) print(p *terminal.Printer, diffs bool) {
	if len(plan.Apps) == 0 {
		p.Printf("No app stands in this checkout. %s says where they are; `ferry lint` says what it does not find.\n", config.File)
		return
	}
	p.Table(plan.table())
	p.Printf("\n")
	plan.printPromotions(p, diffs)
	if problems := append(slices.Clone(plan.NotPromoted), plan.Misnamed...); len(problems) > 0 {
		p.Printf("%s\n", p.Paint(terminal.Strong, "Not promoted"))
		for _, n := range problems {
			where := n.Path
			if n.App != "" {
				where = strings.TrimSuffix(n.App+" into "+n.Environment, " into ")
			}
			p.Wrapped("  "+p.Paint(terminal.Careful, "! "), p.Paint(terminal.Strong, terminal.Safe(where)+":")+" "+terminal.Safe(n.Reason))
		}
		p.Printf("\n")
	}
	if len(plan.Promotions) > 0 {
		p.Printf("%s\n", p.Paint(terminal.Faint, "Supposed, because files do not say it:"))
		for _, s := range plan.Supposed {
			p.Wrapped("  - ", p.Paint(terminal.Faint, s))
		}
		p.Printf("\n")
	}
	p.Printf("%s\n", plan.summary(diffs))
}

// summary is the last line: what a person sees first after pages of diffs.
func (plan *localPlan) summary(diffs bool) string {
	if len(plan.Promotions) == 0 && len(plan.NotPromoted) == 0 {
		return "Everything that stands upstream stands downstream too: Ferry would open no promotion."
	}
	words := "Ferry would open " + plural(len(plan.Promotions), "promotion", "promotions")
	if n := len(plan.NotPromoted); n > 0 {
		words += ", and " + plural(n, "more stands still for the reason above", "more stand still for the reasons above")
	}
	if diffs && len(plan.Promotions) > 3 {
		words += " (--no-diff lists them alone)"
	}
	return words + "."
}

// table returns the matrix of apps and environments.
func (plan *localPlan) table() [][]terminal.Cell {
	head := []terminal.Cell{{Text: "APP"}}
	for _, env := range plan.Environments {
		head = append(head, terminal.Cell{Text: strings.ToUpper(env)})
	}
	rows := [][]terminal.Cell{head}
	for _, app := range plan.Apps {
		row := []terminal.Cell{{Text: app.App}}
		for _, env := range plan.Environments {
			i := slices.IndexFunc(app.Environments, func(e plannedEnvironment) bool { return e.Environment == env })
			if i < 0 {
				row = append(row, terminal.Cell{Text: "–", Style: terminal.Faint})
				continue
			}
			row = append(row, app.Environments[i].cell())
		}
		rows = append(rows, row)
	}
	return rows
}

func (e plannedEnvironment) cell() terminal.Cell {
	switch {
	case strings.HasPrefix(e.Problem, "mixed"):
		return terminal.Cell{Text: "mixed", Style: terminal.Bad}
	case e.Problem != "":
		return terminal.Cell{Text: "unreadable", Style: terminal.Bad}
	case e.behind:
		return terminal.Cell{Text: e.Version, Style: terminal.Careful}
	}
	return terminal.Cell{Text: e.Version}
}

func (plan *localPlan) printPromotions(p *terminal.Printer, diffs bool) {
	if len(plan.Promotions) == 0 {
		return
	}
	p.Printf("%s\n", p.Paint(terminal.Strong, "Promotions"))
	for _, one := range plan.Promotions {
		p.Printf("\n%s\n", p.Paint(terminal.Strong, terminal.Safe(one.Title)))
		if one.Mode == config.ModeObserve {
			p.Printf("  mode: observe, so Ferry would only list it\n")
		}
		if len(one.WaitsFor) > 0 {
			p.Printf("  waits for %s\n", terminal.Safe(strings.Join(one.WaitsFor, ", ")))
		}
		for _, f := range one.Files {
			if diffs {
				p.Diff(f.Diff)
			} else {
				p.Printf("  %s\n", terminal.Safe(f.Path))
			}
		}
	}
	p.Printf("\n")
}
