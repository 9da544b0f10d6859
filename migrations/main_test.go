package migrations_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"ferry/migrations"
	"ferry/promotion/postgres/local/localtest"
)

// childURL makes the test binary a process that migrates that database, to be killed meanwhile.
const childURL = "FERRY_TEST_CHILD_URL"

func TestMain(m *testing.M) {
	if url, ok := os.LookupEnv(childURL); ok {
		os.Exit(child(url))
	}
	os.Exit(localtest.Main(m, nil))
}

func child(url string) int {
	if err := migrations.Up(context.Background(), url, slog.New(slog.DiscardHandler)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func up(t *testing.T, url string) {
	t.Helper()
	if err := migrations.Up(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

func down(t *testing.T, url string, n int) {
	t.Helper()
	if err := migrations.Down(t.Context(), url, n); err != nil {
		t.Fatal(err)
	}
}

// upAtOnce migrates and says on the channel how that ended.
func upAtOnce(ctx context.Context, url string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- migrations.Up(ctx, url, slog.New(slog.DiscardHandler)) }()
	return done
}

// wantVersion fails the test unless the database is at that version and clean.
func wantVersion(t *testing.T, url string, want int) {
	t.Helper()
	version, dirty, err := migrations.Version(t.Context(), url)
	if err != nil || version != want || dirty {
		t.Fatalf("version %d, dirty %t, %v; want version %d, clean", version, dirty, err, want)
	}
}

// versions returns the numbers of the embedded migrations, in order.
func versions(t *testing.T) []int {
	t.Helper()
	names, err := filepath.Glob("*.up.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	var found []int
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, version)
	}
	return found
}

func latest(t *testing.T) int {
	t.Helper()
	all := versions(t)
	return all[len(all)-1]
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test may have closed it
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var value T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// schema returns everything that is defined in the database, one thing in a line.
func schema(t *testing.T, url string) string {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	return query[string](t, conn, `
		with things (line) as (
			select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity, generation_expression)
			  from information_schema.columns where table_schema = 'public'
			union all select indexdef from pg_indexes where schemaname = 'public'
			union all select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'public'::regnamespace
			union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
			union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
			union all select concat_ws(' ', enumtypid::regtype, enumlabel) from pg_enum
			union all select concat_ws(' ', schemaname, viewname, definition) from pg_views where schemaname = 'public'
			union all select concat_ws(' ', sequencename, data_type, start_value, increment_by) from pg_sequences where schemaname = 'public'
		)
		select string_agg(translate(line, e'\n', ' '), e'\n' order by line collate "C") from things`)
}
