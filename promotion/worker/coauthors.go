package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

const (
	// mostAuthored is of how many commits one request asks who made them.
	mostAuthored = 100
	// asksAgain is how often the forge is asked for what it has not told after several tries.
	asksAgain = time.Hour

	stillToAsk = "the forge is still to be asked, for there is much to ask"
)

// coAuthors asks the forge, in one request, who made commits whose messages name co-authors by addresses of which only the forge knows whose they are. It
// returns of which it did not tell, with why, and fails only where Ferry is stopped: what is not known holds approvals up, and nothing else.
func (w *Work) coAuthors(ctx context.Context, client historyReader, of postgres.Repository, repo forge.Repo, commits []forge.SHA) (told map[forge.SHA][]string, untold []promotion.CoAuthors, err error) {
	if len(commits) == 0 {
		return nil, nil, nil
	}
	asked := commits[max(0, len(commits)-mostAuthored):]
	told, failed := client.CommitAuthors(ctx, repo, asked)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	problem := untoldProblem(failed)
	if failed != nil {
		w.Logger.Warn("who else made commits could not be looked up", "repository", repo.FullName(), "commits", len(asked), "error", failed)
		w.again(ctx, of, failed, 0)
	}
	for i, sha := range commits {
		if _, known := told[sha]; known {
			continue
		}
		one := promotion.CoAuthors{Commit: sha, Problem: problem}
		if i < len(commits)-len(asked) {
			one.Problem = stillToAsk
		}
		untold = append(untold, one)
	}
	return told, untold, nil
}

// untoldProblem says why the forge does not tell who made a commit: in words that stay the same while it stays so.
func untoldProblem(err error) string {
	var limited *forge.RateLimited
	var refusal *refusedError
	switch {
	case err == nil:
		return "the forge does not show that commit"
	case errors.As(err, &limited):
		return "the forge allows no more requests for a while"
	case errors.As(err, &refusal):
		return refusal.Error()
	case errors.Is(err, forge.ErrForbidden):
		return "the forge refuses it"
	case errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrInvalid):
		return "the forge does not know how to tell"
	}
	return forge.ErrUnavailable.Error()
}

// nameCoAuthors adds the co-authors whom the commits name by addresses of which only the forge knows whose they are: of all of them in one request. It
// returns those of which it did not tell.
func (w *Work) nameCoAuthors(ctx context.Context, client historyReader, of postgres.Repository, source forge.Repo, commits []forge.Commit) ([]promotion.CoAuthors, error) {
	var unnamed []forge.SHA
	for _, c := range commits {
		if c.Unnamed {
			unnamed = append(unnamed, c.SHA)
		}
	}
	told, untold, err := w.coAuthors(ctx, client, of, source, unnamed)
	for i := range commits {
		commits[i].With = sorted(append(commits[i].With, told[commits[i].SHA]...))
	}
	return untold, err
}

// coAuthorsOf asks the forge who made commits. Those of which it does not tell are noted, as of is: by their source, or by the revision that they came with.
func (l *look) coAuthorsOf(ctx context.Context, repo forge.Repo, of promotion.CoAuthors, commits []forge.SHA) (logins []string, err error) {
	told, untold, err := l.coAuthors(ctx, l.client, l.repo, repo, commits)
	for _, by := range told {
		logins = append(logins, by...)
	}
	l.noteUntold(of, untold)
	return sorted(logins), err
}

func (l *look) noteUntold(of promotion.CoAuthors, untold []promotion.CoAuthors) {
	for _, c := range untold {
		c.Source, c.Revision = of.Source, of.Revision
		l.out.CoAuthors = append(l.out.CoAuthors, c)
	}
}

// ObserveAuthors asks the forge again who else made commits of which it did not tell: several times within a minute, then hourly, and when somebody says
// /retry. Approvals wait for it.
func (w *Work) ObserveAuthors(ctx context.Context, of postgres.AuthorsArgs) (err error) {
	how := done
	defer func() { w.Metrics.job("observe_authors", how, err) }()
	_, err = w.hold(ctx, fmt.Sprintf("authors:%d:%s", of.Repository, of.Source), func(ctx context.Context, h *held) error {
		pending, err := w.Store.LoadAuthors(ctx, of, mostAuthored, w.Now())
		if err != nil || len(pending.Commits) == 0 || !pending.Repository.Accessible {
			return err
		}
		told, err := w.askAuthors(ctx, pending)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		problem, until := "", w.Now()
		if err != nil || len(told) < len(pending.Commits) {
			how, problem, until = putOff, untoldProblem(err), w.authorsAgain(ctx, pending, err)
			w.Logger.Warn("who else made commits could not be looked up again", "source", pending.Source, "commits", len(pending.Commits), "until", until, "error", err)
		}
		return w.Store.RecordAuthors(ctx, h.lease, pending, told, problem, until)
	})
	return err
}

// authorsAgain returns when the forge is asked again for what it has not told.
func (w *Work) authorsAgain(ctx context.Context, p postgres.PendingAuthors, err error) time.Time {
	var limited *forge.RateLimited
	if p.Attempts < lookupTries || errors.As(err, &limited) {
		return w.again(ctx, p.Repository, err, p.Attempts)
	}
	return w.Now().Add(asksAgain)
}

func (w *Work) askAuthors(ctx context.Context, p postgres.PendingAuthors) (map[forge.SHA][]string, error) {
	connection, err := w.connection(p.Repository.Forge)
	if err != nil {
		return nil, err
	}
	client, source := w.client(connection, p.Repository), p.Repository.Repo
	if p.Source != "" {
		if source, err = forge.ParseFullName(p.Source); err != nil {
			return nil, &refusedError{err.Error()}
		}
		if err := mayTouch(ctx, client, p.Repository.Repo, source); err != nil {
			return nil, err
		}
	}
	return client.CommitAuthors(ctx, source, p.Commits)
}
