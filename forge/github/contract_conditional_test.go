package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"ferry/forge"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// answered notes how each GET was answered, tokens not counted.
type answered struct {
	mu   sync.Mutex
	seen []int
}

func (a *answered) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil && req.Method == http.MethodGet {
		a.mu.Lock()
		a.seen = append(a.seen, resp.StatusCode)
		a.mu.Unlock()
	}
	return resp, err
}

// take returns what came since it was asked last.
func (a *answered) take() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := strings.Trim(fmt.Sprint(a.seen), "[]")
	a.seen = nil
	return text
}

// TestContractConditional: what was read before is read again only where it has changed; what comes of it is the same. Nothing that was read with one token
// is given to another.
func TestContractConditional(t *testing.T) {
	t.Parallel()
	c, ctx := newContract(t), t.Context()
	seen := &answered{}
	c.tap(t, seen)
	main := c.head(t, "main")
	same(t, "200", seen.take(), nil)
	same(t, main, c.head(t, "main"), nil)
	same(t, "304", seen.take(), nil)
	next, err := c.sandbox.Commit("acme/environments", sandbox.Edit{As: "ada", Message: "m", Files: map[string]string{"a": "b"}})
	same(t, next, c.head(t, "main"), err)
	same(t, "200", seen.take(), nil)

	for i := range 101 { // two pages
		is(t, c.sandbox.SetStatus("acme/environments", next, "ada", forge.Status{Context: fmt.Sprint("ci", i), State: forge.Success}), nil)
	}
	for _, want := range []string{"200 200", "304 304"} {
		posted, err := c.client.Statuses(ctx, c.repo, next)
		same(t, 101, len(posted), err)
		same(t, want, seen.take(), nil)
	}
	_, err = c.client.Commit(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	_, err = c.client.Commit(ctx, c.repo, shaA)
	is(t, err, forge.ErrNotFound)
	same(t, "404 404", seen.take(), nil)

	c.forge.Forget(c.number) // signs in anew
	same(t, next, must(t)(c.forge.Client(c.number).Head(ctx, c.repo, "main")), nil)
	same(t, "200", seen.take(), nil)
}

func must(t *testing.T) func(forge.SHA, error) forge.SHA {
	return func(sha forge.SHA, err error) forge.SHA {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
}

// TestContractConditionalIsBounded: what is large is not kept, and of the rest what was used last.
func TestContractConditionalIsBounded(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	const blobs, part = 20, 1 << 20
	f.mux.HandleFunc(repoURL+"/git/blobs/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"x"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		size := part
		if strings.HasSuffix(r.URL.Path, string(shaB)) {
			size = 3 * part
		}
		_, _ = fmt.Fprintf(w, `{"encoding":"utf-8","content":%q}`, strings.Repeat("x", size))
	})
	seen := &answered{}
	client := open(t, github.Config{APIURL: f.URL + "/api/v3", Token: testToken, HTTP: seen}).Client(0)
	read := func(sha forge.SHA) string {
		t.Helper()
		content, err := client.Blob(t.Context(), acme, sha)
		if err != nil || len(content) < part {
			t.Fatalf("%d bytes, %v", len(content), err)
		}
		return seen.take()
	}
	at := func(i int) forge.SHA { return forge.SHA(fmt.Sprintf("%040d", i+1)) }
	for i := range blobs {
		same(t, "200", read(at(i)), nil)
		same(t, "304", read(at(0)), nil)
	}
	same(t, "304", read(at(blobs-1)), nil)
	same(t, "200", read(at(1)), nil) // it had to go
	for range 2 {
		same(t, "200", read(shaB), nil)
	}
}
