package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/migrations"
	"ferry/promotion/postgres/local/localtest"
)

func TestUp(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	wantVersion(t, url, 0)
	up(t, url)
	wantVersion(t, url, latest(t))
	if found, err := migrations.Latest(); err != nil || found != latest(t) {
		t.Errorf("Latest is %d, %v; want %d", found, err, latest(t))
	}
	once := schema(t, url)
	for _, table := range []string{"river_job ", "river_queue "} {
		if !strings.Contains(once, table) {
			t.Errorf("River's table %sis missing", table)
		}
	}
	up(t, url)
	if diff := cmp.Diff(once, schema(t, url)); diff != "" {
		t.Errorf("a second Up changed (-once +twice):\n%s", diff)
	}
}

func TestFilesComeInPairsAndTheirNumbersFollowEachOther(t *testing.T) {
	t.Parallel()
	ups, upErr := filepath.Glob("*.up.sql")
	downs, downErr := filepath.Glob("*.down.sql")
	if upErr != nil || downErr != nil || len(ups) != len(downs) {
		t.Errorf("up: %v %v, down: %v %v", ups, upErr, downs, downErr)
	}
	for i, version := range versions(t) {
		if version != i+1 {
			t.Errorf("migration %d stands at place %d", version, i+1)
		}
	}
}

func TestEachMigrationGoesDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	up(t, url)
	full := schema(t, url)
	all := versions(t)
	for n := 1; n <= len(all); n++ {
		down(t, url, n)
		wantVersion(t, url, len(all)-n)
		up(t, url)
		if diff := cmp.Diff(full, schema(t, url)); diff != "" {
			t.Errorf("%d down and up changed (-before +after):\n%s", n, diff)
		}
	}
}

func TestAllTheWayDownLeavesNothingOfFerrys(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	up(t, url)
	for range 2 { // the second has nothing to do
		down(t, url, len(versions(t))+1)
		wantVersion(t, url, 0)
	}
	for line := range strings.Lines(schema(t, url)) {
		if !strings.Contains(line, "river") && !strings.Contains(line, "schema_migrations") {
			t.Errorf("left: %s", line)
		}
	}
}

// A kill can come before a migration took effect or after it, and both look the same: dirty.
func TestEachMigrationRunsTwice(t *testing.T) {
	t.Parallel()
	reference := localtest.Database(t)
	up(t, reference)
	full := schema(t, reference)
	all := versions(t)
	for i, version := range all {
		for name, takenBack := range map[string]int{"took effect": len(all) - i - 1, "took no effect": len(all) - i} {
			t.Run(fmt.Sprintf("%d %s", version, name), func(t *testing.T) {
				t.Parallel()
				url := localtest.Database(t)
				up(t, url)
				down(t, url, takenBack)
				interrupt(t, url, version)
				up(t, url)
				wantVersion(t, url, latest(t))
				if diff := cmp.Diff(full, schema(t, url)); diff != "" {
					t.Errorf("run twice it leads elsewhere (-once +twice):\n%s", diff)
				}
			})
		}
	}
}

func TestAnInterruptedMigrationIsNotTakenBack(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	up(t, url)
	interrupt(t, url, latest(t))
	if version, dirty, err := migrations.Version(t.Context(), url); err != nil || version != latest(t) || !dirty {
		t.Errorf("version %d, dirty %t, %v", version, dirty, err)
	}
	if err := migrations.Down(t.Context(), url, 1); err == nil || !strings.Contains(err.Error(), "migrate up first") {
		t.Errorf("%v, want that migrating up comes first", err)
	}
}

// The first migration's down was interrupted: golang-migrate's mark is then a dirty "no version".
func TestADownThatWasInterruptedAtTheFirstMigration(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	up(t, url)
	interrupt(t, url, -1)
	up(t, url)
	wantVersion(t, url, latest(t))
}

func TestADatabaseOfANewerFerryIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, dirty := range []bool{false, true} {
		t.Run(fmt.Sprint("dirty ", dirty), func(t *testing.T) {
			t.Parallel()
			url := localtest.Database(t)
			up(t, url)
			exec(t, connect(t, url), "update schema_migrations set version = $1, dirty = $2", latest(t)+1, dirty)
			before := schema(t, url)
			for name, err := range map[string]error{
				"Up":   migrations.Up(t.Context(), url, slog.New(slog.DiscardHandler)),
				"Down": migrations.Down(t.Context(), url, 1),
			} {
				if !errors.Is(err, migrations.ErrNewer) {
					t.Errorf("%s: %v, want %v", name, err, migrations.ErrNewer)
				}
			}
			if version, is, err := migrations.Version(t.Context(), url); err != nil || version != latest(t)+1 || is != dirty {
				t.Errorf("version %d, dirty %t, %v: it was changed", version, is, err)
			}
			if diff := cmp.Diff(before, schema(t, url)); diff != "" {
				t.Errorf("the schema was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	var all []<-chan error
	for range 5 {
		all = append(all, upAtOnce(t.Context(), url))
	}
	for _, done := range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	wantVersion(t, url, latest(t))
}

func TestWithoutTheRightToMakeTables(t *testing.T) {
	t.Parallel()
	url := localtest.Database(t)
	up(t, url)
	conn := connect(t, url)
	exec(t, conn, `
		drop table schema_migrations;
		create role reader login;
		grant select on all tables in schema public to reader;
		revoke create on schema public from public`)
	err := <-upAtOnce(t.Context(), strings.Replace(url, "ferry@", "reader@", 1))
	if err == nil || !strings.Contains(err.Error(), "permission denied for schema public") {
		t.Errorf("%v, want that the permission is missing", err)
	}
	exec(t, conn, "drop owned by reader; drop role reader")
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{
		"postgres://ferry:canary@/ferry?host=/nowhere",
		"postgres://ferry:canary@%zz/ferry",
		"host=/nowhere user=ferry password=canary port=x",
		"postgres://ferry:canary@127.0.0.1:1/ferry?sslmode=canary-not",
	} {
		_, _, versionErr := migrations.Version(t.Context(), url)
		for _, err := range []error{
			migrations.Up(t.Context(), url, slog.New(slog.DiscardHandler)), migrations.Up(ctx, url, slog.New(slog.DiscardHandler)),
			migrations.Down(t.Context(), url, 1), versionErr,
		} {
			if err == nil || strings.Contains(err.Error(), "canary@") || strings.Contains(err.Error(), "password=canary") {
				t.Errorf("%s: %v", url, err)
			}
		}
	}
}

// interrupt makes the database look as after a kill in a migration to that version.
func interrupt(t *testing.T, url string, version int) {
	t.Helper()
	conn := connect(t, url)
	exec(t, conn, "truncate schema_migrations")
	exec(t, conn, "insert into schema_migrations (version, dirty) values ($1, true)", version)
}
