package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// withBob is the message of a commit that names bob its co-author, by an address of which only the forge knows whose it is.
const withBob = "two\n\nCo-authored-by: Bob <bob@example.com>"

// coAuthored is checkout with its source, approvals asked for, and 1.1.0 that was built from commits of those messages.
func coAuthored(t *testing.T, meanwhile func(h *harness), messages ...string) *harness {
	t.Helper()
	h, ci, first := withSource(t)
	for _, login := range []string{"bob", "eve"} {
		h.person(login, acmeEnv, forge.PermissionWrite)
	}
	h.person("mia", acmeEnv, forge.PermissionMaintain)
	h.does(h.forge.AddEmail("bob", "bob@example.com"))
	h.announce(ci, "1.0.0", first)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + approving + checkoutApp})
	meanwhile(h)
	h.built(ci, "1.1.0", messages...)
	h.report(acmeEnv, "dev", "healthy")
	h.soon()
	return h
}

// tellsNobody lets the forge fail every query of GraphQL about a repository from now on.
func (h *harness) tellsNobody(status int) {
	h.forge.Faults().Fail(sandbox.Fault{Route: "/graphql#repository", Status: status, Times: 1000})
}

// tells lets it tell again.
func (h *harness) tells() { h.forge.Faults().Clear() }

// untold fails the test unless the promotion waits to learn who made it, whoever approves, and /status and the page say so and what to do.
func (h *harness) untold(problem string) {
	h.t.Helper()
	p := h.staging()
	for _, login := range []string{"bob", "eve"} {
		h.review(p.Number, login, "APPROVE")
		h.gates("pending", "approvals: no approval counts until it is known who the co-authors of")
	}
	told := h.ask(p.Number, "eve", "/status")
	for name, words := range map[string]string{"the page": h.staging().Body, "/status": told} {
		for _, want := range []string{"which could not be looked up: ", problem, "asked again hourly and on /retry", "/override approvals", "'s does not count yet"} {
			if !strings.Contains(words, want) {
				h.t.Errorf("%s lacks %q:\n%s", name, want, words)
			}
		}
	}
}

// TestCoAuthorsThatAreNotTold: where GraphQL fails or is refused, nobody's approval counts until it tells, since it could be a co-author's: it is asked again by
// itself and on /retry, also after the database was lost; the approvals of those who made nothing count then, and those of the others never.
func TestCoAuthorsThatAreNotTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		problem  string
		messages []string
		again    func(h *harness)
	}{
		"an hour later": {502, "the forge cannot be reached or fails", []string{withBob, "three"}, func(h *harness) { h.tells(); h.later(time.Hour) }},
		"refused":       {403, "the forge refuses it", []string{"one", withBob, "three"}, func(h *harness) { h.tells(); h.later(time.Hour) }},
		"retried":       {502, "the forge cannot be reached or fails", []string{withBob}, func(h *harness) { h.tells(); h.ask(h.staging().Number, "eve", "/retry") }},
		"lost": {502, "the forge cannot be reached or fails", []string{withBob}, func(h *harness) {
			h.drop()
			h.comesUp()
			h.report(acmeEnv, "dev", "healthy")
			h.gates("pending", "approvals: no approval counts")
			h.tells()
			h.later(time.Hour)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := coAuthored(t, func(h *harness) { h.tellsNobody(test.status) }, test.messages...)
			h.untold(test.problem)
			for range 10 { // past the quick tries
				h.later(time.Minute)
			}
			h.quiet("it still fails", func() { h.later(30 * time.Minute) })
			h.gates("pending", "approvals: no approval counts")
			test.again(h)
			h.gates("success", "")
			mustContain(t, h.staging().Body, "1 of 1 approval, by eve |")
		})
	}
}

// TestCoAuthorsOfWhatWasPushed: of a release of unknown source, it is those of the commits that brought it that nobody tells; also after the database was lost.
func TestCoAuthorsOfWhatWasPushed(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			h := broughtBySeveral(t, method, func(h *harness) { h.tellsNobody(502) })
			h.report(acmeEnv, "dev", "healthy")
			h.soon()
			number := h.staging().Number
			for _, login := range []string{"dan", "eve"} {
				h.review(number, login, "APPROVE")
				h.gates("pending", "approvals: no approval counts")
			}
			h.drop()
			h.comesUp()
			h.report(acmeEnv, "dev", "healthy")
			h.gates("pending", "approvals: no approval counts")
			h.tells()
			h.later(time.Hour)
			h.gates("success", "")
			mustContain(t, h.staging().Body, "1 of 1 approval, by eve |")
		})
	}
}

// TestOverrideOfCoAuthors: a forge that never tells shuts nothing for ever.
func TestOverrideOfCoAuthors(t *testing.T) {
	t.Parallel()
	h := coAuthored(t, func(h *harness) { h.tellsNobody(502) }, withBob)
	answer := h.ask(h.staging().Number, "eve", "/approve")
	if !strings.Contains(answer, "It does not count: no approval counts until it is known who the co-authors of") {
		t.Errorf("answered %s", answer)
	}
	h.ask(h.staging().Number, "mia", "/override approvals the forge does not tell")
	h.gates("success", "")
}
