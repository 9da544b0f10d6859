package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

func (r result) wantHeaders(values map[string]string) {
	r.t.Helper()
	for name, value := range values {
		if got := r.header.Get(name); got != value {
			r.t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
}

// docs.github.com, "Rate limits for the REST API", checking the status of your rate limit, and "Best practices for using the
// REST API", use conditional requests: a 304 does not count.
func TestRateLimitIsAlwaysShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	reset := fmt.Sprint(w.clock.Now().Add(time.Hour).Unix())
	first := w.call(token, "GET", "~", "", 200)
	first.wantHeaders(map[string]string{"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Used": "1", "X-RateLimit-Resource": "core", "X-RateLimit-Reset": reset})
	unchanged := w.callWith(token, "GET", "~", "", map[string]string{"If-None-Match": `"other", ` + first.header.Get("ETag")}, 304)
	unchanged.wantHeaders(map[string]string{"X-RateLimit-Remaining": "4999"})
	w.call(token, "GET", "~/pulls/1", "", 404).wantHeaders(map[string]string{"X-RateLimit-Remaining": "4998"})
	w.call(token, "GET", "/rate_limit", "", 200).want(map[string]string{"rate.remaining": "4998", "rate.used": "2", "rate.reset": reset})
	w.call(w.ann.Token, "GET", "~", "", 200).wantHeaders(map[string]string{"X-RateLimit-Remaining": "4999"})
	w.call("", "GET", "~", "", 200).wantHeaders(map[string]string{"X-RateLimit-Limit": "60"})
	for range 100 { // nothing is refused, and nobody is told that nothing is left
		w.call("", "GET", "/users/ann", "", 200)
	}
	w.call("", "GET", "/users/ann", "", 200).wantHeaders(map[string]string{"X-RateLimit-Remaining": "30"})
}

// docs.github.com, "Best practices for using the REST API": a 304 costs nothing "if ... the request was made while correctly
// authorized with an Authorization header".
func TestNotModifiedIsFreeForWhoHasAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := w.call("", "GET", "~", "", 200).header.Get("ETag")
	again := w.callWith("", "GET", "~", "", map[string]string{"If-None-Match": tag}, 304)
	again.wantHeaders(map[string]string{"X-RateLimit-Remaining": "58"})
}

// docs.github.com, "Getting started with the REST API", HTTP method: what answers GET answers HEAD with the header alone.
func TestHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	got := w.call(token, "GET", "~/git/ref/heads/main", "", 200)
	head := w.call(token, "HEAD", "~/git/ref/heads/main", "", 200)
	if len(head.raw) > 0 {
		t.Errorf("HEAD answers %s", head.raw)
	}
	head.wantHeaders(map[string]string{"ETag": got.header.Get("ETag"), "Content-Type": got.header.Get("Content-Type"), "X-RateLimit-Remaining": "4998"})
	w.call(token, "HEAD", "~/pulls/1", "", 404)
}

// docs.github.com, "Rate limits for the REST API", exceeding the rate limit.
func TestPrimaryRateLimit(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, http.StatusTooManyRequests} {
		w := newWorld(t)
		token := w.token("")
		w.forge.SetLimits(sandbox.Limits{PerHour: 3, Status: status})
		tag := w.call(token, "GET", "~", "", 200).header.Get("ETag")
		for range 5 {
			w.callWith(token, "GET", "~", "", map[string]string{"If-None-Match": tag}, 304)
		}
		w.call(token, "GET", "~", "", 200)
		w.call(w.token(""), "GET", "~", "", 200) // tokens of one installation share its limit
		refused := w.call(token, "GET", "~", "", max(status, 403))
		refused.want(map[string]string{"message": fmt.Sprintf("API rate limit exceeded for installation ID %d.", w.install)})
		refused.wantHeaders(map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "3", "Retry-After": "", "X-RateLimit-Reset": fmt.Sprint(w.clock.Now().Add(time.Hour).Unix())})
		w.call(token, "GET", "/rate_limit", "", 200).want(map[string]string{"rate.remaining": "0"})
		w.call(w.ann.Token, "GET", "~", "", 200) // another client has its own
		w.clock.advance(time.Hour)
		w.call(w.token(""), "GET", "~", "", 200)
	}
}

// docs.github.com, "Rate limits for the REST API", about secondary rate limits: content-creating requests per minute.
func TestSecondaryRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.forge.SetLimits(sandbox.Limits{WritesPerMinute: 2})
	w.call(token, "POST", "~/issues", `{"title":"one"}`, 201)
	w.clock.advance(10 * time.Second)
	w.call(token, "POST", "~/issues", `{"title":"two"}`, 201)
	refused := w.call(token, "POST", "~/issues", `{"title":"three"}`, 403)
	refused.wantHeaders(map[string]string{"Retry-After": "50"})
	if !strings.HasPrefix(refused.str("message"), "You have exceeded a secondary rate limit") || refused.header.Get("X-RateLimit-Remaining") == "0" {
		t.Errorf("refused with %s, %v", refused.raw, refused.header)
	}
	w.call(token, "GET", "~/issues", "", 200).want(map[string]string{"0.title": "two"})
	w.clock.advance(50 * time.Second)
	w.call(token, "POST", "~/issues", `{"title":"three"}`, 201)
	w.call(token, "POST", "~/issues", `{"title":"four"}`, 403).wantHeaders(map[string]string{"Retry-After": "10"})
}

// docs.github.com, "Using pagination in the REST API".
func TestEveryListHasPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, sha := w.openPull(token, "one", "a")
	w.openPull(token, "two", "b")
	for _, body := range []string{"x", "y"} {
		comment := w.call(token, "POST", "~/issues/"+n+"/comments", fmt.Sprintf(`{"body":%q}`, body), 201).str("id")
		w.call(token, "POST", "~/issues/comments/"+comment+"/reactions", `{"content":"eyes"}`, 201)
		w.call(w.ann.Token, "POST", "~/issues/comments/"+comment+"/reactions", `{"content":"eyes"}`, 201)
		w.call(token, "POST", "~/statuses/"+sha, fmt.Sprintf(`{"state":"success","context":%q}`, body), 201)
		w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"APPROVE"}`, 200)
		if _, err := w.forge.Commit("acme/environments", sandbox.Edit{As: "ann", Branch: "one", Message: body, Files: map[string]string{body: "1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.forge.SetRuleset("acme/environments", sandbox.Ruleset{Name: "all", Branches: []string{"~ALL"}}); err != nil {
		t.Fatal(err)
	}
	comment := w.call(token, "GET", "~/issues/"+n+"/comments", "", 200).str("0.id")
	for _, path := range []string{
		"~/pulls", "~/issues", "~/branches", "~/git/matching-refs/heads/", "~/commits?sha=one", "~/issues/" + n + "/comments", "~/issues/comments",
		"~/issues/comments/" + comment + "/reactions", "~/commits/" + sha + "/statuses", "~/pulls/" + n + "/files", "~/pulls/" + n + "/commits",
		"~/pulls/" + n + "/reviews", "~/rules/branches/main",
	} {
		joint := "?"
		if strings.Contains(path, "?") {
			joint = "&"
		}
		if path == "~/git/matching-refs/heads/" { // GitHub answers all of them at once
			w.call(token, "GET", path, "", 200)
			continue
		}
		first := w.call(token, "GET", path+joint+"per_page=1", "", 200)
		if first.size("") != 1 || !strings.Contains(first.header.Get("Link"), `page=2`) {
			t.Errorf("%s: %d on the first page, Link %q", path, first.size(""), first.header.Get("Link"))
		}
		second := w.call(token, "GET", path+joint+"per_page=1&page=2", "", 200)
		if second.size("") != 1 || string(second.raw) == string(first.raw) || !strings.Contains(second.header.Get("Link"), `rel="prev"`) {
			t.Errorf("%s: the second page is %s", path, second.raw)
		}
	}
}
