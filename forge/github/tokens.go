package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"ferry/forge"
)

// withheld says why a call was not sent.
type withheld struct{ reason string }

func (w *withheld) Error() string { return w.reason }

// tokens are an installation's: one for each repository and set of permissions that calls are made with, so that what one of them may do is what its
// calls need, and nothing in any other repository.
type tokens struct {
	forge        *Forge
	installation int64

	mu      sync.Mutex
	made    map[order]*conditional
	numbers map[string]int64 // of repositories that are called by a name they had before
}

func (t *tokens) of(o order) *conditional {
	t.mu.Lock()
	defer t.mu.Unlock()
	if number := t.numbers[o.name]; number != 0 {
		o.id, o.name = number, ""
	}
	found := t.made[o]
	if found == nil {
		found = &conditional{base: &installed{fresh: func() *ghinstallation.Transport { return t.forge.signing(t.installation, o) }}, kept: t.forge.kept}
		t.made[o] = found
	}
	return found
}

// signing returns a transport that signs in as an installation with what is ordered.
func (f *Forge) signing(installation int64, o order) *ghinstallation.Transport {
	// An App transport of its own for each: ghinstallation writes into it whenever it fetches a token.
	app := ghinstallation.NewAppsTransportFromPrivateKey(f.carrier, f.appID, f.key)
	app.BaseURL = f.base.String()
	transport := ghinstallation.NewFromAppsTransport(app, installation)
	options := &gh.InstallationTokenOptions{Permissions: &gh.InstallationPermissions{}}
	switch {
	case o.id != 0:
		options.RepositoryIDs = []int64{o.id}
	case o.name != "":
		options.Repositories = []string{o.name}
	}
	text, _ := json.Marshal(o.permissions())      // strings by strings
	_ = json.Unmarshal(text, options.Permissions) // go-github's names are GitHub's
	transport.InstallationTokenOptions = options
	return transport
}

// scoped sends each request with the token of its call and repository.
type scoped struct {
	tokens *tokens
	routes *routes

	mu          sync.Mutex
	environment forge.Repo // what the client is for; the zero value for everything
}

// learn takes over the name that a repository has by now.
func (s *scoped) learn(repo forge.Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.environment.ID == repo.ID {
		s.environment = repo
	}
}

// RoundTrip fails with *withheld where the call is none of Ferry's, or none for that repository, and sends nothing then.
func (s *scoped) RoundTrip(req *http.Request) (*http.Response, error) {
	o, err := s.order(req)
	if err != nil {
		return nil, err
	}
	resp, err := s.tokens.of(o).RoundTrip(req)
	var failure *tokenError
	if !errors.As(err, &failure) || failure.status != http.StatusUnprocessableEntity {
		return resp, err
	}
	if again, ok := replay(req); ok && s.renamed(req, o) {
		return s.tokens.of(o).RoundTrip(again)
	}
	failure.text += s.tokens.lacking(req.Context(), o)
	return nil, err
}

// renamed finds out whether a repository is called by a name that it had before: GitHub redirects that, but may make no token for it. From then on its
// number is known.
func (s *scoped) renamed(req *http.Request, o order) bool {
	_, segments, ok := s.routes.find(req.Method, req.URL.EscapedPath())
	if o.name == "" || !ok || segments[0] != "repos" {
		return false
	}
	f := s.tokens.forge
	reader := f.api(s.tokens.of(order{needs: needMetadata}))
	found := struct{ ID int64 }{}
	lookup, err := reader.NewRequest(http.MethodGet, strings.Join(segments[:3], "/"), nil)
	if err == nil {
		_, err = reader.Do(req.Context(), lookup, &found)
	}
	if err != nil || found.ID == 0 {
		return false
	}
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	s.tokens.numbers[o.name] = found.ID
	return true
}

func (s *scoped) order(req *http.Request) (order, error) {
	for req.Response != nil { // GitHub redirects what was renamed to an address that tells less
		req = req.Response.Request
	}
	s.mu.Lock()
	environment := s.environment
	s.mu.Unlock()
	if asked, ok := req.Context().Value(queried{}).(query); ok {
		return order{name: asked.repo.Name, needs: asked.needs}.at(asked.repo.Owner, environment)
	}
	c, segments, ok := s.routes.find(req.Method, req.URL.EscapedPath())
	if !ok || c.needs == needAppCredential {
		return order{}, &withheld{fmt.Sprintf("%s %s is no call of Ferry's", req.Method, s.routes.of(req.URL.EscapedPath()))}
	}
	return orderOf(c, segments, environment)
}

// query is what a call of the GraphQL API is about, which its address does not tell.
type query struct {
	repo  forge.Repo
	needs string
}

func (q query) writes() bool { return strings.Contains(q.needs, ":write") }

type queried struct{}

// asking adds to a context what a GraphQL text is about: the permissions of all fields that it has at its root, unless they are known already.
func asking(ctx context.Context, repo forge.Repo, text string) context.Context {
	if _, known := ctx.Value(queried{}).(query); known {
		return ctx
	}
	needs := map[string]bool{}
	for _, c := range calls() {
		if field, ok := strings.CutPrefix(c.path, "graphql/"); ok && strings.Contains(text, field+"(") {
			for need := range strings.FieldsSeq(c.needs) {
				needs[need] = true
			}
		}
	}
	return context.WithValue(ctx, queried{}, query{repo, strings.Join(slices.Sorted(maps.Keys(needs)), " ")})
}

// lacking says which permissions of an order the installation was not given, and where its owner gives them; nothing where it has them all. It asks GitHub.
func (t *tokens) lacking(ctx context.Context, o order) string {
	found, _, err := t.forge.app.api.Apps.GetInstallation(ctx, t.installation)
	if err != nil {
		return ""
	}
	var have map[string]string
	text, err := json.Marshal(found.GetPermissions())
	if err != nil || json.Unmarshal(text, &have) != nil {
		return ""
	}
	var missing []string
	for name, level := range o.permissions() {
		if have[name] != level && have[name] != "write" {
			missing = append(missing, name+": "+level)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	slices.Sort(missing)
	return fmt.Sprintf(" Ferry's App lacks %s; the owner of %s gives it at %s", strings.Join(missing, " and "), found.GetAccount().GetLogin(), found.GetHTMLURL())
}

// installed signs in with one order as one installation. Its tokens last an hour and are replaced a minute early; one that GitHub refuses
// before (it was revoked, or this machine's clock is slow) is replaced at once and the request made once more.
type installed struct {
	fresh func() *ghinstallation.Transport

	mu      sync.Mutex
	current *ghinstallation.Transport
}

func (i *installed) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := i.use(nil)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, tokenFailure(err)
	}
	again, ok := replay(req)
	if resp.StatusCode != http.StatusUnauthorized || !ok {
		return resp, nil
	}
	_ = resp.Body.Close()
	resp, err = i.use(transport).RoundTrip(again)
	if err != nil {
		return nil, tokenFailure(err)
	}
	return resp, nil
}

// use returns the current transport, a new one where the current one is refused.
func (i *installed) use(refused *ghinstallation.Transport) *ghinstallation.Transport {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.current == nil || i.current == refused {
		i.current = i.fresh()
	}
	return i.current
}

func replay(req *http.Request) (*http.Request, bool) {
	again := req.Clone(req.Context())
	if req.Body == nil {
		return again, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err == nil
}
