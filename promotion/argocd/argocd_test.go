package argocd_test

import (
	"slices"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/argocd"
)

const (
	older = "1111111111111111111111111111111111111111"
	newer = "2222222222222222222222222222222222222222"
)

func read(t *testing.T, message string) argocd.Application {
	t.Helper()
	a, err := argocd.Read([]byte(`{"schema": "ferry.argocd/v1", "app": "x", ` + message + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReport(t *testing.T) {
	t.Parallel()
	const at = `"revision": "` + newer + `"`
	for name, c := range map[string]struct {
		message  string
		health   promotion.Health // empty: nothing to report
		revision forge.SHA
		says     string
	}{
		"all is well":                  {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Succeeded", ` + at + `}`, "healthy", newer, ""},
		"nothing had to be synced":     {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Succeeded", "revision": "` + older + `"}`, "healthy", newer, ""},
		"synced by hand":               {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Healthy"}`, "healthy", newer, ""},
		"something newer is merged":    {`"sync": {"status": "OutOfSync", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Succeeded", "revision": "` + older + `"}`, "healthy", older, ""},
		"never synced":                 {`"sync": {"status": "OutOfSync", ` + at + `}, "health": {"status": "Missing"}`, "", "", ""},
		"syncing":                      {`"sync": {"status": "OutOfSync", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Running", "message": "waiting for healthy state of apps/Deployment/x"}`, "progressing", newer, "waiting for healthy state of apps/Deployment/x"},
		"stopped":                      {`"sync": {"status": "OutOfSync", ` + at + `}, "operation": {"phase": "Terminating", ` + at + `}`, "progressing", newer, ""},
		"starting":                     {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Progressing"}, "operation": {"phase": "Succeeded", ` + at + `}`, "progressing", newer, ""},
		"a rollout is paused":          {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Suspended"}, "operation": {"phase": "Succeeded", ` + at + `}`, "progressing", newer, ""},
		"degraded":                     {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Degraded", "message": "CrashLoopBackOff"}, "operation": {"phase": "Succeeded", ` + at + `}`, "degraded", newer, "CrashLoopBackOff"},
		"the sync failed":              {`"sync": {"status": "OutOfSync", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Failed", "message": "no", ` + at + `}`, "failed", newer, "no"},
		"the sync failed at once":      {`"sync": {"status": "OutOfSync", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Error", "message": "no"}`, "failed", newer, "no"},
		"a hook failed after it":       {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Failed", "message": "hook", ` + at + `}`, "failed", newer, "hook"},
		"the failure was made good":    {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Healthy"}, "operation": {"phase": "Failed", "message": "no", "revision": "` + older + `"}`, "healthy", newer, ""},
		"Git cannot be rendered":       {`"sync": {"status": "Unknown", ` + at + `}, "health": {"status": "Healthy"}, "conditions": [{"type": "ComparisonError", "message": "helm template"}], "operation": {"phase": "Succeeded", "revision": "` + older + `"}`, "failed", newer, "ComparisonError: helm template"},
		"Git cannot be reached":        {`"sync": {"status": "Unknown"}, "conditions": [{"type": "ComparisonError", "message": "x"}]`, "failed", "", "ComparisonError: x"},
		"unknown, and nothing is said": {`"sync": {"status": "Unknown"}, "health": {"status": "Healthy"}`, "", "", ""},
		"a health of tomorrow":         {`"sync": {"status": "Synced", ` + at + `}, "health": {"status": "Splendid"}, "operation": {"phase": "Succeeded", ` + at + `}`, "unknown", newer, ""},
		"a chart's version":            {`"sync": {"status": "Synced", "revision": "3.1.0"}, "health": {"status": "Healthy"}`, "", "", ""},
		"the second of two sources":    {`"sources": [{}, {}], "sync": {"status": "Synced", "revisions": ["3.1.0", "` + newer + `"]}, "health": {"status": "Healthy"}`, "healthy", newer, ""},
	} {
		r, ok := read(t, c.message).Report(1)
		if ok != (c.health != "") || ok && (r.Health != c.health || r.Revision != c.revision || r.Message != c.says) {
			t.Errorf("%s: %t %s at %q, %q; want %s at %q, %q", name, ok, r.Health, r.Revision, r.Message, c.health, c.revision, c.says)
		}
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	const own = `"repoURL": "https://github.com/acme/environments"`
	for name, c := range map[string]struct {
		message string
		index   int
		paths   []string // nil: it is not from there
	}{
		"a folder":                   {`"source": {` + own + `, "path": "apps/x/staging"}`, 0, []string{"apps/x/staging"}},
		"its root":                   {`"source": {` + own + `}`, 0, []string{"."}},
		"over ssh":                   {`"source": {"repoURL": "git@github.com:Acme/Environments.git", "path": "./a/"}`, 0, []string{"a"}},
		"with a login":               {`"source": {"repoURL": "ssh://git@github.com:22/acme/environments/", "path": "a"}`, 0, []string{"a"}},
		"another owner's":            {`"source": {"repoURL": "https://github.com/notacme/environments", "path": "a"}`, -1, nil},
		"another name":               {`"source": {"repoURL": "https://github.com/acme/environments-2", "path": "a"}`, -1, nil},
		"values beside the chart":    {`"source": {` + own + `, "path": "charts/x", "helm": {"valueFiles": ["values.yaml", "../../env/staging.yaml", "/env/all.yaml", "../../../out.yaml", "https://example.com/v.yaml"]}}`, 0, []string{"charts/x", "charts/x/values.yaml", "env/staging.yaml", "env/all.yaml"}},
		"values by a reference":      {`"sources": [{"repoURL": "https://charts.example.com", "helm": {"valueFiles": ["$v/env/staging.yaml", "$w/x.yaml"]}}, {` + own + `, "ref": "v"}]`, 1, []string{"env/staging.yaml"}},
		"a reference and a path too": {`"sources": [{` + own + `, "ref": "v", "path": "b"}]`, 0, []string{"b"}},
		"none":                       {`"source": {}`, -1, nil},
	} {
		index, paths, ok := read(t, c.message).From("acme/environments")
		if index != c.index || !slices.Equal(paths, c.paths) || ok != (c.paths != nil) {
			t.Errorf("%s: %d %q %t, want %d %q", name, index, paths, ok, c.index, c.paths)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"schema": "ferry.argocd/v1", "app": "x", "source": {"repoURL": "https://github.com/acme/environments", "path": "../a", "helm": {"valueFiles": ["$/", "/"]}}, "sync": {"revisions": ["x"]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := argocd.Read(body)
		if err != nil {
			return
		}
		index, paths, ok := a.From("acme/environments")
		if ok != (index >= 0) {
			t.Fatalf("%d %t", index, ok)
		}
		for _, p := range paths {
			if p == "" || p[0] == '/' || strings.HasPrefix(p+"/", "../") {
				t.Fatalf("%q is no path of the repository", p)
			}
		}
		if r, ok := a.Report(index); ok {
			if _, err := r.Normalise(); err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
		}
	})
}
