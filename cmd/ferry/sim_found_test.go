package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge/sandbox"
)

// What storms have found, each as the few steps that it takes.

// newStormWithAPull returns a storm in which web 1.1.0 stands in dev, and its pull request into canary.
func newStormWithAPull(t *testing.T) (*storm, pull) {
	t.Helper()
	w := newStorm(t, 0)
	w.commitFile(worldPath("web", "dev"), kustomization("web", "1.1.0"))
	w.rest()
	w.saysOf("dev", w.head(acmeEnv, "main"), "healthy")
	w.rest()
	return w, w.pullOn(acmeEnv, "ferry/canary/web")
}

// TestClosedByAPersonBeforeFerryCloses: a person closes what Ferry is about to close as superseded. Once that is read, nothing is left to be tried.
func TestClosedByAPersonBeforeFerryCloses(t *testing.T) {
	t.Parallel()
	w, p := newStormWithAPull(t)
	w.commitFile(worldPath("web", "dev"), kustomization("web", "1.0.0"))
	w.allBut("act")
	if left := query[int](w.harness, `select count(*) from wishes where kind = 'pull' and key = $1 and not (desired ->> 'open')::boolean`, p.Head.Ref); left != 1 {
		t.Fatalf("Ferry is not about to close #%d", p.Number)
	}
	if err := w.harness.forge.ClosePull(acmeEnv, p.Number, "dora"); err != nil {
		t.Fatal(err)
	}
	w.closed[p.Number] = true
	w.rest()
	w.calm()
}

// TestClosedAndReopenedInOldTruth: a person closes and reopens, and the forge still shows the pull request as closed when nobody is its closer any more. That
// is no close by the forge: the person's next one is a rejection.
func TestClosedAndReopenedInOldTruth(t *testing.T) {
	t.Parallel()
	w, p := newStormWithAPull(t)
	if err := errors.Join(w.harness.forge.ClosePull(acmeEnv, p.Number, "dora"), w.harness.forge.SetLag(sandbox.Lag{For: time.Second}),
		w.harness.forge.Reopen(acmeEnv, p.Number, "dora")); err != nil {
		t.Fatal(err)
	}
	w.allBut("act")
	w.rest()
	if now := w.pullOn(acmeEnv, "ferry/canary/web"); now.Number != p.Number {
		t.Fatalf("#%d is open, and #%d was reopened", now.Number, p.Number)
	}
	if err := w.harness.forge.ClosePull(acmeEnv, p.Number, "dora"); err != nil {
		t.Fatal(err)
	}
	w.closed[p.Number] = true
	w.rest()
	w.calm()
}

// allBut does all the work that is due, except that of one kind.
func (w *storm) allBut(kind string) {
	w.t.Helper()
	for range 100 {
		w.hear()
		for len(w.bag) > 0 {
			w.bring(0, "")
		}
		list := w.due()
		i := slices.IndexFunc(list, func(x work) bool { return !strings.HasPrefix(x.what, kind) })
		if i < 0 {
			return
		}
		if err := list[i].do(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("the work does not come to an end")
}
