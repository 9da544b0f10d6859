package agent_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ferry/promotion/agent"
)

// TestTheTokenStaysInItsHeader has commands that print all they can find, a server that says the token back, and a git that fails loudly.
func TestTheTokenStaysInItsHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t, refuse(500, "who is "+token+"?"))
	first := w.commit(manifest, "newTag: 1.0.0\n")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := filepath.Join(t.TempDir(), "seen")
	base := append(os.Environ(), "FERRY_AGENT_TOKEN="+token, "CURL_HEADER=Authorization: Bearer "+token, "KEPT=yes")
	shell := agent.Shell{Command: `env >>` + seen + `; cat ` + file + `; echo; echo clone https://dora:hunter2@git.example.com/x; exit 2`, Timeout: time.Minute, Env: base}
	w.cfg.Health, w.cfg.Images = shell.Health, shell.Images
	w.start()
	w.next()
	receive(t, w.asked, "a pause")
	send(t, w.due, w.Now(), "the next attempt")
	r := w.until("degraded", first)
	if want := "***\nclone https://***@git.example.com/x"; r.Message != want {
		t.Errorf("the message is %q, want %q", r.Message, want)
	}
	env, err := os.ReadFile(seen)
	if err != nil || !strings.Contains(string(env), "KEPT=yes") {
		t.Errorf("the commands' environment is not what it should be: %v", err)
	}
	holdsNone(t, map[string]string{"a report": r.raw, "the commands' environment": string(env), "the log": w.log.String(), "the folder": everythingIn(t, w.cfg.Dir)})
}

func TestUserinfoStaysOutOfLogsAndErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Repository = "http://hunter2@" + strings.TrimPrefix(w.URL, "http://") + "/acme/environments.git"
	w.ferry.Close()
	err := w.once(t)
	if !errors.Is(err, agent.ErrUnreachable) {
		t.Errorf("Run: %v", err)
	}
	w.cfg.Logger.Info("the agent ended", "error", err)
	if want := "repository=http://***@127.0.0.1"; !strings.Contains(w.log.String(), want) {
		t.Errorf("the log lacks %q:\n%s", want, w.log)
	}
	holdsNone(t, map[string]string{"the log": w.log.String(), "the folder": everythingIn(t, w.cfg.Dir)})
}

func holdsNone(t *testing.T, texts map[string]string) {
	t.Helper()
	for what, text := range texts {
		if strings.Contains(text, token) || strings.Contains(text, "hunter2") {
			t.Errorf("%s holds a secret:\n%s", what, text)
		}
	}
}

func everythingIn(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
