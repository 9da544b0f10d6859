package github_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// TestContractDeliveryLog reads the log of what was sent to the App, over several pages, and has a failed delivery sent again.
func TestContractDeliveryLog(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	var down atomic.Bool
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(hooks.Close)
	if _, err := c.sandbox.AddApp(sandbox.AppSpec{ID: 42, Slug: "ferry", PublicKey: c.public, WebhookURL: hooks.URL, WebhookSecret: "secret"}); err != nil {
		t.Fatal(err)
	}
	flush := func() {
		t.Helper()
		if err := c.sandbox.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	read := func(since time.Time, most int) ([]forge.SentDelivery, bool) {
		t.Helper()
		log, complete, err := c.forge.Deliveries(ctx, since, most)
		if err != nil {
			t.Fatal(err)
		}
		return log, complete
	}
	flush() // the ping
	down.Store(true)
	if _, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "x", Files: map[string]string{"new.yaml": "new"}}); err != nil {
		t.Fatal(err)
	}
	flush()
	down.Store(false)
	for range 105 {
		if err := c.sandbox.Redeliver(1); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	log, complete := read(time.Time{}, 1000)
	if len(log) != 107 || !complete || log[0].ID != log[106].ID+106 || log[106].Event != "ping" {
		t.Fatalf("the log has %d tries, complete %v: %+v", len(log), complete, log)
	}
	if some, complete := read(time.Time{}, 20); len(some) != 20 || complete {
		t.Errorf("of at most 20 there are %d, complete %v", len(some), complete)
	}
	if none, complete := read(time.Now().Add(time.Hour), 20); len(none) != 0 || !complete {
		t.Errorf("of the future there are %d, complete %v", len(none), complete)
	}
	lost, taken := forge.Undelivered(log)
	if len(lost) != 1 || lost[0].Event != "push" || lost[0].Status != http.StatusBadGateway || len(taken) != 1 {
		t.Fatalf("lost are %+v, and %d were taken", lost, len(taken))
	}
	if err := c.forge.Redeliver(ctx, lost[0].ID); err != nil {
		t.Fatal(err)
	}
	flush()
	again, _ := read(time.Time{}, 1000)
	if lost, taken := forge.Undelivered(again); len(lost) != 0 || len(taken) != 2 || again[0].GUID != log[105].GUID {
		t.Errorf("after it was sent again %+v are lost, and %d were taken", lost, len(taken))
	}
	is(t, c.forge.Redeliver(ctx, 99999), forge.ErrNotFound)
	_, _, err := open(t, github.Config{APIURL: c.server.URL + "/api/v3", Token: c.ada.Token}).Deliveries(ctx, time.Time{}, 1)
	is(t, err, forge.ErrForbidden)
}
