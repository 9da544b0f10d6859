package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// How often the timers are looked at and every repository is read whole. Twice in a lease's time, work that nobody holds is inserted again.
const (
	timerPause = time.Second
	sweepPause = 10 * time.Minute
	jobTimeout = time.Minute
)

// Run works until ctx ends, then stops softly: jobs that are under way get grace to finish.
func (w *Work) Run(ctx context.Context, grace time.Duration) error {
	client, err := river.NewClient(riverpgxv5.New(w.Store.Pool()), &river.Config{
		Workers: w.workers(), Logger: w.Logger, JobTimeout: jobTimeout, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 16}}, CompletedJobRetentionPeriod: time.Hour,
	})
	if err != nil {
		return fmt.Errorf("preparing the workers: %w", err)
	}
	// River's own context must outlive ctx: ending it would cancel the jobs under way.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the workers: %w", err)
	}
	w.tick(ctx)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := client.Stop(stop); err != nil {
		cancelled, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := client.StopAndCancel(cancelled); err != nil { // as where the database is gone
			w.Logger.Warn("jobs under way are given up; whoever runs next does them again", "error", err)
		}
	}
	return nil
}

// tick runs the timers, the rescue and the sweep until ctx ends.
func (w *Work) tick(ctx context.Context) {
	timers, rescue, sweep := time.NewTicker(timerPause), time.NewTicker(w.leaseTime()/2), time.NewTicker(sweepPause)
	defer timers.Stop()
	defer rescue.Stop()
	defer sweep.Stop()
	// What a killed process left is taken up; and deliveries that came while nobody was there were lost, so everything is read.
	w.logged(w.enqueue(ctx, w.Store.DueWork))
	w.logged(w.sweep(ctx, w.Now()))
	for {
		select {
		case <-ctx.Done():
			return
		case <-timers.C:
			err := w.enqueue(ctx, w.Store.TimersDue)
			if err == nil && w.missed.Swap(false) {
				err = w.sweep(ctx, w.Now())
			}
			w.logged(err)
		case <-rescue.C:
			w.logged(w.enqueue(ctx, w.Store.DueWork))
		case <-sweep.C:
			w.logged(w.Sweep(ctx))
		}
	}
}

// Missed tells that a delivery could not be stored, as while the database is gone. Forges do not send it again by themselves (docs.github.com,
// "Handling failed webhook deliveries"), so everything is read once that is possible.
func (w *Work) Missed() { w.missed.Store(true) }

// Sweep makes everything due that no delivery announced: installations that Ferry does not know, and every repository not read whole for a while.
func (w *Work) Sweep(ctx context.Context) error { return w.sweep(ctx, w.Now().Add(-sweepPause/2)) }

// sweep sweeps the repositories that were not read whole since before.
func (w *Work) sweep(ctx context.Context, before time.Time) error {
	if err := w.ObserveInstallations(ctx); err != nil {
		w.logged(err)
	}
	w.watchDeliveries(ctx)
	w.watchSetups(ctx)
	w.logged(w.Store.Clean(ctx, w.Now()))
	return w.Store.SweepRepositories(ctx, before)
}

func (w *Work) enqueue(ctx context.Context, find func(context.Context, time.Time, int) (postgres.Due, error)) error {
	due, err := find(ctx, w.Now(), 500)
	if err != nil {
		return err
	}
	return w.Store.EnqueueDue(ctx, due)
}

// workers are what River calls for each kind of job: jobs carry keys, and what they are about is read when they run.
func (w *Work) workers() *river.Workers {
	all := river.NewWorkers()
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.ObserveArgs]) error {
		return w.Observe(ctx, job.Args.Repository)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.InstallationArgs]) error {
		return w.ObserveInstallation(ctx, forge.Kind(job.Args.Forge), job.Args.Installation)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.ChecksArgs]) error {
		return w.ReadChecks(ctx, job.Args.Repository)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.ChangeArgs]) error {
		return w.ObserveChange(ctx, job.Args.Change)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.DeliveryLogArgs]) error {
		return w.ReadDeliveries(ctx, forge.Kind(job.Args.Forge))
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.ExamineArgs]) error {
		return w.Examine(ctx, forge.Kind(job.Args.Forge))
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.LookupArgs]) error {
		return w.ObserveSource(ctx, job.Args.Lookup)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.AuthorsArgs]) error {
		return w.ObserveAuthors(ctx, job.Args)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.DecideArgs]) error {
		return w.Decide(ctx, job.Args.Repository, job.Args.Unit)
	}))
	river.AddWorker(all, river.WorkFunc(func(ctx context.Context, job *river.Job[postgres.ActArgs]) error {
		return w.Act(ctx, job.Args.Wish)
	}))
	return all
}
