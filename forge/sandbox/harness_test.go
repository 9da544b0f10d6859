package sandbox_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"ferry/forge"
	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
)

const (
	appID  = 7
	secret = "a webhook secret"
)

// signingKey is made once: it takes long and is no test's subject.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// world is a sandbox with one repository, two people and an App that is installed on it.
type world struct {
	t       *testing.T
	forge   *sandbox.Sandbox
	url     string
	repo    forge.Repo
	ann     sandbox.User // may write
	bob     sandbox.User // may only read
	bot     sandbox.User
	install int64
	clock   *clock
	inbox   *inbox
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// inbox receives webhooks.
type inbox struct {
	mu   sync.Mutex
	got  []hook
	code int
}

type hook struct {
	header http.Header
	raw    []byte
	body   map[string]any
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	h := hook{header: r.Header, raw: raw}
	_ = json.Unmarshal(raw, &h.body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, h)
	w.WriteHeader(i.code)
}

func (i *inbox) events() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var names []string
	for _, h := range i.got {
		name := h.header.Get("X-GitHub-Event")
		if action, ok := h.body["action"].(string); ok {
			name += "." + action
		}
		names = append(names, name)
	}
	return names
}

func (i *inbox) clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = nil
}

// last returns the newest webhook of an event.
func (i *inbox) last(t *testing.T, event string) hook {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := len(i.got) - 1; n >= 0; n-- {
		if i.got[n].header.Get("X-GitHub-Event") == event {
			return i.got[n]
		}
	}
	t.Fatalf("no webhook %s", event)
	return hook{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, inbox: &inbox{code: http.StatusAccepted}}
	var err error
	if w.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: w.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.forge.Close)
	w.url = serve(t, w.forge)
	w.furnish(w.hooks())
	w.flush()
	return w
}

// furnish gives a new sandbox its repository, its people and its App.
func (w *world) furnish(hooks string) {
	w.t.Helper()
	var err error
	if w.repo, err = w.forge.AddRepository("acme", "environments", map[string]string{"README.md": "# Environments\n", "apps/shop/dev/kustomization.yaml": "images:\n- name: shop\n  newTag: \"1\"\n"}); err != nil {
		w.t.Fatal(err)
	}
	w.ann, w.bob = w.forge.AddUser("ann"), w.forge.AddUser("bob")
	w.grant("ann", forge.PermissionWrite)
	w.bot = addApp(w.t, w.forge, sandbox.AppSpec{WebhookURL: hooks})
	if w.install, err = w.forge.Install(appID, "acme", repoName); err != nil {
		w.t.Fatal(err)
	}
}

// serve starts a server for a sandbox, with every exchange of its API validated, and returns its address.
func serve(t *testing.T, f *sandbox.Sandbox) string {
	t.Helper()
	server := httptest.NewServer(forgetest.Validated(t, f.Handler()))
	t.Cleanup(server.Close)
	f.SetURL(server.URL)
	return server.URL
}

// plain starts a server for a sandbox where GitHub itself does not keep to its description, or where nothing is answered.
func plain(t *testing.T, f *sandbox.Sandbox) string {
	t.Helper()
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

func publicKey(t *testing.T) []byte {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func addApp(t *testing.T, f *sandbox.Sandbox, spec sandbox.AppSpec) sandbox.User {
	t.Helper()
	spec.ID, spec.Slug, spec.WebhookSecret, spec.PublicKey = appID, "ferry", secret, publicKey(t)
	bot, err := f.AddApp(spec)
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

// flush waits until every webhook was delivered.
func (w *world) flush() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := w.forge.Flush(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// jwt signs an App JWT that was issued and expires so long after now.
func (w *world) jwt(issued, expires time.Duration) string {
	w.t.Helper()
	key, err := signingKey()
	if err != nil {
		w.t.Fatal(err)
	}
	now := w.clock.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": fmt.Sprint(appID), "iat": now.Add(issued).Unix(), "exp": now.Add(expires).Unix()}).SignedString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// token gets an installation token, narrowed as order says.
func (w *world) token(order string) string {
	w.t.Helper()
	got := w.call(w.jwt(-time.Minute, 9*time.Minute), "POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.install), order, 201)
	return got.str("token")
}

// result is an answer of the API.
type result struct {
	t      *testing.T
	header http.Header
	raw    []byte
}

// call calls the API and fails the test where the status is another than want. Below /repos a path may begin with "~",
// which stands for the world's repository.
func (w *world) call(token, method, path, body string, want int) result {
	w.t.Helper()
	return w.callWith(token, method, path, body, nil, want)
}

func (w *world) callWith(token, method, path, body string, header map[string]string, want int) result {
	w.t.Helper()
	req := w.request(method, "/api/v3"+strings.Replace(path, "~", "/repos/acme/environments", 1), body)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return w.do(req, want)
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return req
}

// do sends a request and fails the test where the status is another than want.
func (w *world) do(req *http.Request, want int) result {
	w.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != want {
		w.t.Fatalf("%s %s = %d, want %d: %s", req.Method, req.URL.Path, res.StatusCode, want, raw)
	}
	return result{t: w.t, header: res.Header, raw: raw}
}

// get returns the value at a path of keys and indexes: "commits.0.sha".
func (r result) get(path string) any {
	r.t.Helper()
	dec := json.NewDecoder(bytes.NewReader(r.raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		r.t.Fatalf("%v: %s", err, r.raw)
	}
	if path == "" {
		return v
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(x) {
				r.t.Fatalf("%s: no %q among %d: %s", path, key, len(x), r.raw)
			}
			v = x[i]
		default:
			r.t.Fatalf("%s: nothing at %q in %s", path, key, r.raw)
		}
	}
	return v
}

func (r result) str(path string) string {
	r.t.Helper()
	return fmt.Sprint(r.get(path))
}

func (r result) size(path string) int {
	r.t.Helper()
	list, ok := r.get(path).([]any)
	if !ok {
		r.t.Fatalf("%q is no list in %s", path, r.raw)
	}
	return len(list)
}

// want checks values by their paths.
func (r result) want(values map[string]string) result {
	r.t.Helper()
	for path, value := range values {
		if got := r.str(path); got != value {
			r.t.Errorf("%s = %q, want %q", path, got, value)
		}
	}
	return r
}

// commitOn makes a commit with the API on a new branch off main and returns it.
func (w *world) commitOn(token, branch, path, content string) string {
	w.t.Helper()
	main := w.call(token, "GET", "~/git/ref/heads/main", "", 200).str("object.sha")
	tree := w.call(token, "GET", "~/git/commits/"+main, "", 200).str("tree.sha")
	made := w.call(token, "POST", "~/git/trees", fmt.Sprintf(`{"base_tree":%q,"tree":[{"path":%q,"mode":"100644","type":"blob","content":%q}]}`, tree, path, content), 201).str("sha")
	sha := w.call(token, "POST", "~/git/commits", fmt.Sprintf(`{"message":"change %s","tree":%q,"parents":[%q]}`, path, made, main), 201).str("sha")
	w.call(token, "POST", "~/git/refs", fmt.Sprintf(`{"ref":"refs/heads/%s","sha":%q}`, branch, sha), 201)
	return sha
}

// openPull opens a pull request of a new branch with one commit and returns its number and head.
func (w *world) openPull(token, branch, path string) (string, string) {
	w.t.Helper()
	sha := w.commitOn(token, branch, path, "content of "+branch+"\n")
	n := w.call(token, "POST", "~/pulls", fmt.Sprintf(`{"title":"Promote %s","head":%q,"base":"main","body":"a body"}`, branch, branch), 201).str("number")
	return n, sha
}
