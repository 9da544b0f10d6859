package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/promotion/postgres"
	"ferry/server/setup"
)

// otherReplica is how often a Ferry without an App looks whether another one of the same database was given one.
const otherReplica = 5 * time.Second

// appSecrets is what is sealed of an App.
type appSecrets struct {
	Key           string `json:"key"`
	WebhookSecret string `json:"webhook_secret"`
}

// ownApp returns the settings with the App that was registered at /setup where the environment names none. While there is none it serves /setup.
func (svc *service) ownApp(ctx context.Context, store *postgres.Store) (settings, error) {
	s := svc.settings
	if !s.lacksApp() {
		return s, nil
	}
	found, err := s.storedApp(ctx, store)
	if err == nil {
		return found, svc.sealAnew(ctx, store)
	}
	if !errors.Is(err, postgres.ErrNotFound) {
		return found, err
	}
	finished := make(chan settings, 1)
	pages, code := setup.New(setup.Config{
		URL: s.URL, Home: s.home(), PagesURL: s.pagesURL(), Metrics: svc.metrics.handler(), Now: svc.now, Logger: svc.logger,
		Manifest: func(name, redirect string) ([]byte, error) { return github.Manifest(name, s.URL, redirect) },
		Finish: func(ctx context.Context, code string) (setup.Made, error) {
			with, made, err := svc.finishSetup(ctx, store, code)
			if err == nil {
				finished <- with
			}
			return made, err
		},
	})
	svc.handler.Store(&pages)
	svc.logger.Warn("there is no GitHub App yet: open the address and give the code, which is good for one use within an hour", "address", s.URL+"/setup", "code", code)
	return s.awaitApp(ctx, store, finished, cmp.Or(svc.look, otherReplica))
}

// awaitApp waits until the setup has ended, here or at another replica.
func (s settings) awaitApp(ctx context.Context, store *postgres.Store, finished <-chan settings, every time.Duration) (settings, error) {
	look := time.NewTicker(every)
	defer look.Stop()
	for {
		select {
		case with := <-finished:
			return with, nil
		case <-ctx.Done():
			return s, ctx.Err()
		case <-look.C:
			if found, err := s.storedApp(ctx, store); err == nil || errors.Is(err, errSealedOtherwise) {
				return found, err
			}
		}
	}
}

// storedApp returns the settings with the App that is in the database. It fails with postgres.ErrNotFound where there is none.
func (s settings) storedApp(ctx context.Context, store *postgres.Store) (settings, error) {
	app, err := store.App(ctx, forge.GitHub, s.GitHubURL)
	if err != nil {
		return s, err
	}
	text, _, err := s.openApp(app)
	if err != nil {
		return s, usageIf(err)
	}
	var kept appSecrets
	if err := json.Unmarshal(text, &kept); err != nil {
		return s, fmt.Errorf("the GitHub App in the database cannot be read: %w", err)
	}
	return s.withApp(app.ID, kept), nil
}

// openApp returns the App's secrets as they were sealed, and whether that was with the key before. It fails with errSealedOtherwise where neither opens them.
func (s settings) openApp(app postgres.RegisteredApp) (text []byte, old bool, err error) {
	text, err = unseal(s.secrets.secretKey, app.Sealed, s.aboutApp(app.ID))
	if errors.Is(err, errSealedOtherwise) && s.secrets.secretKeyOld != "" {
		text, err = unseal(s.secrets.secretKeyOld, app.Sealed, s.aboutApp(app.ID))
		return text, true, err
	}
	return text, false, err
}

// sealAnew seals the App with the new key where it was sealed with the one before.
func (svc *service) sealAnew(ctx context.Context, store *postgres.Store) error {
	s := svc.settings
	if s.secrets.secretKeyOld == "" {
		return nil
	}
	app, err := store.App(ctx, forge.GitHub, s.GitHubURL)
	if err != nil {
		return err
	}
	text, old, err := s.openApp(app)
	if err != nil {
		return usageIf(err)
	}
	if old {
		sealed, err := seal(s.secrets.secretKey, text, s.aboutApp(app.ID))
		if err != nil {
			return err
		}
		if err := store.SealAnew(ctx, forge.GitHub, s.GitHubURL, app, sealed); err != nil {
			return err
		}
	}
	svc.logger.Info("the GitHub App in the database is encrypted with FERRY_SECRET_KEY: once every replica has that one, FERRY_SECRET_KEY_OLD is of no more use")
	return nil
}

func (s settings) withApp(id int64, kept appSecrets) settings {
	s.GitHubAppID, s.secrets.githubKey, s.secrets.webhookSecret = id, []byte(kept.Key), []string{kept.WebhookSecret}
	return s
}

// aboutApp is what its secrets are sealed with, so that they are no other App's.
func (s settings) aboutApp(id int64) string {
	return "github app " + strconv.FormatInt(id, 10) + " at " + s.GitHubURL
}

// finishSetup exchanges the code for the App and keeps it, encrypted. Without a key to encrypt it with, or a database that takes it, the person keeps it.
func (svc *service) finishSetup(ctx context.Context, store *postgres.Store, code string) (settings, setup.Made, error) {
	s := svc.settings
	made, err := github.Register(ctx, github.Config{APIURL: s.GitHubURL, HTTP: svc.carrier, Observe: svc.metrics.request, Logger: svc.logger}, code)
	if err != nil {
		return s, setup.Made{}, err
	}
	kept := appSecrets{Key: string(made.Key), WebhookSecret: made.WebhookSecret}
	out := setup.Made{Page: made.Page}
	switch err := s.keepApp(ctx, store, made, svc.now()); {
	case errors.Is(err, forge.ErrExists):
		return s, out, fmt.Errorf("%w: another App was set up meanwhile, and Ferry works with that one; delete this one at %s", forge.ErrExists, made.Page)
	case err != nil:
		out.Unkept = err.Error()
		out.Values = []setup.Value{{Name: "FERRY_GITHUB_APP_ID", Text: strconv.FormatInt(made.ID, 10)}, {Name: "FERRY_GITHUB_APP_KEY", Text: kept.Key}, {Name: "FERRY_GITHUB_WEBHOOK_SECRET", Text: kept.WebhookSecret}}
	}
	svc.logger.Info("setup: GitHub registered the App", "app", made.ID, "page", made.Page, "stored", out.Unkept == "")
	return s.withApp(made.ID, kept), out, nil
}

// keepApp stores the App. What it fails with is for the person who registers it.
func (s settings) keepApp(ctx context.Context, store *postgres.Store, made github.Registered, now time.Time) error {
	if s.secrets.secretKey == "" {
		return errors.New("FERRY_SECRET_KEY is not set, so Ferry does not store the App's secrets")
	}
	text, err := json.Marshal(appSecrets{Key: string(made.Key), WebhookSecret: made.WebhookSecret})
	if err != nil {
		return err
	}
	sealed, err := seal(s.secrets.secretKey, text, s.aboutApp(made.ID))
	if err != nil {
		return err
	}
	err = store.StoreApp(ctx, forge.GitHub, s.GitHubURL, postgres.RegisteredApp{ID: made.ID, Page: made.Page, Sealed: sealed}, now)
	if err != nil && !errors.Is(err, forge.ErrExists) {
		return errors.New("the database did not take the App")
	}
	return err
}
