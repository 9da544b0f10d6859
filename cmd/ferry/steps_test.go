package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// acmeEnv is the environment repository of most tests.
const acmeEnv = "acme/environments"

// newCheckout is a harness with one app, checkout, in dev, staging and prod; settings are lines below prod in .ferry.yaml.
func newCheckout(t testing.TB, settings string) *harness {
	t.Helper()
	h := newHarness(t)
	h.environments(acmeEnv, checkoutFiles(settings))
	return h
}

// newCheckoutWith is newCheckout with a .ferry.yaml of the test's own: its environments and what stands above apps.
func newCheckoutWith(t *testing.T, head string, options ...postgres.Option) *harness {
	t.Helper()
	h := newHarness(t, options...)
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + head + checkoutApp
	h.environments(acmeEnv, files)
	return h
}

const checkoutApp = "apps:\n  - name: checkout\n    source: acme/checkout\n    images: [ghcr.io/acme/checkout]\n    manifests: [\"apps/checkout/{env}/kustomization.yaml\"]\n"

func checkoutPath(env string) string { return "apps/checkout/" + env + "/kustomization.yaml" }

// deploy commits a tag of checkout to an environment as dora.
func (h *harness) deploy(env, tag string) forge.SHA {
	h.t.Helper()
	return h.commit(acmeEnv, map[string]string{checkoutPath(env): kustomization("checkout", tag)})
}

// arrive commits a tag of checkout to dev and lets dev converge on it.
func (h *harness) arrive(tag string) forge.SHA {
	h.t.Helper()
	sha := h.deploy("dev", tag)
	h.report(acmeEnv, "dev", "healthy")
	return sha
}

// staging returns the open promotion of checkout into staging.
func (h *harness) staging() pull { h.t.Helper(); return h.pullOn(acmeEnv, "ferry/staging/checkout") }

func (h *harness) noPulls() {
	h.t.Helper()
	if open := h.openPulls(acmeEnv); len(open) != 0 {
		h.t.Fatalf("open are %+v, want none", open)
	}
}

// pull reads one pull request.
func (h *harness) pull(number int) (p pull) {
	h.t.Helper()
	h.api(fmt.Sprintf("/repos/%s/pulls/%d", acmeEnv, number), &p)
	return p
}

// does lets a person do something at the forge and settles what follows.
func (h *harness) does(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// remark is a comment as a third client sees it.
type remark struct {
	ID   int64
	Body string
	User struct{ Login string }
}

func (h *harness) remarks(number int) (list []remark) {
	h.t.Helper()
	h.api(fmt.Sprintf("/repos/%s/issues/%d/comments?per_page=100", acmeEnv, number), &list)
	return list
}

// say comments and settles; it returns the comment's id.
func (h *harness) say(number int, login, body string) int64 {
	h.t.Helper()
	id, err := h.forge.Comment(acmeEnv, number, login, body)
	h.does(err)
	return id
}

// ask comments, and returns Ferry's one answer.
func (h *harness) ask(number int, login, body string) string {
	h.t.Helper()
	answers := h.answersTo(number, h.say(number, login, body))
	if len(answers) != 1 {
		h.t.Fatalf("%q has the answers %q, want one", body, answers)
	}
	return answers[0]
}

func (h *harness) answersTo(number int, id int64) (answers []string) {
	h.t.Helper()
	mark := fmt.Sprintf("<!-- answers:%d -->", id)
	for _, r := range h.remarks(number) {
		if r.User.Login == "ferry[bot]" && strings.Contains(r.Body, mark) {
			answers = append(answers, r.Body)
		}
	}
	return answers
}

// reaction returns how often a comment has a reaction.
func (h *harness) reaction(id int64, content string) int {
	h.t.Helper()
	var list []struct{ Content string }
	h.api(fmt.Sprintf("/repos/%s/issues/comments/%d/reactions", acmeEnv, id), &list)
	n := 0
	for _, r := range list {
		if r.Content == content {
			n++
		}
	}
	return n
}

// board is Ferry's issue as a third client sees it.
type board struct {
	Number int
	Title  string
	Body   string
	State  string
	User   struct{ Login string }
}

// boards returns the issues called as Ferry's.
func (h *harness) boards() (list []board) {
	h.t.Helper()
	var all []struct {
		board
		PullRequest *struct{} `json:"pull_request"`
	}
	h.api("/repos/"+acmeEnv+"/issues?state=all&per_page=100", &all)
	for _, i := range all {
		if i.PullRequest == nil && i.Title == promotion.IssueTitle {
			list = append(list, i.board)
		}
	}
	return list
}

func (h *harness) board() board {
	h.t.Helper()
	list := h.boards()
	if len(list) != 1 {
		h.t.Fatalf("there are %d issues %q, want one", len(list), promotion.IssueTitle)
	}
	return list[0]
}

// writes returns what Ferry changed at the forge since the last ResetRequests, by route.
func (h *harness) writes() map[string]int {
	out := map[string]int{}
	for client, routes := range h.forge.Requests() {
		for route, n := range routes {
			if strings.HasPrefix(client, "installation/") && !strings.HasPrefix(route, "GET ") && !strings.HasPrefix(route, "QUERY ") {
				out[route] += n
			}
		}
	}
	return out
}

// asked returns how often Ferry called the route, also in vain.
func (h *harness) asked(route string) (n int) {
	for client, routes := range h.forge.Requests() {
		if strings.HasPrefix(client, "installation/") {
			n += routes[route]
		}
	}
	return n
}

// events returns every event of the repository, the newest first.
func (h *harness) events() []postgres.Event {
	h.t.Helper()
	list, err := h.svc.store.Events(h.t.Context(), 1, 10_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// eventKinds returns the kinds of the events, the oldest first.
func (h *harness) eventKinds(environment string) (kinds []string) {
	h.t.Helper()
	for _, e := range h.events() {
		if e.Environment == environment {
			kinds = append([]string{e.Kind}, kinds...)
		}
	}
	return kinds
}

// branches says whether a branch stands at the forge.
func (h *harness) hasBranch(name string) bool {
	h.t.Helper()
	var refs []struct{ Ref string }
	h.api("/repos/"+acmeEnv+"/git/matching-refs/heads/"+name, &refs)
	for _, r := range refs {
		if r.Ref == "refs/heads/"+name {
			return true
		}
	}
	return false
}

// changed returns what a pull request's diff says: the lines that begin with + or -.
func (h *harness) changed(number int) (lines []string) {
	h.t.Helper()
	var files []struct{ Filename, Patch string }
	h.api(fmt.Sprintf("/repos/%s/pulls/%d/files?per_page=100", acmeEnv, number), &files)
	for _, f := range files {
		for line := range strings.Lines(f.Patch) {
			if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// push commits to a branch as a person.
func (h *harness) push(login, branch string, files map[string]string) forge.SHA {
	h.t.Helper()
	sha, err := h.forge.Commit(acmeEnv, sandbox.Edit{As: login, Branch: branch, Message: "by " + login, Files: files})
	h.does(err)
	return sha
}

type postgresEvent = postgres.Event

// tidied is after how long the branch of a promotion that has come to its end is gone.
const tidied = 5 * time.Second

// sweep lets Ferry read everything again.
func (h *harness) sweep() {
	h.t.Helper()
	h.clock.advance(sweepAfter)
	if err := h.svc.work.Sweep(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

const sweepAfter = 20 * time.Minute

// anotherBot installs another App, and returns its account's login.
func (h *harness) anotherBot(slug, repo string) string {
	h.t.Helper()
	_, public := newKey(h.t)
	bot, err := h.forge.AddApp(sandbox.AppSpec{ID: 99, Slug: slug, PublicKey: public})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.forge.SetPermission(repo, bot.Login, forge.PermissionWrite); err != nil {
		h.t.Fatal(err)
	}
	return bot.Login
}

// sandboxFault lets the next requests of a route fail.
func sandboxFault(method, route string, times int) sandbox.Fault {
	return sandbox.Fault{Method: method, Route: route, Times: times}
}

// sandboxDone lets one request of a route be carried out, and its answer be lost.
func sandboxDone(method, route string) sandbox.Fault {
	return sandbox.Fault{Method: method, Route: route, Done: true}
}

// step does one kind of the work that is due, and leaves the rest.
func (h *harness) step(do func(due postgres.Due) error) {
	h.t.Helper()
	due, err := h.svc.store.DueWork(h.t.Context(), h.clock.Now(), 100)
	if err == nil {
		err = do(due)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// decideApps plans the apps that are due.
func (h *harness) decideApps() {
	h.t.Helper()
	h.step(func(due postgres.Due) error {
		for _, u := range due.Units {
			if _, ok := postgres.AppOf(u.Unit); ok {
				if err := h.svc.work.Decide(h.t.Context(), u.Repository, u.Unit); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// observeAndCommand takes in what the webhooks hint at and decides the commands, but no app.
func (h *harness) observeAndCommand() {
	h.t.Helper()
	if err := h.forge.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.step(func(due postgres.Due) error {
		for _, id := range due.Repositories {
			if err := h.svc.work.Observe(h.t.Context(), id); err != nil {
				return err
			}
			if err := h.svc.work.Decide(h.t.Context(), id, "commands"); err != nil {
				return err
			}
		}
		return nil
	})
}

// actOn acts on the wishes that are due and of one of the kinds. It returns how many there were.
func (h *harness) actOn(kinds ...string) (n int) {
	h.t.Helper()
	h.step(func(due postgres.Due) error {
		for _, id := range due.Wishes {
			wish, err := h.svc.store.LoadWish(h.t.Context(), id)
			if err != nil || !slices.Contains(kinds, wish.Kind) {
				continue
			}
			n++
			if err := h.svc.work.Act(h.t.Context(), id); err != nil {
				return err
			}
		}
		return nil
	})
	return n
}

// write sends a request to the forge's API as a person.
func (h *harness) write(login, method, path string, body any) {
	h.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.forgeAt+"/api/v3/repos/"+acmeEnv+path, bytes.NewReader(raw))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+h.forge.AddUser(login).Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(res.Body)
		h.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
	h.settle()
}

// edit changes a comment as a person.
func (h *harness) edit(id int64, login, body string) {
	h.t.Helper()
	h.write(login, http.MethodPatch, fmt.Sprintf("/issues/comments/%d", id), map[string]string{"body": body})
}

// restore lets dora bring back the branch of a closed pull request.
func (h *harness) restore(p pull) {
	h.t.Helper()
	h.write("dora", http.MethodPost, "/git/refs", map[string]any{"ref": "refs/heads/" + p.Head.Ref, "sha": p.Head.SHA})
}
