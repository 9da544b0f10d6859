package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge/forgetest"
	"ferry/forge/sandbox"
	"ferry/promotion/postgres/local/localtest"
)

// dump returns every row of every table of Ferry's database as text, bytes included.
func (h *harness) dump() string {
	h.t.Helper()
	rows, err := h.svc.store.Pool().Query(h.t.Context(), `select tablename from pg_tables where schemaname = 'public'`)
	if err != nil {
		h.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range tables {
		rows, err := h.svc.store.Pool().Query(h.t.Context(), `select * from `+pgx.Identifier{table}.Sanitize())
		if err != nil {
			h.t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				h.t.Fatal(err)
			}
			for _, v := range values {
				if raw, ok := v.([]byte); ok {
					v = string(raw)
				}
				fmt.Fprintf(&b, "%s %+v\n", table, v)
			}
		}
		if err := rows.Err(); err != nil {
			h.t.Fatal(err)
		}
	}
	return b.String()
}

// parrot is a forge that, for some requests, answers with an error that repeats the credentials it was sent; it remembers every credential it saw.
type parrot struct {
	next http.Handler

	mu   sync.Mutex
	seen map[string]bool
	loud map[string]int // how often a path's requests are answered so, and with what
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	auth := r.Header.Get("Authorization")
	_, secret, _ := strings.Cut(auth, " ")
	p.mu.Lock()
	if secret != "" && strings.HasPrefix(r.UserAgent(), "ferry") {
		p.seen[secret] = true
	}
	status := 0
	for suffix, code := range p.loud {
		if strings.Contains(r.URL.Path, suffix) && strings.HasPrefix(r.UserAgent(), "ferry") {
			status = code
			delete(p.loud, suffix)
		}
	}
	p.mu.Unlock()
	if status == 0 {
		p.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":"you sent Authorization: %s and the token %s","errors":[{"message":"again: %s","resource":"%s","code":"%s"}],"documentation_url":"https://docs.github.com/rest"}`, auth, secret, secret, secret, secret)
}

func (p *parrot) squawk(suffix string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loud[suffix] = status
}

// TestNoSecretIsEverShown runs a line at a forge that repeats credentials in its errors, with both log formats, and looks for every secret in all that
// Ferry says, writes and stores.
func TestNoSecretIsEverShown(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			h, p, key := newParrotHarness(t, format)
			h.environments(acmeEnv, checkoutFiles(""))
			agent, ci := h.token(acmeEnv, "dev"), h.token(acmeEnv, "")
			answers := h.noisyLine(p, agent, ci)
			secrets := map[string]string{"the webhook's secret": testSecret, "an agent's token": agent, "CI's token": ci, "the App's key": key, "the database's password": "canary-db-password"}
			p.mu.Lock()
			for s := range p.seen {
				secrets["a credential sent to the forge, "+s[:6]] = s
			}
			p.mu.Unlock()
			if len(secrets) < 7 {
				t.Fatalf("only %d secrets were seen", len(secrets))
			}
			var pulls []any
			h.api("/repos/"+acmeEnv+"/pulls?state=all", &pulls)
			var issues []any
			h.api("/repos/"+acmeEnv+"/issues?state=all", &issues)
			for what, secret := range secrets {
				for where, text := range map[string]string{"the log": h.log.String(), "an answer": answers, "the database": h.dump(), "a pull request": fmt.Sprint(pulls), "an issue": fmt.Sprint(issues)} {
					if strings.Contains(text, secret) {
						i := strings.Index(text, secret)
						t.Errorf("%s stands in %s: …%s", what, where, text[max(0, i-200):i])
					}
				}
			}
			if !strings.Contains(answers, "was not taken; look whether it stands there") {
				t.Error("no person's token came to the forge: the test looks at nothing")
			}
			if !strings.Contains(h.log.String(), "you sent") {
				t.Error("the forge's errors were not logged at all: the test looks at nothing")
			}
		})
	}
}

// newParrotHarness is a harness whose forge is a parrot, and the App's key in the one piece that would show it.
func newParrotHarness(t *testing.T, format string) (*harness, *parrot, string) {
	t.Helper()
	h := &harness{t: t, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}, log: &syncBuffer{}, db: localtest.Database(t)}
	var err error
	if h.forge, err = sandbox.New(sandbox.Config{Dir: t.TempDir(), Now: h.clock.Now, AuthNow: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.forge.Close)
	p := &parrot{next: forgetest.Validated(t, h.forge.Handler()), seen: map[string]bool{}, loud: map[string]int{}}
	forgeServer := httptest.NewServer(p)
	t.Cleanup(forgeServer.Close)
	h.forgeAt = forgeServer.URL
	h.forge.SetURL(forgeServer.URL)
	private, public := newKey(t)
	h.svc = newService(settings{GitHubURL: h.forgeAt + "/api/v3", GitHubAppID: testAppID, secrets: secrets{githubKey: private, webhookSecret: []string{testSecret}}},
		nil, h.clock.Now, newLogger(format, h.log))
	server := httptest.NewServer(h.svc)
	t.Cleanup(func() { server.Close(); h.svc.close() })
	h.url, h.svc.settings.URL = server.URL, server.URL
	if err := h.svc.open(t.Context(), h.db); err != nil {
		t.Fatal(err)
	}
	if _, err := h.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "ferry", PublicKey: public, WebhookURL: h.url + "/webhooks/github", WebhookSecret: testSecret}); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(private)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return h, p, base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(key))[100:160]
}

// noisyLine runs a line with an error at each kind of request, and returns everything Ferry's doors answered.
func (h *harness) noisyLine(p *parrot, agent, ci string) string {
	h.t.Helper()
	var answers strings.Builder
	door := func(path, token string, body any) {
		h.t.Helper()
		code, text := h.post(path, token, body)
		fmt.Fprintln(&answers, code, text)
	}
	door("/api/v1/reports", agent, `{"x":1}`)
	door("/api/v1/reports", ci, `{"health":"healthy"}`)
	door("/api/v1/images", agent, `{"x":1}`)
	door("/api/v1/reports", "wrong-"+agent[:6], `{}`)
	for _, status := range []int{500, 422, 403, 404, 409, 401} {
		for _, path := range []string{"/statuses/", "/graphql", "/git/refs", "/pulls", "/git/commits", "/contents/", "/issues", "/access_tokens"} {
			p.squawk(path, status)
		}
		h.deploy("dev", fmt.Sprintf("1.%d.0", status))
		h.later(2 * time.Hour)
		door("/api/v1/reports", agent, map[string]any{"revision": query[string](h, `select head from branches`), "health": "healthy"})
		h.settle()
		h.later(2 * time.Hour)
		h.sweep()
		h.later(2 * time.Hour)
	}
	h.settle()
	dora := h.forge.AddUser("dora").Token
	for _, status := range []int{500, 422, 403, 404, 401} {
		for _, path := range []string{"/user", "/comments"} {
			p.squawk(path, status)
			door("/api/v1/commands", dora, map[string]any{"repository": acmeEnv, "command": "/status"})
		}
	}
	for _, path := range []string{"/", "/metrics", "/readyz", "/healthz"} {
		answers.WriteString(h.page(path))
	}
	return answers.String()
}

// TestSecretsOfSettings: what is wrong with a setting is told without it.
func TestSecretsOfSettings(t *testing.T) {
	t.Parallel()
	const secret = "canary-setting"
	base := []string{"FERRY_GITHUB_APP_ID", "7", "FERRY_GITHUB_WEBHOOK_SECRET", secret, "FERRY_LISTEN", "127.0.0.1:0"}
	private, _ := newKey(t)
	for name, more := range map[string][]string{
		"a key that is none":              {"FERRY_GITHUB_APP_KEY", secret},
		"a broken key":                    {"FERRY_GITHUB_APP_KEY", "-----BEGIN RSA PRIVATE KEY-----\n" + base64.StdEncoding.EncodeToString([]byte(secret)) + "\n-----END RSA PRIVATE KEY-----"},
		"both credentials":                {"FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_TOKEN", secret},
		"a database URL that is none":     {"FERRY_GITHUB_APP_KEY", string(private), "DATABASE_URL", "postgres://ferry:" + secret + "@[::1"},
		"a database that cannot be found": {"FERRY_GITHUB_APP_KEY", string(private), "DATABASE_URL", "postgres://ferry:" + secret + "@127.0.0.1:1/ferry"},
		"a forge URL with a password":     {"FERRY_GITHUB_APP_KEY", string(private), "FERRY_GITHUB_URL", "https://ferry:" + secret + "@example.com"},
		"Ferry's URL with a password":     {"FERRY_GITHUB_APP_KEY", string(private), "FERRY_URL", "https://ferry:" + secret + "@example.com"},
	} {
		for _, args := range [][]string{{"serve"}, {"migrate"}, {"replay", "x"}, {"token", "create", "--repo", "a/b", "--ci"}} {
			var out bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			code := run(ctx, args, envs(append(append([]string{}, base...), more...)...), &out, &out)
			cancel()
			if code == exitGood {
				t.Errorf("%s: %v was good", name, args)
			}
			if strings.Contains(out.String(), secret) || strings.Contains(out.String(), base64.StdEncoding.EncodeToString([]byte(secret))) {
				t.Errorf("%s: %v says %s", name, args, out.String())
			}
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", secrets{databaseURL: secret}, settings{secrets: secrets{databaseURL: secret}}, settings{secrets: secrets{databaseURL: secret}}); strings.Contains(s, secret) {
		t.Errorf("printed settings hold a secret: %s", s)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "settings", settings{secrets: secrets{databaseURL: secret, githubToken: secret}})
	if strings.Contains(log.String(), secret) {
		t.Errorf("logged settings hold a secret: %s", log.String())
	}
}
