package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ferry/promotion/postgres/local"
	"ferry/promotion/postgres/local/localtest"
)

// fleetLease is the lease of processes in tests that freeze one past it.
const fleetLease = 2 * time.Second

// straight serves without anything going wrong.
func straight(next http.Handler) http.Handler { return next }

// replicas starts n processes on the world's database.
func (w *world) replicas(t *testing.T, n int) []*child {
	t.Helper()
	all := make([]*child, n)
	for i := range all {
		all[i] = startChild(t, w.env...)
	}
	w.balancer.set(all...)
	for _, c := range all {
		eventually(t, "ready", func() bool { return c.answers("/readyz") == http.StatusOK })
	}
	return all
}

// TestThreeReplicas: three processes on one database under load. One is killed in the middle of it and one more joins; then each is stopped in turn while
// another takes its place. Nothing is lost, and nothing is done twice.
func TestThreeReplicas(t *testing.T) {
	t.Parallel()
	db := localtest.Database(t)
	w := newWorld(t, db, db, 8, fleetLease, straight)
	all := w.replicas(t, 3)
	idle := func() {}
	w.until(idle, w.unseen)
	w.begin()
	killed := false
	w.until(func() {
		if !killed && len(w.openPulls(acmeEnv)) > 0 {
			all[0].kill()
			killed = true
		}
	}, w.unfinished)
	all[0] = startChild(t, w.env...)
	w.begin()
	turn := 0
	w.until(func() {
		if turn == len(all) || len(w.openPulls(acmeEnv)) == 0 {
			return
		}
		fresh := startChild(t, w.env...)
		eventually(t, "ready", func() bool { return fresh.answers("/readyz") == http.StatusOK })
		old := all[turn]
		all[turn] = fresh
		w.balancer.set(all...) // as a load balancer that asks /readyz takes it out first
		if took := old.stops(t); took > 10*time.Second {
			t.Errorf("it took %s to stop", took)
		}
		turn++
	}, w.unfinished)
	if turn == 0 || !killed {
		t.Error("there was no load")
	}
	w.nothingTwice()
	for _, c := range all {
		t.Logf("stopped in %s", c.stops(t).Round(time.Millisecond))
	}
}

// freezer stops a process (SIGSTOP) when the forge has answered a route for it, so that the process has the answer and has done nothing with it.
type freezer struct {
	t      *testing.T
	mu     sync.Mutex
	route  *regexp.Regexp
	victim *child
	frozen chan struct{}
	asked  []int64 // the comments to be answered
}

func (f *freezer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Method + " " + r.URL.Path
		f.mu.Lock()
		now := f.victim != nil && f.route.MatchString(what)
		victim := f.victim
		if now {
			f.victim = nil
		}
		f.mu.Unlock()
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		if now {
			victim.freeze(f.t)
		}
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		if now {
			close(f.frozen)
		}
	})
}

// findsItsLeaseGone freezes the first right after it looked whether its answer to a comment stands already, until the second has answered. It returns false
// where that took longer than a request may: then the first has not used what it had been answered.
func (f *freezer) findsItsLeaseGone(t *testing.T, w *world, first, second *child) bool {
	t.Helper()
	second.freeze(t) // it is ready, and need not start meanwhile
	w.balancer.set(first)
	f.mu.Lock()
	f.route, f.victim, f.frozen = regexp.MustCompile(`GET .*/issues/\d+/comments$`), first, make(chan struct{})
	f.mu.Unlock()
	id, err := w.forge.Comment(acmeEnv, w.board().Number, "dora", "/status")
	if err != nil {
		t.Fatal(err)
	}
	<-f.frozen
	before := len(first.log.String())
	second.signal(t, syscall.SIGCONT)
	w.balancer.set(second)
	eventually(t, "the other's answer", func() bool { return len(w.answersTo(w.board().Number, id)) == 1 })
	first.signal(t, syscall.SIGCONT)
	gone, late := false, false
	eventually(t, "that the first goes on", func() bool {
		said := first.log.String()[before:]
		gone, late = strings.Contains(said, "the lease was taken over"), strings.Contains(said, "Client.Timeout exceeded")
		return gone || late
	})
	f.asked = append(f.asked, id)
	return gone
}

// TestFrozenPastItsLease: a replica is frozen right after it looked whether its answer to a comment stands already, for longer than its lease. Another one
// takes over and answers. Continued, the first finds its lease gone and does not answer a second time.
func TestFrozenPastItsLease(t *testing.T) {
	t.Parallel()
	db, f := localtest.Database(t), &freezer{t: t}
	w := newWorld(t, db, db, 1, fleetLease, f.wrap)
	both := w.replicas(t, 2)
	first, second := both[0], both[1]
	w.until(func() {}, w.unseen)
	for tries := 1; !f.findsItsLeaseGone(t, w, first, second); tries++ {
		if tries == 5 {
			t.Fatal("the first's request always outlived its time while it was frozen")
		}
	}
	first.stops(t)
	second.stops(t)
	for _, id := range f.asked {
		if n := len(w.answersTo(w.board().Number, id)); n != 1 {
			t.Errorf("%d answers to %d", n, id)
		}
	}
}

// TestFrozenUnderLoad freezes one of three replicas for longer than its lease, wherever it happens to be, and continues it.
func TestFrozenUnderLoad(t *testing.T) {
	t.Parallel()
	db := localtest.Database(t)
	w := newWorld(t, db, db, 6, fleetLease, straight)
	all := w.replicas(t, 3)
	w.until(func() {}, w.unseen)
	w.begin()
	var since time.Time
	thawed := false
	w.until(func() {
		switch {
		case since.IsZero() && len(w.openPulls(acmeEnv)) > 0:
			w.balancer.set(all[1:]...)
			all[0].freeze(t)
			since = time.Now()
		case !since.IsZero() && !thawed && time.Since(since) > 2*fleetLease:
			all[0].signal(t, syscall.SIGCONT)
			w.balancer.set(all...)
			thawed = true
		}
	}, func() string {
		if !thawed {
			return "one is frozen"
		}
		return w.unfinished()
	})
	w.begin()
	w.until(func() {}, w.unfinished)
	w.nothingTwice()
	for _, c := range all {
		c.stops(t)
	}
}

// TestPostgreSQLRestarts: the database is gone for a while in the middle of load. Deliveries get 503 and /readyz is false for that time; then everything
// goes on by itself. A Ferry can be stopped while its database is gone.
func TestPostgreSQLRestarts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDemoRun(t).temporary, "postgres")
	server := startPostgreSQL(t, dir)
	w := newWorld(t, server.URL(), server.URL(), 6, fleetLease, straight)
	all := w.replicas(t, 2)
	w.until(func() {}, w.unseen)
	w.begin()
	eventually(t, "load", func() bool { w.live(); return len(w.openPulls(acmeEnv)) > 0 })
	stopPostgreSQL(t, server)
	eventually(t, "not ready", func() bool { return all[0].answers("/readyz") == http.StatusServiceUnavailable })
	if code := all[0].answers("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz says %d", code)
	}
	w.url = "http://" + all[0].address
	if code, said := w.hook("ping", "without-a-database", []byte(`{"zen":"x"}`), nil); code != http.StatusServiceUnavailable {
		t.Errorf("a delivery without a database: %d %s", code, said)
	}
	t.Logf("without a database it stopped in %s", all[1].stops(t).Round(time.Millisecond))
	w.balancer.set(all[0])
	began := time.Now()
	startPostgreSQL(t, dir)
	eventually(t, "ready again", func() bool { return all[0].answers("/readyz") == http.StatusOK })
	t.Logf("ready again %s after the database", time.Since(began).Round(time.Millisecond))
	if code, said := w.hook("ping", "without-a-database", []byte(`{"zen":"x"}`), nil); code != http.StatusOK {
		t.Errorf("the delivery sent again: %d %s", code, said)
	}
	w.svc.store.Pool().Reset()
	w.until(func() {}, w.unfinished)
	w.nothingTwice()
	t.Logf("with one it stopped in %s", all[0].stops(t).Round(time.Millisecond))
}

func startPostgreSQL(t *testing.T, dir string) *local.Server {
	t.Helper()
	s, err := local.Start(t.Context(), local.Options{Dir: dir, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) }) // it may have been stopped on purpose
	return s
}

func stopPostgreSQL(t *testing.T, s *local.Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
