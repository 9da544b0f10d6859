package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ferry/forge/sandbox"
	"ferry/promotion/postgres"
)

// What make bench prints: each figure on a line of its own, one that is held against a limit with both and what share of the limit it is.
func figure(name string, value float64, unit string) {
	fmt.Fprintf(os.Stdout, "bench: %s %s %s\n", name, number(value), unit)
}

func figureWithin(name string, value float64, unit string, limit, ratio float64) {
	fmt.Fprintf(os.Stdout, "bench: %s %s %s limit %s ratio %s\n", name, number(value), unit, number(limit), number(ratio))
}

// number writes a value with three places, where it has any.
func number(v float64) string {
	if v == float64(int64(v)) {
		return fmt.Sprintf("%d", int64(v))
	}
	return fmt.Sprintf("%.3f", v)
}

// BenchmarkPromotion counts what one promotion asks of the forge, in all and by kind.
func BenchmarkPromotion(b *testing.B) {
	for b.Loop() {
		total, byKind := 0, map[string]int{}
		for route, n := range newHarness(b).costOfPromotion("", func() {}) {
			total += n
			byKind[kindOf(route)] += n
		}
		figureWithin("requests_per_promotion", float64(total), "requests", mostRequests, float64(total)/mostRequests)
		if total > mostRequests {
			b.Errorf("%d requests, want at most %d", total, mostRequests)
		}
		for _, kind := range slices.Sorted(maps.Keys(byKind)) {
			figure("requests_per_promotion_"+kind, float64(byKind[kind]), "requests")
		}
	}
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// kindOf makes a name of a route: "POST /repos/{owner}/{repo}/git/trees" is post_git_trees.
func kindOf(route string) string {
	words := strings.FieldsFunc(placeholder.ReplaceAllString(strings.ToLower(route), ""), func(r rune) bool { return r == '/' || r == ' ' })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "repos" }), "_")
}

// manyApps is an environment repository with as many apps in dev and staging.
func manyApps(n int) map[string]string {
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    max_open: 1000\n" +
		"apps:\n  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"}
	for i := range n {
		for _, env := range []string{"dev", "staging"} {
			files[worldPath(appNumber(i), env)] = kustomization(appNumber(i), "1.0.0")
		}
	}
	return files
}

func appNumber(i int) string { return fmt.Sprintf("app%d", i) }

// costOfPush is what a push that changes one app asks of the forge and of the database, and the jobs that it makes.
type costOfPush struct{ requests, statements, jobs int }

// BenchmarkOneOf counts what a push that changes one app costs among few apps and among many.
func BenchmarkOneOf(b *testing.B) {
	for b.Loop() {
		costs := map[costOfPush]bool{}
		for _, apps := range []int{5, 500} {
			c := pushOneOf(b, apps)
			costs[c] = true
			figure(fmt.Sprintf("requests_1_of_%d", apps), float64(c.requests), "requests")
			figure(fmt.Sprintf("statements_1_of_%d", apps), float64(c.statements), "statements")
			figure(fmt.Sprintf("jobs_1_of_%d", apps), float64(c.jobs), "jobs")
		}
		if len(costs) > 1 {
			b.Error("what a push costs depends on how many apps there are")
		}
	}
}

// pushOneOf changes one of many apps in dev, lets the agent report it, and counts until its promotion is open. What looks for work that is due is not
// counted: in a server jobs do that.
func pushOneOf(t testing.TB, apps int) (c costOfPush) {
	t.Helper()
	var counting atomic.Bool
	var statements atomic.Int64
	h := newHarness(t, postgres.Traced(func(sql string) {
		if counting.Load() && !strings.HasPrefix(sql, "-- ping") { // the pool's own, to a connection that was idle for a second
			statements.Add(1)
		}
	}))
	h.environments(acmeEnv, manyApps(apps))
	h.later(time.Minute)
	for i := range 2 { // Ferry's issue has been edited just now, and is due again
		h.commit(acmeEnv, map[string]string{worldPath(appNumber(i), "dev"): kustomization(appNumber(i), "1.1.0")})
	}
	app, agent := appNumber(apps/2), h.token(acmeEnv, "dev")
	last := query[int64](h, `select coalesce(max(id), 0) from river_job`)
	h.forge.ResetRequests()
	counting.Store(true)
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "bump", Files: map[string]string{worldPath(app, "dev"): kustomization(app, "1.1.0")}})
	if err != nil {
		t.Fatal(err)
	}
	h.settleCounted(&counting)
	h.post("/api/v1/reports", agent, map[string]any{"app": app, "revision": sha, "health": "healthy"})
	h.settleCounted(&counting)
	counting.Store(false)
	c.statements, c.jobs = int(statements.Load()), query[int](h, `select count(*) from river_job where id > $1`, last)
	for _, n := range h.ferrysRequests() {
		c.requests += n
	}
	h.pullOn(acmeEnv, "ferry/staging/"+app)
	return c
}

// settleCounted is settle that counts nothing while it looks for what is due.
func (h *harness) settleCounted(counting *atomic.Bool) {
	h.t.Helper()
	for range 200 {
		if err := h.forge.Flush(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		counting.Store(false)
		due, err := h.svc.store.DueWork(h.t.Context(), h.clock.Now(), 100)
		counting.Store(true)
		if err != nil {
			h.t.Fatal(err)
		}
		if due.Empty() {
			return
		}
		h.svc.work.Do(h.t.Context(), due)
	}
	h.t.Fatal("the work does not come to an end")
}
