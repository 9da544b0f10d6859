package sandbox

import (
	"time"

	"ferry/forge"
)

// armed is that somebody has told the forge to merge a pull request by itself.
type armed struct {
	by    *account
	at    time.Time
	place int64 // of those that were queued at that time
}

// enableAutoMerge arms a pull request (docs.github.com, "Automatically merging a pull request"): it is merged in the person's name once all requirements
// are met. GitHub refuses where they are met already.
func (s *Sandbox) enableAutoMerge(r *repository, t *thread, who *account) error {
	p := t.pull
	switch {
	case !t.open:
		return unprocessable("Can't enable auto-merge for this pull request")
	case p.draft:
		return unprocessable("Pull request is in draft state")
	case p.auto != nil:
		return unprocessable("Auto merge is already enabled for this pull request")
	}
	refused, err := r.judge(move{branch: p.base, before: p.baseSHA, after: p.headSHA, who: who, pull: t})
	if err != nil {
		return err
	}
	if refused.none() {
		return unprocessable("Pull request is in clean status")
	}
	p.auto = &armed{by: who, at: s.now()}
	return s.emitPull(r, t, "auto_merge_enabled", who, object{"reason": ""})
}

func (s *Sandbox) disableAutoMerge(r *repository, t *thread, who *account) error {
	if t.pull.auto == nil {
		return unprocessable("Can't disable auto-merge for this pull request")
	}
	t.pull.auto = nil
	return s.emitPull(r, t, "auto_merge_disabled", who, object{"reason": "Auto-merge was disabled"})
}

// disarmStranger disarms what somebody without write permission pushed to (docs.github.com, "Automatically merging a pull request"). Pushes of those who may
// write leave it armed.
func (s *Sandbox) disarmStranger(r *repository, t *thread, who *account) error {
	if !t.open || t.pull.auto == nil || r.role(who) >= forge.PermissionWrite {
		return nil
	}
	t.pull.auto = nil
	return s.emitPull(r, t, "auto_merge_disabled", who, object{"reason": "Head branch was pushed to by a user without write access"})
}

// enqueue adds a pull request to the merge queue of its base. Where no rule asks for a queue, the sandbox's waits until MergeQueued is called.
func (s *Sandbox) enqueue(r *repository, t *thread, who *account) error {
	if !t.open || t.pull.queued != nil {
		return unprocessable("Pull request is already in the queue, or cannot be merged")
	}
	if r.queues(t.pull.base) {
		if err := s.mayQueue(r, t, who); err != nil {
			return err
		}
	}
	t.pull.auto, t.pull.queued = nil, &armed{by: who, at: s.now(), place: s.st.nextID()}
	if err := s.emitPull(r, t, "enqueued", who, nil); err != nil {
		return err
	}
	return s.settleQueue(r, t.pull.base)
}

func (s *Sandbox) dequeue(r *repository, t *thread, who *account) error {
	if t.pull.queued == nil {
		return unprocessable("Pull request is not in the merge queue")
	}
	t.pull.queued = nil
	if err := s.emitPull(r, t, "dequeued", who, object{"reason": "MANUAL"}); err != nil {
		return err
	}
	return s.settleQueue(r, t.pull.base)
}

// mergeArmed merges what is armed and has everything that it needs. Whatever may meet a requirement calls it.
func (s *Sandbox) mergeArmed(r *repository) error {
	for _, t := range r.pullRequests() {
		p := t.pull
		if !t.open || p.auto == nil {
			continue
		}
		by := p.auto.by
		if r.queues(p.base) {
			if s.mayQueue(r, t, by) == nil {
				if err := s.enqueue(r, t, by); err != nil {
					return err
				}
			}
			continue
		}
		refused, err := r.judge(move{branch: p.base, before: p.baseSHA, after: p.headSHA, who: by, pull: t})
		if err != nil {
			return err
		}
		if !refused.none() {
			continue
		}
		p.auto = nil
		if _, err := s.merge(r, t, mergeOrder{}, by); err != nil {
			return err
		}
	}
	for _, t := range r.pullRequests() {
		if t.pull.group == nil {
			continue
		}
		if err := s.settleQueue(r, t.pull.base); err != nil {
			return err
		}
	}
	return nil
}

// EnableAutoMerge arms a pull request as a person. It fails with GitHub's reason.
func (s *Sandbox) EnableAutoMerge(repo string, number int, as string) error {
	return wrap(s.actOnPull(repo, number, as, s.enableAutoMerge), "EnableAutoMerge", repo, number)
}

// DisableAutoMerge disarms a pull request as a person.
func (s *Sandbox) DisableAutoMerge(repo string, number int, as string) error {
	return wrap(s.actOnPull(repo, number, as, s.disableAutoMerge), "DisableAutoMerge", repo, number)
}

// Enqueue adds a pull request to the merge queue as a person.
func (s *Sandbox) Enqueue(repo string, number int, as string) error {
	return wrap(s.actOnPull(repo, number, as, s.enqueue), "Enqueue", repo, number)
}

// Dequeue takes a pull request out of the merge queue as a person.
func (s *Sandbox) Dequeue(repo string, number int, as string) error {
	return wrap(s.actOnPull(repo, number, as, s.dequeue), "Dequeue", repo, number)
}

// MergeQueued merges what stands in the merge queue and may be merged, in the order in which it was added, in its enqueuers' names.
func (s *Sandbox) MergeQueued(repo string) error {
	return wrap(s.actAnyhow(repo, func(r *repository) error {
		for _, t := range r.pullRequests() {
			if !t.open || t.pull.queued == nil {
				continue
			}
			by := t.pull.queued.by
			t.pull.queued = nil
			if _, err := s.merge(r, t, mergeOrder{}, by); err != nil {
				return err
			}
		}
		return nil
	}), "MergeQueued", repo, "")
}

// actAnyhow does something in a repository that no person does.
func (s *Sandbox) actAnyhow(repo string, do func(*repository) error) error {
	s.mu.Lock()
	defer s.settle()
	r := s.st.repo(repo)
	if r == nil {
		return fail(404, "there is no repository %s", repo)
	}
	return do(r)
}

// autoMergeJSON is auto_merge of a pull request.
func (s *Sandbox) autoMergeJSON(p *pull) any {
	if p.auto == nil {
		return nil
	}
	return object{"enabled_by": s.userJSON(p.auto.by), "merge_method": string(forge.MergeCommit), "commit_title": "", "commit_message": ""}
}
