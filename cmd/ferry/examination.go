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
	"ferry/promotion/config"
	"ferry/promotion/doctor"
)

// examination is one look at how a forge is set up.
type examination struct {
	forge    *github.Forge
	settings settings
	now      func() time.Time
	found    []doctor.Finding
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

// atFirstSight looks at every repository that the forge shows and returns what is wrong. It fails where the forge does not answer.
func (e *examination) atFirstSight(ctx context.Context) ([]doctor.Finding, error) {
	installations, err := e.installations(ctx)
	if err != nil {
		return nil, err
	}
	var patients []doctor.Patient
	for _, in := range installations {
		if in.Suspended {
			continue
		}
		found, err := e.patientsOf(ctx, in)
		if err != nil {
			return nil, err
		}
		patients = append(patients, found...)
	}
	return e.of(ctx, installations, patients)
}

// ofKnown looks at the environment repositories that Ferry knows and returns what is wrong. It fails where the forge does not answer.
func (e *examination) ofKnown(ctx context.Context, patients []doctor.Patient) ([]doctor.Finding, error) {
	installations, err := e.installations(ctx)
	if err != nil {
		return nil, err
	}
	return e.of(ctx, installations, patients)
}

// installations returns those of the App; a plain token is its owner's.
func (e *examination) installations(ctx context.Context) ([]forge.InstallationFacts, error) {
	if e.settings.GitHubAppID == 0 {
		return []forge.InstallationFacts{{}}, nil
	}
	return e.forge.InstallationFacts(ctx)
}

func (e *examination) of(ctx context.Context, installations []forge.InstallationFacts, patients []doctor.Patient) ([]doctor.Finding, error) {
	if err := e.app(ctx, patients); err != nil {
		return nil, err
	}
	for _, in := range installations {
		own := slices.DeleteFunc(slices.Clone(patients), func(p doctor.Patient) bool { return p.Installation != in.ID })
		if err := e.installation(ctx, in, own); err != nil {
			return nil, err
		}
	}
	return e.found, nil
}

// recentDeliveries is how much of the webhook's log is read.
const recentDeliveries = 100

func (e *examination) app(ctx context.Context, patients []doctor.Patient) error {
	if e.settings.GitHubAppID == 0 {
		return nil
	}
	app, err := e.forge.AppFacts(ctx)
	if err != nil {
		return err
	}
	log, _, err := e.forge.Deliveries(ctx, e.now().Add(-24*time.Hour), recentDeliveries)
	if err != nil {
		return err
	}
	e.found = doctor.App(app, log, e.want(patients))
	return nil
}

func (e *examination) installation(ctx context.Context, in forge.InstallationFacts, patients []doctor.Patient) error {
	var budget forge.Budget
	client := e.forge.Client(in.ID)
	if !in.Suspended {
		var err error
		if budget, err = client.Budget(ctx); err != nil {
			return err
		}
	}
	if e.settings.GitHubAppID != 0 { // a token has no installation
		e.found = append(e.found, doctor.Installation(in, budget, e.want(patients))...)
	}
	if in.Suspended {
		return nil
	}
	for _, p := range patients {
		if err := e.repository(ctx, client, p); err != nil {
			return err
		}
	}
	return nil
}

// repository looks at one environment repository. What GitHub refuses there keeps nothing else from being looked at.
func (e *examination) repository(ctx context.Context, client *github.Client, p doctor.Patient) error {
	page := e.settings.pagesURL() + "/" + p.Repo.FullName()
	looked := doctor.Repository{Name: p.Repo.FullName(), Branch: p.Branch, Page: page, Config: p.Config, App: e.settings.GitHubAppID}
	var err error
	if looked.Rules, err = client.BranchRules(ctx, p.Repo, p.Branch); withheldFrom(err) {
		e.found = append(e.found, doctor.Unseen(looked.Name, page, err))
		return nil
	}
	if err != nil {
		return err
	}
	if looked.Methods, err = client.MergeMethods(ctx, p.Repo); err != nil && !withheldFrom(err) { // what is missing for that, the installation's findings name
		return err
	}
	e.found = slices.Concat(e.found, looked.Judge())
	return nil
}

// withheldFrom says whether the forge answered, and does not let Ferry see it.
func withheldFrom(err error) bool {
	return errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid)
}

// patientsOf returns the repositories with a .ferry.yaml that an installation shows. One that the permissions do not reach is told of by what is missing.
func (e *examination) patientsOf(ctx context.Context, in forge.InstallationFacts) (list []doctor.Patient, err error) {
	repositories, err := e.forge.Repositories(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	client := e.forge.Client(in.ID)
	for _, r := range repositories {
		file, err := client.File(ctx, r.Repo, config.File, r.DefaultBranch)
		if withheldFrom(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := doctor.Patient{Installation: in.ID, Repo: r.Repo, Branch: r.DefaultBranch}
		included, err := includedAt(ctx, client, p, file.Content)
		if err != nil {
			return nil, err
		}
		if parsed, err := config.Parse(config.File, file.Content, included...); err == nil {
			p.Config = parsed
		}
		list = append(list, p)
	}
	return list, nil
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
