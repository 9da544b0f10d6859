package github_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

func TestContractDisarm(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	c.bump(t, "ferry/dev/checkout", "1.1.0")
	p := c.pull(t, "ferry/dev/checkout")
	was, err := c.client.Disarm(ctx, c.repo, p.Number)
	same(t, forge.Armed{Open: true}, was, err)
	if err := c.sandbox.Protect("acme/environments", sandbox.Protection{Branch: "main", Rules: sandbox.Rules{Checks: []sandbox.RequiredCheck{{Context: "ci"}}}}); err != nil {
		t.Fatal(err)
	}
	if err := c.sandbox.EnableAutoMerge("acme/environments", p.Number, "ada"); err != nil {
		t.Fatal(err)
	}
	read, err := c.client.PullRequest(ctx, c.repo, p.Number)
	same(t, "ada", read.AutoMerge, err)
	was, err = c.client.Disarm(ctx, c.repo, p.Number)
	same(t, forge.Armed{Open: true, AutoMerge: "ada"}, was, err)
	read, err = c.client.PullRequest(ctx, c.repo, p.Number)
	same(t, "", read.AutoMerge, err)
	if err := c.sandbox.Enqueue("acme/environments", p.Number, "ada"); err != nil {
		t.Fatal(err)
	}
	was, err = c.client.Disarm(ctx, c.repo, p.Number)
	same(t, forge.Armed{Open: true, Queue: "ada"}, was, err)
	if err := c.sandbox.ClosePull("acme/environments", p.Number, "ada"); err != nil {
		t.Fatal(err)
	}
	was, err = c.client.Disarm(ctx, c.repo, p.Number)
	same(t, forge.Armed{}, was, err)
	_, err = c.client.Disarm(ctx, c.repo, 4711)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Disarm(ctx, c.repository(t, "beta", "environments"), 1)
	is(t, err, forge.ErrNotFound)
}

// TestGraphQLAddress: docs.github.com, "Forming calls with GraphQL", and for GitHub Enterprise Server its own page: /graphql, and /api/graphql beside /api/v3.
func TestGraphQLAddress(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{"": "/graphql", "/api/v3": "/api/graphql"} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				asked <- r.Method + " " + r.URL.Path + " " + string(body)
				_, _ = io.WriteString(w, `{"data":null,"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by integration"}]}`)
			}))
			t.Cleanup(server.Close)
			_, err := open(t, github.Config{APIURL: server.URL + api, Token: "ghp_x"}).Client(0).Disarm(t.Context(), forge.Repo{Owner: "acme", Name: "environments"}, 7)
			is(t, err, forge.ErrForbidden)
			got := <-asked
			if !strings.HasPrefix(got, "POST "+want+" ") || !strings.Contains(got, "autoMergeRequest") {
				t.Errorf("asked was %s", got)
			}
			var body struct{ Variables map[string]any }
			if _, raw, ok := strings.Cut(got, want+" "); !ok || json.Unmarshal([]byte(raw), &body) != nil || body.Variables["owner"] != "acme" || body.Variables["number"] != 7.0 {
				t.Errorf("asked was %s", got)
			}
		})
	}
}
