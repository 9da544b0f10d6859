package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverUp applies River's migrations. Each is a transaction of its own together with its mark, so a kill needs no repair.
func (s *session) riverUp(ctx context.Context, logger *slog.Logger) error {
	// Silent: its logger speaks at every start, and what it has to say is in the result and the error.
	migrator, err := rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("preparing River's migrations: %w", err)
	}
	done, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("running River's migrations: %w", err)
	}
	if n := len(done.Versions); n > 0 {
		logger.Info("River's tables migrated", "migrations", n, "version", done.Versions[n-1].Version)
	}
	return nil
}

// up applies Ferry's migrations.
func (s *session) up(ctx context.Context, logger *slog.Logger) error {
	return s.ours(ctx, func(m *migrate.Migrate, src source.Driver, db database.Driver) error {
		from, err := repair(m, src, db, logger)
		if err != nil {
			return err
		}
		if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
			return failed(err, db)
		}
		to, _, err := db.Version()
		if err == nil && from != to {
			logger.Info("database migrated", "from", max(from, 0), "to", to)
		}
		return err
	})
}

// repair makes a migration that was interrupted run again, by going back to the version before it, and returns the
// version to go on from. Every migration can be run twice, whether the interrupted run took effect or not.
func repair(m *migrate.Migrate, src source.Driver, db database.Driver, logger *slog.Logger) (int, error) {
	version, dirty, err := known(src, db)
	if err != nil || !dirty {
		return version, err
	}
	last, err := before(src, version)
	if err != nil {
		return 0, err
	}
	logger.Warn("a migration was interrupted and is run again", "version", version)
	if err := m.Force(last); err != nil {
		return 0, fmt.Errorf("going back to version %d: %w", last, err)
	}
	return last, nil
}

// known returns the database's version, or ErrNewer where this Ferry does not have it.
func known(src source.Driver, db database.Driver) (version int, dirty bool, err error) {
	version, dirty, err = db.Version()
	if err != nil || version == database.NilVersion {
		return version, dirty, err
	}
	file, _, err := src.ReadUp(uint(version))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, fmt.Errorf("%w to version %d, which this one does not know: run that Ferry, or take the migration back with it", ErrNewer, version)
	}
	if err != nil {
		return 0, false, err
	}
	return version, dirty, file.Close()
}

// down takes n migrations back.
func (s *session) down(ctx context.Context, n int) error {
	return s.ours(ctx, func(m *migrate.Migrate, src source.Driver, db database.Driver) error {
		version, dirty, err := known(src, db)
		if err != nil {
			return err
		}
		if dirty {
			return fmt.Errorf("migration %d was interrupted: migrate up first", version)
		}
		var short migrate.ErrShortLimit
		err = m.Steps(-max(n, 0))
		if err == nil || errors.Is(err, migrate.ErrNoChange) || errors.Is(err, fs.ErrNotExist) || errors.As(err, &short) {
			return nil // fewer to take back than asked for
		}
		return failed(err, db)
	})
}

// ours runs f with golang-migrate on this session's connection and the embedded files. When ctx is done it stops before the next migration.
func (s *session) ours(ctx context.Context, f func(*migrate.Migrate, source.Driver, database.Driver) error) (err error) {
	src, err := iofs.New(files, ".")
	if err != nil {
		return fmt.Errorf("reading the embedded migrations: %w", err)
	}
	db, err := s.driver()
	if err != nil {
		return fmt.Errorf("preparing Ferry's migrations: %w", err)
	}
	m, err := migrate.NewWithInstance("embedded", src, "postgres", db)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	defer func() {
		sourceErr, databaseErr := m.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	defer context.AfterFunc(ctx, func() { m.GracefulStop <- true })() // the channel has room for one
	return errors.Join(f(m, src, db), ctx.Err())
}

// failed names the migration that an error stopped at. golang-migrate's own text repeats the whole file.
func failed(err error, db database.Driver) error {
	version, _, readErr := db.Version()
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	var statement database.Error
	if errors.As(err, &statement) {
		return fmt.Errorf("migration %d, line %d: %s: %w", version, statement.Line, statement.Err, statement.OrigErr)
	}
	return fmt.Errorf("migration %d: %w", version, err)
}
