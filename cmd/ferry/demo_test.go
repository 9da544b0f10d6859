package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion/postgres/local/localtest"
)

// demoRun is a demo in a temporary directory of its own, so that what it leaves behind can be told from what others make.
type demoRun struct {
	temporary string
	stdout    *syncBuffer
	stderr    *syncBuffer
}

// newDemoRun makes it below the system's own temporary directory: a test's own is closed to the account that runs PostgreSQL for root.
func newDemoRun(t *testing.T) *demoRun {
	t.Helper()
	dir, err := os.MkdirTemp("", "demo-test-")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &demoRun{temporary: dir, stdout: &syncBuffer{}, stderr: &syncBuffer{}}
}

// command returns the demo as a process: what is left of it can then be seen, and TMPDIR is its own.
func (d *demoRun) command(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"demo"}, args...)...)
	cmd.Env = append(ownEnviron(), asFerry+"=1", "TMPDIR="+d.temporary, "DATABASE_URL=")
	cmd.Stdout, cmd.Stderr = d.stdout, d.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 15 * time.Second
	return cmd
}

// nothingLeft fails where a process or a file of the demo is still there.
func (d *demoRun) nothingLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(d.temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v %v", left, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/environ") // each has its TMPDIR from the demo
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		environment, err := os.ReadFile(p)
		if err == nil && bytes.Contains(environment, []byte(d.temporary)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline")) // for the message alone
			t.Errorf("left running: %s: %q", filepath.Dir(p), line)
		}
	}
}

// wait waits until the demo has said something.
func (d *demoRun) wait(ctx context.Context, t *testing.T, words string) {
	t.Helper()
	err := poll(ctx, func() (bool, error) { return strings.Contains(d.stdout.String(), words), nil })
	if err != nil {
		t.Fatalf("the demo does not say %q:\n%s%s", words, d.stdout, d.stderr)
	}
}

func TestDemoTakesTheFirstAppToProd(t *testing.T) {
	t.Parallel()
	d, keep := newDemoRun(t), filepath.Join(t.TempDir(), "kept")
	if err := d.command(t.Context(), t, "--exit", "--keep", keep, "--timeout", "4m").Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, d.stdout, d.stderr)
	}
	d.nothingLeft(t)
	said := d.stdout.String()
	steps := []string{
		"seen: the agents of dev, staging, prod run checkout 1.0.0", "seen: dev has checkout 1.1.0 in git at ", "seen: ferry/dev is success on acme/environments@",
		"seen: promotion #2 to staging is open, and its diff is only the tag", "seen: ferry/gates is success on #2", "seen: #2 is merged, and staging has checkout 1.1.0 in git",
		"seen: ferry/staging is success on", "seen: promotion #3 to prod is open", "seen: #3 is merged, and prod has", "seen: ferry/prod is success on",
		"seen: the agents of dev, staging, prod run checkout 1.1.0",
	}
	rest := said
	for _, words := range steps {
		_, after, found := strings.Cut(rest, words)
		if !found {
			t.Fatalf("the demo does not say %q, or not in its order:\n%s", words, said)
		}
		rest = after
	}
	for _, words := range []string{"pull request #2 opened: Promote checkout to staging: 1.0.0 → 1.1.0", "pull request #2 merged by dora", "staging converged in ", "status ferry/prod success on acme/checkout@"} {
		if !strings.Contains(said, words) {
			t.Errorf("the demo does not say %q:\n%s", words, said)
		}
	}
	checkSeen(t, keep)
	checkKept(t, keep)
}

// checkSeen reads what the demo says it has seen.
func checkSeen(t *testing.T, keep string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(keep, "seen.json"))
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Good      bool
		Revisions map[string]string
		Seen      []sight
		NotSeen   []string `json:"not_seen"`
	}
	if err := json.Unmarshal(content, &seen); err != nil {
		t.Fatal(err)
	}
	if !seen.Good || len(seen.NotSeen) > 0 || len(seen.Seen) < 14 || len(seen.Revisions) != 3 {
		t.Errorf("seen.json is\n%s", content)
	}
}

// secretForms are how the secrets of a demo look: people's and installation tokens, Ferry's own, App JWTs and keys.
func secretForms() *regexp.Regexp {
	return regexp.MustCompile(`gh[ps]_[A-Za-z0-9_-]{8}|ferry_(agent|ci)_|eyJ[A-Za-z0-9_-]{8}|PRIVATE KEY|://[^/\s]*:[^/\s]*@`)
}

// checkKept looks at the repository with git, and for secrets in the log.
func checkKept(t *testing.T, keep string) {
	t.Helper()
	for _, environment := range acmeEnvironments() {
		out, err := exec.Command("git", "--git-dir", filepath.Join(keep, "git", "acme", "environments.git"), "-c", "safe.directory=*", "show", "main:"+tourFile(environment)).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(`newTag: "1.1.0"   # quoted`)) {
			t.Errorf("in %s the kept repository has %v\n%s", environment, err, out)
		}
	}
	log, err := os.ReadFile(filepath.Join(keep, "ferry.log"))
	if err != nil {
		t.Fatal(err)
	}
	if secret := secretForms().Find(log); secret != nil {
		t.Errorf("the log has the secret %.20s…", secret)
	}
	if !bytes.Contains(log, []byte("delivery=")) {
		t.Errorf("the log has no delivery:\n%s", log)
	}
}

func TestDemoEndsAtCtrlC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		words string // after which it is interrupted
		url   string // of a server that runs elsewhere
	}{
		{"while it starts", "starting a forge", ""},
		{"while it waits", "Ctrl-C ends all of it", localtest.Database(t)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDemoRun(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			cmd := d.command(ctx, t)
			cmd.Env = append(cmd.Env, "DATABASE_URL="+test.url)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			patience, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			d.wait(patience, t, test.words)
			began := time.Now()
			interrupt()
			_ = cmd.Wait() // it says that its context ended, which is the interrupt
			if code := cmd.ProcessState.ExitCode(); code != exitGood {
				t.Errorf("it ends with status %d:\n%s%s", code, d.stdout, d.stderr)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it takes %s to end", took)
			}
			d.nothingLeft(t)
			if test.url != "" {
				noDatabaseLeft(t, test.url)
			}
		})
	}
}

// noDatabaseLeft fails where a demo's own database is still on the server.
func noDatabaseLeft(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var left int
	if err := conn.QueryRow(t.Context(), "select count(*) from pg_database where datname ~ '^ferry_'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d databases of the demo are left: %v", left, err)
	}
}

// TestDemoRemovesWhatAKilledOneLeft: kill -9 leaves the demo's folder; the next demo removes it, and not that of one that runs.
func TestDemoRemovesWhatAKilledOneLeft(t *testing.T) {
	t.Parallel()
	d := newDemoRun(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	folders := func() []string {
		found, err := filepath.Glob(filepath.Join(d.temporary, "ferry-demo-*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	start := func(running int, but string) (*exec.Cmd, func()) {
		ctx, stop := context.WithCancel(ctx)
		cmd := d.command(ctx, t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		err := poll(ctx, func() (bool, error) {
			found := folders()
			return len(found) == running && !slices.Contains(found, but) && slices.ContainsFunc(found, func(f string) bool { _, err := os.Stat(filepath.Join(f, "git")); return err == nil }), nil
		})
		if err != nil {
			t.Fatalf("folders are %v: %v\n%s%s", folders(), err, d.stdout, d.stderr)
		}
		return cmd, stop
	}
	killed, stop := start(1, "")
	defer stop()
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	left := folders()
	if len(left) != 1 {
		t.Fatalf("a killed demo left %v", left)
	}
	first, stopFirst := start(1, left[0])
	second, stopSecond := start(2, left[0])
	stopSecond()
	stopFirst()
	_, _ = first.Wait(), second.Wait() // they were interrupted
	d.nothingLeft(t)
}

func TestDemoSaysWhatItDidNotSee(t *testing.T) {
	t.Parallel()
	d := newDemoRun(t)
	cmd := d.command(t.Context(), t, "--exit", "--timeout", "1ms")
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("without time it ends with %v", err)
	}
	if !strings.Contains(d.stdout.String(), "not seen: prod has converged") || !strings.Contains(d.stderr.String(), "not seen within 1ms") {
		t.Errorf("it says\n%s%s", d.stdout, d.stderr)
	}
	d.nothingLeft(t)
}

func TestDemoRefuses(t *testing.T) {
	t.Parallel()
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "seen.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		env    map[string]string
		status int
		words  string
	}{
		{"a used folder", []string{"--keep", used}, nil, exitUsage, "give a new folder"},
		{"a folder that cannot be", []string{"--keep", filepath.Join(used, "seen.json", "x")}, nil, exitFailed, "--keep"},
		{"no time", []string{"--timeout", "0s"}, nil, exitUsage, "--timeout"},
		{"words", []string{"please"}, nil, exitUsage, "please"},
		{"an address that is none", []string{"--listen", "nowhere:x"}, nil, exitFailed, "--listen"},
		{"a database elsewhere that is not there", nil, map[string]string{"DATABASE_URL": "postgres://ferry:canary-password@127.0.0.1:1/x"}, exitUnreachable, "DATABASE_URL"},
		{"an address of no database", nil, map[string]string{"DATABASE_URL": "canary-password"}, exitUnreachable, "DATABASE_URL"},
		{"no PostgreSQL", nil, map[string]string{"FERRY_POSTGRES_BIN": used}, exitUnreachable, "no PostgreSQL server is installed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out, complaint bytes.Buffer
			status := run(t.Context(), append([]string{"demo"}, test.args...), func(name string) string { return test.env[name] }, &out, &complaint)
			if status != test.status || !strings.Contains(complaint.String(), test.words) || strings.Contains(complaint.String(), "canary") {
				t.Errorf("status %d, want %d with %q:\n%s", status, test.status, test.words, &complaint)
			}
		})
	}
}

func TestAcmeManifests(t *testing.T) {
	t.Parallel()
	files, err := environmentFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range acmeEnvironments() {
		dir := t.TempDir()
		for name, content := range files {
			if strings.Contains(content, "ENV") || strings.Contains(content, "REPLICAS") {
				t.Errorf("%s is not filled in", name)
			}
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		images, err := readImages(dir, environment)
		if err != nil || images["ghcr.io/acme/cart"] != "2.3.1" || images[tourImage] != tourOld || !strings.HasPrefix(images["ghcr.io/acme/web"], "5.0.2@sha256:") {
			t.Errorf("%s has %v %v", environment, images, err)
		}
	}
}

func TestPrinter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(&out, func(string) string { return "" })
	p.event(time.Date(2026, 5, 4, 3, 2, 1, 0, time.Local), colorGreen, "opened: %s", "a \x1b[2Jtitle\u202e")
	if got, want := out.String(), "03:02:01  opened: a  [2Jtitle \n"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
	out.Reset()
	p.coloured = true
	p.event(time.Date(2026, 5, 4, 3, 2, 1, 0, time.Local), colorGreen, "converged")
	if got, want := out.String(), "\x1b[2m03:02:01\x1b[0m  \x1b[32mconverged\x1b[0m\n"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	none := func(string) string { return "" }
	if !newPrinter(terminal, none).coloured || newPrinter(terminal, func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }).coloured {
		t.Error("a device is written to in colour, but not with NO_COLOR")
	}
}

func TestStepsAreNamedOnce(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range (&tour{}).steps() {
		if slices.Contains(names, s.name) {
			t.Errorf("two steps are called %q: who reads what was not seen cannot tell them apart", s.name)
		}
		names = append(names, s.name)
	}
}
