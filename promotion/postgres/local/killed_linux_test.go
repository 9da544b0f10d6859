package local_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/promotion/postgres/local"
)

// childDir makes the test binary a process that starts a server in that folder ("temporary" for none) and waits to be killed.
const childDir = "FERRY_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir, ok := os.LookupEnv(childDir); ok {
		os.Exit(child(strings.TrimPrefix(dir, "temporary")))
	}
	os.Exit(m.Run())
}

func child(dir string) int {
	s, err := local.Start(context.Background(), local.Options{Dir: dir, Bin: os.Getenv("FERRY_POSTGRES_BIN"), Unsafe: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends or kills it
	if err := s.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestAKilledStarterLeavesNoServer(t *testing.T) {
	t.Parallel()
	c := startChild(t, "temporary", nil)
	folder := socketFolder(t, c.url)
	pid := postmaster(t, folder)
	exec(t, c.url, "select 1")
	c.kill(t)
	awaitEnd(t, pid)
	if _, err := os.Stat(folder); err != nil {
		t.Fatalf("the folder should be left for the next start: %v", err)
	}
	start(t, local.Options{})
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next start left %s: %v", folder, err)
	}
}

func TestKillDuringTheStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	moments := []string{".", "fresh-*/base", "fresh-*/PG_VERSION", "data", "data/postmaster.pid", ".s.PGSQL.5432"}
	for _, moment := range moments {
		c := newChild(t, dir, nil)
		await(t, moment, func() bool {
			found, err := filepath.Glob(filepath.Join(dir, moment))
			return err == nil && len(found) > 0
		})
		c.kill(t)
	}
	s := start(t, local.Options{Dir: dir})
	exec(t, s.URL(), "create table row_of_test (n int)")
	stop(t, s)
	if left, err := filepath.Glob(filepath.Join(dir, "fresh-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// A server outlives its starter where there is no death signal.
func TestAServerThatOutlivedItsStarterIsEnded(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	first := start(t, local.Options{Dir: dir})
	exec(t, first.URL(), "create table row_of_test (n int)")
	postgres := running(t, postmaster(t, dir))
	stop(t, first)
	outlive := osexec.Command(postgres[0], postgres[1:]...)
	outlive.Dir = "/"
	outlive.SysProcAttr = &syscall.SysProcAttr{Credential: credential(t, filepath.Join(dir, "data"))}
	if err := outlive.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = outlive.Wait() }() // ended by the next start; how is its business
	awaitAnswer(t, first.URL())
	second := start(t, local.Options{Dir: dir})
	exec(t, second.URL(), "insert into row_of_test values (1)")
	awaitEnd(t, outlive.Process.Pid)
}

func TestALockFileWithTheNumberOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	stop(t, start(t, local.Options{Dir: dir}))
	other := osexec.Command("cat")
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/postmaster.pid", ".s.PGSQL.5432.lock"} {
		text := fmt.Sprintf("%d\n%s\n1\n5432\n%s\n\n", other.Process.Pid, filepath.Join(dir, "data"), dir)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, start(t, local.Options{Dir: dir}).URL(), "select 1")
	if err := errors.Join(stdin.Close(), other.Wait()); err != nil {
		t.Errorf("the other process was hurt: %v", err)
	}
}

func TestAKilledServerIsSaidAndItsChildrenEnded(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	s := start(t, local.Options{Dir: dir})
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	busy := int(conn.PgConn().PID())
	go func() { _, _ = conn.Exec(t.Context(), "do $$ begin loop end loop; end $$") }() // never looks whether its server lives
	awaitBusy(t, s.URL(), busy)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "ended by itself (signal: killed)") {
		t.Errorf("%v, want that the server was killed", err)
	}
	stop(t, s)
	exec(t, start(t, local.Options{Dir: dir}).URL(), "select 1")
	awaitEnd(t, busy)
}

func TestWhoSweepsWhat(t *testing.T) {
	t.Parallel()
	marked, kept := leftFolder(t, "temporary"), leftFolder(t, "somebody's")
	c := startChild(t, "temporary", nil)
	exec(t, start(t, local.Options{}).URL(), "select 1")
	if _, err := os.Stat(marked); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a left temporary folder is still there: %v", err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("a folder without the mark was removed: %v", err)
	}
	exec(t, c.url, "select 1") // another process' server lives on
}

// The whole as a user who is not root: the test binary again, as the account that PostgreSQL's package made, or as it is.
func TestAsAnotherUserThanRootAndInAHostileEnvironment(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	c := startChild(t, dir, unprivileged(t, filepath.Dir(dir)))
	exec(t, c.url, "select 1")
	c.kill(t)
	c = startChild(t, dir, unprivileged(t, filepath.Dir(dir)))
	c.end(t)
	// Whoever made the data, root can run it too.
	exec(t, start(t, local.Options{Dir: dir}).URL(), "select 1")
}

type childProcess struct {
	cmd   *osexec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	url   string
}

func newChild(t *testing.T, dir string, as *syscall.Credential) *childProcess {
	t.Helper()
	path := "/proc/self/exe"
	if as != nil {
		path = executable(t)
	}
	cmd := osexec.Command(path)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), childDir+"="+dir, "PGPORT=1", "PGDATA=/nowhere", "PGHOST=nowhere", "PGUSER=nobody", "LC_ALL=xx_XX", "TZ=Nowhere")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &childProcess{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	t.Cleanup(func() { c.kill(t) })
	return c
}

// startChild returns the child when its server is up.
func startChild(t *testing.T, dir string, as *syscall.Credential) *childProcess {
	t.Helper()
	c := newChild(t, dir, as)
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the child started no server: %v", err)
	}
	c.url = strings.TrimSpace(line)
	return c
}

func (c *childProcess) kill(t *testing.T) {
	t.Helper()
	if c.cmd.ProcessState != nil {
		return
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = c.cmd.Wait() // says that it was killed
}

func (c *childProcess) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(c.stdin.Close(), c.cmd.Wait()); err != nil {
		t.Error(err)
	}
}

// executable returns a copy of this test binary that every account can run.
func executable(t *testing.T) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openFolder(t), "child")
	if err := os.WriteFile(path, self, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// unprivileged returns the account of "postgres" or "nobody", to whom it gives dir; nil where the tests do not run as root.
func unprivileged(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, -1); err != nil {
		t.Fatal(err)
	}
	return credential(t, dir)
}

// credential returns the owner of a path, nil where that is this process' account.
func credential(t *testing.T, path string) *syscall.Credential {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
}

func postmaster(t *testing.T, folder string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// running returns a process' command line.
func running(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// await returns when the condition holds, and fails the test when it does not within a generous time.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("waited for nothing: %s", what)
		}
	}
}

func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	await(t, fmt.Sprintf("the end of process %d", pid), func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err != nil || len(text) == 0 // empty: ended, its parent has not asked yet
	})
}

func awaitAnswer(t *testing.T, url string) {
	t.Helper()
	await(t, "an answer", func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		return err == nil && conn.Close(t.Context()) == nil
	})
}

func awaitBusy(t *testing.T, url string, pid int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	await(t, "a busy connection", func() bool {
		var busy bool
		err := conn.QueryRow(t.Context(), "select state = 'active' from pg_stat_activity where pid = $1", pid).Scan(&busy)
		return err == nil && busy
	})
}

// leftFolder returns a folder that is named like a server's temporary one and holds one file.
func leftFolder(t *testing.T, file string) string {
	t.Helper()
	made := openFolder(t)
	if err := os.WriteFile(filepath.Join(made, file), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Renamed when complete: an empty one of that name is swept by any start.
	dir := filepath.Join(filepath.Dir(made), "ferry-postgres-"+filepath.Base(made))
	if err := os.Rename(made, dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
