package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres"
)

// world is a forge, a database, and the people and agents of one environment repository, who go about their work while processes of Ferry come and go.
// dev gets its releases by commits, Ferry merges into staging by itself, and dora into prod.
type world struct {
	*harness
	balancer balancer
	web      *http.Client // reaches whichever Ferry is there
	env      []string     // of the processes
	apps     []string
	tokens   map[string]string
	reported map[string]forge.SHA
	said     []int64 // dora's comments
	round    int
	lease    time.Duration
	sources  map[int]forge.SHA // the commit of each round that its images were built from; nil: they have no source
}

// newWorld makes it, with wrap around what the forge serves. dsn is how the processes reach the database db.
func newWorld(t *testing.T, db, dsn string, apps int, lease time.Duration, wrap func(http.Handler) http.Handler) *world {
	t.Helper()
	w := &world{harness: &harness{t: t, clock: &clock{now: time.Now()}, db: db, log: &syncBuffer{}}, tokens: map[string]string{}, reported: map[string]forge.SHA{}, lease: lease}
	w.web = w.balancer.client()
	var err error
	if w.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), HTTP: w.web}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.forge.Close)
	server := httptest.NewServer(wrap(forgetest.Validated(t, w.forge.Handler())))
	t.Cleanup(server.Close)
	w.forgeAt = server.URL
	w.forge.SetURL(server.URL)
	private, public := newKey(t)
	w.env = []string{asHastyFerry + "=" + lease.String(), "DATABASE_URL=" + dsn, "FERRY_GITHUB_URL=" + server.URL + "/api/v3", fmt.Sprintf("FERRY_GITHUB_APP_ID=%d", testAppID),
		"FERRY_GITHUB_APP_KEY=" + string(private), "FERRY_GITHUB_WEBHOOK_SECRET=" + testSecret}
	store, err := postgres.Open(t.Context(), db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	w.svc = &service{store: store}
	_, err = w.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: "http://ferry.example.com/webhooks/github", WebhookSecret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	w.makeRepository(apps)
	return w
}

func worldPath(app, env string) string { return "apps/" + app + "/" + env + "/kustomization.yaml" }

func (w *world) makeRepository(apps int) {
	w.t.Helper()
	files := map[string]string{".ferry.yaml": `apiVersion: ferry/v1
mode: release
environments:
  - {name: dev}
  - {name: staging, from: [dev], merge: auto, unprotected: allow}
  - {name: prod, from: [staging]}
apps:
  - {discover: "apps/{app}/{env}/kustomization.yaml", images: ["ghcr.io/acme/{app}"]}
`}
	for i := range apps {
		app := fmt.Sprintf("app%d", i)
		w.apps = append(w.apps, app)
		for _, env := range []string{"dev", "staging", "prod"} {
			files[worldPath(app, env)] = kustomization(app, "1.0.0")
		}
	}
	if _, err := w.forge.AddRepository("acme", "environments", files); err != nil {
		w.t.Fatal(err)
	}
	w.person("dora", acmeEnv, forge.PermissionWrite)
	if _, err := w.forge.Install(testAppID, "acme", acmeEnv); err != nil {
		w.t.Fatal(err)
	}
}

// begin starts a round: every app gets a new release in dev.
func (w *world) begin() {
	w.t.Helper()
	w.round++
	w.build()
	for _, app := range w.apps {
		if _, err := w.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "bump " + app, Files: map[string]string{worldPath(app, "dev"): kustomization(app, w.tag())}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) tag() string { return w.tagOf(w.round) }

// tagOf returns the tag of a round; it names the commit that the images were built from, where they have a source.
func (w *world) tagOf(round int) string {
	return strings.TrimSuffix(fmt.Sprintf("1.%d.0-%s", round, w.sources[round]), "-")
}

// withSource gives the images one source repository, which gets deployments.
func (w *world) withSource() {
	w.t.Helper()
	if _, err := w.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		w.t.Fatal(err)
	}
	w.person("dora", checkoutSource, forge.PermissionWrite)
	if _, err := w.forge.Install(testAppID, "acme", checkoutSource); err != nil {
		w.t.Fatal(err)
	}
	text := strings.NewReplacer("environments:\n", "deployments: true\nenvironments:\n", "images:", "source: acme/checkout, images:").Replace(w.file(acmeEnv, "main", ".ferry.yaml"))
	if _, err := w.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "sources", Files: map[string]string{".ferry.yaml": text}}); err != nil {
		w.t.Fatal(err)
	}
	w.sources = map[int]forge.SHA{}
}

// build makes the commit of the round.
func (w *world) build() {
	w.t.Helper()
	if w.sources == nil {
		return
	}
	sha, err := w.forge.Commit(checkoutSource, sandbox.Edit{As: "dora", Message: "round", Files: map[string]string{"ROUND": fmt.Sprint(w.round)}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sources[w.round] = sha
}

// recordedOnce fails where a commit has not just one deployment to each environment, active in the last round alone.
func (w *world) recordedOnce() {
	w.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for round, sha := range w.sources {
		for _, env := range []string{"dev", "staging", "prod"} {
			state := forge.DeploymentInactive
			if round == w.round {
				state = forge.DeploymentSuccess
			}
			want[fmt.Sprintf("%s to %s: %s", sha, env, state)] = 1
		}
	}
	for _, d := range w.forge.Deployments(checkoutSource) {
		got[fmt.Sprintf("%s to %s: %s", d.SHA, d.Environment, d.State)]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the deployments are\n%v\nwant\n%v", got, want)
	}
}

// live lets the agents report and dora merge what may be merged into prod; once a round, she asks something.
func (w *world) live() {
	w.t.Helper()
	head := w.head(acmeEnv, "main")
	for _, env := range []string{"dev", "staging", "prod"} {
		w.agentSays(env, head)
	}
	for branch, p := range w.openPulls(acmeEnv) {
		if strings.HasPrefix(branch, "ferry/prod/") && w.statuses(acmeEnv, p.Head.SHA)["ferry/gates"].State == "success" {
			if len(w.said) < w.round {
				id, err := w.forge.Comment(acmeEnv, p.Number, "dora", "/status")
				if err != nil {
					w.t.Fatal(err)
				}
				w.said = append(w.said, id)
			}
			_, _ = w.forge.Merge(acmeEnv, p.Number, "dora", forge.MergeCommit) // where Ferry has changed it meanwhile she tries again
		}
	}
}

// agentSays reports as an agent does, which tries again later where nobody takes it.
func (w *world) agentSays(env string, head forge.SHA) {
	if w.reported[env] == head {
		return
	}
	if w.tokens[env] == "" {
		r, err := forge.ParseFullName(acmeEnv)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.tokens[env], err = w.svc.store.CreateToken(w.t.Context(), forge.GitHub, r, env, postgres.TokenAgent, "test", time.Now()); err != nil {
			w.tokens[env] = "" // Ferry has not seen the repository yet
			return
		}
	}
	body := fmt.Sprintf(`{"revision":%q,"health":"healthy"}`, head)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://ferry.example.com/api/v1/reports", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.tokens[env])
	if res, err := w.web.Do(req); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusAccepted {
			w.reported[env] = head
		}
	}
}

// worldPull is a pull request with what becomes of it.
type worldPull struct {
	pull
	MergedAt       *time.Time `json:"merged_at"`
	MergeCommitSHA forge.SHA  `json:"merge_commit_sha"`
}

// pulls returns every pull request there ever was.
func (w *world) pulls() (all []worldPull) {
	w.t.Helper()
	for page := 1; ; page++ {
		var list []worldPull
		w.api(fmt.Sprintf("/repos/%s/pulls?state=all&per_page=100&page=%d", acmeEnv, page), &list)
		if all = append(all, list...); len(list) < 100 {
			return all
		}
	}
}

// unfinished returns what is still missing of the round; "" when it has ended.
func (w *world) unfinished() string {
	w.t.Helper()
	merged := map[string]forge.SHA{}
	for _, p := range w.pulls() {
		switch {
		case p.State == "open":
			return fmt.Sprintf("#%d %s is open", p.Number, p.Title)
		case p.MergedAt != nil && strings.HasSuffix(p.Title, " "+w.tag()):
			merged[p.Head.Ref] = p.MergeCommitSHA
		}
	}
	for _, app := range w.apps {
		for _, env := range []string{"staging", "prod"} {
			sha, ok := merged["ferry/"+env+"/"+app]
			if !ok {
				return app + " is not in " + env
			}
			if s := w.statuses(acmeEnv, sha)["ferry/"+env]; s.State != "success" {
				return fmt.Sprintf("ferry/%s on %s is %q", env, sha.Short(), s.State)
			}
			if w.hasBranch("ferry/" + env + "/" + app) {
				return "the branch of " + app + " in " + env + " still stands"
			}
		}
	}
	if n := query[int](w.harness, `select count(*) from deployments where last_seq is null and state <> 'converged'`); n > 0 {
		return fmt.Sprintf("%d deployments have not converged", n)
	}
	for _, id := range w.said {
		if query[int](w.harness, `select count(*) from commands where comment = $1`, id) == 0 {
			return "a command was not heard"
		}
	}
	// Ferry's issue is edited at most once a minute; nobody waits for that here.
	if n := query[int](w.harness, `select count(*) from wishes where version <> applied_version and kind <> 'issue'`); n > 0 {
		return fmt.Sprintf("%d wishes are not true", n)
	}
	return ""
}

// unseen returns what is still missing of Ferry's first look, whose differences are baseline and are not promoted.
func (w *world) unseen() string {
	w.t.Helper()
	if s := w.statuses(acmeEnv, w.head(acmeEnv, "main"))["ferry/config"]; s.State != "success" {
		return fmt.Sprintf("ferry/config is %q", s.State)
	}
	if len(w.boards()) == 0 {
		return "Ferry's issue is not there"
	}
	return ""
}

// until lives on, and calls meanwhile, until nothing is missing any more.
func (w *world) until(meanwhile func(), unfinished func() string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for i := 0; ; i++ {
		meanwhile()
		w.live()
		missing := "looking"
		if i%3 == 2 {
			missing = unfinished()
		}
		if missing == "" {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			w.t.Fatalf("round %d does not end: %s", w.round, unfinished())
		}
	}
}

// nothingTwice fails where anything was lost or done twice.
func (w *world) nothingTwice() {
	w.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for round := 1; round <= w.round; round++ {
		for _, app := range w.apps {
			for _, env := range []string{"staging", "prod"} {
				want[fmt.Sprintf("ferry/%s/%s %s", env, app, w.tagOf(round))] = 1
			}
		}
	}
	shas := map[forge.SHA]bool{}
	for _, p := range w.pulls() {
		got[p.Head.Ref+p.Title[strings.LastIndex(p.Title, " "):]]++
		shas[p.Head.SHA], shas[p.MergeCommitSHA] = true, true
		w.commentsOnce(p.Number)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("the pull requests are\n%v\nwant\n%v", got, want)
	}
	for sha := range shas {
		w.noDoubleStatuses(string(sha))
	}
	w.board()
	for _, app := range w.apps {
		if got := w.file(acmeEnv, "main", worldPath(app, "prod")); got != kustomization(app, w.tag()) {
			w.t.Errorf("prod has\n%s", got)
		}
	}
	if n := query[int](w.harness, `select count(*) from (select from events group by kind, environment, app, detail, at having count(*) > 1) e`); n != 0 {
		w.t.Errorf("%d events stand twice", n)
	}
	w.recordedOnce()
	w.nothingLost()
}

// commentsOnce fails where a comment of Ferry's stands twice, and where a person's command has no answer.
func (w *world) commentsOnce(number int) {
	w.t.Helper()
	seen := map[string]int{}
	list := w.remarks(number)
	for _, r := range list {
		if r.User.Login == "ferry[bot]" {
			if seen[r.Body]++; seen[r.Body] > 1 {
				w.t.Errorf("on #%d stands twice: %s", number, r.Body)
			}
		}
	}
	for _, r := range list {
		if slices.Contains(w.said, r.ID) && len(w.answersTo(number, r.ID)) != 1 {
			w.t.Errorf("comment %d on #%d has %d answers", r.ID, number, len(w.answersTo(number, r.ID)))
		}
	}
}

// nothingLost fails where a delivery that was answered 202 is not in the database (rule 1).
func (w *world) nothingLost() {
	w.t.Helper()
	for _, d := range w.forge.Deliveries() {
		if d.Status == http.StatusAccepted && query[int](w.harness, `select count(*) from deliveries where id = $1`, d.GUID) != 1 {
			w.t.Errorf("the delivery %s (%s) was acknowledged and lost", d.GUID, d.Event)
		}
	}
}
