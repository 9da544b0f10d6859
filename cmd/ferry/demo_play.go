package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// play runs the demo to its end, and returns when everything it started has ended.
func (d *demo) play(ctx context.Context) (err error) {
	if d.own != nil {
		d.own.introduce(d.out)
	}
	d.out.event(d.started, colorNone, "starting a forge, a PostgreSQL and Ferry")
	st, err := d.openStage(ctx)
	defer func() { err = errors.Join(err, st.close(ctx)) }()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	watch := newWatcher(st.forge, d.out)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return st.run(ctx) })
	group.Go(func() error { return watch.run(ctx) })
	group.Go(func() error {
		err := d.act(ctx, st, watch, group)
		if d.exit {
			end()
		}
		return err
	})
	return group.Wait()
}

// act installs Ferry's App, starts the agents, takes the first app to prod, and says what a person can do then.
func (d *demo) act(ctx context.Context, st *stage, watch *watcher, group *errgroup.Group) error {
	if err := st.ready(ctx); err != nil {
		return err
	}
	d.out.event(time.Now(), colorNone, "the forge is at %s  Ferry is at %s", st.forge.URL(), st.ferry.settings.URL)
	if _, err := st.forge.AddApp(st.app); err != nil { // with its webhook, now that somebody answers it
		return err
	}
	if _, err := st.forge.Install(demoAppID, d.scene.owner); err != nil {
		return err
	}
	tokens, err := st.tokens(ctx, d.scene)
	if err != nil {
		return err
	}
	fleet := newFleet(d.out, d.scene)
	for _, place := range d.scene.places {
		group.Go(func() error { return d.runAgent(ctx, st, fleet, place, tokens.agents[place.environment]) })
	}
	t, err := d.newTour(ctx, st, watch, fleet, tokens.ci)
	if err != nil {
		return err
	}
	if d.own != nil {
		return d.showOwn(ctx, st, t)
	}
	err = t.run(ctx, t.steps())
	if d.exit || ctx.Err() != nil {
		return err
	}
	d.invite(st, t, err)
	return nil
}

func (d *demo) newTour(ctx context.Context, st *stage, watch *watcher, fleet *fleet, ci string) (*tour, error) {
	copied, err := newClone(ctx, st.forge.URL()+"/"+d.scene.repository()+".git", filepath.Join(d.temporary.path, "clone"))
	if err != nil {
		return nil, err
	}
	return &tour{demo: d, repository: d.scene.repository(), app: tourApp, release: tourNew, watch: watch, ferry: st.ferry.settings.URL, ci: ci, source: st.newest[tourApp], fleet: fleet, clone: copied, revisions: map[string]forge.SHA{},
		person: forgeClient{st.forgeAPI, st.forge.AddUser(demoReleaser).Token}, third: forgeClient{st.forgeAPI, st.forge.AddUser(demoThirdClient).Token}}, nil
}

// demoTokens are what the agents and CI show Ferry.
type demoTokens struct {
	agents map[string]string // by environment
	ci     string
}

// tokens makes what `ferry token create` makes, once Ferry knows the repository.
func (st *stage) tokens(ctx context.Context, s scene) (demoTokens, error) {
	repo, err := forge.ParseFullName(s.repository())
	if err != nil {
		return demoTokens{}, err
	}
	create := func(environment, kind string) (token string, err error) {
		err = poll(ctx, func() (bool, error) {
			token, err = st.ferry.store.CreateToken(ctx, forge.GitHub, repo, environment, kind, "demo", time.Now())
			if errors.Is(err, postgres.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		})
		return token, err
	}
	made := demoTokens{agents: map[string]string{}}
	for _, environment := range s.environments() {
		if made.agents[environment], err = create(environment, postgres.TokenAgent); err != nil {
			return made, err
		}
	}
	made.ci, err = create("", postgres.TokenCI)
	return made, err
}

// invite says what there is to look at and to do.
func (d *demo) invite(st *stage, t *tour, failed error) {
	site, ferry := st.forge.URL(), st.ferry.settings.URL
	switch {
	case failed != nil:
		d.out.plain("\n%s\nFerry's log says more: %s\n", d.out.paint(colorRed, failed.Error()), d.log.Name())
	default:
		d.out.plain("\n%s\n", d.out.paint(colorGreen, fmt.Sprintf("%s %s runs in prod, %.1f s after CI announced it. The rest is yours:",
			tourApp, tourNew, time.Since(t.announced).Seconds())))
	}
	d.out.plain("  environment repository  %s/%s", site, demoRepository)
	if t.issue != "" {
		d.out.plain("  what is where           %s  (edited at most once a minute)", t.issue)
	}
	d.out.plain("  Ferry's page            %s/", ferry)
	d.out.plain("  Ferry's log             %s", d.log.Name())
	d.out.plain("\nAnnounce a new image as CI would (the token is this demo's own and ends with it):\n\n%s\n\n%s\n",
		announcement(ferry, t.ci, "cart", "2.4.0", "", st.newest["cart"]),
		announcement(ferry, t.ci, "web", "5.1.0", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("web 5.1.0"))), st.newest["web"]))
	d.out.plain("Then merge the pull requests that come, on their pages, as %s; or close one, or comment /status, /hold, /resume, /help.", demoReleaser)
	d.out.plain("Git works too:  git clone %s/%s.git  (to push, user %s, password %s)", site, demoRepository, demoReleaser, t.person.token)
	d.out.plain("\nCtrl-C ends all of it and leaves nothing behind.\n")
}

// announcement returns the command that announces an image, for a shell.
func announcement(ferry, token, app, tag, digest string, commit forge.SHA) string {
	if digest != "" {
		digest = fmt.Sprintf(`"digest":"%s",`, digest)
	}
	return fmt.Sprintf(`  curl -sS %s/api/v1/images -H 'Authorization: Bearer %s' \
    -d '{"image":"ghcr.io/%s/%s","tag":"%s",%s"commit":"%s"}'`, ferry, token, demoOwner, app, tag, digest, commit)
}
