package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// pushOf is a push to a branch that nobody looks at, in the repository of that id and name.
func pushOf(id int64, name string) []byte {
	const sha = "1111111111111111111111111111111111111111"
	return fmt.Appendf(nil, `{"ref":"refs/heads/elsewhere","before":%q,"after":%q,"commits":[],"repository":{"id":%d,"full_name":%q,"default_branch":"main"}}`,
		strings.Repeat("2", 40), sha, id, name)
}

// atOnce sends deliveries at the same time and returns the answers' statuses.
func (h *harness) atOnce(sends ...func() (int, string)) []int {
	h.t.Helper()
	codes := make([]int, len(sends))
	var group sync.WaitGroup
	for i, send := range sends {
		group.Go(func() { codes[i], _ = send() })
	}
	group.Wait()
	return codes
}

// TestDeliveriesThatComeTogether mixes, in one rush, new deliveries and doubled ones, repositories Ferry knows and one it does not, events it does
// not use, and one that the database does not take.
func TestDeliveriesThatComeTogether(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, checkoutFiles(""))
	id := query[int64](h, `select forge_id from repositories where owner || '/' || name = $1`, acmeEnv)
	h.sql(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`)
	h.sql(`create trigger refuse before insert on deliveries for each row when (new.id = 'bad') execute function refuse()`)
	generation, jobs := query[int64](h, `select generation from repositories where forge_id = $1`, id), query[int](h, `select count(*) from river_job where kind = 'observe'`)
	const each = 20
	var sends []func() (int, string)
	var want []int
	send := func(event, delivery string, body []byte, code int) {
		sends, want = append(sends, func() (int, string) { return h.hook(event, delivery, body, nil) }), append(want, code)
	}
	for i := range each {
		send("push", fmt.Sprintf("new-%d", i), pushOf(id, acmeEnv), http.StatusAccepted)
		send("push", fmt.Sprintf("unknown-%d", i), pushOf(4711, "nobody/knows"), http.StatusAccepted)
		send("star", fmt.Sprintf("unused-%d", i), pushOf(id, acmeEnv), http.StatusOK)
		send("push", "doubled", pushOf(id, acmeEnv), 0)
	}
	send("push", "bad", pushOf(id, acmeEnv), http.StatusServiceUnavailable)
	fresh := 0
	for i, code := range h.atOnce(sends...) {
		if want[i] != 0 && code != want[i] {
			t.Errorf("request %d: %d, want %d", i, code, want[i])
		}
		if want[i] == 0 && code == http.StatusAccepted {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("the doubled delivery was new %d times", fresh)
	}
	if n := query[int](h, `select count(*) from deliveries where id ~ '^(new|unknown|unused|doubled|bad)'`); n != 3*each+1 {
		t.Errorf("%d deliveries are stored, want %d", n, 3*each+1)
	}
	raised, made := query[int64](h, `select generation from repositories where forge_id = $1`, id)-generation, query[int](h, `select count(*) from river_job where kind = 'observe'`)-jobs
	if raised == 0 || raised > each+1 || made == 0 || made > 2*each+1 {
		t.Errorf("the generation was raised %d times, with %d jobs", raised, made)
	}
	h.settle()
	if n := query[int](h, `select count(*) from deliveries d join repositories r on r.id = d.repository where d.processed_at is null and d.event = 'push' and r.forge_id = $1`, id); n != 0 {
		t.Errorf("%d deliveries were left lying", n)
	}
}

// TestABusyRepositoryHoldsUpNobodyElse keeps one repository's row locked: its own deliveries wait, all others are stored meanwhile.
func TestABusyRepositoryHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, checkoutFiles(""))
	id := query[int64](h, `select forge_id from repositories where owner || '/' || name = $1`, acmeEnv)
	if code, answer := h.hook("push", "first", pushOf(4711, "other/repository"), nil); code != http.StatusAccepted {
		t.Fatalf("%d %s", code, answer)
	}
	tx, err := h.svc.store.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `select from repositories where forge_id = $1 for update`, id); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan int, 5)
	for i := range cap(waiting) {
		go func() {
			code, _ := h.hook("push", fmt.Sprintf("waiting-%d", i), pushOf(id, acmeEnv), nil)
			waiting <- code
		}()
	}
	h.waitBlocked()
	for i := range 20 {
		if code, answer := h.hook("push", fmt.Sprintf("other-%d", i), pushOf(4711, "other/repository"), nil); code != http.StatusAccepted {
			t.Fatalf("%d %s", code, answer)
		}
	}
	select {
	case code := <-waiting:
		t.Fatalf("answered %d while the repository could not be written to", code)
	default:
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range cap(waiting) {
		if code := <-waiting; code != http.StatusAccepted {
			t.Errorf("answered %d", code)
		}
	}
}
