package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox"
)

// twoTenants is a Ferry with two environment repositories whose apps and environments have the same names.
func twoTenants(t *testing.T, other string) *harness {
	t.Helper()
	h := newHarness(t)
	for _, repo := range []string{acmeEnv, other} {
		files := checkoutFiles("")
		files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "  - name: dev\n", "  - name: dev\n    update: commit\n", 1)
		h.environments(repo, files)
	}
	return h
}

// whole is everything the forge shows of a repository, and everything Ferry has written down about it.
func (h *harness) whole(repo string) string {
	h.t.Helper()
	var b strings.Builder
	for _, path := range []string{"/git/matching-refs/heads", "/pulls?state=all", "/issues?state=all", "/commits"} {
		var list any
		h.api("/repos/"+repo+path, &list)
		fmt.Fprintln(&b, path, list)
	}
	var id int64
	if err := h.svc.store.Pool().QueryRow(h.t.Context(), `select id from repositories where owner || '/' || name = $1`, repo).Scan(&id); err != nil {
		h.t.Fatal(err)
	}
	for _, table := range []string{"deployments", "promotions", "pulls", "holds", "intents", "announced", "commands", "contributions", "wishes", "events", "reports", "rejections"} {
		var rows string
		if err := h.svc.store.Pool().QueryRow(h.t.Context(), `select coalesce(string_agg(t::text, E'\n' order by t::text), '') from `+table+` t where repository = $1`, id).Scan(&rows); err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintln(&b, table, rows)
	}
	return b.String()
}

// TestTwoTenantsNeverTouch runs one tenant's whole line: nothing of the other one changes. The other one has the same names: as another owner's, and as
// a second environment repository of the same owner.
func TestTwoTenantsNeverTouch(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"globex/environments", "acme/environments-two"} {
		t.Run(other, func(t *testing.T) {
			t.Parallel()
			h := twoTenants(t, other)
			before := h.whole(other)
			h.announce(h.token(acmeEnv, ""), "1.1.0", "")
			h.report(acmeEnv, "dev", "healthy")
			p := h.staging()
			h.say(p.Number, "dora", "/hold checkout staging wait")
			h.say(p.Number, "dora", "/resume")
			h.merge(acmeEnv, p.Number)
			h.report(acmeEnv, "staging", "degraded")
			h.report(acmeEnv, "staging", "healthy")
			h.pullOn(acmeEnv, "ferry/prod/checkout")
			h.say(h.pullOn(acmeEnv, "ferry/prod/checkout").Number, "dora", "/promote all\n/hold all")
			if after := h.whole(other); after != before {
				t.Errorf("the other tenant's was\n%s\nand is\n%s", before, after)
			}
			if open := h.openPulls(other); len(open) != 0 {
				t.Errorf("the other tenant has %v", open)
			}
		})
	}
}

// TestOneTenantsTokensDoNothingElsewhere: a revision, an app, an image of the other tenant are unknown to a token.
func TestOneTenantsTokensDoNothingElsewhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const other = "globex/environments"
	h.environments(acmeEnv, checkoutFiles(""))
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.ReplaceAll(strings.Replace(files[".ferry.yaml"], "  - name: checkout\n", "  - name: cart\n", 1), "source: acme/checkout", "source: globex/cart")
	h.environments(other, files)
	bump, err := h.forge.Commit(other, sandbox.Edit{As: h.dora(other), Message: "bump", Files: map[string]string{checkoutPath("dev"): kustomization("checkout", "1.1.0")}})
	h.does(err)
	before := h.whole(other)
	token := h.token(acmeEnv, "dev")
	if code, _ := h.post("/api/v1/reports", token, map[string]any{"app": "cart", "revision": bump, "health": "healthy"}); code != 400 {
		t.Errorf("a report about another tenant's app: %d", code)
	}
	h.tell(token, map[string]any{"revision": bump, "health": "healthy", "images": []string{"ghcr.io/acme/checkout:1.1.0"}})
	h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "7.7.7"})
	h.settle()
	if after := h.whole(other); after != before {
		t.Errorf("the other tenant's was\n%s\nand is\n%s", before, after)
	}
}

// dora makes dora somebody who may write in the repository.
func (h *harness) dora(repo string) string {
	h.t.Helper()
	h.person("dora", repo, forge.PermissionWrite)
	return "dora"
}

// TestCommentsOfOthers: who may write in one tenant's repository is nobody in the other's.
func TestCommentsOfOthers(t *testing.T) {
	t.Parallel()
	h := twoTenants(t, "globex/environments")
	h.person("mallory", "globex/environments", forge.PermissionAdmin)
	h.arrive("1.1.0")
	p := h.staging()
	h.say(p.Number, "mallory", "/hold")
	if n := query[int](h, `select count(*) from holds`); n != 0 {
		t.Error("somebody of another tenant held a promotion")
	}
	if got := h.staging(); got.Head.SHA != p.Head.SHA {
		t.Error("the promotion was changed")
	}
}

// withToken starts the harness' Ferry anew with a person's plain token: the one way in which one credential reaches several owners.
func withToken(t *testing.T, h *harness) {
	t.Helper()
	bot := h.forge.AddUser("ferry-bot")
	h.svc.close()
	h.svc = newService(settings{GitHubURL: h.forgeAt + "/api/v3", secrets: secrets{githubToken: bot.Token, webhookSecret: []string{testSecret}}}, nil, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	server := httptest.NewServer(h.svc)
	svc := h.svc
	t.Cleanup(func() { server.Close(); svc.close() })
	h.url, h.svc.settings.URL = server.URL, server.URL
	if err := h.svc.open(t.Context(), h.db); err != nil {
		t.Fatal(err)
	}
	_, public := newKey(t)
	if _, err := h.forge.AddApp(sandbox.AppSpec{ID: testAppID, Slug: "hooks", PublicKey: public, WebhookURL: h.url + "/webhooks/github", WebhookSecret: testSecret}); err != nil {
		t.Fatal(err)
	}
}

// TestSourceOfAnotherOwner gets a status only if its default branch names the environment repository.
func TestSourceOfAnotherOwner(t *testing.T) {
	t.Parallel()
	const source = "globex/checkout"
	for _, c := range []struct {
		name, file, branch string
		posted             bool
	}{
		{"it names nobody", "", "", false},
		{"it names this one", "environments: [acme/environments]\n", "", true},
		{"it names another one", "environments: [acme/environments-two, evil/environments]\n", "", false},
		{"it names it on another branch", "environments: [acme/environments]\n", "topic", false},
		{"its file is broken", "environments: {", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			withToken(t, h)
			if _, err := h.forge.AddRepository("globex", "checkout", map[string]string{"main.go": "package main\n"}); err != nil {
				t.Fatal(err)
			}
			h.person("ferry-bot", source, forge.PermissionWrite)
			h.dora(source)
			if c.file != "" {
				if _, err := h.forge.Commit(source, sandbox.Edit{As: "dora", Branch: c.branch, Message: "name it", Files: map[string]string{".ferry-source.yaml": c.file}}); err != nil {
					t.Fatal(err)
				}
			}
			files := checkoutFiles("")
			files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "source: acme/checkout", "source: "+source, 1)
			h.environments(acmeEnv, files)
			h.person("ferry-bot", acmeEnv, forge.PermissionWrite)
			h.sweep()
			sha := h.head(source, "main")
			if code, _ := h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "1.1.0", "commit": sha}); code != 202 {
				t.Fatal(code)
			}
			h.arrive("1.1.0")
			_, posted := h.statuses(source, sha)["ferry/dev"]
			if posted != c.posted {
				t.Errorf("posted is %v", posted)
			}
			h.staging()
			if !c.posted {
				h.forge.ResetRequests()
				h.later(2 * time.Hour)
				if _, posted := h.statuses(source, sha)["ferry/dev"]; posted {
					t.Error("it was posted later")
				}
			}
		})
	}
}

// TestAppsDoNotReachBeyondTheirInstallation: an environment repository names another tenant's source, which the same App is installed on.
func TestAppsDoNotReachBeyondTheirInstallation(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const source = "globex/checkout"
	if _, err := h.forge.AddRepository("globex", "checkout", map[string]string{"main.go": "package main\n", ".ferry-source.yaml": "environments: [acme/environments]\n"}); err != nil {
		t.Fatal(err)
	}
	installation, err := h.forge.Install(testAppID, "globex", source)
	h.does(err)
	files := checkoutFiles("")
	files[".ferry.yaml"] = strings.Replace(files[".ferry.yaml"], "source: acme/checkout", "source: "+source, 1)
	h.environments(acmeEnv, files)
	h.forge.ResetRequests()
	sha := h.head(source, "main")
	h.post("/api/v1/images", h.token(acmeEnv, ""), map[string]any{"image": "ghcr.io/acme/checkout", "tag": "1.1.0", "commit": sha})
	h.arrive("1.1.0")
	if used := h.forge.Requests()[fmt.Sprintf("installation/%d", installation)]; len(used) != 0 {
		t.Errorf("the other tenant's installation was used: %v", used)
	}
	if got := h.statuses(source, sha); len(got) != 0 {
		t.Errorf("another tenant's commit has %v", got)
	}
	h.staging()
}

// TestReportersAreNotGuessed: tokens have 256 random bits and tell nothing of whose they are.
func TestTokensAreNotGuessed(t *testing.T) {
	t.Parallel()
	h := newCheckout(t, "")
	seen := map[string]bool{}
	for range 20 {
		token := h.token(acmeEnv, "dev")
		if seen[token] || len(token) < 43 || strings.Contains(token, "acme") {
			t.Errorf("%s", token)
		}
		seen[token] = true
	}
	var guess [32]byte
	if _, err := rand.Read(guess[:]); err != nil {
		t.Fatal(err)
	}
	if code, _ := h.post("/api/v1/reports", "ferry_agent_"+hex.EncodeToString(guess[:]), map[string]any{}); code != 401 {
		t.Error(code)
	}
}
