package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"ferry/promotion/postgres/local/localtest"
)

// hold makes a migration stop at a chosen statement, whatever the files say: an event trigger waits there for the lock
// that conn holds.
type hold struct {
	url  string
	conn *pgx.Conn
}

// holdAt stops whoever migrates before the nth statement that defines something (0: counts only). Until released.
func holdAt(t *testing.T, url string, n int) *hold {
	t.Helper()
	h := &hold{url: url, conn: connect(t, url)}
	exec(t, h.conn, fmt.Sprintf(`
		create schema hold;
		create sequence hold.seen;
		create function hold.wait() returns event_trigger language plpgsql as $$
		begin
			if nextval('hold.seen') = %d then
				perform pg_advisory_lock(42), pg_advisory_unlock(42);
			end if;
		end $$;
		create event trigger hold on ddl_command_start execute function hold.wait();
		select pg_advisory_lock(42)`, n))
	return h
}

// held looks in this database only: pg_locks shows those of all, where other tests hold migrations of their own.
const held = `select coalesce(max(pid), 0) from pg_locks where locktype = 'advisory' and objid = 42 and not granted
	and database = (select oid from pg_database where datname = current_database())`

// await returns the server's process that is held; it fails the test when none is within a generous time.
func (h *hold) await(t *testing.T) int {
	t.Helper()
	var pid int
	await(t, "a migration that is held", func() bool { pid = query[int](t, h.conn, held); return pid != 0 })
	return pid
}

func (h *hold) release(t *testing.T) {
	t.Helper()
	exec(t, h.conn, "select pg_advisory_unlock(42)")
}

// remove takes the trigger away again, for what comes after.
func (h *hold) remove(t *testing.T) {
	t.Helper()
	exec(t, h.conn, "drop event trigger hold; drop schema hold cascade")
}

func (h *hold) terminate(t *testing.T, pid int) {
	t.Helper()
	exec(t, h.conn, "select pg_terminate_backend($1, 30000)", pid)
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
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

// The process is killed while the server is in the middle of River's or Ferry's migrations. The server then rolls the
// migration back, or completes it while the next Up waits.
func TestAKillInTheMiddle(t *testing.T) {
	t.Parallel()
	reference := localtest.Database(t)
	counting := holdAt(t, reference, 0)
	up(t, reference)
	statements := query[int](t, counting.conn, "select last_value from hold.seen")
	counting.remove(t)
	full := schema(t, reference)
	if statements < 10 {
		t.Fatalf("only %d statements: the trigger does not see the migrations", statements)
	}
	for _, n := range []int{1, statements / 4, statements / 2, statements * 3 / 4, statements} {
		for _, rolledBack := range []bool{true, false} {
			t.Run(fmt.Sprintf("at %d of %d, rolled back %t", n, statements, rolledBack), func(t *testing.T) {
				t.Parallel()
				url := localtest.Database(t)
				killAt(t, url, n, rolledBack)
				wantVersion(t, url, latest(t))
				if diff := cmp.Diff(full, schema(t, url)); diff != "" {
					t.Errorf("the next Up led elsewhere (-undisturbed +after the kill):\n%s", diff)
				}
			})
		}
	}
}

// killAt kills a migrating process at a statement and has the next Up complete its work.
func killAt(t *testing.T, url string, n int, rolledBack bool) {
	t.Helper()
	h := holdAt(t, url, n)
	cmd := osexec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childURL+"="+url)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := h.await(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	if rolledBack {
		h.terminate(t, pid)
		h.release(t)
		up(t, url)
	} else {
		next := upAtOnce(t.Context(), url) // which must wait for what the killed one left to the server
		h.release(t)
		if err := <-next; err != nil {
			t.Fatal(err)
		}
	}
	h.remove(t)
}

func TestALostConnectionIsAnErrorAndTheNextUpCompletes(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	h := holdAt(t, url, lastStatement(t))
	done := upAtOnce(t.Context(), url)
	h.terminate(t, h.await(t))
	if err := <-done; err == nil {
		t.Error("no error")
	}
	h.release(t)
	up(t, url)
	wantVersion(t, url, latest(t))
}

func TestWaitingForAnotherEndsWithTheContext(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	h := holdAt(t, url, 1)
	first := upAtOnce(t.Context(), url)
	h.await(t)
	ctx, cancel := context.WithCancel(t.Context())
	second := upAtOnce(ctx, url)
	await(t, "the second's connection", func() bool {
		return query[int](t, h.conn, "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'ferry migrate'") == 2
	})
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	h.release(t)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestAFailedMigrationIsNamedAndTriedAgain(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	h := holdAt(t, url, 0)
	exec(t, h.conn, fmt.Sprintf(`create or replace function hold.wait() returns event_trigger language plpgsql as $$
		begin
			if nextval('hold.seen') = %d then raise 'the disk is full'; end if;
		end $$`, lastStatement(t)))
	exec(t, h.conn, "select setval('hold.seen', 1, false)") // replacing the function was seen too
	err := <-upAtOnce(t.Context(), url)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migration %d, line ", latest(t))) || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("%v, want the migration, the line and the reason", err)
	}
	if len(err.Error()) > 300 {
		t.Errorf("%d characters: the message repeats the file:\n%v", len(err.Error()), err)
	}
	h.remove(t)
	up(t, url)
	wantVersion(t, url, latest(t))
}

// lastStatement returns the number of the last statement of all migrations that defines something.
func lastStatement(t *testing.T) int {
	t.Helper()
	url := localtest.Database(t)
	counting := holdAt(t, url, 0)
	up(t, url)
	return query[int](t, counting.conn, "select last_value from hold.seen")
}
