package promotion_test

import (
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

const (
	byReview  = int64(0)
	byComment = int64(77)
)

func TestApprovalsGate(t *testing.T) {
	t.Parallel()
	const head, older, elsewhere = "a", "b", "c"
	at := func(minutes int) time.Time { return time.Date(2026, 3, 2, 10, minutes, 0, 0, time.UTC) }
	person := func(id int64, login string) promotion.Person {
		return promotion.Person{User: forge.User{ID: id, Login: login}, Permission: forge.PermissionWrite}
	}
	ann, bob, eve := person(1, "ann"), person(2, "bob"), person(3, "eve")
	bot, reader, ghost := person(4, "bot"), person(5, "rita"), promotion.Person{}
	bot.Bot, reader.Permission = true, forge.PermissionTriage
	member := promotion.Person{User: forge.User{ID: 6, Login: "mo"}, Permission: forge.PermissionRead, Teams: []string{"ACME/sre"}}
	said := func(who promotion.Person, verdict promotion.Verdict, minute int, sha string, comment int64) promotion.Review {
		return promotion.Review{Person: who, Verdict: verdict, SHA: forge.SHA(sha), Edit: map[string]string{head: "E", older: "E", elsewhere: "F"}[sha], At: at(minute), Comment: comment}
	}
	yes, no, gone := promotion.VerdictApproved, promotion.VerdictChanges, promotion.VerdictDismissed
	reviews := func(list ...promotion.Review) []promotion.Review { return list }
	tests := []struct {
		name    string
		reviews []promotion.Review
		change  func(*promotion.Environment)
		state   promotion.GateState
		words   string
	}{
		{"nobody", nil, nil, promotion.GateWaiting, "0 of 2 approvals, 2 more by write permission"},
		{"one", reviews(said(bob, yes, 1, head, byReview)), nil, promotion.GateWaiting, "1 of 2 approvals, by bob, 1 more by write permission"},
		{"two", reviews(said(bob, yes, 1, head, byReview), said(eve, yes, 2, head, byComment)), nil, promotion.GateOpen, "2 of 2 approvals, by bob and eve"},
		{"one twice", reviews(said(bob, yes, 1, head, byReview), said(bob, yes, 2, head, byComment)), nil, promotion.GateWaiting, "1 of 2"},
		{"of an earlier head with the same edit", reviews(said(bob, yes, 1, older, byReview), said(eve, yes, 2, head, byReview)), nil, promotion.GateOpen, ""},
		{"of another edit", reviews(said(bob, yes, 1, elsewhere, byReview), said(eve, yes, 2, head, byReview)), nil, promotion.GateWaiting, "bob approved what it showed before"},
		{"taken back", reviews(said(bob, yes, 1, head, byReview), said(eve, yes, 1, head, byReview), said(eve, gone, 2, head, byReview)), nil, promotion.GateWaiting, "1 of 2 approvals, by bob"},
		{"taken back and given anew", reviews(said(bob, yes, 1, head, byReview), said(eve, gone, 1, head, byReview), said(eve, yes, 2, head, byComment)), nil, promotion.GateOpen, ""},
		{"changes are wanted", reviews(said(bob, yes, 1, head, byReview), said(eve, yes, 1, head, byReview), said(ann, no, 2, head, byReview)), nil, promotion.GateClosed, "ann wants changes"},
		{"changes were wanted of what it showed before", reviews(said(ann, no, 2, elsewhere, byReview)), nil, promotion.GateClosed, "ann wants changes"},
		{"changes are wanted in the same moment", reviews(said(bob, no, 1, head, byReview), said(bob, yes, 1, head, byComment)), nil, promotion.GateClosed, "bob wants changes"},
		{"changes are not wanted any more", reviews(said(ann, no, 1, head, byReview), said(ann, yes, 2, head, byComment), said(bob, yes, 1, head, byReview)), nil, promotion.GateOpen, ""},
		{"a stranger wants changes", reviews(said(reader, no, 1, head, byReview), said(bot, no, 1, head, byReview)), nil, promotion.GateWaiting, "0 of 2"},
		{"a reader, a bot, Ferry and nobody", reviews(said(reader, yes, 1, head, byReview), said(bot, yes, 1, head, byReview), said(person(9, "ferry"), yes, 1, head, byReview), said(ghost, yes, 1, head, byReview)), nil,
			promotion.GateWaiting, "0 of 2"},
		{"a reader is told why", reviews(said(reader, yes, 1, head, byReview)), nil, promotion.GateWaiting, "rita's does not count: they have triage permission"},
		{"who wrote it", reviews(said(person(8, "otto"), yes, 1, head, byReview)), nil, promotion.GateWaiting, "otto's does not count: they wrote the change"},
		{"who wrote an earlier commit of it", reviews(said(person(12, "Nia"), yes, 1, head, byReview)), nil, promotion.GateWaiting, "Nia's does not count: they wrote the change"},
		{"who asked for it", reviews(said(bob, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Promotion.Asker = "Bob" }, promotion.GateWaiting, "bob's does not count: they asked for this promotion"},
		{"who asked for it first", reviews(said(bob, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Promotion.Asker = promotion.AskedAlso("Bob", "ann") }, promotion.GateWaiting, "bob's does not count: they asked for this promotion"},
		{"another one of nearly that name asked", reviews(said(bob, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Promotion.Asker = promotion.AskedAlso("bobby", "rob") }, promotion.GateWaiting, "1 of 2 approvals, by bob"},
		{"what CI announced", reviews(said(person(7, "ci"), yes, 1, head, byReview)), func(e *promotion.Environment) {
			e.Promotion.Asker, e.Promotion.Intent = "CI", promotion.IntentUpdate
		}, promotion.GateWaiting, "1 of 2 approvals, by ci"},
		{"somebody pushed on top", reviews(said(bob, yes, 1, head, byReview), said(eve, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Pull.Known = false }, promotion.GateWaiting, "0 of 2"},
		{"another release is shown", reviews(said(bob, yes, 1, head, byReview), said(eve, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Promotion.Release = release("0.9.0") },
			promotion.GateWaiting, "2 approvals by write permission, once a pull request shows it"},
		{"none asked for", reviews(said(ann, no, 1, head, byReview)), func(e *promotion.Environment) { e.Approvals = 0 }, promotion.GateOpen, "none asked for"},
		{"by roles", reviews(said(bob, yes, 1, head, byReview), said(member, yes, 1, head, byReview), said(eve, yes, 1, head, byReview)), func(e *promotion.Environment) {
			e.Roles = map[string]config.Role{"approve": {Teams: []string{"acme/sre"}, Users: []string{"EVE"}}}
		}, promotion.GateOpen, "by eve and mo"},
		{"by nobody", reviews(said(bob, yes, 1, head, byReview)), func(e *promotion.Environment) { e.Roles = map[string]config.Role{"approve": {}} }, promotion.GateWaiting, "2 more by nobody"},
	}
	for _, test := range tests {
		w := line(t, func(staging, _ *config.Environment) { staging.Approvals = 2 })
		w.s.Self = forge.User{ID: 9, Login: "ferry"}
		source := forge.SHA(strings.Repeat("d", 40))
		w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.Image{Name: image, Tag: "1.1.0"}, Source: "acme/checkout", Commit: source})
		stood := forge.SHA(strings.Repeat("c", 40))
		w.s.Sources = append(w.s.Sources, promotion.Announced{Image: promotion.Image{Name: image, Tag: "1.0.0"}, Source: "acme/checkout", Commit: stood})
		w.s.Changes = []promotion.SourceChange{{ChangeKey: promotion.ChangeKey{Source: "acme/checkout", Base: stood, Head: source}, State: promotion.ChangeRead, Relation: forge.Ahead,
			Total: 2, Commits: []promotion.SourceCommit{{SHA: sha(77), Author: "nia"}, {SHA: source, Author: "otto"}}}}
		w.s.Authors = []promotion.Author{{Source: "Acme/Checkout", Commit: source, User: forge.User{ID: 8, Login: "otto"}}}
		w.arrive("dev", "1.1.0")
		e := w.env("staging")
		e.Pull.HeadSHA, e.Pull.Edit, e.Reviews = head, "E", test.reviews
		if test.change != nil {
			test.change(e)
		}
		if got := w.approvals(); got.State != test.state || !strings.Contains(got.Reason, test.words) {
			t.Errorf("%s: %+v, want %s: %s", test.name, got, test.state, test.words)
		}
	}
}
