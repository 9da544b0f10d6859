package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// sayByAPI sends a command to the API with a token, and returns what it is answered.
func (h *harness) sayByAPI(token, repository string, number int, command string) (int, string) {
	h.t.Helper()
	return h.post("/api/v1/commands", token, map[string]any{"repository": repository, "number": number, "command": command})
}

func (h *harness) commentsOn(number int) int {
	h.t.Helper()
	var list []struct{}
	h.api(fmt.Sprintf("/repos/%s/issues/%d/comments?per_page=100", acmeEnv, number), &list)
	return len(list)
}

// TestRollbackByTheAPI: whoever may roll back in a comment may do it by the API with a token of their own, and in nobody else's name.
func TestRollbackByTheAPI(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia, dora := h.forge.AddUser(h.maintainer()), h.forge.AddUser("dora")
	h.through("v1")
	h.through("v2")
	if code, said := h.sayByAPI(dora.Token, acmeEnv, 0, "/rollback checkout prod"); code != http.StatusAccepted {
		t.Fatalf("%d %s", code, said)
	}
	h.settle()
	h.nothingIntoProd()
	code, said := h.sayByAPI(mia.Token, acmeEnv, 0, "/rollback checkout prod it loses orders")
	board := h.board().Number
	if where := fmt.Sprintf("/%s/issues/%d#issuecomment-", acmeEnv, board); code != http.StatusAccepted || !strings.Contains(said, where) {
		t.Fatalf("%d %s, want the comment on %s", code, said, where)
	}
	h.settle()
	if p := h.prod(); !strings.Contains(p.Title, "v2 → v1") || !strings.Contains(p.Body, "it loses orders") {
		t.Errorf("what is open into prod is %q:\n%s", p.Title, p.Body)
	}
	if code, said := h.sayByAPI(mia.Token, strings.ToUpper(acmeEnv), h.prod().Number, "/status"); code != http.StatusAccepted || !strings.Contains(said, fmt.Sprintf("/issues/%d#", h.prod().Number)) {
		t.Errorf("on a pull request: %d %s", code, said)
	}
	if page := h.page("/"); !strings.Contains(page, fmt.Sprintf(`/issues/%d#new_comment_field">Ferry's issue`, board)) || !strings.Contains(page, "/ferry rollback checkout prod") {
		t.Errorf("the page does not say how to roll back:\n%s", page)
	}
}

// TestCommandsThatTheAPIRefuses: each wrong request is told what is wrong with it, and nothing is written at the forge.
func TestCommandsThatTheAPIRefuses(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia, agent := h.forge.AddUser(h.maintainer()), h.token(acmeEnv, "prod")
	board := h.board().Number
	handMade, _ := h.propose("by-hand", map[string]string{"README.md": "by hand\n"})
	before := h.commentsOn(board)
	for _, c := range []struct {
		token, repository string
		number            int
		command, words    string
		code              int
	}{
		{"", acmeEnv, 0, "/status", "your own token of the forge", http.StatusUnauthorized},
		{agent, acmeEnv, 0, "/status", "your own token of the forge", http.StatusUnauthorized},
		{"ghp_0123456789", acmeEnv, 0, "/status", "does not know this token", http.StatusUnauthorized},
		{"ghs_0123456789", acmeEnv, 0, "/status", "a person, not an App", http.StatusForbidden},
		{mia.Token, "environments", 0, "/status", "OWNER/NAME", http.StatusBadRequest},
		{mia.Token, acmeEnv, -1, "/status", "OWNER/NAME", http.StatusBadRequest},
		{mia.Token, "acme/nothing", 0, "/status", "no environment repository of Ferry's", http.StatusNotFound},
		{mia.Token, acmeEnv, handMade, "/status", "no promotion pull request", http.StatusNotFound},
		{"ghp_0123456789", "acme/nothing", 0, "/status", "does not know this token", http.StatusUnauthorized},
		{mia.Token, acmeEnv, 0, "please roll back", "there is none in it", http.StatusBadRequest},
		{mia.Token, acmeEnv, 4711, "/status", "#4711 is not there", http.StatusNotFound},
	} {
		if code, said := h.sayByAPI(c.token, c.repository, c.number, c.command); code != c.code || !strings.Contains(said, c.words) {
			t.Errorf("%+v: %d %s", c, code, said)
		}
	}
	if code, said := h.post("/api/v1/commands", mia.Token, `{"repo":"x"}`); code != http.StatusBadRequest || !strings.Contains(said, "repo") {
		t.Errorf("an unknown field: %d %s", code, said)
	}
	if after := h.commentsOn(board); after != before {
		t.Errorf("the issue had %d comments and has %d", before, after)
	}
}

// TestWrongTokensAreNotTriedForEver: GitHub shuts out an address that brings many wrong tokens, and it is Ferry's own. Who was let in before is not kept out.
func TestWrongTokensAreNotTriedForEver(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	mia, dora := h.forge.AddUser(h.maintainer()), h.forge.AddUser("dora")
	if code, said := h.sayByAPI(mia.Token, acmeEnv, 0, "/status"); code != http.StatusAccepted {
		t.Fatalf("%d %s", code, said)
	}
	h.settle()
	h.forge.ResetRequests()
	var shut atomic.Int64
	var all errgroup.Group
	for i := range 60 {
		all.Go(func() error {
			code, said := h.sayByAPI(fmt.Sprintf("ghp_wrong%d", i), acmeEnv, 0, "/status")
			if code == http.StatusTooManyRequests && strings.Contains(said, "many tokens") {
				shut.Add(1)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, routes := range h.forge.Requests() {
		tried += routes["GET /user"]
	}
	if tried == 0 || tried > 11 || shut.Load() < 49 {
		t.Errorf("%d wrong tokens were tried at the forge, and %d were not", tried, shut.Load())
	}
	if code, said := h.sayByAPI(dora.Token, acmeEnv, 0, "/status"); code != http.StatusTooManyRequests {
		t.Errorf("who comes first meanwhile: %d %s", code, said)
	}
	if code, said := h.sayByAPI(mia.Token, acmeEnv, 0, "/status"); code != http.StatusAccepted {
		t.Errorf("who was let in before: %d %s", code, said)
	}
}
