package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// await returns when the server accepts connections; it fails when the server ends, answers something else, or ctx is done.
func (s *Server) await(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.exec(ctx, "select 1")
		if err == nil || !starting(err) {
			return err
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("the server ended at once (%v); its log ends with:\n%s", s.process.err, s.home.logTail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w (its last answer: %w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// starting tells an answer of a server that is not up yet from one that will not change.
func starting(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code == "57P03" // cannot_connect_now
	}
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

func (s *Server) createDatabase(ctx context.Context) error {
	err := s.exec(ctx, "create database "+database)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "42P04" { // duplicate_database: a kept folder has it
		return nil
	}
	return err
}

// exec runs one statement in the database "postgres", on a connection of its own.
func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
