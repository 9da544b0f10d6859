package github

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// Events returns what the App wants to hear of.
func Events() []string { // installation and installation_repositories come unasked
	return []string{"push", "pull_request", "pull_request_review", "issue_comment", "status", "check_run", "check_suite", "merge_group"}
}

// maxAppName is how long an App's name may be.
const maxAppName = 34

// Manifest returns the JSON from which GitHub registers an App for a Ferry at ferryURL (docs.github.com, "Registering a GitHub App from a manifest").
// redirect is where GitHub leads the person then. The person can change the name there.
func Manifest(name, ferryURL, redirect string) ([]byte, error) {
	permissions := map[string]string{}
	for _, p := range Permissions() {
		if !p.Organization { // who names teams in roles adds it
			permissions[p.Name] = p.Level
		}
	}
	if len(name) > maxAppName {
		name = strings.Trim(name[:maxAppName], "-")
	}
	m := map[string]any{
		"name": name, "url": ferryURL, "public": false, "description": "Carries container images from one environment to the next by pull request.",
		"hook_attributes": map[string]any{"url": ferryURL + "/webhooks/github", "active": true}, "default_permissions": permissions, "default_events": Events(),
	}
	if redirect != "" {
		m["redirect_url"] = redirect
	}
	return json.MarshalIndent(m, "", "  ")
}

// Registered is an App that GitHub made from a manifest, with its secrets.
type Registered struct {
	ID            int64
	Page          string // where GitHub shows it
	Key           []byte // PEM
	WebhookSecret string
}

// String and GoString keep the secrets out of every format verb.
func (r Registered) String() string   { return fmt.Sprintf("App %d", r.ID) }
func (r Registered) GoString() string { return r.String() }

var codeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// Register exchanges the code with which GitHub led a person back for the App. GitHub takes each code once, for an hour. It fails with
// forge.ErrNotFound where GitHub does not take the code, and with forge.ErrUnavailable where GitHub does not answer; no error holds the code.
func Register(ctx context.Context, cfg Config, code string) (Registered, error) {
	const call = "exchanging the code of a new App"
	if !codeForm.MatchString(code) {
		return Registered{}, fmt.Errorf("%s: %w: it is no code of GitHub's", call, forge.ErrNotFound)
	}
	base, err := apiBase(cfg.APIURL)
	if err != nil {
		return Registered{}, err
	}
	cfg.Token = code // what errors must not repeat
	f := newForge(cfg, base)
	anonymous := &Client{forge: f, api: f.api(f.carrier)}
	made, _, err := anonymous.api.Apps.CompleteAppManifest(ctx, code)
	if err != nil {
		return Registered{}, anonymous.failed(call, err)
	}
	return registered(call, made)
}

func registered(call string, made *gh.AppConfig) (Registered, error) {
	r := Registered{ID: made.GetID(), Page: made.GetHTMLURL(), Key: []byte(made.GetPEM()), WebhookSecret: made.GetWebhookSecret()}
	if _, err := parseKey(r.Key); err != nil || r.ID <= 0 || r.WebhookSecret == "" {
		return Registered{}, fmt.Errorf("%s: %w: GitHub's answer lacks the App's number, key or webhook secret", call, forge.ErrUnavailable)
	}
	return r, nil
}
