package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion"
	"ferry/promotion/config"
)

// ownTour takes the next release of one of a person's own apps from its first environment to its last.
type ownTour struct {
	*tour
	own   *own
	stage *stage
	links []string // of the promotions
}

// steps are the way of the release.
func (t *ownTour) steps() []step {
	j := t.own.journey
	list := []step{
		{"the agents run what stands in git", nil, t.lookAtAgents(nil)},
		{"Ferry has had its first look", nil, t.lookAtBaseline},
		{"Ferry's issue is open", nil, t.lookAtIssue},
		{"the release is in git", t.commit, t.lookAtFirst},
	}
	for _, env := range j.first {
		list = append(list, step{env + " has converged", nil, t.lookAtStatus(env)})
	}
	for _, env := range j.hops {
		list = append(list,
			step{"a promotion to " + env + " is open", nil, t.lookAtPromotion(env)},
			step{"the gates of the promotion to " + env + " are open", nil, t.lookAtGates},
			step{"it is merged, and " + env + " has the release in git", t.merge, t.lookAtMerge(env)},
			step{env + " has converged", nil, t.lookAtStatus(env)})
	}
	return append(list, step{"the agents run it", nil, t.lookAtAgents(j.next)})
}

// lookAtAgents looks what runs in the journey's environments: a release, or without one what stands in the checkout.
func (t *ownTour) lookAtAgents(want promotion.Release) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		way := slices.Concat(t.own.journey.first, t.own.journey.hops)
		for _, p := range t.demo.scene.places {
			if !slices.Contains(way, p.environment) {
				continue
			}
			version := want.Version()
			if want == nil {
				version = t.own.journey.app.Find(p.environment).Release.Version()
			}
			if got := t.fleet.runs(p, t.app); got != version {
				return "", notYet("%s runs %q of %s", p, got, t.app)
			}
		}
		if want == nil {
			return fmt.Sprintf("the agents of %s run what stands in git of %s", strings.Join(way, ", "), t.app), nil
		}
		return fmt.Sprintf("the agents of %s run %s %s", strings.Join(way, ", "), t.app, want.Version()), nil
	}
}

// lookAtBaseline waits for Ferry's first look at the app: what arrives before it would belong to what Ferry found.
func (t *ownTour) lookAtBaseline(ctx context.Context) (string, error) {
	if err := t.clone.fetch(ctx); err != nil {
		return "", err
	}
	decisions, err := t.clone.in(ctx, "show", "origin/ferry-state:decisions.yaml")
	if err != nil {
		return "", notYet("%s has no decisions.yaml on the branch ferry-state", t.repository)
	}
	line := regexp.MustCompile(`(?m)^[\s-]*app: ["']?` + regexp.QuoteMeta(t.app) + `["']?$`)
	if found := len(line.FindAllString(decisions, -1)); found < len(t.own.journey.app.Environments) {
		return "", notYet("the baseline on the branch ferry-state has %s in %d environments", t.app, found)
	}
	return "Ferry's baseline on the branch ferry-state has " + t.app + " in every environment", nil
}

// commit brings the release to the first environments, as CI or Renovate would.
func (t *ownTour) commit(ctx context.Context) error {
	j := t.own.journey
	files := map[string]string{}
	for _, name := range j.first {
		env := j.app.Find(name)
		edited, err := promotion.Edit(j.app.App, env.Environment, j.next)
		if err != nil {
			return fmt.Errorf("bumping %s in %s: %w", t.app, name, err)
		}
		for _, f := range edited {
			files[f.Path] = string(f.Content)
		}
	}
	head, err := t.clone.in(ctx, "rev-parse", "origin/main")
	if err != nil {
		return err
	}
	t.start, t.announced = forge.SHA(head), time.Now()
	t.demo.out.event(t.announced, colorPurple, "%s %s arrives in %s by a commit, as CI or Renovate would make it", t.app, j.next.Version(), strings.Join(j.first, ", "))
	_, err = t.stage.forge.Commit(t.repository, sandbox.Edit{As: demoReleaser, Message: fmt.Sprintf("%s %s in %s", t.app, j.next.Version(), strings.Join(j.first, ", ")), Files: files})
	return err
}

func (t *ownTour) lookAtFirst(ctx context.Context) (string, error) {
	for _, env := range t.own.journey.first {
		revision, err := t.has(ctx, env)
		if err != nil {
			return "", err
		}
		t.revisions[env] = revision
	}
	env := t.own.journey.first[0]
	return fmt.Sprintf("%s has %s %s in git at %s", strings.Join(t.own.journey.first, ", "), t.app, t.release, t.revisions[env].Short()), nil
}

// standing returns the release that a revision has in an environment.
func (t *ownTour) standing(ctx context.Context, revision, environment string) (promotion.Release, error) {
	app := t.own.journey.app
	var files []promotion.File
	for _, f := range app.Find(environment).Files {
		content, err := t.clone.exact(ctx, "show", revision+":"+f.Path)
		if err != nil {
			return nil, err
		}
		f.Content = []byte(content)
		for _, facts := range promotion.Placed(t.own.desired.Config, promotion.FileFacts{File: f}) {
			if facts.Place.App == t.app && facts.Place.Environment == environment {
				files = append(files, facts.File)
			}
		}
	}
	release, problem := promotion.Standing(app.App, files)
	if problem != "" {
		return nil, fmt.Errorf("%s in %s at %s: %s", t.app, environment, revision, problem)
	}
	return release, nil
}

// has says since which revision the main branch has the release in an environment.
func (t *ownTour) has(ctx context.Context, environment string) (forge.SHA, error) {
	if err := t.clone.fetch(ctx); err != nil {
		return "", err
	}
	release, err := t.standing(ctx, "origin/main", environment)
	if err != nil {
		return "", err
	}
	if release.Version() != t.own.journey.next.Version() {
		return "", notYet("main has %s %s in %s", t.app, release.Version(), environment)
	}
	args := []string{"log", "-1", "--first-parent", "-m", "--format=%H", "origin/main", "--"}
	for _, f := range t.own.journey.app.Find(environment).Files {
		args = append(args, ":(literal)"+f.Path)
	}
	revision, err := t.clone.in(ctx, args...)
	return forge.SHA(revision), err
}

// lookAtStatus looks for the environment's success on the revision that brought the release.
func (t *ownTour) lookAtStatus(environment string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		revision, name := t.revisions[environment], "ferry/"+environment
		if err := t.success(ctx, t.repository, revision, name); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is success on %s@%s", name, t.repository, revision.Short()), nil
	}
}

func (t *ownTour) lookAtPromotion(environment string) func(context.Context) (string, error) {
	branch := promotion.PromotionBranch(environment, t.own.journey.app.PromotedAs())
	return func(ctx context.Context) (string, error) {
		var open []pullSeen
		query := url.Values{"state": {"open"}, "head": {t.demo.scene.owner + ":" + branch}}
		if err := t.third.get(ctx, "/repos/"+t.repository+"/pulls?"+query.Encode(), &open); err != nil {
			return "", err
		}
		if len(open) == 0 {
			return "", notYet("no pull request from %s is open", branch)
		}
		t.pull = open[0]
		if err := t.clone.fetch(ctx); err != nil {
			return "", err
		}
		lines, err := t.onlyTheRelease(ctx, environment, "origin/"+branch)
		if err != nil {
			return "", err
		}
		t.links = append(t.links, fmt.Sprintf("%s  %s", t.pull.URL, t.pull.Title))
		return fmt.Sprintf("promotion #%d to %s is open, and its diff is only the release: %s  %s", t.pull.Number, environment, plural(lines, "line", "lines"), t.pull.URL), nil
	}
}

// onlyTheRelease fails unless a branch differs from main by files of the app in that environment alone, and has the release there. It returns
// how many lines changed.
func (t *ownTour) onlyTheRelease(ctx context.Context, environment, branch string) (lines int, err error) {
	fork, err := t.clone.in(ctx, "merge-base", "origin/main", branch)
	if err != nil {
		return 0, err
	}
	changed, err := t.clone.exact(ctx, "diff", "-z", "--no-renames", "--numstat", fork, branch)
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(changed, "\x00"), "\x00") {
		count, rest, _ := strings.Cut(line, "\t")
		_, name, _ := strings.Cut(rest, "\t")
		n, err := strconv.Atoi(count)
		if err != nil {
			return 0, notYet("%s does not differ from main by lines: %q", branch, line)
		}
		lines += n
		if !slices.ContainsFunc(t.own.desired.Config.Places(name), func(p config.Place) bool { return p.App == t.app && p.Environment == environment }) {
			return 0, fmt.Errorf("%s changes %q, which is no manifest of %s in %s", branch, name, t.app, environment)
		}
	}
	release, err := t.standing(ctx, branch, environment)
	if err == nil && release.Version() != t.own.journey.next.Version() {
		err = notYet("%s has %s %s", branch, t.app, release.Version())
	}
	return lines, err
}

func (t *ownTour) lookAtMerge(environment string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var p pullSeen
		if err := t.third.get(ctx, fmt.Sprintf("/repos/%s/pulls/%d", t.repository, t.pull.Number), &p); err != nil {
			return "", err
		}
		if !p.Merged {
			return "", notYet("#%d is not merged", t.pull.Number)
		}
		revision, err := t.has(ctx, environment)
		if err != nil {
			return "", err
		}
		t.revisions[environment] = revision
		return fmt.Sprintf("#%d is merged, and %s has %s %s in git at %s", p.Number, environment, t.app, t.release, revision.Short()), nil
	}
}

// showOwn goes the journey, and says what there is to look at then.
func (d *demo) showOwn(ctx context.Context, st *stage, t *tour) error {
	j := d.own.journey
	t.app, t.release = j.app.Name, j.next.Version()
	o := &ownTour{tour: t, own: d.own, stage: st}
	err := t.run(ctx, o.steps())
	if ctx.Err() != nil {
		return err
	}
	o.conclude(err)
	if d.exit {
		return err
	}
	d.out.plain("\nCtrl-C ends all of it and leaves nothing behind.\n")
	return nil
}

// conclude says how it went, and where to look.
func (t *ownTour) conclude(failed error) {
	d, site, j := t.demo, t.stage.forge.URL(), t.own.journey
	if failed != nil {
		d.out.plain("\n%s\nFerry's log says more: %s\n", d.out.paint(colorRed, failed.Error()), d.log.Name())
	} else {
		d.out.plain("\n%s\n", d.out.paint(colorGreen, fmt.Sprintf("%s %s went from %s to %s by %s, %.1f s after it arrived. %s is as it was.", t.app, t.release, strings.Join(j.first, " and "),
			strings.Join(j.last, " and "), plural(len(t.links), "merged promotion", "merged promotions"), time.Since(t.announced).Seconds(), t.own.from)))
	}
	for _, link := range t.links {
		d.out.plain("  promotion               %s", onTerminal(link))
	}
	d.out.plain("  the copy                %s/%s", site, t.repository)
	if t.issue != "" {
		d.out.plain("  what is where           %s  (edited at most once a minute)", t.issue)
	}
	d.out.plain("  Ferry's page            %s/", t.ferry)
	d.out.plain("  Ferry's log             %s", d.log.Name())
	if d.exit {
		return
	}
	d.out.plain("\nGo on: push a tag to %s, and merge what comes as %s; or comment /status, /hold, /promote APP, /help on Ferry's issue.", strings.Join(j.first, " or "), demoReleaser)
	d.out.plain("  git clone %s/%s.git  (to push, user %s, password %s)", site, t.repository, demoReleaser, t.person.token)
}

// introduce says what the demo is about before it begins.
func (o *own) introduce(out *printer) {
	j := o.journey
	out.plain("A copy of %s (%s); the checkout itself is only read.", onTerminal(o.from), plural(len(o.files), "file", "files"))
	for _, c := range o.changed {
		out.plain("  in the copy: %s", onTerminal(c))
	}
	out.plain("%s goes to %s: from %s to %s.", j.app.Name, j.next.Version(), strings.Join(j.first, " and "), strings.Join(j.hops, ", then "))
	out.plain("")
}
