package agent_test

import (
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ferry/promotion/agent"
)

func TestFollowsABranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(manifest, "newTag: 1.0.0\n")
	w.git("checkout", "--quiet", "-b", "live")
	live := w.commit(manifest, "newTag: 1.1.0\n")
	w.git("tag", "heads/live", "main") // a ref whose name ends like the branch's
	w.git("checkout", "--quiet", "main")
	w.cfg.Branch = "live"
	w.start()
	w.until("healthy", live)
}

func TestFollowsAForcePush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.start()
	w.until("healthy", first)
	amended := w.commit(manifest, "newTag: 1.1.0\n", "--amend")
	w.poll()
	w.until("healthy", amended)
	if len(w.applied) != 2 {
		t.Errorf("applied %d times", len(w.applied))
	}
}

// TestARepositoryThatCannotBeRead has it away at the start, and again while something runs.
func TestARepositoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	away := w.dir + "-away"
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	first := w.commit(manifest, "newTag: 1.0.0\n")
	move(w.dir, away)
	w.start()
	w.poll()
	w.poll()
	if n := strings.Count(w.log.String(), "cannot be read"); n != 1 || len(w.reports) > 0 {
		t.Errorf("%d reports, and logged %d times:\n%s", len(w.reports), n, w.log)
	}
	move(away, w.dir)
	w.poll()
	w.until("healthy", first)
	move(w.dir, away)
	w.poll()
	w.beat()
	w.until("healthy", first)
	move(away, w.dir)
	second := w.commit(manifest, "newTag: 1.1.0\n")
	w.poll()
	w.until("healthy", second)
	if !strings.Contains(w.log.String(), "can be read again") {
		t.Error("the log does not say that it can be read again")
	}
}

func TestAnEmptyRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.poll()
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.poll()
	w.until("healthy", first)
	if want := "the repository has no HEAD"; !strings.Contains(w.log.String(), want) {
		t.Errorf("the log lacks %q:\n%s", want, w.log)
	}
}

// TestRepairsItsClone has somebody or something spoil the clone, while the agent runs and while it does not.
func TestRepairsItsClone(t *testing.T) {
	t.Parallel()
	tests := map[string]func(git string) error{
		"a broken index": func(git string) error { return os.WriteFile(filepath.Join(git, "index"), []byte("broken"), 0o600) },
		"no head":        func(git string) error { return os.Remove(filepath.Join(git, "HEAD")) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.commit(manifest, "newTag: 1.0.0\n")
			around := &repository{t, filepath.Dir(w.cfg.Dir)} // the agent's folder lies in somebody's own repository
			around.git("init", "--quiet")
			around.commit("mine/notes.txt", "mine\n")
			stop := w.start()
			w.until("healthy", first)
			git := filepath.Join(w.cfg.Dir, "checkout", ".git")
			if err := spoil(git); err != nil {
				t.Fatal(err)
			}
			second := w.commit(manifest, "newTag: 1.1.0\n")
			w.poll() // finds it broken
			w.poll()
			w.until("healthy", second)
			stop()
			for _, lock := range []string{"index.lock", "shallow.lock", "refs/ferry/head.lock"} { // as a killed git leaves them
				if err := os.WriteFile(filepath.Join(git, lock), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			third := w.commit(manifest, "newTag: 1.2.0\n")
			w.start()
			w.until("healthy", third)
			if state := around.git("status", "--porcelain", "mine"); state != "" {
				t.Errorf("the repository around it has changed: %s", state)
			}
		})
	}
}

func TestTheFolderIsTheAgentsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.start()
	w.until("healthy", first)
	if err := agent.Run(t.Context(), w.cfg); err == nil || !strings.Contains(err.Error(), "another agent uses this folder") {
		t.Errorf("a second agent in the same folder: %v", err)
	}

	other := newWorld(t)
	mine := filepath.Join(other.cfg.Dir, "checkout", "thesis.txt")
	if err := os.MkdirAll(filepath.Dir(mine), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := agent.Run(t.Context(), other.cfg); err == nil || !strings.Contains(err.Error(), "is no agent's checkout") {
		t.Errorf("an agent in a folder of somebody else: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("what stood there is gone: %v", err)
	}
}

// TestOverHTTP has git's own server for a repository of some history, and time that runs by itself.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tag := range []string{"1", "2", "3"} {
		w.commit(manifest, "newTag: "+tag+"\n")
	}
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&cgi.Handler{Path: path, Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.dir), "GIT_HTTP_EXPORT_ALL=1", "HOME=" + t.TempDir()}, InheritEnv: []string{"PATH"}, Stderr: io.Discard})
	t.Cleanup(server.Close)
	w.cfg.Repository = server.URL + "/" + filepath.Base(w.dir) + "/.git"
	w.cfg.After, w.cfg.Poll, w.cfg.Every = nil, 100*time.Millisecond, time.Hour
	w.start()
	w.until("healthy", w.git("rev-parse", "HEAD"))
	for _, tag := range []string{"4", "5"} {
		head := w.commit(manifest, "newTag: "+tag+"\n")
		start := time.Now()
		w.until("healthy", head)
		t.Logf("%s from the commit to healthy", time.Since(start).Round(time.Millisecond))
	}
	if _, err := os.Stat(filepath.Join(w.cfg.Dir, "checkout", ".git", "shallow")); err != nil {
		t.Errorf("the clone is not shallow: %v", err)
	}
}
