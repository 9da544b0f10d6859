package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/github"
	"ferry/forge/sandbox"
	"ferry/promotion/doctor"
)

// patient is a forge with an App and an environment repository, in good health.
type patient struct {
	t       *testing.T
	forge   *sandbox.Sandbox
	env     []string
	install int64
	spec    sandbox.AppSpec
	answers atomic.Int64 // what webhooks are answered
	late    atomic.Int64 // how many nanoseconds the forge's clock is ahead
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t}
	p.answers.Store(http.StatusAccepted)
	var err error
	p.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), AuthNow: func() time.Time { return time.Now().Add(time.Duration(p.late.Load())) }, HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: int(p.answers.Load()), Body: io.NopCloser(strings.NewReader(""))}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.forge.Close)
	server := httptest.NewServer(forgetest.Validated(t, p.forge.Handler()))
	t.Cleanup(server.Close)
	p.forge.SetURL(server.URL)
	private, public := newKey(t)
	p.env = []string{"FERRY_URL", "https://ferry.example.com", "FERRY_GITHUB_URL", server.URL + "/api/v3", "FERRY_GITHUB_APP_ID", strconv.Itoa(testAppID), "FERRY_GITHUB_APP_KEY", string(private)}
	p.spec = sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: "https://ferry.example.com/webhooks/github", WebhookSecret: testSecret, Events: github.Events()}
	p.app()
	if _, err := p.forge.AddRepository("acme", "environments", checkoutFiles("")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.forge.AddRepository("acme", "checkout", map[string]string{"README.md": "a source"}); err != nil {
		t.Fatal(err)
	}
	if p.install, err = p.forge.Install(testAppID, "acme"); err != nil {
		t.Fatal(err)
	}
	p.rules(func(*sandbox.Rules) {})
	if err := p.forge.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (p *patient) app() {
	p.t.Helper()
	if _, err := p.forge.AddApp(p.spec); err != nil {
		p.t.Fatal(err)
	}
}

// rules sets the rules of the default branch, good ones with a change.
func (p *patient) rules(change func(*sandbox.Rules)) {
	p.t.Helper()
	rules := sandbox.Rules{PullRequest: true, Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}
	change(&rules)
	if err := p.forge.SetRuleset(acmeEnv, sandbox.Ruleset{Name: "main", Branches: []string{"~DEFAULT_BRANCH"}, Rules: rules}); err != nil {
		p.t.Fatal(err)
	}
}

// files changes the configuration.
func (p *patient) files(files map[string]string) error {
	p.t.Helper()
	if err := p.forge.RemoveRuleset(acmeEnv, "main"); err != nil {
		return err
	}
	_, err := p.forge.Commit(acmeEnv, sandbox.Edit{As: "acme", Message: "another configuration", Files: files})
	p.rules(func(*sandbox.Rules) {})
	return err
}

// merging has Ferry merge by itself, where the forge asks for reviews, with the settings that stand in a file beside the app.
func (p *patient) merging(beside string) error {
	p.t.Helper()
	file := "include: teams/{app}.yaml\n" + strings.Replace(checkoutFiles("")[".ferry.yaml"], "- name: prod\n", "- name: prod\n    merge: auto\n", 1)
	err := p.files(map[string]string{".ferry.yaml": file, "teams/checkout.yaml": beside + "\n"})
	p.rules(func(r *sandbox.Rules) { r.Reviews = 2 })
	return err
}

// examined returns what `ferry doctor` says.
func (p *patient) examined(args ...string) (int, string) {
	p.t.Helper()
	if err := p.forge.Flush(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	var out bytes.Buffer
	code := run(p.t.Context(), append([]string{"doctor"}, args...), envs(p.env...), &out, &out)
	return code, out.String()
}

// TestDoctor gives a healthy forge one disease after the other.
func TestDoctor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ail  func(*patient) error
		code int
		want []string // "severity rule"
		says string
	}{
		{"in good health", func(*patient) error { return nil }, exitGood, nil, ""},
		{"permissions", func(p *patient) error {
			return p.forge.SetPermissions(testAppID, map[string]string{"contents": "read", "statuses": "write", "issues": "write", "pull_requests": "write", "checks": "write", "deployments": "write", "merge_queues": "read"})
		}, exitFailed, []string{"problem permission", "problem permission"}, "contents: write"},
		{"events", func(p *patient) error { p.spec.Events = github.Events()[1:]; p.app(); return nil }, exitFailed, []string{"problem event", "problem event"}, "the event push"},
		{"no webhook", func(p *patient) error { p.spec.WebhookURL = ""; p.app(); return nil }, exitFailed, []string{"problem webhook"}, "goes nowhere"},
		{"suspended", func(p *patient) error { return p.forge.Suspend(p.install, true) }, exitFailed, []string{"problem suspended"}, "/settings/installations/"},
		{"deliveries fail", func(p *patient) error { p.answers.Store(http.StatusUnauthorized); p.app(); return nil }, exitFailed, []string{"problem deliveries"}, "ping"},
		{"unguarded", func(p *patient) error { return p.forge.RemoveRuleset(acmeEnv, "main") }, exitFailed, []string{"problem unguarded"}, "/acme/environments/settings/rules"},
		{"gates of anybody", func(p *patient) error { p.rules(func(r *sandbox.Rules) { r.Checks[0].App = 0 }); return nil }, exitFailed, []string{"problem gates-app"}, "anybody"},
		{"the webhook goes elsewhere", func(p *patient) error { p.env[1] = "https://other.example.com"; return nil }, exitFailed, []string{"problem webhook"}, "FERRY_URL says https://other.example.com"},
		{"teams are not seen", func(p *patient) error {
			return p.files(map[string]string{".ferry.yaml": checkoutFiles("roles: {approve: {teams: [acme/sre]}}\n")[".ferry.yaml"]})
		}, exitFailed, []string{"problem permission", "problem permission"}, "members: read"},
		{"reviews before Ferry merges", func(p *patient) error { return p.merging("soak: 1h") }, exitGood, []string{"note reviews"}, "2 approving reviews"},
		{"what is included is read", func(p *patient) error { return p.merging("soak: broken") }, exitGood, nil, ""},
		{"approvals are dismissed", func(p *patient) error { p.rules(func(r *sandbox.Rules) { r.DismissStale = true }); return nil }, exitGood, []string{"note dismisses"}, "takes approvals back"},
		{"signed, and rebased", func(p *patient) error {
			p.rules(func(r *sandbox.Rules) { r.Signed = true })
			return p.forge.SetMergeMethods(acmeEnv, forge.MergeRebase)
		}, exitFailed, []string{"problem merge-methods"}, "only rebase"},
		{"no merge commits", func(p *patient) error {
			return p.forge.Protect(acmeEnv, sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Linear: true}})
		}, exitGood, []string{"note merge-methods", "note unseen"}, "the rules of main (a linear history) let only squash and rebase through"},
		{"branch protection alone", func(p *patient) error {
			if err := p.forge.Protect(acmeEnv, sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ferry/gates", App: testAppID}}}}); err != nil {
				return err
			}
			return p.forge.RemoveRuleset(acmeEnv, "main")
		}, exitGood, []string{"note unseen"}, "rulesets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			if err := c.ail(p); err != nil {
				t.Fatal(err)
			}
			code, text := p.examined()
			if code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("%d, want %d with %q: %s", code, c.code, c.says, text)
			}
			var got []string
			for _, f := range p.findings() {
				got = append(got, f.Severity+" "+f.Rule)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// findings returns what `ferry doctor --json` says.
func (p *patient) findings() []doctor.Finding {
	p.t.Helper()
	var said struct{ Findings []doctor.Finding }
	if _, text := p.examined("--json"); json.Unmarshal([]byte(text), &said) != nil {
		p.t.Fatalf("no JSON: %s", text)
	}
	return said.Findings
}

// TestDoctorGoesOn: what cannot be looked at is told of, and so is all that can.
func TestDoctorGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ail  func(*patient)
		want map[string]string // where: a part of what is said
	}{
		"an organization lets nobody in from here": {func(p *patient) {
			p.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/installation/repositories", Status: http.StatusForbidden, Message: "the `acme` organization has an IP allow list enabled"})
		}, map[string]string{"installation on acme": "IP allow list", "beta/environments@main": "nothing guards the branch"}},
		"a repository's branch is not shown just now": {func(p *patient) {
			p.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/branches/{branch}"})
		}, map[string]string{acmeEnv: "502", "beta/environments@main": "nothing guards the branch"}},
		"the log of deliveries is not shown": {func(p *patient) {
			p.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/app/hook/deliveries"})
		}, map[string]string{"the deliveries of App 7": "502", "beta/environments@main": "nothing guards the branch"}},
		"the installations are not listed": {func(p *patient) {
			p.spec.WebhookURL = ""
			p.app()
			p.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/app/installations"})
		}, map[string]string{"the installations of App 7": "502", "App 7": "goes nowhere"}},
		"no requests are left": {func(p *patient) {
			p.forge.Faults().Fail(sandbox.Fault{Method: "GET", Route: "/repos/{owner}/{repo}/branches/{branch}", Status: http.StatusForbidden, Reset: time.Hour})
		}, map[string]string{acmeEnv: "the forge limits Ferry's requests until", "beta/environments@main": "nothing guards the branch"}},
		"the forge limits nobody": {func(p *patient) { p.forge.SetLimits(sandbox.Limits{Unlimited: true}) },
			map[string]string{"beta/environments@main": "nothing guards the branch"}},
		"the clock": {func(p *patient) { p.late.Store(int64(10 * time.Minute)) },
			map[string]string{"App 7": "off the forge's; GitHub answered 401"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			if _, err := p.forge.AddRepository("beta", "environments", checkoutFiles("")); err != nil {
				t.Fatal(err)
			}
			if _, err := p.forge.Install(testAppID, "beta"); err != nil {
				t.Fatal(err)
			}
			c.ail(p)
			got := map[string]string{}
			for _, f := range p.findings() {
				got[f.Where] += f.Message + "; "
				if f.Do == "" {
					t.Errorf("of %s is not said what to do", f.Where)
				}
			}
			for where, part := range c.want {
				for word := range strings.SplitSeq(part, "; ") {
					if !strings.Contains(got[where], word) {
						t.Errorf("of %s is said %q, want %q", where, got[where], word)
					}
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("found %q", got)
			}
		})
	}
}

// TestDoctorUnreachable ends as every command does where the forge is not there, and says no more of the App's key than another.
func TestDoctorUnreachable(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.env[3] = "http://127.0.0.1:1/api/v3"
	code, text := p.examined()
	if code != exitUnreachable || strings.Contains(text, strings.Split(p.env[7], "\n")[2]) {
		t.Errorf("%d %s", code, text)
	}
	p.env = append(p.env[:4], "FERRY_GITHUB_TOKEN", "ghp_somebodys")
	if code, text = p.examined(); code != exitUnreachable || strings.Contains(text, "installation") {
		t.Errorf("with a token: %d %s", code, text)
	}
	p.env = p.env[:4]
	if code, text = p.examined(); code != exitUsage || !strings.Contains(text, "FERRY_GITHUB_APP_ID") {
		t.Errorf("without an App: %d %s", code, text)
	}
}
