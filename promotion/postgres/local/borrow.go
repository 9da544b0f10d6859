package local

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// Borrowed is a database of its own on a server that runs elsewhere.
type Borrowed struct {
	server string
	name   string
}

// Borrow makes a new database on the server that a postgres:// address names, and nothing else there. It fails where the server cannot be
// reached, or does not let that account make databases. Stop drops it.
func Borrow(ctx context.Context, serverURL string) (*Borrowed, error) {
	u, err := url.Parse(serverURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Query().Has("dbname") { // the error would show the password
		return nil, errors.New("borrowing a database: an address such as postgres://user@host:5432/postgres is expected")
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails: see crypto/rand
	b := &Borrowed{server: serverURL, name: "ferry_" + hex.EncodeToString(random[:])}
	if err := b.exec(ctx, "create database "+b.name); err != nil {
		return nil, fmt.Errorf("borrowing a database: %w", err)
	}
	return b, nil
}

// URL returns the address of the database, with the password of the server's address.
func (b *Borrowed) URL() string {
	u, err := url.Parse(b.server)
	if err != nil { // Borrow has parsed it
		return ""
	}
	u.Path = "/" + b.name
	return u.String()
}

// Done returns nil, a channel that is never closed: whether the server runs is its owner's business.
func (b *Borrowed) Done() <-chan struct{} { return nil }

// Err returns nil.
func (b *Borrowed) Err() error { return nil }

// Stop drops the database. It fails where that does not work before ctx is done, and then names the database.
func (b *Borrowed) Stop(ctx context.Context) error {
	if err := b.exec(ctx, "drop database if exists "+b.name+" with (force)"); err != nil {
		return fmt.Errorf("dropping the borrowed database %s: %w", b.name, err)
	}
	return nil
}

// exec runs one statement in the database that the server's address names.
func (b *Borrowed) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, b.server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
