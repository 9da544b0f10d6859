package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// AddFork copies a repository ("owner/name") for another owner, who is made as a person where nobody is called that. Pull
// requests from it name their head "owner:branch". It fails for an unknown repository and where the owner has one of that
// name.
func (s *Sandbox) AddFork(repo, owner string) (forge.Repo, error) {
	if !nameForm.MatchString(owner) {
		return forge.Repo{}, wrap(fmt.Errorf("%q is no login", owner), "AddFork", repo, owner)
	}
	s.mu.Lock()
	defer s.settle()
	parent := s.st.repo(repo)
	if parent == nil {
		return forge.Repo{}, wrap(errors.New("there is no such repository"), "AddFork", repo, owner)
	}
	s.addAccount(owner, "User")
	r, err := s.makeRepository(owner, parent.name, Edit{})
	if err != nil {
		return forge.Repo{}, wrap(err, "AddFork", repo, owner)
	}
	r.parent, r.branch = parent, parent.branch
	return forge.Repo{ID: r.id, Owner: owner, Name: r.name}, wrap(r.git.Fetch(parent.git, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"), "AddFork", repo, owner)
}

// RemoveRepository deletes a repository with its Git data, as its owner. Pull requests that came from it stay, without a
// head repository. It fails for an unknown one.
func (s *Sandbox) RemoveRepository(repo string) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil {
		return wrap(errors.New("there is no such repository"), "RemoveRepository", repo, "")
	}
	s.emit(r, "repository", "deleted", r.owner, nil)
	delete(s.st.repos, strings.ToLower(r.fullName()))
	for _, in := range s.st.installations {
		delete(in.repos, r.id)
	}
	for _, other := range s.st.repos {
		if other.parent == r {
			other.parent = nil
		}
	}
	r.git.Close()
	return wrap(os.RemoveAll(r.git.Dir()), "RemoveRepository", repo, "")
}

// forkOf returns the fork of r that an owner has, r itself for r's owner, and nil for none.
func (s *Sandbox) forkOf(r *repository, owner string) *repository {
	if strings.EqualFold(owner, r.owner.login) {
		return r
	}
	for _, fork := range s.st.sortedRepos() {
		if fork.parent != nil && fork.parent.id == r.id && strings.EqualFold(owner, fork.owner.login) {
			return fork
		}
	}
	return nil
}

// source returns the repository of a pull request's head, and nil where it is gone.
func (s *Sandbox) source(r *repository, p *pull) *repository {
	if p.from == r.id {
		return r
	}
	return s.st.repoByID(p.from)
}

// headOf returns where a pull request's head branch stands now, with its commits brought into r, and "" where there is no
// such branch.
func (s *Sandbox) headOf(r *repository, p *pull) (string, error) {
	from := s.source(r, p)
	if from == nil {
		return "", nil
	}
	return r.reach(from, p.head)
}

// reach returns where a branch of another repository stands, once its commits are in r too.
func (r *repository) reach(from *repository, branch string) (string, error) {
	sha := from.head(branch)
	if sha == "" || from.id == r.id {
		return sha, nil
	}
	if err := r.git.Fetch(from.git, "refs/heads/"+branch); err != nil {
		return "", fmt.Errorf("branch %s of %s: %w", branch, from.fullName(), err)
	}
	return sha, nil
}

// forkMoved lets the pull requests that come from a fork follow its branch.
func (s *Sandbox) forkMoved(fork *repository, branch, after string, who *account) error {
	if fork.parent == nil {
		return nil
	}
	for _, t := range fork.parent.pullRequests() {
		if !t.open || t.pull.from != fork.id || t.pull.head != branch {
			continue
		}
		if after != bare.Zero {
			if _, err := fork.parent.reach(fork, branch); err != nil {
				return err
			}
		}
		if err := s.headMoved(fork.parent, t, after, who); err != nil {
			return err
		}
		if err := s.disarmStranger(fork.parent, t, who); err != nil {
			return err
		}
	}
	return nil
}

// label is how a pull request's head is written: with the branch's owner where that is somebody else.
func (p *pull) label(r *repository) string {
	if p.from == r.id {
		return p.head
	}
	return p.owner.login + ":" + p.head
}
