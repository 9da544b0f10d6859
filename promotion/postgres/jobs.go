package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// ObserveArgs asks for one repository to be observed. Like all jobs' arguments it carries a key, never a value.
type ObserveArgs struct {
	Repository int64 `json:"repository"`
}

// Kind names the job.
func (ObserveArgs) Kind() string { return "observe" }

// ChecksArgs asks for the forge's checks to be read that releases of one environment repository wait for.
type ChecksArgs struct {
	Repository int64 `json:"repository"`
}

// Kind names the job.
func (ChecksArgs) Kind() string { return "read_checks" }

// InstallationArgs asks for one installation's repositories to be read.
type InstallationArgs struct {
	Forge        string `json:"forge"`
	Installation int64  `json:"installation"`
}

// Kind names the job.
func (InstallationArgs) Kind() string { return "observe_installation" }

// DecideArgs asks for one unit (an app, a pull request, the commands) to be decided.
type DecideArgs struct {
	Repository int64  `json:"repository"`
	Unit       string `json:"unit"`
}

// Kind names the job.
func (DecideArgs) Kind() string { return "decide" }

// ActArgs asks for one object at the forge to be brought to its wish.
type ActArgs struct {
	Wish int64 `json:"wish"`
}

// Kind names the job.
func (ActArgs) Kind() string { return "act" }

// enqueue inserts jobs in the transaction that makes them due.
func (s *Store) enqueue(ctx context.Context, tx pgx.Tx, args ...river.JobArgs) error {
	if len(args) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(args))
	for i, a := range args {
		params[i] = river.InsertManyParams{Args: a, InsertOpts: &river.InsertOpts{MaxAttempts: jobAttempts}}
	}
	if len(params) <= fewJobs {
		_, err := s.jobs.InsertManyTx(ctx, tx, params)
		return err
	}
	_, err := s.jobs.InsertManyFastTx(ctx, tx, params)
	return err
}

// fewJobs is up to how many jobs one statement is quicker than a COPY, which asks for the columns first.
const fewJobs = 50

// jobAttempts bounds a job's own attempts. Work that fails is put off in its own row and found by the sweep, so a job has nothing to hold on to.
const jobAttempts = 3
