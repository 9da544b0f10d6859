package worker

import (
	"context"
	"errors"

	"ferry/forge"
	"ferry/promotion"
	"ferry/promotion/config"
)

// step is one move of the branch between two looks: a push, or a commit of the line that a comparison tells.
type step struct {
	revision forge.SHA
	changed  map[string]forge.SHA // the blob of each path it changed; gone where it removed the file, unread where a push does not say
}

// What stands for a blob in a step. Neither is a name that Git gives.
const (
	gone   forge.SHA = ""
	unread forge.SHA = "?"
)

// mostSteps is up to how many moves of the branch are told apart where no push told of them, at a read each. Beyond it, as after a long outage,
// deployments begin at the head.
const mostSteps = 30

// lookAtSteps finds at which revision each manifest came to stand as it does, where the branch moved more than once since the last look, and what stood
// there in between. After one move, which is the rule, there is nothing to find. Under another configuration than before, what files meant then is
// not known.
func (l *look) lookAtSteps(ctx context.Context) error {
	if l.out.Head == nil || l.out.ConfigFacts != nil {
		return nil
	}
	if err := l.readLine(ctx); err != nil || len(l.steps) < 2 {
		return err
	}
	for _, e := range l.changedAgain() {
		facts, err := l.earlier(ctx, e)
		if err != nil {
			return err
		}
		l.out.Earlier = append(l.out.Earlier, promotion.Placed(l.config, facts)...)
	}
	return nil
}

// readLine reads what each commit of the compared line changed, and so at which of them each manifest changed last.
func (l *look) readLine(ctx context.Context) error {
	if len(l.line) < 2 || len(l.line) > mostSteps || !l.full && !l.manifestAmong(l.paths) {
		return nil
	}
	var steps []step
	for _, revision := range l.line {
		files, complete, err := l.client.CommitFiles(ctx, l.repo.Repo, revision)
		if err != nil {
			return err
		}
		if !complete {
			return nil
		}
		steps = append(steps, step{revision, blobsOf(files)})
	}
	l.steps = steps
	for _, s := range steps {
		for path := range s.changed {
			l.paths[path] = s.revision
		}
	}
	return nil
}

// blobsOf returns the blobs of changed files by path; gone where a path holds no file any more.
func blobsOf(files []forge.ChangedFile) map[string]forge.SHA {
	blobs := map[string]forge.SHA{}
	for _, f := range files {
		if f.Previous != "" {
			blobs[f.Previous] = gone
		}
	}
	for _, f := range files {
		if blobs[f.Path] = f.SHA; f.Removed {
			blobs[f.Path] = gone
		}
	}
	return blobs
}

func (l *look) manifestAmong(paths map[string]forge.SHA) bool {
	for path := range paths {
		if len(l.config.Places(path)) > 0 {
			return true
		}
	}
	return false
}

// changedAgain returns the manifests that steps changed which a later one changed again, the last mostSingleReads of them.
func (l *look) changedAgain() (again []promotion.FileFacts) {
	for _, s := range l.steps {
		for path, blob := range s.changed {
			if l.paths[path] != s.revision && path != config.File && len(l.config.Places(path)) > 0 {
				again = append(again, promotion.FileFacts{File: promotion.File{Path: path, Blob: blob}, Revision: s.revision, Gone: blob == gone})
			}
		}
	}
	return again[max(0, len(again)-mostSingleReads):]
}

// earlier reads a manifest as it stood at an earlier revision.
func (l *look) earlier(ctx context.Context, f promotion.FileFacts) (promotion.FileFacts, error) {
	if f.Gone {
		return f, nil
	}
	if f.Blob != unread {
		stored, err := l.Store.Blobs(ctx, l.repo.ID, []forge.SHA{f.Blob})
		if err != nil {
			return f, err
		}
		if content, ok := stored[f.Blob]; ok {
			f.Content = content
			return f, nil
		}
	}
	file, err := l.client.File(ctx, l.repo.Repo, f.Path, string(f.Revision))
	f.Blob, f.Content = file.SHA, file.Content
	switch {
	case errors.Is(err, forge.ErrNotFound):
		f.Gone = true
	case errors.Is(err, forge.ErrInvalid) || err == nil && file.Symlink:
		f.Problem = f.Path + " cannot be read: it is no plain file, or too large"
	case err != nil:
		return f, err
	default:
		l.keep(file.SHA, file.Content)
	}
	return f, nil
}
