package main

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres/local/localtest"
)

const testSecretKey = "canary-secret-key-0123456789abcdef"

// firstStart is a Ferry without an App, a forge, and the browser of the person who sets it up.
type firstStart struct {
	*harness
	browser *http.Client
	opened  chan error
	below   string       // the path of Ferry's address, which a proxy takes off
	late    atomic.Int64 // how many nanoseconds the forge's clock is ahead
}

// newFirstStart starts a Ferry without an App.
func newFirstStart(t *testing.T, keys ...string) *firstStart {
	t.Helper()
	return newFirstStartBelow(t, "", keys...)
}

// newFirstStartBelow starts one behind a proxy that takes a path off.
func newFirstStartBelow(t *testing.T, path string, keys ...string) *firstStart {
	t.Helper()
	f := &firstStart{below: path, harness: &harness{t: t, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}, db: localtest.Database(t)}}
	var err error
	f.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: f.clock.Now, AuthNow: func() time.Time { return time.Now().Add(time.Duration(f.late.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.forge.Close)
	server := httptest.NewServer(forgetest.Validated(t, f.forge.Handler()))
	t.Cleanup(server.Close)
	f.forgeAt = server.URL
	f.forge.SetURL(server.URL)
	f.begin(keys)
	return f
}

// another is a second replica on the same database, with a browser of its own.
func (f *firstStart) another(keys ...string) *firstStart {
	f.t.Helper()
	other := &firstStart{harness: &harness{t: f.t, clock: f.clock, db: f.db, forge: f.forge, forgeAt: f.forgeAt}}
	other.begin(keys)
	return other
}

// begin starts a Ferry with a secret key, and the one before it.
func (f *firstStart) begin(keys []string) {
	f.t.Helper()
	keys = append(keys, "")
	f.log, f.opened = &syncBuffer{}, make(chan error, 1)
	f.svc = newService(settings{GitHubURL: f.forgeAt + "/api/v3", secrets: secrets{secretKey: keys[0], secretKeyOld: keys[1]}}, nil, f.clock.Now, slog.New(slog.NewTextHandler(f.log, nil)))
	f.svc.look = time.Hour
	server := httptest.NewServer(http.StripPrefix(f.below, f.svc))
	f.url, f.svc.settings.URL = server.URL+f.below, server.URL+f.below
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	f.t.Cleanup(func() { stop(); server.Close(); f.svc.close() })
	go func() { f.opened <- f.svc.open(ctx, f.db) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.browser = &http.Client{Jar: jar}
}

func (f *firstStart) read(res *http.Response, err error) (int, string) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (f *firstStart) visit(address string, want int) string {
	f.t.Helper()
	code, body := f.read(f.browser.Get(address))
	if code != want {
		f.t.Fatalf("%s: %d, want %d: %s", address, code, want, body)
	}
	return body
}

func (f *firstStart) submit(address string, want int, fields ...string) string {
	f.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	code, body := f.read(f.browser.PostForm(address, form))
	if code != want {
		f.t.Fatalf("%s: %d, want %d: %s", address, code, want, body)
	}
	return body
}

var (
	printedCode  = regexp.MustCompile(`/setup code=(\S+)`)
	formAction   = regexp.MustCompile(`action="([^"]+)"`)
	manifestText = regexp.MustCompile(`name="manifest" value="([^"]*)"`)
	stateText    = regexp.MustCompile(`name="state" value="([^"]*)"`)
)

func (f *firstStart) found(in *regexp.Regexp, page string) string {
	f.t.Helper()
	m := in.FindStringSubmatch(page)
	if m == nil {
		f.t.Fatalf("%s is not in %s", in, page)
	}
	return html.UnescapeString(m[1])
}

func (f *firstStart) code() string {
	f.t.Helper()
	eventually(f.t, "the code in the log", func() bool { return printedCode.MatchString(f.log.String()) })
	return printedCode.FindStringSubmatch(f.log.String())[1]
}

// toGitHub goes the way up to GitHub's redirect back, and returns where that leads.
func (f *firstStart) toGitHub(name string) string {
	f.t.Helper()
	page := f.fill("organization", "acme", "name", name)
	page = f.submit(f.found(formAction, page), http.StatusOK, "manifest", f.found(manifestText, page))
	f.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { f.browser.CheckRedirect = nil }()
	res, err := f.browser.PostForm(f.forgeAt+f.found(formAction, page), url.Values{"manifest": {f.found(manifestText, page)}, "state": {f.found(stateText, page)}, "name": {name}})
	if code, body := f.read(res, err); code != http.StatusFound {
		f.t.Fatalf("registering: %d %s", code, body)
	}
	return res.Header.Get("Location")
}

func (f *firstStart) enter() {
	f.t.Helper()
	f.fill("code", f.code())
}

// fill sends off the form that the setup shows, where it says.
func (f *firstStart) fill(fields ...string) string {
	f.t.Helper()
	host := strings.TrimSuffix(f.url, f.below)
	return f.submit(host+f.found(formAction, f.visit(f.url+"/setup", http.StatusOK)), http.StatusOK, fields...)
}

// works shows that the App which was set up takes webhooks and acts.
func (f *firstStart) works() {
	f.t.Helper()
	if err := <-f.opened; err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.forge.AddRepository("acme", "environments", checkoutFiles("")); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.forge.Install(f.svc.settings.GitHubAppID, "acme", acmeEnv); err != nil {
		f.t.Fatal(err)
	}
	f.settle()
	if page := f.visit(f.url+"/", http.StatusOK); !strings.Contains(page, "checkout") {
		f.t.Errorf("the page does not show the app: %s", page)
	}
}

// TestSetup goes the whole way, with what a stranger, a second try and a forge that fails do to it.
func TestSetup(t *testing.T) {
	t.Parallel()
	f := newFirstStart(t, testSecretKey)
	code := f.code()
	if page := f.visit(f.url+"/", http.StatusOK); !strings.Contains(page, "The code in Ferry") {
		t.Errorf("the first page: %s", page)
	}
	f.visit(f.url+"/readyz", http.StatusOK)
	f.submit(f.url+"/webhooks/github", http.StatusServiceUnavailable)
	f.submit(f.url+"/setup/app", http.StatusForbidden, "organization", "acme")
	f.visit(f.url+"/setup/done?code=abc&state=def", http.StatusForbidden)
	f.submit(f.url+"/setup/code", http.StatusForbidden, "code", "wrong")
	f.enter()
	f.submit(f.url+"/setup/code", http.StatusForbidden, "code", code)
	f.submit(f.url+"/setup/app", http.StatusBadRequest, "organization", "../evil")

	first, back := f.toGitHub("Unused"), f.toGitHub("Acme Ferry")
	f.visit(first, http.StatusForbidden) // another way was begun since
	f.visit(strings.Replace(back, "state=", "state=x", 1), http.StatusForbidden)
	f.forge.Faults().Fail(sandbox.Fault{Method: "POST", Route: "/app-manifests/{code}/conversions", Status: http.StatusBadGateway, Times: 1})
	f.visit(back, http.StatusBadGateway)
	done := f.visit(back, http.StatusOK)
	if !strings.Contains(done, f.forgeAt+"/apps/acme-ferry/installations/new") {
		t.Errorf("the last page does not lead on: %s", done)
	}
	f.works()
	f.visit(back, http.StatusNotFound)
	f.noSecretIn(done)
	f.startsAgain()
}

// noSecretIn looks for what the App was given with in all that Ferry says and stores.
func (f *firstStart) noSecretIn(page string) {
	f.t.Helper()
	key := strings.Split(string(f.svc.settings.secrets.githubKey), "\n")[5]
	for what, secret := range map[string]string{"the key": key, "the webhook's secret": f.svc.settings.secrets.webhookSecret[0], "the secret key": testSecretKey} {
		for where, text := range map[string]string{"the log": f.log.String(), "the database": f.dump(), "the page": page} {
			if strings.Contains(text, secret) {
				f.t.Errorf("%s stands in %s", what, where)
			}
		}
	}
}

// startsAgain: the App is in the database, for who has the key.
func (f *firstStart) startsAgain() {
	f.t.Helper()
	id := f.svc.settings.GitHubAppID
	again := f.another(testSecretKey)
	if err := <-again.opened; err != nil || again.svc.settings.GitHubAppID != id {
		f.t.Errorf("started again: App %d, want %d: %v", again.svc.settings.GitHubAppID, id, err)
	}
	stranger := f.another(strings.Repeat("x", minSecretKey))
	if err := <-stranger.opened; !errors.Is(err, errSealedOtherwise) || exitStatus(err) != exitUsage {
		f.t.Errorf("with another key: %v", err)
	}
}

// TestAnotherSecretKey: with the old key beside it a new one takes its place, and then the old one opens nothing any more.
func TestAnotherSecretKey(t *testing.T) {
	t.Parallel()
	f := newFirstStart(t, testSecretKey)
	f.enter()
	f.visit(f.toGitHub("Acme Ferry"), http.StatusOK)
	f.works()
	id, fresh := f.svc.settings.GitHubAppID, strings.Repeat("canary", 6)
	for range 2 { // a second replica finds that it is done
		both := f.another(fresh, testSecretKey)
		if err := <-both.opened; err != nil || both.svc.settings.GitHubAppID != id || !strings.Contains(both.log.String(), "FERRY_SECRET_KEY_OLD is of no more use") {
			t.Fatalf("with both keys: App %d, want %d: %v\n%s", both.svc.settings.GitHubAppID, id, err, both.log)
		}
		if strings.Contains(both.log.String(), fresh) || strings.Contains(both.log.String(), testSecretKey) {
			t.Error("a key stands in the log")
		}
	}
	alone := f.another(fresh)
	if err := <-alone.opened; err != nil || alone.svc.settings.GitHubAppID != id {
		t.Errorf("with the new key alone: App %d, want %d: %v", alone.svc.settings.GitHubAppID, id, err)
	}
	for name, keys := range map[string][]string{"the old key alone": {testSecretKey}, "two others": {strings.Repeat("x", minSecretKey), strings.Repeat("y", minSecretKey)}} {
		if err := <-f.another(keys...).opened; !errors.Is(err, errSealedOtherwise) {
			t.Errorf("with %s: %v", name, err)
		}
	}
	f.noSecretIn("")
}

// TestSetupWithoutASecretKey shows the secrets once, to be kept elsewhere, and stores none.
func TestSetupWithoutASecretKey(t *testing.T) {
	t.Parallel()
	f := newFirstStart(t, "")
	f.enter()
	page := html.UnescapeString(f.visit(f.toGitHub("Acme Ferry"), http.StatusOK))
	f.works()
	s := f.svc.settings
	for name, value := range map[string]string{"FERRY_GITHUB_APP_ID": strconv.FormatInt(s.GitHubAppID, 10), "FERRY_GITHUB_APP_KEY": string(s.secrets.githubKey), "FERRY_GITHUB_WEBHOOK_SECRET": s.secrets.webhookSecret[0]} {
		if !strings.Contains(page, "<code>"+name+"</code></p><pre>"+value) {
			t.Errorf("the page does not show %s", name)
		}
	}
	f.noSecretIn("")
	if n := query[int](f.harness, `select count(*) from apps_registered`); n != 0 {
		t.Errorf("%d Apps are stored", n)
	}
}

// TestSetupOfASecondApp ends with the first: two replicas were set up at once.
func TestSetupOfASecondApp(t *testing.T) {
	t.Parallel()
	one := newFirstStart(t, testSecretKey)
	one.enter()
	two := one.another(testSecretKey)
	two.enter()
	first, second := one.toGitHub("First"), two.toGitHub("Second")
	one.visit(first, http.StatusOK)
	if page := two.visit(second, http.StatusBadGateway); !strings.Contains(page, "delete this one at") {
		t.Errorf("the second is told: %s", page)
	}
	if err := <-one.opened; err != nil {
		t.Fatal(err)
	}
	if n := query[int](one.harness, `select count(*) from apps_registered`); n != 1 {
		t.Errorf("%d Apps are stored", n)
	}
}

// TestSetupGuard: codes are counted and grow old, and GitHub's does too.
func TestSetupGuard(t *testing.T) {
	t.Parallel()
	f := newFirstStart(t, testSecretKey)
	code := f.code()
	f.enter()
	back := f.toGitHub("Acme Ferry")
	f.late.Store(int64(2 * time.Hour))
	if page := f.visit(back, http.StatusBadGateway); !strings.Contains(page, "older than an hour") {
		t.Errorf("a code of GitHub's that grew old: %s", page)
	}
	f.clock.advance(2 * time.Hour)
	if page := f.visit(f.url+"/setup", http.StatusOK); !strings.Contains(page, "The code in Ferry") {
		t.Errorf("a session that grew old: %s", page)
	}
	tried := newFirstStart(t, testSecretKey)
	right := tried.code()
	for range 10 {
		tried.submit(tried.url+"/setup/code", http.StatusForbidden, "code", code)
	}
	if page := tried.submit(tried.url+"/setup/code", http.StatusForbidden, "code", right); !strings.Contains(page, "Too many") {
		t.Errorf("after ten wrong codes: %s", page)
	}
}

// TestSetupBelowAPath: Ferry's address has a path, and the proxy before it takes that off.
func TestSetupBelowAPath(t *testing.T) {
	t.Parallel()
	f := newFirstStartBelow(t, "/tools/ferry", testSecretKey)
	f.enter()
	f.visit(f.url+"/", http.StatusOK)
	f.visit(f.toGitHub("Acme Ferry"), http.StatusOK)
	f.works()
	links := regexp.MustCompile(`href="(/[^"]*)"`)
	host := strings.TrimSuffix(f.url, f.below)
	health := f.visit(host+f.found(links, f.visit(f.url+"/", http.StatusOK)), http.StatusOK)
	if !strings.Contains(health, "how the forge is set up") {
		t.Errorf("the first page leads to\n%s", health)
	}
	if back := f.visit(host+f.found(links, health), http.StatusOK); !strings.Contains(back, "checkout") {
		t.Errorf("that one leads to\n%s", back)
	}
}
