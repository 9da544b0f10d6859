package agent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/promotion"
	"ferry/promotion/agent"
)

const manifest = "apps/checkout/staging/kustomization.yaml"

func TestAppliesWhatChangedBelowItsPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.cfg.App, w.cfg.Cluster = "checkout", "eu"
	w.cfg.Images = func(context.Context, agent.Checkout) ([]string, error) {
		return []string{"ghcr.io/acme/checkout:1.0.0", "ghcr.io/acme/cart:7", "ghcr.io/acme/checkout:1.0.0"}, nil
	}
	w.start()
	r := w.until("healthy", first)
	want := got{App: "checkout", Cluster: "eu", Revision: first, Health: "healthy", Every: "11s", Images: []string{"ghcr.io/acme/cart:7", "ghcr.io/acme/checkout:1.0.0"}}
	r.raw, r.token = "", strings.TrimPrefix(r.token, "Bearer "+token)
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(got{}), cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "ObservedAt" }, cmp.Ignore())); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}

	second := w.commit(manifest, "newTag: 1.1.0\n")
	w.poll()
	w.until("healthy", second)

	elsewhere := w.commit("apps/checkout/prod/kustomization.yaml", "newTag: 1.0.0\n")
	w.poll()
	w.until("healthy", elsewhere)

	back := w.commit(manifest, "newTag: 1.0.0\n")
	w.poll()
	w.until("healthy", back)
	for _, revision := range []string{first, second, back} {
		if have := receive(t, w.applied, "an apply"); have != revision {
			t.Errorf("%s is applied, not %s", have, revision)
		}
	}
}

func TestTheCheckoutIsWhatGitSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(".gitignore", ".cache/\n")
	first := w.commit(manifest, "newTag: 1.0.0\n")
	var seen []string
	w.cfg.Apply = func(_ context.Context, at agent.Checkout) error {
		content, err := os.ReadFile(filepath.Join(at.Dir, manifest))
		if err != nil {
			return err
		}
		left, _ := filepath.Glob(filepath.Join(at.Dir, "apps/*/*/left"))
		kept, _ := filepath.Glob(filepath.Join(at.Dir, ".cache/*"))
		seen = append(seen, strings.TrimSpace(string(content)), strings.Repeat("left", len(left)), strings.Repeat("kept", len(kept)))
		return errors.Join(os.WriteFile(filepath.Join(at.Dir, manifest), []byte("spoilt"), 0o600), os.WriteFile(filepath.Join(at.Dir, "apps/checkout/staging/left"), nil, 0o600),
			os.MkdirAll(filepath.Join(at.Dir, ".cache"), 0o700), os.WriteFile(filepath.Join(at.Dir, ".cache/x"), nil, 0o600))
	}
	stop := w.start()
	w.until("healthy", first)
	second := w.commit(manifest, "newTag: 1.1.0\n")
	w.poll()
	w.until("healthy", second)
	stop()
	if want := []string{"newTag: 1.0.0", "", "", "newTag: 1.1.0", "", "kept"}; !slices.Equal(seen, want) {
		t.Errorf("apply saw %q, want %q", seen, want)
	}
}

func TestReportsProgressingBeforeALongApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	end := make(chan struct{})
	w.cfg.Apply = func(context.Context, agent.Checkout) error { <-end; return nil }
	w.start()
	a := w.next()
	w.beat()
	b := w.next()
	close(end)
	c := w.until("healthy", first)
	for _, r := range []got{a, b} {
		if r.Health != "progressing" || r.Revision != first || r.Message != "applying "+first[:7] {
			t.Errorf("while it applies, the report is %s", r.raw)
		}
	}
	if !c.ObservedAt.After(b.ObservedAt) {
		t.Errorf("healthy is observed at %s, progressing at %s: the older would count", c.ObservedAt, b.ObservedAt)
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.start()
	before := w.until("healthy", first)
	w.poll()
	w.poll() // the report of the poll before it is there
	w.beat()
	after := w.next()
	if after.Health != "healthy" || !after.ObservedAt.After(before.ObservedAt) {
		t.Errorf("the heartbeat is %s after %s", after.raw, before.raw)
	}
	if len(w.reports) > 0 {
		t.Errorf("%d more reports came, with nothing new", len(w.reports))
	}
}

func TestHealthChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	states := []promotion.Health{promotion.HealthProgressing, promotion.HealthHealthy, promotion.HealthDegraded, promotion.HealthUnknown, promotion.HealthHealthy}
	asked := 0
	w.cfg.Health = func(context.Context, agent.Checkout) (promotion.Health, string) {
		asked++
		return states[asked-1], strings.Repeat("x", 2000)
	}
	w.start()
	for i, state := range states {
		if i > 0 {
			w.poll()
		}
		if r := w.until(string(state), first); len(r.Message) > 1024 {
			t.Errorf("a message of %d bytes", len(r.Message))
		}
	}
	if len(w.applied) != 1 {
		t.Errorf("applied %d times", len(w.applied))
	}
}

func TestFailedApply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	calls := filepath.Join(t.TempDir(), "calls")
	w.cfg.Apply = agent.Shell{Command: `echo x >>` + calls + `; seq 1000 1400; if [ -e ` + broken + ` ]; then echo "no such image" >&2; exit 3; fi`}.Apply
	w.start()
	r := w.until("failed", first)
	if !strings.HasPrefix(r.Message, "apply failed: ") || !strings.Contains(r.Message, "1400\nno such image\nexit status 3") || len(r.Message) > 1024 {
		t.Errorf("the message of %d bytes is %q", len(r.Message), r.Message)
	}
	count := func() int {
		content, err := os.ReadFile(calls)
		if err != nil {
			t.Fatal(err)
		}
		return len(content) / 2
	}
	w.poll()
	w.poll() // the poll before it is over
	if n := count(); n != 1 {
		t.Errorf("applied %d times before the retry is due", n)
	}
	w.pass(10 * time.Second)
	w.poll()
	w.poll()
	if n := count(); n != 2 {
		t.Errorf("applied %d times when the first retry was due", n)
	}
	w.pass(19 * time.Second)
	w.poll()
	w.poll()
	if n := count(); n != 2 {
		t.Errorf("applied %d times before the second retry is due", n)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.poll()
	if r := w.next(); r.Health != "healthy" { // a retry is not news
		t.Errorf("the next report is %s", r.raw)
	}
}

func TestWhatWasAppliedIsAppliedAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	good := w.cfg.Apply
	w.cfg.Apply = func(ctx context.Context, at agent.Checkout) error {
		if content, err := os.ReadFile(filepath.Join(at.Dir, manifest)); err != nil || strings.Contains(string(content), "bad") {
			return errors.New("half of it is applied")
		}
		return good(ctx, at)
	}
	w.start()
	w.until("healthy", first)
	bad := w.commit(manifest, "newTag: bad\n")
	w.poll()
	w.until("failed", bad)
	elsewhere := w.commit("README.md", "hello\n")
	w.poll()
	w.until("failed", elsewhere)
	back := w.commit(manifest, "newTag: 1.0.0\n")
	w.poll()
	w.until("healthy", back)
	if len(w.applied) != 2 {
		t.Errorf("applied well %d times, want 2", len(w.applied))
	}
}

func TestNothingAtThePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit("README.md", "hello\n")
	w.start()
	r := w.until("failed", first)
	if want := "apply failed: nothing stands at apps/checkout/staging in revision " + first[:7] + ": is the path right?"; r.Message != want {
		t.Errorf("the message is %q, want %q", r.Message, want)
	}
	second := w.commit(manifest, "newTag: 1.0.0\n")
	w.poll()
	w.until("healthy", second)
	if len(w.applied) != 1 {
		t.Errorf("applied %d times", len(w.applied))
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		paths   []string
		changed string
		want    int // applies
	}{
		{"none: everything counts", nil, "README.md", 2},
		{"the root", []string{"apps", "."}, "README.md", 2},
		{"one of several", []string{"charts", "apps/"}, "apps/cart/dev/x.yaml", 2},
		{"a file", []string{manifest}, manifest, 2},
		{"beside a file", []string{manifest}, "apps/checkout/staging/other.yaml", 1},
		{"a longer name", []string{"apps/checkout/staging"}, "apps/checkout/staging-2/x.yaml", 1},
		{"a glob is a name", []string{manifest, "*"}, "apps/cart/dev/x.yaml", 1},
		{"pathspec magic is a name", []string{manifest, ":(glob)**"}, "apps/cart/dev/x.yaml", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.cfg.Paths = test.paths
			first := w.commit(manifest, "newTag: 1.0.0\n")
			w.start()
			w.until("healthy", first)
			second := w.commit(test.changed, "changed: true\n")
			w.poll()
			w.until("healthy", second)
			if len(w.applied) != test.want {
				t.Errorf("applied %d times, want %d", len(w.applied), test.want)
			}
		})
	}
}

func TestImagesThatAreNoneAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.commit(manifest, "newTag: 1.0.0\n")
	w.cfg.Images = func(context.Context, agent.Checkout) ([]string, error) {
		return []string{"ghcr.io/acme/checkout:1.0.0", "Error: no server", strings.Repeat("x", 2000)}, nil
	}
	w.start()
	if r := w.until("healthy", first); !slices.Equal(r.Images, []string{"ghcr.io/acme/checkout:1.0.0"}) {
		t.Errorf("the images are %q", r.Images)
	}
	if !strings.Contains(w.log.String(), "is not an image reference") {
		t.Error("the log says nothing of what was left out")
	}
}

func TestStopsWhileApplying(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(manifest, "newTag: 1.0.0\n")
	started := filepath.Join(t.TempDir(), "started")
	w.cfg.Apply = agent.Shell{Command: "mkfifo " + started + ".fifo; echo x >" + started + "; cat " + started + ".fifo"}.Apply
	stop := w.start()
	w.next()
	stop()
	for len(w.reports) > 0 {
		if r := w.next(); r.Health != "progressing" {
			t.Errorf("it reported %s when it was stopped", r.raw)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := agent.Config{Repository: "git@github.com:acme/environments.git", Dir: "x", Server: "https://ferry.example.com", Token: token,
		Apply: func(context.Context, agent.Checkout) error { return nil }}
	tests := []struct {
		name   string
		change func(*agent.Config)
		want   string // part of the error; none where empty
	}{
		{"good", func(*agent.Config) {}, ""},
		{"a user's name in the URL", func(c *agent.Config) { c.Repository = "https://dora@git.example.com/acme/environments.git" }, ""},
		{"no repository", func(c *agent.Config) { c.Repository = "" }, "repository: "},
		{"a flag as repository", func(c *agent.Config) { c.Repository = "--upload-pack=x" }, "repository: "},
		{"a password in the URL", func(c *agent.Config) { c.Repository = "https://dora:hunter2@git.example.com/x.git" }, "holds a password"},
		{"a refspec as branch", func(c *agent.Config) { c.Branch = "a:refs/heads/b" }, "branch: "},
		{"a path outside", func(c *agent.Config) { c.Paths = []string{"apps", "../x"} }, `path: "../x"`},
		{"an absolute path", func(c *agent.Config) { c.Paths = []string{"/etc"} }, `path: "/etc"`},
		{"no folder", func(c *agent.Config) { c.Dir = "" }, "dir: "},
		{"no server", func(c *agent.Config) { c.Server = "" }, "server: "},
		{"a server with a password", func(c *agent.Config) { c.Server = "https://a:hunter2@ferry.example.com" }, "server: "},
		{"a server that is no address", func(c *agent.Config) { c.Server = "ferry.example.com:443" }, "server: "},
		{"no token", func(c *agent.Config) { c.Token = "" }, "token: "},
		{"two tokens", func(c *agent.Config) { c.TokenFile = "x" }, "token: "},
		{"time that runs backwards", func(c *agent.Config) { c.Poll = -1 }, "poll"},
		{"nothing to apply with", func(c *agent.Config) { c.Apply = nil }, "apply: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			test.change(&cfg)
			err := cfg.Validate()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("Validate: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("Validate: %v, want %q", err, test.want)
			case err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), token)):
				t.Errorf("the error names a secret: %v", err)
			}
			if test.want == "" {
				return
			}
			if run := agent.Run(t.Context(), cfg); run == nil || !strings.Contains(run.Error(), test.want) {
				t.Errorf("Run: %v, want %q", run, test.want)
			}
		})
	}
}
