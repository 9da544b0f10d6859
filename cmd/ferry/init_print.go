package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ferry/promotion/config"
	"ferry/promotion/survey"
	"ferry/terminal"
)

// initReport is what `ferry init` says. Its JSON is for other people's programs: fields are added to it, and never renamed.
type initReport struct {
	*survey.Survey
	Dir           string `json:"dir"`
	Files         int    `json:"files"`
	Written       bool   `json:"written"`
	Configuration string `json:"configuration"`
}

// maxRows is how many apps and things left out are shown; the file has them all.
const maxRows = 25

// tell writes the report for a person.
func (r *initReport) tell(p *terminal.Printer) {
	p.Printf("%s\n\n", p.Paint(terminal.Strong, fmt.Sprintf("Recognised %s and %s in %s of %s", plural(len(r.Environments), "environment", "environments"),
		plural(len(r.Apps), "app", "apps"), plural(r.Files, "file", "files"), terminal.Safe(r.Dir))))
	p.Table(r.environmentTable())
	p.Printf("\n")
	p.Table(r.appTable())
	if more := len(r.Apps) - maxRows; more > 0 {
		p.Printf("%s\n", p.Paint(terminal.Faint, fmt.Sprintf("and %d more apps", more)))
	}
	if !slices.ContainsFunc(r.Environments, func(e survey.Environment) bool { return len(e.From) > 0 }) {
		p.Printf("\n%s\n", p.Paint(terminal.Careful, "Nothing will be promoted yet: say in "+config.File+" with `from` which environment comes after which."))
	}
	r.tellGuesses(p)
	r.tellLeftOut(p)
	r.tellNext(p)
}

func (r *initReport) environmentTable() [][]terminal.Cell {
	rows := [][]terminal.Cell{{{Text: "ENVIRONMENT"}, {Text: "FOLDER"}, {Text: "FROM"}, {Text: "APPS"}, {Text: "WHY"}}}
	for _, e := range r.Environments {
		from, style := strings.Join(e.From, ", "), terminal.Faint
		if from == "" {
			from = "–"
		}
		if e.Guess {
			style = terminal.Careful
		}
		rows = append(rows, []terminal.Cell{{Text: e.Name}, {Text: e.Dir}, {Text: from}, {Text: strconv.Itoa(e.Apps)}, {Text: e.Why, Style: style}})
	}
	return rows
}

func (r *initReport) appTable() [][]terminal.Cell {
	rows := [][]terminal.Cell{{{Text: "APP"}, {Text: "IMAGES"}, {Text: "ENVIRONMENTS"}, {Text: "FILES"}}}
	for _, a := range r.Apps[:min(len(r.Apps), maxRows)] {
		images := strings.Join(a.Images[:min(2, len(a.Images))], ", ")
		if more := len(a.Images) - 2; more > 0 {
			images += fmt.Sprintf(" and %d more", more)
		}
		rows = append(rows, []terminal.Cell{{Text: a.Name}, {Text: images}, {Text: strings.Join(a.Environments, ", ")}, {Text: strconv.Itoa(a.Files)}})
	}
	return rows
}

func (r *initReport) tellGuesses(p *terminal.Printer) {
	if len(r.Guesses) == 0 {
		return
	}
	p.Printf("\n%s\n", p.Paint(terminal.Strong, "Guessed; please confirm"))
	for _, g := range r.Guesses {
		p.Printf("  %s %s\n", p.Paint(terminal.Careful, "?"), terminal.Safe(g))
	}
}

func (r *initReport) tellLeftOut(p *terminal.Printer) {
	if len(r.LeftOut) == 0 {
		return
	}
	p.Printf("\n%s\n", p.Paint(terminal.Strong, "Left out"))
	for _, l := range r.LeftOut[:min(len(r.LeftOut), maxRows)] {
		p.Printf("  %s %s\n", p.Paint(terminal.Faint, "–"), terminal.Safe(l.What+": "+l.Reason))
	}
	if more := len(r.LeftOut) - maxRows; more > 0 {
		p.Printf("  %s\n", p.Paint(terminal.Faint, fmt.Sprintf("and %d more: --output json has all", more)))
	}
}

// tellNext says what was written and what to do now.
func (r *initReport) tellNext(p *terminal.Printer) {
	if !r.Written {
		p.Printf("\n%s\n\n%s", p.Paint(terminal.Strong, "This would be written to "+config.File), r.Configuration)
		return
	}
	p.Printf("\n%s\n", p.Paint(terminal.Good, "Written: "+terminal.Safe(filepath.Join(r.Dir, config.File))))
	in := ""
	if pathFromHere(r.Dir) != "." {
		in = " -C " + shellQuoted(r.Dir)
	}
	demo := "."
	if in != "" {
		demo = shellQuoted(r.Dir)
	}
	p.Printf("\nNow\n")
	rows := [][]terminal.Cell{}
	for _, next := range [][2]string{
		{"  ferry lint" + in, "what the server would complain about"},
		{"  ferry plan" + in, "what is where, and which promotions Ferry would open"},
		{"  ferry demo --repo " + demo, "watch one of these apps go all the way, in a sandbox"},
	} {
		rows = append(rows, []terminal.Cell{{Text: next[0]}, {Text: next[1], Style: terminal.Faint}})
	}
	p.Table(rows)
}

// shellQuoted writes a path so that it can be pasted into a shell.
func shellQuoted(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(terminal.Safe(path), "'", `'\''`) + "'"
}

// knownLayouts is the help where nothing is recognised.
const knownLayouts = `
Ferry looks for image tags in files of which each environment has its own. Layouts that it recognises:

  apps/APP/ENV/…, APP/overlays/ENV/…, overlays/ENV/…   Kustomize: images: in each overlay, not in the base alone
  ENV/APP/…, environments/ENV/…, clusters/ENV/APP/…    plain manifests, Flux HelmReleases, Argo CD Applications
  charts/APP/values-ENV.yaml, values.ENV.yaml          Helm values
  APP-ENV.yaml, ENV.yaml, docker-compose.ENV.yml       one file for each environment

where ENV is a word such as dev, test, qa, staging, uat, production, prod-eu or 01-dev, or any folder of environments/, envs/, clusters/
or overlays/. Where yours is another, begin with this and let "ferry lint" say what is missing:

  # .ferry.yaml
  apiVersion: ferry/v1
  environments:
    - name: dev
    - {name: staging, from: [dev]}
    - {name: prod, from: [staging]}
  apps:
    - name: checkout
      images: [ghcr.io/acme/checkout]
      manifests: ["path/to/{env}/deployment.yaml"]     # {env} is the environment's folder, or part of a name
`

// tellNothing says what was seen where nothing can be promoted. It fails with that.
func (l *offline) tellNothing(r *initReport) error {
	if l.isJSON() {
		if err := l.print(r); err != nil {
			return err
		}
		return &quietError{errNothing}
	}
	p := l.printer(l.stdout)
	p.Printf("%s\n", p.Paint(terminal.Bad, fmt.Sprintf("Nothing is written: %s in %s of %s.", errNothing, plural(r.Files, "file", "files"), terminal.Safe(r.Dir))))
	r.tellLeftOut(p)
	p.Printf("%s", knownLayouts)
	return &quietError{errNothing}
}
