package github_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"ferry/forge"
	"ferry/forge/github"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	key, _ := appKey(t)
	const api = "https://api.github.com"
	for name, test := range map[string]struct {
		cfg  github.Config
		want []string
	}{
		"nothing":             {github.Config{}, []string{"FERRY_GITHUB_URL", "FERRY_GITHUB_APP_ID", "FERRY_GITHUB_TOKEN"}},
		"no address":          {github.Config{APIURL: "api.github.com", Token: testToken}, []string{"FERRY_GITHUB_URL"}},
		"the web site":        {github.Config{APIURL: "https://github.com", Token: testToken}, []string{"https://api.github.com"}},
		"a password":          {github.Config{APIURL: "https://u:canary@api.github.com", Token: testToken}, []string{"FERRY_GITHUB_URL"}},
		"both":                {github.Config{APIURL: api, Token: testToken, AppID: 1, AppKey: key}, []string{"both"}},
		"a token with a line": {github.Config{APIURL: api, Token: testToken + "\n"}, []string{"FERRY_GITHUB_TOKEN"}},
		"no key":              {github.Config{APIURL: api, AppID: 1}, []string{"FERRY_GITHUB_APP_KEY"}},
		"no number":           {github.Config{APIURL: api, AppKey: key}, []string{"FERRY_GITHUB_APP_ID"}},
		"no PEM":              {github.Config{APIURL: api, AppID: 1, AppKey: []byte("canary")}, []string{"FERRY_GITHUB_APP_KEY", "PEM"}},
		"another PEM":         {github.Config{APIURL: api, AppID: 1, AppKey: []byte("-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n")}, []string{"CERTIFICATE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := github.New(test.cfg)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows credentials: %v", err)
			}
		})
	}
}

// fakeApp answers an App's token requests and checks who asks.
type fakeApp struct {
	*fake
	forge *github.Forge
	log   *bytes.Buffer

	mu     sync.Mutex
	tokens int           // made so far; the last is "ghs_canaryN"
	life   time.Duration // of a token
	status int           // of the token request
	routes []string
}

func newFakeApp(t *testing.T) *fakeApp {
	t.Helper()
	pem, public := appKey(t)
	a := &fakeApp{fake: newFake(t), life: time.Hour, status: 201, log: &bytes.Buffer{}}
	a.mux.HandleFunc("POST /api/v3/app/installations/{id}/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		claims := &jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), claims, func(*jwt.Token) (any, error) { return public, nil })
		if err != nil || claims.Issuer != "42" {
			t.Errorf("the App's token: %v %v", claims.Issuer, err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.tokens++
		w.WriteHeader(a.status)
		if a.status != 201 {
			_, _ = fmt.Fprint(w, `{"message":"refused for ghs_canary"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"token":"ghs_canary%d","expires_at":%q}`, a.tokens, time.Now().Add(a.life).Format(time.RFC3339))
	})
	a.forge = open(t, github.Config{
		APIURL: a.URL + "/api/v3/", AppID: 42, AppKey: bytes.ReplaceAll(pem, []byte("\n"), []byte(`\n`)), Now: clock,
		Observe: func(method, route string, status int) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.routes = append(a.routes, fmt.Sprintf("%s %s %d", method, route, status))
		},
		Logger: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return a
}

// refuseFirst answers 401 to the first token.
func (a *fakeApp) refuseFirst(pattern, body string) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "token ghs_canary1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var sent bytes.Buffer
		_, _ = sent.ReadFrom(r.Body)
		if r.Method != "GET" && !strings.Contains(sent.String(), "ferry/dev") {
			http.Error(w, "no body", http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprint(w, body)
	})
}

func TestInstallationToken(t *testing.T) {
	t.Parallel()
	a := newFakeApp(t)
	a.on("GET "+repoURL+"/git/ref/heads/main", 200, `{"object":{"sha":"`+string(shaA)+`"}}`)
	for range 3 {
		if got, err := a.forge.Client(5).Head(t.Context(), acme, "main"); err != nil || got != shaA {
			t.Fatal(got, err)
		}
	}
	five := a.forge.Client(5)
	if a.tokens != 1 || five != a.forge.Client(5) || five == a.forge.Client(6) {
		t.Fatalf("%d tokens were made for one installation", a.tokens)
	}
	a.forge.Forget(5)
	if _, err := a.forge.Client(5).Head(t.Context(), acme, "main"); err != nil || a.tokens != 2 {
		t.Fatalf("after Forget: %d tokens, %v", a.tokens, err)
	}
	if strings.Contains(a.log.String(), "canary") || !strings.Contains(a.log.String(), "access_tokens") {
		t.Fatalf("the log: %s", a.log)
	}
	want := []string{"POST /app/installations/{installation_id}/access_tokens 201", "GET /repos/{owner}/{repo}/git/ref/{ref} 200"}
	if !slices.Equal(a.routes[:2], want) {
		t.Fatalf("observed %q, want %q", a.routes, want)
	}
}

func TestInstallationTokenIsRefreshedEarly(t *testing.T) {
	t.Parallel()
	a := newFakeApp(t)
	a.life = 50 * time.Second
	a.on("GET "+repoURL+"/git/ref/heads/main", 200, `{"object":{"sha":"`+string(shaA)+`"}}`)
	for range 2 {
		if _, err := a.forge.Client(5).Head(t.Context(), acme, "main"); err != nil {
			t.Fatal(err)
		}
	}
	if a.tokens != 2 {
		t.Fatalf("a token in its last minute was used again: %d were made", a.tokens)
	}
}

func TestRefusedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	a := newFakeApp(t)
	a.refuseFirst("POST "+repoURL+"/git/refs", `{}`)
	if err := a.forge.Client(5).CreateBranch(t.Context(), acme, "ferry/dev/x", shaA); err != nil || a.tokens != 2 {
		t.Fatalf("%d tokens, %v", a.tokens, err)
	}
}

// TestRenamedSource: .ferry.yaml still calls a source repository by the name that it had.
func TestRenamedSource(t *testing.T) {
	t.Parallel()
	a := newFakeApp(t)
	orders := []string{}
	a.mux.HandleFunc("POST /api/v3/app/installations/5/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		_, _ = sent.ReadFrom(r.Body)
		orders = append(orders, strings.TrimSpace(sent.String()))
		if strings.Contains(sent.String(), `"old"`) {
			http.Error(w, `{"message":"There is at least one repository that does not exist or is not accessible to the parent installation."}`, http.StatusUnprocessableEntity)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"token":"ghs_x","expires_at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
	for _, rest := range []string{"", "/git/ref/heads/main"} {
		a.on("GET /api/v3/repos/acme/old"+rest, 301, `{}`, "Location", a.URL+"/api/v3/repositories/9"+rest)
	}
	a.on("GET /api/v3/repositories/9", 200, `{"id":9}`)
	a.on("GET /api/v3/repositories/9/git/ref/heads/main", 200, `{"object":{"sha":"`+string(shaA)+`"}}`)
	for range 2 {
		got, err := a.forge.ClientFor(5, acme).Head(t.Context(), forge.Repo{Owner: "acme", Name: "old"}, "main")
		same(t, shaA, got, err)
	}
	same(t, []string{`{"repositories":["old"],"permissions":{"contents":"read"}}`, `{"permissions":{"metadata":"read"}}`, `{"repository_ids":[9],"permissions":{"contents":"read"}}`}, orders, nil)
}

func TestRefusedInstallation(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		401: forge.ErrUnauthorized, 403: forge.ErrUnauthorized, 404: forge.ErrUnauthorized, 422: forge.ErrInvalid, 500: forge.ErrUnavailable,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			a := newFakeApp(t)
			a.status = status
			// Deleting is where a 404 would otherwise count as success.
			err := a.forge.Client(5).DeleteBranch(t.Context(), acme, "main")
			if !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
				t.Fatalf("got %v, want %v", err, want)
			}
		})
	}
}

func TestAppIdentity(t *testing.T) {
	t.Parallel()
	const bot = `{"id":99,"login":"ferry-acme[bot]","type":"Bot"}`
	for name, installations := range map[string]string{
		"installed":         `[{"id":4,"account":{"login":"gone"},"suspended_at":"2026-01-01T00:00:00Z"},{"id":5,"account":{"login":"acme"}}]`,
		"installed nowhere": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newFakeApp(t)
			a.on("GET /api/v3/app", 200, `{"id":42,"slug":"ferry-acme"}`)
			a.on("GET /api/v3/app/installations", 200, installations)
			a.on("GET /api/v3/users/{login}", 200, bot)
			for range 2 {
				got, err := a.forge.Identity(t.Context())
				if err != nil || got != (forge.User{ID: 99, Login: "ferry-acme[bot]", Bot: true}) {
					t.Fatal(got, err)
				}
			}
			last := a.requests()[len(a.requests())-1]
			if last != "GET /api/v3/users/ferry-acme%5Bbot%5D" || len(a.requests()) > 4 {
				t.Fatalf("made %q", a.requests())
			}
		})
	}
}

func TestInstallations(t *testing.T) {
	t.Parallel()
	a := newFakeApp(t)
	a.mux.HandleFunc("GET /api/v3/app/installations", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") != "2" {
			w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/app/installations?page=2>; rel="next"`, a.URL))
			_, _ = fmt.Fprint(w, `[{"id":1,"account":{"login":"acme"}}]`)
			return
		}
		_, _ = fmt.Fprint(w, `[{"id":2,"account":{"login":"beta"},"suspended_at":"2026-01-01T00:00:00Z"}]`)
	})
	a.on("GET /api/v3/installation/repositories", 200, `{"total_count":1,"repositories":[{"id":7,"name":"environments","owner":{"login":"acme"},"default_branch":"main","archived":true}]}`)
	got, err := a.forge.Installations(t.Context())
	if want := []forge.Installation{{ID: 1, Account: "acme"}, {ID: 2, Account: "beta", Suspended: true}}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	repos, err := a.forge.Repositories(t.Context(), 1)
	if want := []forge.Repository{{Repo: acme, DefaultBranch: "main", Archived: true}}; err != nil || !slices.Equal(repos, want) {
		t.Fatalf("got %+v, %v", repos, err)
	}
}

func TestPlainToken(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("GET /api/v3/user", 200, `{"id":3,"login":"ferry-robot","type":"User"}`)
	f.on("GET /api/v3/user/repos", 200, `[{"id":7,"name":"environments","owner":{"login":"acme"},"default_branch":"main"}]`)
	opened := open(t, f.config())
	who, err := opened.Identity(t.Context())
	if err != nil || who != (forge.User{ID: 3, Login: "ferry-robot"}) {
		t.Fatal(who, err)
	}
	installations, err := opened.Installations(t.Context())
	if err != nil || !slices.Equal(installations, []forge.Installation{{Account: "ferry-robot"}}) {
		t.Fatal(installations, err)
	}
	repos, err := opened.Repositories(t.Context(), 0)
	if err != nil || len(repos) != 1 || repos[0].FullName() != "acme/environments" {
		t.Fatal(repos, err)
	}
	if opened.Client(0) != opened.Client(1) {
		t.Fatal("a plain token has two clients")
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere, f := newFake(t), newFake(t)
	elsewhere.on("/", 200, `{"object":{"sha":"`+string(shaA)+`"}}`)
	f.on("GET "+repoURL+"/git/ref/heads/stolen", 301, `{}`, "Location", elsewhere.URL+"/x")
	f.on("GET "+repoURL+"/git/ref/heads/renamed", 301, `{}`, "Location", f.URL+"/api/v3/repositories/7/git/ref/heads/renamed")
	f.on("GET /api/v3/repositories/7/git/ref/heads/renamed", 200, `{"object":{"sha":"`+string(shaA)+`"}}`)
	if _, err := f.client(t).Head(t.Context(), acme, "stolen"); !errors.Is(err, forge.ErrUnavailable) || len(elsewhere.requests()) > 0 {
		t.Fatalf("followed to another host: %v", err)
	}
	if got, err := f.client(t).Head(t.Context(), acme, "renamed"); err != nil || got != shaA {
		t.Fatal(got, err)
	}
}
