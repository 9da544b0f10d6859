package main

import (
	"fmt"
	"testing"
	"time"
)

// TestLossKeepsWhoBroughtIt: of what source commit a release is nobody knows, and who pushed it does not approve it after the database was lost either,
// whatever stands in dev by then and however much came after it.
func TestLossKeepsWhoBroughtIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings string
		then     func(h *harness)
	}{
		"it stands":               {then: func(*harness) {}},
		"another one stands":      {"    supersede: queue\n", func(h *harness) { h.arrive("1.2.0") }},
		"it came back":            {then: func(h *harness) { h.arrive("1.0.5"); h.arrive("1.1.0") }},
		"longer ago than is read": {then: func(h *harness) { h.otherWork(8); h.svc.work.MostRevisions = 4 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApproved(t, approving+test.settings)
			h.push("bob", "main", map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")})
			h.report(acmeEnv, "dev", "healthy")
			test.then(h)
			h.soon()
			p := h.staging()
			h.review(p.Number, "bob", "APPROVE")
			h.gates("pending", "bob's does not count: they brought it")
			h.later(time.Minute)
			most := h.svc.work.MostRevisions
			h.drop()
			h.svc.work.MostRevisions = most
			h.comesUp()
			h.report(acmeEnv, "dev", "healthy")
			h.gates("pending", "bob's does not count: they brought it")
			h.review(p.Number, "eve", "APPROVE")
			h.gates("success", "")
		})
	}
}

// otherWork lets dora commit what is no manifest, so often.
func (h *harness) otherWork(commits int) {
	h.t.Helper()
	for i := range commits {
		h.commit(acmeEnv, map[string]string{"notes.txt": fmt.Sprint(i)})
	}
}
