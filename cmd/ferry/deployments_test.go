package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const (
	checkoutSource = "acme/checkout"
	deploymentsAPI = "/repos/{owner}/{repo}/deployments"
)

// recorder is a harness whose source repository gets deployments, with a commit for each release.
type recorder struct {
	*harness
	commits map[string]forge.SHA // by tag
}

// newRecorder has dev, staging, and prod behind an hour of soak. The rights are the App's; nil: all that it asks for.
func newRecorder(t *testing.T, rights map[string]string) *recorder {
	t.Helper()
	r := &recorder{newHarness(t), map[string]forge.SHA{}}
	if _, err := r.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		t.Fatal(err)
	}
	r.person("dora", checkoutSource, forge.PermissionWrite)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\ndeployments: true\nenvironments:\n  - {name: dev}\n  - {name: staging, from: [dev], url: \"https://{app}.{env}.example.com\"}\n  - {name: prod, from: [staging], soak: 1h}\n" + checkoutApp
	r.environments(acmeEnv, files)
	if _, err := r.forge.Install(testAppID, "acme", checkoutSource); err != nil {
		t.Fatal(err)
	}
	if rights != nil {
		r.does(r.forge.SetPermissions(testAppID, rights))
	}
	r.settle()
	for _, tag := range []string{"1.1.0", "1.2.0"} {
		r.commits[tag] = r.harness.commit(checkoutSource, map[string]string{"VERSION": tag})
		r.announce(r.token(acmeEnv, ""), tag, r.commits[tag])
	}
	return r
}

// want compares the deployments, oldest first, as "1.1.0 to dev: in_progress success, URL".
func (r *recorder) want(want ...string) {
	r.t.Helper()
	var got []string
	for _, d := range r.forge.Deployments(checkoutSource) {
		for tag, sha := range r.commits {
			if sha == d.SHA {
				got = append(got, strings.TrimSuffix(fmt.Sprintf("%s to %s: %s, %s", tag, d.Environment, strings.Join(d.States, " "), d.URL), ", "))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("want - got +\n%s", diff)
	}
}

// TestDeployments: the source repository's own pages of environments say what came to them, from the push on; what was there before is active until the new one
// runs, and what comes back is the same deployment again.
func TestDeployments(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	r.deploy("dev", "1.1.0")
	r.want("1.1.0 to dev: in_progress")
	r.report(acmeEnv, "dev", "healthy")
	r.merge(acmeEnv, r.staging().Number)
	r.report(acmeEnv, "staging", "degraded")
	const failed = "1.1.0 to staging: in_progress failure"
	r.want("1.1.0 to dev: in_progress success", failed+", https://checkout.staging.example.com")
	r.report(acmeEnv, "staging", "healthy")
	const runs = failed + " success, https://checkout.staging.example.com"

	r.deploy("dev", "1.2.0")
	r.want("1.1.0 to dev: in_progress success", runs, "1.2.0 to dev: in_progress")
	r.report(acmeEnv, "dev", "healthy")
	r.want("1.1.0 to dev: in_progress success inactive", runs, "1.2.0 to dev: in_progress success")
	r.deploy("dev", "1.1.0")
	r.report(acmeEnv, "dev", "healthy")
	r.want("1.1.0 to dev: in_progress success inactive in_progress success", runs, "1.2.0 to dev: in_progress success inactive")
	r.later(time.Hour)
	r.sweep()
	r.want("1.1.0 to dev: in_progress success inactive in_progress success", runs, "1.2.0 to dev: in_progress success inactive")
}

// TestDeploymentsOfWhatNeverArrived: what was replaced before it ran is not active any more, and nobody waits for it.
func TestDeploymentsOfWhatNeverArrived(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	r.deploy("dev", "1.1.0")
	r.deploy("dev", "1.2.0")
	r.want("1.1.0 to dev: in_progress inactive", "1.2.0 to dev: in_progress")
}

// TestDeploymentsAreNotMadeTwice: where the answer was lost, as when Ferry is killed then, the deployment is found; also by a Ferry whose database is lost.
func TestDeploymentsAreNotMadeTwice(t *testing.T) {
	t.Parallel()
	for route, said := range map[string]string{deploymentsAPI: "success", deploymentsAPI + "/{deployment_id}/statuses": "in_progress success"} {
		t.Run(strings.ReplaceAll(route, "/", "."), func(t *testing.T) {
			t.Parallel()
			r := newRecorder(t, nil)
			r.forge.Faults().Fail(sandbox.Fault{Method: http.MethodPost, Route: route, Done: true, Drop: true})
			r.deploy("dev", "1.1.0")
			r.later(10 * time.Minute)
			r.want("1.1.0 to dev: in_progress")
			r.forge.Faults().Fail(sandbox.Fault{Method: http.MethodPost, Route: route, Done: true, Drop: true})
			r.report(acmeEnv, "dev", "healthy")
			r.later(10 * time.Minute)
			r.want("1.1.0 to dev: in_progress success")
			r.loseQuietly()
			r.report(acmeEnv, "dev", "healthy")
			r.want("1.1.0 to dev: in_progress success")

			r.forge.Faults().Fail(sandbox.Fault{Method: http.MethodPost, Route: route, Done: true, Drop: true})
			r.announce(r.token(acmeEnv, ""), "1.2.0", r.commits["1.2.0"])
			r.deploy("dev", "1.2.0")
			r.lose() // before it has looked
			r.announce(r.token(acmeEnv, ""), "1.2.0", r.commits["1.2.0"])
			r.report(acmeEnv, "dev", "healthy")
			r.want("1.1.0 to dev: in_progress success", "1.2.0 to dev: "+said)
		})
	}
}

// TestDeploymentsMadeAnew: somebody deleted what stands; what is said next is said of a new one.
func TestDeploymentsMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	r.deploy("dev", "1.1.0")
	r.does(r.forge.DeleteDeployments(checkoutSource))
	r.report(acmeEnv, "dev", "healthy")
	r.want("1.1.0 to dev: success")
	r.does(r.forge.DeleteDeployments(checkoutSource))
	r.arrive("1.2.0")
	r.want("1.2.0 to dev: in_progress success")
}

// TestDeploymentsNeedARight: an App that was never given it promotes as ever, and says where people look what is missing; with it, all is as it should be.
func TestDeploymentsNeedARight(t *testing.T) {
	t.Parallel()
	rights := map[string]string{"contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write", "checks": "write"}
	r := newRecorder(t, rights)
	r.arrive("1.1.0")
	r.later(2 * time.Minute)
	const lacks = "cannot be recorded there: Ferry has no right to; let its App write deployments"
	for _, text := range []string{r.ask(r.board().Number, "dora", "/status checkout dev"), r.board().Body, r.page("/")} {
		if strings.Count(text, lacks) != 1 {
			t.Errorf("%d times is told what is missing:\n%s", strings.Count(text, lacks), text)
		}
	}
	r.wantStatus(checkoutSource, r.commits["1.1.0"], "ferry/dev", "success", "runs in dev")
	r.wantStatus(acmeEnv, r.staging().Head.SHA, "ferry/gates", "success", "every gate is open")
	r.want()
	r.arrive("1.2.0")
	if n := query[int](r.harness, `select count(*) from wishes where kind = 'deployment' and version <> applied_version`); n != 1 {
		t.Errorf("%d deployments are tried again and again", n)
	}
	rights["deployments"] = "write"
	r.does(r.forge.SetPermissions(testAppID, rights))
	r.settle()
	r.later(2 * time.Hour)
	r.want("1.2.0 to dev: success")
	if body := r.board().Body; strings.Contains(body, lacks) {
		t.Errorf("it is still told:\n%s", body)
	}
}

// TestDeploymentsOfBranchesOnly: a tag in the environment repository has nothing recorded of a commit that no branch of the source has, as one of a fork, which
// GitHub shows there too; once it is merged, it is.
func TestDeploymentsOfBranchesOnly(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	stray, err := r.forge.Commit(checkoutSource, sandbox.Edit{As: "dora", Branch: "stray", Message: "x", Files: map[string]string{"VERSION": "9"}})
	r.does(err)
	r.does(r.forge.DeleteBranch(checkoutSource, "stray", "dora"))
	tag := "main-" + string(stray)
	r.commits[tag] = stray
	r.deploy("dev", tag)
	r.report(acmeEnv, "dev", "healthy")
	r.later(time.Minute)
	r.want()
	const lacks = "its default branch does not have that commit, and no branch stands at it"
	if text := r.ask(r.board().Number, "dora", "/status checkout dev"); strings.Count(text, lacks) != 1 {
		t.Errorf("/status is answered by %s", text)
	}
	r.patchRefOf(checkoutSource, "main", stray, true)
	r.later(2 * time.Hour)
	r.want(tag + " to dev: success")
}

// TestDeploymentsOfARenamedEnvironment: the forge's environments keep their names; what is in the one of the old name is not active there any more.
func TestDeploymentsOfARenamedEnvironment(t *testing.T) {
	t.Parallel()
	r := newRecorder(t, nil)
	r.arrive("1.1.0")
	text := r.harness.file(acmeEnv, "main", ".ferry.yaml")
	r.harness.commit(acmeEnv, map[string]string{".ferry.yaml": strings.NewReplacer("{name: dev}", "{name: test, dir: dev, was: dev}", "from: [dev]", "from: [test]").Replace(text)})
	r.later(time.Minute)
	r.want("1.1.0 to dev: in_progress success inactive", "1.1.0 to test: success")
}
