package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ferry/forge/sandbox/bare"
)

// maxPushCommits is how many commits GitHub lists in one push (docs.github.com, "Webhook events and payloads", push).
const maxPushCommits = 2048

// emit queues an event for every app that is installed on r and listens to it.
func (s *Sandbox) emit(r *repository, event, action string, who *account, payload object) {
	for _, in := range s.installationsOf(r) {
		body := object{"repository": s.repoJSON(r), "sender": s.userJSON(who), "installation": object{"id": in.id, "node_id": nodeID("IntegrationInstallation", in.id)}}
		for k, v := range payload {
			body[k] = v
		}
		s.queue(in.app, r.fullName(), event, action, body)
	}
}

// queue makes one delivery to app, if it listens to the event.
func (s *Sandbox) queue(a *app, repo, event, action string, body object) {
	if a.hookURL == "" || !listens(a, event) {
		return
	}
	if action != "" {
		body["action"] = action
	}
	raw, err := json.Marshal(body)
	if err != nil { // everything in it was made here
		s.cfg.Logger.Error("a webhook's body cannot be written", "event", event, "error", err)
		return
	}
	due := &dueHook{
		url: a.hookURL, secret: a.hookSecret, hookID: a.hookID,
		delivery: &Delivery{GUID: newGUID(), Event: event, Action: action, Repo: repo, App: a.id, Body: raw},
	}
	s.hooks.add(due)
}

// listens says whether an app gets an event. The ones about itself it always gets, as at GitHub.
func listens(a *app, event string) bool {
	switch event {
	case "ping", "installation", "installation_repositories":
		return true
	}
	// docs.github.com, "Webhook events and payloads": at least read-level access for the permission it belongs to.
	needs := map[string]string{"check_run": "checks", "status": "statuses", "deployment": "deployments", "deployment_status": "deployments", "merge_group": "merge_queues"}[event]
	if needs != "" && a.permissions[needs] == "" {
		return false
	}
	return len(a.events) == 0 || slices.Contains(a.events, event)
}

// emitPush tells that a reference moved. before and after are bare.Zero where it did not exist.
func (s *Sandbox) emitPush(r *repository, ref, before, after string, who *account) error {
	if len(s.installationsOf(r)) == 0 {
		return nil // listing what a push brought takes time
	}
	payload, err := s.pushJSON(r, ref, before, after, who)
	if err != nil {
		return fmt.Errorf("webhook of a push to %s of %s: %w", ref, r.fullName(), err)
	}
	s.emit(r, "push", "", who, payload)
	return nil
}

func (s *Sandbox) pushJSON(r *repository, ref, before, after string, who *account) (object, error) {
	created, deleted := before == bare.Zero, after == bare.Zero
	forced := false
	if !created && !deleted {
		kept, err := r.git.Contains(after, before)
		if err != nil {
			return nil, err
		}
		forced = !kept
	}
	commits, head := []object{}, any(nil)
	if !deleted {
		shas, err := r.pushedCommits(ref, before, after)
		if err != nil {
			return nil, err
		}
		if commits, err = s.pushedJSON(r, shas); err != nil {
			return nil, err
		}
		tip, err := s.pushedJSON(r, []string{after})
		if err != nil {
			return nil, err
		}
		head = tip[0]
	}
	repo := s.repoJSON(r)
	// In this event alone GitHub writes two of the repository's times as numbers, and adds keys.
	repo["created_at"], repo["pushed_at"] = r.created.Unix(), r.pushed.Unix()
	repo["master_branch"], repo["stargazers"] = r.branch, 0
	owner, _ := repo["owner"].(object)
	owner["name"], owner["email"] = r.owner.login, nil
	return object{
		"ref": ref, "before": before, "after": after, "created": created, "deleted": deleted, "forced": forced, "base_ref": nil,
		"compare": s.html("/%s/compare/%.12s...%.12s", r.fullName(), before, after), "commits": commits, "head_commit": head,
		"pusher": object{"name": who.login, "email": who.email}, "repository": repo,
	}, nil
}

// pushedCommits returns the commits that a push brought, oldest first: for a new branch those that no other has.
func (r *repository) pushedCommits(ref, before, after string) ([]string, error) {
	args := []string{"--topo-order", "--reverse", after}
	if before != bare.Zero {
		args = append(args, "^"+before)
	} else {
		args = append(args, "--not", "--exclude="+ref, "--branches")
	}
	shas, err := r.git.RevList(args...)
	if err != nil {
		return nil, err
	}
	if len(shas) > maxPushCommits {
		shas = shas[len(shas)-maxPushCommits:]
	}
	return shas, nil
}

// pushedJSON shows commits as a push does: with the paths they changed.
func (s *Sandbox) pushedJSON(r *repository, shas []string) ([]object, error) {
	touched, err := r.git.Touched(shas)
	if err != nil {
		return nil, err
	}
	list := []object{}
	for _, sha := range shas {
		c, err := r.git.Commit(sha)
		if err != nil {
			return nil, err
		}
		t := touched[sha]
		list = append(list, object{
			"id": sha, "tree_id": c.Tree, "distinct": true, "message": c.Message, "timestamp": c.Committer.When.Format(time.RFC3339),
			"url": s.html("/%s/commit/%s", r.fullName(), sha), "author": s.pusherJSON(c.Author), "committer": s.pusherJSON(c.Committer),
			"added": orEmpty(t.Added), "removed": orEmpty(t.Removed), "modified": orEmpty(t.Modified),
		})
	}
	return list, nil
}

func (s *Sandbox) pusherJSON(x bare.Signature) object {
	o := object{"name": x.Name, "email": x.Email}
	if a := s.st.byEmail[x.Email]; a != nil {
		o["username"] = a.login
	}
	return o
}

// orEmpty makes a missing list an empty one, which JSON tells apart.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// emitPull tells what happened to a pull request; more are the keys that this action adds.
func (s *Sandbox) emitPull(r *repository, t *thread, action string, who *account, more object) error {
	r.touched = true
	p, err := s.fullPullJSON(r, t)
	if err != nil {
		return fmt.Errorf("webhook of pull request %s#%d: %w", r.fullName(), t.number, err)
	}
	payload := object{"number": t.number, "pull_request": p}
	for k, v := range more {
		payload[k] = v
	}
	s.emit(r, "pull_request", action, who, payload)
	return nil
}

// emitThread tells what happened to a pull request or an issue, each in its own event.
func (s *Sandbox) emitThread(r *repository, t *thread, action string, who *account, more object) error {
	if t.pull != nil {
		return s.emitPull(r, t, action, who, more)
	}
	r.touched = true
	payload := object{"issue": s.issueJSON(r, t)}
	for k, v := range more {
		payload[k] = v
	}
	s.emit(r, "issues", action, who, payload)
	return nil
}

func (s *Sandbox) emitComment(r *repository, t *thread, c *comment, action string, who *account, more object) {
	payload := object{"issue": s.issueJSON(r, t), "comment": s.commentJSON(r, t, c)}
	for k, v := range more {
		payload[k] = v
	}
	s.emit(r, "issue_comment", action, who, payload)
}

func (s *Sandbox) emitStatus(r *repository, sha string, x *status) error {
	c, err := r.git.Commit(sha)
	if err != nil {
		return err
	}
	branches := []object{}
	refs, err := r.git.Refs("refs/heads/")
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if ref.SHA == sha {
			branches = append(branches, s.shortBranchJSON(r, ref))
		}
	}
	s.emit(r, "status", "", x.creator, object{
		"id": x.id, "sha": sha, "name": r.fullName(), "target_url": x.target, "avatar_url": s.html("/avatar.svg"), "context": x.context,
		"description": x.description, "state": x.state, "commit": s.commitJSON(r, c), "branches": branches,
		"created_at": stamp(x.created), "updated_at": stamp(x.created),
	})
	return nil
}
