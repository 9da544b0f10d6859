// Package postgres keeps Ferry's facts, wishes and decisions in PostgreSQL: every SQL statement of Ferry's own stands here, a method is one use case in one transaction, and the jobs it makes due are inserted in it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// ErrNotFound is returned where what was asked for is not in the database.
var ErrNotFound = errors.New("not found")

// ErrFenced is returned where a write carries the fence of a lease that somebody else holds by now.
var ErrFenced = errors.New("the lease was taken over")

// Store is Ferry's database.
type Store struct {
	pool   *pgxpool.Pool
	common *pgxpool.Pool // of the intake's common lane
	jobs   *river.Client[pgx.Tx]
	intake intake
	log    *slog.Logger
}

// CheckURL returns an error where url is no address of a database. The error holds nothing of it: there may be a password in it.
func CheckURL(url string) error {
	if _, err := pgxpool.ParseConfig(url); err != nil {
		return errors.New("DATABASE_URL cannot be read: expected postgres://user@host:5432/database")
	}
	return nil
}

// Option changes how a store is opened.
type Option func(*pgxpool.Config)

// Traced lets observe see every statement that is sent through the store, also those of River. It is called from many goroutines.
func Traced(observe func(sql string)) Option {
	return func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = tracer(observe) }
}

// poolSize is how many connections a store opens at most, where the address does not say pool_max_conns: workers, intake and doors together.
const poolSize = 20

// Open connects to the database at url, which must have been migrated. It fails where the database cannot be reached.
func Open(ctx context.Context, url string, logger *slog.Logger, options ...Option) (*Store, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = max(cfg.MaxConns, poolSize)
	}
	for _, change := range options {
		change(cfg)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	common, err := pgxpool.NewWithConfig(ctx, ofCommonLane(cfg.Copy()))
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	// River wakes the workers at most once in this time; a job that comes within it would wait until they look by themselves.
	jobs, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: logger, FetchCooldown: river.FetchCooldownMin})
	if err != nil {
		pool.Close()
		common.Close()
		return nil, fmt.Errorf("preparing the job queue: %w", err)
	}
	return &Store{pool: pool, common: common, jobs: jobs, intake: intake{lanes: map[string]*lane{}}, log: logger}, nil
}

// ofCommonLane gives the intake's common lane connections of its own: work that holds all the others keeps no webhook waiting, and its one statement,
// whose plan is always the same, is planned once and not for every batch, which takes as long as storing one.
func ofCommonLane(cfg *pgxpool.Config) *pgxpool.Config {
	cfg.MinConns, cfg.MaxConns = 0, commonLeaders
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "set plan_cache_mode = force_generic_plan")
		return err
	}
	return cfg
}

// Close gives the connections back.
func (s *Store) Close() {
	s.common.Close()
	s.pool.Close()
}

// Pool returns the connections, for River's own client.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// ErrNoSchema is the error of Ping on a database that answers and is not Ferry's: it was emptied or made anew below a Ferry that runs.
var ErrNoSchema = errors.New("the database has no schema of Ferry's: start Ferry again, which brings it")

// Ping says whether the database answers and is Ferry's; it fails with ErrNoSchema where it is not.
func (s *Store) Ping(ctx context.Context) error {
	var version int
	err := s.pool.QueryRow(ctx, "select version from schema_migrations").Scan(&version)
	if codeOf(err) == "42P01" || errors.Is(err, pgx.ErrNoRows) { // undefined_table
		return ErrNoSchema
	}
	if err != nil {
		return fmt.Errorf("Ping: %w", err)
	}
	return nil
}

// transactAttempts is how often a transaction that lost against another one is run.
const transactAttempts = 8

// transact runs f in one transaction, again where the database could not serialise it.
func (s *Store) transact(ctx context.Context, level pgx.TxIsoLevel, f func(tx pgx.Tx) error) error {
	return retried(func() error { return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: level}, f) })
}

// retried runs a transaction, again where it lost against another one.
func retried(run func() error) (err error) {
	for range transactAttempts {
		err = run()
		if code := codeOf(err); code != "40001" && code != "40P01" { // serialization_failure, deadlock_detected
			return err
		}
	}
	return err
}

// codeOf returns the database's own name of an error (PostgreSQL, appendix A, "PostgreSQL Error Codes"), empty for an error of something else.
func codeOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		return pg.Code
	}
	return ""
}

// wrap puts the call before the error, where there is one.
func wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), *err)
	}
}

// nullTime writes the zero time as null.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
