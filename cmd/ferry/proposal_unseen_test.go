package main

import (
	"fmt"
	"strings"
	"testing"

	"ferry/forge"
)

const threeInLine = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n  - name: prod\n    from: [staging]\n"

// movedApp is checkout with its manifests elsewhere.
func movedApp() string {
	return strings.Replace(checkoutApp, "apps/checkout/{env}", "zz/{env}", 1)
}

// manyManifests is a configuration that moves checkout, with so many other apps whose manifests come first.
func manyManifests(n int) map[string]string {
	files := map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.6")}
	var apps strings.Builder
	for i := range n {
		fmt.Fprintf(&apps, "  - name: a%d\n    images: [ghcr.io/acme/a%d]\n    manifests: [\"x%d/{env}/kustomization.yaml\"]\n", i, i, i)
		files[fmt.Sprintf("x%d/dev/kustomization.yaml", i)] = kustomization(fmt.Sprintf("a%d", i), "1.0.0")
	}
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + threeInLine + movedApp() + apps.String()
	return files
}

// manyIncluded is a configuration that moves checkout, with so many included files.
func manyIncluded(n int) map[string]string {
	files := map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.6")}
	var apps strings.Builder
	for i := range n {
		fmt.Fprintf(&apps, "  - name: a%d\n    images: [ghcr.io/acme/a%d]\n    manifests: [\"x%d/{env}/kustomization.yaml\"]\n", i, i, i)
		files[fmt.Sprintf("inc/a%d/ferry.yaml", i)] = "apiVersion: ferry/v1\nmode: propose\n"
	}
	files[".ferry.yaml"] = "apiVersion: ferry/v1\ninclude: \"inc/{app}/ferry.yaml\"\n" + threeInLine + movedApp() + apps.String()
	return files
}

// large is manyIncluded with one included file, and a configuration beyond what is read of a pull request.
func large() map[string]string {
	files := manyIncluded(5)
	for path := range files {
		if strings.HasPrefix(path, "inc/") {
			files[path] += strings.Repeat("# "+strings.Repeat("x", 1021)+"\n", 1000)
		}
	}
	return files
}

// TestConfigThatCannotBeLookedAt: what is too large to look at is shut by whatever is stopped, of any app, before it comes and after; and opens when that is
// lifted.
func TestConfigThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		stop  string
		shut  string
	}{
		"included, frozen":     {manyIncluded(101), "/freeze prod an incident", "it changes more than was looked at in prod; freeze: mia froze prod"},
		"included, app held":   {manyIncluded(101), "/hold checkout prod an incident", "it changes more than was looked at in prod; hold: mia holds checkout in prod"},
		"manifests, frozen":    {manyManifests(55), "/freeze checkout prod an incident", "it changes more than was looked at in prod; freeze: mia froze checkout in prod"},
		"manifests, blocked":   {manyManifests(55), "/block checkout 6.6.6 prod an incident", "it changes more than was looked at in prod; block: mia blocks checkout 6.6.6 in prod"},
		"bytes, of all frozen": {large(), "/freeze all an incident", "it changes more than was looked at in dev; freeze: mia froze everything"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newApproved(t, threeInLine)
			_, before := h.propose("before", test.files)
			h.wantStatus(acmeEnv, before, "ferry/gates", "success", "")
			h.ask(h.board().Number, "mia", test.stop)
			h.wantStatus(acmeEnv, before, "ferry/gates", "failure", test.shut)
			_, after := h.propose("after", test.files)
			h.wantStatus(acmeEnv, after, "ferry/gates", "failure", test.shut)
			h.ask(h.board().Number, "mia", "/thaw all\n/thaw checkout\n/thaw prod\n/resume all\n/unblock checkout 6.6.6 prod")
			h.wantStatus(acmeEnv, before, "ferry/gates", "success", "")
			h.wantStatus(acmeEnv, after, "ferry/gates", "success", "")
		})
	}
}

// TestConfigAsItWouldMerge: files that a configuration's pull request does not touch count as they stand on the default branch, and again when they change
// there; a push beside what it names costs nothing.
func TestConfigAsItWouldMerge(t *testing.T) {
	t.Parallel()
	h := newApproved(t, threeInLine)
	h.commit(acmeEnv, map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "1.0.0")})
	_, head := h.propose("a", map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + threeInLine + movedApp()})
	h.ask(h.board().Number, "mia", "/freeze prod an incident")
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	b, beside := h.propose("b", map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.6")})
	h.wantStatus(acmeEnv, beside, "ferry/gates", "success", "")
	h.merge(acmeEnv, b)
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
	h.forge.ResetRequests()
	h.commit(acmeEnv, map[string]string{"README.md": "nothing of Ferry's"})
	for route, n := range h.ferrysRequests() {
		if strings.Contains(route, "/pulls") || strings.Contains(route, "trees") {
			t.Errorf("a push beside what the pull request names costs %d of %s", n, route)
		}
	}
	h.commit(acmeEnv, map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "1.0.0")})
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.commit(acmeEnv, map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.7")})
	h.sweep()
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes checkout in prod; freeze: mia froze prod")
}

// TestConfigChangedOnBothSides: what the forge would merge of two changes of the configuration is neither: it is told, and any stop shuts it, until the branch is
// brought up to date.
func TestConfigChangedOnBothSides(t *testing.T) {
	t.Parallel()
	const note = "# the team's\n"
	config := func(before, environments, app string) string {
		return before + "apiVersion: ferry/v1\n" + environments + app
	}
	h := newApproved(t, threeInLine)
	h.commit(acmeEnv, map[string]string{"zz/prod/kustomization.yaml": kustomization("checkout", "6.6.6")})
	_, head := h.propose("a", map[string]string{".ferry.yaml": config(note, threeInLine, checkoutApp)})
	h.ask(h.board().Number, "mia", "/freeze prod an incident")
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": config("", threeInLine, movedApp())})
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes more than was looked at in prod; freeze: mia froze prod")
	run := h.configRuns(head)[0].Output
	if !strings.HasSuffix(run.Title, "; not everything could be looked at") || !strings.Contains(run.Summary, "The default branch has changed `.ferry.yaml`, too, since this left it") {
		t.Errorf("its check says %s\n%s", run.Title, run.Summary)
	}
	h.sweep()
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "it changes more than was looked at in prod; freeze: mia froze prod")
	main := h.head(acmeEnv, "main")
	h.patchRef("a", main, true)
	head = h.push("dora", "a", map[string]string{".ferry.yaml": config(note, threeInLine, movedApp())})
	if open := h.openPulls(acmeEnv); len(open) == 0 {
		_, err := h.forge.OpenPull(acmeEnv, "dora", forge.NewPullRequest{HeadBranch: "a", BaseBranch: "main", Title: "a"})
		h.does(err)
	}
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
}
