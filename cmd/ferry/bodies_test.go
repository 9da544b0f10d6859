package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/promotion"
)

// rewrite replaces the body of a pull request as a person.
func (h *harness) rewrite(number int, login, body string) {
	h.t.Helper()
	h.write(login, http.MethodPatch, fmt.Sprintf("/pulls/%d", number), map[string]string{"body": body})
}

// TestBodiesThatSomebodyReplaces: Ferry's part comes back at once, and at the sweep where nobody told; what people write around it stays.
func TestBodiesThatSomebodyReplaces(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.rewrite(p.Number, "dora", "LGTM, merge it")
	now := h.staging()
	if !strings.HasPrefix(now.Body, "LGTM, merge it\n\n") || !strings.Contains(now.Body, strings.TrimSpace(p.Body)) {
		t.Errorf("the body is\n%s", now.Body)
	}
	if n := h.eventsOf("overwritten"); n != 1 {
		t.Errorf("%d events", n)
	}
	around := "Please look at the database.\n\n" + p.Body + "\n\nThanks!"
	asked := h.asked("PATCH /repos/{owner}/{repo}/pulls/{pull_number}")
	h.rewrite(p.Number, "dora", strings.ReplaceAll(around, "\n", "\r\n"))
	h.sweep()
	if n := h.asked("PATCH /repos/{owner}/{repo}/pulls/{pull_number}"); n != asked || h.eventsOf("overwritten") != 1 {
		t.Errorf("words around Ferry's part: %d edits more", n-asked)
	}
	h.forge.Faults().Lose("pull_request", 1)
	h.rewrite(p.Number, "dora", "gone")
	if body := h.staging().Body; body != "gone" {
		t.Fatalf("its delivery was not lost:\n%s", body)
	}
	h.sweep()
	if body := h.staging().Body; !promotion.Shows(body, p.Body) || !strings.HasPrefix(body, "gone") {
		t.Errorf("after the sweep the body is\n%s", body)
	}
}

// TestBodiesThatAnotherBotReplaces: Ferry does not go on for ever.
func TestBodiesThatAnotherBotReplaces(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	for i := range 14 {
		h.rewrite(p.Number, "dora", fmt.Sprint("no ", i))
	}
	if again, left := h.eventsOf("overwritten"), h.eventsOf("given up"); again != 10 || left != 1 || h.staging().Body != "no 13" {
		t.Errorf("written anew %d times, given up %d times:\n%s", again, left, h.staging().Body)
	}
}
