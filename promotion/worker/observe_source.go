package worker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/postgres"
)

// The labels by which an image says where it comes from (opencontainers/image-spec, annotations.md).
const (
	revisionLabel = "org.opencontainers.image.revision"
	sourceLabel   = "org.opencontainers.image.source"
)

// imageLabels reads what an image says of itself; it fails with promotion.ErrNoLabels where that will not change.
type imageLabels func(ctx context.Context, image promotion.Image) (map[string]string, error)

// sourceReader finds a commit by what names it.
type sourceReader interface {
	fileReader
	CommitAt(ctx context.Context, repo forge.Repo, ref string) (forge.SHA, error)
}

// ObserveSource looks up the commit that an image was built from. Nothing waits for it.
func (w *Work) ObserveSource(ctx context.Context, id int64) (err error) {
	how := done
	defer func() { w.Metrics.job("observe_source", how, err) }()
	_, err = w.hold(ctx, fmt.Sprintf("source:%d", id), func(ctx context.Context, h *held) error {
		l, err := w.Store.LoadLookup(ctx, id, w.Now())
		if errors.Is(err, postgres.ErrNotFound) || err == nil && !l.Repository.Accessible {
			return nil
		}
		if err != nil {
			return err
		}
		commit, err := w.lookUp(ctx, l)
		var unknown *refusedError
		switch {
		case err == nil:
			w.Logger.Info("a source commit is found", "image", l.Image.String(), "source", l.Source, "commit", commit.Short())
		case errors.As(err, &unknown):
			how, l.Problem = refused, unknown.Error()
		case worthTrying(err, l.Attempts):
			how = putOff
			until := w.again(ctx, l.Repository, err, l.Attempts)
			w.Logger.Warn("looking up a source commit is put off", "image", l.Image.String(), "until", until, "error", err)
			return w.Store.PutOffLookup(ctx, id, until)
		default:
			how, l.Problem = refused, "and looking it up failed"
			w.Logger.Warn("a source commit cannot be looked up", "image", l.Image.String(), "error", err)
		}
		return w.Store.RecordLookup(ctx, h.lease, l, commit, w.Now())
	})
	return err
}

// lookUp returns the commit, or a refusedError that says why nothing names it.
func (w *Work) lookUp(ctx context.Context, l postgres.PendingLookup) (forge.SHA, error) {
	connection, err := w.connection(l.Repository.Forge)
	if err != nil {
		return "", err
	}
	source, err := forge.ParseFullName(l.Source)
	if err != nil {
		return "", &refusedError{err.Error()}
	}
	client := w.client(connection, l.Repository)
	if err := mayTouch(ctx, client, l.Repository.Repo, source); err != nil {
		return "", err
	}
	var tried []string
	for _, ref := range l.Refs {
		commit, err := commitAt(ctx, client, source, ref)
		if commit != "" || err != nil {
			return commit, err
		}
		tried = append(tried, strings.TrimPrefix(ref, "tags/"))
	}
	problem := ""
	if len(tried) > 0 {
		problem = fmt.Sprintf("its source has no %s", strings.Join(tried, " and no "))
	}
	if !l.Label || w.Labels == nil {
		return "", &refusedError{problem}
	}
	commit, labelled, err := w.labelled(ctx, client, l, source, connection.PagesURL)
	if problem != "" {
		labelled = problem + ", and " + labelled
	}
	if commit == "" && err == nil {
		err = &refusedError{labelled}
	}
	return commit, err
}

// labelled returns the commit that the image's own labels name, or why they do not.
func (w *Work) labelled(ctx context.Context, client sourceReader, l postgres.PendingLookup, source forge.Repo, pages string) (commit forge.SHA, problem string, err error) {
	labels, err := w.Labels(ctx, l.Image)
	if errors.Is(err, promotion.ErrNoLabels) {
		return "", "its registry does not show what it says of itself", nil
	}
	if err != nil {
		return "", "", err
	}
	revision, from := labels[revisionLabel], strings.TrimSuffix(strings.TrimSuffix(labels[sourceLabel], "/"), ".git")
	switch {
	case revision == "":
		return "", "it has no label " + revisionLabel, nil
	case from != "" && !strings.EqualFold(from, pages+"/"+source.FullName()):
		return "", "its label " + sourceLabel + " names another repository", nil
	case !commitName.MatchString(revision):
		return "", "its label " + revisionLabel + " names no commit", nil
	}
	commit, err = commitAt(ctx, client, source, revision)
	return commit, "the commit in its label " + revisionLabel + " is not in its source", err
}

// commitName is a commit, in short or in full.
var commitName = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

// commitAt returns the commit that ref names in the source, "" where none does. A branch or tag whose name looks like a commit is none.
func commitAt(ctx context.Context, client sourceReader, source forge.Repo, ref string) (forge.SHA, error) {
	commit, err := client.CommitAt(ctx, source, ref)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrInvalid) {
		return "", nil
	}
	if commitName.MatchString(ref) && !strings.HasPrefix(string(commit), ref) {
		return "", err
	}
	return commit, err
}
