// Package localtest gives each test a PostgreSQL database of its own, on one private server per test binary. Only tests import it.
package localtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"ferry/promotion/postgres/local"
)

const template = "template"

// shared is the test binary's server. testing.M hands nothing on to the tests, so Main can reach them only through a
// variable; Main writes it once, before the first test runs, and nobody writes it again.
var shared *server

type server struct {
	local *local.Server
	admin *pgxpool.Pool
	made  atomic.Int64
}

// Main starts the server, makes the template database with migrate (nil leaves it empty), runs the tests and stops the
// server. It returns the exit status for os.Exit: 1 where there is no server, because a test without its database
// has not passed. The binaries are looked for like Ferry does, with FERRY_POSTGRES_BIN first.
func Main(m *testing.M, migrate func(ctx context.Context, url string) error) int {
	ctx := context.Background()
	s, err := start(ctx, migrate)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no database for the tests:", err)
		return 1
	}
	shared = s
	status := m.Run()
	if err := s.stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the tests' database:", err)
		return 1
	}
	return status
}

// Database returns the URL of a fresh copy of the template database, which is dropped when the test ends, with
// connections that are still open. Without Main the test fails.
func Database(tb testing.TB) string {
	tb.Helper()
	if shared == nil {
		tb.Fatal("localtest.Database: TestMain must call localtest.Main")
	}
	name := fmt.Sprintf("test_%d", shared.made.Add(1))
	// The name is made here and is an identifier; a statement of this kind takes no parameters.
	if _, err := shared.admin.Exec(tb.Context(), "create database "+name+" template "+template); err != nil {
		tb.Fatalf("localtest.Database: %v", err)
	}
	tb.Cleanup(func() {
		if _, err := shared.admin.Exec(context.Background(), "drop database "+name+" with (force)"); err != nil {
			tb.Errorf("localtest.Database: %v", err)
		}
	})
	return shared.local.DatabaseURL(name)
}

func start(ctx context.Context, migrate func(ctx context.Context, url string) error) (_ *server, err error) {
	s := &server{}
	s.local, err = local.Start(ctx, local.Options{Bin: os.Getenv("FERRY_POSTGRES_BIN"), Unsafe: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.stop(ctx) // the first error is the one to read
		}
	}()
	if s.admin, err = pgxpool.New(ctx, s.local.URL()); err != nil {
		return nil, err
	}
	if _, err := s.admin.Exec(ctx, "create database "+template); err != nil {
		return nil, err
	}
	if migrate == nil {
		return s, nil
	}
	if err := migrate(ctx, s.local.DatabaseURL(template)); err != nil {
		return nil, fmt.Errorf("migrating the template database: %w", err)
	}
	return s, nil
}

func (s *server) stop(ctx context.Context) error {
	if s.admin != nil {
		s.admin.Close()
	}
	return s.local.Stop(ctx)
}
