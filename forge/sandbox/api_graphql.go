package sandbox

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-chi/chi/v5"
)

// graphqlRow is GitHub's GraphQL address (docs.github.com, "Forming calls with GraphQL"; on GitHub Enterprise Server it is /api/graphql, beside /api/v3).
func graphqlRow() route {
	return route{"POST", "/graphql", byTokens, "", postGraphQL, "", ""}
}

func (s *Sandbox) graphqlRoute(mux chi.Router) {
	mux.Post("/api/graphql", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, []route{graphqlRow()}) })
}

// graphqlField finds which field of the root a query asks for. The sandbox knows the few below, each alone in its query, with what they need in variables.
var graphqlField = regexp.MustCompile(`\b(repository|disablePullRequestAutoMerge|enablePullRequestAutoMerge|dequeuePullRequest|enqueuePullRequest)\s*\(`)

type graphqlCall struct {
	Query     string `json:"query"`
	Variables struct {
		ID     string `json:"id"`
		Owner  string `json:"owner"`
		Name   string `json:"name"`
		Number int    `json:"number"`
	} `json:"variables"`
}

// postGraphQL answers 200 also to what fails, with the errors in the body, as GraphQL does.
func postGraphQL(c *call) (reply, error) {
	var in graphqlCall
	if err := json.Unmarshal(c.body, &in); err != nil {
		return reply{}, fail(http.StatusBadRequest, "Problems parsing JSON")
	}
	m := graphqlField.FindStringSubmatch(in.Query)
	if m == nil {
		return graphqlError("undefinedField", "the sandbox knows no such field")
	}
	data, err := c.graphql(m[1], in)
	var p *problem
	switch {
	case errors.As(err, &p) && p.status == http.StatusNotFound:
		return graphqlError("NOT_FOUND", "Could not resolve to a node with the global id of '"+in.Variables.ID+"'")
	case errors.As(err, &p) && p.status == http.StatusForbidden:
		return graphqlError("FORBIDDEN", "Resource not accessible by integration")
	case errors.As(err, &p):
		return graphqlError("UNPROCESSABLE", strings.Join(append(p.texts, p.message), ": "))
	case err != nil:
		return reply{}, err
	}
	return ok(object{"data": object{m[1]: data}})
}

func graphqlError(kind, message string) (reply, error) {
	return ok(object{"data": nil, "errors": []object{{"type": kind, "message": message}}})
}

func (c *call) graphql(field string, in graphqlCall) (object, error) {
	if field == "repository" {
		r := c.s.st.repo(in.Variables.Owner + "/" + in.Variables.Name)
		if r == nil || !c.client.sees(r) {
			return nil, notFound()
		}
		if err := c.client.may(r, "pull_requests:read"); err != nil {
			return nil, err
		}
		t := r.thread(in.Variables.Number)
		if t == nil || t.pull == nil {
			return nil, notFound()
		}
		return object{"pullRequest": graphqlPull(t)}, nil
	}
	r, t := c.node(in.Variables.ID)
	if t == nil {
		return nil, notFound()
	}
	if err := c.client.may(r, "pull_requests:write"); err != nil {
		return nil, err
	}
	act := map[string]func(*repository, *thread, *account) error{
		"disablePullRequestAutoMerge": c.s.disableAutoMerge, "enablePullRequestAutoMerge": c.s.enableAutoMerge, "dequeuePullRequest": c.s.dequeue, "enqueuePullRequest": c.s.enqueue,
	}[field]
	if err := act(r, t, c.client.who); err != nil {
		return nil, err
	}
	return object{"clientMutationId": nil}, nil
}

// node finds a pull request by its global id.
func (c *call) node(id string) (*repository, *thread) {
	for _, r := range c.s.st.repos {
		for _, t := range r.pullRequests() {
			if nodeID("PullRequest", t.pull.id) == id && c.client.sees(r) {
				return r, t
			}
		}
	}
	return nil, nil
}

func graphqlPull(t *thread) object {
	o := object{"id": nodeID("PullRequest", t.pull.id), "state": map[bool]string{true: "OPEN", false: "CLOSED"}[t.open], "headRefOid": t.pull.headSHA, "autoMergeRequest": nil, "mergeQueueEntry": nil}
	if t.pull.merged {
		o["state"] = "MERGED"
	}
	if x := t.pull.auto; x != nil {
		o["autoMergeRequest"] = object{"enabledBy": object{"login": x.by.login}}
	}
	if x := t.pull.queued; x != nil {
		o["mergeQueueEntry"] = object{"enqueuer": object{"login": x.by.login}}
	}
	return o
}
