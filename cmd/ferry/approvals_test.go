package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

const approving = "environments:\n  - name: dev\n  - name: staging\n    from: [dev]\n    approvals: 1\n"

// newApproved is newCheckoutWith, with people who may approve: dora, bob and eve may write, rita may read, mia may maintain.
func newApproved(t *testing.T, head string) *harness {
	t.Helper()
	h := newCheckoutWith(t, head)
	for login, p := range map[string]forge.Permission{"bob": forge.PermissionWrite, "eve": forge.PermissionWrite, "rita": forge.PermissionRead, "mia": forge.PermissionMaintain} {
		h.person(login, acmeEnv, p)
	}
	return h
}

// newProposed is newApproved with 1.1.0 proposed to staging, and some seconds later.
func newProposed(t *testing.T, head string) (*harness, pull) {
	t.Helper()
	h := newApproved(t, head)
	h.arrive("1.1.0")
	h.soon()
	return h, h.staging()
}

// comesBack loses the database, compares what comes back, and lets dev report again.
func (h *harness) comesBack() {
	h.t.Helper()
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
}

// soon lets some seconds pass, so that what people say is later than what they look at.
func (h *harness) soon() { h.t.Helper(); h.later(3 * time.Second) }

func (h *harness) review(number int, login, event string) {
	h.t.Helper()
	_, err := h.forge.Review(acmeEnv, number, login, event, "words")
	h.does(err)
}

func (h *harness) gates(state, words string) {
	h.t.Helper()
	h.wantStatus(acmeEnv, h.staging().Head.SHA, "ferry/gates", state, words)
}

func TestReviewsApprove(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.gates("pending", "approvals: 0 of 1 approval, 1 more by write permission")
	h.review(p.Number, "rita", "APPROVE")
	h.gates("pending", "rita's does not count: they have read permission")
	h.review(p.Number, "bob", "COMMENT")
	h.gates("pending", "0 of 1 approval")
	h.review(p.Number, "bob", "APPROVE")
	h.gates("success", "")
	if body := h.staging().Body; !strings.Contains(body, "| approvals | open | 1 of 1 approval, by bob |") {
		t.Errorf("the body says\n%s", body)
	}
	h.review(p.Number, "eve", "REQUEST_CHANGES")
	h.gates("failure", "approvals: eve wants changes")
	h.review(p.Number, "rita", "REQUEST_CHANGES") // who may not approve does not stop it either
	h.review(p.Number, "eve", "APPROVE")
	h.gates("success", "")
	h.review(p.Number, "bob", "REQUEST_CHANGES")
	h.gates("failure", "bob wants changes")
	kinds := h.eventKinds("staging")
	for _, want := range []string{"review approved", "review changes"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no event %q in %q", want, kinds)
		}
	}
	h.later(2 * time.Minute) // Ferry's issue is up to date
	h.forge.ResetRequests()
	h.sweep()
	if w := h.writes(); len(w) != 0 {
		t.Errorf("a sweep finds nothing new, and Ferry wrote %v", w)
	}
}

// TestApprovalIsOfWhatWasShown: a newer release in the same pull request is not what was approved.
func TestApprovalIsOfWhatWasShown(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.review(p.Number, "bob", "APPROVE")
	h.soon()
	h.ask(p.Number, "eve", "/approve")
	h.gates("success", "")
	h.arrive("1.2.0")
	if now := h.staging(); now.Number != p.Number || now.Head.SHA == p.Head.SHA {
		t.Fatalf("the promotion is %+v", now)
	}
	h.gates("pending", "bob approved what it showed before; eve approved what it showed before")
}

// TestApprovalSurvivesTheSameEdit: Ferry makes byte-identical content anew, as after a conflict elsewhere or /retry.
func TestApprovalSurvivesTheSameEdit(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.review(p.Number, "bob", "APPROVE")
	h.ask(p.Number, "dora", "/retry")
	now := h.staging()
	if now.Head.SHA == p.Head.SHA {
		t.Fatal("/retry made nothing anew")
	}
	h.gates("success", "")
}

func TestApproveByComment(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "approvals: 2", 1))
	if got := h.ask(p.Number, "rita", "/approve"); !strings.Contains(got, "you may not `/approve`: it needs write permission in this repository, and you have read") {
		t.Errorf("rita is answered %q", got)
	}
	if got := h.ask(h.board().Number, "bob", "/approve"); !strings.Contains(got, "say it under one") {
		t.Errorf("on the issue the answer is %q", got)
	}
	if got := h.ask(p.Number, "bob", "/approve\nlooks good"); !strings.Contains(got, "Approved: `1.1.0` in `staging`") {
		t.Errorf("the answer is %q", got)
	}
	h.gates("pending", "1 of 2 approvals, by bob, 1 more by write permission")
	h.ask(p.Number, "bob", "/approve")
	h.review(p.Number, "bob", "APPROVE")
	h.gates("pending", "1 of 2 approvals, by bob") // one person, however often
	h.review(p.Number, "eve", "APPROVE")
	h.gates("success", "")
	h.soon()
	h.review(p.Number, "bob", "REQUEST_CHANGES")
	h.gates("failure", "bob wants changes")
	h.soon()
	h.ask(p.Number, "bob", "/approve")
	h.gates("success", "")
	if !slices.Contains(h.eventKinds("staging"), "approve") {
		t.Errorf("the events are %q", h.eventKinds("staging"))
	}
	h.comesBack()
	h.gates("success", "")
	if now := h.staging(); now.Head.SHA != p.Head.SHA || now.Number != p.Number {
		t.Errorf("after the loss the promotion is %+v", now)
	}
}

// TestApproveAfterAPush is the thread's test: approve, push, and then the comment is worked off.
func TestApproveAfterAPush(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	before, err := h.forge.Comment(acmeEnv, p.Number, "bob", "/approve")
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(3 * time.Second)
	h.doesUnheard(h.forge.Commit(acmeEnv, sandbox.Edit{As: "dora", Branch: "ferry/staging/checkout", Message: "more", Files: map[string]string{"more": "1"}}))
	h.settle()
	if got := h.answersTo(p.Number, before); len(got) != 1 || !strings.Contains(got[0], "void") || h.reaction(before, "-1") != 1 {
		t.Errorf("the answers are %q", got)
	}
	h.gates("failure", "dora pushed")
	h.ask(p.Number, "dora", "/retry")
	h.gates("pending", "approvals: 0 of 1")
}

// TestApproveWhatIsReplacedMeanwhile: Ferry itself shows something newer by when the comment is worked off.
func TestApproveWhatIsReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.clock.advance(time.Second)
	release := h.holdHooks("issue_comment")
	id, err := h.forge.Comment(acmeEnv, p.Number, "bob", "/approve")
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(2 * time.Second)
	h.arrive("1.2.0")
	release()
	h.settle()
	if got := h.answersTo(p.Number, id); len(got) != 1 || !strings.Contains(got[0], "has changed since you wrote that") {
		t.Errorf("the answers are %q", got)
	}
	h.gates("pending", "0 of 1")
	h.soon()
	h.ask(p.Number, "bob", "/approve")
	h.gates("success", "")
}

// newSourced is a harness with approvals, and with 1.1.0 in dev: CI announced it, and eve wrote it. bob may approve, too.
func newSourced(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t)
	if _, err := h.forge.AddRepository("acme", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
		t.Fatal(err)
	}
	files := checkoutFiles("")
	files[".ferry.yaml"] = "apiVersion: ferry/v1\n" + approving + checkoutApp
	h.environments(acmeEnv, files)
	for _, login := range []string{"bob", "eve"} {
		h.person(login, acmeEnv, forge.PermissionWrite)
		h.person(login, "acme/checkout", forge.PermissionWrite)
	}
	if _, err := h.forge.Install(testAppID, "acme", "acme/checkout"); err != nil {
		t.Fatal(err)
	}
	h.settle()
	source, err := h.forge.Commit("acme/checkout", sandbox.Edit{As: "eve", Message: "a change", Files: map[string]string{"main.go": "package main // 2\n"}})
	h.does(err)
	h.announce(h.token(acmeEnv, ""), "1.1.0", source)
	h.arrive("1.1.0")
	return h
}

func TestAuthorsAndAskersDoNotApprove(t *testing.T) {
	t.Parallel()
	h := newSourced(t)
	h.ask(h.board().Number, "dora", "/promote checkout staging")
	h.soon()
	p := h.staging()
	if got := h.ask(p.Number, "eve", "/approve"); !strings.Contains(got, "It does not count: you wrote the change.") {
		t.Errorf("eve is answered %q", got)
	}
	h.review(p.Number, "dora", "APPROVE")
	h.gates("pending", "0 of 1 approval")
	if body := h.staging().Body; !strings.Contains(body, "dora's does not count: they asked for this promotion") || !strings.Contains(body, "eve's does not count: they wrote the change") {
		t.Errorf("the body says\n%s", body)
	}
	if got := h.ask(p.Number, "bob", "/status"); !strings.Contains(got, "approvals is waiting: 0 of 1 approval, 1 more by write permission") {
		t.Errorf("/status is answered %q", got)
	}
	h.soon()
	h.review(p.Number, "bob", "APPROVE")
	h.gates("success", "")
}

// TestWhoBroughtItIsTold: the answer says what the gate says of the approval, also of who pushed what nobody knows the source of.
func TestWhoBroughtItIsTold(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	if got := h.ask(p.Number, "dora", "/approve"); !strings.Contains(got, "It does not count: you brought it, and of which source commit it is nobody knows.") {
		t.Errorf("dora is answered %q", got)
	}
	h.gates("pending", "0 of 1 approval")
	if got := h.ask(p.Number, "bob", "/approve"); strings.Contains(got, "does not count") {
		t.Errorf("bob is answered %q", got)
	}
	h.gates("success", "")
}

// TestWhoBroughtACarIsTold: of a train, for which of its apps.
func TestWhoBroughtACarIsTold(t *testing.T) {
	t.Parallel()
	h := train(t, "    approvals: 1\n")
	h.bump("1.1.0", "cart")
	h.later(time.Minute)
	if got := h.ask(h.theTrain().Number, "dora", "/approve"); !strings.Contains(got, "It does not count for `cart 1.1.0`: you brought it") {
		t.Errorf("dora is answered %q", got)
	}
}

// TestAuthorsAreCleaned: who wrote what is kept for as long as somebody may approve it, and no longer.
func TestAuthorsAreCleaned(t *testing.T) {
	t.Parallel()
	h := newSourced(t)
	authors := func() int { h.t.Helper(); return query[int](h, `select count(*) from authors`) }
	p := h.staging()
	h.review(p.Number, "bob", "APPROVE")
	h.clock.advance(100 * 24 * time.Hour)
	h.sweep()
	if n := authors(); n != 1 {
		t.Fatalf("%d authors of what is open are known", n)
	}
	h.merge(acmeEnv, p.Number)
	h.sweep()
	h.sweep()
	if n := authors(); n != 0 {
		t.Errorf("%d authors are known of what was merged long ago", n)
	}
}

// TestWhoAskedFirst does not approve either, once somebody else has asked for the same: not before and not after a lost database.
func TestWhoAskedFirst(t *testing.T) {
	t.Parallel()
	h := newApproved(t, approving)
	h.arrive("1.1.0")
	for _, login := range []string{"bob", "eve", "bob", "dora"} {
		h.ask(h.board().Number, login, "/promote checkout staging")
	}
	h.soon()
	p := h.staging()
	if !strings.Contains(p.Body, "Asked for by eve and bob and dora.") {
		t.Errorf("the body says\n%s", p.Body)
	}
	if got := h.ask(p.Number, "eve", "/approve"); !strings.Contains(got, "It does not count: you asked for this promotion.") {
		t.Errorf("eve is answered %q", got)
	}
	h.review(p.Number, "bob", "APPROVE")
	h.gates("pending", "bob's does not count: they ask") // a status has room for 140 characters
	h.comesBack()
	h.gates("pending", "bob's does not count: they ask")
	h.review(p.Number, "mia", "APPROVE")
	h.gates("success", "")
}

// TestApprovedMergesByItself: merge: auto waits for the people too, and what they take back stops it.
func TestApprovedMergesByItself(t *testing.T) {
	t.Parallel()
	h := newApproved(t, strings.Replace(releasing, "merge:", "approvals: 1\n    merge:", 1)+"    unprotected: allow\n")
	h.arrive("1.1.0")
	h.later(time.Minute)
	p := h.staging()
	h.gates("pending", "0 of 1")
	h.review(p.Number, "bob", "APPROVE")
	h.later(time.Minute)
	h.noPulls()
}

// TestReviewsAreReadWhereTheyCount: where nobody has to approve, a review costs nothing; and where approvals are asked for later, those that stand count.
func TestReviewsAreReadWhereTheyCount(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, proposing)
	h.forge.ResetRequests()
	h.review(p.Number, "bob", "APPROVE")
	if got := h.ferrysRequests(); len(got) != 0 {
		t.Errorf("a review that does not count costs %v", got)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(approving, "approvals: 1", "approvals: 2", 1) + checkoutApp})
	h.gates("pending", "1 of 2 approvals, by bob")
}

// TestLostReview: the delivery is lost, and the sweep finds the review.
func TestLostReview(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	drop := h.holdHooks("pull_request_review")
	h.review(p.Number, "bob", "APPROVE")
	h.gates("pending", "0 of 1")
	h.sweep()
	h.gates("success", "")
	drop()
	h.settle()
	h.gates("success", "")
}

// TestLossKeepsReviews: approvals have their home at the forge.
func TestLossKeepsReviews(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.review(p.Number, "bob", "APPROVE")
	h.gates("success", "")
	h.comesBack()
	h.gates("success", "")
}

// TestHeadOfBefore: of a pull request that an older Ferry opened, or of which webhooks were lost, nobody knows since when it shows what it shows. The first
// command is void for that, and the next one is not.
func TestHeadOfBefore(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	if _, err := h.svc.store.Pool().Exec(t.Context(), `delete from heads`); err != nil {
		t.Fatal(err)
	}
	if got := h.ask(p.Number, "bob", "/approve"); !strings.Contains(got, "void") || !strings.Contains(got, "say it again") {
		t.Errorf("the answer is %q", got)
	}
	h.gates("pending", "0 of 1")
	h.soon()
	if got := h.ask(p.Number, "bob", "/approve"); !strings.Contains(got, "Approved") {
		t.Errorf("the answer is %q", got)
	}
	h.gates("success", "")
}

// TestWhoMayNotApproveAnyMore: at the next sweep their word does not count any more, be it a review or a comment.
func TestWhoMayNotApproveAnyMore(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "approvals: 2", 1))
	h.review(p.Number, "bob", "APPROVE")
	h.ask(p.Number, "eve", "/approve")
	h.gates("success", "")
	for _, login := range []string{"bob", "eve"} {
		h.does(h.forge.SetPermission(acmeEnv, login, forge.PermissionTriage))
	}
	h.sweep()
	h.gates("pending", "0 of 2")
}

// TestApprovalsInAFirstEnvironment: what Ferry would commit by itself it shows people first, where their approval is asked for.
func TestApprovalsInAFirstEnvironment(t *testing.T) {
	t.Parallel()
	h := newApproved(t, "environments:\n  - name: dev\n    update: commit\n    approvals: 1\n")
	h.announce(h.token(acmeEnv, ""), "1.1.0", "")
	h.soon()
	p := h.pullOn(acmeEnv, "ferry/dev/checkout")
	h.wantStatus(acmeEnv, p.Head.SHA, "ferry/gates", "pending", "0 of 1")
	h.review(p.Number, "bob", "APPROVE")
	h.wantStatus(acmeEnv, h.pullOn(acmeEnv, "ferry/dev/checkout").Head.SHA, "ferry/gates", "success", "")
}

// TestApprovingInOtherWays: what is edited into a comment, quoted, shown as code or said by a bot approves nothing.
func TestApprovingInOtherWays(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, approving)
	h.say(p.Number, "bob", "> /approve\n\n```\n/approve\n```\n<!-- /approve -->\n`/approve`\nplease /approve")
	said := h.say(p.Number, "bob", "looks good")
	h.soon()
	h.does(h.forge.EditComment(acmeEnv, p.Number, said, "bob", "/approve"))
	h.sweep()
	h.gates("pending", "0 of 1")
	if answers := h.answersTo(p.Number, said); len(answers) != 1 || !strings.Contains(answers[0], "Nothing was done: this comment has been edited") {
		t.Errorf("an edited comment is answered %q", answers)
	}
}

// TestLossKeepsWhatWasGivenBefore: what people gave an earlier head counts for the one that shows the same, also where nobody remembers that they do.
func TestLossKeepsWhatWasGivenBefore(t *testing.T) {
	t.Parallel()
	h, p := newProposed(t, strings.Replace(approving, "approvals: 1", "soak: 24h\n    approvals: 2", 1))
	h.review(p.Number, "bob", "APPROVE")
	h.ask(p.Number, "eve", "/approve")
	h.ask(p.Number, "mia", "/override soak an incident")
	h.gates("success", "")
	h.ask(p.Number, "dora", "/retry")
	again := h.staging().Head.SHA
	if again == p.Head.SHA {
		t.Fatal("/retry made nothing anew")
	}
	h.gates("success", "")
	h.later(2 * time.Minute)
	h.comesBack()
	h.gates("success", "")
	h.sweep()
	h.gates("success", "")
	h.arrive("1.2.0")
	h.later(25 * time.Hour)
	h.gates("pending", "0 of 2")
}

// holdHooks keeps the next delivery of an event back until the returned function is called.
func (h *harness) holdHooks(event string) (release func()) {
	h.forge.Faults().Hold(event, 1)
	return func() {
		h.t.Helper()
		if err := h.forge.Release(); err != nil {
			h.t.Fatal(err)
		}
	}
}
