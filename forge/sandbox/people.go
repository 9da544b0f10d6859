package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"ferry/forge"
	"ferry/forge/sandbox/bare"
)

// User is an account with what a test or a demonstration needs to act as it.
type User struct {
	ID    int64
	Login string
	Email string // the forge knows commits with it as this account's
	Token string // for the API, and as the password for git; empty for what is no person
}

func (a *account) user() User { return User{ID: a.id, Login: a.login, Email: a.email, Token: a.token} }

// AddUser makes a person, or returns the one with that login.
func (s *Sandbox) AddUser(login string) User {
	s.mu.Lock()
	defer s.settle()
	return s.addAccount(login, "User").user()
}

// Users returns the people, by login.
func (s *Sandbox) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []User
	for _, a := range s.st.accounts {
		if a.token != "" {
			all = append(all, a.user())
		}
	}
	slices.SortFunc(all, func(a, b User) int { return strings.Compare(a.Login, b.Login) })
	return all
}

func (s *Sandbox) addAccount(login, kind string) *account {
	if a := s.st.account(login); a != nil {
		return a
	}
	a := &account{id: s.st.nextID(), login: login, kind: kind, created: s.now()}
	a.email = fmt.Sprintf("%d+%s@users.noreply.github.com", a.id, login)
	if kind == "User" && login != "web-flow" { // that one is the forge itself
		a.token = newToken("ghp_")
		s.st.byToken[a.token] = a
	}
	s.st.accounts[strings.ToLower(login)] = a
	s.st.byEmail[a.email] = a
	return a
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// AddRepository makes a repository with one commit that holds files, on the branch main; where files is nil it is empty. An owner that nobody knows is
// made as an organization. It fails for a name that is taken or that GitHub does not take.
func (s *Sandbox) AddRepository(owner, name string, files map[string]string) (forge.Repo, error) {
	return s.AddRepositoryWith(owner, name, Edit{Files: files})
}

// AddRepositoryWith is AddRepository with a first commit that may have files which are not plain.
func (s *Sandbox) AddRepositoryWith(owner, name string, first Edit) (forge.Repo, error) {
	if !nameForm.MatchString(owner) || !nameForm.MatchString(name) || strings.HasSuffix(name, ".git") {
		return forge.Repo{}, fmt.Errorf("sandbox: AddRepository: %s/%s is no name for a repository", owner, name)
	}
	s.mu.Lock()
	defer s.settle()
	r, err := s.makeRepository(owner, name, first)
	if err != nil {
		return forge.Repo{}, err
	}
	return forge.Repo{ID: r.id, Owner: owner, Name: name}, nil
}

func (s *Sandbox) makeRepository(owner, name string, first Edit) (*repository, error) {
	if s.st.repo(owner+"/"+name) != nil {
		return nil, fmt.Errorf("sandbox: AddRepository: %s/%s is there already", owner, name)
	}
	dir := filepath.Join(s.cfg.Dir, "git", owner, name+".git")
	if _, err := os.Stat(dir); err == nil {
		return nil, fmt.Errorf("sandbox: AddRepository: %s is there from an earlier run: choose an empty folder", dir)
	}
	who := s.addAccount(owner, "Organization")
	git, err := s.git.Init(dir, "main")
	if err != nil {
		return nil, fmt.Errorf("sandbox: AddRepository %s/%s: %w", owner, name, err)
	}
	now := s.now()
	r := &repository{
		id: s.st.nextID(), owner: who, name: name, git: git, branch: "main", created: now, pushed: now,
		roles: map[int64]forge.Permission{}, statuses: map[string][]*status{}, signed: map[string]bool{},
	}
	if first.Files != nil {
		first.Message = cmp.Or(first.Message, "Initial commit")
		sha, err := s.writeFiles(r, "", first, who)
		if err == nil {
			err = git.SetRef("refs/heads/main", sha, bare.Zero)
		}
		if err != nil {
			git.Close()
			return nil, fmt.Errorf("sandbox: AddRepository %s/%s: first commit: %w", owner, name, err)
		}
	}
	s.st.repos[strings.ToLower(r.fullName())] = r
	return r, nil
}

// Repository returns the repository of a name ("owner/name"), and false where there is none.
func (s *Sandbox) Repository(fullName string) (forge.Repo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.st.repo(fullName)
	if r == nil {
		return forge.Repo{}, false
	}
	return forge.Repo{ID: r.id, Owner: r.owner.login, Name: r.name}, true
}

// Edit is a commit that a person makes.
type Edit struct {
	As      string // login
	Branch  string // the default branch where empty; a branch that is not there is made from the default one
	Message string
	Files   map[string]string // path to content
	Modes   map[string]string // path to Git's mode, where a file is not a plain one: 100755 is executable, 120000 a symbolic link to its content
	Delete  []string
}

// Commit makes one commit on a branch of repo ("owner/name") and returns it. It fails with GitHub's reason where the person
// may not write there.
func (s *Sandbox) Commit(repo string, e Edit) (forge.SHA, error) {
	sha := ""
	err := s.act(repo, e.As, forge.PermissionWrite, func(r *repository, who *account) (err error) {
		if e.Branch == "" {
			e.Branch = r.branch
		}
		parent, ref := r.head(e.Branch), "refs/heads/"+e.Branch
		isNew := parent == ""
		if isNew {
			parent = r.head(r.branch)
		}
		if sha, err = s.writeFiles(r, parent, e, who); err != nil {
			return err
		}
		if isNew {
			return s.createRef(r, ref, sha, who)
		}
		return s.moveRef(r, ref, sha, false, who)
	})
	return forge.SHA(sha), wrap(err, "Commit", repo, e.Branch)
}

func (s *Sandbox) writeFiles(r *repository, parent string, e Edit, who *account) (string, error) {
	var contents [][]byte
	var changes []bare.Change
	for path, content := range e.Files {
		changes = append(changes, bare.Change{Path: path, Mode: cmp.Or(e.Modes[path], "100644")})
		contents = append(contents, []byte(content))
	}
	blobs, err := r.git.WriteBlobs(contents...)
	if err != nil {
		return "", err
	}
	for i := range blobs {
		changes[i].SHA = blobs[i]
	}
	for _, path := range e.Delete {
		changes = append(changes, bare.Change{Path: path})
	}
	c := bare.Commit{Author: who.signature(s.now()), Committer: who.signature(s.now()), Message: e.Message}
	base := ""
	if parent != "" {
		p, err := r.git.Commit(parent)
		if err != nil {
			return "", err
		}
		base, c.Parents = p.Tree, []string{parent}
	}
	if c.Tree, err = r.git.WriteTree(base, changes); err != nil {
		return "", err
	}
	return r.git.WriteCommit(c)
}

// SetPermission gives a person a role in repo; GitHub's "none" of a public repository still reads. It fails for an unknown
// repository or person.
func (s *Sandbox) SetPermission(repo, login string, p forge.Permission) error {
	return wrap(s.act(repo, login, forge.PermissionNone, func(r *repository, who *account) error {
		r.roles[who.id] = p
		return nil
	}), "SetPermission", repo, login)
}

// OpenPull opens a pull request as a person and returns its number.
func (s *Sandbox) OpenPull(repo, as string, in forge.NewPullRequest) (int, error) {
	n := 0
	err := s.act(repo, as, forge.PermissionRead, func(r *repository, who *account) error {
		t, err := s.openPull(r, newPull{Title: in.Title, Body: in.Body, Head: in.HeadBranch, Base: in.BaseBranch, Draft: in.Draft}, who)
		if err == nil {
			n = t.number
		}
		return err
	})
	return n, wrap(err, "OpenPull", repo, in.HeadBranch)
}

// Merge merges a pull request as a person and returns the commit on its base.
func (s *Sandbox) Merge(repo string, number int, as string, method forge.MergeMethod) (forge.SHA, error) {
	sha := ""
	err := s.actOnPull(repo, number, as, func(r *repository, t *thread, who *account) (err error) {
		sha, err = s.merge(r, t, mergeOrder{Method: string(method)}, who)
		return err
	})
	return forge.SHA(sha), wrap(err, "Merge", repo, number)
}

// ClosePull closes an issue or a pull request as a person: its author, or somebody who may triage.
func (s *Sandbox) ClosePull(repo string, number int, as string) error {
	return wrap(s.setState(repo, number, as, "closed"), "ClosePull", repo, number)
}

// Reopen opens an issue or a pull request again as a person.
func (s *Sandbox) Reopen(repo string, number int, as string) error {
	return wrap(s.setState(repo, number, as, "open"), "Reopen", repo, number)
}

func (s *Sandbox) setState(repo string, number int, as, state string) error {
	return s.actOnThread(repo, number, as, forge.PermissionRead, func(r *repository, t *thread, who *account) error {
		return s.editThread(r, t, threadEdit{State: &state}, who)
	})
}

// EditThread changes the title and the body of an issue or a pull request as a person; an empty one stays.
func (s *Sandbox) EditThread(repo string, number int, as, title, body string) error {
	in := threadEdit{Title: &title}
	if body != "" {
		in.Body = &body
	}
	return wrap(s.actOnThread(repo, number, as, forge.PermissionRead, func(r *repository, t *thread, who *account) error {
		return s.editThread(r, t, in, who)
	}), "EditThread", repo, number)
}

// Comment comments on an issue or a pull request as a person and returns the comment's id.
func (s *Sandbox) Comment(repo string, number int, as, body string) (int64, error) {
	var id int64
	err := s.actOnThread(repo, number, as, forge.PermissionRead, func(r *repository, t *thread, who *account) error {
		c, err := s.addComment(r, t, body, who)
		if err == nil {
			id = c.id
		}
		return err
	})
	return id, wrap(err, "Comment", repo, number)
}

// EditComment changes what a comment says, as a person.
func (s *Sandbox) EditComment(repo string, number int, id int64, as, body string) error {
	return wrap(s.actOnThread(repo, number, as, forge.PermissionRead, func(r *repository, t *thread, who *account) error {
		i := slices.IndexFunc(t.comments, func(c *comment) bool { return c.id == id })
		switch {
		case i < 0:
			return notFound()
		case t.comments[i].author != who && r.role(who) < forge.PermissionWrite:
			return forbidden()
		}
		return s.editComment(r, t, t.comments[i], body, who)
	}), "EditComment", repo, id)
}

// OpenIssue opens an issue as a person and returns its number.
func (s *Sandbox) OpenIssue(repo, as, title, body string) (int, error) {
	n := 0
	err := s.act(repo, as, forge.PermissionRead, func(r *repository, who *account) error {
		t, err := s.openIssue(r, title, body, who)
		if err == nil {
			n = t.number
		}
		return err
	})
	return n, wrap(err, "OpenIssue", repo, title)
}

// DeleteBranch deletes a branch as a person.
func (s *Sandbox) DeleteBranch(repo, branch, as string) error {
	return wrap(s.act(repo, as, forge.PermissionWrite, func(r *repository, who *account) error {
		return s.deleteRef(r, "refs/heads/"+branch, who)
	}), "DeleteBranch", repo, branch)
}

// SetStatus posts a commit status as a person.
func (s *Sandbox) SetStatus(repo string, sha forge.SHA, as string, x forge.Status) error {
	return wrap(s.act(repo, as, forge.PermissionWrite, func(r *repository, who *account) error {
		_, err := s.addStatus(r, string(sha), newStatus{State: string(x.State), Context: x.Context, Description: &x.Description, Target: &x.URL}, who)
		return err
	}), "SetStatus", repo, sha)
}

// Deliveries returns the webhooks that became due, oldest first, up to the newest 1,000.
func (s *Sandbox) Deliveries() []Delivery { return s.hooks.list() }

// Redeliver sends a delivery again with the same X-GitHub-Delivery, to where the App's webhook goes now. It fails for an
// unknown one.
func (s *Sandbox) Redeliver(id int64) error {
	d := s.hooks.find(id)
	if d == nil {
		return fmt.Errorf("sandbox: Redeliver: no delivery %d", id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendAgain(d)
	return nil
}

func (s *Sandbox) sendAgain(d *Delivery) {
	a := s.st.apps[d.App]
	d.Sent, d.Status, d.Fault, d.Again = time.Time{}, 0, "", true
	s.hooks.push(&dueHook{delivery: d, url: a.hookURL, secret: a.hookSecret, hookID: a.hookID})
}

// act does what a person does in a repository, under the lock.
func (s *Sandbox) act(repo, as string, need forge.Permission, do func(*repository, *account) error) error {
	s.mu.Lock()
	defer s.settle()
	r, who := s.st.repo(repo), s.st.account(as)
	switch {
	case r == nil:
		return fail(http.StatusNotFound, "there is no repository %s", repo)
	case who == nil:
		return fail(http.StatusUnprocessableEntity, "nobody is called %q", as)
	case r.role(who) < need:
		return fail(http.StatusForbidden, "%s may not do this in %s: %s is needed", as, repo, need)
	}
	return do(r, who)
}

func (s *Sandbox) actOnThread(repo string, number int, as string, need forge.Permission, do func(*repository, *thread, *account) error) error {
	return s.act(repo, as, need, func(r *repository, who *account) error {
		t := r.thread(number)
		if t == nil {
			return notFound()
		}
		return do(r, t, who)
	})
}

func (s *Sandbox) actOnPull(repo string, number int, as string, do func(*repository, *thread, *account) error) error {
	return s.actOnThread(repo, number, as, forge.PermissionWrite, func(r *repository, t *thread, who *account) error {
		if t.pull == nil {
			return notFound()
		}
		return do(r, t, who)
	})
}

func wrap(err error, call, repo string, arg any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sandbox: %s %s %v: %w", call, repo, arg, err)
}
