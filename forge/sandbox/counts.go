package sandbox

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
)

// counts is how often each client called each route of the API.
type counts struct {
	mu sync.Mutex
	n  map[string]map[string]int
}

func newCounts() *counts { return &counts{n: map[string]map[string]int{}} }

func (c *counts) add(client, route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[client] == nil {
		c.n[client] = map[string]int{}
	}
	c.n[client][route]++
}

// counted names the request's route; one of GraphQL that only reads is a QUERY.
func (c *call) counted(row route) string {
	var asked struct{ Query string }
	if row.path == graphqlPath && json.Unmarshal(c.body, &asked) == nil && strings.HasPrefix(asked.Query, "query") {
		return "QUERY " + row.path
	}
	return c.r.Method + " " + row.path
}

// Requests returns how often each client called each route of the API since the last ResetRequests, also where that failed, by client ("app/ferry",
// "installation/1042", "user/ann", "anonymous") and route ("GET /repos/{owner}/{repo}"; "QUERY /graphql" is one of GraphQL that only reads).
func (s *Sandbox) Requests() map[string]map[string]int {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	all := map[string]map[string]int{}
	for client, routes := range s.counts.n {
		all[client] = maps.Clone(routes)
	}
	return all
}

// ResetRequests starts the count anew.
func (s *Sandbox) ResetRequests() {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	s.counts.n = map[string]map[string]int{}
}
