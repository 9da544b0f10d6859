package main

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	givenAgent = "canary-given-agent-0123456789abcdef"
	givenCI    = "canary-given-ci-0123456789abcdef0123"
)

// envs returns a getenv of these variables alone.
func envs(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func tokensFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokensFileThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, content string
		says          []string
	}{
		{"too few words", "acme/environments dev\n", []string{":1:", "2 words"}},
		{"too many words", "# agents\n\nacme/environments dev " + givenAgent + " more\n", []string{":3:", "4 words"}},
		{"no repository", "environments dev " + givenAgent + "\n", []string{":1:", "OWNER/NAME"}},
		{"no environment", "acme/environments De/v " + givenAgent + "\n", []string{":1:", "second word"}},
		{"a short token", "acme/environments dev hunter2\n", []string{":1:", "32 characters"}},
		{"twice", "acme/environments dev " + givenAgent + "\nacme/environments prod " + givenAgent + "\n", []string{":2:", "twice"}},
		{"several", "x\ny\n", []string{":1:", ":2:"}},
	} {
		path := tokensFile(t, c.content)
		_, err := readSettings(envs("FERRY_TOKENS_FILE", path))
		if err == nil {
			t.Errorf("%s: it was taken", c.name)
			continue
		}
		for _, words := range append(c.says, path) {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q does not say %q", c.name, err, words)
			}
		}
		if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the token: %s", c.name, err)
		}
	}
	if _, err := readSettings(envs("FERRY_TOKENS_FILE", filepath.Join(t.TempDir(), "missing"))); err == nil || !strings.Contains(err.Error(), "FERRY_TOKENS_FILE") {
		t.Errorf("a missing file: %v", err)
	}
}

// TestGivenTokens: agents and CI whose tokens were given from outside are known without the database, also after it was lost; and only at their doors.
func TestGivenTokens(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ci, _ := h.announcing(acmeEnv, "commit")
	h.restartWith(t, envs("FERRY_TOKENS_FILE", tokensFile(t, "# given\n  "+acmeEnv+" dev "+givenAgent+"\nACME/environments\tci "+givenCI+"\nglobex/other dev "+strings.Repeat("x", 40)+"\n")))
	h.announce(givenCI, "1.1.0", "")
	head := h.head(acmeEnv, "main")
	h.tell(givenAgent, map[string]any{"revision": head, "health": "healthy"})
	h.wantStatus(acmeEnv, head, "ferry/dev", "success", "1.1.0")
	h.announce(ci, "1.2.0", "") // those in the database are still known
	for _, c := range []struct {
		path, token string
		code        int
	}{
		{"/api/v1/reports", givenCI, 403}, {"/api/v1/images", givenAgent, 403}, {"/api/v1/reports", givenAgent + "x", 401}, {"/api/v1/reports", strings.Repeat("x", 40), 503},
	} {
		if code, answer := h.post(c.path, c.token, "{}"); code != c.code || strings.Contains(answer, "canary") {
			t.Errorf("%s: %d %s, want %d", c.path, code, answer, c.code)
		}
	}
	if n := query[int](h, `select count(*) from tokens`); n != 1 { // the one of kind ci that the test made
		t.Errorf("%d tokens in the database", n)
	}
	for _, canary := range []string{givenAgent, givenCI} {
		if strings.Contains(h.log.String(), canary) || strings.Contains(h.dump(), canary) {
			t.Error("a given token was written down")
		}
	}
}

// restartWith starts the harness' Ferry anew with what these variables add to its settings.
func (h *harness) restartWith(t *testing.T, getenv func(string) string) {
	t.Helper()
	extra, err := readSettings(getenv)
	if err != nil {
		t.Fatal(err)
	}
	s := h.svc.settings
	s.secrets.tokens = extra.secrets.tokens
	svc := newService(s, nil, h.clock.Now, slog.New(slog.NewTextHandler(h.log, nil)))
	server := httptest.NewServer(svc)
	t.Cleanup(func() { server.Close(); svc.close() })
	if err := svc.open(t.Context(), h.db); err != nil {
		t.Fatal(err)
	}
	h.svc, h.url = svc, server.URL
}
