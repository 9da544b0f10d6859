package sandbox

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// GitHub's numbers (docs.github.com, "Rate limits for the REST API"): an hour's requests of an installation or a person,
// and of nobody.
const (
	hourlyLimit  = 5000
	nobodysLimit = 60
)

const limitDocs = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"

// Limits are the rate limits that the sandbox enforces, each client's own, and of GraphQL's apart (docs.github.com, "Rate limits and query limits for the
// GraphQL API": what is over them is answered with 200). The zero value enforces none; the headers that tell the primary one are there all the same.
type Limits struct {
	// PerHour is the primary limit: requests in an hour from a client's first, answers of 304 to who
	// has a token and GET /rate_limit not counted. 0: GitHub's 5,000 are shown and nothing is refused.
	PerHour int `json:"per_hour"`
	// WritesPerMinute is the secondary limit of requests that create content: every POST, PATCH, PUT and DELETE of a minute.
	// GitHub's own is 80. 0: none.
	WritesPerMinute int `json:"writes_per_minute"`
	// Unlimited takes all of it away, as on a GitHub Enterprise Server whose owner has not switched limits on: nothing tells of one, and GET /rate_limit is 404
	// (docs.github.com, GitHub Enterprise Server, "Configuring rate limits").
	Unlimited bool `json:"unlimited"`
	// Status is what a refusal is answered with, 403 or 429; GitHub uses both. 0: 403.
	Status int `json:"status"`
}

// SetLimits changes the limits and lets every client begin anew.
func (s *Sandbox) SetLimits(x Limits) {
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	s.meters.limits, s.meters.clients = x, map[string]*meter{}
}

// meters count what clients have used.
type meters struct {
	now func() time.Time

	mu      sync.Mutex
	limits  Limits
	clients map[string]*meter
}

type meter struct {
	begun  time.Time
	used   int
	writes []time.Time // of the last minute
}

func newMeters(now func() time.Time) *meters { return &meters{now: now, clients: map[string]*meter{}} }

// balance is what a client has left.
type balance struct {
	resource               string
	limit, used, remaining int
	reset                  time.Time
}

func (m *meters) balance(client, resource string) balance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.balanceOf(m.of(client, resource), client, resource)
}

// of returns a client's meter, a fresh one where an hour is over.
func (m *meters) of(client, resource string) *meter {
	x := m.clients[client+" "+resource]
	if x == nil || !m.now().Before(x.begun.Add(time.Hour)) {
		x = &meter{begun: m.now().Truncate(time.Second)}
		m.clients[client+" "+resource] = x
	}
	return x
}

// What GitHub counts requests as.
const (
	coreResource    = "core"
	graphqlResource = "graphql"
)

func (c *call) resource() string {
	if strings.HasSuffix(c.r.URL.Path, graphqlPath) {
		return graphqlResource
	}
	return coreResource
}

func (m *meters) balanceOf(x *meter, client, resource string) balance {
	b := balance{resource: resource, limit: hourlyLimit, reset: x.begun.Add(time.Hour)}
	if client == anonymous {
		b.limit = nobodysLimit
	}
	if m.limits.PerHour > 0 {
		b.limit = min(m.limits.PerHour, b.limit)
		b.used = min(x.used, b.limit)
	} else {
		b.used = min(x.used, b.limit/2) // a client that reads that little is left stops by itself
	}
	b.remaining = b.limit - b.used
	return b
}

func (b balance) write(h http.Header) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(b.remaining))
	h.Set("X-RateLimit-Used", strconv.Itoa(b.used))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", b.resource)
}

// show writes the headers of a client's limit.
func (m *meters) show(c *call, h http.Header) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.limits.Unlimited {
		m.balanceOf(m.of(c.client.name, c.resource()), c.client.name, c.resource()).write(h)
	}
}

// charge counts an answer and writes the headers.
func (m *meters) charge(c *call, h http.Header) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.of(c.client.name, c.resource())
	if m.limits.Unlimited {
		return
	}
	if !strings.HasSuffix(c.r.URL.Path, "/rate_limit") {
		x.used++
	}
	m.balanceOf(x, c.client.name, c.resource()).write(h)
}

// admit fails where a client is over a limit.
func (m *meters) admit(c *call, row route) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limits.Unlimited && row.path == "/rate_limit" {
		return fail(http.StatusNotFound, "Rate limiting is not enabled.")
	}
	if m.limits.Unlimited || row.path == "/rate_limit" {
		return nil
	}
	x, now := m.of(c.client.name, c.resource()), m.now()
	b := m.balanceOf(x, c.client.name, c.resource())
	if b.remaining <= 0 {
		return m.primary(c.client, b).in(b.resource)
	}
	if c.r.Method == http.MethodGet || m.limits.WritesPerMinute == 0 || row.by == byApp {
		return nil
	}
	for len(x.writes) > 0 && !now.Before(x.writes[0].Add(time.Minute)) {
		x.writes = x.writes[1:]
	}
	if len(x.writes) >= m.limits.WritesPerMinute {
		return m.secondary(b, x.writes[0].Add(time.Minute).Sub(now)).in(b.resource)
	}
	x.writes = append(x.writes, now)
	return nil
}

func (m *meters) status() int {
	if m.limits.Status != 0 {
		return m.limits.Status
	}
	return http.StatusForbidden
}

func (m *meters) primary(who *client, b balance) *problem {
	name := "user ID " + strings.TrimPrefix(who.name, "user/")
	switch {
	case who.grant != nil:
		name = fmt.Sprintf("installation ID %d", who.grant.installation.id)
	case who.who == nil:
		name = "127.0.0.1"
	}
	p := fail(m.status(), "API rate limit exceeded for %s.", name)
	p.docs, p.free, p.header = limitDocs, true, b.headers()
	return p
}

func (m *meters) secondary(b balance, wait time.Duration) *problem {
	p := tooFast(m.status(), wait)
	for k, v := range b.headers() {
		p.header[k] = v
	}
	return p
}

// in says a refusal as GraphQL does, where it is one of GraphQL's.
func (p *problem) in(resource string) *problem {
	if resource == graphqlResource {
		p.status, p.kind = http.StatusOK, "RATE_LIMITED"
	}
	return p
}

func (b balance) headers() map[string]string {
	h := http.Header{}
	b.write(h)
	all := map[string]string{}
	for k := range h {
		all[k] = h.Get(k)
	}
	return all
}

// tooFast is GitHub's answer to a client over a secondary limit.
func tooFast(status int, wait time.Duration) *problem {
	p := fail(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	p.docs, p.free = limitDocs+"#about-secondary-rate-limits", true
	p.header = map[string]string{"Retry-After": strconv.Itoa(int(math.Ceil(wait.Seconds())))}
	return p
}
