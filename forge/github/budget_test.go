package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/github"
)

// paced is an App over a fake whose clock the test moves.
type paced struct {
	*fake
	forge *github.Forge
	at    time.Time
	until map[int64]time.Time
}

func newPaced(t *testing.T, pace github.Pace) *paced {
	t.Helper()
	p := &paced{fake: newFake(t), at: noon, until: map[int64]time.Time{}}
	cfg := p.config()
	cfg.Now, cfg.Pace = func() time.Time { return p.at }, pace
	cfg.Throttled = func(installation int64, until time.Time) { p.until[installation] = until }
	p.forge = open(t, cfg)
	return p
}

func (p *paced) comment(t *testing.T, repo forge.Repo) time.Time {
	t.Helper()
	_, err := p.forge.Client(0).CreateComment(t.Context(), repo, 1, "text")
	return limitedUntil(t, err)
}

// limitedUntil is until when a call has to wait, the zero time where it was made.
func limitedUntil(t *testing.T, err error) time.Time {
	t.Helper()
	var limited *forge.RateLimited
	if err != nil && !errors.As(err, &limited) {
		t.Fatal(err)
	}
	if err == nil {
		return time.Time{}
	}
	return limited.Until
}

// writing is a comment that is to be written some time after the one before.
type writing struct {
	after time.Duration
	repo  forge.Repo
	until time.Duration // since noon; 0: it is written
}

func TestPace(t *testing.T) {
	t.Parallel()
	other := forge.Repo{ID: 8, Owner: "acme", Name: "other"}
	for name, test := range map[string]struct {
		pace  github.Pace
		steps []writing
	}{
		"a minute": {github.Pace{PerMinute: 4}, []writing{
			{0, acme, 0}, {10 * time.Second, acme, 0}, {0, acme, 0}, {0, other, 0}, {0, other, time.Minute},
			{50 * time.Second, other, 0}, {0, acme, 70 * time.Second}, {10 * time.Second, acme, 0},
		}},
		"an hour":  {github.Pace{PerHour: 3}, []writing{{0, acme, 0}, {time.Second, acme, 0}, {0, acme, 0}, {0, acme, time.Hour}, {time.Hour - time.Second, acme, 0}}},
		"a share":  {github.Pace{PerHour: 4}, []writing{{0, other, 0}, {0, acme, 0}, {0, acme, 0}, {0, acme, time.Hour}, {time.Minute, acme, 0}}},
		"no bound": {github.Pace{}, []writing{{0, acme, 0}, {0, acme, 0}, {0, acme, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPaced(t, test.pace)
			p.on("POST /api/v3/repos/acme/{repo}/issues/1/comments", 201, `{"id":1}`)
			p.on("POST "+repoURL+"/statuses/{sha}", 201, `{}`)
			for i, step := range test.steps {
				p.at = p.at.Add(step.after)
				got, want := p.comment(t, step.repo), time.Time{}
				if step.until != 0 {
					want = noon.Add(step.until)
				}
				if !got.Equal(want) {
					t.Errorf("step %d waits until %s, want %s", i, got, want)
				}
			}
			// A status tells nobody.
			is(t, p.forge.Client(0).SetStatus(t.Context(), acme, shaA, forge.Status{Context: "x", State: forge.Success}), nil)
		})
	}
}

// TestPaceOfProposals: three mutations in one document make one pull request, and what is asked of GraphQL makes nothing.
func TestPaceOfProposals(t *testing.T) {
	t.Parallel()
	p := newPaced(t, github.Pace{PerMinute: 2})
	p.on("POST /api/graphql", 200, `{"data":{"repository":{"pullRequest":{"id":"x","state":"CLOSED"}}}}`)
	p.on("GET /api/v3/repositories/7", 200, `{"id":7,"node_id":"R_7"}`)
	commit := forge.NewCommit{Parent: shaA, Message: "a\n\nb", Files: []forge.NewFile{{Path: "a"}}}
	for i, want := range []time.Time{{}, {}, noon.Add(time.Minute)} {
		if _, err := p.forge.Client(0).Disarm(t.Context(), acme, 1); err != nil {
			t.Fatal(err)
		}
		_, _, err := p.forge.Client(0).Propose(t.Context(), acme, commit, forge.NewPullRequest{HeadBranch: "x", BaseBranch: "main"})
		if got := limitedUntil(t, err); !got.Equal(want) {
			t.Errorf("proposal %d waits until %s, want %s", i, got, want)
		}
	}
}

func TestBudgetStopsBeforeItIsUsedUp(t *testing.T) {
	t.Parallel()
	p := newPaced(t, github.Pace{})
	left := 102
	p.mux.HandleFunc("GET "+repoURL+"/git/ref/heads/main", func(w http.ResponseWriter, _ *http.Request) {
		left--
		for name, value := range map[string]any{"Limit": 5000, "Remaining": left, "Reset": noon.Add(20 * time.Minute).Unix(), "Resource": "core"} {
			w.Header().Set("X-RateLimit-"+name, fmt.Sprint(value))
		}
		_, _ = fmt.Fprintf(w, `{"object":{"sha":%q}}`, shaA)
	})
	head := func() time.Time {
		_, err := p.forge.Client(0).Head(t.Context(), acme, "main")
		if err != nil && !strings.Contains(err.Error(), "GitHub lets Ferry go on at 12:20:00 UTC") {
			t.Errorf("it says %v", err)
		}
		return limitedUntil(t, err)
	}
	same(t, []time.Time{{}, {}, noon.Add(20 * time.Minute)}, []time.Time{head(), head(), head().UTC()}, nil)
	same(t, 2, len(p.requests()), nil)
	if !p.until[0].Equal(noon.Add(20 * time.Minute)) {
		t.Errorf("told was %v", p.until)
	}
	p.at = noon.Add(20 * time.Minute)
	left = 5000
	same(t, time.Time{}, head(), nil)
}

// TestGraphQLLimits: docs.github.com, "Rate limits and query limits for the GraphQL API": 200 is answered to what is over a limit, too. The words are those that
// were seen (yanyongyu/githubkit#271, cli/cli#4801). GraphQL is asked twice, and then a comment is written.
func TestGraphQLLimits(t *testing.T) {
	t.Parallel()
	const found = `{"data":{"repository":{"pullRequest":{"id":"x","state":"CLOSED"}}}}`
	reset := []string{"X-RateLimit-Reset", fmt.Sprint(noon.Add(20 * time.Minute).Unix()), "X-RateLimit-Resource", "graphql", "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining"}
	const none, later, minute = 0, 20 * time.Minute, time.Minute
	for name, test := range map[string]struct {
		answer  string
		headers []string
		wait    [3]time.Duration // of the three; none: it is sent
	}{
		"the hour's points":    {`{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for installation ID 1."}]}`, append(reset, "0"), [3]time.Duration{later, later, none}},
		"in other words":       {`{"errors":[{"type":"RATE_LIMIT","code":"graphql_rate_limit","message":"API rate limit already exceeded"}]}`, append(reset, "0"), [3]time.Duration{later, later, none}},
		"nearly all points":    {found, append(reset, "99"), [3]time.Duration{none, later, none}},
		"enough is left":       {found, append(reset, "101"), [3]time.Duration{}},
		"the secondary limit":  {`{"errors":[{"message":"You have exceeded a secondary rate limit."}]}`, []string{"Retry-After", "60"}, [3]time.Duration{minute, minute, minute}},
		"nobody says how long": {`{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}`, nil, [3]time.Duration{minute, minute, minute}},
		"content is too quick": {`{"data":{"createPullRequest":null},"errors":[{"type":"UNPROCESSABLE","message":"was submitted too quickly"}]}`, nil, [3]time.Duration{minute, minute, minute}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPaced(t, github.Pace{})
			p.on("POST /api/graphql", 200, test.answer, test.headers...)
			p.on("POST "+repoURL+"/issues/1/comments", 201, `{"id":1}`)
			ask := func() time.Time {
				_, err := p.forge.Client(0).Disarm(t.Context(), acme, 1)
				return limitedUntil(t, err)
			}
			for i, until := range []time.Time{ask(), ask(), p.comment(t, acme)} {
				if want := test.wait[i]; until.IsZero() != (want == none) || want != none && !until.Equal(noon.Add(want)) {
					t.Errorf("request %d waits until %s, want %s", i, until, want)
				}
			}
			if test.wait[1] != none && !p.until[0].Equal(noon.Add(test.wait[1])) {
				t.Errorf("told was %v", p.until)
			}
			before := len(p.requests())
			p.at = noon.Add(later)
			ask()
			same(t, before+1, len(p.requests()), nil)
		})
	}
}
