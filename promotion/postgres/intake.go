package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"ferry/forge"
)

// intake lets deliveries that wait together share one transaction: who finds room begins at once, and who comes while others are storing goes with
// the next one. Nobody waits for company.
type intake struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is one queue. Those who store are no more in waiting.
type lane struct {
	leaders int
	waiting []*arrival
}

// The common lane is everybody's first. A delivery whose repository somebody else is writing to for long goes through that repository's own, where
// it waits for that and keeps nobody else from being stored.
const commonLane = ""

// What one transaction takes at most (a larger delivery goes by itself), and how many there are at a time in the common lane: while one waits for the
// disk the other has the processor.
const (
	batchDeliveries = 128
	batchBytes      = 8 << 20
	commonLeaders   = 2
)

// batchPatience bounds a transaction whose arrivals may all have given up. GitHub waits ten seconds (docs.github.com, "Best practices for using webhooks").
const batchPatience = 15 * time.Second

// fate is what became of an arrival.
type fate int

const (
	leads    fate = iota // its turn has come to store everybody who waits
	stored               // it is durable
	known                // it was stored before
	blocked              // somebody else is writing to its repository
	separate             // it cannot be stored together with others
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

// storer stores a batch of arrivals in one transaction and returns what became of each.
type storer func(context.Context, []*arrival) ([]fate, error)

// through takes the arrival through a lane. It returns what became of it, once that is durable; or ctx's error, and then it may be stored or not.
func (in *intake) through(ctx context.Context, key string, a *arrival, store storer) (fate, error) {
	if !in.join(key, a) {
		select {
		case v := <-a.told:
			if v.fate != leads {
				return v.fate, v.err
			}
		case <-ctx.Done():
			in.leave(key, a)
			return separate, ctx.Err()
		}
	}
	return in.lead(ctx, key, a, store)
}

// lead stores everybody who waits, the leader first, and tells them. The leader's client may be gone meanwhile; the others' are not.
func (in *intake) lead(ctx context.Context, key string, a *arrival, store storer) (fate, error) {
	batch := in.take(key, a)
	fates, err := slices.Repeat([]fate{separate}, len(batch)), errors.New("storing the delivery was broken off")
	defer func() { // also after a panic: who waits must not wait for ever
		in.pass(key)
		for i, b := range batch[1:] {
			b.told <- verdict{fates[i+1], err}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchPatience)
	defer cancel()
	found, failure := store(ctx, batch)
	if err = failure; err == nil {
		fates = found
	}
	return fates[0], err
}

// join puts the arrival into the lane, and returns true where it leads at once.
func (in *intake) join(key string, a *arrival) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	l, most := in.lanes[key], 1
	if key == commonLane {
		most = commonLeaders
	}
	if l == nil {
		l = &lane{}
		in.lanes[key] = l
	}
	if l.leaders < most {
		l.leaders++
		return true
	}
	l.waiting = append(l.waiting, a)
	return false
}

// open says whether anybody is in the lane.
func (in *intake) open(key string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.lanes[key] != nil
}

// take removes from the lane who goes with the leader.
func (in *intake) take(key string, leader *arrival) []*arrival {
	in.mu.Lock()
	defer in.mu.Unlock()
	l, n, bytes := in.lanes[key], 0, len(leader.delivery.Body)
	for n < len(l.waiting) && n < batchDeliveries-1 {
		if bytes += len(l.waiting[n].delivery.Body); bytes > batchBytes {
			break
		}
		n++
	}
	batch := append([]*arrival{leader}, l.waiting[:n]...)
	l.waiting = slices.Delete(l.waiting, 0, n)
	return batch
}

// pass lets the first of those who wait lead; a lane without any is closed behind the last leader.
func (in *intake) pass(key string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lanes[key]
	if len(l.waiting) > 0 {
		l.waiting[0].told <- verdict{fate: leads}
		l.waiting = slices.Delete(l.waiting, 0, 1)
		return
	}
	if l.leaders--; l.leaders == 0 {
		delete(in.lanes, key)
	}
}

// leave takes an arrival out of the lane whose client is gone. One whose turn has just come passes it on; one that is being stored stays that.
func (in *intake) leave(key string, a *arrival) {
	if in.withdraw(key, a) {
		return
	}
	select {
	case v := <-a.told:
		if v.fate == leads {
			in.pass(key)
		}
	default:
	}
}

func (in *intake) withdraw(key string, a *arrival) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lanes[key]
	if l == nil {
		return false
	}
	i := slices.Index(l.waiting, a)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	return i >= 0
}
