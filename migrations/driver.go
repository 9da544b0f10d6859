package migrations

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/golang-migrate/migrate/v4/database"
	pgxmigrate "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// driver returns golang-migrate's driver on this session's connection. Closing it gives the connection back.
func (s *session) driver() (database.Driver, error) {
	kept := &keeper{Connector: stdlib.GetPoolConnector(s.pool)}
	db := sql.OpenDB(kept)
	db.SetMaxIdleConns(0) // the pool keeps it
	made, err := pgxmigrate.WithInstance(db, &pgxmigrate.Config{})
	if err != nil {
		return nil, errors.Join(err, kept.release(), db.Close())
	}
	return made, nil
}

// keeper remembers the connection that was handed out last: WithInstance does not give it back when it fails, for instance for want of the
// right to make tables, and closing the pool would wait for it for ever.
type keeper struct {
	driver.Connector
	last driver.Conn
}

// Connect returns the session's connection once it is free.
func (k *keeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	k.last = conn
	return conn, err
}

// release gives the connection back; one that was given back already is left alone.
func (k *keeper) release() error {
	if k.last == nil {
		return nil
	}
	return k.last.Close()
}
