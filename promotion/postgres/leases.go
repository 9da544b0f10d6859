package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lease is the right to work on one thing until it expires. Its fence goes up each time somebody else takes it.
type Lease struct {
	Name   string
	Holder string
	Fence  int64
}

// TakeLease takes the lease of that name by compare-and-set. It returns false where somebody else holds it.
func (s *Store) TakeLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (lease Lease, ok bool, err error) {
	defer wrap(&err, "TakeLease(%s)", name)
	lease = Lease{Name: name, Holder: holder}
	err = s.pool.QueryRow(ctx, `
		insert into leases (name, holder, expires_at) values ($1, $2, $3)
		on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at, fence = leases.fence + 1
		where leases.expires_at <= $4
		returning fence`, name, holder, now.Add(ttl), now).Scan(&lease.Fence)
	if errors.Is(err, pgx.ErrNoRows) {
		return lease, false, nil
	}
	return lease, err == nil, err
}

// ReleaseLease gives the lease back, unless somebody else has taken it meanwhile.
func (s *Store) ReleaseLease(ctx context.Context, l Lease) (err error) {
	defer wrap(&err, "ReleaseLease(%s)", l.Name)
	_, err = s.pool.Exec(ctx, `update leases set expires_at = '-infinity' where name = $1 and holder = $2 and fence = $3`, l.Name, l.Holder, l.Fence)
	return err
}

// checkFence fails with ErrFenced unless the lease is still the holder's. The row stays locked until the transaction ends, so nobody takes it in between.
func checkFence(ctx context.Context, tx pgx.Tx, l Lease) error {
	var fence int64
	err := tx.QueryRow(ctx, `select fence from leases where name = $1 and holder = $2 for update`, l.Name, l.Holder).Scan(&fence)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && fence != l.Fence {
		return ErrFenced
	}
	return err
}
