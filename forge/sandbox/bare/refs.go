package bare

import (
	"errors"
	"fmt"
	"strings"
)

// Ref is a reference and the object it names.
type Ref struct {
	Name string // full: refs/heads/main
	SHA  string
}

// Refs returns all references below prefix ("refs/heads/"), sorted by name. With no prefix it returns all.
func (r *Repo) Refs(prefix string) ([]Ref, error) {
	args := []string{"for-each-ref", "--format=%(objectname) %(refname)"}
	if prefix != "" {
		args = append(args, prefix)
	}
	out, err := r.run(nil, args...)
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for _, line := range lines(out) {
		sha, name, _ := strings.Cut(line, " ")
		refs = append(refs, Ref{Name: name, SHA: sha})
	}
	return refs, nil
}

// Ref returns the commit that a full reference leads to. It fails with ErrMissing where there is none.
func (r *Repo) Ref(name string) (string, error) {
	if !strings.HasPrefix(name, "refs/") || strings.ContainsAny(name, "^:~@{}\\ ?*[") {
		return "", fmt.Errorf("reference %q: %w", name, ErrMissing)
	}
	obj, err := r.Object(name)
	if err != nil {
		return "", err
	}
	return obj.SHA, nil
}

// SetRef lets a full reference name sha. old is what it must name now: Zero for "must not exist", empty for anything.
// It fails with ErrBadName for a name that git refuses and with ErrMoved where old does not hold.
func (r *Repo) SetRef(name, sha, old string) error {
	if err := r.checkName(name); err != nil {
		return err
	}
	args := []string{"update-ref", name, sha}
	if old != "" {
		args = append(args, old)
	}
	if _, err := r.run(nil, args...); err != nil {
		return fmt.Errorf("set %s to %s: %w: %w", name, sha, ErrMoved, err)
	}
	return nil
}

// DeleteRef removes a full reference. It fails with ErrMissing where there is none.
func (r *Repo) DeleteRef(name string) error {
	sha, err := r.Ref(name)
	if err != nil {
		return err
	}
	if _, err := r.run(nil, "update-ref", "-d", name, sha); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

func (r *Repo) checkName(name string) error {
	if !strings.HasPrefix(name, "refs/") || strings.HasPrefix(name, "refs/heads/-") {
		return fmt.Errorf("reference %q: %w", name, ErrBadName)
	}
	if _, err := r.about(nil, nil, "check-ref-format", name); err != nil {
		return fmt.Errorf("reference %q: %w", name, ErrBadName)
	}
	return nil
}

// MergeBase returns the best common ancestor of two commits, and "" where they have none.
func (r *Repo) MergeBase(a, b string) (string, error) {
	out, err := r.about([]string{a, b}, nil, "merge-base", a, b)
	if exitCode(err) == 1 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(out)), nil
}

// Contains says whether commit a is b or an ancestor of b. A commit that is not there is contained in nothing.
func (r *Repo) Contains(b, a string) (bool, error) {
	if a == b {
		return true, nil
	}
	_, err := r.about([]string{a, b}, nil, "merge-base", "--is-ancestor", a, b)
	switch exitCode(err) {
	case 1, 128:
		return false, nil
	}
	return err == nil, err
}

// RevList returns the names of commits that `git rev-list` with args lists.
func (r *Repo) RevList(args ...string) ([]string, error) {
	out, err := r.run(nil, append([]string{"rev-list"}, args...)...)
	if err != nil {
		return nil, err
	}
	return lines(out), nil
}

// IsMissing says whether err is ErrMissing.
func IsMissing(err error) bool { return errors.Is(err, ErrMissing) }

// RenameBranch gives a branch another name; what HEAD names follows.
func (r *Repo) RenameBranch(old, name string) error {
	if err := r.checkName("refs/heads/" + name); err != nil {
		return err
	}
	_, err := r.run(nil, "branch", "-m", old, name)
	return err
}
