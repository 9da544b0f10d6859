package sandbox_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"ferry/forge"
)

// browser is a person's browser: it keeps cookies and says where a form comes from.
type browser struct {
	w      *world
	client *http.Client
}

func newBrowser(w *world) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar}}
}

func (b *browser) get(path string, want int) string {
	b.w.t.Helper()
	res, err := b.client.Get(b.w.url + path)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.read(res, path, want)
}

func (b *browser) read(res *http.Response, path string, want int) string {
	b.w.t.Helper()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	if res.StatusCode != want {
		b.w.t.Fatalf("%s = %d, want %d: %s", path, res.StatusCode, want, body)
	}
	return string(body)
}

func (b *browser) post(path, origin string, form map[string]string, want int) string {
	b.w.t.Helper()
	values := url.Values{}
	for k, v := range form {
		values.Set(k, v)
	}
	req, err := http.NewRequest("POST", b.w.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin)
	res, err := b.client.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.read(res, path, want)
}

func mustContain(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestPagesShowEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(w)
	_, sha := w.openPull(w.token(""), "ferry/staging/shop", "a<b>.yaml")
	if err := w.forge.SetStatus("acme/environments", forge.SHA(sha), "ann", forge.Status{Context: "ferry/gates", State: forge.Pending, Description: "soak & <wait>", URL: "javascript:alert(1)"}); err != nil {
		t.Fatal(err)
	}
	if err := w.forge.EditThread("acme/environments", 1, "ann", "<script>alert(1)</script>", "# A <script>\n\n| a | b |\n|---|---|\n| `x|` | **y** |"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.forge.OpenIssue("acme/environments", "bob", "A question", "why?"); err != nil {
		t.Fatal(err)
	}
	mustContain(t, b.get("/", 200), "acme/environments", "<b>1</b> open pull request<")
	mustContain(t, b.get("/acme/environments", 200), "git clone "+w.url+"/acme/environments.git", "A question", "ferry/staging/shop", "&lt;script&gt;")
	pull := b.get("/acme/environments/pull/1", 200)
	mustContain(t, pull, "soak &amp; &lt;wait&gt;", "A &lt;script&gt;", "<strong>y</strong>", "a&lt;b&gt;.yaml", "&#43;content of", "ann (write)", "no conflicts")
	for _, bad := range []string{"<script", "javascript:"} {
		if strings.Contains(pull, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	mustContain(t, b.get("/acme/environments/commit/"+sha, 200), "change a&lt;b&gt;.yaml", "ferry/gates")
	mustContain(t, b.get("/acme/environments/issues/2", 200), "why?")
	mustContain(t, b.get("/acme/environments/tree/ferry/staging/shop", 200), "apps/", "README.md")
	mustContain(t, b.get("/acme/environments/blob/main/apps/shop/dev/kustomization.yaml", 200), "newTag: &#34;1&#34;")
	mustContain(t, b.get("/style.css", 200), "body")
	for _, path := range []string{"/nothing", "/acme/none", "/acme/environments/pull/9", "/acme/environments/pull/x", "/acme/environments/commit/none", "/acme/environments/tree/none", "/acme/environments/blob/main/none", "/a/b/c/d/e"} {
		b.get(path, 404)
	}
}

func TestPeopleActOnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(w)
	n, _ := w.openPull(w.token(""), "change", "a")
	path := "/acme/environments/pull/" + n
	mustContain(t, b.post(path+"/comment", w.url, map[string]string{"as": "bob", "body": "/hold\r\nfor a reason"}, 200), "/hold<br>", `value="bob" selected`)
	w.call(w.token(""), "GET", "~/issues/1/comments", "", 200).want(map[string]string{"0.body": "/hold\nfor a reason", "0.user.login": "bob"})
	mustContain(t, b.post(path+"/merge", w.url, map[string]string{"as": "bob", "method": "squash"}, 403), "write is needed")
	mustContain(t, b.post(path+"/close", w.url, map[string]string{"as": "ann"}, 200), "ann</b> closed it")
	mustContain(t, b.post(path+"/reopen", w.url, map[string]string{"as": "ann"}, 200), "Close pull request")
	mustContain(t, b.post(path+"/merge", w.url, map[string]string{"as": "ann", "method": "squash"}, 200), "ann</b> merged it")
	b.post(path+"/comment", w.url, map[string]string{"as": "nobody", "body": "x"}, 422)
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, _ := w.openPull(w.token(""), "change", "a")
	newBrowser(w).post("/acme/environments/pull/"+n+"/merge", "http://evil.example", map[string]string{"as": "ann", "method": "squash"}, 403)
	w.call(w.token(""), "GET", "~/pulls/"+n, "", 200).want(map[string]string{"merged": "false"})
}
