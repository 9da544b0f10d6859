package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// emergency is something that Ferry opens a pull request for at once, and what the branch ferry-state says with it.
type emergency struct {
	settings string // of prod
	does     func(h *harness, mia string)
	branch   string
	title    string
	decided  []string
}

// patiently gives everything that failed the time to be tried again.
func (h *harness) patiently() {
	h.t.Helper()
	for range 4 {
		h.later(2 * time.Minute)
	}
}

// emergencies begin where 1.2.0 runs everywhere, and 1.1.0 ran before it.
func emergencies() map[string]emergency {
	const title = "Roll back checkout in prod: 1.2.0 → 1.1.0"
	back := []string{"rolledBack:", "blocks:", "release: 1.2.0", "intent: rollback"}
	return map[string]emergency{
		"a rollback that a person asks for": {"", func(h *harness, mia string) { h.say(h.board().Number, mia, "/rollback checkout prod it loses orders") },
			"ferry/prod/checkout", title, append(back, "it loses orders")},
		"a rollback that Ferry decides": {"    rollback: pr\n", func(h *harness, _ string) {
			h.report(acmeEnv, "prod", "degraded")
			h.later(2 * time.Minute)
		}, "ferry/prod/checkout", title, append(back, "degraded since")},
		"a hotfix": {"", func(h *harness, mia string) {
			h.say(h.board().Number, mia, "/hotfix checkout prod 1.2.1 it loses orders")
		},
			"ferry/prod/checkout", "Hotfix checkout in prod: 1.2.0 → 1.2.1", []string{"intent: hotfix", "it loses orders"}},
		"a back-fill": {"", func(h *harness, mia string) {
			h.say(h.board().Number, mia, "/hotfix checkout prod 1.2.1 it loses orders")
			h.patiently()
			h.merge(acmeEnv, h.prod().Number)
			h.reportAll("prod")
		}, "ferry/staging/checkout", "Back-fill checkout in staging: 1.2.0 → 1.2.1", []string{"intent: backfill", "environment: staging"}},
	}
}

// begin brings the harness to where the emergency begins.
func (e emergency) begin(t *testing.T) (h *harness, mia string) {
	t.Helper()
	h = newCheckout(t, e.settings)
	mia = h.maintainer()
	h.through("1.1.0")
	h.through("1.2.0")
	return h, mia
}

// wantOpen fails unless exactly its pull request is open on the branch, and ferry-state says why.
func (e emergency) wantOpen(h *harness) pull {
	h.t.Helper()
	p := h.pullOn(acmeEnv, e.branch)
	if p.Title != e.title {
		h.t.Errorf("open is #%d %s", p.Number, p.Title)
	}
	e.wantDecided(h)
	return p
}

func (e emergency) wantDecided(h *harness) {
	h.t.Helper()
	state := h.file(acmeEnv, "ferry-state", "decisions.yaml")
	for _, words := range e.decided {
		if !strings.Contains(state, words) {
			h.t.Errorf("the branch ferry-state lacks %q:\n%s", words, state)
		}
	}
}

// TestDecidedBeforeItIsShown: when the pull request is opened, ferry-state says why already, also where that took several tries; and where the answer to
// the opening is lost, and then the database, the same pull request and the same decisions come back.
func TestDecidedBeforeItIsShown(t *testing.T) {
	t.Parallel()
	for name, e := range emergencies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, mia := e.begin(t)
			opened := 0
			h.forge.Faults().Fail(sandbox.Fault{Method: "PATCH", Route: movingRoute, Status: 500, Times: 2}) // ferry-state moves by it
			h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: steppedRoute, Done: true, Status: 502, Times: 1, Then: func() {
				if h.openPulls(acmeEnv)[e.branch].Title == e.title {
					opened++
					e.wantDecided(h)
				}
			}})
			e.does(h, mia)
			h.patiently()
			h.lose()
			h.reportAll("dev", "staging")
			h.patiently()
			p := e.wantOpen(h)
			h.sweep()
			if again := e.wantOpen(h); again.Number != p.Number || again.Head.SHA != p.Head.SHA {
				t.Errorf("it was opened as %+v and is %+v", p, again)
			}
			if e.branch == "ferry/prod/checkout" && opened != 1 {
				t.Errorf("its opening was seen %d times", opened)
			}
		})
	}
}

// TestReopenedAtOnce: what a person closed and somebody reopens is what it was, also after the database was lost in between.
func TestReopenedAtOnce(t *testing.T) {
	t.Parallel()
	for name, e := range emergencies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, mia := e.begin(t)
			e.does(h, mia)
			h.patiently()
			p := e.wantOpen(h)
			if !strings.Contains(p.Body, "reopening lifts that until something else is opened from its branch") {
				t.Errorf("the body says\n%s", p.Body)
			}
			for _, loses := range []bool{false, true} {
				h.does(h.forge.ClosePull(acmeEnv, p.Number, mia))
				if open, ok := h.openPulls(acmeEnv)[e.branch]; ok {
					t.Fatalf("open is %+v", open)
				}
				if loses {
					h.loseQuietly()
				}
				h.does(h.forge.Reopen(acmeEnv, p.Number, mia))
				if again := e.wantOpen(h); again.Number != p.Number {
					t.Errorf("open is #%d, and was #%d", again.Number, p.Number)
				}
			}
			h.loseAndCompare()
			h.reportAll("dev", "staging", "prod")
			again := e.wantOpen(h)
			if again.Number != p.Number {
				t.Errorf("open is #%d, and was #%d", again.Number, p.Number)
			}
			h.wantStatus(acmeEnv, again.Head.SHA, "ferry/gates", "success", "")
		})
	}
}

// TestReopenedTooLate: something else stands there by now.
func TestReopenedTooLate(t *testing.T) {
	t.Parallel()
	e := emergencies()["a rollback that a person asks for"]
	h, mia := e.begin(t)
	e.does(h, mia)
	p := e.wantOpen(h)
	h.does(h.forge.ClosePull(acmeEnv, p.Number, mia))
	h.deploy("prod", "1.2.5")
	h.does(h.forge.Reopen(acmeEnv, p.Number, mia))
	h.nothingIntoProd()
	if p := h.pull(p.Number); p.State != "closed" {
		t.Errorf("it is %+v", p)
	}
}
