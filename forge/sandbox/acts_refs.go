package sandbox

import (
	"errors"
	"net/http"
	"strings"

	"ferry/forge/sandbox/bare"
)

// createRef makes a reference for who.
func (s *Sandbox) createRef(r *repository, ref, sha string, who *account) error {
	if !strings.HasPrefix(ref, "refs/") || strings.Count(ref, "/") < 2 {
		return fail(http.StatusUnprocessableEntity, "Reference name must start with 'refs/' and contain at least three parts.")
	}
	if obj, err := r.git.Object(sha); err != nil || obj.SHA != sha || strings.HasPrefix(ref, "refs/heads/") && obj.Type != "commit" {
		return fail(http.StatusUnprocessableEntity, "Object does not exist")
	}
	if err := s.refusePush(r, ref, bare.Zero, sha, who); err != nil {
		return err
	}
	switch err := r.git.SetRef(ref, sha, bare.Zero); {
	case errors.Is(err, bare.ErrBadName):
		return fail(http.StatusUnprocessableEntity, "Reference name is invalid")
	case errors.Is(err, bare.ErrMoved):
		return fail(http.StatusUnprocessableEntity, "Reference already exists")
	case err != nil:
		return err
	}
	return s.refMoved(r, ref, bare.Zero, sha, who)
}

// moveRef lets an existing reference name sha.
func (s *Sandbox) moveRef(r *repository, ref, sha string, force bool, who *account) error {
	before, err := r.git.Ref(ref)
	if err != nil {
		return fail(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if obj, err := r.git.Object(sha); err != nil || obj.SHA != sha || obj.Type != "commit" {
		return fail(http.StatusUnprocessableEntity, "Object does not exist")
	}
	forward, err := r.git.Contains(sha, before)
	if err != nil {
		return err
	}
	if !forward && !force {
		return fail(http.StatusUnprocessableEntity, "Update is not a fast forward")
	}
	if before == sha {
		return nil
	}
	if err := s.refusePush(r, ref, before, sha, who); err != nil {
		return err
	}
	if err := r.git.SetRef(ref, sha, before); err != nil {
		return err
	}
	return s.refMoved(r, ref, before, sha, who)
}

func (s *Sandbox) deleteRef(r *repository, ref string, who *account) error {
	before, err := r.git.Ref(ref)
	if err != nil {
		return fail(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if ref == "refs/heads/"+r.branch {
		return fail(http.StatusUnprocessableEntity, "Cannot delete the default branch")
	}
	if err := s.refusePush(r, ref, before, bare.Zero, who); err != nil {
		return err
	}
	if err := r.git.DeleteRef(ref); err != nil {
		return err
	}
	return s.refMoved(r, ref, before, bare.Zero, who)
}

// refMoved does what follows from a moved reference: the webhook, and what becomes of pull requests from and to it.
func (s *Sandbox) refMoved(r *repository, ref, before, after string, who *account) error {
	r.pushed, r.touched = s.now(), true
	if err := s.emitPush(r, ref, before, after, who); err != nil {
		return err
	}
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok {
		return nil
	}
	for _, t := range r.pullRequests() {
		var err error
		switch {
		case !t.open:
		case branch == t.pull.base:
			err = s.baseMoved(r, t, after, who)
		case branch == t.pull.head && t.pull.from == r.id:
			err = s.headMoved(r, t, after, who)
		}
		if err != nil {
			return err
		}
	}
	if err := s.settleQueue(r, branch); err != nil {
		return err
	}
	return s.forkMoved(r, branch, after, who)
}

// baseMoved lets a pull request follow its base. If the base contains its head now, somebody merged it by a push.
func (s *Sandbox) baseMoved(r *repository, t *thread, after string, who *account) error {
	if after == bare.Zero {
		return s.setOpen(r, t, false, who)
	}
	before := t.pull.baseSHA
	t.pull.baseSHA = after
	in, err := r.git.Contains(after, t.pull.headSHA)
	if err != nil || !in {
		return err
	}
	merge, err := r.mergeOf(t.pull.headSHA, before, after)
	if err != nil {
		return err
	}
	t.pull.baseSHA = before // as GitHub shows a merged one: where the base stood
	return s.markMerged(r, t, merge, who)
}

// mergeOf returns the commit by which head came into a base that moved from before to after: the oldest of the base's own
// line that contains it.
func (r *repository) mergeOf(head, before, after string) (string, error) {
	line, err := r.git.RevList("--first-parent", "--reverse", after, "^"+before)
	if err != nil {
		return "", err
	}
	for _, sha := range line {
		in, err := r.git.Contains(sha, head)
		if err != nil || in {
			return sha, err
		}
	}
	return after, nil
}

// headMoved lets a pull request follow its branch. GitHub closes it where nothing is left to merge.
func (s *Sandbox) headMoved(r *repository, t *thread, after string, who *account) error {
	if after == bare.Zero {
		return s.setOpen(r, t, false, who)
	}
	before := t.pull.headSHA
	var files []bare.FileChange
	stale := r.dismissesStale(t)
	if stale {
		var err error
		if files, err = r.pullFiles(t, t.pull.baseSHA); err != nil {
			return err
		}
	}
	t.pull.headSHA, t.pull.baseSeen, t.updated = after, t.pull.baseSHA, s.now()
	in, err := r.git.Contains(t.pull.baseSHA, after)
	if err != nil {
		return err
	}
	if in {
		t.pull.emptied = true
		return s.setOpen(r, t, false, who)
	}
	if err := s.emitPull(r, t, "synchronize", who, object{"before": before, "after": after}); err != nil || !stale {
		return err
	}
	return s.dismissStale(r, t, files, who)
}
