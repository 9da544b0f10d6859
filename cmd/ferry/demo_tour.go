package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ferry/forge"
)

// The app that the demo takes all the way, and the release.
const (
	tourApp   = "checkout"
	tourImage = "ghcr.io/acme/checkout"
	tourOld   = "1.0.0"
	tourNew   = "1.1.0"
)

// tour takes one release from dev to prod. CI announces it and a person merges; a third client looks, with a clone and with
// the forge's REST API, whether each step is really there. It never asks Ferry.
type tour struct {
	demo       *demo
	repository string // owner/name of the environment repository
	app        string
	release    string
	watch      *watcher
	ferry      string // Ferry's address
	ci         string // CI's token
	source     forge.SHA
	person     forgeClient
	third      forgeClient
	clone      clone
	start      forge.SHA // where the main branch stood before
	fleet      *fleet

	issue     string // the address of Ferry's issue
	pull      pullSeen
	revisions map[string]forge.SHA // by environment: the one that brought the release
	seen      []sight
	announced time.Time
}

// sight is one thing that the third client has seen.
type sight struct {
	At   time.Time `json:"at"`
	Step string    `json:"step"`
	Text string    `json:"seen"`
}

// step is one thing to be seen. look is asked again until it is there: it then says what it has seen.
type step struct {
	name string
	act  func(ctx context.Context) error // done once before; may be nil
	look func(ctx context.Context) (string, error)
}

// errNotYet is wrapped by what a look says while the thing is not there.
var errNotYet = errors.New("not yet")

func notYet(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNotYet, fmt.Sprintf(format, args...))
}

// steps are the way of the release.
func (t *tour) steps() []step {
	list := []step{
		{"the agents run what stands in git", nil, t.lookAtAgents(tourOld)},
		{"Ferry has had its first look", nil, t.lookAtBaseline},
		{"Ferry's issue is open", nil, t.lookAtIssue},
		{"dev has the release in git", t.announce, t.lookAtDev},
		{"dev has converged", nil, t.lookAtStatuses("dev")},
	}
	for _, env := range acmeEnvironments()[1:] {
		list = append(list,
			step{"a promotion to " + env + " is open", nil, t.lookAtPromotion(env)},
			step{"the gates of the promotion to " + env + " are open", nil, t.lookAtGates},
			step{"it is merged, and " + env + " has the release in git", t.merge, t.lookAtMerge(env)},
			step{env + " has converged", nil, t.lookAtStatuses(env)})
	}
	return append(list, step{"the agents run it", nil, t.lookAtAgents(tourNew)})
}

// run goes the steps, and fails with what was not seen when ctx ends or the time is over.
func (t *tour) run(ctx context.Context, steps []step) (err error) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, t.demo.timeout)
	defer cancel()
	var missing []string
	for _, s := range steps {
		if err == nil {
			err = t.step(ctx, s)
		}
		if err != nil {
			missing = append(missing, s.name)
		}
	}
	if saveErr := t.save(missing); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	if err == nil {
		return nil
	}
	if whole.Err() != nil {
		return fmt.Errorf("ended before it was seen: %s", missing[0])
	}
	t.watch.look()
	for _, name := range missing {
		t.demo.out.plain("not seen: %s", name)
	}
	return fmt.Errorf("not seen within %s: %s: %w", t.demo.timeout, missing[0], err)
}

func (t *tour) step(ctx context.Context, s step) error {
	if s.act != nil {
		if err := s.act(ctx); err != nil {
			return err
		}
	}
	var text string
	var last error
	err := poll(ctx, func() (bool, error) {
		found, err := s.look(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		text = found
		if errors.Is(err, errNotYet) || ctx.Err() != nil {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		if last != nil {
			return last
		}
		return err
	}
	t.watch.look() // what led to it is told first
	t.seen = append(t.seen, sight{At: time.Now().UTC(), Step: s.name, Text: text})
	if t.demo.exit {
		t.demo.out.plain("seen: %s", text)
	}
	return nil
}

// save leaves what was seen for --keep.
func (t *tour) save(missing []string) error {
	if missing == nil {
		missing = []string{}
	}
	content, err := json.MarshalIndent(map[string]any{
		"good": len(missing) == 0, "app": t.app, "release": t.release, "source": t.source, "revisions": t.revisions, "seen": t.seen, "not_seen": missing,
		"seconds": time.Since(t.demo.started).Seconds(),
	}, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(t.demo.lasting, "seen.json"), append(content, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing what was seen: %w", err)
	}
	return nil
}

// lookAtBaseline waits for Ferry's first look at the app: what is announced before it would belong to what Ferry found.
func (t *tour) lookAtBaseline(ctx context.Context) (string, error) {
	if err := t.clone.fetch(ctx); err != nil {
		return "", err
	}
	branches, err := t.clone.in(ctx, "branch", "--remotes", "--list", "origin/ferry-state")
	if err != nil {
		return "", err
	}
	if branches == "" {
		return "", notYet("%s has no branch ferry-state", demoRepository)
	}
	decisions, err := t.clone.in(ctx, "show", "origin/ferry-state:decisions.yaml")
	if err != nil {
		return "", err
	}
	if found := strings.Count(decisions, tourImage+":"+tourOld); found < len(acmeEnvironments()) {
		return "", notYet("the baseline on the branch ferry-state has %s %s in %d environments", tourApp, tourOld, found)
	}
	return fmt.Sprintf("Ferry's baseline on the branch ferry-state has %s %s in every environment", tourApp, tourOld), nil
}

// lookAtIssue finds the one issue that Ferry keeps.
func (t *tour) lookAtIssue(ctx context.Context) (string, error) {
	var issues []struct {
		Title string
		URL   string `json:"html_url"`
	}
	if err := t.third.get(ctx, "/repos/"+t.repository+"/issues?state=open", &issues); err != nil {
		return "", err
	}
	for _, i := range issues {
		if i.Title == "Ferry: what is where" {
			t.issue = i.URL
			return "the issue \"" + i.Title + "\" is open  " + i.URL, nil
		}
	}
	return "", notYet("%s has no issue \"Ferry: what is where\"", t.repository)
}

// announce is what CI does once it has built and pushed an image.
func (t *tour) announce(ctx context.Context) error {
	head, err := t.clone.in(ctx, "rev-parse", "origin/main")
	if err != nil {
		return err
	}
	t.start, t.announced = forge.SHA(head), time.Now()
	t.demo.out.event(t.announced, colorPurple, "CI announces %s:%s, built from %s/%s@%s", tourImage, tourNew, demoOwner, tourApp, t.source.Short())
	body, err := json.Marshal(map[string]any{"image": tourImage, "tag": tourNew, "commit": t.source})
	if err != nil {
		return err
	}
	var answer struct{ Apps []string }
	if err := sendJSON(ctx, http.MethodPost, t.ferry+"/api/v1/images", t.ci, strings.NewReader(string(body)), &answer); err != nil {
		return err
	}
	if len(answer.Apps) != 1 || answer.Apps[0] != tourApp {
		return fmt.Errorf("the announcement is about the apps %q, as Ferry says, and not about %s", answer.Apps, tourApp)
	}
	return nil
}

func tourFile(environment string) string {
	return "apps/" + tourApp + "/" + environment + "/kustomization.yaml"
}

// onlyTheTag fails unless exactly one line differs between two revisions: the environment's tag.
func (t *tour) onlyTheTag(ctx context.Context, from, to, environment string) error {
	list, err := t.clone.changes(ctx, from, to)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return notYet("%s does not differ from %s", to, from)
	}
	c := list[0]
	if len(list) > 1 || c.file != tourFile(environment) || c.after != strings.Replace(c.before, tourOld, tourNew, 1) {
		return fmt.Errorf("from %s to %s more than the tag of %s changed: %+v", from, to, environment, list)
	}
	return nil
}

// has says what the main branch has in an environment, and since which revision.
func (t *tour) has(ctx context.Context, environment string) (forge.SHA, error) {
	if err := t.clone.fetch(ctx); err != nil {
		return "", err
	}
	content, err := t.clone.in(ctx, "show", "origin/main:"+tourFile(environment))
	if err != nil {
		return "", err
	}
	if !strings.Contains(content, `newTag: "`+tourNew+`"`) {
		return "", notYet("%s of main has not %s", tourFile(environment), tourNew)
	}
	revision, err := t.clone.in(ctx, "log", "-1", "--first-parent", "-m", "--format=%H", "origin/main", "--", tourFile(environment))
	return forge.SHA(revision), err
}

func (t *tour) lookAtDev(ctx context.Context) (string, error) {
	revision, err := t.has(ctx, "dev")
	if err != nil {
		return "", err
	}
	if err := t.onlyTheTag(ctx, string(t.start), string(revision), "dev"); err != nil {
		return "", err
	}
	t.revisions["dev"] = revision
	return fmt.Sprintf("dev has %s %s in git at %s, and nothing but the tag changed", tourApp, tourNew, revision.Short()), nil
}

// lookAtStatuses looks for the environment's success on the revision that brought the release, and on the commit it was built from.
func (t *tour) lookAtStatuses(environment string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		revision, name := t.revisions[environment], "ferry/"+environment
		for _, at := range []struct {
			repository string
			sha        forge.SHA
		}{{demoRepository, revision}, {demoOwner + "/" + tourApp, t.source}} {
			if err := t.success(ctx, at.repository, at.sha, name); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf("%s is success on %s@%s and on %s/%s@%s", name, demoRepository, revision.Short(), demoOwner, tourApp, t.source.Short()), nil
	}
}

func (t *tour) success(ctx context.Context, repository string, sha forge.SHA, name string) error {
	var combined struct {
		Statuses []struct{ Context, State, Description string }
	}
	if err := t.third.get(ctx, fmt.Sprintf("/repos/%s/commits/%s/status", repository, sha), &combined); err != nil {
		return err
	}
	for _, s := range combined.Statuses {
		switch {
		case s.Context == name && s.State == "success":
			return nil
		case s.Context == name:
			return notYet("%s is %s on %s@%s: %s", name, s.State, repository, sha.Short(), s.Description)
		}
	}
	return notYet("%s has no status %s on %s", repository, name, sha.Short())
}

// pullSeen is a pull request as the forge's API shows it.
type pullSeen struct {
	Number int
	Title  string
	URL    string `json:"html_url"`
	Merged bool
	Commit forge.SHA `json:"merge_commit_sha"`
	Head   struct{ SHA forge.SHA }
	User   struct{ Login string }
}

func (t *tour) lookAtPromotion(environment string) func(context.Context) (string, error) {
	branch := "ferry/" + environment + "/" + tourApp
	return func(ctx context.Context) (string, error) {
		var open []pullSeen
		query := url.Values{"state": {"open"}, "head": {demoOwner + ":" + branch}}
		if err := t.third.get(ctx, "/repos/"+demoRepository+"/pulls?"+query.Encode(), &open); err != nil {
			return "", err
		}
		if len(open) == 0 {
			return "", notYet("no pull request from %s is open", branch)
		}
		t.pull = open[0]
		if len(open) > 1 || t.pull.User.Login != "ferry[bot]" {
			return "", fmt.Errorf("%d pull requests from %s are open, the first one by %s", len(open), branch, t.pull.User.Login)
		}
		if err := t.clone.fetch(ctx); err != nil {
			return "", err
		}
		fork, err := t.clone.in(ctx, "merge-base", "origin/main", "origin/"+branch)
		if err != nil {
			return "", err
		}
		if err := t.onlyTheTag(ctx, fork, "origin/"+branch, environment); err != nil {
			return "", err
		}
		return fmt.Sprintf("promotion #%d to %s is open, and its diff is only the tag  %s", t.pull.Number, environment, t.pull.URL), nil
	}
}

func (t *tour) lookAtGates(ctx context.Context) (string, error) {
	if err := t.success(ctx, t.repository, t.pull.Head.SHA, "ferry/gates"); err != nil {
		return "", err
	}
	return fmt.Sprintf("ferry/gates is success on #%d", t.pull.Number), nil
}

// merge is what a person does who releases.
func (t *tour) merge(ctx context.Context) error {
	var answer struct{ Merged bool }
	path := fmt.Sprintf("/repos/%s/pulls/%d/merge", t.repository, t.pull.Number)
	return t.person.do(ctx, http.MethodPut, path, map[string]any{"sha": t.pull.Head.SHA}, &answer)
}

func (t *tour) lookAtMerge(environment string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var p pullSeen
		if err := t.third.get(ctx, fmt.Sprintf("/repos/%s/pulls/%d", demoRepository, t.pull.Number), &p); err != nil {
			return "", err
		}
		if !p.Merged {
			return "", notYet("#%d is not merged", t.pull.Number)
		}
		revision, err := t.has(ctx, environment)
		if err != nil {
			return "", err
		}
		if revision != p.Commit {
			return "", fmt.Errorf("#%d was merged as %s, but %s came to %s with %s", p.Number, p.Commit, tourNew, environment, revision)
		}
		t.revisions[environment] = revision
		return fmt.Sprintf("#%d is merged, and %s has %s %s in git at %s", p.Number, environment, tourApp, tourNew, revision.Short()), nil
	}
}

func (t *tour) lookAtAgents(tag string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		for _, p := range t.demo.scene.places {
			if got := t.fleet.runs(p, tourImage); got != tag {
				return "", notYet("%s runs %q of %s", p, got, tourApp)
			}
		}
		return fmt.Sprintf("the agents of %s run %s %s", strings.Join(acmeEnvironments(), ", "), tourApp, tag), nil
	}
}
