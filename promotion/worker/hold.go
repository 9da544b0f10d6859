package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"ferry/promotion/postgres"
)

// leaseTime is for how long a lease stands that is not renewed: what a killed process left half done is taken up by others after it.
// leaseGrace is how long it may take, once work was cancelled, to write down how far it came and to give its lease back.
const (
	leaseTime  = 20 * time.Second
	leaseGrace = 2 * time.Second
)

func (w *Work) leaseTime() time.Duration {
	if w.LeaseTime == 0 {
		return leaseTime
	}
	return w.LeaseTime
}

// held is a lease while its work is under way.
type held struct {
	*Work
	lease   postgres.Lease
	unsure  bool // the object may stand otherwise than is written down: a try at it was interrupted or failed
	mu      sync.Mutex
	renewed time.Time
}

// hold does work under the lease of that name, which it renews all the while. It returns false, and does nothing, where somebody else holds it.
// The work's context ends when somebody else has taken the lease over.
func (w *Work) hold(ctx context.Context, name string, work func(context.Context, *held) error) (ok bool, err error) {
	h := &held{Work: w, renewed: w.Now()}
	h.lease, ok, err = w.Store.TakeLease(ctx, name, w.Holder, w.leaseTime())
	if err != nil || !ok {
		return false, err
	}
	h.unsure = h.lease.Interrupted
	working, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { h.renewAlways(working, stop) })
	err = work(working, h)
	if cause := context.Cause(working); err != nil && errors.Is(cause, postgres.ErrFenced) {
		err = cause
	}
	stop(nil)
	renewing.Wait()
	// The work may have been cancelled, as at the end of the process; a lease that stays behind would keep others waiting.
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseGrace)
	defer cancel()
	return true, errors.Join(err, w.Store.ReleaseLease(release, h.lease, err == nil && !h.unsure))
}

func (h *held) renewAlways(ctx context.Context, stop context.CancelCauseFunc) {
	again := time.NewTicker(h.leaseTime() / 3)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if err := h.renew(ctx); errors.Is(err, postgres.ErrFenced) {
				stop(err)
				return
			}
		}
	}
}

func (h *held) renew(ctx context.Context) error {
	now := h.Now()
	if err := h.Store.RenewLease(ctx, h.lease, h.leaseTime()); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.renewed = now
	return nil
}

// still fails with postgres.ErrFenced where somebody else holds the lease by now. The database is asked only where renewing is late: a process that
// stood still (stopped, swapped out, its machine suspended) must not go on with what another one has taken up meanwhile.
func (h *held) still(ctx context.Context) error {
	now := h.Now()
	h.mu.Lock()
	// The clock that Sub reads does not go on while a machine is suspended; the one on the wall does, and may be set back.
	late := max(now.Sub(h.renewed), now.Round(0).Sub(h.renewed.Round(0)))
	h.mu.Unlock()
	if late < h.leaseTime()*2/3 {
		return nil
	}
	return h.renew(ctx)
}
