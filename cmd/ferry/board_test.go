package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
)

func TestBoardIsEditedOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	const edit = "PATCH /repos/{owner}/{repo}/issues/{issue_number}"
	h.later(2 * time.Minute)
	h.forge.ResetRequests()
	for _, tag := range []string{"1.1.0", "1.2.0", "1.3.0"} {
		h.arrive(tag)
		h.later(5 * time.Second)
	}
	if n := h.writes()[edit]; n != 1 {
		t.Errorf("edited %d times in seconds", n)
	}
	h.later(time.Minute)
	if n := h.writes()[edit]; n != 2 {
		t.Errorf("edited %d times in a minute", n)
	}
	if body := h.board().Body; !strings.Contains(body, "`1.3.0`") {
		t.Errorf("the issue says\n%s", body)
	}
}

func TestBoardKeepsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	b := h.board()
	h.does(h.forge.EditThread(acmeEnv, b.Number, "dora", b.Title, "Ask dora first.\n\n"+b.Body+"\n\nThe end."))
	h.later(2 * time.Minute)
	h.arrive("1.1.0")
	h.later(2 * time.Minute)
	body := h.board().Body
	if !strings.HasPrefix(body, "Ask dora first.\n") || !strings.HasSuffix(strings.TrimSpace(body), "The end.") || !strings.Contains(body, "`1.1.0`") {
		t.Errorf("the issue says\n%s", body)
	}
}

// TestPullKeepsWhatPeopleWrite: the same of a promotion's body.
func TestPullKeepsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	p := h.staging()
	h.does(h.forge.EditThread(acmeEnv, p.Number, "dora", p.Title, "Read the change log.\n\n"+p.Body))
	h.arrive("1.2.0")
	if body := h.staging().Body; !strings.HasPrefix(body, "Read the change log.\n") || !strings.Contains(body, "1.2.0") {
		t.Errorf("the body is\n%s", body)
	}
}

// TestBoardIsFoundAgain: somebody's issue of the same title is not Ferry's, and after its answer was lost Ferry finds its own.
func TestBoardIsFoundAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.forge.Faults().Fail(sandboxDone("POST", "/repos/{owner}/{repo}/issues"))
	h.environments(acmeEnv, checkoutFiles(""))
	n, err := h.forge.OpenIssue(acmeEnv, "dora", promotion.IssueTitle, "mine")
	h.does(err)
	h.later(10 * time.Minute)
	h.arrive("1.1.0")
	h.later(2 * time.Minute)
	ferrys := 0
	for _, b := range h.boards() {
		if b.User.Login == "ferry[bot]" {
			ferrys++
		} else if b.Number != n || b.Body != "mine" {
			t.Errorf("somebody's issue is %+v", b)
		}
	}
	if ferrys != 1 {
		t.Errorf("Ferry has %d issues", ferrys)
	}
}

// TestBoardClosedByAPerson: it stays closed, is kept up to date, says that it may be reopened, and obeys.
func TestBoardClosedByAPerson(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	b := h.board()
	h.does(h.forge.ClosePull(acmeEnv, b.Number, "dora"))
	h.later(2 * time.Minute)
	h.arrive("1.1.0")
	h.later(2 * time.Minute)
	closed := h.board()
	if _, rest, _ := strings.Cut(closed.Body, "\n"); closed.State != "closed" || !strings.HasPrefix(rest, "This issue is closed.") || !strings.Contains(rest, "reopened") || !strings.Contains(rest, "`1.1.0`") {
		t.Errorf("after it was closed it is %+v", closed)
	}
	if answer := h.ask(b.Number, "dora", "/hold checkout staging"); !strings.Contains(answer, "held") && !strings.Contains(answer, "Held") {
		t.Errorf("/hold there is answered by %q", answer)
	}
	h.does(h.forge.Reopen(acmeEnv, b.Number, "dora"))
	h.later(2 * time.Minute)
	h.arrive("1.2.0")
	h.later(2 * time.Minute)
	if b := h.board(); b.State != "open" || strings.Contains(b.Body, "This issue is closed") {
		t.Errorf("after it was reopened it is %+v", b)
	}
}

// TestBoardGone: where the issue was deleted or transferred, Ferry makes a new one, once; not where a list merely lacks it.
func TestBoardGone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		goes func(h *harness, number int) error
	}{
		"deleted": {func(h *harness, number int) error { return h.forge.DeleteIssue(acmeEnv, number, "acme") }},
		"transferred": {func(h *harness, number int) error {
			if _, err := h.forge.AddRepository("acme", "elsewhere", nil); err != nil {
				return err
			}
			h.person("dora", "acme/elsewhere", forge.PermissionWrite)
			_, err := h.forge.TransferIssue(acmeEnv, number, "acme/elsewhere", "dora")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			before := h.board().Number
			h.does(c.goes(h, before))
			for _, tag := range []string{"1.1.0", "1.2.0", "1.3.0"} {
				h.later(2 * time.Minute)
				h.arrive(tag)
			}
			h.later(2 * time.Minute)
			after := h.board()
			if after.Number == before || !strings.Contains(after.Body, "`1.3.0`") || after.State != "open" {
				t.Errorf("before it was #%d, now it is %+v", before, after)
			}
			if answer := h.ask(after.Number, "dora", "/status checkout dev"); !strings.Contains(answer, "1.3.0") {
				t.Errorf("/status there is answered by %q", answer)
			}
		})
	}
}

// TestOneOfSeveralUpstreamHasIt: /status and the issue say for which environment a release waits that all of them are to have.
func TestOneOfSeveralUpstreamHasIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - {name: staging, from: [dev]}\n  - {name: perf, from: [dev]}\n  - {name: prod, from: [staging, perf]}\n" + checkoutApp
	files[checkoutPath("perf")] = kustomization("checkout", "1.0.0")
	h.environments(acmeEnv, files)
	h.reportAll("dev", "staging", "perf", "prod")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	words := fmt.Sprintf("1.1.0 waits for perf, where \\#\u200b%d brings it", h.pullOn(acmeEnv, "ferry/perf/checkout").Number)
	if got := h.ask(h.board().Number, "dora", "/status checkout prod"); !strings.Contains(got, words) {
		t.Errorf("/status is answered by %q", got)
	}
	h.later(2 * time.Minute)
	if got := h.board().Body; !strings.Contains(got, "### What is not on its way\n\n- checkout in prod: "+words) {
		t.Errorf("the issue says\n%s", got)
	}
}
