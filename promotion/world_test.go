package promotion_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
	"ferry/promotion/manifest"
)

const image = "ghcr.io/acme/checkout"

// world is one app in a few environments, with the facts that the database would hold. Its acts do what Ferry's acts and the forge would.
type world struct {
	t        *testing.T
	now      time.Time
	seq      int64
	ids      int64
	s        promotion.Snapshot
	wishes   map[string]promotion.PullWish     // of the open pull requests, by environment
	closed   map[string]string                 // why Ferry closed the last one, by environment
	statuses map[string]promotion.Contribution // by target, SHA and context
	numbers  int
	plan     promotion.Plan
	blocks   []promotion.Block // that people said, and nobody lifted
}

func newWorld(t *testing.T, envs ...config.Environment) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), wishes: map[string]promotion.PullWish{}, closed: map[string]string{}, statuses: map[string]promotion.Contribution{}}
	w.s = promotion.Snapshot{
		Repository: forge.Repo{ID: 1, Owner: "acme", Name: "environments"}, DefaultBranch: "main", ForgeURL: "https://forge.example",
		App:      config.App{Name: "checkout", Source: "acme/checkout", Images: []config.Image{{Name: image}}},
		Refusals: map[string]promotion.Refusal{},
	}
	for _, e := range envs {
		if e.Clusters == nil {
			e.Clusters = []string{config.DefaultCluster}
		}
		if e.ReportTimeout == 0 {
			e.ReportTimeout = 15 * time.Minute
		}
		if e.Update == "" {
			e.Update = config.UpdateNone
		}
		if e.Mode == "" {
			e.Mode = config.ModePropose
		}
		w.s.Environments = append(w.s.Environments, promotion.Environment{Environment: e, Mode: e.Mode})
	}
	return w
}

// line is dev → staging → prod, where 1.0.0 stands and has converged everywhere.
func line(t *testing.T, change ...func(staging, prod *config.Environment)) *world {
	t.Helper()
	dev, staging, prod := config.Environment{Name: "dev"}, config.Environment{Name: "staging", From: []string{"dev"}}, config.Environment{Name: "prod", From: []string{"staging"}}
	for _, c := range change {
		c(&staging, &prod)
	}
	w := newWorld(t, dev, staging, prod)
	w.baseline("1.0.0", "dev", "staging", "prod")
	return w
}

// baseline lets the tag stand in the environments at Ferry's first look, and converge there.
func (w *world) baseline(tag string, envs ...string) {
	w.t.Helper()
	w.seq++
	for _, name := range envs {
		w.stand(name, kustomization(tag), true)
	}
	for _, name := range envs {
		w.report(name, promotion.HealthHealthy)
	}
	w.look()
}

func sha(n int64) forge.SHA { return forge.SHA(fmt.Sprintf("%040x", n)) }

// kustomization returns a manifest with the image at tags, of the form tag or tag@digest.
func kustomization(tags ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:\n")
	for _, t := range tags {
		tag, digest, _ := strings.Cut(t, "@")
		fmt.Fprintf(&b, "- name: %s\n  newTag: %q # by hand\n", image, tag)
		if digest != "" {
			fmt.Fprintf(&b, "  digest: %s\n", digest)
		}
	}
	return b.String()
}

func (w *world) env(name string) *promotion.Environment {
	w.t.Helper()
	e := w.s.Find(name)
	if e == nil {
		w.t.Fatalf("there is no environment %s", name)
	}
	return e
}

// commit lets the tags stand in the environment from a new revision on: a person's commit.
func (w *world) commit(env string, tags ...string) {
	w.t.Helper()
	w.seq++
	w.stand(env, kustomization(tags...), false)
}

// stand observes content as the environment's manifest at the head.
func (w *world) stand(env, content string, baseline bool) {
	w.t.Helper()
	e := w.env(env)
	path := "apps/checkout/" + env + "/kustomization.yaml"
	f := promotion.File{Path: path, Blob: forge.SHA(fmt.Sprintf("%040x", 1_000_000+w.seq)), Content: []byte(content)}
	found, err := manifest.Find(path, []byte(content), []manifest.Target{{Name: image}})
	for _, i := range found {
		f.Images = append(f.Images, promotion.Image{Name: image, Tag: i.Tag, Digest: i.Digest})
	}
	if err != nil {
		f.Problem = err.Error()
	}
	e.Files = []promotion.File{f}
	release, problem := promotion.Standing(w.s.App, e.Files)
	if c := e.Current(); c != nil {
		if c.Problem == problem && c.Release.Same(release) {
			return
		}
		if !c.HealthyFrom.IsZero() {
			c.Soaked += w.now.Sub(c.HealthyFrom)
		}
		c.Ended, c.State, c.HealthyFrom = true, promotion.DeploymentSuperseded, time.Time{}
	}
	w.ids++
	e.History = slices.Insert(e.History, 0, promotion.Deployment{ID: w.ids, Release: release, Problem: problem, FirstSeq: w.seq, FirstSHA: sha(w.seq),
		Baseline: baseline, State: promotion.DeploymentPending, Since: w.now})
}

// report stores what the environment's agent says of the head.
func (w *world) report(env string, health promotion.Health, change ...func(*promotion.Report)) {
	w.t.Helper()
	r := promotion.Report{Cluster: config.DefaultCluster, Revision: sha(w.seq), Seq: w.seq, Health: health, ReceivedAt: w.now}
	for _, c := range change {
		c(&r)
	}
	e := w.env(env)
	i := slices.IndexFunc(e.Reports, func(old promotion.Report) bool { return old.Cluster == r.Cluster })
	if i < 0 {
		i = len(e.Reports)
		e.Reports = append(e.Reports, promotion.Report{})
	}
	if r.DegradedAt = e.Reports[i].DegradedAt; health == promotion.HealthDegraded || health == promotion.HealthFailed {
		r.DegradedAt = w.now
	}
	e.Reports[i] = r
}

func (w *world) wait(d time.Duration) { w.now = w.now.Add(d) }

// arrive lets the tag stand in the environment and converge there.
func (w *world) arrive(env, tag string) promotion.Plan {
	w.t.Helper()
	w.commit(env, tag)
	w.report(env, promotion.HealthHealthy)
	return w.look()
}

// look plans and carries the plan out, all but merges and commits, until nothing moves; planning once more must then yield nothing new.
func (w *world) look() promotion.Plan {
	w.t.Helper()
	var said promotion.Plan
	for range 5 {
		before := w.facts()
		w.plan = promotion.MakePlan(w.s, w.now)
		if w.facts() != before {
			w.t.Fatal("planning changed its snapshot")
		}
		same := w.apply(w.plan)
		if same && reflect.DeepEqual(said, w.plan) {
			return w.plan
		}
		said = w.plan
	}
	w.t.Fatalf("planning again and again never comes to rest: %+v", w.plan)
	return said
}

func (w *world) facts() string {
	raw, err := json.Marshal(w.s.Environments)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

// apply writes the plan down, and says whether there was nothing new in it.
func (w *world) apply(p promotion.Plan) (same bool) {
	w.t.Helper()
	same = len(p.Deployments)+len(p.Promotions)+len(p.IntentsDone)+len(p.HoldsEnded)+len(p.RolledBack)+len(p.Intents) == 0
	for i := range w.s.Environments {
		e := &w.s.Environments[i]
		for _, d := range p.Deployments {
			if j := slices.IndexFunc(e.History, func(x promotion.Deployment) bool { return x.ID == d.ID }); j >= 0 {
				e.History[j] = d
			}
		}
		e.Merged = slices.DeleteFunc(e.Merged, func(m promotion.Promotion) bool {
			return slices.ContainsFunc(p.Promotions, func(c promotion.PromotionChange) bool { return c.ID == m.ID })
		})
		e.Holds = slices.DeleteFunc(e.Holds, func(h promotion.Hold) bool { return slices.Contains(p.HoldsEnded, h.ID) })
		if slices.Contains(p.IntentsDone, e.Name) {
			e.Intent = nil
		}
	}
	for _, i := range p.Intents {
		w.env(i.Environment).Intent = &i.Intent
	}
	for _, r := range p.RolledBack {
		w.rolledBack(r)
	}
	for _, c := range p.Contributions {
		key := fmt.Sprint(c.Target, c.SHA, c.Context)
		same = same && w.statuses[key] == c
		w.statuses[key] = c
	}
	for _, wish := range p.Pulls {
		if !reflect.DeepEqual(w.wishes[wish.Environment], wish) {
			same = false
			w.act(wish)
		}
	}
	return same
}

// act brings a pull request to its wish, as Ferry's act does.
func (w *world) act(wish promotion.PullWish) {
	e := w.env(wish.Environment)
	if !wish.Open {
		delete(w.wishes, wish.Environment)
		w.closed[wish.Environment] = wish.Reason
		e.Pull, e.Promotion = nil, nil
		return
	}
	old := w.wishes[wish.Environment]
	w.wishes[wish.Environment] = wish
	if e.Pull == nil {
		w.numbers++
		w.ids++
		e.Pull = &promotion.Pull{Number: w.numbers, Known: true}
		e.Promotion = &promotion.Promotion{ID: w.ids, Number: w.numbers, OpenedAt: w.now}
	}
	if old.Edit != wish.Edit || old.Message != wish.Message {
		w.ids++
		e.Pull.HeadSHA = forge.SHA(fmt.Sprintf("%040x", 2_000_000+w.ids))
	}
	e.Promotion.Release, e.Promotion.Intent, e.Promotion.Asker, e.Promotion.Superseded = wish.Release, wish.Intent, wish.Asker, wish.Superseded
	e.Promotion.State, e.Promotion.Reason = promotion.PromotionOpen, wish.Asked
}

// merge merges the open pull request into the environment, and observes it.
func (w *world) merge(env string) {
	w.t.Helper()
	content := string(w.merged(env).Files[0].Content)
	w.stand(env, content, false)
}

// merged merges the open pull request at the forge: the head is not observed yet.
func (w *world) merged(env string) promotion.PullWish {
	w.t.Helper()
	wish, ok := w.wishes[env]
	if !ok {
		w.t.Fatalf("no pull request is open into %s: %s", env, w.cell(env).Why)
	}
	e := w.env(env)
	w.seq++
	m := *e.Promotion
	m.State, m.MergeSHA = promotion.PromotionMerged, sha(w.seq)
	e.Merged = append(e.Merged, m)
	e.Pull, e.Promotion = nil, nil
	delete(w.wishes, env)
	return wish
}

// reject closes the open pull request as a person does.
func (w *world) reject(env string) {
	w.t.Helper()
	e := w.env(env)
	e.Rejections = append(e.Rejections, promotion.Rejection{Release: e.Promotion.Release, Number: e.Pull.Number, Actor: "ann", At: w.now})
	e.Pull, e.Promotion = nil, nil
	delete(w.wishes, env)
}

func (w *world) cell(env string) promotion.EnvironmentView {
	w.t.Helper()
	v := w.plan.View.Find(env)
	if v == nil {
		w.t.Fatalf("the view has no %s", env)
	}
	return *v
}

// proposed fails unless exactly this tag is proposed into the environment; "" stands for nothing.
func (w *world) proposed(env, tag string) {
	w.t.Helper()
	got := ""
	if wish, ok := w.wishes[env]; ok {
		got = wish.Release.Version()
	}
	if got != tag {
		w.t.Fatalf("into %s %q is proposed, want %q; why: %s; gates: %+v", env, got, tag, w.cell(env).Why, w.cell(env).Gates)
	}
}

// gate returns the gate of that name on what is to come into the environment.
func (w *world) gate(env, name string) promotion.Gate {
	w.t.Helper()
	for _, g := range w.cell(env).Gates {
		if g.Name == name {
			return g
		}
	}
	w.t.Fatalf("no gate %s stands before %s: %+v", name, env, w.cell(env).Gates)
	return promotion.Gate{}
}

// status returns the commit status that stands on the SHA.
func (w *world) status(target string, commit forge.SHA, context string) promotion.Contribution {
	return w.statuses[fmt.Sprint(target, commit, context)]
}

func (w *world) gatesStatus(env string) promotion.Contribution {
	w.t.Helper()
	return w.status("", w.env(env).Pull.HeadSHA, promotion.GatesContext)
}

func release(tag string) promotion.Release {
	return promotion.NewRelease(promotion.ParseImage(image + ":" + tag))
}
