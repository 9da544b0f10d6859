package main

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

var (
	stormEvents = flag.Int("events", 300, "how many events TestSimulation lets happen over PostgreSQL and the sandbox")
	stormSeed   = flag.Uint64("seed", 0, "where the seeds of TestSimulation begin")
)

// Of how many events one storm is, and after how many all calms down and is held against what should be.
const (
	stormLength = 60
	stormCalm   = 20
)

// TestSimulation lets people, agents, the forge and Ferry's own steps happen in random order over a real database and the sandbox, while deliveries are
// lost, doubled, late and reordered, reads lag, requests fail, and Ferry crashes before and after writes and commits. Each storm is made by its seed alone.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for n := range (*stormEvents + stormLength - 1) / stormLength {
		t.Run(fmt.Sprint("seed ", *stormSeed+uint64(n)), func(t *testing.T) {
			t.Parallel()
			w := newStorm(t, *stormSeed+uint64(n))
			w.blow(stormLength)
			t.Logf("met: %v", w.met)
		})
	}
}

// TestSimulationIsDeterministic: the same seed lets Ferry write the same at the forge, in the same order.
func TestSimulationIsDeterministic(t *testing.T) {
	t.Parallel()
	const events = 15
	a, b := newStorm(t, 7), newStorm(t, 7)
	a.blow(events)
	b.blow(events)
	for i := range max(len(a.crash.writes), len(b.crash.writes)) {
		if i >= len(a.crash.writes) || i >= len(b.crash.writes) || a.crash.writes[i] != b.crash.writes[i] {
			t.Fatalf("of %d and %d writes the %dth differ:\n%+v\n%+v", len(a.crash.writes), len(b.crash.writes), i, a.crash.writes[i:min(i+1, len(a.crash.writes))], b.crash.writes[i:min(i+1, len(b.crash.writes))])
		}
	}
}

// blow lets so many events happen.
func (w *storm) blow(events int) {
	w.t.Helper()
	for n := range events {
		w.clock.advance(time.Duration(1+w.r.IntN(4*60_000)) * time.Millisecond)
		w.trouble()
		w.event()
		w.hear()
		for range w.r.IntN(6) {
			if len(w.bag) > 0 && w.r.IntN(2) == 0 {
				w.bring(w.r.IntN(len(w.bag)), []string{"", "", "", "", "lost", "doubled"}[w.r.IntN(6)])
			}
			w.step(true)
		}
		if n%stormCalm == stormCalm-1 || n == events-1 {
			w.rest()
			w.calm()
		}
		if w.t.Failed() {
			return
		}
	}
}

// trouble lets something go wrong with the next requests.
func (w *storm) trouble() {
	switch w.r.IntN(8) {
	case 0, 1, 2:
		w.crash.fail(requestFault{method: w.pick([]string{"", "POST", "PATCH", "PUT", "GET", "DELETE"}), after: w.r.IntN(4), done: w.r.IntN(2) == 0, cut: w.r.IntN(2) == 0})
	case 3:
		if err := w.harness.forge.SetLag(sandbox.Lag{For: time.Duration(w.r.IntN(5)) * time.Second, Reads: w.r.IntN(3)}); err != nil {
			w.t.Fatal(err)
		}
	default:
		return
	}
	w.met["trouble"]++
}

func (w *storm) pick(list []string) string { return list[w.r.IntN(len(list))] }

// event lets one thing happen. What the forge refuses is not done, as people find it.
func (w *storm) event() {
	if w.kind.isWide() && w.r.IntN(4) == 0 {
		w.wideEvent()
		return
	}
	app, env := w.pick(w.apps), w.pick(stormEnvironments()[1:])
	if w.kind == stormChanging && w.r.IntN(8) == 0 {
		w.reconfigure()
		return
	}
	switch n := w.r.IntN(100); {
	case n < 16:
		w.minor++
		w.put(app, "dev", fmt.Sprintf("1.%d.0", w.minor))
	case n < 19:
		w.put(app, "dev", w.tag())
	case n < 55:
		w.says(w.pick([]string{"dev", "dev", "staging", "staging", "canary", "prod"}))
	case n < 66:
		w.mergeGreen()
	case n < 70:
		w.close()
	case n < 72:
		w.reopen()
	case n < 75:
		w.put(app, env, w.tag())
	case n < 77:
		w.commitFile(worldPath(app, env), kustomization(app, "1.0.0")+"  - name: ghcr.io/acme/"+app+"\n    newTag: mixed\n")
	case n < 79:
		w.pushOnTop()
	case n < 92:
		w.command(app, env)
	case n < 94:
		w.byHand(app, env)
	case n < 96:
		w.editOld()
	default:
		w.clock.advance(time.Duration(w.r.IntN(40)) * time.Minute)
	}
}

func (w *storm) tag() string { return fmt.Sprintf("1.%d.0", w.r.IntN(w.minor+1)) }

func (w *storm) put(app, env, tag string) {
	w.note("%s gets %s %s", env, app, tag)
	w.commitFile(worldPath(app, env), kustomization(app, tag))
}

func (w *storm) commitFile(path, content string) {
	_, err := w.harness.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "a person's commit", Files: map[string]string{path: content}})
	w.noted("commit "+path, err)
}

func (w *storm) noted(what string, err error) {
	if err != nil {
		w.note("%s: %v", what, err)
	}
}

// says lets an agent report, of the head or of something older.
func (w *storm) says(env string) {
	var commits []struct{ SHA forge.SHA }
	w.api("/repos/"+acmeEnv+"/commits?per_page=4", &commits)
	at := commits[0].SHA
	if w.r.IntN(6) == 0 {
		at = commits[w.r.IntN(len(commits))].SHA
	}
	w.saysOf(env, at, w.pick([]string{"healthy", "healthy", "healthy", "healthy", "progressing", "degraded", "failed"}))
}

// saysOf lets an agent say how the environment is at a revision.
func (w *storm) saysOf(env string, at forge.SHA, health string) {
	var tags []string
	for _, app := range w.apps {
		tags = append(tags, w.standing(string(at), app, env))
		if key := env + "/" + app + "/" + tags[len(tags)-1]; health == "healthy" && w.arrived[key].IsZero() {
			w.arrived[key] = w.clock.Now()
		}
	}
	w.note("%s is %s at %s: %s", env, health, at.Short(), strings.Join(tags, ", "))
	for range 1 + w.r.IntN(2) { // now and then twice
		if code, body := w.post("/api/v1/reports", w.tokens[env], map[string]any{"revision": at, "health": health}); code != http.StatusAccepted {
			w.t.Fatalf("report: %d %s", code, body)
		}
	}
}

// promotions returns the pull requests of Ferry's in that state, the newest first.
func (w *storm) promotions(state string) []pull {
	w.t.Helper()
	var list []pull
	w.api("/repos/"+acmeEnv+"/pulls?per_page=100&state="+state, &list)
	return slices.DeleteFunc(list, func(p pull) bool { return p.User.Login != w.bot.Login })
}

func (w *storm) anyOf(state string) (p pull, ok bool) {
	list := w.promotions(state)
	if len(list) == 0 {
		return p, false
	}
	return list[w.r.IntN(len(list))], true
}

// mergeGreen lets dora merge a promotion whose gates are green.
func (w *storm) mergeGreen() {
	p, ok := w.anyOf("open")
	if !ok || w.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State != "success" {
		return
	}
	if w.kind == stormQueued {
		w.note("dora adds #%d %s to the queue", p.Number, p.Title)
		w.noted("enqueue", w.harness.forge.Enqueue(acmeEnv, p.Number, "dora"))
		return
	}
	w.note("dora merges #%d %s", p.Number, p.Title)
	_, err := w.harness.forge.Merge(acmeEnv, p.Number, "dora", forge.MergeCommit)
	w.noted("merge", err)
}

func (w *storm) close() {
	if p, ok := w.anyOf("open"); ok {
		w.note("dora closes #%d %s", p.Number, p.Title)
		err := w.harness.forge.ClosePull(acmeEnv, p.Number, "dora")
		if w.noted("close", err); err == nil {
			w.closed[p.Number] = true
		}
	}
}

func (w *storm) reopen() {
	for _, p := range w.promotions("closed") {
		if w.closed[p.Number] && w.harness.forge.Reopen(acmeEnv, p.Number, "dora") == nil {
			w.note("dora reopens #%d", p.Number)
			delete(w.closed, p.Number)
			w.reopened[p.Number] = true
			return
		}
	}
}

func (w *storm) pushOnTop() {
	if p, ok := w.anyOf("open"); ok {
		w.note("dora pushes onto #%d", p.Number)
		_, err := w.harness.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: p.Head.Ref, Message: "on top", Files: map[string]string{"NOTES.md": fmt.Sprint(w.r.Uint32())}})
		w.noted("push", err)
	}
}

// editOld lets dora edit the title of a promotion that may have ended long ago: people do, and the forge tells Ferry.
func (w *storm) editOld() {
	if p, ok := w.anyOf("closed"); ok {
		w.note("dora edits the title of #%d", p.Number)
		w.noted("edit", w.harness.forge.EditThread(acmeEnv, p.Number, "dora", p.Title+" (see the log)", p.Body))
	}
}

// byHand lets dora open or close a pull request of her own that changes a release.
func (w *storm) byHand(app, env string) {
	branch := fmt.Sprintf("by-hand-%d", w.r.Uint32())
	_, err := w.harness.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: branch, Message: "by hand", Files: map[string]string{worldPath(app, env): kustomization(app, "1.99.0")}})
	if err == nil {
		_, err = w.harness.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: branch, BaseBranch: "main", Title: "by hand"})
	}
	w.noted("a pull request by hand", err)
}

// command lets somebody comment, most of the time somebody who may.
func (w *storm) command(app, env string) {
	words := strings.NewReplacer("APP", app, "ENV", env, "TAG", w.tag()).Replace(w.pick([]string{
		"/status APP", "/hold APP ENV for 10m", "/hold APP ENV", "/resume all", "/resume APP ENV", "/freeze ENV for 20m an incident", "/freeze APP ENV an incident", "/thaw all", "/thaw ENV",
		"/block APP TAG it's bad", "/unblock APP TAG", "/rollback APP ENV", "/rollback APP ENV to TAG it loses orders", "/approve", "/approve", "/override soak we are late",
		"/override approvals nobody is there", "/hotfix APP ENV 1.50.0 it burns", "/drop APP", "/promote APP to ENV", "/promote all", "/retry APP ENV", "/help", "/hold nobody\n/retry", "looks good", "> /freeze all quoted"}))
	number := 0
	if p, ok := w.anyOf("all"); ok && w.r.IntN(2) == 0 {
		number = p.Number
	} else if list := w.boards(); len(list) > 0 {
		number = list[0].Number
	}
	if number == 0 {
		return
	}
	who := w.pick([]string{"dora", "dora", "dora", "finn", "eve"})
	w.note("%s says %q on #%d", who, words, number)
	_, err := w.harness.forge.Comment(acmeEnv, number, who, words)
	w.noted("comment", err)
}
