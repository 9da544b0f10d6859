package doctor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/promotion/config"
	"ferry/promotion/doctor"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func wanted() doctor.Wanted {
	return doctor.Wanted{Permissions: map[string]string{"contents": "write", "checks": "write"}, Optional: map[string]bool{"checks": true, "merge_group": true}, Events: []string{"push", "merge_group"}, Hook: "https://ferry.example.com/webhooks/github"}
}

// rules returns the findings as "severity rule", in the order in which they were found, and checks that each says what to do.
func rules(t *testing.T, found []doctor.Finding) []string {
	t.Helper()
	var list []string
	for _, f := range found {
		if f.Message == "" || f.Do == "" || f.Where == "" || strings.HasSuffix(f.Message, ".") {
			t.Errorf("a finding that does not help: %+v", f)
		}
		list = append(list, f.Severity+" "+f.Rule)
	}
	return list
}

func TestApp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*forge.AppFacts)
		log    []forge.SentDelivery
		want   []string
	}{
		{"all is well", func(*forge.AppFacts) {}, []forge.SentDelivery{{GUID: "a", Status: 202}}, nil},
		{"a permission and an event are missing", func(a *forge.AppFacts) { a.Permissions["contents"], a.Events = "read", nil }, nil, []string{"problem permission", "problem event", "note event"}},
		{"an optional permission is missing", func(a *forge.AppFacts) { delete(a.Permissions, "checks") }, nil, []string{"note permission"}},
		{"an optional event is missing", func(a *forge.AppFacts) { a.Events = []string{"push"} }, nil, []string{"note event"}},
		{"no webhook", func(a *forge.AppFacts) { a.Hook = "" }, nil, []string{"problem webhook"}},
		{"another webhook, unproven", func(a *forge.AppFacts) { a.Hook, a.HookUnproven = "https://old.example.com", true }, nil, []string{"problem webhook", "problem webhook-tls"}},
		{"a slow clock", func(a *forge.AppFacts) { a.Clock = noon.Add(time.Minute) }, nil, []string{"problem clock"}},
		{"a forge without a clock", func(a *forge.AppFacts) { a.Clock = time.Time{} }, nil, nil},
		{"a delivery that arrived later", func(*forge.AppFacts) {}, []forge.SentDelivery{{GUID: "a", Status: 202}, {GUID: "a", Status: 503}}, nil},
		{"a delivery that did not", func(*forge.AppFacts) {}, []forge.SentDelivery{{GUID: "a", Status: 202}, {GUID: "b", Event: "push"}}, []string{"problem deliveries"}},
	} {
		app := forge.AppFacts{ID: 7, Permissions: map[string]string{"contents": "write", "checks": "write"}, Events: []string{"push", "merge_group"}, Hook: "https://ferry.example.com/webhooks/github", Clock: noon, Ours: noon}
		c.change(&app)
		if got := rules(t, doctor.App(app, c.log, wanted())); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestInstallation(t *testing.T) {
	t.Parallel()
	given := map[string]string{"contents": "write", "checks": "write"}
	for _, c := range []struct {
		name   string
		in     forge.InstallationFacts
		budget forge.Budget
		want   []string
	}{
		{"all is well", forge.InstallationFacts{Permissions: given, Events: []string{"push", "merge_group"}}, forge.Budget{Limit: 5000, Left: 4000}, nil},
		{"suspended", forge.InstallationFacts{Suspended: true}, forge.Budget{}, []string{"problem suspended"}},
		{"not accepted", forge.InstallationFacts{Events: []string{"push", "merge_group"}}, forge.Budget{}, []string{"note permission", "problem permission"}},
		{"used up", forge.InstallationFacts{Permissions: given, Events: []string{"push", "merge_group"}}, forge.Budget{Limit: 5000, Left: 499, Reset: noon}, []string{"problem budget"}},
	} {
		if got := rules(t, doctor.Installation(c.in, c.budget, wanted())); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRepository(t *testing.T) {
	t.Parallel()
	pinned := []forge.RequiredCheck{{Name: "ferry/gates", App: 7}}
	all := []forge.MergeMethod{forge.MergeCommit, forge.MergeSquash, forge.MergeRebase}
	for _, c := range []struct {
		name    string
		rules   forge.BranchRules
		methods []forge.MergeMethod
		staging string // settings of an environment
		want    []string
	}{
		{"all is well", forge.BranchRules{PullRequest: true, Checks: pinned}, all, "", nil},
		{"nothing guards", forge.BranchRules{}, all, "", []string{"problem unguarded"}},
		{"gates are not required", forge.BranchRules{PullRequest: true}, all, "", []string{"problem gates"}},
		{"gates of anybody", forge.BranchRules{Checks: []forge.RequiredCheck{{Name: "ferry/gates"}}}, all, "", []string{"problem gates-app"}},
		{"gates of another App", forge.BranchRules{Checks: []forge.RequiredCheck{{Name: "ferry/gates", App: 8}}}, all, "", []string{"problem gates-app"}},
		{"gates of another App besides", forge.BranchRules{Checks: append([]forge.RequiredCheck{{Name: "ferry/gates", App: 8}}, pinned...)}, all, "", []string{"problem gates-app"}},
		{"rebase alone, to be signed", forge.BranchRules{Checks: pinned, Signed: true}, all[2:], "", []string{"problem merge-methods"}},
		{"rebase among others, to be signed", forge.BranchRules{Checks: pinned, Signed: true}, all, "", []string{"note merge-methods"}},
		{"merge commits alone, in a line", forge.BranchRules{Checks: pinned, LinearHistory: true}, all[:1], "", []string{"problem merge-methods"}},
		{"merge commits alone, where a rule wants a squash", forge.BranchRules{Checks: pinned, Methods: [][]forge.MergeMethod{all, all[1:]}}, all[:1], "", []string{"problem merge-methods"}},
		{"methods that are not shown", forge.BranchRules{Checks: pinned, Signed: true}, nil, "", nil},
		{"approvals are taken back", forge.BranchRules{Checks: pinned, DismissStale: true}, all, "", []string{"note dismisses"}},
		{"branch protection", forge.BranchRules{Protected: true, Checks: pinned}, all, "", []string{"note unseen"}},
		{"branch protection that is not shown", forge.BranchRules{Protected: true, Hidden: true, Checks: pinned}, all, "", []string{"note unseen"}},
		{"direct commits", forge.BranchRules{PullRequest: true, Checks: pinned}, all, "update: commit", []string{"note pushes"}},
		{"updates by few, and people merge", forge.BranchRules{Restricted: true, Checks: pinned}, all, "", nil},
		{"updates by few, and Ferry merges", forge.BranchRules{Restricted: true, Checks: pinned}, all, "merge: auto", []string{"problem restricted"}},
		{"reviews, and people merge", forge.BranchRules{PullRequest: true, Reviews: 2, Checks: pinned}, all, "", nil},
		{"reviews, and Ferry merges", forge.BranchRules{PullRequest: true, Reviews: 2, Checks: pinned}, all, "merge: auto", []string{"note reviews"}},
	} {
		cfg, err := config.Parse(config.File, []byte("apiVersion: ferry/v1\nenvironments:\n  - {name: dev, "+c.staging+"}\napps:\n  - {name: a, images: [x/a], manifests: [\"a/{env}.yaml\"]}\n"))
		if err != nil {
			t.Fatal(err)
		}
		r := doctor.Repository{Name: "acme/environments", Branch: "main", Page: "https://github.com/acme/environments", Config: cfg, Methods: c.methods, Rules: c.rules, App: 7}
		if got := rules(t, r.Judge()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
