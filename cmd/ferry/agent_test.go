package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const agentToken = "canary-of-an-agent"

// agentRepository makes an environment repository with one commit.
func agentRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "staging.yaml"), []byte("image: ghcr.io/acme/checkout:1.0.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "."}, {"-c", "user.name=dora", "-c", "user.email=dora@acme.test", "commit", "--quiet", "--message", "first"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	return dir
}

func TestAgentOnce(t *testing.T) {
	t.Parallel()
	repository := agentRepository(t)
	tests := []struct {
		name    string
		code    int // of the server's answers; 0: there is none
		env     map[string]string
		args    []string
		status  int
		reports string // part of what the server was told last
		stderr  string
	}{
		{"healthy", 202, nil, []string{"--health", "grep -q 1.0.0 staging.yaml", "--images", "sed -n 's/image: //p' staging.yaml"}, exitGood,
			`"health":"healthy","images":["ghcr.io/acme/checkout:1.0.0"]`, ""},
		{"apply fails", 202, nil, []string{"--apply", "echo no daemon; exit 4"}, exitFailed, `"message":"apply failed: no daemon\nexit status 4"`, "the environment is not healthy"},
		{"degraded", 202, nil, []string{"--health", "exit 2"}, exitFailed, `"health":"degraded"`, "it is degraded"},
		{"the token is refused", 401, nil, nil, exitFailed, `"health":"progressing"`, "ferry token create"},
		{"no repository", 202, nil, []string{"--repository", repository + "-not"}, exitUnreachable, "", "the environment repository cannot be reached"},
		{"no token", 202, map[string]string{"FERRY_AGENT_TOKEN": ""}, nil, exitUsage, "", "FERRY_AGENT_TOKEN is not set"},
		{"a token in a flag", 202, nil, []string{"--token", "x"}, exitUsage, "", "unknown flag: --token"},
		{"no apply command", 202, nil, []string{"--apply", ""}, exitUsage, "", "apply: it is what the agent is for"},
		{"a word too many", 202, nil, []string{"staging"}, exitUsage, "", "unknown command"},
		{"no place for the clone", 202, map[string]string{"XDG_CACHE_HOME": ""}, nil, exitUsage, "", "the agent needs a folder of its own"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var last string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				last = string(body)
				if r.Header.Get("Authorization") != "Bearer "+agentToken {
					t.Errorf("Authorization: %s", r.Header.Get("Authorization"))
				}
				w.WriteHeader(test.code)
			}))
			defer server.Close()
			env := map[string]string{"FERRY_AGENT_TOKEN": agentToken, "XDG_CACHE_HOME": t.TempDir()}
			for name, value := range test.env {
				env[name] = value
			}
			var stdout, stderr bytes.Buffer
			args := append([]string{"agent", "--once", "--repository", repository, "--server", server.URL, "--path", "staging.yaml", "--apply", "true"}, test.args...)
			status := run(t.Context(), args, func(name string) string { return env[name] }, &stdout, &stderr)
			if status != test.status || !strings.Contains(stderr.String(), test.stderr) || !strings.Contains(last, test.reports) || test.reports == "" && last != "" {
				t.Errorf("exit status %d, want %d; the last report is %s\n%s", status, test.status, last, stderr.String())
			}
			if text := stdout.String() + stderr.String() + last; strings.Contains(text, agentToken) {
				t.Errorf("the token is shown: %s", text)
			}
		})
	}
}
