package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Install lets an App into repositories ("owner/name") of the account owner; without any it is let into all that the
// account has now. It returns the installation's id, and fails for an unknown App, account or repository. An account that
// has the App already gets the repositories added.
func (s *Sandbox) Install(appID int64, owner string, repos ...string) (int64, error) {
	s.mu.Lock()
	defer s.settle()
	a, who := s.st.apps[appID], s.st.account(owner)
	if a == nil || who == nil {
		return 0, fmt.Errorf("sandbox: Install: no App %d or no account %q", appID, owner)
	}
	added, err := s.reposOf(who, repos)
	if err != nil {
		return 0, err
	}
	in := s.installationOf(a, who)
	if in != nil {
		return in.id, s.changeRepos(in, who, added, nil)
	}
	in = &installation{id: s.st.nextID(), app: a, account: who, repos: map[int64]bool{}, created: s.now(), updated: s.now()}
	s.st.installations[in.id] = in
	for _, r := range added {
		in.repos[r.id] = true
	}
	s.queue(a, "", "installation", "created", object{
		"installation": s.installationJSON(in), "repositories": shortRepos(added), "requester": nil, "sender": s.userJSON(who),
	})
	return in.id, nil
}

// InstalledOn returns the repositories ("owner/name", lower case, by name) that an App is let into.
func (s *Sandbox) InstalledOn(appID int64) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, in := range s.st.installations {
		for _, r := range s.covered(in) {
			if in.app.id == appID {
				names = append(names, strings.ToLower(r.fullName()))
			}
		}
	}
	slices.Sort(names)
	return names
}

// Uninstall takes the App out of repositories; without any the whole installation ends.
func (s *Sandbox) Uninstall(installationID int64, repos ...string) error {
	s.mu.Lock()
	defer s.settle()
	in := s.st.installations[installationID]
	if in == nil {
		return fmt.Errorf("sandbox: Uninstall: no installation %d", installationID)
	}
	removed, err := s.reposOf(in.account, repos)
	if err != nil {
		return err
	}
	if len(repos) > 0 {
		return s.changeRepos(in, in.account, nil, removed)
	}
	delete(s.st.installations, in.id)
	s.queue(in.app, "", "installation", "deleted", object{
		"installation": s.installationJSON(in), "repositories": shortRepos(s.covered(in)), "requester": nil, "sender": s.userJSON(in.account),
	})
	return nil
}

// Suspend stops an installation's access, or gives it back.
func (s *Sandbox) Suspend(installationID int64, suspended bool) error {
	s.mu.Lock()
	defer s.settle()
	in := s.st.installations[installationID]
	if in == nil {
		return fmt.Errorf("sandbox: Suspend: no installation %d", installationID)
	}
	action := "unsuspend"
	in.suspended = time.Time{}
	if suspended {
		action, in.suspended = "suspend", s.now()
	}
	s.queue(in.app, "", "installation", action, object{
		"installation": s.installationJSON(in), "repositories": shortRepos(s.covered(in)), "requester": nil, "sender": s.userJSON(in.account),
	})
	return nil
}

// SetPermissions gives an App other permissions, which every installation accepts at once. Tokens that were made before keep the old ones
// (docs.github.com, "Editing a GitHub App's permissions"; webhook "installation", action new_permissions_accepted).
func (s *Sandbox) SetPermissions(appID int64, permissions map[string]string) error {
	s.mu.Lock()
	defer s.settle()
	a := s.st.apps[appID]
	if a == nil {
		return fmt.Errorf("sandbox: SetPermissions: no App %d", appID)
	}
	a.permissions = maps.Clone(permissions)
	a.permissions["metadata"] = "read"
	a.spec.Permissions = maps.Clone(a.permissions)
	for _, in := range s.st.installations {
		if in.app == a {
			s.queue(a, "", "installation", "new_permissions_accepted", object{
				"installation": s.installationJSON(in), "repositories": shortRepos(s.covered(in)), "requester": nil, "sender": s.userJSON(in.account),
			})
		}
	}
	return nil
}

func (s *Sandbox) changeRepos(in *installation, who *account, added, removed []*repository) error {
	for _, r := range added {
		in.repos[r.id] = true
	}
	for _, r := range removed {
		delete(in.repos, r.id)
	}
	action := "added"
	if len(removed) > 0 {
		action = "removed"
	}
	in.updated = s.now()
	s.queue(in.app, "", "installation_repositories", action, object{
		"installation": s.installationJSON(in), "repository_selection": "selected", "repositories_added": shortRepos(added),
		"repositories_removed": shortRepos(removed), "requester": nil, "sender": s.userJSON(who),
	})
	return nil
}

// reposOf returns the repositories of who that are named, or all.
func (s *Sandbox) reposOf(who *account, names []string) ([]*repository, error) {
	var found []*repository
	for _, r := range s.st.sortedRepos() {
		if len(names) == 0 && r.owner.id == who.id {
			found = append(found, r)
		}
	}
	for _, name := range names {
		r := s.st.repo(name)
		if r == nil || r.owner.id != who.id {
			return nil, fmt.Errorf("sandbox: %s has no repository %q", who.login, name)
		}
		found = append(found, r)
	}
	return found, nil
}

func shortRepos(repos []*repository) []object {
	list := []object{}
	for _, r := range repos {
		list = append(list, object{"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": false})
	}
	return list
}

func (s *Sandbox) installationOf(a *app, who *account) *installation {
	for _, in := range s.st.installations {
		if in.app.id == a.id && in.account.id == who.id {
			return in
		}
	}
	return nil
}

// installationsOf returns the installations that cover r and are not suspended, oldest first.
func (s *Sandbox) installationsOf(r *repository) []*installation {
	var found []*installation
	for _, in := range s.st.installations {
		if in.repos[r.id] && in.suspended.IsZero() {
			found = append(found, in)
		}
	}
	slices.SortFunc(found, func(a, b *installation) int { return int(a.id - b.id) })
	return found
}

// covered returns the repositories of an installation, by name.
func (s *Sandbox) covered(in *installation) []*repository {
	var found []*repository
	for _, r := range s.st.sortedRepos() {
		if in.repos[r.id] {
			found = append(found, r)
		}
	}
	return found
}

func (st *state) sortedRepos() []*repository {
	return slices.SortedFunc(maps.Values(st.repos), func(a, b *repository) int { return strings.Compare(a.fullName(), b.fullName()) })
}

func (s *Sandbox) installationJSON(in *installation) object {
	api := s.api("/app/installations/%d", in.id)
	return object{
		"id": in.id, "account": s.userJSON(in.account), "repository_selection": "selected", "access_tokens_url": api + "/access_tokens",
		"repositories_url": s.api("/installation/repositories"), "html_url": s.html("/settings/installations/%d", in.id), "app_id": in.app.id,
		"app_slug": in.app.slug, "target_id": in.account.id, "target_type": in.account.kind, "permissions": in.app.permissions,
		"events": orEmpty(in.app.events), "created_at": stamp(in.created), "updated_at": stamp(in.updated), "single_file_name": nil,
		"has_multiple_single_files": false, "single_file_paths": []string{}, "suspended_by": s.suspender(in), "suspended_at": stamp(in.suspended),
	}
}

func (s *Sandbox) suspender(in *installation) any {
	if in.suspended.IsZero() {
		return nil
	}
	return s.userJSON(in.account)
}
