package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ferry/forge"
)

// intake lets deliveries that wait together share one transaction: whoever finds nobody storing begins at once and alone, and who comes meanwhile
// goes with the next one. Nobody waits for company.
type intake struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is one queue: at any time one of its arrivals stores, the others wait.
type lane struct {
	waiting []*arrival
}

// The common lane is everybody's first; a delivery whose repository somebody is writing to just then waits in that repository's own.
const commonLane = ""

// What one transaction takes at most; a larger delivery goes by itself.
const (
	batchDeliveries = 128
	batchBytes      = 8 << 20
)

// batchPatience bounds a transaction whose arrivals may all have given up. GitHub waits ten seconds (docs.github.com, "Best practices for using webhooks").
const batchPatience = 15 * time.Second

// fate is what became of an arrival.
type fate int

const (
	leads    fate = iota // its turn has come to store everybody who waits
	stored               // it is durable
	known                // it was stored before
	leftOver             // it could not be stored together with others
)

// verdict is what an arrival is told while it waits.
type verdict struct {
	fate fate
	err  error
}

// arrival is one delivery on its way into the database.
type arrival struct {
	delivery forge.Delivery
	event    forge.Event
	at       time.Time
	told     chan verdict // takes one verdict without anybody reading it
}

func newArrival(d forge.Delivery, e forge.Event, at time.Time) *arrival {
	return &arrival{delivery: d, event: e, at: at, told: make(chan verdict, 1)}
}

// through takes the arrival through a lane. It returns what became of it, once that is durable; or ctx's error, and then it may be stored or not.
func (in *intake) through(ctx context.Context, key string, a *arrival, store func(context.Context, []*arrival) ([]fate, error)) (fate, error) {
	if !in.join(key, a) {
		select {
		case v := <-a.told:
			if v.fate != leads {
				return v.fate, v.err
			}
		case <-ctx.Done():
			in.leave(key, a)
			return leftOver, ctx.Err()
		}
	}
	return in.lead(ctx, key, a, store)
}

// lead stores everybody who waits, the leader first, and tells them. The leader's client may be gone meanwhile; the others' are not.
func (in *intake) lead(ctx context.Context, key string, a *arrival, store func(context.Context, []*arrival) ([]fate, error)) (fate, error) {
	batch := in.take(key)
	fates, err := slices.Repeat([]fate{leftOver}, len(batch)), errors.New("storing the delivery was broken off")
	defer func() { // also after a panic: who waits must not wait for ever
		in.pass(key)
		for i, b := range batch {
			if b != a {
				b.told <- verdict{fates[i], err}
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchPatience)
	defer cancel()
	found, failure := store(ctx, batch)
	if err = failure; err == nil {
		fates = found
	}
	return fates[slices.Index(batch, a)], err
}

// join puts the arrival into the lane, and returns true where it leads at once.
func (in *intake) join(key string, a *arrival) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	l, busy := in.lanes[key]
	if !busy {
		l = &lane{}
		in.lanes[key] = l
	}
	l.waiting = append(l.waiting, a)
	return !busy
}

// take removes from the lane who goes with the next transaction: whoever leads stands first.
func (in *intake) take(key string) []*arrival {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lanes[key]
	n, bytes := 0, 0
	for n < len(l.waiting) && n < batchDeliveries {
		bytes += len(l.waiting[n].delivery.Body)
		if n > 0 && bytes > batchBytes {
			break
		}
		n++
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Clone(l.waiting[n:])
	return batch
}

// pass lets the first of those who wait lead; a lane without any is closed.
func (in *intake) pass(key string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.passLocked(key)
}

func (in *intake) passLocked(key string) {
	l := in.lanes[key]
	if len(l.waiting) == 0 {
		delete(in.lanes, key)
		return
	}
	l.waiting[0].told <- verdict{fate: leads}
}

// leave takes an arrival out of the lane whose client is gone. One whose turn has just come passes it on; one that is being stored stays that.
func (in *intake) leave(key string, a *arrival) {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lanes[key]
	if l == nil {
		return
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(b *arrival) bool { return b == a })
	select {
	case v := <-a.told:
		if v.fate == leads {
			in.passLocked(key)
		}
	default:
	}
}
