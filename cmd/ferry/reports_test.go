package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	agent, ci := h.token(repo, "dev"), h.token(repo, "")
	sha := string(h.head(repo, "main"))
	good := `{"revision":"` + sha + `","health":"healthy"}`
	many := func(n int, last string) string { return "[" + strings.Repeat(good+",", n-1) + last + "]" }
	for _, c := range []struct {
		name, token, body string
		code              int
		says              []string
	}{
		{"no token", "", good, 401, []string{"Authorization"}},
		{"an unknown token", "ferry_agent_x", good, 401, []string{"not known"}},
		{"CI's token", ci, good, 403, []string{"kind ci"}},
		{"no JSON", agent, "health: healthy", 400, []string{"JSON"}},
		{"nothing", agent, "", 400, []string{"JSON"}},
		{"null", agent, "null", 400, []string{"health"}},
		{"no health", agent, `{"revision":"` + sha + `"}`, 400, []string{"health", "required"}},
		{"an unknown health", agent, `{"revision":"` + sha + `","health":"fine"}`, 400, []string{"health", "fine"}},
		{"no revision", agent, `{"health":"healthy"}`, 400, []string{"revision", "required"}},
		{"half a revision", agent, `{"revision":"abc","health":"healthy"}`, 400, []string{"revision"}},
		{"an unknown field", agent, `{"revision":"` + sha + `","health":"healthy","helth":1}`, 400, []string{"helth"}},
		{"a wrong kind", agent, `{"revision":7,"health":"healthy"}`, 400, []string{"revision"}},
		{"a wrong time", agent, `{"revision":"` + sha + `","health":"healthy","observed_at":"yesterday"}`, 400, []string{"observed_at"}},
		{"a wrong duration", agent, `{"revision":"` + sha + `","health":"healthy","every":"often"}`, 400, []string{"every"}},
		{"a negative duration", agent, `{"revision":"` + sha + `","health":"healthy","every":"-3s"}`, 400, []string{"every"}},
		{"a broken image", agent, `{"revision":"` + sha + `","health":"healthy","images":["a b"]}`, 400, []string{"images"}},
		{"a NUL in an image", agent, `{"revision":"` + sha + `","health":"healthy","images":["a\u0000b"]}`, 400, []string{"images"}},
		{"a NUL in the cluster", agent, `{"cluster":"a\u0000b","revision":"` + sha + `","health":"healthy"}`, 400, []string{"cluster"}},
		{"a NUL in the app", agent, `{"app":"a\u0000b","revision":"` + sha + `","health":"healthy"}`, 400, []string{"app"}},
		{"an unknown app", agent, `{"app":"cart","revision":"` + sha + `","health":"healthy"}`, 400, []string{"cart"}},
		{"two objects", agent, good + good, 400, []string{"goes on"}},
		{"the second of a list", agent, `[` + good + `,{"revision":"` + sha + `"}]`, 400, []string{"report 1", "health"}},
		{"an unknown app in a list", agent, `[` + good + `,` + good + `,{"app":"cart","revision":"` + sha + `","health":"healthy"}]`, 400, []string{"report 2", "app", "cart"}},
		{"the last of a thousand", agent, many(1000, `{"health":"healthy"}`), 400, []string{"report 999", "revision"}},
		{"more than a thousand", agent, many(1001, good), 400, []string{"1001", "1000"}},
		{"a list in a list", agent, `[[` + good + `]]`, 400, []string{"report 0"}},
		{"a list that ends", agent, `[` + good, 400, []string{"JSON"}},
	} {
		code, answer := h.post("/api/v1/reports", c.token, c.body)
		if code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, code, answer, c.code)
		}
		for _, words := range c.says {
			if !strings.Contains(answer, words) {
				t.Errorf("%s: %s does not say %q", c.name, answer, words)
			}
		}
		if n := query[int](h, `select count(*) from reports`); n != 0 {
			t.Fatalf("%s: %d reports were stored", c.name, n)
		}
	}
	if code, answer := h.post("/api/v1/reports", agent, many(1000, good)); code != http.StatusAccepted || !strings.Contains(answer, `"accepted":1000`) {
		t.Errorf("a thousand: %d %s", code, answer)
	}
	if code, answer := h.post("/api/v1/reports", agent, `[]`); code != http.StatusAccepted || !strings.Contains(answer, `"accepted":0`) {
		t.Errorf("none: %d %s", code, answer)
	}
}

// tell sends one report as the agent of dev and returns its answer.
func (h *harness) tell(token string, report map[string]any) {
	h.t.Helper()
	if code, body := h.post("/api/v1/reports", token, report); code != http.StatusAccepted {
		h.t.Fatalf("report %v: %d %s", report, code, body)
	}
	h.settle()
}

func TestTheNewestReportCounts(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	bump := h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	agent, now := h.token(repo, "dev"), h.clock.Now()
	h.tell(agent, map[string]any{"revision": bump, "health": "degraded", "message": "crash loop", "observed_at": now.Add(-time.Minute)})
	h.wantStatus(repo, bump, "ferry/dev", "failure", "crash loop")
	h.tell(agent, map[string]any{"revision": bump, "health": "healthy", "observed_at": now.Add(-2 * time.Minute)})
	h.wantStatus(repo, bump, "ferry/dev", "failure", "crash loop")

	h.tell(agent, map[string]any{"revision": bump, "health": "progressing", "observed_at": now.Add(24 * time.Hour)}) // its clock is wrong: ours counts
	h.wantStatus(repo, bump, "ferry/dev", "pending", "progressing")
	h.later(time.Second)
	h.tell(agent, map[string]any{"revision": bump, "health": "healthy"})
	h.wantStatus(repo, bump, "ferry/dev", "success", "1.1.0")
}

func TestHeartbeatsCauseNoWork(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	bump := h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	agent := h.token(repo, "dev")
	say := func() {
		h.tell(agent, map[string]any{"revision": bump, "health": "healthy", "every": "30s", "images": []string{"ghcr.io/acme/checkout:1.1.0", "ghcr.io/acme/sidecar:7"}})
	}
	say()
	h.later(2 * time.Minute)
	say()
	before := h.trace()
	h.forge.ResetRequests()
	for range 5 {
		h.clock.advance(30 * time.Second)
		say()
	}
	if after := h.trace(); after != before {
		t.Errorf("heartbeats changed %s to %s", before, after)
	}
	if n := len(h.forge.Requests()["app/ferry"]) + len(h.forge.Requests()[h.installation(repo)]); n != 0 {
		t.Errorf("heartbeats caused %v", h.forge.Requests())
	}
}

// trace is what work leaves behind: generations, decisions, wishes and events.
func (h *harness) trace() string {
	h.t.Helper()
	return fmt.Sprintf("units %d, wishes %d, events %d, jobs %d",
		query[int](h, `select coalesce(sum(generation + decided), 0) from units`), query[int](h, `select coalesce(sum(version + applied_version), 0) from wishes`),
		query[int](h, `select count(*) from events`), query[int](h, `select count(*) from river_job`))
}

// installation is the name under which the forge counts the requests that Ferry makes for the repository.
func (h *harness) installation(repo string) string {
	return fmt.Sprintf("installation/%d", query[int64](h, `select installation from repositories where owner || '/' || name = $1`, repo))
}

// TestAnAgentThatSpeaksAgain: silence turned the status into an error; the same report again says that the agent is alive.
func TestAnAgentThatSpeaksAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	bump := h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	agent := h.token(repo, "dev")
	h.tell(agent, map[string]any{"revision": bump, "health": "progressing"})
	h.later(20 * time.Minute)
	h.wantStatus(repo, bump, "ferry/dev", "error", "no word from the agent")
	h.tell(agent, map[string]any{"revision": bump, "health": "progressing"})
	h.wantStatus(repo, bump, "ferry/dev", "pending", "progressing")
}

func TestMessagesOfAgentsArePlainText(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const repo = "acme/environments"
	h.environments(repo, checkoutFiles(""))
	bump := h.commit(repo, map[string]string{"apps/checkout/dev/kustomization.yaml": kustomization("checkout", "1.1.0")})
	h.tell(h.token(repo, "dev"), map[string]any{"revision": bump, "health": "degraded", "message": "<script>alert(1)</script>\r\n@everyone " + strings.Repeat("ä", 2000)})
	page := h.page("/")
	if strings.Contains(page, "<script>alert") {
		t.Error("the page shows an agent's message unescaped")
	}
	raw, _ := json.Marshal(h.statuses(repo, bump))
	if !strings.Contains(string(raw), "alert(1)") || strings.Contains(string(raw), `\n`) {
		t.Errorf("the status is %s", raw)
	}
}

// page reads one of Ferry's own pages.
func (h *harness) page(path string) string {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	code, body := h.send(req)
	if code != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s", path, code, body)
	}
	return body
}
