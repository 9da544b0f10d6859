package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"ferry/forge/github"
	"ferry/promotion/doctor"
	"ferry/promotion/postgres"
	"ferry/terminal"
)

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
is wrong, 1 where there are problems, and 3 where GitHub cannot be reached.
What cannot be looked at is a problem, and keeps nothing else from being told.`,
		Args: func(c *cobra.Command, args []string) error { return usageIf(cobra.NoArgs(c, args)) },
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := readSettings(getenv)
			if err != nil {
				return &usageError{err}
			}
			if s, err = s.withStoredApp(c.Context(), newLogger(s.LogFormat, stderr)); err != nil {
				return err
			}
			gh, err := github.New(github.Config{APIURL: s.GitHubURL, AppID: s.GitHubAppID, AppKey: s.secrets.githubKey, Token: s.secrets.githubToken})
			if err != nil {
				return usageIf(err)
			}
			found, err := newExamination(gh, s, time.Now).atFirstSight(c.Context())
			if err != nil {
				return err
			}
			return tellFindings(stdout, found.Findings, asJSON)
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
