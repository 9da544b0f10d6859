package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres"
	"ferry/promotion/postgres/local"
)

// The delay from a push to its pull request is measured among few apps and among many, with as many pushes each.
const (
	fewApps     = 10
	manyAppsAre = 1000
	scalePushes = 60
)

// BenchmarkScale measures a `ferry serve` in a process of its own, on a database that keeps what it is told: how long a push takes to become a pull
// request, its agent reporting at once, and how much memory the process holds.
func BenchmarkScale(b *testing.B) {
	server, err := local.Start(b.Context(), local.Options{Bin: os.Getenv("FERRY_POSTGRES_BIN")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(context.WithoutCancel(b.Context())) })
	for b.Loop() {
		few := newScale(b, server, fewApps)
		figure("rss_idle", few.rss(), "MiB")
		few.install()
		short := few.pushes()
		figure("push_to_pull_request_p95_10_apps", short.ferrys.Seconds(), "s")
		figure("push_to_pull_request_forge_10_apps", short.forges.Seconds(), "s")
		few.child.kill()
		many := newScale(b, server, manyAppsAre)
		many.install()
		long := many.pushes()
		figure("rss_1000_apps", many.rss(), "MiB")
		many.child.kill()
		figure("deadlocks", float64(few.deadlocks()+many.deadlocks()), "")
		figure("push_to_pull_request_forge_1000_apps", long.forges.Seconds(), "s")
		figureWithin("push_to_pull_request_p95", long.ferrys.Seconds(), "s", short.ferrys.Seconds(), long.ferrys.Seconds()/short.ferrys.Seconds())
	}
}

// scale is a forge with one environment repository of many apps, and a Ferry.
type scale struct {
	*harness
	apps   int
	child  *child
	opened chan string // the branches of pull requests, as they are opened
	forges busy        // the time the forge takes, which is not Ferry's
}

func newScale(b *testing.B, server *local.Server, apps int) *scale {
	b.Helper()
	name := fmt.Sprintf("scale_%d", apps)
	s := &scale{harness: &harness{t: b, clock: &clock{now: time.Now()}, db: server.DatabaseURL(name), log: &syncBuffer{}}, apps: apps, opened: make(chan string, scalePushes)}
	s.createDatabase(server, name)
	var balancer balancer
	var err error
	if s.forge, err = sandbox.New(sandbox.Config{Dir: b.TempDir(), HTTP: balancer.client()}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.forge.Close)
	front := httptest.NewServer(s.watchPulls(s.forge.Handler()))
	b.Cleanup(front.Close)
	s.forgeAt = front.URL
	s.forge.SetURL(front.URL)
	private, public := newKey(b)
	s.child = startChild(b, asHastyFerry+"=2m", "DATABASE_URL="+s.db, "FERRY_GITHUB_URL="+front.URL+"/api/v3", fmt.Sprintf("FERRY_GITHUB_APP_ID=%d", testAppID),
		"FERRY_GITHUB_APP_KEY="+string(private), "FERRY_GITHUB_WEBHOOK_SECRET="+testSecret)
	eventually(b, "ready", func() bool { return s.child.answers("/readyz") == http.StatusOK })
	balancer.set(s.child)
	s.url = "http://" + s.child.address
	if _, err = s.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: "http://ferry.example.com/webhooks/github", WebhookSecret: testSecret}); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *scale) createDatabase(server *local.Server, name string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), server.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(s.t.Context()))
	if _, err := conn.Exec(s.t.Context(), "drop database if exists "+name+" with (force)"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := conn.Exec(s.t.Context(), "create database "+name); err != nil {
		s.t.Fatal(err)
	}
}

// deadlocks returns how often PostgreSQL has had to break one, which takes a second each, once nobody is connected any more who could know of one more.
func (s *scale) deadlocks() (n int) {
	s.t.Helper()
	s.svc.store.Close()
	conn, err := pgx.Connect(s.t.Context(), s.db)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(s.t.Context()))
	one := func(sql string) (n int) {
		if err := conn.QueryRow(s.t.Context(), sql).Scan(&n); err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	eventually(s.t, "the end of all connections", func() bool {
		return one(`select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`) == 0
	})
	return one(`select deadlocks from pg_stat_database where datname = current_database()`)
}

// busy measures for how long at least one of several things is under way.
type busy struct {
	mu    sync.Mutex
	now   int
	since time.Time
	total time.Duration
}

func (b *busy) during(do func()) {
	b.change(1)
	defer b.change(-1)
	do()
}

func (b *busy) change(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now > 0 {
		b.total += time.Since(b.since)
	}
	b.now, b.since = b.now+by, time.Now()
}

// soFar returns for how long it was busy until now.
func (b *busy) soFar() time.Duration {
	b.change(0)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// watchPulls notes what is opened where the forge answers: asking it again and again would slow it down.
func (s *scale) watchPulls(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		branch := s.opening(r)
		answer := httptest.NewRecorder()
		s.forges.during(func() { next.ServeHTTP(answer, r) })
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		if branch != "" && !strings.Contains(answer.Body.String(), `"errors"`) { // where its branch still stood, Ferry goes on step by step
			s.opened <- branch
		}
	})
}

// opening returns the branch of the pull request that a request would open, as GraphQL or as REST; "" where it opens none.
func (s *scale) opening(r *http.Request) string {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/pulls") && !strings.HasSuffix(r.URL.Path, "/graphql") {
		return ""
	}
	var asked struct {
		Head      string
		Variables struct {
			Pull struct {
				Head string `json:"headRefName"`
			}
		}
	}
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(raw, &asked)
	}
	if err != nil {
		s.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return cmp.Or(asked.Head, asked.Variables.Pull.Head)
}

// install lets Ferry see the repository and waits until it has taken its first look.
func (s *scale) install() {
	s.t.Helper()
	if _, err := s.forge.AddRepository("acme", "environments", manyApps(s.apps)); err != nil {
		s.t.Fatal(err)
	}
	s.person("dora", acmeEnv, forge.PermissionWrite)
	if _, err := s.forge.Install(testAppID, "acme", acmeEnv); err != nil {
		s.t.Fatal(err)
	}
	store, err := postgres.Open(s.t.Context(), s.db, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(store.Close)
	s.svc = &service{store: store}
	eventually(s.t, "the first look", func() bool {
		return query[int](s.harness, `select count(*) from apps where view <> '{}'`) == s.apps && query[int](s.harness, `select count(*) from units where generation <> decided`) == 0
	})
}

// delay is how long pushes took to become pull requests: their 95th percentile without the forge's own time, and how much that was in the median.
type delay struct{ ferrys, forges time.Duration }

// pushes changes one app after the other in dev, with an agent that reports at once, until the pull request into staging is open. While the forge
// carries a commit or a request out, Ferry waits: the sandbox runs Git on all files of the repository, which is no cost of Ferry's.
func (s *scale) pushes() delay {
	s.t.Helper()
	agent := s.token(acmeEnv, "dev")
	var ferrys, forges []time.Duration
	for i := range scalePushes {
		app, tag := appNumber(i%s.apps), fmt.Sprintf("1.%d.0", 1+i/s.apps)
		began, before := time.Now(), s.forges.soFar()
		var sha forge.SHA
		var err error
		s.forges.during(func() {
			sha, err = s.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "bump " + app, Files: map[string]string{worldPath(app, "dev"): kustomization(app, tag)}})
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if code, answer := s.post("/api/v1/reports", agent, map[string]any{"app": app, "revision": sha, "health": "healthy"}); code != http.StatusAccepted {
			s.t.Fatalf("%d %s", code, answer)
		}
		took := s.pullOpened(app, began)
		share := s.forges.soFar() - before
		ferrys, forges = append(ferrys, took-share), append(forges, share)
		s.merged(app)
	}
	slices.Sort(ferrys)
	slices.Sort(forges)
	return delay{ferrys[len(ferrys)*95/100], forges[len(forges)/2]}
}

// pullOpened waits until the app's pull request is open, and returns how long that took.
func (s *scale) pullOpened(app string, began time.Time) time.Duration {
	s.t.Helper()
	for {
		select {
		case branch := <-s.opened:
			if branch == "ferry/staging/"+app {
				return time.Since(began)
			}
		case <-time.After(patience):
			s.t.Fatalf("the pull request of %s does not come", app)
		}
	}
}

// merged merges the app's pull request, and waits until Ferry knows: the next push finds the same state everywhere.
func (s *scale) merged(app string) {
	s.t.Helper()
	if _, err := s.forge.Merge(acmeEnv, s.pullOn(acmeEnv, "ferry/staging/"+app).Number, "dora", forge.MergeCommit); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the merge of "+app, func() bool {
		return query[int](s.harness, `select count(*) from promotions where app = $1 and state in ('waiting', 'open')`, app) == 0 &&
			query[int](s.harness, `select count(*) from units where name <> 'issue' and generation <> decided`) == 0 && query[int](s.harness, `select count(*) from wishes where kind <> 'issue' and version <> applied_version and act_at is null`) == 0
	})
}

// rss returns the memory that the process holds, in MiB.
func (s *scale) rss() float64 {
	s.t.Helper()
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(s.child.cmd.Process.Pid)).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	kib, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return kib / 1024
}
