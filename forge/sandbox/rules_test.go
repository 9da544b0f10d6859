package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const repoName = "acme/environments"

func (w *world) protect(p sandbox.Protection) {
	w.t.Helper()
	if p.Branch == "" {
		p.Branch = "main"
	}
	if err := w.forge.Protect(repoName, p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rule(r sandbox.Rules) {
	w.t.Helper()
	if err := w.forge.SetRuleset(repoName, sandbox.Ruleset{Name: "main", Branches: []string{"~DEFAULT_BRANCH"}, Rules: r}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) status(sha, as, context string, state forge.State) {
	w.t.Helper()
	if err := w.forge.SetStatus(repoName, forge.SHA(sha), as, forge.Status{Context: context, State: state}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) grant(login string, p forge.Permission) {
	w.t.Helper()
	if err := w.forge.SetPermission(repoName, login, p); err != nil {
		w.t.Fatal(err)
	}
}

// docs.github.com, "About protected branches", require status checks before merging, and "Troubleshooting required status
// checks", which names the App that has to post.
func TestRequiredStatuses(t *testing.T) {
	t.Parallel()
	checks := []sandbox.RequiredCheck{{Context: "ci"}, {Context: "ferry/gates", App: appID}}
	for name, test := range map[string]struct {
		set    func(w *world, r sandbox.Rules)
		prefix string
	}{
		"protection": {func(w *world, r sandbox.Rules) { w.protect(sandbox.Protection{Rules: r}) }, ""},
		"ruleset":    {(*world).rule, "Repository rule violations found\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.set(w, sandbox.Rules{Checks: checks})
			token := w.token("")
			n, head := w.openPull(token, "change", "a")
			refused := func(want string) {
				t.Helper()
				got := w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 405).str("message")
				if strings.TrimSpace(got) != test.prefix+want || test.prefix == "" && got != want {
					t.Errorf("message = %q, want %q", got, test.prefix+want)
				}
			}
			w.call(token, "GET", "~/pulls/"+n, "", 200)
			w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable": "true", "mergeable_state": "blocked"})
			refused("2 of 2 required status checks are expected.")
			w.status(head, "ann", "ci", forge.Failure)
			refused("2 of 2 required status checks have not succeeded: 1 expected and 1 failing.")
			w.status(head, "ann", "ci", forge.Success)
			refused(`Required status check "ferry/gates" is expected.`)
			w.status(head, "ann", "ferry/gates", forge.Success) // not by the App
			refused(`Required status check "ferry/gates" was not set by the expected GitHub app.`)
			w.call(token, "POST", "~/statuses/"+head, `{"state":"pending","context":"ferry/gates"}`, 201)
			refused(`Required status check "ferry/gates" is pending.`)
			w.call(token, "POST", "~/statuses/"+head, `{"state":"success","context":"ferry/gates"}`, 201)
			w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable_state": "clean"})
			w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 200)
		})
	}
}

// docs.github.com, "About protected branches", require pull request reviews before merging, and "Approving a pull request
// with required reviews".
func TestRequiredReviews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.protect(sandbox.Protection{Rules: sandbox.Rules{Reviews: 2, DismissStale: true}})
	for _, login := range []string{"cara", "dora"} {
		w.forge.AddUser(login)
		w.grant(login, forge.PermissionWrite)
	}
	token := w.token("")
	n, head := w.openPull(w.ann.Token, "change", "a")
	w.inbox.clear()
	const want = "At least 2 approving reviews are required by reviewers with write access."
	refused := func() {
		t.Helper()
		w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 405).want(map[string]string{"message": want, "documentation_url": "https://docs.github.com/articles/about-protected-branches"})
	}
	approve := func(login string) {
		t.Helper()
		if _, err := w.forge.Approve(repoName, 1, login); err != nil {
			t.Fatal(err)
		}
	}
	refused()
	w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"APPROVE"}`, 422).want(map[string]string{"errors.0": "Review Can not approve your own pull request"})
	w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"NONSENSE"}`, 422)
	w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"COMMENT"}`, 422)
	approve("bob") // who may only read: it does not count
	approve("cara")
	approve("cara")
	refused()
	approve("dora")
	w.call(token, "GET", "~/pulls/"+n+"/reviews", "", 200).want(map[string]string{"0.user.login": "bob", "0.state": "APPROVED", "0.commit_id": head, "0.author_association": "NONE"})
	if _, err := w.forge.Review(repoName, 1, "dora", "REQUEST_CHANGES", "not like this"); err != nil {
		t.Fatal(err)
	}
	refused()
	approve("dora")
	// A push that changes the diff takes the approvals back.
	if _, err := w.forge.Commit(repoName, sandbox.Edit{As: "ann", Branch: "change", Message: "more", Files: map[string]string{"more": "1"}}); err != nil {
		t.Fatal(err)
	}
	refused()
	w.flush()
	if hook := w.inbox.last(t, "pull_request_review"); hook.field(t, "action") != "dismissed" || hook.field(t, "review.state") != "dismissed" {
		t.Errorf("review = %s", hook.raw)
	}
	approve("cara")
	approve("dora")
	w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 200)
}

func TestReviewsAreDismissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	n, _ := w.openPull(token, "change", "a")
	id := w.call(w.ann.Token, "POST", "~/pulls/"+n+"/reviews", `{"event":"APPROVE"}`, 200).str("id")
	path := "~/pulls/" + n + "/reviews/" + id + "/dismissals"
	w.call(w.bob.Token, "PUT", path, `{"message":"no"}`, 403)
	w.call(token, "PUT", path, `{"message":"no"}`, 200).want(map[string]string{"state": "DISMISSED"})
	w.call(token, "PUT", path, `{"message":"no"}`, 422)
	w.call(token, "PUT", "~/pulls/"+n+"/reviews/1/dismissals", `{"message":"no"}`, 404)
}

// docs.github.com, "About protected branches", require branches to be up to date before merging.
func TestBranchesMustBeUpToDate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.protect(sandbox.Protection{Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}}, UpToDate: true}})
	token := w.token("")
	n, head := w.openPull(token, "change", "a")
	w.status(head, "ann", "ci", forge.Success)
	meanwhile := w.commitOn(token, "meanwhile", "b", "1")
	w.status(meanwhile, "ann", "ci", forge.Success)
	w.call(token, "PATCH", "~/git/refs/heads/main", fmt.Sprintf(`{"sha":%q}`, meanwhile), 200) // it has what main asks for
	w.call(token, "GET", "~/pulls/"+n, "", 200)
	w.call(token, "GET", "~/pulls/"+n, "", 200).want(map[string]string{"mergeable": "true", "mergeable_state": "behind"})
	w.call(token, "PUT", "~/pulls/"+n+"/merge", "", 405).want(map[string]string{"message": `Required status check "ci" is expected.`})
}

// docs.github.com, "About protected branches", restrict who can push, and "Update a reference".
func TestPushesByTheAPIKeepTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	head := w.commitOn(token, "change", "a", "1")
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	forward := fmt.Sprintf(`{"sha":%q}`, head)
	refused := func(who, body, want string) {
		t.Helper()
		if got := w.call(who, "PATCH", "~/git/refs/heads/main", body, 422).str("message"); strings.TrimSpace(got) != want {
			t.Errorf("message = %q, want %q", got, want)
		}
	}
	w.protect(sandbox.Protection{Rules: sandbox.Rules{PullRequest: true}})
	refused(token, forward, "Changes must be made through a pull request.")
	w.protect(sandbox.Protection{Rules: sandbox.Rules{Restricted: true, Pushers: []string{"ann"}}})
	refused(token, forward, "You're not authorized to push to this branch. Visit https://docs.github.com/articles/about-protected-branches/ for more information.")
	w.call(w.ann.Token, "PATCH", "~/git/refs/heads/main", forward, 200)
	refused(w.ann.Token, fmt.Sprintf(`{"sha":%q,"force":true}`, main), "Cannot force-push to this branch")

	// An administrator is bound by neither, unless the rule says so, but by the rest.
	w.forge.AddUser("root")
	w.grant("root", forge.PermissionAdmin)
	next := w.commitOn(token, "next", "b", "1")
	if _, err := w.forge.Commit(repoName, sandbox.Edit{As: "root", Message: "by hand", Files: map[string]string{"c": "1"}}); err != nil {
		t.Errorf("an administrator may not push: %v", err)
	}
	w.protect(sandbox.Protection{Rules: sandbox.Rules{PullRequest: true}, Admins: true})
	if _, err := w.forge.Commit(repoName, sandbox.Edit{As: "root", Message: "by hand", Files: map[string]string{"d": "1"}}); err == nil {
		t.Error("an administrator pushed although the rule binds them")
	}
	if err := w.forge.Unprotect(repoName, "main"); err != nil {
		t.Fatal(err)
	}

	w.rule(sandbox.Rules{Restricted: true})
	refused(w.ann.Token, fmt.Sprintf(`{"sha":%q,"force":true}`, next), "Repository rule violations found\n\nCannot update this protected ref.\n\nCannot force-push to this branch")
	if err := w.forge.SetRuleset(repoName, sandbox.Ruleset{Name: "all", Branches: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	w.call(token, "DELETE", "~/git/refs/heads/next", "", 422)
	if err := w.forge.RemoveRuleset(repoName, "all"); err != nil {
		t.Fatal(err)
	}
	w.call(token, "DELETE", "~/git/refs/heads/next", "", 204)
	if err := w.forge.SetRuleset(repoName, sandbox.Ruleset{Name: "main", Branches: []string{"main"}, Rules: sandbox.Rules{Restricted: true}, Bypass: []string{"ferry[bot]"}}); err != nil {
		t.Fatal(err)
	}
	w.call(token, "PATCH", "~/git/refs/heads/main", fmt.Sprintf(`{"sha":%q,"force":true}`, main), 200)
}

// docs.github.com, "Troubleshooting rules", and what git prints of a refusal.
func TestPushesByGitKeepTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, "", "clone", "--quiet", w.remote(w.ann.Token), dir)
	if err := os.WriteFile(filepath.Join(dir, "big"), noise(2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	mustGit(t, dir, "add", ".")
	mustGit(t, dir, "commit", "--quiet", "-m", "big")
	w.protect(sandbox.Protection{Rules: sandbox.Rules{PullRequest: true, Checks: []sandbox.RequiredCheck{{Context: "ci"}}}})
	w.inbox.clear()
	out, err := git(t, dir, "push", "origin", "main", "main:other")
	for _, want := range []string{
		"remote: error: GH006: Protected branch update failed for refs/heads/main.", "remote: - Changes must be made through a pull request.",
		`remote: - Required status check "ci" is expected.`, "! [remote rejected] main -> main (protected branch hook declined)", "[new branch]",
	} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("push without %q: %v\n%s", want, err, out)
		}
	}
	w.flush()
	if got := fmt.Sprint(w.inbox.events()); got != "[push]" {
		t.Errorf("webhooks = %s, want the one of the branch that nothing rules", got)
	}
	sha := mustGit(t, dir, "rev-parse", "HEAD")
	w.call(w.token(""), "GET", "~/git/ref/heads/other", "", 200).want(map[string]string{"object.sha": sha})
	if out, err := git(t, dir, "push", "--atomic", "origin", "main", "main:third"); err == nil || !strings.Contains(out, "atomic") {
		t.Errorf("an atomic push: %v\n%s", err, out)
	}
	w.call(w.token(""), "GET", "~/git/ref/heads/third", "", 404)
	if out, err := git(t, dir, "push", "origin", ":main"); err == nil {
		t.Errorf("main was deleted: %s", out)
	}
	if err := w.forge.Unprotect(repoName, "main"); err != nil {
		t.Fatal(err)
	}
	w.rule(sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}}})
	out, err = git(t, dir, "push", "origin", "main")
	for _, want := range []string{"GH013: Repository rule violations found for refs/heads/main.", "! [remote rejected] main -> main (push declined due to repository rule violations)"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("push without %q: %v\n%s", want, err, out)
		}
	}
	w.status(sha, "ann", "ci", forge.Success)
	mustGit(t, dir, "push", "--quiet", "origin", "main")
	w.call(w.token(""), "GET", "~/git/ref/heads/main", "", 200).want(map[string]string{"object.sha": sha})
}

// docs.github.com, "Get a branch", "Get branch protection" and "Get rules for a branch": what everybody may see, and what
// takes administration rights.
func TestRulesAreReadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token("")
	w.commitOn(token, "release/1", "a", "1")
	rules := sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}, {Context: "ferry/gates", App: appID}}, UpToDate: true, Reviews: 1, DismissStale: true, Restricted: true, Pushers: []string{"ann", "ferry[bot]"}}
	w.protect(sandbox.Protection{Branch: "release/*", Rules: rules, Admins: true})
	branch := w.call(token, "GET", "~/branches/release/1", "", 200).want(map[string]string{
		"protected": "true", "protection.enabled": "true", "protection.required_status_checks.enforcement_level": "everyone", "protection.required_status_checks.contexts.0": "ci",
		"protection.required_status_checks.checks.0.app_id": "<nil>", "protection.required_status_checks.checks.1.app_id": "7",
	})
	w.call(token, "GET", "~/branches/main", "", 200).want(map[string]string{"protected": "false", "protection.enabled": "false"})
	w.call(token, "GET", "~/branches?protected=true", "", 200).want(map[string]string{"0.name": "release/1"})
	protection := strings.TrimPrefix(branch.str("protection_url"), w.url+"/api/v3")
	w.call(token, "GET", protection, "", 403) // the App has no administration right
	w.call(w.ann.Token, "GET", protection, "", 404)
	w.grant("ann", forge.PermissionAdmin)
	w.call(w.ann.Token, "GET", protection, "", 200).want(map[string]string{
		"required_status_checks.strict": "true", "required_pull_request_reviews.required_approving_review_count": "1", "enforce_admins.enabled": "true",
		"restrictions.users.0.login": "ann", "restrictions.apps.0.slug": "ferry", "allow_force_pushes.enabled": "false",
	})
	w.call(w.ann.Token, "GET", "~/branches/main/protection", "", 404).want(map[string]string{"message": "Branch not protected"})
	w.call(w.ann.Token, "GET", "~/branches/none/protection", "", 404)

	w.rule(rules)
	w.call(token, "GET", "~/branches/main", "", 200).want(map[string]string{"protected": "true", "protection.enabled": "false"})
	w.call(token, "GET", "~/rules/branches/main", "", 200).want(map[string]string{
		"0.type": "deletion", "1.type": "non_fast_forward", "2.type": "update", "3.type": "pull_request", "3.parameters.required_approving_review_count": "1",
		"4.type": "required_status_checks", "4.parameters.required_status_checks.1.integration_id": "7", "4.ruleset_source": repoName,
	})
	if n := w.call(token, "GET", "~/rules/branches/release/1", "", 200).size(""); n != 0 {
		t.Errorf("%d rules of a branch that only a branch protection rule is about, want none", n)
	}
	for _, err := range []error{w.forge.Protect("acme/none", sandbox.Protection{Branch: "main"}), w.forge.Protect(repoName, sandbox.Protection{Branch: "["}), w.forge.Protect(repoName, sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Reviews: 7}}), w.forge.SetRuleset(repoName, sandbox.Ruleset{Name: "x"})} {
		if err == nil {
			t.Error("nonsense was taken for a rule")
		}
	}
}
