package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres/local/localtest"
)

// lose drops the database: the same Ferry, at the same address and with the same credentials, starts on an empty one and reads the forge.
func (h *harness) lose() {
	h.t.Helper()
	h.drop()
	if err := h.svc.work.Sweep(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// drop drops the database, and nothing has been read of the forge yet.
func (h *harness) drop() {
	h.t.Helper()
	if h.front == nil {
		h.front = h.svc
	}
	old := h.svc.store
	h.db = localtest.Database(h.t)
	h.svc = newService(h.front.settings, nil, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	if err := h.svc.open(h.t.Context(), h.db); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.svc.close)
	old.Close()
	h.front.handler.Store(h.svc.handler.Load()) // it goes on listening
	h.clock.advance(time.Minute)
	h.forge.ResetRequests()
}

// loseQuietly drops the database and fails where Ferry changed anything at the forge while it came back.
func (h *harness) loseQuietly() {
	h.t.Helper()
	h.lose()
	if got := h.writes(); len(got) != 0 {
		h.t.Errorf("without its database Ferry wrote %v", got)
	}
}

// views returns what the last plans said of every app.
func (h *harness) views() (list []promotion.View) {
	h.t.Helper()
	all, err := h.svc.store.Overview(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range all {
		list = append(list, o.Views...)
	}
	return list
}

// gist is what has to come back of a cell.
type gist struct {
	Release, State, Proposed, Next, Why, Held, Frozen string
	Converged                                         time.Time
	Baseline                                          bool
	Number                                            int
	Gates                                             []promotion.Gate
}

// gists returns what has to come back, by app and environment, to the second. Of a baseline the forge does not say whether it has converged.
func (h *harness) gists() map[string]gist {
	h.t.Helper()
	out := map[string]gist{}
	for _, v := range h.views() {
		for _, e := range v.Environments {
			g := gist{Release: e.Release.Version(), State: string(e.State), Proposed: e.Proposed.Version(), Next: e.Next.Version(), Why: e.Why, Held: e.Held, Frozen: e.Frozen,
				Converged: e.ConvergedAt.Truncate(time.Second), Baseline: e.Baseline, Number: e.Number, Gates: slices.Clone(e.Gates)}
			for i := range g.Gates {
				g.Gates[i].DueAt = g.Gates[i].DueAt.Truncate(time.Second)
			}
			if e.Baseline {
				g.State, g.Converged = "", time.Time{}
			}
			out[v.App+" in "+e.Name] = g
		}
	}
	return out
}

// loseAndCompare drops the database and compares everything that has to come back.
func (h *harness) loseAndCompare() {
	h.t.Helper()
	before, pulls, state := h.gists(), h.openPulls(acmeEnv), h.file(acmeEnv, "ferry-state", "decisions.yaml")
	h.loseQuietly()
	if diff := cmp.Diff(before, h.gists()); diff != "" {
		h.t.Errorf("before the loss - after it +\n%s", diff)
	}
	if diff := cmp.Diff(pulls, h.openPulls(acmeEnv)); diff != "" {
		h.t.Errorf("pull requests, before the loss - after it +\n%s", diff)
	}
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); got != state {
		h.t.Errorf("the decisions were\n%sand are\n%s", state, got)
	}
}

// reportAll lets every agent speak again.
func (h *harness) reportAll(environments ...string) {
	h.t.Helper()
	for _, env := range environments {
		h.report(acmeEnv, env, "healthy")
	}
}

func TestLossOfTheDatabase(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "    soak: 1h\n")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.arrive("1.2.0") // in place
	number := h.staging().Number
	h.merge(acmeEnv, number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(20 * time.Minute)
	soaking := h.pullOn(acmeEnv, "ferry/prod/checkout")
	if !strings.Contains(soaking.Body, "soak") {
		t.Fatal(soaking.Body)
	}
	h.say(soaking.Number, "dora", "/hold prod the week is over for 8h")
	h.arrive("1.3.0")
	h.loseAndCompare()

	h.reportAll("dev", "staging", "prod")
	if got := h.writes(); slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(route string) bool { return strings.Contains(route, "/pulls") || strings.Contains(route, "/git/") }) {
		t.Errorf("agents that spoke again made Ferry write %v", got)
	}
	if got := h.pullOn(acmeEnv, "ferry/prod/checkout"); got.Number != soaking.Number || got.Head.SHA != soaking.Head.SHA {
		t.Errorf("into prod is open %+v, was %+v", got, soaking)
	}
	h.say(soaking.Number, "dora", "/resume prod")
	h.wantStatus(acmeEnv, soaking.Head.SHA, "ferry/gates", "pending", "soak")
	h.later(45 * time.Minute)
	h.wantStatus(acmeEnv, soaking.Head.SHA, "ferry/gates", "success", "")
	h.merge(acmeEnv, h.staging().Number)
	merged := h.head(acmeEnv, "main")
	h.report(acmeEnv, "staging", "healthy")
	h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "checkout 1.3.0 runs in staging")
	if got := h.pullOn(acmeEnv, "ferry/prod/checkout"); got.Number != soaking.Number {
		t.Errorf("into prod is open #%d, want #%d", got.Number, soaking.Number)
	}
}

func TestLossKeepsRejectionsAndTheirEnds(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	first := h.staging().Number
	h.does(h.forge.ClosePull(acmeEnv, first, "dora"))
	h.noPulls()
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()
	h.ask(first, "dora", "/promote") // takes that back
	second := h.staging().Number
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	if got := h.staging().Number; got != second {
		t.Fatalf("open is #%d, want #%d", got, second)
	}
	h.does(h.forge.ClosePull(acmeEnv, second, "dora"))
	h.noPulls()
	h.does(h.forge.Reopen(acmeEnv, second, "dora"))
	h.loseAndCompare()
	h.arrive("1.2.0")
	if got := h.staging(); got.Number != second || !strings.Contains(got.Title, "1.2.0") {
		t.Fatalf("open is %+v", got)
	}
}

func TestLossKeepsTheBaseline(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[checkoutPath("dev")] = kustomization("checkout", "1.5.0")
	h.environments(acmeEnv, files)
	h.reportAll("dev", "staging", "prod")
	h.noPulls()
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	h.noPulls()
	h.say(h.board().Number, "dora", "/promote checkout staging")
	asked := h.staging()
	h.loseAndCompare()
	h.reportAll("dev", "staging", "prod")
	if got := h.staging(); got.Head.SHA != asked.Head.SHA || got.Number != asked.Number {
		t.Fatalf("asked for was %+v, open is %+v", asked, got)
	}
	h.merge(acmeEnv, asked.Number)
	h.loseAndCompare()
	h.report(acmeEnv, "staging", "healthy")
	h.pullOn(acmeEnv, "ferry/prod/checkout")
	h.loseAndCompare()
}

func TestLossKeepsSources(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n    update: commit\n  - name: staging\n    from: [dev]\n")
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
		t.Fatal(err)
	}
	built := h.head("acme/checkout", "main")
	if code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "1.1.0", "commit": built}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus("acme/checkout", built, "ferry/dev", "success", "1.1.0")
	h.loseAndCompare()
	number := h.staging().Number
	h.report(acmeEnv, "dev", "healthy")
	if got := h.writes(); len(got) != 0 {
		t.Errorf("an agent that spoke again made Ferry write %v", got)
	}
	h.merge(acmeEnv, number)
	h.report(acmeEnv, "staging", "healthy")
	h.wantStatus("acme/checkout", built, "ferry/staging", "success", "1.1.0")
}

func TestLossWhileDegraded(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.report(acmeEnv, "dev", "degraded")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
	h.loseAndCompare()
	h.merge(acmeEnv, h.staging().Number)
	h.loseAndCompare()                // nobody has spoken of staging yet
	h.later(20 * time.Minute)         // nor do they now
	merged := h.head(acmeEnv, "main") // silence ends in a status
	h.wantStatus(acmeEnv, merged, "ferry/staging", "error", "no word from the agent")
}

func TestLossWithSomebodysCommitOnTop(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	pushed := h.push("dora", "ferry/staging/checkout", map[string]string{"notes.txt": "mine"})
	h.wantStatus(acmeEnv, pushed, "ferry/gates", "failure", "dora")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	if h.staging().Head.SHA != pushed {
		t.Error("Ferry overwrote it")
	}
}

func TestLossTakesNobodysWord(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	forged := "Promote checkout in staging to 9.9.9\n\nFerry-App: checkout\nFerry-Environment: staging\nFerry-Release: ghcr.io/acme/checkout:9.9.9\nFerry-Intent: promotion\nFerry-Asker: dora\n"
	h.arrive("1.1.0")
	number := h.staging().Number
	h.forgeCommit("ferry/staging/checkout", forged)
	h.lose()
	for _, v := range h.views() {
		if got := v.Find("staging"); got.Proposed.Version() != "1.1.0" || got.Number != number {
			t.Errorf("proposed is %s by #%d", got.Proposed.Version(), got.Number)
		}
	}
}

func TestLossOfManyApps(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"}
	apps := []string{"cart", "checkout", "web"}
	next := map[string]string{}
	for _, app := range apps {
		files["apps/"+app+"/dev/kustomization.yaml"] = kustomization(app, "1.0.0")
		files["apps/"+app+"/staging/kustomization.yaml"] = kustomization(app, "1.0.0")
		next["apps/"+app+"/dev/kustomization.yaml"] = kustomization(app, "1.1.0")
	}
	h.environments(acmeEnv, files)
	sha := h.commit(acmeEnv, next)
	for _, app := range apps[:2] {
		if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "dev"), map[string]any{"app": app, "revision": sha, "health": "healthy"}); code/100 != 2 {
			t.Fatal(code, body)
		}
		h.settle()
	}
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "2 of 3 apps, waiting for web")
	h.loseQuietly()
	if got := len(h.openPulls(acmeEnv)); got != 2 {
		t.Fatalf("%d are open, want 2", got)
	}
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "dev"), map[string]any{"app": "cart", "revision": sha, "health": "healthy"}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "2 of 3 apps, waiting for web")
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "success", "3 of 3")
	if got := len(h.openPulls(acmeEnv)); got != 3 {
		t.Fatalf("%d are open, want 3", got)
	}
}

// forgeCommit puts a commit on a branch that says it is Ferry's: its author's address is, and nobody vouches for it.
func (h *harness) forgeCommit(branch, message string) {
	h.t.Helper()
	head := h.head(acmeEnv, branch)
	var parent struct{ Tree struct{ SHA forge.SHA } }
	h.api(fmt.Sprintf("/repos/%s/git/commits/%s", acmeEnv, head), &parent)
	raw, err := json.Marshal(map[string]any{"message": message, "tree": parent.Tree.SHA, "parents": []forge.SHA{head},
		"author": map[string]string{"name": h.bot.Login, "email": fmt.Sprintf("%d+%s@users.noreply.github.com", h.bot.ID, h.bot.Login)}})
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.forgeAt+"/api/v3/repos/"+acmeEnv+"/git/commits", bytes.NewReader(raw))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser("dora").Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		SHA forge.SHA
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.SHA == "" {
		h.t.Fatal(res.Status, err)
	}
	var listed []struct{ Author struct{ Login string } }
	h.api(fmt.Sprintf("/repos/%s/commits?sha=%s&per_page=1", acmeEnv, made.SHA), &listed)
	if listed[0].Author.Login != h.bot.Login {
		h.t.Fatalf("the forgery is by %q", listed[0].Author.Login)
	}
	h.write("dora", http.MethodPatch, "/git/refs/heads/"+branch, map[string]any{"sha": made.SHA})
}
