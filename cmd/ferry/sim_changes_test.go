package main

import (
	"fmt"
	"slices"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// What stands here lets .ferry.yaml change, and says what may follow from that, and from a wrong one nothing.

// stormConfigs are what .ferry.yaml says in turn where it changes: other gates, other orders of the environments, fewer of them, and other groups.
func stormConfigs() []string {
	const top, apps = "apiVersion: ferry/v1\nmode: release\nenvironments:\n  - {name: dev}\n", `apps:
  - {discover: "apps/{app}/{env}/kustomization.yaml", images: ["ghcr.io/acme/{app}"]}
`
	return []string{
		stormTogether.config(),
		stormOrdered.config(),
		top + `  - {name: staging, from: [dev]}
  - {name: prod, from: [staging], supersede: queue, approvals: 1, merge: auto, unprotected: allow}
` + apps + "  - {name: web, group: shop}\n  - {name: zebra, group: shop}\n",
		top + `  - {name: canary, from: [dev], merge: auto, unprotected: allow}
  - {name: staging, from: [canary], soak: 5m, policy: 'release.version != "1.2.0"'}
  - {name: prod, from: {any: [canary, staging]}, supersede: batch, window: 10m, mode: propose}
` + apps + "  - {name: cart, group: shop}\n  - {name: web, group: shop}\n  - {name: zebra, group: shop}\n",
		top + `  - {name: staging, from: [dev], merge: auto, unprotected: allow, rollback: auto}
  - {name: canary, from: [dev], max_open: 1}
  - {name: prod, from: [staging], mode: observe}
` + apps + "  - {name: cart, group: other}\n  - {name: web, group: shop}\n",
	}
}

// reconfigure lets dora change .ferry.yaml, now and then to something wrong.
func (w *storm) reconfigure() {
	if w.r.IntN(4) == 0 {
		w.breaks()
		return
	}
	text := w.pick(stormConfigs()) + fmt.Sprintf("# %d\n", w.r.Uint32())
	w.note("dora changes .ferry.yaml:\n%s", text)
	w.good, w.broken = text, false
	w.commitFile(config.File, text)
}

// breaks lets dora commit a configuration that is wrong.
func (w *storm) breaks() {
	text := strings.Replace(w.good, "environments:\n", w.pick([]string{"aprovals: 2\nenvironments:\n", "environments:\n  - {name: dev\n", "environments:\n  - {name: qa, from: [nowhere]}\n"}), 1)
	w.note("dora breaks .ferry.yaml")
	w.broken = true
	w.commitFile(config.File, text+fmt.Sprintf("# %d\n", w.r.Uint32()))
	w.met["a broken configuration"]++
}

// inForce returns the configuration that Ferry obeys.
func (w *storm) inForce() *config.Config {
	w.t.Helper()
	text := query[string](w.harness, `
		select coalesce((select convert_from(b.content, 'UTF8') from repositories r join blobs b on b.repository = r.id and b.sha = r.config_blob where r.owner = 'acme' and r.name = 'environments'), $1)`, w.good)
	if w.parsed[text] == nil {
		c, err := config.Parse(config.File, []byte(text))
		if err != nil {
			w.t.Fatalf("in force is a configuration that is wrong: %v\n%s", err, text)
		}
		w.parsed[text] = c
	}
	return w.parsed[text]
}

// configStands fails unless the newest configuration that is right is in force, and what is wrong with a newer one is told.
func (w *storm) configStands() {
	w.t.Helper()
	if now := w.inForce(); !w.broken && w.parsed[w.good] != now { // a right one that Ferry found already broken again never was in force
		w.t.Errorf("not in force is\n%s", w.good)
	}
	sha := query[string](w.harness, `select config_sha from repositories where owner = 'acme' and name = 'environments'`)
	if status := w.statuses(acmeEnv, forge.SHA(sha))["ferry/config"]; w.broken != (status.State == string(forge.Failure)) {
		w.t.Errorf("the configuration is broken: %t, and ferry/config on %.7s says %+v", w.broken, sha, status)
	}
	for _, p := range w.promotions("open") {
		env := strings.Split(p.Head.Ref, "/")[1]
		own := query[bool](w.harness, `select exists (select from commits c where c.sha = $1)`, p.Head.SHA)
		if settings, ok := w.inForce().Environment(env); own && (!ok || settings.Mode == config.ModeObserve) {
			w.t.Errorf("#%d is open into %s, where nothing may be: there %t, %s", p.Number, env, ok, settings.Mode)
		}
	}
	if w.kind == stormChanging && !w.broken && w.r.IntN(2) == 0 {
		w.brokenChangesNothing()
	}
}

// brokenChangesNothing breaks the configuration while nothing is left to do. Nothing follows but that it is told.
func (w *storm) brokenChangesNothing() {
	w.t.Helper()
	before := len(w.crash.writes)
	w.breaks()
	w.everything()
	for _, x := range w.crash.writes[before:] {
		isStatus, isBoard := strings.Contains(x.path, "/statuses/") || strings.Contains(x.path, "/check-runs"), strings.HasSuffix(x.path, fmt.Sprint("/issues/", w.boards()[0].Number))
		if !isStatus && !isBoard || strings.Contains(x.body, `"ferry/gates"`) {
			w.t.Errorf("a configuration that is wrong makes Ferry %s %s %s", x.method, x.path, x.body)
		}
	}
	w.looked = len(w.crash.writes)
}

// ofTrains lets dora take an app out of a train, or let one on that stays behind.
func (w *storm) ofTrains() {
	list := w.boards()
	if len(list) == 0 {
		return
	}
	app, env := w.pick(w.apps), w.pick(stormEnvironments()[1:])
	words := w.pick([]string{"/drop APP ENV", "/override soak APP ENV we know", "/override checks APP ENV we know", "/override checks APP ENV we know", "/override policy APP ENV we know", "/override upstream APP ENV we know"})
	words = strings.NewReplacer("APP", app, "ENV", env).Replace(words)
	w.note("dora says %q", words)
	_, err := w.harness.forge.Comment(acmeEnv, list[0].Number, "dora", words)
	w.noted("comment", err)
}

// letOn says whether somebody let the release onto its train in spite of the gate, in the place of what stands there as far as Ferry has read.
func (w *storm) letOn(env, gate string, c stormCar) bool {
	w.t.Helper()
	on := query[bool](w.harness, `
		select exists (select from waived v join deployments d on d.repository = v.repository and d.app = v.app and d.environment = v.environment and d.last_seq is null
		  where v.environment = $1 and v.gate = $2 and v.app = $3 and v.release -> 0 ->> 'tag' = $4 and v.came_from = d.release)`, env, gate, c.App, c.Tag)
	if on {
		w.met["let onto a train"]++
	}
	return on
}

// decisionsStand fails unless the branch ferry-state says what the database does (rule 10).
func (w *storm) decisionsStand() {
	w.t.Helper()
	count := func(table string) int { return query[int](w.harness, `select count(*) from `+table) }
	rows := []int{count("holds where lifted_at is null"), count("freezes where lifted_at is null"), count("blocks where lifted_at is null"), count("drops"), count("waived"), count("intents")}
	var d promotion.Decisions
	if heads := w.branchHeads(); slices.Contains(heads, promotion.StateBranch) {
		var err error
		if d, err = promotion.ParseDecisions([]byte(w.file(acmeEnv, promotion.StateBranch, promotion.StateFile))); err != nil {
			w.t.Fatal(err)
		}
	}
	if said := []int{len(d.Holds), len(d.Freezes), len(d.Blocks), len(d.Drops), len(d.Waived), len(d.Asked)}; !slices.Equal(said, rows) {
		w.t.Errorf("of holds, freezes, blocks, drops, overrides and what was asked for %s has %v, and the database %v", promotion.StateFile, said, rows)
	}
	if len(d.Waived) > 0 {
		w.met["waived"]++
	}
	if len(d.Drops) > 0 {
		w.met["taken out of a train"]++
	}
}

func (w *storm) branchHeads() (names []string) {
	w.t.Helper()
	var list []struct{ Name string }
	w.api("/repos/"+acmeEnv+"/branches?per_page=100", &list)
	for _, b := range list {
		names = append(names, b.Name)
	}
	return names
}

// nothingGreenIsLeft fails where every gate of a promotion is open that Ferry merges by itself, and it does not.
func (w *storm) nothingGreenIsLeft() {
	w.t.Helper()
	for _, p := range w.promotions("open") {
		env, ok := w.inForce().Environment(strings.Split(p.Head.Ref, "/")[1])
		known := query[bool](w.harness, `select exists (select from commits c where c.sha = $1)`, p.Head.SHA)
		if !ok || !known || !env.AutoMerge || env.Mode != config.ModeRelease || w.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State != "success" {
			continue
		}
		rolledBack := query[int](w.harness, `select count(*) from holds h join promotions m on m.app = h.app and m.environment = h.environment where h.lifted_at is null and h.rolled_back <> '[]' and m.number = $1`, p.Number)
		urgent := slices.ContainsFunc(w.cars(p.Number), func(c stormCar) bool { return c.Intent != "promotion" })
		refused := query[string](w.harness, `select coalesce(string_agg(refusal, '; '), '') from wishes where kind = 'merge' and refusal <> '' and (desired ->> 'number')::int = $1`, p.Number)
		if rolledBack == 0 && !urgent && refused == "" {
			w.t.Errorf("every gate of #%d %s is open, and Ferry does not merge it", p.Number, p.Title)
		}
	}
}
