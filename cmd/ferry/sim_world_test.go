package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/promotion/config"
	"ferry/promotion/postgres/local/localtest"
)

// storm is a forge, a Ferry on a real database, people and agents, all of whose steps one seeded scheduler calls in turn: nothing runs by itself, no
// clock moves by itself, and the same seed lets the same happen.
type storm struct {
	*harness
	r      *rand.Rand
	worker *service // does Ferry's work, and crashes
	crash  *crasher
	door   http.Handler
	bag    []*http.Request // deliveries that have not been brought
	bagMu  sync.Mutex
	tokens map[string]string
	apps   []string
	minor  int
	log    []string
	met    map[string]int

	kind     stormKind
	parsed   map[string]*config.Config // by their text
	good     string                    // what .ferry.yaml said when it was right last
	broken   bool                      // it is wrong now
	arrived  map[string]time.Time      // since when an agent has said of env/app/tag that it is healthy
	closed   map[int]bool              // pull requests that dora closed, and nobody reopened
	reopened map[int]bool
	looked   int // how many of the writes have been looked at
	counted  int // and how many were held against what may not stand twice
}

// stormKind is what is special about a storm.
type stormKind uint64

// The kinds of storms, in turn.
const (
	stormPlain    stormKind = iota
	stormOrdered            // queues, batches and rollbacks
	stormTogether           // apps travel together, CI posts checks, and people review and arm
	stormQueued             // likewise, and the branch is merged by a merge queue
	stormChanging           // likewise, and .ferry.yaml changes
	stormKinds
)

func stormKindOf(seed uint64) stormKind { return stormKind(seed) % stormKinds }

func (k stormKind) isWide() bool { return k >= stormTogether }

// config is the configuration with which such a storm begins.
func (k stormKind) config() string {
	text := []string{`apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev], soak: 5m, merge: auto, unprotected: allow}
  - {name: canary, from: [dev]}
  - {name: prod, from: [staging, canary]}
`, `apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev], soak: 5m, merge: auto, unprotected: allow, rollback: auto}
  - {name: canary, from: [dev], supersede: queue, rollback: pr}
  - {name: prod, from: [staging, canary], supersede: batch, window: 10m, max_open: 1, approvals: 1}
`, `apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev], merge: auto, unprotected: allow}
  - {name: canary, from: [dev], soak: 5m, checks: [e2e], supersede: batch, max_open: 1}
  - {name: prod, from: [staging, canary], approvals: 1, max_open: 1, merge: auto, unprotected: allow, policy: 'release.version != "1.3.0"'}
`}[min(k, stormTogether)] + `apps:
  - {discover: "apps/{app}/{env}/kustomization.yaml", images: ["ghcr.io/acme/{app}"]}
` + map[bool]string{true: "  - {name: cart, group: shop}\n  - {name: web, group: shop}\n"}[k.isWide()]
	return text
}

func stormEnvironments() []string { return []string{"dev", "staging", "canary", "prod"} }

// from returns where releases of the environment come from, by the configuration in force.
func (w *storm) from(env string) []string {
	settings, _ := w.inForce().Environment(env)
	return settings.From
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	h := &harness{t: t, clock: &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), still: true}, log: &syncBuffer{}, db: localtest.Database(t)}
	w := &storm{harness: h, r: rand.New(rand.NewPCG(seed, 5)), apps: []string{"cart", "web"}, tokens: map[string]string{}, arrived: map[string]time.Time{}, closed: map[int]bool{}, reopened: map[int]bool{}, met: map[string]int{},
		kind: stormKindOf(seed), parsed: map[string]*config.Config{}}
	if w.kind.isWide() {
		w.apps = append(w.apps, "zebra")
	}
	var err error
	if h.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: h.clock.Now, AuthNow: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.forge.Close)
	server := httptest.NewServer(forgetest.Validated(t, h.forge.Handler()))
	t.Cleanup(server.Close)
	h.forgeAt = server.URL
	h.forge.SetURL("http://forge.example")
	private, public := newKey(t)
	h.start(private)
	h.svc.settings.URL = "http://ferry.example" // Ferry's words name it, and are the same in every run
	front := http.Handler(http.HandlerFunc(w.take))
	w.door = *h.svc.handler.Load()
	h.svc.handler.Store(&front)
	var through string
	w.crash, through = newCrasher(t, h.db)
	w.worker = newService(h.svc.settings, w.crash, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	w.worker.lease = 10 * time.Hour // of the machine's clock: no lease is renewed, and one that a crash leaves behind ends by hand
	if err := w.worker.open(t.Context(), through); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.worker.close)
	w.worker.work.Holder = "the worker"
	if h.bot, err = h.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: h.url + "/webhooks/github", WebhookSecret: testSecret}); err != nil {
		t.Fatal(err)
	}
	w.good = w.kind.config()
	w.makeRepository(w.good)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d, what happened:\n%s", seed, strings.Join(w.log, "\n"))
			all := h.log.String()
			t.Log(all[max(0, len(all)-20_000):])
		}
	})
	return w
}

func (w *storm) makeRepository(config string) {
	w.t.Helper()
	files := map[string]string{".ferry.yaml": config}
	for _, app := range w.apps {
		for _, env := range stormEnvironments() {
			files[worldPath(app, env)] = kustomization(app, "1.0.0")
		}
	}
	if _, err := w.harness.forge.AddRepository("acme", "environments", files); err != nil {
		w.t.Fatal(err)
	}
	w.person("dora", acmeEnv, forge.PermissionMaintain)
	w.person("eve", acmeEnv, forge.PermissionRead)
	w.person("finn", acmeEnv, forge.PermissionWrite)
	if _, err := w.harness.forge.Install(testAppID, "acme", acmeEnv); err != nil {
		w.t.Fatal(err)
	}
	if w.kind == stormQueued {
		w.mergesByQueue()
	}
	w.rest()
	for _, env := range stormEnvironments() {
		w.tokens[env] = w.token(acmeEnv, env)
	}
}

func (w *storm) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%s %s", w.clock.Now().Format("02 15:04:05"), fmt.Sprintf(format, args...)))
}

// take stands where the forge delivers: what comes is put into a bag.
func (w *storm) take(out http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/webhooks/github" {
		w.door.ServeHTTP(out, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	again := httptest.NewRequest(http.MethodPost, "/webhooks/github", bytes.NewReader(body))
	again.Header = r.Header.Clone()
	w.bagMu.Lock()
	defer w.bagMu.Unlock()
	w.bag = append(w.bag, again)
	out.WriteHeader(http.StatusAccepted)
}

// hear waits until what happened at the forge is in the bag: what is drawn next depends on what is in there.
func (w *storm) hear() {
	w.t.Helper()
	if err := w.harness.forge.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// bring brings the delivery at i, or loses it, or brings it twice.
func (w *storm) bring(i int, fate string) {
	w.t.Helper()
	r := w.bag[i]
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if fate != "doubled" {
		w.bag = slices.Delete(w.bag, i, i+1)
	}
	if fate == "lost" {
		w.met["lost"]++
		return
	}
	once := r.Clone(w.t.Context())
	once.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	w.door.ServeHTTP(answer, once)
	if answer.Code >= http.StatusMultipleChoices {
		w.t.Errorf("%s: %d %s", r.Header.Get("X-GitHub-Event"), answer.Code, answer.Body)
	}
}

// work is one step that is due.
type work struct {
	what string
	do   func() error
}

func (w *storm) due() (list []work) {
	w.t.Helper()
	due, err := w.svc.store.DueWork(w.t.Context(), w.clock.Now(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, ferry := w.t.Context(), w.worker.work
	for _, id := range due.Repositories {
		list = append(list, work{"observe", func() error { return ferry.Observe(ctx, id) }})
	}
	for _, i := range due.Installations {
		list = append(list, work{"installation", func() error { return ferry.ObserveInstallation(ctx, forge.Kind(i.Forge), i.Installation) }})
	}
	for _, id := range due.Checks {
		list = append(list, work{"checks", func() error { return ferry.ReadChecks(ctx, id) }})
	}
	for _, u := range due.Units {
		list = append(list, work{"decide " + u.Unit, func() error { return ferry.Decide(ctx, u.Repository, u.Unit) }})
	}
	for _, id := range due.Wishes {
		list = append(list, work{fmt.Sprint("act ", id), func() error { return ferry.Act(ctx, id) }})
	}
	return list
}

// step does one piece of the work that is due, any one; with crashes, now and then Ferry does not live to see its end. It returns false where there was none.
func (w *storm) step(crashes bool) bool {
	w.t.Helper()
	list := w.due()
	if len(list) == 0 {
		return false
	}
	one := list[0]
	if crashes {
		one = list[w.r.IntN(len(list))]
	}
	if crashes && w.r.IntN(6) == 0 {
		moments := crashMoments()
		w.crash.aim(moments[w.r.IntN(len(moments))], 1+w.r.IntN(3))
	}
	moment := w.crash.aimed()
	err := one.do()
	if w.crash.revive() {
		w.met[moment]++
		w.note("%s: a crash %s", one.what, moment)
		w.sql(`update leases set expires_at = clock_timestamp() - interval '1 second' where expires_at > clock_timestamp()`)
	} else if err != nil {
		w.note("%s: %v", one.what, err)
	}
	w.clock.advance(time.Millisecond)
	w.hear()
	w.openOnce()
	return true
}

// rest works off everything, with nothing going wrong, until nothing is left to do.
func (w *storm) rest() {
	w.t.Helper()
	w.crash.mend()
	if err := w.harness.forge.SetLag(sandbox.Lag{}); err != nil {
		w.t.Fatal(err)
	}
	for _, pause := range []time.Duration{0, time.Minute, 10 * time.Minute, 3 * time.Hour, 20 * time.Minute, 20 * time.Minute} {
		w.clock.advance(pause)
		w.everything()
		if err := w.worker.work.Sweep(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.everything()
	}
}

// everything does all that is due now.
func (w *storm) everything() {
	w.t.Helper()
	for range 3000 {
		w.hear()
		for len(w.bag) > 0 {
			w.bring(0, "")
		}
		if !w.step(false) && len(w.bag) == 0 {
			return
		}
	}
	w.t.Fatal("the work does not come to an end")
}
