// Package migrations holds the database's schema as numbered SQL files and brings a database up to it, River's own tables included.
package migrations

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"

	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
)

//go:embed *.sql
var files embed.FS

// ErrNewer is the error of Up and Down on a database that a newer Ferry has migrated.
var ErrNewer = errors.New("a newer Ferry has migrated this database")

// Up brings the database at url up to this Ferry's schema; on one that is there already it changes nothing. Any number of
// processes may do so at once: one migrates and the others wait. A process that is killed at any point leaves a database
// that the next Up completes.
//
// Up needs a session of its own, because its lock belongs to it: url must not lead to a pool that hands out transactions.
// It fails with ErrNewer, where the database cannot be reached, where a migration fails (which the next Up tries again),
// and when ctx is done, between two migrations.
func Up(ctx context.Context, url string, logger *slog.Logger) error {
	err := locked(ctx, url, func(ctx context.Context, s *session) error {
		if err := s.riverUp(ctx, logger); err != nil {
			return err
		}
		return s.up(ctx, logger)
	})
	if err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// Down takes the last n of Ferry's own migrations back, all of them where n is larger than their number, under the same
// lock as Up. River's tables stay. Where a migration was interrupted it fails: Up comes first.
func Down(ctx context.Context, url string, n int) error {
	err := locked(ctx, url, func(ctx context.Context, s *session) error { return s.down(ctx, n) })
	if err != nil {
		return fmt.Errorf("migrating the database %d down: %w", n, err)
	}
	return nil
}

// Version returns the version of Ferry's schema in the database, 0 where there is none yet, and whether a migration to
// it was begun and not completed. It changes nothing and waits for nobody.
func Version(ctx context.Context, url string) (version int, dirty bool, err error) {
	version, dirty, err = readVersion(ctx, url)
	if err != nil {
		return 0, false, fmt.Errorf("reading the schema's version: %w", err)
	}
	return version, dirty, nil
}

// Latest returns the version that Up leads to.
func Latest() (int, error) {
	src, err := iofs.New(files, ".")
	if err != nil {
		return 0, fmt.Errorf("reading the embedded migrations: %w", err)
	}
	version, err := before(src, math.MaxInt)
	return version, err
}

// before returns the last version below the given one, database.NilVersion where there is none.
func before(src source.Driver, version int) (int, error) {
	found := database.NilVersion
	next, err := src.First()
	for err == nil && int(next) < version {
		found = int(next)
		next, err = src.Next(next)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the embedded migrations: %w", err)
	}
	return found, nil
}
