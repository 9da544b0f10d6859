package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ferry/forge/github"
	"ferry/promotion/postgres"
)

// settings is what the environment says. Secrets are kept apart from what is printed.
type settings struct {
	Listen      string
	URL         string
	LogFormat   string
	PostgresBin string
	GitHubURL   string
	GitHubAppID int64
	Pace        github.Pace
	NoRegistry  bool // no request goes to a container registry
	secrets     secrets
}

// secrets has no method that prints it and no field that is exported.
type secrets struct {
	databaseURL   string
	githubKey     []byte
	githubToken   string
	webhookSecret []string
	secretKey     string // encrypts what is stored
	secretKeyOld  string // opens what was encrypted with the one before
	tokens        givenTokens
	registries    []byte // Docker's configuration, with credentials
}

// String keeps secrets out of every format verb.
func (secrets) String() string   { return "(secrets)" }
func (secrets) GoString() string { return "(secrets)" }

// String and GoString print what is no secret: the format verbs do not ask a field that is not exported how it wants to be printed.
func (s settings) String() string {
	return fmt.Sprintf("listen %s, url %s, log %s, postgres %s, github %s, app %d", s.Listen, s.URL, s.LogFormat, s.PostgresBin, s.GitHubURL, s.GitHubAppID)
}
func (s settings) GoString() string { return s.String() }

// readSettings reads the environment and reports every bad value at once.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{Listen: or(getenv("FERRY_LISTEN"), "127.0.0.1:8080"), URL: strings.TrimRight(getenv("FERRY_URL"), "/"), LogFormat: or(getenv("FERRY_LOG"), "text"),
		PostgresBin: getenv("FERRY_POSTGRES_BIN"), GitHubURL: or(getenv("FERRY_GITHUB_URL"), "https://api.github.com")}
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	if id := getenv("FERRY_GITHUB_APP_ID"); id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			note(errors.New("FERRY_GITHUB_APP_ID: the App's number is expected"))
		}
		s.GitHubAppID = n
	}
	s.Pace = github.Pace{PerMinute: count(getenv, "FERRY_GITHUB_CONTENT_PER_MINUTE", 80, note), PerHour: count(getenv, "FERRY_GITHUB_CONTENT_PER_HOUR", 500, note)}
	key, err := secret(getenv, "FERRY_GITHUB_APP_KEY")
	note(err)
	hook, err := secret(getenv, "FERRY_GITHUB_WEBHOOK_SECRET")
	note(err)
	s.secrets = secrets{databaseURL: getenv("DATABASE_URL"), githubKey: []byte(key), githubToken: strings.TrimSpace(getenv("FERRY_GITHUB_TOKEN"))}
	for _, one := range strings.Split(hook, ",") {
		if one = strings.TrimSpace(one); one != "" {
			s.secrets.webhookSecret = append(s.secrets.webhookSecret, one)
		}
	}
	note(s.secrets.readKeys(getenv))
	s.secrets.tokens, err = readTokensFile(getenv("FERRY_TOKENS_FILE"))
	note(err)
	s.secrets.registries, err = registryCredentials(getenv("FERRY_REGISTRY_AUTH_FILE"))
	note(err)
	s.NoRegistry, err = registryOff(getenv)
	note(err)
	if s.LogFormat != "json" && s.LogFormat != "text" {
		note(errors.New("FERRY_LOG: json or text is expected"))
	}
	if s.secrets.databaseURL != "" {
		note(postgres.CheckURL(s.secrets.databaseURL))
	}
	if _, port, err := net.SplitHostPort(s.Listen); err != nil || port == "" {
		note(errors.New("FERRY_LISTEN: an address with a port is expected, such as 127.0.0.1:8080 or :8080"))
	}
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(s.URL, "?#")) {
		note(errors.New("FERRY_URL: Ferry's public address is expected, without ? and #, such as https://ferry.example.com"))
	}
	return s, errors.Join(errs...)
}

// readKeys reads what is stored is encrypted with, and was before.
func (s *secrets) readKeys(getenv func(string) string) error {
	var errs []error
	for _, key := range []struct {
		name string
		into *string
	}{{"FERRY_SECRET_KEY", &s.secretKey}, {"FERRY_SECRET_KEY_OLD", &s.secretKeyOld}} {
		var err error
		if *key.into, err = secret(getenv, key.name); err == nil && *key.into != "" && len(*key.into) < minSecretKey {
			err = fmt.Errorf("%s: at least %d characters are expected, such as `openssl rand -hex 32` prints", key.name, minSecretKey)
		}
		errs = append(errs, err)
	}
	if s.secretKeyOld != "" && s.secretKey == "" {
		errs = append(errs, errors.New("FERRY_SECRET_KEY is missing beside FERRY_SECRET_KEY_OLD: it is the one that takes its place"))
	}
	return errors.Join(errs...)
}

// lacksApp says whether nothing of a GitHub App is given, nor a token instead: then one is registered at /setup.
func (s settings) lacksApp() bool {
	return s.GitHubAppID == 0 && len(s.secrets.githubKey) == 0 && s.secrets.githubToken == "" && len(s.secrets.webhookSecret) == 0
}

// needsForge adds what only a server needs.
func (s settings) needsForge() error {
	if s.lacksApp() && s.URL != "" {
		return github.CheckURL(s.GitHubURL)
	}
	var errs []error
	if s.GitHubAppID == 0 && len(s.secrets.githubKey) == 0 && s.secrets.githubToken == "" {
		errs = append(errs, errors.New("FERRY_GITHUB_APP_ID and FERRY_GITHUB_APP_KEY (or FERRY_GITHUB_TOKEN) are missing: Ferry needs credentials of a GitHub App; set FERRY_URL alone to have one registered at /setup; docs/installation.md says how"))
	} else if _, err := s.github(nil, newMetrics(), nil, nil); err != nil {
		errs = append(errs, err)
	}
	if len(s.secrets.webhookSecret) == 0 {
		errs = append(errs, errors.New("FERRY_GITHUB_WEBHOOK_SECRET is missing: Ferry takes no delivery that is not signed"))
	}
	return errors.Join(errs...)
}

// github returns the forge the settings describe.
func (s settings) github(carrier http.RoundTripper, m *metrics, now func() time.Time, logger *slog.Logger) (*github.Forge, error) {
	return github.New(github.Config{APIURL: s.GitHubURL, AppID: s.GitHubAppID, AppKey: s.secrets.githubKey, Token: s.secrets.githubToken, HTTP: carrier, Now: now, Observe: m.request, Budget: m.budget, Throttled: m.throttled,
		Pace: s.Pace, Logger: logger})
}

// pagesURL returns where people look at repositories: github.com, or the host of an Enterprise server's API.
func (s settings) pagesURL() string {
	if s.GitHubURL == "https://api.github.com" {
		return "https://github.com"
	}
	return strings.TrimSuffix(strings.TrimRight(s.GitHubURL, "/"), "/api/v3")
}

// home is the path of Ferry's public address: below it people see the pages, from whose addresses the proxy before Ferry takes it off.
func (s settings) home() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// count reads a number of 0 or more from the variable.
func count(getenv func(string) string, name string, otherwise int, note func(error)) int {
	value := getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		note(fmt.Errorf("%s: a number is expected, 0 for no bound", name))
	}
	return n
}

// secret reads a secret from the variable, or from the file that the variable with _FILE names.
func secret(getenv func(string) string, name string) (string, error) {
	value, path := getenv(name), getenv(name+"_FILE")
	switch {
	case value != "" && path != "":
		return "", fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	case path == "":
		return value, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(content)), nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func newLogger(format string, out io.Writer) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(out, nil))
	}
	return slog.New(slog.NewTextHandler(out, nil))
}

// stateDir returns the folder for what a server keeps beside its database: directly below the system's, or the user's own, state directory.
func stateDir(getenv func(string) string) (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/ferry-postgres", nil
	}
	if dir := getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "ferry-postgres"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for the database: %w; set DATABASE_URL", err)
	}
	return filepath.Join(home, ".local", "state", "ferry-postgres"), nil
}
