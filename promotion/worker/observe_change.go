package worker

import (
	"context"
	"errors"
	"fmt"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// changeAttempts is how often a change is tried to be read before its link alone is shown.
const changeAttempts = 6

// ObserveChange reads what lies between two commits of a source repository, once. No promotion waits for it: without it a pull request has the link.
func (w *Work) ObserveChange(ctx context.Context, id int64) (err error) {
	how := done
	defer func() { w.Metrics.job("observe_change", how, err) }()
	_, err = w.hold(ctx, fmt.Sprintf("change:%d", id), func(ctx context.Context, h *held) error {
		change, err := w.Store.LoadChange(ctx, id, w.Now())
		if errors.Is(err, postgres.ErrNotFound) {
			return nil
		}
		if err != nil || !change.Repository.Accessible {
			return err
		}
		read, untold, err := w.readChange(ctx, change)
		switch {
		case err == nil:
		case worthTrying(err, change.Attempts):
			how = putOff
			until := w.again(ctx, change.Repository, err, change.Attempts)
			w.Logger.Warn("reading a source is put off", "source", change.Source, "until", until, "error", err)
			return w.Store.PutOffChange(ctx, id, until)
		default:
			how, read = refused, promotion.SourceChange{State: promotion.ChangeFailed}
			w.Logger.Warn("what changed in a source cannot be read", "source", change.Source, "base", change.Base.Short(), "head", change.Head.Short(), "error", err)
		}
		return w.Store.RecordChange(ctx, h.lease, change, read, untold, w.Now())
	})
	return err
}

// worthTrying says whether a source is tried to be read again after that many attempts.
func worthTrying(err error, attempts int) bool {
	var limited *forge.RateLimited
	return errors.As(err, &limited) || attempts+1 < changeAttempts && !final(err)
}

// final says that trying again would find the same.
func final(err error) bool {
	var refusal *refusedError
	return errors.As(err, &refusal) || errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrInvalid)
}

func (w *Work) readChange(ctx context.Context, change postgres.PendingChange) (read promotion.SourceChange, untold []promotion.CoAuthors, err error) {
	connection, err := w.connection(change.Repository.Forge)
	if err != nil {
		return read, nil, err
	}
	source, err := forge.ParseFullName(change.Source)
	if err != nil {
		return read, nil, &refusedError{err.Error()}
	}
	client := w.client(connection, change.Repository)
	if err := mayTouch(ctx, client, change.Repository.Repo, source); err != nil {
		return read, nil, err
	}
	found, err := client.Changes(ctx, source, change.Base, change.Head)
	if err == nil {
		untold, err = w.nameCoAuthors(ctx, client, change.Repository, source, found.Commits)
	}
	return postgres.NewSourceChange(change.ChangeKey, found), untold, err
}
