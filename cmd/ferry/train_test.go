package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// trainApps are the apps of the group platform in these tests; mail goes alone.
var trainApps = []string{"cart", "checkout", "search"}

// train is a harness with a group of three apps and an app that goes alone, in dev, staging and prod; settings are lines below staging.
func train(t *testing.T, settings string) *harness {
	t.Helper()
	h := newHarness(t)
	h.environments(acmeEnv, trainFiles(settings, "    group: platform\n"))
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Minute)
	return h
}

func trainConfig(settings, group string) string {
	words := "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\n" + settings + "  - name: prod\n    from: [staging]\napps:\n"
	for _, app := range append(slices.Clone(trainApps), "mail") {
		words += fmt.Sprintf("  - name: %s\n    images: [ghcr.io/acme/%s]\n    manifests: [\"apps/%s/{env}/kustomization.yaml\"]\n", app, app, app)
		if app != "mail" {
			words += group
		}
	}
	return words
}

func trainFiles(settings, group string) map[string]string {
	files := map[string]string{".ferry.yaml": trainConfig(settings, group)}
	for _, app := range append(slices.Clone(trainApps), "mail") {
		for _, env := range []string{"dev", "staging", "prod"} {
			files[worldPath(app, env)] = kustomization(app, "1.0.0")
		}
	}
	return files
}

// bump lets apps arrive in dev with a tag.
func (h *harness) bump(tag string, apps ...string) {
	h.t.Helper()
	files := map[string]string{}
	for _, app := range apps {
		files[worldPath(app, "dev")] = kustomization(app, tag)
	}
	h.commit(acmeEnv, files)
	h.later(time.Second)
	h.report(acmeEnv, "dev", "healthy")
	h.later(time.Second)
}

func (h *harness) theTrain() pull { h.t.Helper(); return h.pullOn(acmeEnv, "ferry/staging/platform") }

// brings fails unless the train's title names exactly these moves, and its diff has one line for each.
func (h *harness) brings(moves ...string) pull {
	h.t.Helper()
	p := h.theTrain()
	if want := "Promote platform to staging: " + strings.Join(moves, ", "); p.Title != want {
		h.t.Errorf("the train is %q, want %q", p.Title, want)
	}
	if lines := h.changed(p.Number); len(lines) != 2*len(moves) {
		h.t.Errorf("it changes %q", lines)
	}
	return p
}

// TestTrain: one pull request for a group, with one commit over all its apps' files; it grows as they become ready, and brings them all when it is merged.
func TestTrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.noPulls()
	h.bump("1.1.0", "cart", "checkout", "mail")
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	if open := h.openPulls(acmeEnv); len(open) != 2 {
		t.Errorf("open are %v", open)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.bump("2.0.0", "search")
	if now := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 2.0.0"); now.Number != p.Number {
		t.Errorf("#%d became #%d", p.Number, now.Number)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.bump("1.2.0", "cart")
	p = h.brings("cart 1.0.0 → 1.2.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 2.0.0")
	if !strings.Contains(p.Body, "| cart | `ghcr.io/acme/cart` | `1.0.0` | `1.2.0` |") || !strings.Contains(p.Body, "Supersedes `1.1.0`.") ||
		!strings.Contains(p.Body, "reopening lifts that until something else is opened from its branch, and `/promote APP staging` after that.") {
		t.Errorf("the body says\n%s", p.Body)
	}
	var commits []struct{ Commit struct{ Message string } }
	h.api(fmt.Sprintf("/repos/%s/pulls/%d/commits", acmeEnv, p.Number), &commits)
	if len(commits) != 1 || !strings.Contains(commits[0].Commit.Message, "Ferry-Group: platform\nFerry-App: cart\n") {
		t.Errorf("it has the commits %q", commits)
	}
	h.merge(acmeEnv, p.Number)
	for app, tag := range map[string]string{"cart": "1.2.0", "checkout": "1.1.0", "search": "2.0.0"} {
		if got := h.file(acmeEnv, "main", worldPath(app, "staging")); got != kustomization(app, tag) {
			t.Errorf("%s has\n%s", app, got)
		}
	}
	h.report(acmeEnv, "staging", "healthy")
	if got := h.pullOn(acmeEnv, "ferry/prod/platform").Title; got != "Promote platform to prod: cart 1.0.0 → 1.2.0, checkout 1.0.0 → 1.1.0, search 1.0.0 → 2.0.0" {
		t.Errorf("then comes %q", got)
	}
	h.later(tidied)
	if h.hasBranch("ferry/staging/platform") {
		t.Error("the merged branch still stands")
	}
	if n := query[int](h, `select count(*) from promotions where train = 'platform' and environment = 'staging' and state = 'converged'`); n != 3 {
		t.Errorf("%d promotions have converged, want 3", n)
	}
}

// TestTrainRejected: a person's close rejects each release that the train shows, and nothing else; reopening takes that back.
func TestTrainRejected(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.later(time.Minute)
	h.noPulls()
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls()
	h.bump("1.2.0", "cart")
	h.brings("cart 1.0.0 → 1.2.0")
	h.bump("1.1.0", "search")
	p = h.brings("cart 1.0.0 → 1.2.0", "search 1.0.0 → 1.1.0")
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	h.noPulls()
	h.does(h.forge.Reopen(acmeEnv, p.Number, "dora"))
	if now := h.brings("cart 1.0.0 → 1.2.0", "search 1.0.0 → 1.1.0"); now.Number != p.Number {
		t.Errorf("#%d is open", now.Number)
	}
	h.ask(h.board().Number, "dora", "/promote checkout staging")
	h.brings("cart 1.0.0 → 1.2.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0")
}

// TestDrop: an app leaves the train and the others go on; it comes again with a newer release, or when somebody asks for it.
func TestDrop(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout", "search")
	p := h.theTrain()
	h.later(time.Minute)
	if got := h.ask(p.Number, "dora", "/drop"); !strings.Contains(got, "`/drop` which app? Name one of `cart`, `checkout`, `search`.") {
		t.Errorf("the answer is %q", got)
	}
	if got := h.ask(p.Number, "dora", "/drop checkout\n/drop search"); !strings.Contains(got, fmt.Sprintf("`checkout 1.1.0` leaves #%d.", p.Number)) {
		t.Errorf("the answer is %q", got)
	}
	h.brings("cart 1.0.0 → 1.1.0")
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); !strings.Contains(got, "dropped:") || !strings.Contains(got, "app: search") {
		t.Errorf("the branch ferry-state says\n%s", got)
	}
	if got := h.ask(p.Number, "dora", "/status checkout staging"); !strings.Contains(got, "train is closed: dora took 1.1.0 out of") {
		t.Errorf("/status is answered by %q", got)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.brings("cart 1.0.0 → 1.1.0")
	h.bump("1.2.0", "checkout")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.2.0")
	h.merge(acmeEnv, p.Number)
	h.noPulls() // the drop outlasts the train
	h.ask(h.board().Number, "dora", "/promote search staging")
	h.brings("search 1.0.0 → 1.1.0")
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); strings.Contains(got, "dropped:") {
		t.Errorf("the branch ferry-state still says\n%s", got)
	}
}

// TestTrainStops: what stops one app leaves the others alone, and what stops the group or the environment stops all.
func TestTrainStops(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	issue, mia := h.board().Number, h.maintainer()
	h.bump("1.1.0", "cart", "checkout", "search")
	h.ask(issue, "dora", "/hold cart not now")
	h.brings("checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0")
	h.ask(issue, "dora", "/block search 1.1.0 it leaks")
	p := h.brings("checkout 1.0.0 → 1.1.0")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
	if got := h.ask(p.Number, "dora", "/hold platform staging wait"); !strings.Contains(got, "Held: dora holds platform in staging: wait") {
		t.Errorf("the answer is %q", got)
	}
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "dora holds platform in staging: wait")
	h.ask(issue, "dora", "/resume cart")
	h.ask(issue, mia, "/unblock search 1.1.0")
	if got := h.brings("checkout 1.0.0 → 1.1.0"); got.Head.SHA != p.Head.SHA {
		t.Error("a hold freezes what is open, and the train changed")
	}
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "**cart** in **staging**") || !strings.Contains(got, "**search** in **staging**") || strings.Contains(got, "mail") {
		t.Errorf("/status on the train is answered by %q", got)
	}
	h.ask(p.Number, "dora", "/resume")
	p = h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0")
	h.ask(issue, mia, "/freeze staging an incident")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "mia froze staging: an incident")
	h.ask(issue, mia, "/thaw staging")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "success", "")
	h.ask(issue, "dora", "/hold cart\n/hold checkout\n/hold search")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0") // it is not closed for that
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "failure", "cart: dora holds cart")
}

// TestGroupChanges: apps that join a group, leave it, or have another one are never in two open pull requests.
func TestGroupChanges(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.environments(acmeEnv, trainFiles("", ""))
	h.report(acmeEnv, "dev", "healthy")
	h.bump("1.1.0", "cart", "checkout")
	alone := h.promotions("staging")
	if len(alone) != 2 {
		t.Fatalf("open are %v", alone)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": trainConfig("", "    group: platform\n")})
	h.later(time.Minute)
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	if open := h.promotions("staging"); len(open) != 1 {
		t.Errorf("open are %v", open)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": trainConfig("", "    group: core\n")})
	h.later(time.Minute)
	if open := h.promotions("staging"); len(open) != 1 || open["core"] == 0 || !slices.Contains([]string{"closed"}, h.pull(p.Number).State) {
		t.Errorf("open are %v", open)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": strings.Replace(trainConfig("", "    group: core\n"), "    group: core\n", "", 1)}) // cart leaves
	h.later(time.Minute)
	if open := h.promotions("staging"); len(open) != 2 || open["core"] == 0 || open["cart"] == 0 {
		t.Errorf("open are %v", open)
	}
	if got := h.pullOn(acmeEnv, "ferry/staging/core").Title; got != "Promote core to staging: checkout 1.0.0 → 1.1.0" {
		t.Errorf("the rest of the train is %q", got)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": trainConfig("", "")})
	h.later(time.Minute)
	if open := h.promotions("staging"); len(open) != 2 || open["checkout"] == 0 || open["cart"] == 0 {
		t.Errorf("open are %v", open)
	}
}

// TestTrainMergesItself: once all gates of all apps are open.
func TestTrainMergesItself(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := trainFiles("    merge: auto\n    unprotected: allow\n    soak: 1h\n", "    group: platform\n")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "environments:", "mode: release\nenvironments:", 1)
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	h.bump("1.1.0", "cart", "checkout")
	h.noPulls() // they are not ready
	h.later(time.Hour)
	h.later(time.Minute)
	for _, app := range []string{"cart", "checkout"} {
		if got := h.file(acmeEnv, "main", worldPath(app, "staging")); got != kustomization(app, "1.1.0") {
			t.Errorf("%s has\n%s", app, got)
		}
	}
	if n := query[int](h, `select count(distinct number) from promotions where environment = 'staging'`); n != 1 {
		t.Errorf("there were %d pull requests, want one", n)
	}
}

// TestTrainBatch: the group's apps are collected for the window, and then the train is closed.
func TestTrainBatch(t *testing.T) {
	t.Parallel()
	h := train(t, "    supersede: batch\n    window: 10m\n")
	h.bump("1.1.0", "cart")
	h.later(5 * time.Minute)
	h.bump("1.1.0", "checkout")
	h.noPulls()
	h.later(5 * time.Minute)
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.bump("1.1.0", "search")
	h.bump("1.2.0", "cart")
	h.later(time.Hour)
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	if got := h.ask(p.Number, "dora", "/status search staging"); !strings.Contains(got, "it goes with the next train") {
		t.Errorf("/status is answered by %q", got)
	}
	h.merge(acmeEnv, p.Number)
	h.brings("cart 1.1.0 → 1.2.0", "search 1.0.0 → 1.1.0")
}

// TestTrainQueue: the next train leaves when all of the one before have arrived.
func TestTrainQueue(t *testing.T) {
	t.Parallel()
	h := train(t, "    supersede: queue\n")
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.bump("1.1.0", "search")
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.merge(acmeEnv, p.Number)
	h.noPulls()
	h.report(acmeEnv, "staging", "healthy")
	h.brings("search 1.0.0 → 1.1.0")
}

// TestTrainApproved: an approval is of all that the train shows, and of nothing else.
func TestTrainApproved(t *testing.T) {
	t.Parallel()
	h := train(t, "    approvals: 1\n")
	h.person("rita", acmeEnv, forge.PermissionWrite)
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "0 of 1 approval")
	h.later(time.Minute)
	if got := h.ask(p.Number, "rita", "/approve"); !strings.Contains(got, "Approved: the train of `platform` (`cart 1.1.0`, `checkout 1.1.0`) in `staging`, as #") || strings.Contains(got, "No approval is asked for") {
		t.Errorf("the answer is %q", got)
	}
	h.hasEvent("approve", "platform", fmt.Sprintf("#%d at %s: cart 1.1.0, checkout 1.1.0", p.Number, p.Head.SHA.Short()))
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "success", "")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "success", "")
	h.bump("1.1.0", "search")
	h.wantStatus(acmeEnv, h.theTrain().Head.SHA, "ferry/gates", "pending", "0 of 1 approval")
}

// TestTrainInterrupted: of a train too there is one pull request, whichever answer of the forge was lost.
func TestTrainInterrupted(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"POST /repos/{owner}/{repo}/git/commits", "POST /repos/{owner}/{repo}/git/refs", "POST /repos/{owner}/{repo}/pulls", "POST " + openingRoute, "PATCH /repos/{owner}/{repo}/git/refs/{ref}"} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			h := train(t, "")
			method, path, _ := strings.Cut(route, " ")
			if method == http.MethodPatch {
				h.bump("1.0.1", "cart", "search")
			}
			h.forge.Faults().Fail(sandbox.Fault{Method: method, Route: path, Done: true})
			if path != openingRoute {
				h.byStep()
			}
			h.bump("1.1.0", "cart", "checkout")
			h.later(10 * time.Minute)
			want := []string{"cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0"}
			if method == http.MethodPatch {
				want = append(want, "search 1.0.0 → 1.0.1")
			}
			p := h.brings(want...)
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
			h.merge(acmeEnv, p.Number)
			h.report(acmeEnv, "staging", "healthy")
			if n := query[int](h, `select count(*) from promotions where train = 'platform' and environment = 'staging' and state = 'converged'`); n != len(want) {
				t.Errorf("%d promotions have converged, want %d", n, len(want))
			}
		})
	}
}

// TestTrainOfOneFile: apps of a group whose tags stand in one file are one edit of it.
func TestTrainOfOneFile(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	values := func(cart, checkout string) string {
		return "# all of the shop\ncart:\n  image: ghcr.io/acme/cart:" + cart + "\ncheckout:\n  image: ghcr.io/acme/checkout:" + checkout + " # ours\n"
	}
	files := map[string]string{".ferry.yaml": "apiVersion: ferry/v1\nenvironments:\n  - name: dev\n  - name: staging\n    from: [dev]\napps:\n"}
	for _, app := range []string{"cart", "checkout"} {
		files[".ferry.yaml"] += fmt.Sprintf("  - name: %s\n    group: shop\n    images: [ghcr.io/acme/%s]\n    manifests: [{path: \"shop/values-{env}.yaml\", keys: [%s.image]}]\n", app, app, app)
	}
	files["shop/values-dev.yaml"], files["shop/values-staging.yaml"] = values("1.0.0", "1.0.0"), values("1.0.0", "1.0.0")
	h.environments(acmeEnv, files)
	h.report(acmeEnv, "dev", "healthy")
	h.commit(acmeEnv, map[string]string{"shop/values-dev.yaml": values("1.1.0", "1.2.0")})
	h.report(acmeEnv, "dev", "healthy")
	p := h.pullOn(acmeEnv, "ferry/staging/shop")
	if p.Title != "Promote shop to staging: cart 1.0.0 → 1.1.0, checkout 1.0.0 → 1.2.0" {
		t.Errorf("the train is %q", p.Title)
	}
	if got := h.file(acmeEnv, "ferry/staging/shop", "shop/values-staging.yaml"); got != values("1.1.0", "1.2.0") {
		t.Errorf("it has\n%s", got)
	}
	h.later(time.Minute)
	h.ask(p.Number, "dora", "/drop cart")
	if got := h.file(acmeEnv, "ferry/staging/shop", "shop/values-staging.yaml"); got != values("1.0.0", "1.2.0") {
		t.Errorf("without cart it has\n%s", got)
	}
	h.merge(acmeEnv, p.Number)
	if got := h.file(acmeEnv, "main", "shop/values-staging.yaml"); got != values("1.0.0", "1.2.0") {
		t.Errorf("main has\n%s", got)
	}
}

// TestTrainOfSomebodyElse: with somebody's commit on top nothing of the train is merged or overwritten, until somebody says /retry.
func TestTrainOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart")
	p := h.theTrain()
	head := h.push("dora", "ferry/staging/platform", map[string]string{"README.md": "mine\n"})
	h.wantStatus(acmeEnv, head, "ferry/gates", "failure", "dora pushed")
	h.bump("1.1.0", "checkout")
	if now := h.theTrain(); now.Head.SHA != head || now.Number != p.Number {
		t.Errorf("the train became %+v", now)
	}
	h.ask(p.Number, "dora", "/retry platform")
	p = h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "")
}

// TestRollbackOutOfATrain: what is urgent goes alone, once its app has left the train.
func TestRollbackOutOfATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	mia := h.maintainer()
	h.report(acmeEnv, "staging", "healthy")
	h.bump("1.1.0", "cart", "checkout")
	h.merge(acmeEnv, h.theTrain().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.bump("1.2.0", "cart", "search")
	p := h.brings("cart 1.1.0 → 1.2.0", "search 1.0.0 → 1.2.0")
	if got := h.ask(p.Number, mia, "/rollback staging it leaks"); !strings.Contains(got, "which app of `platform`? Name one of `cart`, `checkout`, `search`.") {
		t.Errorf("the answer is %q", got)
	}
	h.ask(p.Number, mia, "/rollback cart staging it leaks")
	h.later(time.Minute)
	h.brings("search 1.0.0 → 1.2.0")
	alone := h.pullOn(acmeEnv, "ferry/staging/cart")
	if alone.Title != "Roll back cart in staging: 1.1.0 → 1.0.0" {
		t.Errorf("beside it is %q", alone.Title)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.merge(acmeEnv, alone.Number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(time.Minute)
	h.brings("cart 1.0.0 → 1.2.0", "search 1.0.0 → 1.2.0")
}

// TestTrainTakesOnePlace: a train is one pull request of max_open, however many apps it has.
func TestTrainTakesOnePlace(t *testing.T) {
	t.Parallel()
	h := train(t, "    max_open: 1\n")
	h.bump("1.1.0", "mail")
	h.bump("1.1.0", "cart", "checkout")
	if open := h.promotions("staging"); len(open) != 1 || open["mail"] == 0 {
		t.Fatalf("open are %v", open)
	}
	if got := h.ask(h.board().Number, "dora", "/status platform staging"); strings.Count(got, "room is waiting: max\\_open is 1 in staging") != 2 {
		t.Errorf("/status is answered by %q", got)
	}
	h.merge(acmeEnv, h.promotions("staging")["mail"])
	h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0")
	h.bump("1.2.0", "mail")
	h.bump("1.1.0", "search")
	p := h.brings("cart 1.0.0 → 1.1.0", "checkout 1.0.0 → 1.1.0", "search 1.0.0 → 1.1.0")
	if open := h.promotions("staging"); len(open) != 1 {
		t.Errorf("open are %v", open)
	}
	h.does(h.forge.ClosePull(acmeEnv, p.Number, "dora"))
	if open := h.promotions("staging"); len(open) != 1 || open["mail"] == 0 {
		t.Errorf("open are %v", open)
	}
}

// TestTrainIsQuiet: with nothing new to do, a train asks for no write and has no event.
func TestTrainIsQuiet(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	h.later(2 * time.Minute)
	h.forge.ResetRequests()
	events := len(h.events())
	h.sweep()
	h.report(acmeEnv, "dev", "healthy")
	h.later(2 * time.Minute)
	if w := h.writes(); len(w) != 0 {
		t.Errorf("Ferry wrote %v", w)
	}
	if now := len(h.events()); now != events {
		t.Errorf("there are %d events more: %+v", now-events, h.events()[:now-events])
	}
}

// TestOneNoticeForATrain: what is wrong with several apps of a train is said in one comment.
func TestOneNoticeForATrain(t *testing.T) {
	t.Parallel()
	h := train(t, "")
	h.bump("1.1.0", "cart", "checkout")
	p := h.theTrain()
	h.later(time.Minute)
	h.ask(h.board().Number, "dora", "/hold platform staging wait")
	h.later(time.Minute)
	h.forge.ResetRequests()
	h.later(time.Minute)
	h.report(acmeEnv, "dev", "healthy")
	if w := h.writes(); len(w) != 0 {
		t.Errorf("Ferry wrote %v", w)
	}
	said := 0
	for _, r := range h.remarks(p.Number) {
		said += strings.Count(r.Body, "Held: dora holds platform in staging: wait")
	}
	if said != 1 {
		t.Errorf("the hold is told %d times in %+v", said, h.remarks(p.Number))
	}
}
