package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"ferry/forge"
)

// keepFile is where a sandbox with Config.Keep writes down what it knows beside the Git data. It holds tokens.
const keepFile = "sandbox.json"

// The kept types are the state's, written so that accounts and repositories are named by their numbers.
type (
	kept struct {
		Last          int64              `json:"last"`
		Accounts      []keptAccount      `json:"accounts"`
		Repos         []keptRepo         `json:"repositories"`
		Apps          []keptApp          `json:"apps"`
		Installations []keptInstallation `json:"installations"`
		Grants        []keptGrant        `json:"grants"`
		Teams         []keptTeam         `json:"teams"`
		Waiting       []Delivery         `json:"waiting"` // webhooks that were not sent yet
	}
	keptAccount struct {
		ID                        int64
		Login, Kind, Email, Token string
		Emails                    []string
		Created                   time.Time
	}
	keptRepo struct {
		ID, Owner, Parent int64
		Name, Branch      string
		Created, Pushed   time.Time
		Roles             map[int64]forge.Permission
		Threads           []keptThread
		Statuses          map[string][]keptStatus
		Checks            []checkRun
		Deployed          []*deployment
		Signed            []string
		Guards            []Protection
		Methods           []forge.MergeMethod
		Rulesets          []ruleset
	}
	keptThread struct {
		ID                       int64
		Number                   int
		Title, Body              string
		Author, ClosedBy         int64
		Open, Gone               bool
		MovedTo                  string
		Created, Updated, Closed time.Time
		Comments                 []keptComment
		Labels                   []string
		Assignees                []int64
		Pull                     *keptPull
	}
	keptPull struct {
		ID, From, Owner, MergedBy                        int64
		Head, Base, HeadSHA, BaseSHA, BaseSeen, MergeSHA string
		Draft, Merged, Emptied                           bool
		AutoBy, QueuedBy                                 int64 // who armed it; 0: nobody
		AutoAt, QueuedAt                                 time.Time
		MergedAt                                         time.Time
		Reviews                                          []keptReview
		Asked                                            []int64
		AskedTeams                                       []string
	}
	keptReview struct {
		ID, Author       int64
		State, Body, SHA string
		Submitted        time.Time
	}
	keptComment struct {
		ID, Author       int64
		Body             string
		Created, Updated time.Time
		Reactions        []keptReaction
	}
	keptReaction struct {
		ID, Author int64
		Content    string
		Created    time.Time
	}
	keptStatus struct {
		ID, App, Creator    int64
		Context, State      string
		Description, Target *string
		Created             time.Time
	}
	keptApp struct {
		Spec               AppSpec
		Bot, Owner, HookID int64
		Created            time.Time
	}
	keptInstallation struct {
		ID, App, Account            int64
		Repos                       map[int64]bool
		Created, Updated, Suspended time.Time
	}
	keptGrant struct {
		Token        string
		Installation int64
		Repos        map[int64]bool
		Permissions  map[string]string
		Expires      time.Time
	}
)

// save writes down what the sandbox knows, whole or not at all. A sandbox that keeps nothing does nothing.
func (s *Sandbox) save() {
	if !s.cfg.Keep || s.loading {
		return
	}
	if err := writeWhole(filepath.Join(s.cfg.Dir, keepFile), s.snapshot()); err != nil {
		s.cfg.Logger.Error("what the sandbox knows cannot be written down", "error", err)
	}
}

func writeWhole(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(raw); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func idOf(a *account) int64 {
	if a == nil {
		return 0
	}
	return a.id
}

func (s *Sandbox) snapshot() kept {
	k := kept{Last: s.st.last, Teams: s.keepTeams(), Waiting: s.hooks.waiting()}
	for _, a := range s.st.accounts {
		k.Accounts = append(k.Accounts, keptAccount{ID: a.id, Login: a.login, Kind: a.kind, Email: a.email, Emails: a.emails, Token: a.token, Created: a.created})
	}
	for _, r := range s.st.sortedRepos() {
		k.Repos = append(k.Repos, keepRepo(r))
	}
	for _, a := range s.st.apps {
		k.Apps = append(k.Apps, keptApp{Spec: a.spec, Bot: a.bot.id, Owner: a.owner.id, HookID: a.hookID, Created: a.created})
	}
	for _, in := range s.st.installations {
		k.Installations = append(k.Installations, keptInstallation{
			ID: in.id, App: in.app.id, Account: in.account.id, Repos: in.repos, Created: in.created, Updated: in.updated, Suspended: in.suspended,
		})
	}
	now := s.cfg.AuthNow()
	for token, g := range s.st.grants {
		if now.Before(g.expires) && s.st.installations[g.installation.id] != nil {
			k.Grants = append(k.Grants, keptGrant{Token: token, Installation: g.installation.id, Repos: g.repos, Permissions: g.permissions, Expires: g.expires})
		}
	}
	return k
}

func keepRepo(r *repository) keptRepo {
	k := keptRepo{
		ID: r.id, Owner: r.owner.id, Name: r.name, Branch: r.branch, Created: r.created, Pushed: r.pushed, Roles: r.roles, Guards: r.guards, Methods: r.methods,
		Deployed: r.deployed, Statuses: map[string][]keptStatus{},
	}
	if r.parent != nil {
		k.Parent = r.parent.id
	}
	for sha := range r.signed {
		k.Signed = append(k.Signed, sha)
	}
	for _, set := range r.rulesets {
		k.Rulesets = append(k.Rulesets, *set)
	}
	for sha, list := range r.statuses {
		for _, x := range list {
			k.Statuses[sha] = append(k.Statuses[sha], keptStatus{
				ID: x.id, App: x.app, Creator: x.creator.id, Context: x.context, State: x.state, Description: x.description, Target: x.target, Created: x.created,
			})
		}
	}
	for _, x := range r.checks {
		k.Checks = append(k.Checks, *x)
	}
	for _, t := range r.threads {
		k.Threads = append(k.Threads, keepThread(t))
	}
	return k
}

func keepThread(t *thread) keptThread {
	k := keptThread{
		ID: t.id, Number: t.number, Title: t.title, Body: t.body, Author: t.author.id, ClosedBy: idOf(t.closedBy), Open: t.open,
		Gone: t.gone, MovedTo: t.movedTo, Created: t.created, Updated: t.updated, Closed: t.closed, Labels: t.labels,
	}
	for _, who := range t.assignees {
		k.Assignees = append(k.Assignees, who.id)
	}
	for _, c := range t.comments {
		x := keptComment{ID: c.id, Author: c.author.id, Body: c.body, Created: c.created, Updated: c.updated}
		for _, one := range c.reactions {
			x.Reactions = append(x.Reactions, keptReaction{ID: one.id, Author: one.author.id, Content: one.content, Created: one.created})
		}
		k.Comments = append(k.Comments, x)
	}
	if p := t.pull; p != nil {
		k.Pull = &keptPull{
			ID: p.id, From: p.from, Owner: p.owner.id, MergedBy: idOf(p.mergedBy), Head: p.head, Base: p.base, HeadSHA: p.headSHA, BaseSHA: p.baseSHA, BaseSeen: p.baseSeen,
			MergeSHA: p.mergeSHA, Draft: p.draft, Merged: p.merged, Emptied: p.emptied, MergedAt: p.mergedAt, AskedTeams: p.askedTeams,
		}
		for _, who := range p.asked {
			k.Pull.Asked = append(k.Pull.Asked, who.id)
		}
		if p.auto != nil {
			k.Pull.AutoBy, k.Pull.AutoAt = p.auto.by.id, p.auto.at
		}
		if p.queued != nil {
			k.Pull.QueuedBy, k.Pull.QueuedAt = p.queued.by.id, p.queued.at
		}
		for _, x := range p.reviews {
			k.Pull.Reviews = append(k.Pull.Reviews, keptReview{ID: x.id, Author: x.author.id, State: x.state, Body: x.body, SHA: x.sha, Submitted: x.submitted})
		}
	}
	return k
}
