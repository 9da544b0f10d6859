package sandbox_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

const mergeRoute = "/repos/{owner}/{repo}/pulls/{pull_number}/merge"

// docs.github.com, "Merge a pull request" (405 and 409) and "Rate limits for the REST API" (403 and 429).
func TestRefusalsOnPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a")
	reset := fmt.Sprint(w.clock.Now().Add(time.Hour).Unix())
	for name, test := range map[string]struct {
		fault   sandbox.Fault
		status  int
		message string
		header  map[string]string
	}{
		"base moved":      {sandbox.Fault{Route: mergeRoute, Status: 405}, 405, "Base branch was modified. Review and try the merge again.", nil},
		"head moved":      {sandbox.Fault{Route: mergeRoute, Status: 409}, 409, "Head branch was modified. Review and try the merge again.", nil},
		"secondary limit": {sandbox.Fault{Status: 403, RetryAfter: 30 * time.Second}, 403, "You have exceeded a secondary rate limit", map[string]string{"Retry-After": "30"}},
		"too many":        {sandbox.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond}, 429, "You have exceeded a secondary rate limit", map[string]string{"Retry-After": "2"}},
		"primary limit":   {sandbox.Fault{Status: 403, Reset: time.Hour}, 403, "API rate limit exceeded", map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}},
		"in own words":    {sandbox.Fault{Status: 503, Message: "Unicorn!", RetryAfter: time.Minute}, 503, "Unicorn!", map[string]string{"Retry-After": "60"}},
		"forbidden":       {sandbox.Fault{Status: 403}, 403, "Forbidden", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w.forge.Faults().Fail(test.fault)
			got := w.call(token, "PUT", "~/pulls/"+n+"/merge", "", test.status)
			got.wantHeaders(test.header)
			if !strings.HasPrefix(got.str("message"), test.message) {
				t.Errorf("message = %s", got.raw)
			}
		})
	}
	w.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}", After: 1})
	w.call(token, "GET", "~", "", 200)
	w.call(token, "GET", "~", "", 502)
	w.call(token, "GET", "~", "", 200)
	w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 200)
}

// A time-out says nothing about what became of the request (docs.github.com, "Troubleshooting the REST API", timeouts).
func TestRequestsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	const route = "/repos/{owner}/{repo}/issues"
	url := plain(t, w.forge)
	comes := func(ctx context.Context, title string) error {
		req, err := http.NewRequestWithContext(ctx, "POST", url+"/api/v3/repos/acme/environments/issues", strings.NewReader(fmt.Sprintf(`{"title":%q}`, title)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	titles := func(want ...string) {
		t.Helper()
		list := w.call(token, "GET", "~/issues?direction=asc", "", 200)
		var got []string
		for i := range list.size("") {
			got = append(got, list.str(fmt.Sprintf("%d.title", i)))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("issues = %v, want %v", got, want)
		}
	}
	for _, done := range []bool{false, true} {
		ctx, giveUp := context.WithCancel(t.Context())
		seen := 0
		w.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: route, Done: done, Hang: true, Then: func() { seen++; giveUp() }})
		if err := comes(ctx, fmt.Sprintf("hung, done %v", done)); err == nil || seen != 1 {
			t.Errorf("the request was answered; Then was called %d times", seen)
		}
	}
	titles("hung, done true")
	w.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: route, Done: true, Drop: true})
	if err := comes(t.Context(), "dropped"); err == nil {
		t.Error("the request was answered")
	}
	titles("hung, done true", "dropped")
	w.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: route, Hang: true, Then: func() { go w.forge.Close() }})
	if err := comes(t.Context(), "never"); err == nil {
		t.Error("the request was answered")
	}
}

// docs.github.com, "Best practices for using webhooks": deliveries may come late, and not in order.
func TestLateAndReorderedDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox.clear()
	w.forge.Faults().Hold("issues", 2)
	for _, title := range []string{"one", "two", "three"} {
		if _, err := w.forge.OpenIssue(repoName, "ann", title, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.flush()
	titles := func(want string) {
		t.Helper()
		w.flush()
		var got []string
		for _, h := range w.inbox.got {
			got = append(got, h.field(t, "issue.title"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("webhooks = %v, want %s", got, want)
		}
	}
	titles("three")
	held := w.forge.Held()
	if len(held) != 2 || held[0].Fault == "" {
		t.Fatalf("held = %+v", held)
	}
	if err := w.forge.Release(held[0].ID, held[0].ID); err == nil {
		t.Error("a delivery was released twice")
	}
	if err := w.forge.Release(held[1].ID, held[0].ID); err != nil {
		t.Fatal(err)
	}
	titles("three two one")
	w.forge.Faults().Hold("", 1)
	if _, err := w.forge.OpenIssue(repoName, "ann", "four", ""); err != nil {
		t.Fatal(err)
	}
	w.forge.Faults().Clear()
	if err := w.forge.Release(); err != nil {
		t.Fatal(err)
	}
	titles("three two one four")
	if left := w.forge.Held(); len(left) != 0 {
		t.Errorf("still held: %+v", left)
	}
}
