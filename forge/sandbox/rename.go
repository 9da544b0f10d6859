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
