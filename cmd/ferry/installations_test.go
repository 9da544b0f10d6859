package main

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// quiet fails where Ferry asks or writes anything at the forge for the repository while f runs.
func (h *harness) quiet(what string, f func()) {
	h.t.Helper()
	h.forge.ResetRequests()
	f()
	for client, routes := range h.forge.Requests() {
		for route, n := range routes {
			if strings.HasPrefix(client, "installation/") && strings.Contains(route, "/repos/") {
				h.t.Errorf("%s: Ferry called %s %d times", what, route, n)
			}
		}
	}
}

// TestRemovedFromARepository: without the App Ferry leaves the repository alone, and goes on where it stood once it is back.
func TestRemovedFromARepository(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		lost       bool // the deliveries about it
		out, again func(h *harness, installation int64) error
	}{
		{"one repository", false,
			func(h *harness, id int64) error { return h.forge.Uninstall(id, acmeEnv) },
			func(h *harness, _ int64) error { _, err := h.forge.Install(testAppID, "acme", acmeEnv); return err }},
		{"one repository, and nobody tells", true,
			func(h *harness, id int64) error { return h.forge.Uninstall(id, acmeEnv) },
			func(h *harness, _ int64) error { _, err := h.forge.Install(testAppID, "acme", acmeEnv); return err }},
		{"the whole installation", false,
			func(h *harness, id int64) error { return h.forge.Uninstall(id) },
			func(h *harness, _ int64) error { _, err := h.forge.Install(testAppID, "acme", acmeEnv); return err }},
		{"the whole installation, and nobody tells", true,
			func(h *harness, id int64) error { return h.forge.Uninstall(id) },
			func(h *harness, _ int64) error { _, err := h.forge.Install(testAppID, "acme", acmeEnv); return err }},
		{"suspended", false,
			func(h *harness, id int64) error { return h.forge.Suspend(id, true) },
			func(h *harness, id int64) error { return h.forge.Suspend(id, false) }},
		{"suspended, and nobody tells", true,
			func(h *harness, id int64) error { return h.forge.Suspend(id, true) },
			func(h *harness, id int64) error { return h.forge.Suspend(id, false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			p := h.staging()
			id := query[int64](h, `select installation from repositories where name = 'environments'`)
			token := h.token(acmeEnv, "dev")
			h.changeAccess(c.lost, func() error { return c.out(h, id) })
			bump, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "unseen", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.2.0")}})
			if err != nil {
				t.Fatal(err)
			}
			h.quiet("removed", func() {
				h.settle()
				h.tell(token, map[string]any{"revision": bump, "health": "healthy", "images": []string{"ghcr.io/acme/checkout:1.2.0"}})
				h.sweep()
				h.later(2 * time.Hour)
			})
			h.changeAccess(c.lost, func() error { return c.again(h, id) })
			h.later(time.Second)
			h.report(acmeEnv, "dev", "healthy")
			if again := h.staging(); again.Number != p.Number || !strings.Contains(again.Title, "1.2.0") {
				t.Errorf("after it was back the promotion is %+v, before it was %+v", again, p)
			}
		})
	}
}

// changeAccess changes what the App may see; where the delivery is lost the sweep finds it.
func (h *harness) changeAccess(lost bool, change func() error) {
	h.t.Helper()
	if lost {
		h.forge.Faults().Lose("installation", 1)
		h.forge.Faults().Lose("installation_repositories", 1)
	}
	h.does(change())
	if lost {
		h.forge.Faults().Clear()
		h.sweep()
	}
}

// TestReplayOfADeletedInstallation must not bring it back to life.
func TestReplayOfADeletedInstallation(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	id := query[int64](h, `select installation from repositories where name = 'environments'`)
	h.does(h.forge.Uninstall(id))
	if err := h.svc.store.Replay(t.Context(), h.lastDelivery("installation").GUID); err != nil {
		t.Fatal(err)
	}
	h.settle()
	if query[bool](h, `select accessible from repositories where name = 'environments'`) || !query[bool](h, `select gone from installations`) {
		t.Error("a replayed delivery of its end brought the installation back")
	}
}

func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	const renamed = "acme/envs"
	for _, lost := range []bool{false, true} {
		h := newCheckout(t, "")
		h.arrive("1.1.0")
		p := h.staging()
		token := h.token(acmeEnv, "staging")
		if lost {
			h.forge.Faults().Lose("repository", 1)
		}
		h.does(h.forge.Rename(acmeEnv, "envs"))
		if lost {
			h.sweep()
		}
		if again := h.pullOn(renamed, "ferry/staging/checkout"); again.Number != p.Number {
			t.Errorf("the promotion was #%d and is #%d", p.Number, again.Number)
		}
		merged := h.merge(renamed, p.Number)
		h.tell(token, map[string]any{"revision": merged, "health": "healthy"})
		h.wantStatus(renamed, merged, "ferry/staging", "success", "runs in staging")
		h.pullOn(renamed, "ferry/prod/checkout")
		if n := query[int](h, `select count(*) from repositories`); n != 1 {
			t.Errorf("%d repositories are known", n)
		}
		if n := query[int](h, `select count(*) from wishes where refusal <> ''`); n != 0 {
			t.Errorf("%d wishes are refused", n)
		}
	}
}

func TestForcePushOnMain(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		h := newCheckout(t, "")
		first := h.head(acmeEnv, "main")
		bad := h.arrive("1.1.0")
		p := h.staging()
		if lost {
			h.forge.Faults().Lose("push", 1)
		}
		// Somebody takes the bump back by force, as if it had never been.
		h.patchRef("main", first, true)
		h.settle()
		if lost {
			h.sweep()
			h.later(3 * time.Minute) // that the branch went back is not believed at once
		}
		if got := h.pull(p.Number); got.State != "closed" {
			t.Errorf("#%d is %s although its release stands nowhere upstream any more", p.Number, got.State)
		}
		h.wantStatus(acmeEnv, bad, "ferry/dev", "success", "converged in dev")
		next := h.deploy("dev", "1.2.0")
		h.wantStatus(acmeEnv, next, "ferry/dev", "pending", "1.2.0")
		h.report(acmeEnv, "dev", "healthy")
		h.wantStatus(acmeEnv, next, "ferry/dev", "success", "1.2.0")
		if again := h.staging(); !strings.Contains(again.Title, "1.2.0") {
			t.Errorf("the promotion is %+v", again)
		}
	}
}

// TestEmptyRepository has no default branch yet when the App comes.
func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	if _, err := h.forge.AddRepository("acme", "environments", nil); err != nil {
		t.Fatal(err)
	}
	h.person("dora", acmeEnv, forge.PermissionAdmin)
	if _, err := h.forge.Install(testAppID, "acme", acmeEnv); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.sweep()
	if failure := query[string](h, `select failure from repositories`); failure != "" {
		t.Errorf("an empty repository makes Ferry fail: %s", failure)
	}
	h.commit(acmeEnv, checkoutFiles(""))
	h.arrive("1.1.0")
	h.staging()
}
