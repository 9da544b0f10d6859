package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// argo is an Argo CD's notifications controller: Argo CD's own engine, with the ConfigMap that Ferry's users apply.
type argo struct {
	h      *harness
	token  string
	config map[string]any
}

func newArgo(h *harness, environment string) *argo {
	h.t.Helper()
	a := &argo{h: h, token: h.token(acmeEnv, environment)}
	file, err := os.ReadFile("../../deploy/argocd/notifications.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	at := h.url + "/webhooks/argocd/" + postgres.Reporter(a.token)
	file = bytes.ReplaceAll(file, []byte("https://ferry.example.com/webhooks/argocd/REPORTER"), []byte(at))
	if err := yaml.Unmarshal(file, &a.config); err != nil {
		h.t.Fatal(err)
	}
	return a
}

// sees lets the controller see states of Applications in turn, and returns how many notifications it sent.
func (a *argo) sees(states ...map[string]any) int {
	a.h.t.Helper()
	input, err := json.Marshal(map[string]any{"config": a.config, "secret": map[string]string{"ferry-token": a.token}, "applications": states})
	if err != nil {
		a.h.t.Fatal(err)
	}
	engine := exec.CommandContext(a.h.t.Context(), "go", "run", "-buildvcs=false", ".")
	engine.Dir, engine.Stdin = "../../deploy/argocd/engine", bytes.NewReader(input)
	var said bytes.Buffer
	engine.Stderr = &said
	out, err := engine.Output()
	if err != nil {
		a.h.t.Fatalf("Argo CD's engine: %v\n%s%s", err, out, said.String())
	}
	a.h.settle()
	return bytes.Count(out, []byte("\n"))
}

// application is the state of an Argo CD Application that takes checkout's manifests in staging, with what the test changes of it.
func application(change map[string]any) map[string]any {
	app := map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{"name": "checkout-staging", "namespace": "argocd", "labels": map[string]any{"ferry.dev/environment": "staging"}},
		"spec": map[string]any{"project": "default", "destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "checkout"},
			"source": map[string]any{"repoURL": "https://github.com/acme/environments.git", "path": "apps/checkout/staging", "targetRevision": "main"}},
	}
	maps.Copy(app, change)
	return app
}

// argoStatus is an Application's status; an operation of no phase is none.
func argoStatus(sync, health, phase, message string, revision forge.SHA) map[string]any {
	status := map[string]any{
		"reconciledAt": "2026-08-01T10:01:12Z", "sync": map[string]any{"status": sync, "revision": string(revision)}, "health": map[string]any{"status": health},
		"summary": map[string]any{"images": []any{"ghcr.io/acme/checkout:1.1.0", "docker.io/library/redis:7"}},
	}
	if phase != "" {
		status["operationState"] = map[string]any{"phase": phase, "message": message, "syncResult": map[string]any{"revision": string(revision)}}
	}
	return map[string]any{"status": status}
}

// TestArgoCD lets Argo CD's own notifications engine tell Ferry of an Application, with the trigger and the template that users apply.
func TestArgoCD(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	argo := newArgo(h, "staging")
	h.arrive("1.1.0")
	merged := h.merge(acmeEnv, h.staging().Number)
	if n := argo.sees(application(argoStatus("OutOfSync", "Healthy", "", "", merged))); n != 1 {
		t.Errorf("%d notifications were sent of an Application that was never synced", n)
	}
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "")
	argo.sees(application(argoStatus("OutOfSync", "Healthy", "Failed", "one or more \"objects\" failed\nsee {{below}}", merged)))
	h.wantStatus(acmeEnv, merged, "ferry/staging", "failure", `one or more "objects" failed`)
	progressing := application(argoStatus("Synced", "Progressing", "Succeeded", "", merged))
	argo.sees(application(argoStatus("OutOfSync", "Healthy", "Running", "", merged)), progressing)
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "")
	healthy := application(argoStatus("Synced", "Healthy", "Succeeded", "", merged))
	if n := argo.sees(progressing, healthy, healthy, healthy); n != 2 {
		t.Errorf("%d notifications were sent of two states", n)
	}
	h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "runs in staging")
}

// TestArgoCDOfSeveralSources: a chart of elsewhere with values of the environment repository, and a state of which much is missing.
func TestArgoCDOfSeveralSources(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, map[string]string{
		".ferry.yaml":                     "apiVersion: ferry/v1\nenvironments:\n  - {name: staging, clusters: [eu, us]}\napps:\n  - name: shop\n    images: [ghcr.io/acme/shop]\n    manifests: [\"charts/shop/values-{env}.yaml\"]\n",
		"charts/shop/values-staging.yaml": "image:\n  repository: ghcr.io/acme/shop\n  tag: 1.0.0\n",
	})
	argo := newArgo(h, "staging")
	shop := func(cluster, revision string, status map[string]any) map[string]any {
		return application(map[string]any{
			"metadata": map[string]any{"name": "shop-" + cluster, "namespace": "argocd", "annotations": map[string]any{"ferry.dev/cluster": cluster}, "labels": map[string]any{"ferry.dev/environment": "staging"}},
			"spec": map[string]any{"sources": []any{
				map[string]any{"repoURL": "https://charts.example.com", "chart": "shop", "targetRevision": "3.1.0", "helm": map[string]any{"valueFiles": []any{"$values/charts/shop/values-staging.yaml"}}},
				map[string]any{"repoURL": "git@github.com:Acme/Environments.git", "targetRevision": "main", "ref": "values"},
			}},
			"status": status,
		})
	}
	head := h.commit(acmeEnv, map[string]string{"charts/shop/values-staging.yaml": "image:\n  repository: ghcr.io/acme/shop\n  tag: 1.1.0\n"})
	status := map[string]any{"sync": map[string]any{"status": "Synced", "revisions": []any{"3.1.0", string(head)}}, "health": map[string]any{"status": "Healthy"}}
	argo.sees(shop("eu", string(head), status))
	h.wantStatus(acmeEnv, head, "ferry/staging", "pending", "us")
	argo.sees(shop("us", string(head), status))
	h.wantStatus(acmeEnv, head, "ferry/staging", "success", "")
}

func TestArgoCDIsRefused(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	token, other := h.token(acmeEnv, "staging"), h.token(acmeEnv, "prod")
	const good = `{"schema":"ferry.argocd/v1","app":"checkout-staging","source":{"repoURL":"https://github.com/acme/environments","path":"apps/checkout/staging"},"sync":{"status":"Synced","revision":"0123456789012345678901234567890123456789"},"health":{"status":"Healthy"}}`
	at := "/webhooks/argocd/" + postgres.Reporter(token)
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for name, c := range map[string]struct {
		path, token, body string
		code              int
		says              string
	}{
		"good":                     {at, token, good, http.StatusAccepted, `"accepted":1`},
		"no token":                 {at, "", good, http.StatusUnauthorized, "Authorization"},
		"CI's token":               {at, h.token(acmeEnv, ""), good, http.StatusForbidden, "kind ci"},
		"another's token":          {at, other, good, http.StatusNotFound, "prod"},
		"no JSON":                  {at, token, `app: x`, http.StatusBadRequest, "JSON"},
		"a wrong kind":             {at, token, with(`"path":"apps/checkout/staging"`, `"path":7`), http.StatusBadRequest, "source.path"},
		"another schema":           {at, token, with("argocd/v1", "argocd/v9"), http.StatusBadRequest, "schema"},
		"nobody's":                 {at, token, with("checkout-staging", ""), http.StatusBadRequest, "app"},
		"another repository":       {at, token, with("acme/environments", "acme/other-environments"), http.StatusBadRequest, "takes nothing from acme/environments"},
		"a path of no app":         {at, token, with("apps/checkout/staging", "apps/cart/staging"), http.StatusBadRequest, "ferry.dev/app"},
		"another environment":      {at, token, with(`"source"`, `"ferry":{"environment":"prod"},"source"`), http.StatusBadRequest, "prod"},
		"an unknown cluster":       {at, token, with(`"source"`, `"ferry":{"cluster":"eu"},"source"`), http.StatusBadRequest, "ferry.dev/cluster"},
		"an unknown app":           {at, token, with(`"source"`, `"ferry":{"app":"cart"},"source"`), http.StatusBadRequest, "cart"},
		"a chart's version":        {at, token, with("0123456789012345678901234567890123456789", "3.1.0"), http.StatusAccepted, `"accepted":0`},
		"larger than what is read": {at, token, good + strings.Repeat(" ", 2<<20), http.StatusRequestEntityTooLarge, "larger"},
	} {
		if code, answer := h.post(c.path, c.token, c.body); code != c.code || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", name, code, answer, c.code, c.says)
		}
	}
}
