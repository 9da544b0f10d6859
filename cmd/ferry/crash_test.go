package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"ferry/promotion/postgres/local/localtest"
)

// crashes is how many kills TestKilledAtAnyMoment makes in all.
var crashes = flag.Int("crashes", 20, "how often TestKilledAtAnyMoment kills Ferry")

// moment is when a process is killed: at the nth time that something is done and it does not know so yet.
type moment struct {
	what string // "commit", or a method and a path that request takes
	nth  int
}

// writeRoutes are the requests by which Ferry changes something at the forge.
var writeRoutes = []string{
	`POST .*/graphql`, `POST .*/git/trees`, `POST .*/git/commits`, `POST .*/git/refs`, `POST .*/statuses/.*`, `PUT .*/merge`, `POST .*/issues/\d+/comments`, `DELETE .*/git/refs/.*`,
	`POST .*/reactions`, `POST .*/access_tokens`,
}

// killer kills the process at the moment it was told.
type killer struct {
	mu     sync.Mutex
	victim *child
	next   *moment
	route  *regexp.Regexp
	log    []string
}

// aim sets the moment at which victim is killed.
func (k *killer) aim(victim *child, m moment) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.victim, k.next, k.route = victim, &m, regexp.MustCompile("^"+m.what+"$")
}

// waits says whether the moment has not come yet.
func (k *killer) waits() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.next != nil
}

// done is called after what was carried out, before the process is told so.
func (k *killer) done(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil || k.victim.gone() || !k.route.MatchString(what) {
		return
	}
	if k.next.nth--; k.next.nth > 0 {
		return
	}
	k.next = nil
	k.log = append(k.log, what)
	k.victim.kill()
}

// wrap lets the forge carry each request out, and answer it only where the process has outlived that. Its own clients' requests count as well where
// they take a route of Ferry's; nobody but Ferry writes by the API here.
func (k *killer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		what := r.Method + " " + r.URL.Path
		next.ServeHTTP(answer, r)
		k.done(what)
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// TestKilledAtAnyMoment kills Ferry over and over (kill -9): when the forge has done what it asked and before the answer, at each kind of write; and
// between any two commits of its database. It is started again at once, goes on with what it finds, and in the end nothing is lost and nothing stands
// twice.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	const perWorld = 25
	for left := *crashes; left > 0; left -= perWorld {
		t.Run(fmt.Sprintf("from %d", *crashes-left), func(t *testing.T) {
			t.Parallel()
			killOften(t, min(left, perWorld), rand.New(rand.NewPCG(uint64(left), 3)), writeRoutes, func(*world) {})
		})
	}
}

// TestKilledWhileItRecords kills it at what it writes into a source repository: no deployment is made twice, and each ends as it should.
func TestKilledWhileItRecords(t *testing.T) {
	t.Parallel()
	killOften(t, 8, rand.New(rand.NewPCG(8, 3)), []string{`POST .*/deployments`, `POST .*/deployments/\d+/statuses`}, (*world).withSource)
}

func killOften(t *testing.T, times int, r *rand.Rand, routes []string, prepare func(*world)) {
	k := &killer{}
	db := localtest.Database(t)
	w := newWorld(t, db, newCommitProxy(t, db, func() { k.done("commit") }), 3, time.Second, k.wrap)
	prepare(w)
	killed, aimed, began := 0, 0, time.Now()
	next := func() moment {
		aimed++
		switch {
		case aimed == 1:
			return moment{`POST .*/issues`, 1} // there is but one
		case aimed%2 == 0:
			return moment{"commit", 1 + r.IntN(60)}
		}
		return moment{routes[aimed/2%len(routes)], 1 + r.IntN(2)}
	}
	start := func() {
		c := startChild(t, w.env...)
		w.balancer.set(c)
		k.aim(c, moment{"never", 1})
		if killed < times {
			k.aim(c, next())
		}
	}
	meanwhile := func() {
		if c := (*w.balancer.behind.Load())[0]; c.gone() {
			if k.waits() {
				t.Fatalf("the process ended by itself: %v", c.err)
			}
			killed++
			start()
		}
	}
	start()
	w.until(meanwhile, w.unseen)
	for killed < times && !t.Failed() {
		w.begin()
		w.until(meanwhile, w.unfinished)
		if c := (*w.balancer.behind.Load())[0]; killed < times && !c.gone() {
			k.aim(c, next()) // what it was aimed at does not happen in every round
		}
	}
	w.begin() // and one with nobody killed
	w.until(meanwhile, w.unfinished)
	w.nothingTwice()
	if t.Failed() {
		t.Logf("killed after %q", k.log)
	}
	t.Logf("%d kills and %d rounds in %s: %q", killed, w.round, time.Since(began).Round(time.Second), k.log)
	(*w.balancer.behind.Load())[0].stops(t)
}
