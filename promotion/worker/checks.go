package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ferry/forge"
	"ferry/promotion/postgres"
)

// ReadChecks reads the commit statuses and check runs that releases of one environment repository wait for. Like Observe it reads the forge and writes
// facts; but what a source repository says, or does not, keeps nothing else waiting.
func (w *Work) ReadChecks(ctx context.Context, repository int64) (err error) {
	how := done
	defer func() { w.Metrics.job("read_checks", how, err) }()
	for {
		more := false
		ok, err := w.hold(ctx, fmt.Sprintf("checks:%d", repository), func(ctx context.Context, h *held) (err error) {
			more, how, err = w.readChecks(ctx, repository, h.lease)
			return err
		})
		if err != nil || !ok || !more {
			return err
		}
	}
}

// readChecks reads what is to be read by now, and returns whether there was anything, for more may have come meanwhile, and how it went.
func (w *Work) readChecks(ctx context.Context, repository int64, lease postgres.Lease) (more bool, how outcome, err error) {
	how = done
	repo, err := w.Store.LoadRepository(ctx, repository)
	if err != nil || !repo.Accessible {
		return false, how, err
	}
	list, err := w.Store.UnreadChecks(ctx, repository, w.Now())
	if err != nil || len(list) == 0 {
		return false, how, err
	}
	connection, err := w.connection(repo.Forge)
	if err != nil {
		return false, how, err
	}
	r := checkReading{Work: w, client: w.client(connection, repo), repo: repo.Repo, allowed: map[string]error{}}
	var found []postgres.ReadChecks
	for _, u := range list {
		read, err := r.read(ctx, u)
		if err != nil {
			until := w.again(ctx, repo, err, u.Attempts)
			how = putOff
			w.Logger.Warn("reading checks is put off", "repository", repo.Repo.FullName(), "commit", u.SHA, "until", until, "error", err)
			if err := w.Store.PutOffChecks(ctx, lease, u.Hints, until); err != nil {
				return false, how, err
			}
			continue
		}
		found = append(found, read)
	}
	w.Logger.Info("checks read", "repository", repo.Repo.FullName(), "commits", len(found))
	return true, how, w.Store.RecordChecks(ctx, lease, repository, found, w.Now())
}

// checkReading is one turn of reading checks.
type checkReading struct {
	*Work
	client  Client
	repo    forge.Repo
	allowed map[string]error // by source repository
}

// read reads how a commit's checks stand. What Ferry may not read is a problem that is shown; other errors are returned.
func (r *checkReading) read(ctx context.Context, u postgres.UnreadChecks) (postgres.ReadChecks, error) {
	out := postgres.ReadChecks{UnreadChecks: u}
	if len(u.Names) == 0 { // nobody waits for it any more
		return out, nil
	}
	target := r.repo
	if u.Target != "" {
		var err error
		if target, err = r.source(ctx, u.Target); err != nil {
			return out, asProblem(&out, err)
		}
	}
	statuses, err := r.client.NewestStatuses(ctx, target, u.SHA)
	if err != nil {
		return out, asProblem(&out, fmt.Errorf("the commit statuses of %s cannot be read: %w", target.FullName(), err))
	}
	runs, err := r.client.NewestCheckRuns(ctx, target, u.SHA)
	if errors.Is(err, forge.ErrForbidden) {
		out.Problem, err = "the check runs of "+target.FullName()+" cannot be read: give Ferry's App the permission checks", nil
	}
	if err != nil {
		return out, asProblem(&out, fmt.Errorf("the check runs of %s cannot be read: %w", target.FullName(), err))
	}
	if now := r.Now(); older(u, statuses, runs) && now.Sub(u.Since) < floorPatience {
		out.Again = now.Add(floorPause)
	}
	for _, c := range append(statuses, runs...) {
		if slices.Contains(u.Names, c.Name) {
			c.Description = clipped(c.Description)
			out.Checks = append(out.Checks, c)
		}
	}
	slices.SortStableFunc(out.Checks, func(a, b forge.Check) int { return int(a.ID - b.ID) })
	return out, nil
}

// source returns the source repository where Ferry may read it for this environment repository.
func (r *checkReading) source(ctx context.Context, name string) (forge.Repo, error) {
	source, err := forge.ParseFullName(name)
	if err != nil {
		return source, &refusedError{err.Error()}
	}
	verdict, known := r.allowed[name]
	if !known {
		verdict = mayTouch(ctx, r.client, r.repo, source)
		r.allowed[name] = verdict
	}
	return source, verdict
}

// asProblem keeps as the reading's problem what trying again soon does not help against, and returns every other error.
func asProblem(out *postgres.ReadChecks, err error) error {
	var refused *refusedError
	if errors.As(err, &refused) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrInvalid) {
		out.Problem = clipped(err.Error())
		return nil
	}
	return err
}

// older says whether what was read is older than what deliveries told of.
func older(u postgres.UnreadChecks, statuses, runs []forge.Check) bool {
	var newest, run, done int64
	for _, c := range statuses {
		newest = max(newest, c.ID)
	}
	for _, c := range runs {
		run = max(run, c.ID)
		if c.State != forge.Pending {
			done = max(done, c.ID)
		}
	}
	return newest < u.Status || run < u.Run || done < u.Done
}

// maxCheckWords bounds what is kept of a check's words: whoever may post one wrote them.
const maxCheckWords = 500

func clipped(s string) string {
	if r := []rune(s); len(r) > maxCheckWords {
		return string(r[:maxCheckWords])
	}
	return s
}
