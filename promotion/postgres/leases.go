package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Lease is the right to work on one thing until it expires. Its fence goes up each time somebody else takes it.
//
// Whether a lease has expired is told by the database's clock alone: replicas whose own clocks disagree still agree on who holds what.
type Lease struct {
	Name        string
	Holder      string
	Fence       int64
	Interrupted bool // whoever held it before has not given it back: what it did last is not known
}

// TakeLease takes the lease of that name for ttl, by compare-and-set. It returns false where somebody else holds it.
func (s *Store) TakeLease(ctx context.Context, name, holder string, ttl time.Duration) (lease Lease, ok bool, err error) {
	defer wrap(&err, "TakeLease(%s)", name)
	lease = Lease{Name: name, Holder: holder}
	err = s.pool.QueryRow(ctx, `
		with old as (select expires_at > '-infinity' as kept from leases where name = $1)
		insert into leases (name, holder, expires_at) values ($1, $2, clock_timestamp() + make_interval(secs => $3))
		on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at, fence = leases.fence + 1
		where leases.expires_at <= clock_timestamp()
		returning fence, coalesce((select kept from old), false)`, name, holder, ttl.Seconds()).Scan(&lease.Fence, &lease.Interrupted)
	if errors.Is(err, pgx.ErrNoRows) {
		return lease, false, nil
	}
	return lease, err == nil, err
}

// RenewLease lets the lease stand for ttl from now on. It fails with ErrFenced where somebody else has taken it; one that has expired and that
// nobody wanted is its holder's again.
func (s *Store) RenewLease(ctx context.Context, l Lease, ttl time.Duration) (err error) {
	defer wrap(&err, "RenewLease(%s)", l.Name)
	tag, err := s.pool.Exec(ctx, `
		update leases set expires_at = clock_timestamp() + make_interval(secs => $4) where name = $1 and holder = $2 and fence = $3 and expires_at > '-infinity'`,
		l.Name, l.Holder, l.Fence, ttl.Seconds())
	if err == nil && tag.RowsAffected() == 0 {
		return ErrFenced
	}
	return err
}

// ReleaseLease gives the lease back, unless somebody else has taken it meanwhile. Whoever takes it next finds it interrupted unless the work is done,
// which means that all it made true is written down.
func (s *Store) ReleaseLease(ctx context.Context, l Lease, done bool) (err error) {
	defer wrap(&err, "ReleaseLease(%s)", l.Name)
	_, err = s.pool.Exec(ctx, `
		update leases set expires_at = case when $4 then '-infinity' else 'epoch'::timestamptz end where name = $1 and holder = $2 and fence = $3`,
		l.Name, l.Holder, l.Fence, done)
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
