package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/doctor"
)

// examination is one look at how a forge is set up.
type examination struct {
	forge    *github.Forge
	settings settings
	now      func() time.Time
	report   doctor.Report
}

func newExamination(gh *github.Forge, s settings, now func() time.Time) *examination {
	return &examination{forge: gh, settings: s, now: now}
}

// want is what Ferry asks of GitHub for these environment repositories.
func (e *examination) want(patients []doctor.Patient) doctor.Wanted {
	want := doctor.Wanted{Permissions: map[string]string{}, Optional: map[string]bool{}, Events: github.Events()}
	for _, p := range github.Permissions() {
		if !p.Organization || slices.ContainsFunc(patients, doctor.Patient.NamesTeams) {
			optional := p.Optional && !p.Organization
			want.Permissions[p.Name], want.Optional[p.Name], want.Optional[p.Event] = p.Level, optional, optional
		}
	}
	if e.settings.URL != "" {
		want.Hook = e.settings.URL + "/webhooks/github"
	}
	return want
}

// atFirstSight looks at every repository that the forge shows and reports what is wrong. It fails where the forge does not answer.
func (e *examination) atFirstSight(ctx context.Context) (doctor.Report, error) {
	return e.of(ctx, e.patientsOf)
}

// ofKnown looks at the environment repositories that Ferry knows and reports what is wrong. It fails where the forge does not answer.
func (e *examination) ofKnown(ctx context.Context, patients []doctor.Patient) (doctor.Report, error) {
	return e.of(ctx, func(_ context.Context, in forge.InstallationFacts) []doctor.Patient {
		return slices.DeleteFunc(slices.Clone(patients), func(p doctor.Patient) bool { return p.Installation != in.ID })
	})
}

// of looks at the App, at each installation, and there at the patients. What cannot be looked at is among what is found, and keeps nothing else from it.
func (e *examination) of(ctx context.Context, patientsOf func(context.Context, forge.InstallationFacts) []doctor.Patient) (doctor.Report, error) {
	app, log, err := e.app(ctx)
	if errors.Is(err, forge.ErrUnavailable) {
		return e.report, err
	}
	if err != nil { // nothing that is signed as the App is taken
		e.found(doctor.Clock(app)...)
		e.report.Miss(e.appName(), e.settings.pagesURL()+"/settings/apps", err, doctor.Everything)
		return e.report, nil
	}
	installations, err := e.installations(ctx)
	if err != nil {
		e.report.Miss("the installations of "+e.appName(), app.Settings+"/installations", err, doctor.Everything)
	}
	var all []doctor.Patient
	own := map[int64][]doctor.Patient{}
	for _, in := range installations {
		if !in.Suspended {
			own[in.ID] = patientsOf(ctx, in)
			all = append(all, own[in.ID]...)
		}
	}
	if e.settings.GitHubAppID != 0 {
		e.found(doctor.App(app, log, e.want(all))...)
	}
	for _, in := range installations {
		e.installation(ctx, in, own[in.ID])
	}
	return e.report, nil
}

func (e *examination) found(more ...doctor.Finding) {
	e.report.Findings = append(e.report.Findings, more...)
}

func (e *examination) appName() string { return fmt.Sprintf("App %d", e.settings.GitHubAppID) }

// installations returns those of the App; a plain token is its owner's.
func (e *examination) installations(ctx context.Context) ([]forge.InstallationFacts, error) {
	if e.settings.GitHubAppID == 0 {
		return []forge.InstallationFacts{{}}, nil
	}
	return e.forge.InstallationFacts(ctx)
}

// recentDeliveries is how much of the webhook's log is read.
const recentDeliveries = 100

// app returns what the forge says of the App, and the log of its webhook; nothing for a plain token. It fails where the forge does not take the App's key, and
// where it does not answer.
func (e *examination) app(ctx context.Context) (app forge.AppFacts, log []forge.SentDelivery, err error) {
	if e.settings.GitHubAppID == 0 {
		if _, err = e.forge.Client(0).Budget(ctx); errors.Is(err, forge.ErrUnavailable) { // this costs nothing
			return app, nil, err
		}
		return app, nil, nil
	}
	if app, err = e.forge.AppFacts(ctx); err != nil {
		return app, nil, err
	}
	if log, _, err = e.forge.Deliveries(ctx, e.now().Add(-24*time.Hour), recentDeliveries); err != nil {
		e.report.Miss("the deliveries of "+e.appName(), app.Settings+"/advanced", err)
	}
	return app, log, nil
}

func (e *examination) installation(ctx context.Context, in forge.InstallationFacts, patients []doctor.Patient) {
	var budget forge.Budget
	client := e.forge.Client(in.ID)
	if !in.Suspended {
		var err error
		if budget, err = client.Budget(ctx); err != nil {
			e.report.Miss("the requests left to "+installationName(in), in.Page, err)
		}
	}
	if e.settings.GitHubAppID != 0 { // a token has no installation
		e.found(doctor.Installation(in, budget, e.want(patients))...)
	}
	for _, p := range patients {
		e.repository(ctx, client, p)
	}
}

func installationName(in forge.InstallationFacts) string {
	if in.Account == "" {
		return "the owner of FERRY_GITHUB_TOKEN"
	}
	return "installation on " + in.Account
}

// repository looks at one environment repository. What GitHub refuses there keeps nothing else from being looked at.
func (e *examination) repository(ctx context.Context, client *github.Client, p doctor.Patient) {
	page := e.settings.pagesURL() + "/" + p.Repo.FullName()
	looked := doctor.Repository{Name: p.Repo.FullName(), Branch: p.Branch, Page: page, Config: p.Config, App: e.settings.GitHubAppID, Kept: promotion.StateBranch}
	var err error
	if looked.Rules, err = client.BranchRules(ctx, p.Repo, p.Branch); withheldFrom(err) {
		e.found(doctor.Unseen(looked.Name, page, err))
		return
	}
	if err == nil {
		looked.State, err = client.Rulesets(ctx, p.Repo, promotion.StateBranch)
	}
	if err == nil {
		looked.Methods, err = client.MergeMethods(ctx, p.Repo)
	}
	if err != nil && !withheldFrom(err) { // what is missing to see the methods, the installation's findings name
		e.report.Miss(looked.Name, page, err)
		return
	}
	e.found(looked.Judge()...)
}

// withheldFrom says whether the forge answered, and does not let Ferry see it.
func withheldFrom(err error) bool {
	return errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid)
}

// patientsOf returns the repositories with a .ferry.yaml that an installation shows. One that the permissions do not reach is told of by what is missing.
func (e *examination) patientsOf(ctx context.Context, in forge.InstallationFacts) (list []doctor.Patient) {
	repositories, err := e.forge.Repositories(ctx, in.ID)
	if err != nil {
		e.report.Miss(installationName(in), in.Page, err)
	}
	client := e.forge.Client(in.ID)
	for _, r := range repositories {
		p, err := e.patient(ctx, client, in, r)
		var limited *forge.RateLimited
		switch {
		case errors.As(err, &limited): // so is all the rest
			e.report.Miss(installationName(in), in.Page, err)
			return list
		case err != nil && !withheldFrom(err):
			e.report.Miss(r.FullName(), e.settings.pagesURL()+"/"+r.FullName(), err)
		case err == nil:
			list = append(list, p)
		}
	}
	return list
}

// patient reads the configuration of a repository. It fails with forge.ErrNotFound where there is none.
func (e *examination) patient(ctx context.Context, client *github.Client, in forge.InstallationFacts, r forge.Repository) (doctor.Patient, error) {
	p := doctor.Patient{Installation: in.ID, Repo: r.Repo, Branch: r.DefaultBranch}
	file, err := client.File(ctx, r.Repo, config.File, r.DefaultBranch)
	if err != nil {
		return p, err
	}
	included, err := includedAt(ctx, client, p, file.Content)
	if err != nil {
		return p, err
	}
	if parsed, err := config.Parse(config.File, file.Content, included...); err == nil {
		p.Config = parsed
	}
	return p, nil
}

// includedAt reads the files that a configuration includes, at the head of its branch. What is wrong with it, or with them, the parser says.
func includedAt(ctx context.Context, client *github.Client, p doctor.Patient, content []byte) ([]config.Included, error) {
	in, err := config.Includes(config.File, content)
	if err != nil || in.Empty() {
		return nil, nil
	}
	head, err := client.Head(ctx, p.Repo, p.Branch)
	if err != nil {
		return nil, err
	}
	tree, err := client.Tree(ctx, p.Repo, head)
	if err != nil {
		return nil, err
	}
	files := map[string]forge.SHA{}
	for _, entry := range tree.Entries {
		if in.Match(entry.Path) && entry.Size <= config.MaxIncludedSize && (entry.Mode == "100644" || entry.Mode == "100755") {
			files[entry.Path] = entry.SHA
		}
	}
	if len(files) > config.MaxIncluded {
		return nil, nil
	}
	var list []config.Included
	for _, path := range slices.Sorted(maps.Keys(files)) {
		blob, err := client.Blob(ctx, p.Repo, files[path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		list = append(list, config.Included{Path: path, Content: blob})
	}
	return list, nil
}
