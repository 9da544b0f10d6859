package main

import (
	"net/http"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// TestTransferredRepository: under another owner, and another installation, a repository is the same: it is known by its number.
func TestTransferredRepository(t *testing.T) {
	t.Parallel()
	const moved = "globex/environments"
	for name, letIn := range map[string]func(h *harness) error{
		"and nobody tells": func(h *harness) error { return h.changeLost(func() error { return h.moveTo("globex") }) },
		"with deliveries":  func(h *harness) error { return h.moveTo("globex") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			p, token := h.staging(), h.token(acmeEnv, "staging")
			h.does(letIn(h))
			h.sweep()
			if again := h.pullOn(moved, "ferry/staging/checkout"); again.Number != p.Number {
				t.Errorf("the promotion was #%d and is #%d", p.Number, again.Number)
			}
			merged := h.merge(moved, p.Number)
			h.tell(token, map[string]any{"revision": merged, "health": "healthy"})
			h.wantStatus(moved, merged, "ferry/staging", "success", "runs in staging")
			h.pullOn(moved, "ferry/prod/checkout")
			if n := query[int](h, `select count(*) from repositories where config_blob <> ''`); n != 1 {
				t.Errorf("%d environment repositories are known", n)
			}
		})
	}
}

// moveTo gives the environment repository to another owner, who lets the App in.
func (h *harness) moveTo(owner string) error {
	if err := h.forge.Transfer(acmeEnv, owner); err != nil {
		return err
	}
	if err := h.forge.SetPermission(owner+"/environments", "dora", forge.PermissionWrite); err != nil {
		return err
	}
	_, err := h.forge.Install(testAppID, owner, owner+"/environments")
	return err
}

// changeLost changes something of which no delivery tells.
func (h *harness) changeLost(change func() error) error {
	for _, event := range []string{"installation", "installation_repositories", "repository"} {
		h.forge.Faults().Lose(event, 9)
	}
	defer h.forge.Faults().Clear()
	if err := change(); err != nil {
		return err
	}
	return h.forge.Flush(h.t.Context())
}

// TestRenamedDefaultBranch: its history goes on under the new name. Nothing is a baseline, nothing is proposed twice.
func TestRenamedDefaultBranch(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(h *harness){
		"the sweep finds it": func(h *harness) { h.sweep() },
		"somebody pushes first": func(h *harness) {
			_, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "something else", Files: map[string]string{"README.md": "new"}})
			h.does(err)
			h.settle()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.arrive("1.1.0")
			p := h.staging()
			h.does(h.changeLost(func() error { return h.forge.RenameDefaultBranch(acmeEnv, "trunk") }))
			next(h)
			if again := h.staging(); again.Number != p.Number {
				t.Errorf("the promotion was #%d and is #%d", p.Number, again.Number)
			}
			merged := h.merge(acmeEnv, p.Number)
			h.tell(h.token(acmeEnv, "staging"), map[string]any{"revision": merged, "health": "healthy"})
			h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "runs in staging")
			h.pullOn(acmeEnv, "ferry/prod/checkout")
			if n := query[int](h, `select count(*) from deployments where baseline and app = 'checkout'`); n != 3 {
				t.Errorf("%d deployments are a baseline, want the 3 of the first look", n)
			}
		})
	}
}

// TestOneAppManyOrganizations: each organization's repositories are worked on with its own installation, and what happens to one does nothing to another.
func TestOneAppManyOrganizations(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.environments("globex/environments", checkoutFiles(""))
	h.forge.ResetRequests()
	h.reportAll("dev", "staging", "prod")
	h.report("globex/environments", "dev", "healthy")
	for _, repo := range []string{acmeEnv, "globex/environments"} {
		_, err := h.forge.Commit(repo, sandbox.Edit{As: "dora", Message: "next", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")}})
		h.does(err)
		h.settle()
		h.report(repo, "dev", "healthy")
		h.pullOn(repo, "ferry/staging/checkout")
	}
	acme, globex := h.installation(acmeEnv), h.installation("globex/environments")
	const statuses = "POST /repos/{owner}/{repo}/statuses/{sha}"
	if made := h.forge.Requests(); acme == globex || made[acme][statuses] == 0 || made[globex][statuses] == 0 {
		t.Errorf("as %s and %s were made %v", acme, globex, made)
	}
	h.does(h.forge.Suspend(query[int64](h, `select installation from repositories where owner = 'globex'`), true))
	h.arrive("1.2.0")
	if p := h.staging(); p.State != "open" {
		t.Errorf("where the other one is suspended the promotion is %+v", p)
	}
}

// TestRefusedTokenIsMadeAnewOnce: GitHub refuses a token before its time, and Ferry signs in anew at once; where it refuses the new one too, it does not
// go on asking for more.
func TestRefusedTokenIsMadeAnewOnce(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	const tokens = "POST /app/installations/{installation_id}/access_tokens"
	made := func() (n int) {
		for _, routes := range h.forge.Requests() {
			n += routes[tokens]
		}
		return n
	}
	const status = "/repos/{owner}/{repo}/statuses/{sha}"
	h.deploy("dev", "1.1.0")
	h.forge.ResetRequests()
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: status, Status: http.StatusUnauthorized})
	sha := h.deploy("dev", "1.2.0")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "1.2.0")
	if n := made(); n != 1 {
		t.Errorf("after one refusal %d tokens were made", n)
	}
	h.forge.ResetRequests()
	h.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: status, Status: http.StatusUnauthorized, Times: 2})
	sha = h.deploy("dev", "1.3.0")
	if n := made(); n != 1 {
		t.Errorf("after two refusals in a row %d tokens were made", n)
	}
	h.later(2 * time.Minute)
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "1.3.0")
}
