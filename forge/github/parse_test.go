package github_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/github"
)

const (
	shaA = forge.SHA("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	shaB = forge.SHA("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	shaC = forge.SHA("cccccccccccccccccccccccccccccccccccccccc")
	zero = "0000000000000000000000000000000000000000"
)

const inRepository = `"repository":{"id":7,"full_name":"acme/environments","default_branch":"main","archived":false},
	"installation":{"id":5},"sender":{"id":3,"login":"ada","type":"User"}`

// hint is the event that inRepository makes.
func hint(kind forge.EventKind, action string) forge.Event {
	return forge.Event{
		Kind: kind, Action: action, Installation: 5, Sender: forge.User{ID: 3, Login: "ada"},
		Repo: forge.Repository{Repo: forge.Repo{ID: 7, Owner: "acme", Name: "environments"}, DefaultBranch: "main"},
	}
}

func pushed(forced, created, deleted bool, before, after string, commits string) string {
	return fmt.Sprintf(`{"ref":"refs/heads/feature/x","before":%q,"after":%q,"forced":%t,"created":%t,"deleted":%t,"commits":[%s],%s}`,
		before, after, forced, created, deleted, commits, inRepository)
}

const oneCommit = `{"id":"` + string(shaB) + `","tree_id":"` + string(shaC) + `","added":["a"],"removed":["r"],"modified":["m"]}`

func TestParsePush(t *testing.T) {
	t.Parallel()
	commits := []forge.PushedCommit{{SHA: shaB, Tree: shaC, Paths: []string{"a", "r", "m"}}}
	for name, test := range map[string]struct {
		body string
		want forge.Push
	}{
		"forward":          {pushed(false, false, false, string(shaA), string(shaB), oneCommit), forge.Push{Before: shaA, After: shaB, Commits: commits, Complete: true}},
		"forced":           {pushed(true, false, false, string(shaA), string(shaB), oneCommit), forge.Push{Before: shaA, After: shaB, Commits: commits, Forced: true}},
		"created":          {pushed(false, true, false, zero, string(shaB), oneCommit), forge.Push{After: shaB, Commits: commits}},
		"deleted":          {pushed(false, false, true, string(shaA), zero, ""), forge.Push{Before: shaA}},
		"without commits":  {pushed(false, false, false, string(shaA), string(shaB), ""), forge.Push{Before: shaA, After: shaB}},
		"cut short":        {pushed(false, false, false, string(shaA), string(shaC), oneCommit), forge.Push{Before: shaA, After: shaC, Commits: commits}},
		"upper-case names": {pushed(false, false, false, strings.ToUpper(string(shaA)), strings.ToUpper(string(shaB)), oneCommit), forge.Push{Before: shaA, After: shaB, Commits: commits, Complete: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := hint(forge.EventPush, "")
			test.want.Branch = "feature/x"
			want.Push = &test.want
			check(t, "push", test.body, want)
		})
	}
}

func TestParsePushTooManyPaths(t *testing.T) {
	t.Parallel()
	paths := strings.TrimSuffix(strings.Repeat(`"p",`, 3000), ",")
	commit := `{"id":"` + string(shaB) + `","tree_id":"` + string(shaC) + `","modified":[` + paths + `]}`
	got, err := github.Parse("push", []byte(pushed(false, false, false, string(shaA), string(shaB), commit)))
	if err != nil || got.Push.Complete {
		t.Fatalf("a commit at GitHub's limit of paths counts as complete: %v", err)
	}
}

func check(t *testing.T, name, body string, want forge.Event) {
	t.Helper()
	got, err := github.Parse(name, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("want - got +\n%s", diff)
	}
}

func TestParseOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event, body string
		want        func() forge.Event
	}{
		"a tag": {"push", `{"ref":"refs/tags/v1",` + inRepository + `}`, func() forge.Event { return hint(forge.EventUnused, "") }},
		"an open pull request": {"pull_request", `{"action":"opened","pull_request":{"number":4,"state":"open","merged":false,"merge_commit_sha":"` + string(shaC) + `",
			"user":{"id":3,"login":"ada","type":"User"},"head":{"ref":"ferry/prod/checkout","sha":"` + string(shaA) + `","repo":{"id":7}},"base":{"ref":"main"}},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventPull, "opened")
			e.Pull = &forge.PullHint{Number: 4, Open: true, Author: forge.User{ID: 3, Login: "ada"}, HeadBranch: "ferry/prod/checkout", HeadSHA: shaA, HeadRepo: 7, BaseBranch: "main"}
			return e
		}},
		"a merged one of a deleted fork": {"pull_request", `{"action":"closed","pull_request":{"number":4,"updated_at":"2026-01-02T03:04:05Z","state":"closed","merged":true,"merge_commit_sha":"` + string(shaC) + `",
			"merged_by":{"id":5,"login":"bob","type":"User"},"head":{"ref":"x","sha":"` + string(shaA) + `","repo":null},"base":{"ref":"main"}},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventPull, "closed")
			e.Pull = &forge.PullHint{Number: 4, Merged: true, MergeSHA: shaC, MergedBy: forge.User{ID: 5, Login: "bob"}, HeadBranch: "x", HeadSHA: shaA, BaseBranch: "main",
				UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
			return e
		}},
		"a comment on a pull request": {"issue_comment", `{"action":"created","issue":{"number":4,"pull_request":{"url":"x"}},
			"comment":{"id":9,"user":{"id":3,"login":"ada","type":"User"},"body":"/hold","created_at":"2026-01-02T03:04:05Z"},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventComment, "created")
			e.Comment = &forge.CommentHint{ID: 9, Number: 4, OnPullRequest: true, Author: forge.User{ID: 3, Login: "ada"}, Body: "/hold",
				CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
			return e
		}},
		"a bot's comment on an issue": {"issue_comment", `{"action":"edited","issue":{"number":4},
			"comment":{"id":9,"user":{"id":8,"login":"x[bot]","type":"Bot"},"body":"hi","created_at":"2026-01-02T03:04:05Z"},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventComment, "edited")
			e.Comment = &forge.CommentHint{ID: 9, Number: 4, Author: forge.User{ID: 8, Login: "x[bot]", Bot: true}, Body: "hi",
				CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
			return e
		}},
		"a review": {"pull_request_review", `{"action":"submitted","review":{"id":9,"state":"changes_requested"},"pull_request":{"number":4},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventReview, "submitted")
			e.Review = &forge.ReviewHint{Number: 4, ID: 9, State: forge.ReviewChangesRequested}
			return e
		}},
		"a ghost's comment": {"issue_comment", `{"action":"created","issue":{"number":4},"comment":{"id":9,"user":null,"body":"x"},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventComment, "created")
			e.Comment = &forge.CommentHint{ID: 9, Number: 4, Body: "x"}
			return e
		}},
		"installed": {"installation", `{"action":"created","installation":{"id":5,"account":{"login":"acme"}},"repositories":[{"id":7,"full_name":"acme/environments"}],
			"sender":{"id":3,"login":"ada","type":"User"}}`, func() forge.Event {
			return forge.Event{Kind: forge.EventInstallation, Action: "created", Installation: 5, Sender: forge.User{ID: 3, Login: "ada"},
				Access: &forge.Access{Account: "acme", Added: []forge.Repo{{ID: 7, Owner: "acme", Name: "environments"}}}}
		}},
		"removed by an enterprise": {"installation", `{"action":"deleted","installation":{"id":5,"account":{"slug":"big"}},"repositories":[{"id":7,"full_name":"acme/environments"}]}`, func() forge.Event {
			return forge.Event{Kind: forge.EventInstallation, Action: "deleted", Installation: 5,
				Access: &forge.Access{Account: "big", Gone: true, Removed: []forge.Repo{{ID: 7, Owner: "acme", Name: "environments"}}}}
		}},
		"suspended": {"installation", `{"action":"suspend","installation":{"id":5,"account":{"login":"acme"}}}`, func() forge.Event {
			return forge.Event{Kind: forge.EventInstallation, Action: "suspend", Installation: 5, Access: &forge.Access{Account: "acme", Gone: true, Suspended: true}}
		}},
		"other repositories": {"installation_repositories", `{"action":"added","installation":{"id":5,"account":{"login":"acme"}},
			"repositories_added":[{"id":1,"full_name":"acme/a"}],"repositories_removed":[{"id":2,"full_name":"acme/b"}]}`, func() forge.Event {
			return forge.Event{Kind: forge.EventInstallation, Action: "added", Installation: 5, Access: &forge.Access{Account: "acme",
				Added: []forge.Repo{{ID: 1, Owner: "acme", Name: "a"}}, Removed: []forge.Repo{{ID: 2, Owner: "acme", Name: "b"}}}}
		}},
		"ping": {"ping", `{"zen":"…",` + inRepository + `}`, func() forge.Event { return hint(forge.EventPing, "") }},
		"a status": {"status", `{"id":9,"sha":"` + string(shaA) + `","context":"ci","state":"success",` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventCheck, "")
			e.Check = &forge.CheckHint{SHA: shaA, Name: "ci", Status: 9}
			return e
		}},
		"a check run": {"check_run", `{"action":"completed","check_run":{"id":8,"head_sha":"` + string(shaA) + `","name":"e2e","status":"completed"},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventCheck, "completed")
			e.Check = &forge.CheckHint{SHA: shaA, Name: "e2e", Run: 8, Done: true}
			return e
		}},
		"a check suite": {"check_suite", `{"action":"requested","check_suite":{"id":7,"head_sha":"` + string(shaA) + `"},` + inRepository + `}`, func() forge.Event {
			e := hint(forge.EventCheck, "requested")
			e.Check = &forge.CheckHint{SHA: shaA}
			return e
		}},
		"unused":                       {"star", `{"action":"created",` + inRepository + `}`, func() forge.Event { return hint(forge.EventUnused, "created") }},
		"unused and of another make":   {"star", `{"action":{},"repository":[]}`, func() forge.Event { return forge.Event{Kind: forge.EventUnused} }},
		"unused and no object":         {"star", `[1]`, func() forge.Event { return forge.Event{Kind: forge.EventUnused} }},
		"unused in an unknown account": {"star", `{"repository":{"id":1,"full_name":"odd"}}`, func() forge.Event { return forge.Event{Kind: forge.EventUnused} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, test.event, test.body, test.want())
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ event, body, want string }{
		"nothing":                 {"push", ``, "push"},
		"no JSON":                 {"star", `{`, "star"},
		"a list":                  {"push", `[]`, "payload itself"},
		"null":                    {"push", `null`, "field repository is missing"},
		"no repository":           {"push", `{"ref":"refs/heads/main"}`, "field repository is missing"},
		"no ref":                  {"push", `{` + inRepository + `}`, "field ref is missing"},
		"a number for a ref":      {"push", `{"ref":1,` + inRepository + `}`, "field ref holds a number"},
		"a bad repository":        {"push", `{"repository":{"id":1,"full_name":"odd"}}`, "repository.full_name"},
		"a word for a number":     {"push", `{"repository":{"id":"x"}}`, "field repository.id holds a string"},
		"a repository without id": {"push", `{"repository":{"full_name":"a/b"}}`, "repository.id is missing"},
		"a short SHA":             {"push", `{"ref":"refs/heads/main","before":"12",` + inRepository + `}`, "field before"},
		"a short SHA after":       {"push", pushed(false, false, false, zero, "12", ""), "field after"},
		"a bad commit":            {"push", pushed(false, false, false, zero, zero, `{"id":"12"}`), "commits[0].id"},
		"a commit without a tree": {"push", pushed(false, false, false, zero, zero, `{"id":"`+string(shaA)+`"}`), "commits[0].tree_id"},
		"paths that are none":     {"push", pushed(false, false, false, zero, zero, `{"added":[1]}`), "field commits.added holds a number"},
		"no pull request":         {"pull_request", `{` + inRepository + `}`, "pull_request.number is missing"},
		"no head":                 {"pull_request", `{"pull_request":{"number":1},` + inRepository + `}`, "pull_request.head.sha"},
		"merged as nothing": {"pull_request", `{"pull_request":{"number":1,"merged":true,"merge_commit_sha":null,"head":{"sha":"` + string(shaA) + `"}},` + inRepository + `}`,
			"pull_request.merge_commit_sha"},
		"no check run":        {"check_run", `{"action":"created",` + inRepository + `}`, "field check_run is missing"},
		"a status of nothing": {"status", `{"sha":"x",` + inRepository + `}`, "field sha"},
		"no issue":            {"issue_comment", `{` + inRepository + `}`, "issue.number is missing"},
		"no review":           {"pull_request_review", `{"pull_request":{"number":1},` + inRepository + `}`, "review.id is missing"},
		"a review of nothing": {"pull_request_review", `{"review":{"id":1},` + inRepository + `}`, "pull_request.number is missing"},
		"no comment":          {"issue_comment", `{"issue":{"number":1},` + inRepository + `}`, "comment.id is missing"},
		"no installation":     {"installation", `{}`, "installation.id is missing"},
		"a bad added one":     {"installation_repositories", `{"installation":{"id":5},"repositories_added":[{"id":1}]}`, "repositories_added[0].full_name"},
		"a bad removed one":   {"installation_repositories", `{"installation":{"id":5},"repositories_removed":[{"id":1}]}`, "repositories_removed[0].full_name"},
		"a bad installed one": {"installation", `{"installation":{"id":5},"repositories":[{"id":1}]}`, "repositories[0].full_name"},
		"too deep":            {"push", strings.Repeat(`{"repository":`, 20000), "push"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := github.Parse(test.event, []byte(test.body))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %+v, %v, want an error with %q", got, err, test.want)
			}
			if strings.Contains(err.Error(), "common") || strings.Contains(err.Error(), "Payload.") || strings.Contains(err.Error(), "Go ") {
				t.Fatalf("the error speaks of Go: %v", err)
			}
		})
	}
}

// TestParseExamples has every payload that GitHub published as an example, of every event there is.
func TestParseExamples(t *testing.T) {
	t.Parallel()
	examples, err := forgetest.Examples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[forge.EventKind]int{}
	for i, example := range examples {
		event, err := github.Parse(example.Event, example.Payload)
		if err != nil {
			t.Errorf("example %d: %v", i, err)
		}
		kinds[event.Kind]++
		scoped := event.Kind == forge.EventPush || event.Kind == forge.EventPull || event.Kind == forge.EventComment || event.Kind == forge.EventCheck
		if scoped && event.Repo.ID == 0 || event.Kind == forge.EventInstallation && event.Installation == 0 {
			t.Errorf("example %d, a %s, names nobody", i, example.Event)
		}
	}
	for _, kind := range []forge.EventKind{forge.EventPush, forge.EventPull, forge.EventComment, forge.EventCheck, forge.EventInstallation, forge.EventPing, forge.EventUnused} {
		if kinds[kind] == 0 {
			t.Errorf("none of %d examples is a %s", len(examples), kind)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"push", "pull_request", "issue_comment", "pull_request_review", "installation", "installation_repositories", "status", "check_run", "check_suite", "ping", "star"} {
		f.Add(name, `{"ref":"refs/heads/main","commits":[{}],"pull_request":{"head":{"repo":{}}},"issue":{},"comment":{},"review":{},"repositories":[{}],`+inRepository+`}`)
		f.Add(name, pushed(false, false, false, string(shaA), string(shaB), oneCommit))
	}
	f.Fuzz(func(t *testing.T, name, body string) {
		event, err := github.Parse(name, []byte(body))
		if err != nil {
			return
		}
		set := map[forge.EventKind]bool{forge.EventPush: event.Push != nil, forge.EventPull: event.Pull != nil,
			forge.EventComment: event.Comment != nil, forge.EventReview: event.Review != nil, forge.EventCheck: event.Check != nil, forge.EventInstallation: event.Access != nil}
		for kind, there := range set {
			if there != (kind == event.Kind) {
				t.Fatalf("%s: the member of %s is set: %t", event.Kind, kind, there)
			}
		}
	})
}
