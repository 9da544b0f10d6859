package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/migrations"
	"ferry/promotion/postgres"
	"ferry/promotion/postgres/local/localtest"
)

// asFerry in the environment makes the test binary be ferry, for tests that need it as a process.
const asFerry = "FERRY_TEST_AS_FERRY"

func TestMain(m *testing.M) {
	if lease := os.Getenv(asHastyFerry); lease != "" {
		serveHastily(lease)
	}
	if os.Getenv(asFerry) != "" {
		main()
	}
	if os.Getenv(asSender) != "" {
		os.Exit(sendPushes(os.Stdin, os.Stdout))
	}
	os.Exit(localtest.Main(m, func(ctx context.Context, url string) error {
		return migrations.Up(ctx, url, slog.New(slog.DiscardHandler))
	}))
}

// clock is the injected time of a test: it stands still until it is moved.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	still bool // also while it is looked at
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still {
		c.now = c.now.Add(time.Millisecond) // so that no two things happen at once
	}
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// harness is a forge and a Ferry on real HTTP, real Git and a real database, whose work is done step by step.
type harness struct {
	t       testing.TB
	clock   *clock
	forge   *sandbox.Sandbox
	svc     *service
	url     string // Ferry's
	forgeAt string // the forge's
	bot     sandbox.User
	log     *syncBuffer
	db      string
	front   *service // what listens, after the database was lost
}

// The test's App and the secret of its webhooks; both are canaries too: neither may turn up in a log.
const (
	testAppID  = 7
	testSecret = "canary-webhook-secret"
)

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// madeKey makes the App's key, once for all tests: it takes a tenth of a second, and nothing changes it. 2048 bits are the least that JWT libraries take.
var madeKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newKey(t testing.TB) (private, public []byte) {
	t.Helper()
	key, err := madeKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func newHarness(t testing.TB, options ...postgres.Option) *harness {
	t.Helper()
	h := &harness{t: t, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}, log: &syncBuffer{}, db: localtest.Database(t)}
	var err error
	h.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: h.clock.Now, AuthNow: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.forge.Close)
	forgeServer := httptest.NewServer(forgetest.Validated(t, h.forge.Handler()))
	t.Cleanup(forgeServer.Close)
	h.forgeAt = forgeServer.URL
	h.forge.SetURL(forgeServer.URL)
	private, public := newKey(t)
	h.start(private, options...)
	h.bot, err = h.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: h.url + "/webhooks/github", WebhookSecret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.log.String())
		}
	})
	return h
}

// start starts a Ferry on the harness' database.
func (h *harness) start(private []byte, options ...postgres.Option) {
	h.t.Helper()
	h.svc = newService(settings{GitHubURL: h.forgeAt + "/api/v3", GitHubAppID: testAppID, secrets: secrets{githubKey: private, webhookSecret: []string{testSecret}}},
		nil, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	h.svc.options = options
	server := httptest.NewServer(h.svc)
	h.t.Cleanup(func() { server.Close(); h.svc.close() })
	h.url, h.svc.settings.URL = server.URL, server.URL
	if err := h.svc.open(h.t.Context(), h.db); err != nil {
		h.t.Fatal(err)
	}
}

// settle delivers every webhook and does all work that is due, until nothing is left.
func (h *harness) settle() {
	h.t.Helper()
	for range 200 {
		if err := h.forge.Flush(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		due, err := h.svc.store.DueWork(h.t.Context(), h.clock.Now(), 100)
		if err != nil {
			h.t.Fatal(err)
		}
		if due.Empty() {
			return
		}
		if err := h.svc.work.Drain(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
	h.t.Fatal("the work does not come to an end")
}

// later moves the clock and settles what became due.
func (h *harness) later(d time.Duration) {
	h.t.Helper()
	h.clock.advance(d)
	h.settle()
}

// environments makes an environment repository with its files and installs the App on it.
func (h *harness) environments(name string, files map[string]string) {
	h.t.Helper()
	owner, repo, _ := strings.Cut(name, "/")
	if _, err := h.forge.AddRepository(owner, repo, files); err != nil {
		h.t.Fatal(err)
	}
	h.person("dora", name, forge.PermissionWrite)
	if _, err := h.forge.Install(testAppID, owner, name); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// person makes somebody with a permission in a repository.
func (h *harness) person(login, repo string, p forge.Permission) {
	h.t.Helper()
	h.forge.AddUser(login)
	if err := h.forge.SetPermission(repo, login, p); err != nil {
		h.t.Fatal(err)
	}
}

// commit changes files as dora.
func (h *harness) commit(repo string, files map[string]string) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Commit(repo, sandbox.Edit{As: "dora", Message: "a person's commit", Files: files})
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	return sha
}

// token makes a token for an environment's agents, or for CI where environment is empty.
func (h *harness) token(repo, environment string) string {
	h.t.Helper()
	r, err := forge.ParseFullName(repo)
	if err != nil {
		h.t.Fatal(err)
	}
	kind := postgres.TokenAgent
	if environment == "" {
		kind = postgres.TokenCI
	}
	token, err := h.svc.store.CreateToken(h.t.Context(), forge.GitHub, r, environment, kind, "test", h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// post sends JSON to Ferry and returns the answer's status and body.
func (h *harness) post(path, token string, body any) (int, string) {
	h.t.Helper()
	raw, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		raw = string(b)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, strings.NewReader(raw))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// report says as the environment's agent how it is at the head of main.
func (h *harness) report(repo, environment, health string) {
	h.t.Helper()
	h.reportAt(repo, environment, health, h.head(repo, "main"))
}

func (h *harness) reportAt(repo, environment, health string, revision forge.SHA) {
	h.t.Helper()
	if code, body := h.post("/api/v1/reports", h.token(repo, environment), map[string]any{"revision": revision, "health": health}); code != http.StatusAccepted {
		h.t.Fatalf("report: %d %s", code, body)
	}
	h.settle()
}

// api reads from the forge as a third client, not by Ferry's code.
func (h *harness) api(path string, into any) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.forgeAt+"/api/v3"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser("third").Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", path, res.StatusCode, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		h.t.Fatal(err)
	}
}

func (h *harness) head(repo, branch string) forge.SHA {
	h.t.Helper()
	var ref struct {
		Object struct{ SHA forge.SHA }
	}
	h.api("/repos/"+repo+"/git/ref/heads/"+branch, &ref)
	return ref.Object.SHA
}

// pull is a pull request as a third client sees it.
type pull struct {
	Number int
	State  string
	Title  string
	Body   string
	Merged bool
	Head   struct {
		Ref string
		SHA forge.SHA
	}
	User struct{ Login string }
}

// openPulls returns the open pull requests by their branch.
func (h *harness) openPulls(repo string) map[string]pull {
	h.t.Helper()
	var list []pull
	h.api("/repos/"+repo+"/pulls?state=open&per_page=100", &list)
	byBranch := map[string]pull{}
	for _, p := range list {
		if _, twice := byBranch[p.Head.Ref]; twice {
			h.t.Fatalf("two open pull requests of %s", p.Head.Ref)
		}
		byBranch[p.Head.Ref] = p
	}
	return byBranch
}

// pullOn returns the one open pull request of a branch.
func (h *harness) pullOn(repo, branch string) pull {
	h.t.Helper()
	p, ok := h.openPulls(repo)[branch]
	if !ok {
		h.t.Fatalf("no pull request is open on %s; open are %v", branch, h.openPulls(repo))
	}
	return p
}

// status is a commit status as a third client sees it.
type status struct{ Context, State, Description string }

// statuses returns the newest status of each context.
func (h *harness) statuses(repo string, sha forge.SHA) map[string]status {
	h.t.Helper()
	var combined struct{ Statuses []status }
	h.api(fmt.Sprintf("/repos/%s/commits/%s/status", repo, sha), &combined)
	out := map[string]status{}
	for _, s := range combined.Statuses {
		out[s.Context] = s
	}
	return out
}

func (h *harness) wantStatus(repo string, sha forge.SHA, context, state, words string) {
	h.t.Helper()
	got := h.statuses(repo, sha)[context]
	if got.State != state || !strings.Contains(got.Description, words) {
		h.t.Errorf("status %s on %s is %q %q, want %s with %q", context, sha.Short(), got.State, got.Description, state, words)
	}
}

// file returns a file at the head of a branch.
func (h *harness) file(repo, branch, path string) string {
	h.t.Helper()
	res, err := http.Get(h.forgeAt + "/api/v3/repos/" + repo + "/contents/" + path + "?ref=" + branch)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var file struct{ Content []byte }
	if err := json.NewDecoder(res.Body).Decode(&file); err != nil {
		h.t.Fatal(err)
	}
	return string(file.Content)
}

// merge merges a pull request as dora.
func (h *harness) merge(repo string, number int) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Merge(repo, number, "dora", forge.MergeCommit)
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
	return sha
}

// kustomization is the manifest of the tests.
func kustomization(app, tag string) string {
	return "# " + app + ", kept byte by byte\nkind: Kustomization\nimages:\n  - name:   ghcr.io/acme/" + app + " # the image\n    newTag: " + tag + "\n"
}

// checkoutFiles is an environment repository with one app in three environments.
func checkoutFiles(extra string) map[string]string {
	return map[string]string{
		".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n  - name: prod\n    from: [staging]\n" + extra +
			"apps:\n  - name: checkout\n    source: acme/checkout\n    images: [ghcr.io/acme/checkout]\n    manifests: [\"apps/checkout/{env}/kustomization.yaml\"]\n",
		"apps/checkout/dev/kustomization.yaml":     kustomization("checkout", "1.0.0"),
		"apps/checkout/staging/kustomization.yaml": kustomization("checkout", "1.0.0"),
		"apps/checkout/prod/kustomization.yaml":    kustomization("checkout", "1.0.0"),
	}
}
