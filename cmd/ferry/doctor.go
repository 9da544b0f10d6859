package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/promotion/config"
	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
	"ferry/terminal"
)

// recentDeliveries is how much of the webhook's log is read.
const recentDeliveries = 100

func newDoctorCommand(getenv func(string) string, stdout, stderr io.Writer) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what at GitHub is not as Ferry needs it, and what to do",
		Long: `Looks at the App, its webhook, each installation and each environment
repository, and says what is missing, what will block a merge, and what is left
unguarded, each with what to do and the page that does it. It changes nothing.

It reads the settings of ferry serve. Where the App was registered at /setup,
DATABASE_URL and FERRY_SECRET_KEY are among them. It ends with 0 where nothing
is wrong, 1 where there are problems, and 3 where GitHub cannot be reached.`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := readSettings(getenv)
			if err != nil {
				return &usageError{err}
			}
			if s, err = s.withStoredApp(c.Context(), newLogger(s.LogFormat, stderr)); err != nil {
				return err
			}
			e, err := s.examination(nil, time.Now)
			if err != nil {
				return usageIf(err)
			}
			findings, err := e.examine(c.Context())
			if err != nil {
				return err
			}
			return tellFindings(stdout, findings, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// tellFindings writes what was found, and fails where there is a problem.
func tellFindings(out io.Writer, findings []doctor.Finding, asJSON bool) error {
	problems := 0
	for _, f := range findings {
		if f.Severity == doctor.Problem {
			problems++
		}
		if !asJSON { // names and texts come from the forge
			_, _ = fmt.Fprintln(out, terminal.Safe(fmt.Sprintf("%s: %s: %s [%s]", f.Severity, f.Where, f.Message, f.Rule)))
			_, _ = fmt.Fprintln(out, terminal.Safe("  "+f.Do+linkAfter(f.Link)))
		}
	}
	if asJSON {
		if err := json.NewEncoder(out).Encode(map[string]any{"findings": append([]doctor.Finding{}, findings...)}); err != nil {
			return err
		}
	} else if problems == 0 {
		_, _ = fmt.Fprintln(out, "no problems")
	}
	if problems > 0 {
		return &quietError{fmt.Errorf("%s", plural(problems, "problem", "problems"))}
	}
	return nil
}

func linkAfter(link string) string {
	if link == "" {
		return ""
	}
	return ": " + link
}

// examination is one look at a forge.
type examination struct {
	forge *github.Forge
	want  doctor.Wanted
	pages string
	now   func() time.Time
	app   int64
	found []doctor.Finding
}

func (s settings) examination(carrier http.RoundTripper, now func() time.Time) (*examination, error) {
	gh, err := github.New(github.Config{APIURL: s.GitHubURL, AppID: s.GitHubAppID, AppKey: s.secrets.githubKey, Token: s.secrets.githubToken, HTTP: carrier, Now: now})
	if err != nil {
		return nil, err
	}
	want := doctor.Wanted{Permissions: map[string]string{}, Optional: map[string]bool{}, Events: github.Events()}
	for _, p := range github.Permissions() {
		if !p.Organization { // who names teams in roles is told by lint and by the configuration's check
			want.Permissions[p.Name], want.Optional[p.Name] = p.Level, p.Optional
		}
	}
	if s.URL != "" {
		want.Hook = s.URL + "/webhooks/github"
	}
	return &examination{forge: gh, want: want, pages: s.pagesURL(), now: now, app: s.GitHubAppID}, nil
}

// withStoredApp takes the App from the database where the environment names none.
func (s settings) withStoredApp(ctx context.Context, logger *slog.Logger) (settings, error) {
	if !s.lacksApp() || s.secrets.databaseURL == "" {
		return s, nil
	}
	store, err := postgres.Open(ctx, s.secrets.databaseURL, logger)
	if err != nil {
		return s, unreachableIf(err)
	}
	defer store.Close()
	found, err := s.storedApp(ctx, store)
	if errors.Is(err, postgres.ErrNotFound) {
		return s, nil // which is told as credentials that are missing
	}
	return found, err
}

// examine asks the forge and returns what is wrong. It fails where the forge does not answer.
func (e *examination) examine(ctx context.Context) ([]doctor.Finding, error) {
	installations, err := e.examineApp(ctx)
	if err != nil {
		return nil, err
	}
	for _, in := range installations {
		var budget forge.Budget
		if !in.Suspended {
			if budget, err = e.forge.Client(in.ID).Budget(ctx); err != nil {
				return nil, err
			}
		}
		if e.app != 0 { // a token has no installation
			e.found = append(e.found, doctor.Installation(in, budget, e.want)...)
		}
		if in.Suspended {
			continue
		}
		if err := e.examineRepositories(ctx, in); err != nil {
			return nil, err
		}
	}
	return e.found, nil
}

// examineApp looks at the App and returns its installations; a plain token is its owner's.
func (e *examination) examineApp(ctx context.Context) ([]forge.InstallationFacts, error) {
	if e.app == 0 {
		return []forge.InstallationFacts{{}}, nil
	}
	app, err := e.forge.AppFacts(ctx)
	if err != nil {
		return nil, err
	}
	log, _, err := e.forge.Deliveries(ctx, e.now().Add(-24*time.Hour), recentDeliveries)
	if err != nil {
		return nil, err
	}
	e.found = doctor.App(app, log, e.want)
	return e.forge.InstallationFacts(ctx)
}

func (e *examination) examineRepositories(ctx context.Context, in forge.InstallationFacts) error {
	repositories, err := e.forge.Repositories(ctx, in.ID)
	if err != nil {
		return err
	}
	for _, r := range repositories {
		if err := e.examineRepository(ctx, e.forge.Client(in.ID), r); err != nil {
			return err
		}
	}
	return nil
}

// examineRepository looks at a repository with a .ferry.yaml. One that the permissions do not reach is told of by what is missing.
func (e *examination) examineRepository(ctx context.Context, client *github.Client, r forge.Repository) error {
	file, err := client.File(ctx, r.Repo, config.File, r.DefaultBranch)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid) {
		return nil
	}
	if err != nil {
		return err
	}
	looked := doctor.Repository{Name: r.FullName(), Branch: r.DefaultBranch, Page: e.pages + "/" + r.FullName(), App: e.app}
	if looked.Rules, err = client.BranchRules(ctx, r.Repo, r.DefaultBranch); err != nil {
		return err
	}
	if looked.Methods, err = client.MergeMethods(ctx, r.Repo); err != nil && !errors.Is(err, forge.ErrForbidden) && !errors.Is(err, forge.ErrInvalid) {
		return err
	}
	if parsed, err := config.Parse(config.File, file.Content); err == nil {
		looked.Config = parsed
	}
	e.found = slices.Concat(e.found, looked.Judge())
	return nil
}
