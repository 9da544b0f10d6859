package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/forge/sandbox"
)

func TestMeanwhile(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	number := h.staging().Number
	before := h.head(acmeEnv, "main")
	h.drop() // and while nobody listens, people go on
	h.doesUnheard(h.forge.Merge(acmeEnv, number, "dora", forge.MergeCommit))
	merged := h.head(acmeEnv, "main")
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Message: "1.2.0", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.2.0")}}))
	news := h.head(acmeEnv, "main")
	h.settle() // by what the webhooks of these say
	h.wantStatus(acmeEnv, merged, "ferry/staging", "pending", "checkout 1.1.0")
	h.wantStatus(acmeEnv, news, "ferry/dev", "pending", "checkout 1.2.0")
	h.wantStatus(acmeEnv, before, "ferry/dev", "success", "checkout 1.1.0")
	h.noPulls()
	h.reportAll("dev", "staging")
	h.wantStatus(acmeEnv, merged, "ferry/staging", "success", "checkout 1.1.0")
	if got := h.staging(); !strings.Contains(got.Title, "1.2.0") {
		t.Errorf("open into staging is %q", got.Title)
	}
	if got := h.pullOn(acmeEnv, "ferry/prod/checkout"); !strings.Contains(got.Title, "1.1.0") {
		t.Errorf("open into prod is %q", got.Title)
	}
	h.loseAndCompare()
	h.forge.ResetRequests()
	h.later(2 * time.Minute)
	h.reportAll("dev", "staging")
	h.forge.ResetRequests()
	h.sweep()
	h.sweep()
	if got := h.writes(); len(got) != 0 {
		t.Errorf("with nothing new to do Ferry wrote %v", got)
	}
}

// doesUnheard lets a person do something at the forge whose webhook waits.
func (h *harness) doesUnheard(_ forge.SHA, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestLossOfALongHistory(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	into := h.pullOn(acmeEnv, "ferry/prod/checkout")
	for i := range 8 {
		h.commit(acmeEnv, map[string]string{"notes.txt": fmt.Sprint(i)})
	}
	before, state := h.gists(), h.file(acmeEnv, "ferry-state", "decisions.yaml")
	h.drop()
	h.svc.work.MostRevisions = 4
	if err := h.svc.work.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settle()
	if got := h.writes(); len(got) != 0 {
		t.Errorf("without its database Ferry wrote %v", got)
	}
	if diff := cmp.Diff(before, h.gists()); diff != "" {
		t.Errorf("before the loss - after it +\n%s", diff)
	}
	if got := h.file(acmeEnv, "ferry-state", "decisions.yaml"); got != state {
		t.Errorf("the decisions were\n%sand are\n%s", state, got)
	}
	h.reportAll("dev", "staging", "prod")
	if got := h.pullOn(acmeEnv, "ferry/prod/checkout"); got.Head.SHA != into.Head.SHA || got.Number != into.Number {
		t.Errorf("into prod is open %+v, was %+v", got, into)
	}
}

func TestLossWithABrokenConfiguration(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	open := h.staging()
	good := h.file(acmeEnv, "main", ".ferry.yaml")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": good + "nonsense: true\n"})
	h.lose()
	if got := h.staging(); got.Head.SHA != open.Head.SHA || got.Number != open.Number {
		t.Errorf("open is %+v, was %+v", got, open)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": good})
	h.report(acmeEnv, "dev", "healthy")
	if got := h.staging(); got.Head.SHA != open.Head.SHA || got.Number != open.Number {
		t.Errorf("open is %+v, was %+v", got, open)
	}
	h.deploy("dev", "1.2.0")
	h.report(acmeEnv, "dev", "healthy")
	if got := h.staging(); got.Number != open.Number || !strings.Contains(got.Title, "1.2.0") {
		t.Errorf("open is %+v, was %+v", got, open)
	}
}

func TestLossWithSeveralClusters(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n    clusters: [eu, us]\n    update: pr\n  - name: staging\n    from: [dev]\n    soak: 1h\n")
	if code, body := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "1.1.0", "digest": "sha256:" + strings.Repeat("a", 64)}); code/100 != 2 {
		t.Fatal(code, body)
	}
	h.settle()
	update := h.pullOn(acmeEnv, "ferry/dev/checkout")
	h.loseAndCompare()
	sha := h.merge(acmeEnv, update.Number)
	token := h.token(acmeEnv, "dev")
	say := func(cluster, health string) {
		t.Helper()
		if code, body := h.post("/api/v1/reports", token, map[string]any{"cluster": cluster, "revision": sha, "health": health}); code/100 != 2 {
			t.Fatal(code, body)
		}
		h.settle()
	}
	say("eu", "healthy")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "us: waiting for the first report")
	h.loseAndCompare()
	token = h.token(acmeEnv, "dev")
	say("eu", "healthy")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "pending", "us: waiting for the first report")
	say("us", "healthy")
	h.wantStatus(acmeEnv, sha, "ferry/dev", "success", "")
	h.later(30 * time.Minute)
	h.loseAndCompare()
	token = h.token(acmeEnv, "dev")
	say("eu", "healthy") // the soak goes on though the other has not spoken yet
	h.later(31 * time.Minute)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
}

func TestLossKeepsTheOrderOfReleases(t *testing.T) {
	t.Parallel()
	for _, method := range []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			h := newCheckout(t, "")
			h.reportAll("dev", "staging", "prod")
			h.arrive("main-ff")
			h.arrive("main-aa") // newer, though no version says so
			h.loseAndCompare()
			if got := h.staging(); !strings.Contains(got.Title, "main-aa") || !strings.Contains(got.Body, "main-ff") {
				t.Fatalf("open is %+v", got)
			}
			_, err := h.forge.Merge(acmeEnv, h.staging().Number, "dora", method)
			h.does(err)
			h.loseAndCompare()
			h.reportAll("dev", "staging")
			h.loseAndCompare()
			h.deploy("dev", "main-ff") // back again: nothing older flows
			h.report(acmeEnv, "dev", "healthy")
			h.loseAndCompare()
			h.reportAll("dev", "staging", "prod")
			if open := h.openPulls(acmeEnv); len(open) != 1 || open["ferry/prod/checkout"].Number == 0 {
				t.Errorf("open are %+v", open)
			}
		})
	}
}

func TestLossAfterADegradedSoak(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    soak: 1h\n")
	h.arrive("1.1.0")
	h.later(30 * time.Minute)
	h.report(acmeEnv, "dev", "degraded")
	h.later(10 * time.Minute)
	h.report(acmeEnv, "dev", "healthy") // the hour begins anew
	h.later(10 * time.Minute)
	h.lose() // the text of the soak may move by a second
	h.report(acmeEnv, "dev", "healthy")
	h.later(45 * time.Minute)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "pending", "soak")
	h.later(5 * time.Minute)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
}

func TestLossAfterABranchWasDeleted(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	first := h.staging().Number
	h.write("dora", "DELETE", "/git/refs/heads/ferry/staging/checkout", nil)
	if second := h.staging().Number; second == first { // repaired: nobody rejected anything
		t.Fatalf("open is still #%d", second)
	}
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.staging()
}

func TestNothingIsDoneWhileFactsAreUnknown(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	h.arrive("1.1.0")
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	h.later(2 * time.Minute)
	h.arrive("1.2.0")
	h.later(2 * time.Minute)
	before, open := h.gists(), h.openPulls(acmeEnv)
	if len(open) != 2 {
		t.Fatalf("open are %+v", open)
	}
	for _, route := range []string{"/commits/{ref}/statuses", "/pulls", "/commits", "/commits/{ref}", "/issues", "/issues/comments"} {
		h.forge.Faults().Fail(sandboxFault("GET", "/repos/{owner}/{repo}"+route, 1))
	}
	h.drop()
	if err := h.svc.work.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settle()
	for tries := 0; len(h.views()) == 0; tries++ {
		if tries == 20 {
			t.Fatal("it does not come back")
		}
		if known := h.events(); len(known) != 0 {
			t.Errorf("with facts unknown there are the events %+v", known)
		}
		h.later(10 * time.Second)
	}
	if got := h.writes(); len(got) != 0 {
		t.Errorf("without its database Ferry wrote %v", got)
	}
	if diff := cmp.Diff(before, h.gists()); diff != "" {
		t.Errorf("before the loss - after it +\n%s", diff)
	}
	if diff := cmp.Diff(open, h.openPulls(acmeEnv)); diff != "" {
		t.Errorf("pull requests, before the loss - after it +\n%s", diff)
	}
	if n := strings.Count(h.log.String(), "observing is put off"); n < 5 {
		t.Errorf("only %d reads failed", n)
	}
}

func TestLossKeepsWhatWasMixed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	files := checkoutFiles("")
	files[checkoutPath("dev")] = "kind: Kustomization\nimages:\n  - name: ghcr.io/acme/checkout\n    newTag: 1.0.0\n  - name: ghcr.io/acme/checkout\n    newTag: 1.0.1\n"
	h.environments(acmeEnv, files)
	h.reportAll("dev", "staging", "prod")
	h.arrive("1.1.0")
	h.later(2 * time.Minute)
	h.staging()
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.staging()
}
