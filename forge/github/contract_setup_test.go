package github_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/github"
	"ferry/forge/sandbox"
)

// contract is the sandbox with one repository into which Ferry's App was let, and every exchange validated against GitHub's
// own description.
type contract struct {
	sandbox *sandbox.Sandbox
	server  *httptest.Server
	forge   *github.Forge
	client  *github.Client
	number  int64 // the installation
	repo    forge.Repo
	ada     sandbox.User
	bot     sandbox.User
	private []byte // the App's key
	public  []byte
	made    map[string]bool // the calls, as "METHOD route"
}

const kustomization = "images:\n- name: ghcr.io/acme/checkout\n  newTag: 1.0.0\n"

func newContract(t *testing.T) *contract {
	t.Helper()
	c := &contract{}
	var err error
	if c.sandbox, err = sandbox.New(sandbox.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.sandbox.Close)
	c.server = httptest.NewServer(forgetest.Validated(t, c.sandbox.Handler()))
	t.Cleanup(c.server.Close)
	c.sandbox.SetURL(c.server.URL)
	c.ada = c.sandbox.AddUser("ada")
	c.repo = c.repository(t, "acme", "environments")
	if err := c.sandbox.SetPermission("acme/environments", "ada", forge.PermissionMaintain); err != nil {
		t.Fatal(err)
	}
	c.install(t)
	return c
}

func (c *contract) repository(t *testing.T, owner, name string) forge.Repo {
	t.Helper()
	repo, err := c.sandbox.AddRepository(owner, name, map[string]string{
		"apps/checkout/dev/kustomization.yaml": kustomization, "README.md": "Environments\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func (c *contract) install(t *testing.T) {
	t.Helper()
	private, public := appKey(t)
	c.private = private
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	c.public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	c.bot, err = c.sandbox.AddApp(sandbox.AppSpec{ID: 42, Slug: "ferry", PublicKey: c.public})
	if err != nil {
		t.Fatal(err)
	}
	if c.number, err = c.sandbox.Install(42, "acme", "acme/environments"); err != nil {
		t.Fatal(err)
	}
	c.tap(t, nil)
}

// tap signs the App in anew, over another carrier where one is given.
func (c *contract) tap(t *testing.T, carrier http.RoundTripper) {
	t.Helper()
	var mu sync.Mutex
	c.made = map[string]bool{}
	c.forge = open(t, github.Config{APIURL: c.server.URL + "/api/v3", AppID: 42, AppKey: c.private, HTTP: carrier, Observe: func(method, route string, _ int) {
		mu.Lock()
		defer mu.Unlock()
		c.made[method+" "+route] = true
	}})
	c.client = c.forge.Client(c.number)
}

func (c *contract) head(t *testing.T, branch string) forge.SHA {
	t.Helper()
	head, err := c.client.Head(t.Context(), c.repo, branch)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// bump makes a branch with one commit on main that changes the tag.
func (c *contract) bump(t *testing.T, branch, tag string) forge.SHA {
	t.Helper()
	made, err := c.client.CreateCommit(t.Context(), c.repo, forge.NewCommit{
		Parent: c.head(t, "main"), Message: "checkout " + tag,
		Files: []forge.NewFile{{Path: "apps/checkout/dev/kustomization.yaml", Content: []byte(strings.Replace(kustomization, "1.0.0", tag, 1))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.client.CreateBranch(t.Context(), c.repo, branch, made.SHA); err != nil {
		t.Fatal(err)
	}
	return made.SHA
}

func (c *contract) pull(t *testing.T, branch string) forge.PullRequest {
	t.Helper()
	pull, err := c.client.OpenPullRequest(t.Context(), c.repo, forge.NewPullRequest{HeadBranch: branch, BaseBranch: "main", Title: "checkout", Body: "body"})
	if err != nil {
		t.Fatal(err)
	}
	return pull
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
