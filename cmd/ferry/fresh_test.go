package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/forge/sandbox"
)

// A promotion branch that is moved to where main stands has nothing to promote: the forge closes its pull request, which is nobody's rejection.
func TestAnEmptiedPromotionIsRepaired(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	before := h.staging()
	body := fmt.Sprintf(`{"sha":%q,"force":true}`, h.head(acmeEnv, "main"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, h.forgeAt+"/api/v3/repos/"+acmeEnv+"/git/refs/heads/ferry/staging/checkout", strings.NewReader(body))
	h.does(err)
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser("dora").Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	h.does(err)
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the forced push: %s %v", res.Status, err)
	}
	h.settle()
	after := h.staging()
	if after.Number == before.Number {
		t.Errorf("#%d is still the open one", before.Number)
	}
}

// A renamed environment is told to have no manifests, and the old name is gone.
func TestARenamedEnvironmentHasNoManifests(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	files := checkoutFiles("")
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "rename", Files: map[string]string{".ferry.yaml": strings.ReplaceAll(files[".ferry.yaml"], "name: prod", "name: production")}})
	h.does(err)
	h.wantStatus(acmeEnv, sha, "ferry/config", "success", "no manifest was found for production")
	views, err := h.svc.store.Overview(t.Context())
	if err != nil || len(views) != 1 {
		t.Fatalf("%v %v", views, err)
	}
	if got := strings.Join(views[0].Environments, " "); strings.Contains(got, "prod") {
		t.Errorf("the page shows %s", got)
	}
}

// CI is told that no app has the image it announced.
func TestAnImageNobodyHas(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/chekcout", "tag": "1.1.0"})
	if code != http.StatusAccepted || !strings.Contains(body, "no app of acme/environments has the image") {
		t.Errorf("%d %s", code, body)
	}
}
