package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// checking asks for checks before staging.
func checking(checks string) string {
	return "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    checks: " + checks + "\n"
}

// posts lets dora post a commit status.
func (h *harness) posts(repo string, sha forge.SHA, context string, state forge.State) {
	h.t.Helper()
	h.does(h.forge.SetStatus(repo, sha, "dora", forge.Status{Context: context, State: state, Description: "says CI", URL: "https://ci.example/1"}))
}

// runs lets an App make a check run.
func (h *harness) runs(repo string, sha forge.SHA, app, name, conclusion string) {
	h.t.Helper()
	h.does(h.forge.SetCheckRun(repo, sha, app, sandbox.CheckRun{Name: name, Conclusion: conclusion, Title: "says the App"}))
}

// otherApp makes an App that is not Ferry.
func (h *harness) otherApp(id int64, slug string) {
	h.t.Helper()
	_, public := newKey(h.t)
	if _, err := h.forge.AddApp(sandbox.AppSpec{ID: id, Slug: slug, PublicKey: public}); err != nil {
		h.t.Fatal(err)
	}
}

func TestChecksGate(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	revision := h.arrive("1.1.0")
	p := h.staging()
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "checks: nothing is posted as e2e on "+revision.Short())
	h.posts(acmeEnv, revision, "e2e", forge.Pending)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "e2e is under way on "+revision.Short())
	h.posts(acmeEnv, revision, "e2e", forge.Failure)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "e2e failed on "+revision.Short()+": says CI, https://ci.example/1")
	if body := h.pull(p.Number).Body; !strings.Contains(body, "| checks | closed | e2e failed on") {
		t.Errorf("the body says\n%s", body)
	}
	if got := h.ask(p.Number, "dora", "/status"); !strings.Contains(got, "checks is closed: e2e failed") {
		t.Errorf("/status is answered by %q", got)
	}
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
	h.posts(acmeEnv, revision, "e2e", forge.Error) // the newest counts
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "failure", "e2e failed")
}

// TestCheckRunsGate: neutral and skipped count as GitHub has it for required status checks; who has to have made it is pinned.
func TestCheckRunsGate(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[{name: e2e, posted_by: 'tester[bot]'}]"))
	h.otherApp(8, "tester")
	h.otherApp(9, "intruder")
	revision := h.arrive("1.1.0")
	head := h.staging().Head.SHA
	h.runs(acmeEnv, revision, "intruder", "e2e", "success")
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "nothing is posted as e2e by tester[bot]")
	for _, test := range []struct{ conclusion, state, words string }{
		{"failure", "failure", "e2e failed"}, {"skipped", "success", ""}, {"timed_out", "failure", "timed out, says the App"}, {"neutral", "success", ""}, {"cancelled", "failure", "cancelled"}, {"success", "success", ""},
	} {
		h.runs(acmeEnv, revision, "tester", "e2e", test.conclusion)
		h.wantStatus(acmeEnv, head, "ferry/gates", test.state, test.words)
	}
	h.does(h.forge.SetCheckRun(acmeEnv, revision, "tester", sandbox.CheckRun{Name: "e2e", Status: "in_progress"}))
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "under way")
}

// TestChecksOfTheSource: a source repository of the same owner counts. One of another owner is only read with the environment repository's own
// credentials, and only where its default branch names that repository.
func TestChecksOfTheSource(t *testing.T) {
	t.Parallel()
	named := map[string]string{".ferry-source.yaml": "environments: [acme/environments]\n"}
	for name, test := range map[string]struct {
		source string
		files  map[string]string
		token  bool // a person's, which reaches several owners
		state  string
		words  string
	}{
		"the same owner":                        {"acme/checkout", map[string]string{}, false, "success", "every gate is open"},
		"another owner":                         {"globex/checkout", map[string]string{}, true, "pending", "nothing is posted as ci on"},
		"another owner that names it":           {"globex/checkout", named, true, "success", "every gate is open"},
		"another owner's installation of Ferry": {"globex/checkout", named, false, "pending", "nothing is posted as ci on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			if test.token {
				withToken(t, h)
			}
			owner, repo, _ := strings.Cut(test.source, "/")
			source := maps.Clone(test.files)
			source["main.go"] = "package main\n"
			if _, err := h.forge.AddRepository(owner, repo, source); err != nil {
				t.Fatal(err)
			}
			h.dora(test.source)
			installation, err := h.forge.Install(testAppID, owner, test.source)
			h.does(err)
			files := checkoutFiles("")
			files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + checking("[ci]") + strings.Replace(checkoutApp, "source: acme/checkout", "source: "+test.source, 1)
			if test.token {
				h.person("ferry-bot", test.source, forge.PermissionWrite)
				if _, err := h.forge.AddRepository("acme", "environments", files); err != nil {
					t.Fatal(err)
				}
				h.person("ferry-bot", acmeEnv, forge.PermissionWrite)
				h.dora(acmeEnv)
				_, err := h.forge.Install(testAppID, "acme", acmeEnv)
				h.does(err)
				h.sweep()
			} else {
				h.environments(acmeEnv, files)
			}
			h.forge.ResetRequests()
			commit := h.head(test.source, "main")
			h.announce(h.token(acmeEnv, ""), "1.1.0", commit)
			h.posts(test.source, commit, "ci", forge.Success)
			h.arrive("1.1.0")
			p := h.staging()
			h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", test.state, test.words)
			if test.state == "pending" && !strings.Contains(p.Body, "belongs to another owner") {
				t.Errorf("the body says\n%s", p.Body)
			}
			if used := h.forge.Requests()[fmt.Sprintf("installation/%d", installation)]; owner != "acme" && len(used) != 0 {
				t.Errorf("the other tenant's installation was used: %v", used)
			}
		})
	}
}

// TestCheckOnALaterRevision: the branch went on, and the check was posted on a commit at which the release still stands upstream.
func TestCheckOnALaterRevision(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	h.arrive("1.1.0")
	head := h.staging().Head.SHA
	later := h.commit(acmeEnv, map[string]string{"README.md": "more\n"})
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "nothing is posted")
	h.posts(acmeEnv, later, "e2e", forge.Success)
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "every gate is open")
	next := h.deploy("dev", "1.2.0") // has not converged: 1.1.0 is still what is proposed
	h.posts(acmeEnv, next, "e2e", forge.Failure)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "every gate is open")
}

// TestLostCheckDeliveries: the sweep finds what no delivery told of, also where the release stands at many revisions.
func TestLostCheckDeliveries(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e, unit]"))
	h.otherApp(8, "tester")
	revision := h.arrive("1.1.0")
	head := h.staging().Head.SHA
	later := h.commit(acmeEnv, map[string]string{"README.md": "more\n"})
	h.forge.Faults().Lose("status", 1)
	h.forge.Faults().Lose("check_run", 2)
	h.posts(acmeEnv, later, "e2e", forge.Success)
	h.runs(acmeEnv, revision, "tester", "unit", "success")
	h.wantStatus(acmeEnv, head, "ferry/gates", "pending", "nothing is posted")
	h.clock.advance(20 * time.Minute)
	if err := h.svc.work.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "every gate is open")
}

// TestChecksSurviveALostDatabase: the same pull request, with the same gates, and nothing is posted meanwhile that is not so.
func TestChecksSurviveALostDatabase(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	revision := h.arrive("1.1.0")
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "every gate is open")
	h.noDoubleStatuses(string(h.staging().Head.SHA))
}

// TestUnreadableChecksAreSaid: without the permission nothing is open by mistake, and the reason says what to do.
func TestUnreadableChecksAreSaid(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/commits/{ref}/check-runs", Status: 403, Message: "Resource not accessible by integration", Times: 100})
	revision := h.arrive("1.1.0")
	p := h.staging()
	if !strings.Contains(p.Body, "give Ferry's App the permission checks") {
		t.Errorf("the body says\n%s", p.Body)
	}
	h.posts(acmeEnv, revision, "e2e", forge.Success) // statuses are read all the same
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "success", "every gate is open")
}

// TestChecksThatCannotBeReadJustNow: reading is tried again, and keeps nothing else waiting.
func TestChecksThatCannotBeReadJustNow(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	h.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/commits/{ref}/statuses", Status: 502, Times: 4})
	revision := h.deploy("dev", "1.1.0")
	h.does(h.forge.SetStatus(acmeEnv, revision, "dora", forge.Status{Context: "e2e", State: forge.Success}))
	h.report(acmeEnv, "dev", "healthy")
	h.noPulls() // unknown is not absent
	h.deploy("prod", "0.9.0")
	for range 8 {
		h.later(5 * time.Second)
	}
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "every gate is open")
}

// TestChecksOfNobodyCostNothing: check runs that no release waits for are neither stored nor read.
func TestChecksOfNobodyCostNothing(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[e2e]"))
	h.otherApp(8, "tester")
	revision := h.arrive("1.1.0")
	h.forge.ResetRequests()
	stored := query[int](h, `select count(*) from deliveries`)
	for range 20 {
		h.runs(acmeEnv, revision, "tester", "another", "success")
		h.runs(acmeEnv, h.head(acmeEnv, "main"), "tester", "lint", "failure")
		h.posts(acmeEnv, revision, "ci", forge.Success)
	}
	if got := h.ferrysRequests(); len(got) != 0 {
		t.Errorf("Ferry asked for %v", got)
	}
	if got := query[int](h, `select count(*) from deliveries`); got != stored {
		t.Errorf("%d deliveries were stored", got-stored)
	}
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	h.merge(acmeEnv, h.staging().Number)
	h.report(acmeEnv, "staging", "healthy")
	if n := query[int](h, `select count(*) from check_wants`) + query[int](h, `select count(*) from check_hints`); n != 0 {
		t.Errorf("%d checks are still wanted", n)
	}
	if got := h.ferrysRequests()["GET /repos/{owner}/{repo}/commits/{ref}/check-runs"]; got != 1 {
		t.Errorf("one check was posted, and read %d times", got)
	}
}

// TestChangedChecksCount: what the default branch asks for counts at once.
func TestChangedChecksCount(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, checking("[]"))
	revision := h.arrive("1.1.0")
	head := h.staging().Head.SHA
	h.wantStatus(acmeEnv, head, "ferry/gates", "success", "")
	h.posts(acmeEnv, revision, "unit", forge.Success)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + checking("[unit, e2e]") + checkoutApp})
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "pending", "nothing is posted as e2e")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + checking("[unit]") + checkoutApp})
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", "success", "")
}

// TestAutoMergeWaitsForChecks: and merges within the delivery that says green.
func TestAutoMergeWaitsForChecks(t *testing.T) {
	t.Parallel()
	h := newCheckoutWith(t, releasing+"    unprotected: allow\n    checks: [e2e]\n")
	revision := h.arrive("1.1.0")
	p := h.staging()
	h.posts(acmeEnv, revision, "e2e", forge.Failure)
	if h.pull(p.Number).Merged {
		t.Fatal("merged though the check failed")
	}
	h.posts(acmeEnv, revision, "e2e", forge.Success)
	if !h.pull(p.Number).Merged {
		t.Fatal("not merged though the check is green")
	}
}
