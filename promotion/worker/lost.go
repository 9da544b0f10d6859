package worker

import (
	"context"
	"errors"
	"time"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// DeliveryLog is a forge's own log of what it sent to Ferry.
type DeliveryLog struct {
	Deliveries func(ctx context.Context, since time.Time, most int) (log []forge.SentDelivery, complete bool, err error)
	Redeliver  func(ctx context.Context, id int64) error
}

// How the log of deliveries is read. What one look leaves, the next one finds; what is lost for good, the sweep repairs.
const (
	logPause    = 3 * time.Minute
	logOverlap  = 10 * time.Minute // a try is in the log only once it has ended
	logReach    = 3 * 24 * time.Hour
	logMost     = 2000 // tries, in one look
	askedOften  = 5    // for one delivery
	askedAtOnce = 50
)

// watchDeliveries makes the logs due of the forges that have one.
func (w *Work) watchDeliveries(ctx context.Context) {
	for kind, connection := range w.Forges {
		if connection.Log != nil {
			w.logged(w.Store.WatchDeliveries(ctx, kind, w.Now()))
		}
	}
}

// ReadDeliveries reads a forge's log of deliveries and asks for those again that never arrived. Of all replicas one does it at a time.
func (w *Work) ReadDeliveries(ctx context.Context, kind forge.Kind) (err error) {
	how := done
	defer func() { w.Metrics.job("read_deliveries", how, err) }()
	_, err = w.hold(ctx, postgres.DeliveryLogLease(kind), func(ctx context.Context, h *held) error {
		since, err := w.Store.LogReadUntil(ctx, kind, w.Now())
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		next, err := w.readDeliveries(ctx, h.lease, kind, since)
		if err != nil {
			how = putOff
			w.Logger.Warn("reading the log of deliveries is put off", "until", next, "error", err)
		}
		return w.Store.PutOffLog(ctx, kind, next)
	})
	return err
}

// readDeliveries returns when the log is to be read next, also where it fails.
func (w *Work) readDeliveries(ctx context.Context, lease postgres.Lease, kind forge.Kind, since time.Time) (next time.Time, err error) {
	now := w.Now()
	log := w.Forges[kind].Log
	if log == nil {
		return now.Add(24 * time.Hour), nil // a token has taken the App's place
	}
	oldest := now.Add(-logReach)
	if since = since.Add(-logOverlap); since.Before(oldest) {
		since = oldest
	}
	tries, complete, err := log.Deliveries(ctx, since, logMost)
	if err != nil {
		return w.again(ctx, postgres.Repository{Forge: kind}, err, 6), err
	}
	if !complete {
		w.Logger.Warn("more was sent than is looked at; the sweep finds what was lost of it", "since", since, "looked at", len(tries))
	}
	lost, taken := forge.Undelivered(tries)
	found, err := w.Store.RecordLog(ctx, lease, kind, lost, taken, now, oldest)
	if err != nil {
		return w.again(ctx, postgres.Repository{Forge: kind}, err, 6), err
	}
	w.Metrics.lost("found", found)
	if err := w.askAgain(ctx, kind, log); err != nil {
		return w.again(ctx, postgres.Repository{Forge: kind}, err, 6), err
	}
	return now.Add(logPause), nil
}

// askAgain asks for lost deliveries. One that the forge does not know any more counts as asked for; the pauses between grow, for what made it fail
// may last.
func (w *Work) askAgain(ctx context.Context, kind forge.Kind, log *DeliveryLog) error {
	lost, err := w.Store.LostDeliveries(ctx, kind, w.Now(), askedOften, askedAtOnce)
	if err != nil {
		return err
	}
	for _, d := range lost {
		err := log.Redeliver(ctx, d.Delivery)
		if err != nil && !final(err) {
			return err
		}
		w.Logger.Info("a lost delivery is asked for again", "delivery", d.GUID, "event", d.Event, "asked", d.Asked+1, "error", err)
		w.Metrics.lost("asked", 1)
		if d.Asked+1 == askedOften {
			w.Metrics.lost("given up", 1)
		}
		if err := w.Store.AskedAgain(ctx, kind, d.GUID, w.Now().Add(logPause<<(2*d.Asked))); err != nil {
			return err
		}
	}
	return nil
}
