package main

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"
)

const withRoles = `roles:
  freeze: {teams: [acme/sre]}
  override: {permission: admin, users: [mia]}
environments:
  - name: dev
  - name: staging
    from: [dev]
    approvals: 1
    roles:
      approve: {teams: [leads], users: [eve]}
`

// newRoles is newApproved with roles; rita, who may only read, is in both teams. The App may see teams.
func newRoles(t *testing.T) *harness {
	t.Helper()
	h := newApproved(t, withRoles)
	for _, slug := range []string{"sre", "leads"} {
		if err := h.forge.SetTeam("acme", slug, "rita"); err != nil {
			t.Fatal(err)
		}
	}
	h.mayReadTeams(true)
	return h
}

func (h *harness) mayReadTeams(may bool) {
	h.t.Helper()
	permissions := map[string]string{"contents": "write", "pull_requests": "write", "issues": "write", "statuses": "write", "checks": "write"}
	if may {
		permissions["members"] = "read"
	}
	h.does(h.forge.SetPermissions(testAppID, permissions))
}

const membership = "GET /orgs/{org}/teams/{team_slug}/memberships/{username}"

func TestRoles(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	h.arrive("1.1.0")
	h.soon()
	p := h.staging()
	h.gates("pending", "1 more by a member of leads, or eve")
	for _, ask := range []struct{ login, body, want string }{
		{"mia", "/freeze staging an incident", "@mia, you may not `/freeze`: it needs a member of acme/sre."},
		{"rita", "/freeze staging an incident", "Frozen: rita froze staging: an incident"},
		{"rita", "/thaw all", "@rita, you may not `/thaw`: it needs maintain permission in this repository, and you have read."},
		{"mia", "/thaw all", "Thawed: what rita froze, staging."},
		{"bob", "/override approvals an incident", "it needs admin permission, or mia in this repository, and you have write"},
		{"bob", "/approve", "you may not `/approve` in `staging`: it needs a member of leads, or eve."},
		{"bob", "/hold", "Held: bob holds checkout in staging"},
		{"bob", "/resume", "Lifted"},
	} {
		if got := h.ask(p.Number, ask.login, ask.body); !strings.Contains(got, ask.want) {
			t.Errorf("%s: %s is answered %q", ask.login, ask.body, got)
		}
		h.soon()
	}
	help := h.ask(h.board().Number, "dora", "/help")
	for _, want := range []string{"| dev: write permission; staging: a member of leads, or eve |", "| a member of acme/sre |", "| admin permission, or mia |"} {
		if !strings.Contains(help, want) {
			t.Errorf("/help does not say %q:\n%s", want, help)
		}
	}
	h.review(p.Number, "bob", "APPROVE")
	h.gates("pending", "bob's does not count: they have write permission")
	h.review(p.Number, "rita", "APPROVE")
	h.gates("success", "")
	h.loseAndCompare()
	h.report(acmeEnv, "dev", "healthy")
	h.gates("success", "")
	h.does(h.forge.SetTeam("acme", "leads"))
	h.sweep()
	h.gates("pending", "rita's does not count")
}

// TestRolesThatChange: what .ferry.yaml says of roles counts at once, for what people have given too.
func TestRolesThatChange(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	h.arrive("1.1.0")
	p := h.staging()
	h.review(p.Number, "rita", "APPROVE")
	h.gates("success", "")
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(withRoles, "leads", "dba", 1) + checkoutApp})
	h.gates("pending", "rita's does not count")
	h.does(h.forge.SetTeam("acme", "dba", "rita"))
	h.sweep()
	h.gates("success", "")
}

// TestTeamsThatCannotBeSeen: what cannot be looked up nobody may, and the answer says why; once the App may see it, they may.
func TestTeamsThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	h.mayReadTeams(false)
	h.arrive("1.1.0")
	h.soon()
	p := h.staging()
	if got := h.ask(p.Number, "mia", "/freeze all an incident"); !strings.Contains(got, "Ferry may not see teams: let its App read the organization's members") {
		t.Errorf("the answer is %q", got)
	}
	h.review(p.Number, "bob", "APPROVE")
	h.gates("pending", "bob's does not count: Ferry may not see teams")
	h.mayReadTeams(true)
	if got := h.ask(p.Number, "rita", "/freeze all an incident"); !strings.Contains(got, "Frozen") {
		t.Errorf("the answer is %q", got)
	}
}

// TestTeamsAreAskedWhereItDependsOnThem: a command whose rule names no team, or whose author may give it anyway, costs no request for one.
func TestTeamsAreAskedWhereItDependsOnThem(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	h.arrive("1.1.0")
	h.soon()
	p := h.staging()
	for _, ask := range []struct {
		login, body string
		want        int
	}{{"bob", "/hold", 0}, {"bob", "/resume", 0}, {"eve", "/approve", 0}, {"bob", "/status", 0}, {"bob", "/approve", 1}, {"mia", "/override approvals x", 0}, {"rita", "/freeze staging x", 1}} {
		h.forge.ResetRequests()
		h.say(p.Number, ask.login, ask.body)
		if got := h.ferrysRequests()[membership]; got != ask.want {
			t.Errorf("%s: %s asks for %d teams, want %d", ask.login, ask.body, got, ask.want)
		}
		h.soon()
	}
}

// TestALookUpThatFailsIsTriedAgain: the comment is not lost, and not answered by a guess.
func TestALookUpThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"/orgs/{org}/teams/{team_slug}/memberships/{username}", "/repos/{owner}/{repo}/collaborators/{username}/permission"} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			h := newRoles(t)
			h.forge.Faults().Fail(sandboxFault(http.MethodGet, route, 2))
			id := h.say(h.board().Number, "rita", "/freeze staging an incident")
			if got := h.answersTo(h.board().Number, id); len(got) != 0 {
				t.Fatalf("answered %q before anybody knew", got)
			}
			h.later(time.Minute) // it fails once more
			h.later(time.Minute)
			if got := h.answersTo(h.board().Number, id); len(got) != 1 || !strings.Contains(got[0], "Frozen") {
				t.Errorf("the answers are %q", got)
			}
		})
	}
}

// TestALookUpThatKeepsFailing: after some tries it is answered with no and why, and all the rest goes on.
func TestALookUpThatKeepsFailing(t *testing.T) {
	t.Parallel()
	for route, words := range map[string]string{
		"/orgs/{org}/teams/{team_slug}/memberships/{username}":      "@rita, nothing was done: whether you may `/freeze` could not be looked up: the team acme/sre: ",
		"/repos/{owner}/{repo}/collaborators/{username}/permission": "Frozen", // the team alone decides
	} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			h := newRoles(t)
			h.forge.Faults().Fail(sandboxFault(http.MethodGet, route, 10_000))
			id := h.say(h.board().Number, "rita", "/freeze staging an incident")
			for range 7 {
				h.later(time.Minute)
			}
			if got := h.answersTo(h.board().Number, id); len(got) != 1 || !strings.Contains(got[0], words) {
				t.Errorf("the answers are %q", got)
			}
			h.arrive("1.1.0")
			if p := h.staging(); !strings.Contains(p.Title, "1.1.0") {
				t.Errorf("open is %+v", p)
			}
		})
	}
}

// TestAPermissionThatCannotBeLookedUp: after a minute of trying the answer says that, and never that somebody has no permission; also the second time, where
// nobody is refused again. Said again once the forge answers, it counts.
func TestAPermissionThatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	h := newApproved(t, approving)
	board := h.board().Number
	for range 2 {
		h.forge.Faults().Fail(sandboxFault(http.MethodGet, "/repos/{owner}/{repo}/collaborators/{username}/permission", 7))
		id := h.say(board, "mia", "/freeze staging an incident")
		for range 6 {
			if got := h.answersTo(board, id); len(got) != 0 {
				t.Fatalf("answered %q before anybody knew", got)
			}
			h.later(time.Minute)
		}
		got := h.answersTo(board, id)
		if len(got) != 1 || !strings.Contains(got[0], "nothing was done: whether you may `/freeze` could not be looked up: ") || !strings.Contains(got[0], "Say it again.") || strings.Contains(got[0], "you have") {
			t.Fatalf("the answers are %q", got)
		}
	}
	if got := h.ask(board, "mia", "/freeze staging an incident"); !strings.Contains(got, "Frozen") {
		t.Errorf("the answer is %q", got)
	}
}

// TestATeamThatIsNotThere: a refusal says so, be it misspelt or unseen; asking for it costs one request more, and only where nobody is let in by it.
func TestATeamThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.NewReplacer("leads", "leeds", "acme/sre", "sres").Replace(withRoles) + checkoutApp})
	h.arrive("1.1.0")
	h.soon()
	p := h.staging()
	for command, want := range map[string]string{"/freeze all an incident": "There is no team sres, or Ferry's App cannot see it", "/approve": "There is no team leeds, or"} {
		if got := h.ask(p.Number, "bob", command); !strings.Contains(got, want) {
			t.Errorf("%s is answered %q", command, got)
		}
	}
	h.review(p.Number, "rita", "APPROVE")
	h.gates("pending", "rita's does not count: There is no team leeds, or")
	h.later(2 * time.Minute)
	for _, team := range []string{"sres", "leeds"} {
		want := "a role names the team \"" + team + "\", and the forge shows Ferry none of that name. Write its slug"
		if issue, page := h.board().Body, html.UnescapeString(h.page("/")); !strings.Contains(issue, want) || !strings.Contains(page, want) {
			t.Errorf("neither the issue nor the page lacks %s:\n%s", team, issue)
		}
	}
}

// TestTeamsOfOthers: a team of another organization is none of the installation's business.
func TestTeamsOfOthers(t *testing.T) {
	t.Parallel()
	h := newRoles(t)
	if err := h.forge.SetTeam("beta", "sre", "mia"); err != nil {
		t.Fatal(err)
	}
	h.commit(acmeEnv, map[string]string{".ferry.yaml": "apiVersion: ferry/v1\n" + strings.Replace(withRoles, "acme/sre", "beta/sre", 1) + checkoutApp})
	if got := h.ask(h.board().Number, "mia", "/freeze all an incident"); !strings.Contains(got, "you may not `/freeze`") {
		t.Errorf("the answer is %q", got)
	}
}
