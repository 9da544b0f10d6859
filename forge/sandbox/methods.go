package sandbox

import (
	"net/http"
	"slices"

	"ferry/forge"
)

// SetMergeMethods leaves a repository with these ways to merge alone (docs.github.com, "About merge methods on GitHub"); it begins with all three.
func (s *Sandbox) SetMergeMethods(repo string, allowed ...forge.MergeMethod) error {
	return wrap(s.onRepo(repo, func(r *repository) { r.methods = allowed }), "SetMergeMethods", repo, allowed)
}

func (r *repository) allows(method forge.MergeMethod) bool {
	return len(r.methods) == 0 || slices.Contains(r.methods, method)
}

// refuseMethod returns GitHub's answer to a merge in a way that the repository does not allow, and nil where it does.
func (r *repository) refuseMethod(method forge.MergeMethod) error {
	for known, words := range map[forge.MergeMethod]string{forge.MergeCommit: "Merge commits", forge.MergeSquash: "Squash merges", forge.MergeRebase: "Rebase merges"} {
		if method == known && !r.allows(known) {
			return fail(http.StatusMethodNotAllowed, "%s are not allowed on this repository.", words)
		}
	}
	return nil
}

// unsigned says whether a move brings commits whose signatures nobody verifies to a branch that wants signatures. GitHub signs what it makes itself, but
// not the commits that it rebases (docs.github.com, "About protected branches", require signed commits).
func (r *repository) unsigned(x *Rules, m move) (bool, error) {
	if !x.Signed || m.pull != nil && m.method == forge.MergeSquash {
		return false, nil
	}
	if m.method == forge.MergeRebase {
		return true, nil
	}
	shas, err := r.git.RevList(m.after, "^"+m.before)
	return slices.ContainsFunc(shas, func(sha string) bool { return !r.signed[sha] }), err
}

// forked says whether a move brings a merge commit to a branch that wants a line (docs.github.com, "About protected branches", require linear history). A pull
// request is stopped by the way it is merged alone: a squash and a rebase bring none.
func (r *repository) forked(x *Rules, m move) (bool, error) {
	if !x.Linear {
		return false, nil
	}
	if m.pull != nil {
		return m.method == forge.MergeCommit, nil
	}
	shas, err := r.git.RevList("--merges", m.after, "^"+m.before)
	return len(shas) > 0, err
}
