package sandbox

import (
	"errors"
	"fmt"
	"net/http"

	"ferry/forge"
)

// DeleteIssue deletes an issue as a person: it is in no list any more, and reading it answers 410 (docs.github.com, "Get an issue").
func (s *Sandbox) DeleteIssue(repo string, number int, as string) error {
	return wrap(s.act(repo, as, forge.PermissionAdmin, func(r *repository, who *account) error {
		t, err := r.issue(number)
		if err != nil {
			return err
		}
		if err := s.emitThread(r, t, "deleted", who, nil); err != nil {
			return err
		}
		t.gone, t.open, t.comments = true, false, nil
		return nil
	}), "DeleteIssue", repo, fmt.Sprint(number))
}

// TransferIssue moves an issue to another repository as a person: reading it where it was answers 301 (docs.github.com, "Get an issue").
// It returns its number there.
func (s *Sandbox) TransferIssue(repo string, number int, to, as string) (moved int, err error) {
	return moved, wrap(s.act(repo, as, forge.PermissionWrite, func(r *repository, who *account) error {
		t, err := r.issue(number)
		if err != nil {
			return err
		}
		other := s.st.repo(to)
		if other == nil || other == r {
			return errors.New("there is no other repository of that name")
		}
		there := s.newThread(other, t.title, t.body, t.author)
		there.comments, moved = t.comments, there.number
		if err := s.emitThread(r, t, "transferred", who, nil); err != nil {
			return err
		}
		t.gone, t.open, t.comments = true, false, nil
		t.movedTo = fmt.Sprintf("/repos/%s/issues/%d", other.fullName(), there.number)
		return nil
	}), "TransferIssue", repo, fmt.Sprint(number))
}

func (r *repository) issue(number int) (*thread, error) {
	t := r.thread(number)
	if t == nil || t.gone || t.pull != nil {
		return nil, fail(http.StatusNotFound, "there is no issue %d", number)
	}
	return t, nil
}
