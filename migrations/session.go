package migrations

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lockKey is the advisory lock of whoever migrates. golang-migrate takes one of its own besides, whose numbers stay below 2^32.
const lockKey int64 = 0x6665727279_01 // "ferry", 1

// session is one connection that holds the lock. Everything goes through it: should this process be killed while the server still
// runs a migration of it, the lock stays taken until the server has noticed.
type session struct {
	pool *pgxpool.Pool // of exactly one connection
}

// errLost is the error of whatever comes after the connection broke: a second one would not hold the lock.
var errLost = errors.New("the connection that held the lock is lost")

func open(ctx context.Context, url string) (*session, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MinConns, config.MinIdleConns, config.MaxConns = 0, 0, 1
	config.MaxConnLifetime, config.MaxConnIdleTime = math.MaxInt64, math.MaxInt64
	config.ConnConfig.RuntimeParams["application_name"] = "ferry migrate"
	connected := false // the pool of one makes one connection at a time
	config.AfterConnect = func(context.Context, *pgx.Conn) error {
		if connected {
			return errLost
		}
		connected = true
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &session{pool: pool}, nil
}

// locked runs f on one connection that holds the lock.
func locked(ctx context.Context, url string, f func(context.Context, *session) error) error {
	s, err := open(ctx, url)
	if err != nil {
		return err
	}
	defer s.pool.Close() // which ends the lock
	if err := s.lock(ctx); err != nil {
		return err
	}
	return f(ctx, s)
}

// lock asks again and again: a statement that waits for the lock would hold a snapshot, for which the lock's holder
// waits when it builds an index concurrently.
func (s *session) lock(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var ours bool
		if err := s.pool.QueryRow(ctx, "select pg_try_advisory_lock($1)", lockKey).Scan(&ours); err != nil || ours {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for another process to migrate: %w", ctx.Err())
		}
	}
}

func readVersion(ctx context.Context, url string) (version int, dirty bool, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, false, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "select version, dirty from schema_migrations").Scan(&version, &dirty)
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "42P01" || errors.Is(err, pgx.ErrNoRows) { // undefined_table
		return 0, false, nil
	}
	return max(version, 0), dirty, err
}
