package local_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"ferry/promotion/postgres/local"
)

func TestTemporaryServerIsGoneAfterStop(t *testing.T) {
	t.Parallel()
	s := start(t, local.Options{})
	exec(t, s.URL(), "create table row_of_test (n int)")
	folder := socketFolder(t, s.URL())
	checkURL(t, s)
	checkClosed(t, folder)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
	<-s.Done()
	if err := s.Err(); err != nil {
		t.Errorf("after Stop: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("stopping again: %v", err)
	}
}

func TestKeptDataIsThereAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "missing", "parents", "postgres")
	first := start(t, local.Options{Dir: dir})
	exec(t, first.URL(), "create table row_of_test (n int)")
	stop(t, first)
	second := start(t, local.Options{Dir: dir})
	exec(t, second.URL(), "insert into row_of_test values (1)")
	stop(t, second)
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9.6\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Start(t.Context(), local.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "was written by 9") {
		t.Errorf("%v, want that the data is of another version", err)
	}
}

func TestSeveralFirstStartsAtOnce(t *testing.T) {
	t.Parallel()
	shared := filepath.Join(openFolder(t), "postgres")
	type outcome struct {
		server *local.Server
		err    error
	}
	outcomes := make(chan outcome)
	dirs := []string{"", "", shared, shared}
	for _, dir := range dirs {
		go func() {
			s, err := local.Start(t.Context(), local.Options{Dir: dir, Unsafe: true})
			outcomes <- outcome{s, err}
		}()
	}
	started, inUse := 0, 0
	for range dirs {
		switch o := <-outcomes; {
		case o.err == nil:
			started++
			t.Cleanup(func() { stop(t, o.server) })
			exec(t, o.server.URL(), "select 1")
		case errors.Is(o.err, local.ErrInUse):
			inUse++
		default:
			t.Error(o.err)
		}
	}
	if started != 3 || inUse != 1 {
		t.Errorf("%d servers started and %d folders in use, want 3 and, of the shared one, 1", started, inUse)
	}
}

func TestServerOutlivesTheThreadThatAskedForIt(t *testing.T) {
	t.Parallel()
	started := make(chan *local.Server)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		s, err := local.Start(t.Context(), local.Options{Unsafe: true})
		if err != nil {
			t.Error(err)
		}
		started <- s
	}()
	s := <-started
	t.Cleanup(func() { stop(t, s) })
	for range 20 { // threads come and go
		done := make(chan bool)
		go func() { runtime.LockOSThread(); close(done) }()
		<-done
	}
	exec(t, s.URL(), "select pg_sleep(0.2)")
}

func TestStartFailsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	full := openFolder(t)
	if err := os.WriteFile(filepath.Join(full, "photo.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := openFolder(t)
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	broken := brokenBinaries(t)
	tests := map[string]struct {
		options local.Options
		is      error
		says    []string
	}{
		"nothing installed":         {local.Options{Search: []string{empty, "/nowhere/*/bin"}}, local.ErrNotInstalled, []string{"apt-get install postgresql", "brew install", "FERRY_POSTGRES_BIN", "DATABASE_URL"}},
		"nothing in the folder":     {local.Options{Bin: empty}, local.ErrNotInstalled, []string{empty, "FERRY_POSTGRES_BIN", "initdb"}},
		"not PostgreSQL":            {local.Options{Bin: broken}, nil, []string{broken, "not a PostgreSQL version"}},
		"other things in Dir":       {local.Options{Dir: full}, nil, []string{full, "photo.jpg", "empty or a new folder"}},
		"Dir below a closed folder": {local.Options{Dir: filepath.Join(closed, "postgres")}, nil, []string{closed}},
		"Dir is a file":             {local.Options{Dir: filepath.Join(full, "photo.jpg")}, nil, []string{"photo.jpg"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := local.Start(t.Context(), test.options)
			if err == nil {
				stop(t, s)
				t.Fatal("it started")
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v, want %v", err, test.is)
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%v\ndoes not say %q", err, text)
				}
			}
		})
	}
}

func TestAnInterruptedStartLeavesTheFolderUsable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openFolder(t), "postgres")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := local.Start(ctx, local.Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want %v", err, context.Canceled)
	}
	exec(t, start(t, local.Options{Dir: dir}).URL(), "select 1")
}

func TestFolderWhosePathIsNoneForASocket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"too long": strings.Repeat("long", 30), "signs": `[a, b"' c`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(openFolder(t), dir)
			s := start(t, local.Options{Dir: dir})
			exec(t, s.URL(), "select 1")
			folder := socketFolder(t, s.URL())
			stop(t, s)
			if _, err := os.Stat(folder); folder != dir && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket's folder %s is still there: %v", folder, err)
			}
			exec(t, start(t, local.Options{Dir: dir}).URL(), "select 1")
		})
	}
}

func checkURL(t *testing.T, s *local.Server) {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, set := u.User.Password(); set || u.Path != "/ferry" || u.Query().Get("port") == "" {
		t.Errorf("%s, want no password, the database ferry, and a port said", u)
	}
	if other := s.DatabaseURL("other"); !strings.Contains(other, "/other?") {
		t.Errorf("%s, want the database other", other)
	}
}

// checkClosed fails where others than the server's account and root could connect.
func checkClosed(t *testing.T, folder string) {
	t.Helper()
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o700 {
		t.Errorf("the socket's folder has mode %o", mode)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner == 0 {
		t.Error("the folder belongs to root, as whom PostgreSQL does not run")
	}
}

// start returns a server that is stopped when the test ends.
func start(t *testing.T, o local.Options) *local.Server {
	t.Helper()
	o.Unsafe, o.Bin = true, os.Getenv("FERRY_POSTGRES_BIN")
	s, err := local.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *local.Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func socketFolder(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

// openFolder returns a temporary folder that every account can enter, unlike t.TempDir's.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "local-test-*") // TMPDIR may be closed to the server's account
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700) // a test may have closed it, or renamed it
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// brokenBinaries returns a folder with programs of the right names that are something else.
func brokenBinaries(t *testing.T) string {
	t.Helper()
	dir := openFolder(t)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho tea\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
