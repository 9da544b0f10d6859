package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres/local/localtest"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 2 * time.Minute

// eventually waits until a condition that the outside can see has come true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("%s has not come true", what)
		}
	}
}

// process is a `ferry serve` as a person starts it, with real workers and the real clock.
type process struct {
	url    string
	db     string
	err    *syncBuffer
	stop   func()
	status chan int
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serveFerry runs `ferry serve` on a port of its own.
func serveFerry(t *testing.T, getenv func(string) string) *process {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &process{db: getenv("DATABASE_URL"), err: &syncBuffer{}, stop: stop, status: make(chan int, 1)}
	go func() { p.status <- run(ctx, []string{"serve"}, getenv, io.Discard, p.err) }()
	t.Cleanup(stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.err.String())
		}
	})
	eventually(t, "listening", func() bool { return listening.MatchString(p.err.String()) })
	p.url = "http://" + listening.FindStringSubmatch(p.err.String())[1]
	return p
}

func (p *process) get(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (p *process) ready(t *testing.T) {
	t.Helper()
	eventually(t, "ready", func() bool { code, _ := p.get(t, "/readyz"); return code == http.StatusOK })
}

// ends stops the process and fails unless it ends well and in time.
func (p *process) ends(t *testing.T) {
	t.Helper()
	p.stop()
	select {
	case code := <-p.status:
		if code != exitGood {
			t.Errorf("it ended with %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("it did not stop within ten seconds")
	}
}

// command runs another command on the process' database.
func (p *process) command(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, envs("DATABASE_URL", p.db), &out, &errs); code != want {
		t.Fatalf("ferry %s: %d %s %s, want %d", strings.Join(args, " "), code, out.String(), errs.String(), want)
	}
	if want == exitGood {
		return strings.TrimSpace(out.String())
	}
	return strings.TrimSpace(out.String() + errs.String())
}

// TestServe runs the line through the command line, with River's workers and the real clock.
func TestServe(t *testing.T) {
	t.Parallel()
	h := &harness{t: t, clock: &clock{now: time.Now()}}
	var err error
	if h.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.forge.Close)
	forgeServer := httptest.NewServer(forgetest.Validated(t, h.forge.Handler()))
	t.Cleanup(forgeServer.Close)
	h.forgeAt = forgeServer.URL
	h.forge.SetURL(forgeServer.URL)
	private, public := newKey(t)
	p := serveFerry(t, envs("FERRY_LISTEN", "127.0.0.1:0", "DATABASE_URL", localtest.Database(t), "FERRY_GITHUB_URL", forgeServer.URL+"/api/v3", "FERRY_GITHUB_APP_ID", fmt.Sprint(testAppID),
		"FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_WEBHOOK_SECRET", "old-one, "+testSecret, "FERRY_URL", "http://ferry.example.com/"))
	p.ready(t)
	h.url = p.url
	if _, err := h.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: p.url + "/webhooks/github", WebhookSecret: testSecret}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.forge.AddRepository("acme", "environments", checkoutFiles("")); err != nil {
		t.Fatal(err)
	}
	h.person("dora", acmeEnv, forge.PermissionWrite)
	if _, err := h.forge.Install(testAppID, "acme", acmeEnv); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first look", func() bool { return h.statuses(acmeEnv, h.head(acmeEnv, "main"))["ferry/config"].State == "success" })
	dev := p.command(t, exitGood, "token", "create", "--repo", acmeEnv, "--environment", "dev")
	staging := p.command(t, exitGood, "token", "create", "--repo", acmeEnv, "--environment", "staging")

	bump := h.commitOnly(checkoutPath("dev"), kustomization("checkout", "1.1.0"))
	eventually(t, "a status on the bump", func() bool { return h.statuses(acmeEnv, bump)["ferry/dev"].State == "pending" })
	h.tellRaw(dev, bump)
	eventually(t, "the promotion", func() bool { return len(h.openPulls(acmeEnv)) == 1 })
	merged, err := h.forge.Merge(acmeEnv, h.staging().Number, "dora", forge.MergeSquash)
	if err != nil {
		t.Fatal(err)
	}
	h.tellRaw(staging, merged)
	eventually(t, "staging converged", func() bool { return h.statuses(acmeEnv, merged)["ferry/staging"].State == "success" })
	eventually(t, "the next promotion", func() bool { _, ok := h.openPulls(acmeEnv)["ferry/prod/checkout"]; return ok })

	eventually(t, "the last push's delivery", func() bool { return h.lastDelivery("push").Status != 0 })
	push := h.lastDelivery("push")
	if said := p.command(t, exitGood, "replay", push.GUID); !strings.Contains(said, push.GUID) {
		t.Errorf("replay says %q", said)
	}
	p.command(t, exitFailed, "replay", "nothing-like-that")
	if code, page := p.get(t, "/"); code != http.StatusOK || !strings.Contains(page, "checkout") {
		t.Errorf("the page: %d %s", code, page)
	}
	p.ends(t)
}

func (h *harness) commitOnly(path, content string) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "bump", Files: map[string]string{path: content}})
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}

func (h *harness) tellRaw(token string, revision forge.SHA) {
	h.t.Helper()
	raw, err := json.Marshal(map[string]any{"revision": revision, "health": "healthy"})
	if err != nil {
		h.t.Fatal(err)
	}
	if code, answer := h.post("/api/v1/reports", token, string(raw)); code != http.StatusAccepted {
		h.t.Fatal(code, answer)
	}
}

// migrationLock is the advisory lock that whoever migrates holds.
const migrationLock = "select pg_advisory_lock(x'666572727901'::bigint)"

// TestNotReadyWhileMigrating: nothing is taken before the database is there; and a Ferry that waits can be stopped.
func TestNotReadyWhileMigrating(t *testing.T) {
	t.Parallel()
	private, _ := newKey(t)
	getenv := envs("FERRY_LISTEN", "127.0.0.1:0", "DATABASE_URL", localtest.Database(t), "FERRY_GITHUB_URL", "http://127.0.0.1:1/api/v3", "FERRY_GITHUB_APP_ID", "7", "FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_WEBHOOK_SECRET", testSecret)
	conn, err := pgx.Connect(t.Context(), getenv("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), migrationLock); err != nil {
		t.Fatal(err)
	}
	p, other := serveFerry(t, getenv), serveFerry(t, getenv)
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/": 503} {
		if code, _ := p.get(t, path); code != want {
			t.Errorf("%s while migrating: %d, want %d", path, code, want)
		}
	}
	h := &harness{t: t, url: p.url}
	if code, answer := h.hook("ping", "early-1", []byte(`{"zen":"x"}`), nil); code != http.StatusServiceUnavailable {
		t.Errorf("a delivery while migrating: %d %s", code, answer)
	}
	other.stop()
	select {
	case code := <-other.status:
		if code != exitGood {
			t.Errorf("stopped while it waited: %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("a Ferry that waits for the lock does not stop")
	}
	if _, err := conn.Exec(t.Context(), strings.Replace(migrationLock, "_lock", "_unlock", 1)); err != nil {
		t.Fatal(err)
	}
	p.ready(t)
	if code, answer := h.hook("ping", "early-1", []byte(`{"zen":"x"}`), nil); code != http.StatusOK {
		t.Errorf("a delivery once ready: %d %s", code, answer)
	}
	p.ends(t)
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	private, _ := newKey(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	db := localtest.Database(t)
	app := []string{"FERRY_GITHUB_APP_ID", "7", "FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_WEBHOOK_SECRET", "s", "FERRY_LISTEN", "127.0.0.1:0", "DATABASE_URL", db}
	with := func(more ...string) func(string) string { return envs(append(more, app...)...) }
	const nowhere = "postgres://nobody@127.0.0.1:1/none"
	auths := filepath.Join(t.TempDir(), "auths.json")
	if err := os.WriteFile(auths, []byte(`{"auths": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		getenv func(string) string
		args   []string
		code   int
		says   []string
	}{
		{"help", envs(), []string{"--help"}, exitGood, []string{"serve"}},
		{"nothing", envs(), nil, exitGood, []string{"serve"}},
		{"an unknown command", envs(), []string{"sevre"}, exitUsage, []string{"sevre"}},
		{"an unknown flag", envs(), []string{"serve", "--port"}, exitUsage, []string{"port"}},
		{"an argument too many", with(), []string{"serve", "now"}, exitUsage, nil},
		{"no settings", envs(), []string{"serve"}, exitUsage, []string{"FERRY_GITHUB_APP_ID", "FERRY_GITHUB_WEBHOOK_SECRET"}},
		{"an App in part", envs("FERRY_URL", "https://ferry.example.com", "FERRY_GITHUB_WEBHOOK_SECRET", "x"), []string{"serve"}, exitUsage, []string{"FERRY_GITHUB_APP_ID"}},
		{"no App, and an address that is none", envs("FERRY_URL", "https://ferry.example.com", "FERRY_GITHUB_URL", "github"), []string{"serve"}, exitUsage, []string{"FERRY_GITHUB_URL"}},
		{"an address with a query", with("FERRY_URL", "https://ferry.example.com/?x=y"), []string{"serve"}, exitUsage, []string{"FERRY_URL"}},
		{"an address with a fragment", with("FERRY_URL", "https://ferry.example.com#"), []string{"serve"}, exitUsage, []string{"FERRY_URL"}},
		{"a short secret key", with("FERRY_SECRET_KEY", "short"), []string{"serve"}, exitUsage, []string{"FERRY_SECRET_KEY"}},
		{"registries by another word", with("FERRY_REGISTRY", "no"), []string{"serve"}, exitUsage, []string{"FERRY_REGISTRY: off is expected"}},
		{"credentials for registries that are not asked", with("FERRY_REGISTRY", "off", "FERRY_REGISTRY_AUTH_FILE", auths), []string{"serve"}, exitUsage, []string{"keep one"}},
		{"an old secret key alone", with("FERRY_SECRET_KEY_OLD", testSecretKey), []string{"serve"}, exitUsage, []string{"FERRY_SECRET_KEY is missing beside"}},
		{"every setting is wrong", envs("FERRY_GITHUB_APP_ID", "seven", "FERRY_GITHUB_APP_KEY", "no key", "FERRY_LOG", "xml", "FERRY_URL", "ferry", "FERRY_LISTEN", "8080", "FERRY_GITHUB_URL", "github", "DATABASE_URL", "postgres://[",
			"FERRY_GITHUB_WEBHOOK_SECRET", "x", "FERRY_GITHUB_WEBHOOK_SECRET_FILE", "/nowhere", "FERRY_TOKENS_FILE", "/nowhere"), []string{"serve"}, exitUsage,
			[]string{"FERRY_GITHUB_APP_ID", "FERRY_GITHUB_APP_KEY", "FERRY_LOG", "FERRY_URL", "FERRY_LISTEN", "FERRY_GITHUB_URL", "DATABASE_URL", "FERRY_GITHUB_WEBHOOK_SECRET", "FERRY_TOKENS_FILE"}},
		{"a key without an App", envs("FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_WEBHOOK_SECRET", "x"), []string{"serve"}, exitUsage, []string{"FERRY_GITHUB_APP_ID"}},
		{"the port is taken", with("FERRY_LISTEN", taken.Addr().String()), []string{"serve"}, exitFailed, []string{"FERRY_LISTEN"}},
		{"no database there", with("DATABASE_URL", nowhere), []string{"serve"}, exitUnreachable, []string{"database"}},
		{"no database to migrate", with("DATABASE_URL", nowhere), []string{"migrate"}, exitUnreachable, []string{"database"}},
		{"no database for a token", with("DATABASE_URL", nowhere), []string{"token", "create", "--repo", "a/b", "--ci"}, exitUnreachable, []string{"database"}},
		{"migrate without a database", envs(), []string{"migrate"}, exitUsage, []string{"DATABASE_URL"}},
		{"migrate", with(), []string{"migrate"}, exitGood, []string{"version"}},
		{"a token for both", with(), []string{"token", "create", "--repo", "a/b", "--ci", "--environment", "dev"}, exitUsage, []string{"--ci"}},
		{"a token for nothing", with(), []string{"token", "create", "--repo", "a/b"}, exitUsage, []string{"--environment"}},
		{"a token for no repository", with(), []string{"token", "create", "--repo", "a", "--ci"}, exitUsage, []string{"--repo"}},
		{"a token for an unknown repository", with(), []string{"token", "create", "--repo", "a/b", "--ci"}, exitFailed, []string{"a/b"}},
		{"replay without an id", with(), []string{"replay"}, exitUsage, nil},
		{"replay of nothing", with(), []string{"replay", "x"}, exitFailed, []string{"no delivery x"}},
	} {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		code := run(ctx, c.args, c.getenv, &out, &out)
		cancel()
		if code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, code, out.String(), c.code)
		}
		for _, words := range c.says {
			if !strings.Contains(out.String(), words) {
				t.Errorf("%s: %q does not name %s", c.name, out.String(), words)
			}
		}
	}
}

// TestTokenForAMistypedEnvironment is not made: it would be taken at the door and do nothing.
func TestTokenForAMistypedEnvironment(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	p := &process{db: h.db}
	if said := p.command(t, exitFailed, "token", "create", "--repo", acmeEnv, "--environment", "stagin"); !strings.Contains(said, "dev, staging, prod") {
		t.Errorf("it says %q", said)
	}
	if token := p.command(t, exitGood, "token", "create", "--repo", "ACME/Environments", "--environment", "staging"); !strings.HasPrefix(token, "ferry_agent_") {
		t.Errorf("it says %q", token)
	}
}

// TestNotReadyOnAnEmptiedDatabase: a Ferry whose database was dropped and made anew below it takes nothing and says so, until it is started again.
func TestNotReadyOnAnEmptiedDatabase(t *testing.T) {
	t.Parallel()
	private, _ := newKey(t)
	getenv := envs("FERRY_LISTEN", "127.0.0.1:0", "DATABASE_URL", localtest.Database(t), "FERRY_GITHUB_URL", "http://127.0.0.1:1/api/v3", "FERRY_GITHUB_APP_ID", "7", "FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_WEBHOOK_SECRET", testSecret)
	conn, err := pgx.Connect(t.Context(), getenv("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	p := serveFerry(t, getenv)
	eventually(t, "its workers", func() bool { return strings.Contains(p.err.String(), "River client started") })
	eventually(t, "the schema dropped, against workers that use it", func() bool {
		_, err := conn.Exec(t.Context(), "drop schema public cascade; create schema public")
		return err == nil
	})
	if code, said := p.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(said, "start Ferry again") {
		t.Errorf("on an emptied database: %d %s", code, said)
	}
	h := &harness{t: t, url: p.url}
	if code, said := h.hook("ping", "emptied-1", []byte(`{"zen":"x"}`), nil); code != http.StatusServiceUnavailable {
		t.Errorf("a delivery on an emptied database: %d %s", code, said)
	}
	again := serveFerry(t, getenv)
	eventually(t, "ready again", func() bool { code, _ := again.get(t, "/readyz"); return code == http.StatusOK })
}
