package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/promotion/postgres"
)

// crowd is an environment repository in which so many apps stand at 1.0.0 in staging, and at another tag in dev; staging has room for as many as said.
func crowd(apps int, dev, room string) map[string]string {
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n" + room +
		"apps:\n  - discover: \"apps/{app}/{env}/kustomization.yaml\"\n    images: [\"ghcr.io/acme/{app}\"]\n"}
	for i := range apps {
		files[worldPath(appNumber(i), "dev")] = kustomization(appNumber(i), dev)
		files[worldPath(appNumber(i), "staging")] = kustomization(appNumber(i), "1.0.0")
	}
	return files
}

// promotions returns the numbers of the promotions that are open, by app.
func (h *harness) promotions(environment string) map[string]int {
	h.t.Helper()
	open := map[string]int{}
	for branch, p := range h.openPulls(acmeEnv) {
		if app, ok := strings.CutPrefix(branch, "ferry/"+environment+"/"); ok {
			open[app] = p.Number
		}
	}
	return open
}

// TestOnboarding: a repository with 300 differences from before Ferry gets one issue and no pull request; of all that somebody asks for then, ten are open
// at a time, and the others follow one by one.
func TestOnboarding(t *testing.T) {
	t.Parallel()
	const apps = 300
	h := newHarness(t)
	h.environments(acmeEnv, crowd(apps, "1.1.0", ""))
	h.report(acmeEnv, "dev", "healthy")
	h.later(2 * time.Minute)
	h.noPulls()
	issue := h.board()
	if !strings.Contains(issue.Body, "Differences from before Ferry") {
		t.Fatalf("the issue says\n%s", issue.Body)
	}
	h.say(issue.Number, "dora", "/promote all")
	came := map[string]bool{}
	for range 5 { // merges and closes, as people do
		open := h.promotions("staging")
		if len(open) != 10 {
			t.Fatalf("%d are open, want 10", len(open))
		}
		names := slices.Sorted(maps.Keys(open))
		for i, name := range names[:4] {
			if came[name] {
				t.Errorf("%s came before", name)
			}
			came[name] = true
			if i == 0 {
				h.does(h.forge.ClosePull(acmeEnv, open[name], "dora"))
				continue
			}
			h.merge(acmeEnv, open[name])
		}
	}
	h.later(2 * time.Minute)
	if body := h.board().Body; !strings.Contains(body, fmt.Sprintf("staging: %d wait for room: max_open is 10; next: ", apps-10-len(came))) {
		t.Errorf("the issue does not say how many wait:\n%s", body)
	}
	last := appNumber(apps - 1)
	if got := h.ask(issue.Number, "dora", "/status "+last); !strings.Contains(got, "room is waiting: max\\_open is 10 in staging") || !strings.Contains(got, fmt.Sprintf("of the %d that wait for room in staging", apps-10-len(came))) {
		t.Errorf("/status is answered by %q", got)
	}
}

// TestTheOldestGoesFirst: who could have gone first goes first when a place is free, whatever comes meanwhile; and more room lets more in.
func TestTheOldestGoesFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := crowd(6, "1.0.0", "    max_open: 2\n")
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	arrive := func(i int, tag string) {
		h.commit(acmeEnv, map[string]string{worldPath(appNumber(i), "dev"): kustomization(appNumber(i), tag)})
		h.later(time.Second)
		h.report(acmeEnv, "dev", "healthy")
		h.later(time.Second)
	}
	want := func(apps ...int) {
		t.Helper()
		var names []string
		for _, i := range apps {
			names = append(names, appNumber(i))
		}
		slices.Sort(names)
		if got := slices.Sorted(maps.Keys(h.promotions("staging"))); !slices.Equal(got, names) {
			t.Errorf("open are %v, want %v", got, names)
		}
	}
	for _, i := range []int{5, 3, 4, 0} {
		arrive(i, "1.1.0")
	}
	want(5, 3)
	arrive(4, "1.2.0") // something newer keeps its place in the line
	h.merge(acmeEnv, h.promotions("staging")[appNumber(5)])
	want(3, 4)
	if p := h.pullOn(acmeEnv, "ferry/staging/"+appNumber(4)); !strings.Contains(p.Title, "1.2.0") {
		t.Errorf("%q came", p.Title)
	}
	h.ask(h.board().Number, "dora", "/hold "+appNumber(0)+" not now")
	arrive(1, "1.1.0")
	h.does(h.forge.ClosePull(acmeEnv, h.promotions("staging")[appNumber(3)], "dora"))
	want(4, 1) // 0 is held, and does not keep others from its place
	h.ask(h.board().Number, "dora", "/resume "+appNumber(0))
	arrive(2, "1.1.0")
	want(4, 1)
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	want(4, 1)
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "max_open: 2", "max_open: 3", 1)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": files[".ferry.yaml"]})
	want(4, 1, 0)
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "max_open: 3", "max_open: 1", 1)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": files[".ferry.yaml"]})
	want(4, 1, 0) // what is open is never closed for that
	h.merge(acmeEnv, h.promotions("staging")[appNumber(1)])
	want(4, 0)
}

// TestDecidedAtOnce: apps that are decided at the same time, on snapshots that do not show them each other, do not take one place twice.
func TestDecidedAtOnce(t *testing.T) {
	t.Parallel()
	const apps = 24
	h := newHarness(t)
	h.environments(acmeEnv, crowd(apps, "1.0.0", "    max_open: 3\n"))
	h.report(acmeEnv, "dev", "healthy")
	changed := map[string]string{}
	for i := range apps {
		changed[worldPath(appNumber(i), "dev")] = kustomization(appNumber(i), "1.1.0")
	}
	h.commit(acmeEnv, changed)
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, "dev"), map[string]any{"revision": h.head(acmeEnv, "main"), "health": "healthy"}); code != 202 {
		t.Fatalf("report: %d %s", code, body)
	}
	h.step(func(due postgres.Due) error {
		var wait sync.WaitGroup
		failed := make([]error, len(due.Units))
		for i, u := range due.Units {
			wait.Go(func() { failed[i] = h.svc.work.Decide(t.Context(), u.Repository, u.Unit) })
		}
		wait.Wait()
		for _, err := range failed {
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.settle()
	if open := h.promotions("staging"); len(open) != 3 {
		t.Errorf("open are %v, want three", open)
	}
	if n := query[int](h, `select count(*) from waiting`); n != apps-3 {
		t.Errorf("%d wait, want %d", n, apps-3)
	}
}
