package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ferry/forge"
)

// Pace is how much content an installation creates at most: pull requests, issues, comments and merges, all of which tell people. 0 is no bound. GitHub
// states 80 a minute and 500 an hour (docs.github.com, "Rate limits for the REST API", about secondary rate limits).
type Pace struct {
	PerMinute int
	PerHour   int
}

// reserve is the share of GitHub's hourly limit that is left alone: one in so many requests, so that a person who looks into what is wrong with the same
// installation still can.
const reserve = 50

// budget keeps one installation within what GitHub grants it.
type budget struct {
	now     func() time.Time
	pace    Pace
	tell    func(left int, until time.Time) // left is -1 where it is not known
	writing chan struct{}                   // GitHub wants writes one after the other (docs.github.com, "Best practices for using the REST API")

	mu      sync.Mutex
	until   time.Time // nothing is sent before
	graphql time.Time // nothing is asked of GraphQL before, whose requests GitHub counts apart
	created []creation
	asked   map[string]time.Time // when each repository was to get content last
}

// creation is one request that created content.
type creation struct {
	at   time.Time
	repo string
}

func newBudget(now func() time.Time, pace Pace, tell func(left int, until time.Time)) *budget {
	return &budget{now: now, pace: pace, tell: tell, writing: make(chan struct{}, 1), asked: map[string]time.Time{}}
}

// paused says that a call has to wait: GitHub said so, or would.
type paused struct {
	until   time.Time
	reason  string
	content bool // what creates no content does not
	graphql bool // what is not asked of GraphQL does not
}

func (p *paused) Error() string {
	return fmt.Sprintf("%s; GitHub lets Ferry go on at %s", p.reason, p.until.UTC().Format("15:04:05 MST"))
}

// budgeted sends what the budget of its installation allows (docs.github.com, "Rate limits for the REST API"). go-github never sees an answer that limits
// it, because it would go on by a clock of its own.
type budgeted struct {
	base   http.RoundTripper
	budget *budget
}

// RoundTrip fails with *paused where the budget is used up, also by this answer, and then sends nothing until it is there again.
func (b *budgeted) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := b.budget.open(isGraphQL(req)); err != nil {
		return nil, err
	}
	if writes(req) {
		select {
		case b.budget.writing <- struct{}{}:
			defer func() { <-b.budget.writing }()
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
		if err := b.budget.take(req); err != nil {
			return nil, err
		}
	}
	resp, err := b.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return b.budget.heed(resp, isGraphQL(req))
}

func isGraphQL(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/graphql") }

// writes says of a request whether it may change anything: of GraphQL's, all of which are POST, what is no query.
func writes(req *http.Request) bool {
	asked, ok := req.Context().Value(queried{}).(query)
	return req.Method != http.MethodGet && (!ok || asked.writes())
}

// content returns the repository for which a request creates what tells people, "" where it does not. A document of several mutations counts once, as what
// it makes: GitHub counts requests, and of the mutations that Ferry asks for together one tells people.
func content(req *http.Request) string {
	if asked, ok := req.Context().Value(queried{}).(query); ok {
		return asked.repo.FullName()
	}
	_, rest, _ := strings.Cut(req.URL.Path, "/repos/")
	parts := strings.SplitN(rest, "/", 4)
	if len(parts) < 3 || parts[2] != "pulls" && parts[2] != "issues" {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// open fails where nothing may be sent now.
func (b *budget) open(graphql bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	switch {
	case now.Before(b.until):
		return &paused{until: b.until, reason: "the budget of requests is used up"}
	case graphql && now.Before(b.graphql):
		return &paused{until: b.graphql, reason: "the budget of GraphQL's requests is used up", graphql: true}
	}
	return nil
}

// take counts a request that creates content. It fails where more would come too fast, for the installation or for one repository of several that
// create some: none of them takes the others' share.
func (b *budget) take(req *http.Request) error {
	repo := content(req)
	if repo == "" {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.asked[repo] = now
	for name, at := range b.asked {
		if now.Sub(at) >= time.Minute {
			delete(b.asked, name)
		}
	}
	for len(b.created) > 0 && now.Sub(b.created[0].at) >= time.Hour {
		b.created = b.created[1:]
	}
	until := maxTime(b.full(repo, b.pace.PerMinute, time.Minute, now), b.full(repo, b.pace.PerHour, time.Hour, now))
	if until.IsZero() {
		b.created = append(b.created, creation{now, repo})
		return nil
	}
	b.tell(-1, until)
	return &paused{until: until, reason: "pull requests, issues and comments are written no faster than GitHub allows", content: true}
}

// full returns when a window has room again for a repository, the zero time where it has some.
func (b *budget) full(repo string, most int, window time.Duration, now time.Time) (until time.Time) {
	if most == 0 {
		return time.Time{}
	}
	var all, own []time.Time
	for _, c := range b.created {
		if now.Sub(c.at) >= window {
			continue
		}
		all = append(all, c.at)
		if c.repo == repo {
			own = append(own, c.at)
		}
	}
	if len(all) >= most {
		until = all[len(all)-most].Add(window)
	}
	if share := max(1, most/len(b.asked)); len(own) >= share {
		until = maxTime(until, own[len(own)-share].Add(window))
	}
	return until
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// heed reads what an answer says of the budget. It fails with *paused where the answer is that there is none left: GraphQL answers 200 to that too (docs.github.com,
// "Rate limits and query limits for the GraphQL API"), and what it did before it came to that is not looked at.
func (b *budget) heed(resp *http.Response, graphql bool) (*http.Response, error) {
	b.count(resp.Header)
	inBand := graphql && resp.StatusCode == http.StatusOK
	if !inBand && resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return unlimited(resp), nil
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	status, text := judged(resp.StatusCode, body)
	limited, ok := forbidden(status, resp.Header, strings.ToLower(text), b.now()).(*forge.RateLimited)
	if !ok || status == http.StatusOK {
		return unlimited(resp), nil
	}
	alone := graphql && resp.Header.Get("Retry-After") == "" && resp.Header.Get("X-RateLimit-Remaining") == "0"
	b.close(limited.Until, alone)
	return nil, &paused{until: limited.Until, graphql: alone, reason: fmt.Sprintf("GitHub answered %d: %s", resp.StatusCode, text)}
}

// judged returns what an answer says, and the status to judge it by: of one in which GraphQL tells of a limit, that of a limit.
func judged(status int, body []byte) (as int, text string) {
	var said struct {
		Message string           `json:"message"`
		Errors  []graphqlProblem `json:"errors"`
	}
	_ = json.Unmarshal(body, &said) // what is no JSON is judged by its header
	if i := slices.IndexFunc(said.Errors, graphqlProblem.limits); i >= 0 && status == http.StatusOK {
		return http.StatusTooManyRequests, said.Errors[i].Message
	}
	return status, said.Message
}

// unlimited takes from an answer what go-github would wait for by the machine's clock.
func unlimited(resp *http.Response) *http.Response {
	for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
		resp.Header.Del(name)
	}
	return resp
}

// count reads how many requests are left, and stops a little before there are none.
func (b *budget) count(header http.Header) {
	resource := header.Get("X-RateLimit-Resource")
	left, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	if err != nil || resource != "" && resource != "core" && resource != "graphql" {
		return
	}
	limit, _ := strconv.Atoi(header.Get("X-RateLimit-Limit"))
	reset, _ := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if back := time.Unix(reset, 0); left <= limit/reserve && back.After(b.now()) {
		b.close(back, resource == "graphql")
	}
	if resource != "graphql" {
		b.tell(left, time.Time{})
	}
}

// close lets nothing be sent until then, or nothing be asked of GraphQL alone. What is closed for longer stays so.
func (b *budget) close(until time.Time, graphql bool) {
	b.mu.Lock()
	closed := &b.until
	if graphql {
		closed = &b.graphql
	}
	*closed = maxTime(*closed, until)
	until = *closed
	b.mu.Unlock()
	b.tell(-1, until)
}
