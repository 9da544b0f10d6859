package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/golang-jwt/jwt/v4"
)

// AppSpec describes a GitHub App.
type AppSpec struct {
	ID            int64
	Slug          string // "ferry": its account is ferry[bot]
	Owner         string // login of the account that made it; the slug where empty
	PublicKey     []byte // PEM; App JWTs are checked with it
	WebhookURL    string // empty: it gets no webhooks
	WebhookSecret string
	Permissions   map[string]string // "contents": "write"; empty: what a promotion tool needs
	Events        []string          // what it listens to; empty: everything
}

// AddApp makes an App, or changes the one with that ID, and sends it a ping. It returns the App's own account, and fails
// on a key that is no RSA public key.
func (s *Sandbox) AddApp(spec AppSpec) (User, error) {
	made, err := newApp(spec)
	if err != nil {
		return User{}, err
	}
	s.mu.Lock()
	defer s.settle()
	a := s.st.apps[made.id]
	if a == nil {
		a = made
		a.hookID, a.created = s.st.nextID(), s.now()
		s.st.apps[a.id] = a
	} else {
		made.hookID, made.created = a.hookID, a.created
		*a = *made // installations point to it
	}
	a.bot, a.owner = s.addAccount(a.slug+"[bot]", "Bot"), s.addAccount(a.spec.Owner, "Organization")
	s.ping(a)
	return a.bot.user(), nil
}

// newApp returns what a spec describes, still without its accounts.
func newApp(spec AppSpec) (*app, error) {
	key, err := jwt.ParseRSAPublicKeyFromPEM(spec.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("sandbox: App %d: its public key: %w", spec.ID, err)
	}
	if spec.ID <= 0 || spec.Slug == "" {
		return nil, errors.New("sandbox: an App needs an ID above 0 and a slug")
	}
	if spec.Owner == "" {
		spec.Owner = spec.Slug
	}
	if len(spec.Permissions) == 0 {
		spec.Permissions = map[string]string{"contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write", "checks": "write", "deployments": "write", "merge_queues": "read", "metadata": "read"}
	}
	a := &app{id: spec.ID, slug: spec.Slug, key: key, hookURL: spec.WebhookURL, hookSecret: spec.WebhookSecret, spec: spec}
	a.permissions, a.events = maps.Clone(spec.Permissions), slices.Clone(spec.Events)
	a.permissions["metadata"] = "read"
	return a, nil
}

func (s *Sandbox) ping(a *app) {
	s.queue(a, "", "ping", "", object{
		"zen": "Keep it logically awesome.", "hook_id": a.hookID,
		"hook": object{
			"type": "App", "id": a.hookID, "name": "web", "active": true, "events": orEmpty(a.events), "app_id": a.id,
			"config":     object{"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": a.hookURL},
			"created_at": stamp(a.created), "updated_at": stamp(s.now()), "deliveries_url": s.api("/app/hook/deliveries"),
		},
	})
}
