package agent_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUndeliveredReports(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hold := func(w http.ResponseWriter, r *http.Request) {
		<-release
		refuse(http.StatusBadGateway, "")(w, r)
	}
	w := newWorld(t, hold, refuse(http.StatusServiceUnavailable, "Ferry cannot take this now"), refuse(http.StatusTooManyRequests, "slowly", "Retry-After", "90"))
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.start()
	receive(t, w.applied, "an apply")
	second := w.commit(manifest, "newTag: 1.1.0\n")
	w.poll()
	receive(t, w.applied, "an apply")
	w.poll() // the report of the second is there
	close(release)
	if r := w.next(); r.Revision != first {
		t.Errorf("the first attempt is with %s", r.raw)
	}
	limits := [][2]time.Duration{{500 * time.Millisecond, time.Second}, {time.Second, 2 * time.Second}, {90 * time.Second, 90 * time.Second}}
	for i, limit := range limits {
		wait := receive(t, w.asked, "a pause")
		if wait < limit[0] || wait > limit[1] {
			t.Errorf("the pause after attempt %d is %s, want %s to %s", i+1, wait, limit[0], limit[1])
		}
		send(t, w.due, w.Now(), "the next attempt")
		if r := w.next(); r.Revision != second || r.Health != "healthy" {
			t.Errorf("attempt %d is with %s, not with the newest report", i+2, r.raw)
		}
	}
	w.beat() // delivered: it waits for the heartbeat again
	w.next()
	for _, want := range []string{"answered 502: Bad Gateway", "answered 503: Ferry cannot take this now", "answered 429: slowly", "reports are delivered again"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, w.log)
		}
	}
}

func TestARefusedTokenMayBeChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, refuse(http.StatusUnauthorized, "the token is not known, or was revoked"), refuse(http.StatusForbidden, "this is a token of kind ci"))
	first := w.commit(manifest, "newTag: 1.0.0\n")
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(token + "\n")
	w.cfg.Token, w.cfg.TokenFile = "", file
	w.start()
	again := func() {
		t.Helper()
		send(t, w.due, w.Now(), "the next attempt")
	}
	if r := w.next(); r.token != "Bearer "+token {
		t.Errorf("the token is %q", r.token)
	}
	receive(t, w.asked, "a pause")
	again()
	w.next()
	receive(t, w.asked, "a pause")
	write("")
	again()
	receive(t, w.asked, "a pause")
	write("another-token\n")
	again()
	if r := w.next(); r.token != "Bearer another-token" || r.Revision != first {
		t.Errorf("with the token %q the report is %s", r.token, r.raw)
	}
	for _, want := range []string{"the server answered 401: the token is not known, or was revoked", "the server answered 403: this is a token of kind ci", "level=ERROR",
		"in case the token is being changed", "ferry token create", "there is no token there"} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, w.log)
		}
	}
}

func TestTheTokenDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := newFerry(t)
	w := newWorld(t, refuse(http.StatusPermanentRedirect, "", "Location", elsewhere.URL+"/api/v1/reports"))
	w.commit(manifest, "newTag: 1.0.0\n")
	w.start()
	w.next()
	receive(t, w.asked, "a pause")
	if len(elsewhere.reports) > 0 {
		t.Error("the report went where the redirect pointed")
	}
	if want := "it redirects to " + elsewhere.URL; !strings.Contains(w.log.String(), want) {
		t.Errorf("the log lacks %q:\n%s", want, w.log)
	}
}
