package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// load brings back what an earlier sandbox with the same folder wrote down. It fails where that or a repository cannot be read.
func (s *Sandbox) load() error {
	name := filepath.Join(s.cfg.Dir, keepFile)
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(raw, &k); err != nil {
		return fmt.Errorf("%s cannot be read; restore it, or choose an empty folder: %w", name, err)
	}
	s.st.last = k.Last
	accounts := map[int64]*account{}
	for _, x := range k.Accounts {
		a := &account{id: x.ID, login: x.Login, kind: x.Kind, email: x.Email, emails: x.Emails, token: x.Token, created: x.Created}
		accounts[a.id] = a
		s.st.accounts[strings.ToLower(a.login)], s.st.byEmail[a.email] = a, a
		for _, email := range a.emails {
			s.st.byEmail[email] = a
		}
		if a.token != "" {
			s.st.byToken[a.token] = a
		}
	}
	for _, x := range k.Apps {
		if err := s.loadApp(x, accounts); err != nil {
			return err
		}
	}
	s.loadAccess(k, accounts)
	s.loadTeams(k.Teams, accounts)
	for _, x := range k.Repos {
		if err := s.loadRepo(x, accounts); err != nil {
			return err
		}
	}
	for _, x := range k.Repos {
		s.st.repoByID(x.ID).parent = s.st.repoByID(x.Parent)
	}
	s.loadWaiting(k.Waiting)
	return s.catchUp()
}

func (s *Sandbox) loadApp(x keptApp, accounts map[int64]*account) error {
	a, err := newApp(x.Spec)
	if err != nil {
		return err
	}
	a.bot, a.owner, a.hookID, a.created = accounts[x.Bot], accounts[x.Owner], x.HookID, x.Created
	s.st.apps[a.id] = a
	return nil
}

func (s *Sandbox) loadAccess(k kept, accounts map[int64]*account) {
	for _, x := range k.Installations {
		s.st.installations[x.ID] = &installation{
			id: x.ID, app: s.st.apps[x.App], account: accounts[x.Account], repos: x.Repos, created: x.Created, updated: x.Updated, suspended: x.Suspended,
		}
	}
	for _, x := range k.Grants {
		s.st.grants[x.Token] = &grant{installation: s.st.installations[x.Installation], repos: x.Repos, permissions: x.Permissions, expires: x.Expires}
	}
}

func (s *Sandbox) loadRepo(x keptRepo, accounts map[int64]*account) error {
	owner := accounts[x.Owner]
	git, err := s.git.Open(filepath.Join(s.cfg.Dir, "git", owner.login, x.Name+".git"))
	if err != nil {
		return err
	}
	r := &repository{
		id: x.ID, owner: owner, name: x.Name, git: git, branch: x.Branch, created: x.Created, pushed: x.Pushed, roles: x.Roles, guards: x.Guards, methods: x.Methods,
		deployed: x.Deployed, statuses: map[string][]*status{}, signed: map[string]bool{},
	}
	for _, sha := range x.Signed {
		r.signed[sha] = true
	}
	for _, set := range x.Rulesets {
		r.rulesets = append(r.rulesets, &set)
	}
	for sha, list := range x.Statuses {
		for _, y := range list {
			r.statuses[sha] = append(r.statuses[sha], &status{
				id: y.ID, app: y.App, context: y.Context, state: y.State, description: y.Description, target: y.Target, creator: accounts[y.Creator], created: y.Created,
			})
		}
	}
	for _, y := range x.Checks {
		r.checks = append(r.checks, &y)
	}
	for _, t := range x.Threads {
		r.threads = append(r.threads, loadThread(t, accounts))
	}
	s.st.repos[strings.ToLower(r.fullName())] = r
	return nil
}

func loadThread(x keptThread, accounts map[int64]*account) *thread {
	t := &thread{
		id: x.ID, number: x.Number, title: x.Title, body: x.Body, author: accounts[x.Author], open: x.Open, gone: x.Gone, movedTo: x.MovedTo, created: x.Created, updated: x.Updated,
		closed: x.Closed, closedBy: accounts[x.ClosedBy], labels: x.Labels,
	}
	for _, id := range x.Assignees {
		t.assignees = append(t.assignees, accounts[id])
	}
	for _, y := range x.Comments {
		c := &comment{id: y.ID, author: accounts[y.Author], body: y.Body, created: y.Created, updated: y.Updated}
		for _, z := range y.Reactions {
			c.reactions = append(c.reactions, &reaction{id: z.ID, author: accounts[z.Author], content: z.Content, created: z.Created})
		}
		t.comments = append(t.comments, c)
	}
	if p := x.Pull; p != nil {
		t.pull = &pull{
			id: p.ID, from: p.From, owner: accounts[p.Owner], mergedBy: accounts[p.MergedBy], head: p.Head, base: p.Base, headSHA: p.HeadSHA,
			baseSHA: p.BaseSHA, baseSeen: p.BaseSeen, mergeSHA: p.MergeSHA, draft: p.Draft, merged: p.Merged, emptied: p.Emptied, mergedAt: p.MergedAt, askedTeams: p.AskedTeams,
		}
		for _, id := range p.Asked {
			t.pull.asked = append(t.pull.asked, accounts[id])
		}
		if p.AutoBy != 0 {
			t.pull.auto = &armed{by: accounts[p.AutoBy], at: p.AutoAt}
		}
		if p.QueuedBy != 0 {
			t.pull.queued = &armed{by: accounts[p.QueuedBy], at: p.QueuedAt}
		}
		for _, y := range p.Reviews {
			t.pull.reviews = append(t.pull.reviews, &review{id: y.ID, author: accounts[y.Author], state: y.State, body: y.Body, sha: y.SHA, submitted: y.Submitted})
		}
	}
	return t
}

// loadWaiting makes the webhooks due again that an earlier sandbox did not come to send. One that was being sent as it ended
// is sent twice, with the same X-GitHub-Delivery.
func (s *Sandbox) loadWaiting(list []Delivery) {
	for _, d := range list {
		a := s.st.apps[d.App]
		if a == nil || a.hookURL == "" {
			continue
		}
		d.Sent, d.Status, d.Fault = time.Time{}, 0, ""
		s.hooks.push(&dueHook{delivery: &d, url: a.hookURL, secret: a.hookSecret, hookID: a.hookID})
	}
}

// catchUp does what follows from branches that moved after the last change was written down, as when the process was killed
// in between.
func (s *Sandbox) catchUp() error {
	for _, r := range s.st.sortedRepos() {
		seen := map[string]string{}
		for _, t := range r.pullRequests() {
			if !t.open {
				continue
			}
			seen["refs/heads/"+t.pull.base] = t.pull.baseSHA
			if t.pull.from == r.id {
				seen["refs/heads/"+t.pull.head] = t.pull.headSHA
			}
		}
		now, err := r.refs()
		if err != nil {
			return err
		}
		maps.DeleteFunc(now, func(ref, _ string) bool { return seen[ref] == "" }) // what no pull request is about
		if err := s.tellChanges(r, seen, now, r.owner); err != nil {
			return err
		}
	}
	return nil
}
