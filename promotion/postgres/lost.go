package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ferry/forge"
)

// DeliveryLogArgs asks for a forge's log of deliveries to be read, and for what was lost to be sent again.
type DeliveryLogArgs struct {
	Forge string `json:"forge"`
}

// Kind names the job.
func (DeliveryLogArgs) Kind() string { return "read_deliveries" }

// DeliveryLogLease names the lease under which a forge's log of deliveries is read.
func DeliveryLogLease(kind forge.Kind) string { return "deliveries:" + string(kind) }

// WatchDeliveries makes a forge's log of deliveries due, unless it is watched already.
func (s *Store) WatchDeliveries(ctx context.Context, kind forge.Kind, now time.Time) (err error) {
	defer wrap(&err, "WatchDeliveries(%s)", kind)
	_, err = s.pool.Exec(ctx, `insert into delivery_logs (forge, due_at) values ($1, $2) on conflict (forge) do nothing`, kind, now)
	return err
}

// dueLogs returns the logs of deliveries that are to be read by now and that no live lease holds.
func (s *Store) dueLogs(ctx context.Context, now time.Time) ([]DeliveryLogArgs, error) {
	rows, err := s.pool.Query(ctx, `
		select d.forge from delivery_logs d left join leases l on l.name = 'deliveries:' || d.forge and l.expires_at > clock_timestamp()
		where d.due_at <= $1 and l.name is null`, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[DeliveryLogArgs])
}

// LogReadUntil returns until when a forge's log of deliveries was looked at, the zero time where it never was, or ErrNotFound where it is not due.
func (s *Store) LogReadUntil(ctx context.Context, kind forge.Kind, now time.Time) (until time.Time, err error) {
	defer wrap(&err, "LogReadUntil(%s)", kind)
	var read *time.Time
	err = s.pool.QueryRow(ctx, `select read_until from delivery_logs where forge = $1 and due_at <= $2`, kind, now).Scan(&read)
	if errors.Is(err, pgx.ErrNoRows) {
		return until, ErrNotFound
	}
	if read != nil {
		until = *read
	}
	return until, err
}

// RecordLog writes down what a forge's log says was lost, and that what has arrived is not. It returns how much is newly lost. What was sent before then
// is forgotten: the forge has forgotten it too.
func (s *Store) RecordLog(ctx context.Context, lease Lease, kind forge.Kind, lost []forge.SentDelivery, taken []string, now, then time.Time) (found int, err error) {
	defer wrap(&err, "RecordLog(%s)", kind)
	err = s.transact(ctx, pgx.ReadCommitted, func(tx pgx.Tx) error {
		found = 0
		if err := checkFence(ctx, tx, lease); err != nil {
			return err
		}
		for _, d := range lost {
			var fresh bool
			err := tx.QueryRow(ctx, `
				insert into lost_deliveries (forge, guid, delivery, event, failed_at, due_at)
				select $1, $2, $3, $4, $5, $6 where not exists (select from deliveries where forge = $1 and id = $2)
				on conflict (forge, guid) do update set delivery = excluded.delivery
				returning asked = 0 and xmax = 0`, kind, d.GUID, d.ID, d.Event, d.At, now).Scan(&fresh)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("%s: %w", d.GUID, err)
			}
			if fresh {
				found++
			}
		}
		if _, err := tx.Exec(ctx, `
			delete from lost_deliveries l where forge = $1 and (guid = any($2) or failed_at < $3
			  or exists (select from deliveries d where d.forge = l.forge and d.id = l.guid))`, kind, taken, then); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update delivery_logs set read_until = $2 where forge = $1`, kind, now)
		return err
	})
	return found, err
}

// LostDelivery is one that is to be asked for again.
type LostDelivery struct {
	GUID     string
	Delivery int64 // the newest try at it
	Event    string
	Asked    int
}

// LostDeliveries returns those that are to be asked for by now and were not asked for so often already, the oldest first.
func (s *Store) LostDeliveries(ctx context.Context, kind forge.Kind, now time.Time, often, limit int) (list []LostDelivery, err error) {
	defer wrap(&err, "LostDeliveries(%s)", kind)
	rows, err := s.pool.Query(ctx, `
		select guid, delivery, event, asked from lost_deliveries where forge = $1 and due_at <= $2 and asked < $3 order by failed_at, delivery limit $4`, kind, now, often, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[LostDelivery])
}

// AskedAgain writes down that the forge was asked for a lost delivery, and when it is asked next.
func (s *Store) AskedAgain(ctx context.Context, kind forge.Kind, guid string, next time.Time) (err error) {
	defer wrap(&err, "AskedAgain(%s)", guid)
	_, err = s.pool.Exec(ctx, `update lost_deliveries set asked = asked + 1, due_at = $3 where forge = $1 and guid = $2`, kind, guid, next)
	return err
}

// PutOffLog writes down when a forge's log of deliveries is read next.
func (s *Store) PutOffLog(ctx context.Context, kind forge.Kind, until time.Time) (err error) {
	defer wrap(&err, "PutOffLog(%s)", kind)
	_, err = s.pool.Exec(ctx, `update delivery_logs set due_at = $2 where forge = $1`, kind, until)
	return err
}
