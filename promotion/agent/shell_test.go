package agent_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ferry/promotion"
	"ferry/promotion/agent"
)

func TestHealthCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		command string
		health  promotion.Health
		message string
	}{
		{"exit 0", promotion.HealthHealthy, ""},
		{"echo 3 of 3 ready", promotion.HealthHealthy, ""},
		{"echo 1 of 3 ready; exit 1", promotion.HealthProgressing, "1 of 3 ready"},
		{"echo 500 >&2; exit 2", promotion.HealthDegraded, "500"},
		{"exit 3", promotion.HealthUnknown, "the health command: exit status 3"},
		{"echo no route; exit 7", promotion.HealthUnknown, "the health command: exit status 7\nno route"},
		{"no-such-command-here", promotion.HealthUnknown, "the health command: exit status 127\n"},
		{"kill -KILL $$", promotion.HealthUnknown, "the health command: signal: killed"},
		{"echo stuck; exec sleep 600", promotion.HealthUnknown, "the health command: it did not end within 1s\nstuck"},
	}
	for _, test := range tests {
		t.Run(test.command, func(t *testing.T) {
			t.Parallel()
			shell := agent.Shell{Command: test.command, Timeout: 20 * time.Second}
			if strings.Contains(test.command, "sleep") {
				shell.Timeout = time.Second
			}
			health, message := shell.Health(t.Context(), agent.Checkout{Dir: t.TempDir()})
			if health != test.health || !strings.HasPrefix(message, test.message) || test.message == "" && message != "" {
				t.Errorf("%s, %q; want %s, %q", health, message, test.health, test.message)
			}
		})
	}
}

func TestImagesCommand(t *testing.T) {
	t.Parallel()
	shell := agent.Shell{Command: "echo warning >&2; echo; echo ghcr.io/acme/checkout:1.0.0; echo '  ghcr.io/acme/cart:7  '"}
	images, err := shell.Images(t.Context(), agent.Checkout{Dir: t.TempDir()})
	if want := []string{"ghcr.io/acme/checkout:1.0.0", "ghcr.io/acme/cart:7"}; err != nil || !slices.Equal(images, want) {
		t.Errorf("%q, %v; want %q", images, err, want)
	}
	for command, want := range map[string]string{"echo x; echo no daemon >&2; exit 1": "exit status 1: no daemon", "yes": "the images command: "} {
		if images, err := (agent.Shell{Command: command}).Images(t.Context(), agent.Checkout{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) || images != nil {
			t.Errorf("%s: %q, %v; want %q", command, images, err, want)
		}
	}
}

func TestCommandsFindTheirWay(t *testing.T) {
	t.Parallel()
	at := agent.Checkout{Dir: t.TempDir(), Revision: "0123456789012345678901234567890123456789", Branch: "main", Environment: "staging", Cluster: "eu", App: "checkout", Paths: []string{"a", "b c"}}
	shell := agent.Shell{Command: "pwd; env | grep -E '^(FERRY|GIT|OTHER|b c)'", Env: []string{"PATH=" + os.Getenv("PATH"), "OTHER=kept", "GIT_DIR=/elsewhere", "FERRY_GITHUB_TOKEN=x", "FERRY_AGENT_TOKEN=y"}}
	lines, err := shell.Images(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(at.Dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{dir, "FERRY_APP=checkout", "FERRY_BRANCH=main", "FERRY_CLUSTER=eu", "FERRY_ENVIRONMENT=staging", "FERRY_PATHS=a", "FERRY_REVISION=" + string(at.Revision), "OTHER=kept", "b c"}
	slices.Sort(lines)
	if !slices.Equal(lines, want) {
		t.Errorf("the command sees %q, want %q", lines, want)
	}
}

// TestATimeoutEndsAllThatWasStarted has the command start a program that ignores being told to end.
func TestATimeoutEndsAllThatWasStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "alive"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- agent.Shell{Command: `sh -c 'trap "" TERM; exec 3>alive; while :; do sleep 600; done' & wait`}.Apply(ctx, agent.Checkout{Dir: dir})
	}()
	alive, err := os.Open(filepath.Join(dir, "alive")) // which waits until the program has opened the other end
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	cancel()
	if err := receive(t, ended, "the command's end"); err == nil {
		t.Error("the command ended well")
	}
	gone := make(chan error, 1)
	go func() { _, err := alive.Read(make([]byte, 1)); gone <- err }()
	if err := receive(t, gone, "the end of the program it started"); err == nil {
		t.Error("the program wrote something")
	}
}

// TestWhatIsLeftRunningStays has an apply command that starts a service, with its output left connected.
func TestWhatIsLeftRunningStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (agent.Shell{Command: "sleep 600 & echo $! >pid", Timeout: time.Minute}).Apply(t.Context(), agent.Checkout{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kill", strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		t.Errorf("the service does not run any more: %v %s", err, out)
	}
}
