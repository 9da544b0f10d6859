package sandbox

import (
	"errors"
	"fmt"
	"strings"
)

// Rename gives a repository ("owner/name") another name, and tells the Apps in it. Its number stays; under the old name nothing is found any more,
// where GitHub would redirect. It fails for an unknown repository and for a name that is taken or that GitHub does not take.
func (s *Sandbox) Rename(repo, name string) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	switch {
	case r == nil:
		return wrap(errors.New("there is no such repository"), "Rename", repo, name)
	case !nameForm.MatchString(name) || s.st.repo(r.owner.login+"/"+name) != nil:
		return wrap(fmt.Errorf("%s is taken, or no name for a repository", name), "Rename", repo, name)
	}
	old := r.name
	delete(s.st.repos, strings.ToLower(r.fullName()))
	r.name = name
	s.st.repos[strings.ToLower(r.fullName())] = r
	s.emit(r, "repository", "renamed", r.owner, object{"changes": object{"repository": object{"name": object{"from": old}}}})
	return nil
}

// Transfer gives a repository to another account, which is made where there is none. Its number stays. The Apps of the account that had it lose it, until
// they are let into it there (docs.github.com, "Transferring a repository").
func (s *Sandbox) Transfer(repo, to string) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil || s.st.repo(to+"/"+r.name) != nil {
		return wrap(errors.New("there is no such repository, or one of that name there"), "Transfer", repo, to)
	}
	for _, in := range s.st.installations {
		if in.repos[r.id] {
			if err := s.changeRepos(in, r.owner, nil, []*repository{r}); err != nil {
				return wrap(err, "Transfer", repo, to)
			}
		}
	}
	who := s.st.account(to)
	if who == nil {
		who = s.addAccount(to, "Organization")
	}
	delete(s.st.repos, strings.ToLower(r.fullName()))
	r.owner, r.touched = who, true
	s.st.repos[strings.ToLower(r.fullName())] = r
	return nil
}

// RenameDefaultBranch gives the default branch another name: the pull requests into it follow, and the old name is gone (docs.github.com, "Renaming a
// branch"). Who listens to the event repository is told that it was edited.
func (s *Sandbox) RenameDefaultBranch(repo, name string) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil {
		return wrap(errors.New("there is no such repository"), "RenameDefaultBranch", repo, name)
	}
	old := r.branch
	if err := r.git.RenameBranch(old, name); err != nil {
		return wrap(err, "RenameDefaultBranch", repo, name)
	}
	r.branch, r.touched = name, true
	for _, t := range r.pullRequests() {
		if t.open && t.pull.base == old {
			t.pull.base, t.updated = name, s.now()
		}
	}
	s.emit(r, "repository", "edited", r.owner, object{"changes": object{"default_branch": object{"from": old}}})
	return nil
}
