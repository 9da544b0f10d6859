package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// second starts another Ferry on the same database, as a second replica would be.
func (h *harness) second() *service {
	h.t.Helper()
	svc := newService(h.svc.settings, nil, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	server := httptest.NewServer(svc)
	h.t.Cleanup(func() { server.Close(); svc.close() })
	if err := svc.open(h.t.Context(), h.db); err != nil {
		h.t.Fatal(err)
	}
	svc.work.Holder = "the second"
	return svc
}

// race lets all replicas do all work that is due at once, until nothing is left.
func (h *harness) race(replicas ...*service) {
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
		var group sync.WaitGroup
		for _, svc := range replicas {
			for range 2 { // several workers of one process, too
				group.Go(func() {
					for _, id := range due.Repositories {
						_ = svc.work.Observe(h.t.Context(), id) // who loses the race may fail: the work is still due
					}
					for _, u := range due.Units {
						_ = svc.work.Decide(h.t.Context(), u.Repository, u.Unit)
					}
					for _, id := range due.Wishes {
						_ = svc.work.Act(h.t.Context(), id)
					}
				})
			}
		}
		group.Wait()
		h.clock.advance(time.Second)
	}
	h.t.Fatal("the work does not come to an end")
}

// TestTwoReplicasActOnce: two Ferrys on one database, each with several workers, all going for the same work: every act is done once.
func TestTwoReplicasActOnce(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	replicas := []*service{h.svc, h.second()}
	ask := func(f func() error) {
		t.Helper()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		h.race(replicas...)
	}
	h.forge.ResetRequests()
	sha := h.head(acmeEnv, "main")
	for _, tag := range []string{"1.1.0", "1.2.0"} {
		ask(func() (err error) {
			sha, err = h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "bump", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", tag)}})
			return err
		})
		h.tellOnly("dev", string(sha))
		h.race(replicas...)
	}
	p := h.staging()
	if p.Number != 2 || !strings.Contains(p.Title, "1.2.0") {
		t.Errorf("the promotion is %+v", p)
	}
	var id int64
	ask(func() (err error) {
		id, err = h.forge.Comment(acmeEnv, p.Number, "dora", "/hold checkout prod wait\n/status")
		return err
	})
	if answers := h.answersTo(p.Number, id); len(answers) != 1 {
		t.Errorf("%d answers", len(answers))
	}
	ask(func() (err error) { sha, err = h.forge.Merge(acmeEnv, p.Number, "dora", "squash"); return err })
	h.tellOnly("staging", string(sha))
	h.race(replicas...)
	h.board()
	if n := query[int](h, `select count(*) from holds`); n != 1 {
		t.Errorf("%d holds", n)
	}
	writes := h.writes()
	const repo = "/repos/{owner}/{repo}"
	for route, most := range map[string]int{"POST " + openingRoute: 1, "POST " + repo + "/pulls": 0, "POST " + repo + "/git/commits": 3, "PATCH " + repo + "/git/refs/{ref}": 2, "POST " + repo + "/issues/{issue_number}/comments": 1} {
		if writes[route] > most {
			t.Errorf("%s was called %d times, want at most %d", route, writes[route], most)
		}
	}
	var doubles int
	if doubles = query[int](h, `select count(*) from (select kind, environment, app, detail, at from events group by 1, 2, 3, 4, 5 having count(*) > 1) e`); doubles != 0 {
		t.Errorf("%d events stand twice", doubles)
	}
	h.noDoubleStatuses(string(sha))
}

// noDoubleStatuses fails where a commit got the same status twice in a row.
func (h *harness) noDoubleStatuses(sha string) {
	h.t.Helper()
	var list []status
	h.api("/repos/"+acmeEnv+"/commits/"+sha+"/statuses?per_page=100", &list)
	last := map[string]status{}
	for _, s := range list {
		if last[s.Context] == s {
			h.t.Errorf("%s got %+v twice", sha, s)
		}
		last[s.Context] = s
	}
}

// tellOnly reports without doing the work that follows.
func (h *harness) tellOnly(environment, revision string) {
	h.t.Helper()
	if code, body := h.post("/api/v1/reports", h.token(acmeEnv, environment), map[string]any{"revision": revision, "health": "healthy"}); code != 202 {
		h.t.Fatal(code, body)
	}
}
